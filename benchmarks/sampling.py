"""Sampling of every bundled set, and of growing ones, over many seeds: effective draws, gradients, divergences, time.

python benchmarks/sampling.py [SEEDS [SET ...]]

SET: a bundled one, a number of points per series of data like fig2b-d55, or 30x for 30 such experiments jointly. ESS
per 1000 gradients is that of a first run of 4 × 1000 draws, without those before them; resampled: how often `sample`
would not be content with it: transitions diverge, or chains have not converged.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from arviz_stats.base import array_stats
from scaling import points

from dissentangle import datasets
from dissentangle.datasets import Experiment
from dissentangle.inference.model import Problem, SamplerSettings
from dissentangle.inference.sampling import prepared

SIZES = (30, 1000, 10000)


def experiment(name: str) -> Experiment:
    """See SET above."""
    if name[:-1].isdigit() and name.endswith("x"):
        like = datasets.read("fig2b-d55")
        made = {f"m{k}": datasets.from_tree(datasets.simulate_like(like, seed=k)) for k in range(int(name[:-1]))}
        return datasets.joint(made)
    return points(int(name)) if name.isdigit() else datasets.read(name)


def main() -> None:
    """One line per data set: worst ESS and R-hat over the seeds, medians of rates and times, sums of the rest."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    header = (
        "data set",
        "n",
        "min ESS bulk",
        "tail",
        "R-hat",
        "ESS/1000 grad",
        "lowest",
        "s",
        "divergent",
        "resampled",
    )
    print("{:24}{:>4}{:>14}{:>7}{:>8}{:>15}{:>8}{:>8}{:>11}{:>11}".format(*header))
    for name in sys.argv[2:] or [*datasets.names(), *map(str, SIZES)]:
        ready = prepared(Problem(experiment(name)))
        rows = []
        for seed in range(seeds):
            start = time.perf_counter()
            drawn = ready.draw(SamplerSettings(seed), None)
            elapsed = time.perf_counter() - start
            flat = np.concatenate([v.reshape(*v.shape[:2], -1) for v in drawn.variables.values()], axis=2)
            columns = [flat[..., k] for k in range(flat.shape[2]) if np.ptp(flat[..., k]) > 0]
            axes = {"chain_axis": 0, "draw_axis": 1}
            bulk = min(float(array_stats.ess(c, method="bulk", **axes)) for c in columns)
            tail = min(float(array_stats.ess(c, method="tail", prob=(0.05, 0.95), **axes)) for c in columns)
            rhat = max(float(array_stats.rhat(c, method="rank", **axes)) for c in columns)
            gradients = int(drawn.statistics["n_steps"].sum())
            divergent = int(drawn.statistics["diverging"].sum())
            again = divergent > 0 or not drawn.converged
            rows.append((bulk, tail, rhat, 1000 * bulk / gradients, elapsed, divergent, again))
        r = np.array(rows, float)
        worst = (r[:, 0].min(), r[:, 1].min(), r[:, 2].max())
        print(
            f"{name:24}{ready.compiled.density.dimension:4d}{worst[0]:14.0f}{worst[1]:7.0f}{worst[2]:8.4f}"
            f"{np.median(r[:, 3]):15.0f}{r[:, 3].min():8.0f}{np.median(r[:, 4]):8.2f}"
            f"{int(r[:, 5].sum()):11d}{int(r[:, 6].sum()):8d}/{seeds}",
            flush=True,
        )


if __name__ == "__main__":
    main()
