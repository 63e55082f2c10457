"""Do the intervals of rates that are averaged over both closures hold the truth, whichever closure made the data?

python benchmarks/averaged_rates.py [DATA SETS A CLOSURE]

Data sets like fig2b-d55, as in which_closure.py, fitted by both closures: how often the 94 % interval of each rate
holds its true value, and the mean width of that of dΓ, by each model and by the averages of `compare`.
"""

from __future__ import annotations

import sys

import numpy as np
from which_closure import CLOSURES, simulated

from dissentangle import inference
from dissentangle.datasets import Experiment
from dissentangle.inference.comparison import Comparison
from dissentangle.inference.text import truth_of

RATES = ("collective_rate", "light_loss_rate", "collision_rate", "dephasing_rate[drive]")
ENDS = (0.03, 0.97)


def intervals(experiment: Experiment, seed: int) -> dict[str, dict[str, tuple[float, float]]]:
    """By a closure or an average → rate → ends of its central 94 % interval."""
    fits = {c: inference.fit(experiment, closure=c, seed=seed + 1, draws=1000, cores=1) for c in CLOSURES}
    found: Comparison = inference.compare(fits)
    by = {m.name: {x: tuple(np.quantile(m.draws[x], ENDS)) for x in RATES} for m in found.models}
    return by | {one.by: {x: (one.rates[x].low, one.rates[x].high) for x in RATES} for one in found.averages}


def main() -> None:
    """A row per closure that made the data and way to the interval."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    print(f"| made by | interval by | {' | '.join(RATES)} | mean width of dΓ, ms⁻¹ |")
    print("|---" * (len(RATES) + 3) + "|", flush=True)
    for truth in CLOSURES:
        inside: dict[str, list[list[bool]]] = {}
        width: dict[str, list[float]] = {}
        for seed in range(count):
            experiment = simulated(truth, seed, 1.0, 1.0)
            true = truth_of(experiment)
            for by, ends in intervals(experiment, seed).items():
                inside.setdefault(by, []).append([ends[x][0] <= true[x] <= ends[x][1] for x in RATES])
                width.setdefault(by, []).append(float(np.subtract(*ends[RATES[0]][::-1])))
        for by, hits in inside.items():
            cells = [f"{share:.2f}" for share in np.mean(hits, axis=0)]
            print(f"| {truth} | {by} | {' | '.join(cells)} | {np.mean(width[by]):.3f} |", flush=True)


if __name__ == "__main__":
    main()
