"""Series of different days, fitted as if of one day and by the model `days`: shift and width of the rates.

    python benchmarks/days.py [SETS [FIRST_SEED]]

Data like `fig2b-d55`; ξ is of the first day, to which the true rates belong. Shifts are in standard deviations of each
posterior, mean over the sets; the last columns give how much wider the posteriors of the model `days` are.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, read
from dissentangle.inference.checks import assess

RATES = ("collective_rate", "pure_dephasing_rate[drive]", "light_loss_rate")
PURE = {"pure_dephasing_rate[drive]": 0.12}
FAULTS = {
    "one day": {},
    "d of P and Jy +15 %": {"day_depth[tuesday]": 1.15},
    "loss of P and Jy +10 %": {"day_loss[tuesday]": 1.1},
    "both": {"day_depth[tuesday]": 1.15, "day_loss[tuesday]": 1.1},
}


def made(faults: dict[str, float], seed: int) -> Experiment:
    """ξ of monday, P and Jy of tuesday; the days are not in what is returned."""
    plain = read("fig2b-d55")
    dated = [replace(s, day="monday" if s.kind == "xi" else "tuesday") for s in plain.series]
    found = read(datasets.simulate_like(replace(plain, series=tuple(dated)), PURE | faults, seed=seed))
    return replace(found, series=tuple(replace(s, day="") for s in found.series))


def main() -> None:
    """All faults, by both models."""
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for fault, factors in FAULTS.items():
        widths = {}
        for model in ("as-given", "days"):
            shifts, sds, words = [], [], []
            for k in range(first, first + sets):
                data = made(factors, k)
                fit = inference.fit(replace(data, truth=None), seed=k, closure="microscopic", model=model)
                words.append(assess(fit).status)
                rows = fit["summary"].dataset
                mean, sd = (np.array([float(rows[x].sel(parameter=r)) for r in RATES]) for x in ("mean", "sd"))
                shifts.append((mean - [data.truth.parameters[r] for r in RATES]) / sd)
                sds.append(sd)
            widths[model] = np.mean(sds, axis=0)
            mean, worst = np.mean(shifts, axis=0), np.max(np.abs(shifts), axis=0)
            said = ", ".join(f"{words.count(w)} {w}" for w in dict.fromkeys(words))
            print(f"{fault:24s}{model:10s}", np.round(mean, 1), "worst", np.round(worst, 1), said, flush=True)
        print(f"{'':24s}wider by  ", np.round(widths["days"] / widths["as-given"], 2), flush=True)


if __name__ == "__main__":
    main()
