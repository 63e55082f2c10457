"""Do the intervals of the default fit hold the truth, whatever share of its projection noise a lost atom takes along?

    python benchmarks/closure_coverage.py [SETS PER SHARE]

Data sets like fig2b-d55 (the paper's parameters, times and noise) with c = 0 (fixed-number), 0.25, 0.5, 0.75 and 1
(microscopic), each fitted by default, where c is unknown. Printed: how many 94 % intervals hold the truth of each rate,
and its mean z-score. Last, by reweighting the draws: the least and greatest share of 94 % intervals of the rates that
hold the truth, at each c, with other priors beta(a, a).
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import read
from dissentangle.inference.fits import Fit

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
RATES = ("collective_rate", "light_loss_rate", "collision_rate", "pure_dephasing_rate[drive]", "dephasing_rate[drive]",
         "loss_noise_share")  # fmt: skip


POWERS = (1.0, 0.5, 0.3)
"""a of the priors beta(a, a) of c."""


def study(share: float, sets: int) -> tuple[np.ndarray, np.ndarray]:
    """A row per set: for each rate whether its interval holds the truth, its z-score; whether the fit is healthy.

    And whether its intervals with other priors of c hold the truth, (sets, priors, rates).
    """
    rows, others = [], []
    for k in range(1, sets + 1):
        data = read(datasets.simulate_like(read("fig2b-d55"), {"loss_noise_share": share}, closure="open", seed=k))
        truth = dict(data.truth.parameters)
        truth["pure_dephasing_rate[drive]"] = 0.12579
        fit = inference.fit(replace(data, truth=None), seed=k, cores=1)
        of_rates = fit["summary"].dataset.sel(parameter=list(RATES))
        mean, sd, low, high = (of_rates[name].values for name in ("mean", "sd", "low", "high"))
        true = np.array([truth[label] for label in RATES])
        rows.append([*((low <= true) & (true <= high)), *((mean - true) / sd), fit.attrs["healthy"]])
        draws = {label: values.ravel() for label, values in Fit(fit).by_label(derived=True).items()}
        c = np.clip(draws["loss_noise_share"], 1e-9, 1 - 1e-9)
        by_prior = [[shortest(draws[label], (c * (1 - c)) ** (a - 0.5)) for label in RATES[:-1]] for a in POWERS]
        others.append([[low <= t <= high for t, (low, high) in zip(true, ends, strict=False)] for ends in by_prior])
    return np.array(rows, dtype=float), np.array(others, dtype=float)


def shortest(values: np.ndarray, weights: np.ndarray, share: float = 0.94) -> tuple[float, float]:
    """The shortest interval with a share of weighted draws."""
    order = np.argsort(values)
    x, below = values[order], np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
    ends = np.searchsorted(below[1:], below[:-1] + share - 1e-12)
    inside = np.flatnonzero(ends < len(x))
    best = inside[np.argmin(x[ends[inside]] - x[inside])]
    return float(x[best]), float(x[ends[best]])


def main() -> None:
    """One row per share."""
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    print(f"{'c':>5} " + " ".join(f"{label:>28}" for label in RATES) + "  healthy")
    every, others = [], []
    for share in SHARES:
        found, other = study(share, sets)
        every.append(found)
        others.append(other.mean(0))
        line(f"{share:5.2f}", found)
    line("  all", np.concatenate(every))
    for k, a in enumerate(POWERS):
        cells = [
            f"c = {share:g}: {one[k].min():.2f}–{one[k].max():.2f}" for share, one in zip(SHARES, others, strict=True)
        ]
        together = np.mean(others, axis=0)[k]
        print(f"beta({a:g}, {a:g}): {', '.join(cells)}, all: {together.min():.2f}–{together.max():.2f}")


def line(name: str, found: np.ndarray) -> None:
    """Coverage and mean z-score of each rate."""
    n = len(RATES)
    cells = [
        f"{inside:.3f} (z {z:+.1f})" for inside, z in zip(found[:, :n].mean(0), found[:, n:-1].mean(0), strict=True)
    ]
    print(
        f"{name} " + " ".join(f"{cell:>28}" for cell in cells) + f"  {int(found[:, -1].sum())} of {len(found)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
