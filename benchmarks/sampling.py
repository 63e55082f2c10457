"""Sampling of every bundled set over many seeds: effective draws, gradients, divergences, time.

python benchmarks/sampling.py [SEEDS]
"""

from __future__ import annotations

import sys
import time

import numpy as np
from arviz_stats.base import array_stats

from dissentangle import datasets
from dissentangle.inference.engine import start_of
from dissentangle.inference.model import Problem, SamplerSettings, model_of
from dissentangle.inference.sampling import sample
from dissentangle.inference.sampling.coordinates import coordinates
from dissentangle.inference.sampling.sample import prepare


def main() -> None:
    """One line per data set: worst ESS and R-hat over the seeds, medians of rates and times, sums of the rest."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    header = ("data set", "min ESS bulk", "tail", "R-hat", "ESS/1000 grad", "ESS/s", "s", "divergent", "resampled")
    print("{:24}{:>13}{:>7}{:>8}{:>15}{:>8}{:>7}{:>11}{:>11}".format(*header))
    for name in datasets.names():
        problem = Problem(datasets.read(name))
        model = model_of(problem)
        beginning = start_of(model)
        chosen = coordinates(problem, beginning.labels, beginning.centre)
        ready = prepare(model, start=beginning, coordinates=chosen)
        rows = []
        for seed in range(seeds):
            start = time.perf_counter()
            drawn = sample(ready, SamplerSettings(seed))
            elapsed = time.perf_counter() - start
            flat = np.concatenate([v.reshape(*v.shape[:2], -1) for v in drawn.variables.values()], axis=2)
            columns = [flat[..., k] for k in range(flat.shape[2])]
            axes = {"chain_axis": 0, "draw_axis": 1}
            bulk = min(float(array_stats.ess(c, method="bulk", **axes)) for c in columns)
            tail = min(float(array_stats.ess(c, method="tail", prob=(0.05, 0.95), **axes)) for c in columns)
            rhat = max(float(array_stats.rhat(c, method="rank", **axes)) for c in columns)
            gradients = int(drawn.statistics["n_steps"].sum())
            divergent = int(drawn.statistics["diverging"].sum())
            rows.append(
                (bulk, tail, rhat, 1000 * bulk / gradients, bulk / elapsed, elapsed, divergent, drawn.attempts > 1)
            )
        r = np.array(rows, float)
        worst = (r[:, 0].min(), r[:, 1].min(), r[:, 2].max())
        middle = (np.median(r[:, 3]), np.median(r[:, 4]), np.median(r[:, 5]))
        print(
            f"{name:24}{worst[0]:13.0f}{worst[1]:7.0f}{worst[2]:8.4f}{middle[0]:15.0f}{middle[1]:8.0f}{middle[2]:7.2f}"
            f"{int(r[:, 6].sum()):11d}{int(r[:, 7].sum()):8d}/{seeds}",
            flush=True,
        )


if __name__ == "__main__":
    main()
