"""Does sampling ten times as long move a posterior? Where true values lie in it, by 4 × 1000 and by 4 × 10,000 draws.

python benchmarks/longer_sampling.py [SIMULATIONS] [NAME] [MODEL]     60, laboratory-d55, microscopic+gaussian

Calibration sees what is wrong by a few per cent in 500 experiments; the difference of two samplings of the same
experiment is free of the scatter between experiments, and shows far smaller faults of the sampler.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from dissentangle.inference.campaigns.simulated_ranks import simulated_experiment
from dissentangle.inference.fits import derived_quantities, sample_posterior
from dissentangle.inference.model import SamplerSettings, pose

SHORT = SamplerSettings(1, draws=1000, tune=500, cores=1)
LONG = replace(SHORT, draws=10_000, tune=3000)
_OF_DERIVED = 1000
"""Draws of which derived quantities are computed."""


def places(name: str, model: str, k: int) -> list[dict[str, float]]:
    """The share of the draws below the true value, of every quantity, by the short and by the long sampling."""
    problem = pose(name, model=model)
    rng = np.random.default_rng([1, k])
    experiment, truth = simulated_experiment(problem, rng)
    problem = replace(problem, experiment=experiment)
    rows = []
    for sampler in (SHORT, LONG):
        found = sample_posterior(problem, replace(sampler, seed=int(rng.integers(2**62))))
        row = {u.label: float(np.mean(found.values[u.label] < truth[u.label][0])) for u in problem.free}
        few = slice(None, None, sampler.draws * sampler.chains // _OF_DERIVED)
        posterior = {label: v[few] if isinstance(v, np.ndarray) else v for label, v in found.values.items()}
        true = derived_quantities(problem, truth)
        for quantity, (_, entries, array) in derived_quantities(problem, posterior).items():
            for column, entry in enumerate(entries):
                row[f"{quantity}[{entry}]"] = float(np.mean(array[:, column] < true[quantity][2][0, column]))
        rows.append(row)
    return rows


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    data_set = sys.argv[2] if len(sys.argv) > 2 else "laboratory-d55"
    rival_name = sys.argv[3] if len(sys.argv) > 3 else "microscopic+gaussian"
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        pairs = list(pool.map(partial(places, data_set, rival_name), range(number)))
    print("| quantity | moved by | standard error |\n|---|---|---|")
    for label in pairs[0][0]:
        moved = np.array([long[label] - short[label] for short, long in pairs])
        print(f"| {label} | {moved.mean():+.4f} | {moved.std(ddof=1) / np.sqrt(number):.4f} |")
