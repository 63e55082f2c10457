"""How many repetitions R, and which times, tell the closures apart? A power study before the measurement.

    python examples/power_study.py [DATA SETS] [PROCESSES]

ξ at ten times, with a common scale error of 4 %; P and Jy at thirty times, ± 0.003. For each plan: simulated
experiments of either closure at the paper's parameters, both closures fitted to each, and the share of experiments
with a Bayes factor of at least e³ = 20 for the one that made the data (in brackets: against it).
"""

import sys
from concurrent.futures import Executor

import numpy as np
from loky import get_reusable_executor

from dissentangle import datasets, inference
from dissentangle.datasets import SeriesPlan, StageEntry

CLOSURES = ("microscopic", "fixed-number")
REPETITIONS = (100, 1000, 10_000)
TIMES = {
    "early, to 8 ms": np.linspace(0.5, 8, 10),
    "late, 12 to 20 ms": np.linspace(12, 20, 10),
    "all, to 20 ms": np.linspace(2, 20, 10),
}
OTHERS, ERROR = np.linspace(0.7, 20, 30), 0.003
STRONG = 3.0


def bayes_factor(closure: str, times: np.ndarray, repetitions: int, seed: int) -> float:
    """ln B of the closure that made the data, over the other one."""
    plans = [
        SeriesPlan("xi", times, repetitions, "gamma", scale_uncertainty=0.04),
        SeriesPlan("polarization", OTHERS, ERROR),
        SeriesPlan("transverse_spin", OTHERS, ERROR),
    ]
    stages = [StageEntry(20.0, frozenset({"drive"}))]
    data = datasets.simulate(stages, plans, closure=closure, seed=seed)
    evidence = {
        name: inference.bridge_evidence(inference.fit(data, closure=name, seed=seed, draws=500, cores=1)).log_evidence
        for name in CLOSURES
    }
    return 2 * evidence[closure] - sum(evidence.values())


def power(pool: Executor, times: np.ndarray, repetitions: int, count: int) -> tuple[float, float]:
    """Share of the experiments that tell the right closure, and of those that tell the wrong one, strongly."""
    jobs = [pool.submit(bayes_factor, closure, times, repetitions, 1 + k) for closure in CLOSURES for k in range(count)]
    factors = np.array([job.result() for job in jobs])
    return float(np.mean(factors > STRONG)), float(np.mean(factors < -STRONG))


def main(count: int, processes: int) -> None:
    pool = get_reusable_executor(processes)
    print(f"{2 * count} simulated experiments a cell: shares are good to ± {0.5 / np.sqrt(2 * count):.0%}\n")
    print("times of ξ            " + "".join(f"{f'R = {r}':>16}" for r in REPETITIONS))
    for name, times in TIMES.items():
        cells = [power(pool, times, repetitions, count) for repetitions in REPETITIONS]
        print(f"{name:22}" + "".join(f"{f'{right:.0%} ({wrong:.0%})':>16}" for right, wrong in cells), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
