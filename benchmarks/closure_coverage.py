"""Do the intervals of the default fit hold the truth, whatever share of its projection noise a lost atom takes along?

    python benchmarks/closure_coverage.py [SETS PER SHARE]

Data sets like fig2b-d55 (the paper's parameters, times and noise) with c = 0 (fixed-number), 0.25, 0.5, 0.75 and 1
(microscopic), each fitted by default, where c is unknown. Printed: how many 94 % intervals hold the truth of each rate,
and its mean z-score.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import read

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
RATES = ("collective_rate", "light_loss_rate", "collision_rate", "pure_dephasing_rate[drive]", "dephasing_rate[drive]",
         "loss_noise_share")  # fmt: skip


def study(share: float, sets: int) -> np.ndarray:
    """A row per set: for each rate whether its interval holds the truth, its z-score; whether the fit is healthy."""
    rows = []
    for k in range(1, sets + 1):
        data = read(datasets.simulate_like(read("fig2b-d55"), {"loss_noise_share": share}, closure="open", seed=k))
        truth = dict(data.truth.parameters)
        truth["pure_dephasing_rate[drive]"] = 0.12579
        fit = inference.fit(replace(data, truth=None), seed=k, cores=1)
        of_rates = fit["summary"].dataset.sel(parameter=list(RATES))
        mean, sd, low, high = (of_rates[name].values for name in ("mean", "sd", "low", "high"))
        true = np.array([truth[label] for label in RATES])
        rows.append([*((low <= true) & (true <= high)), *((mean - true) / sd), fit.attrs["healthy"]])
    return np.array(rows, dtype=float)


def main() -> None:
    """One row per share."""
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    print(f"{'c':>5} " + " ".join(f"{label:>28}" for label in RATES) + "  healthy")
    every = []
    for share in SHARES:
        found = study(share, sets)
        every.append(found)
        line(f"{share:5.2f}", found)
    line("  all", np.concatenate(every))


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
