"""How a fit grows with points per series (3 series each) and with experiments in one joint fit; table and figure.

python benchmarks/scaling.py [FIGURE]

The joint fit has one set of rates, and d, n3(0) and a scale of ξ for every experiment. Times are CPU seconds, of all
cores together: they hardly depend on what else runs. Gradients through Python's ctypes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dissentangle import datasets
from dissentangle.datasets import Experiment, SeriesPlan, read
from dissentangle.datasets.files import write_tree
from dissentangle.inference.engine import compile_model
from dissentangle.inference.fits import fit_problem
from dissentangle.inference.model import Problem, SamplerSettings, model_of
from dissentangle.inference.sampling import prepared, sample
from dissentangle.inference.sampling.convergence import bulk_ess_and_rhat
from dissentangle.inference.sampling.prepared import FOLDER, KEPT

POINTS = (10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000)
EXPERIMENTS = (1, 2, 5, 10, 20, 50, 100)
DRAWS = 200
PARTS = ("model, s", "compile, s", "gradient, µs", "sampling, s", "whole fit and file, s")


def points(count: int) -> Experiment:
    """fig2b-d55 with so many points per series."""
    like = read("fig2b-d55")
    times = np.linspace(0.0, 20.0, count)
    plans = [
        SeriesPlan(s.kind, times, np.full(count, s.spread[0]), s.noise, s.name, s.scale_uncertainty, tail=s.tail)
        for s in like.series
    ]
    truth = {k: v for k, v in like.truth.parameters.items() if not k.startswith("scale")} if like.truth else {}
    made = datasets.simulate(
        like.run_stages("main"),
        plans,
        truth,
        closure="microscopic",
        seed=count,
        title="simulated",
        apparatus=like.apparatus,
    )
    return datasets.from_tree(made)


def experiments(count: int) -> Experiment:
    """So many experiments like fig2b-d55, fitted jointly."""
    like = read("fig2b-d55")
    made = {f"m{k}": datasets.from_tree(datasets.simulate_like(like, seed=k)) for k in range(count)}
    return datasets.joint(made) if count > 1 else made["m0"]


def ready(problem: Problem) -> list[float]:
    """Seconds for the model, seconds for its machine code, and µs per gradient; the number of unknowns."""
    start = time.process_time()
    model = model_of(problem)
    built = time.process_time()
    density = compile_model(model).density
    compiled = time.process_time()
    x, gradient, value = np.zeros(density.dimension), np.empty(density.dimension), np.empty(1)
    arguments = (density.dimension, *(array.ctypes.data for array in (x, gradient, value, density.data)))
    each = min(timeit.repeat(lambda: density._logp(*arguments), timer=time.process_time, number=100, repeat=10))
    return [built - start, compiled - built, 1e4 * each, density.dimension]


def sampled(problem: Problem) -> list[float]:
    """Seconds of sampling and of the whole fit; least effective draws, gradients, and how often it was sampled."""
    settings, made = SamplerSettings(1, draws=DRAWS, tune=DRAWS), prepared(problem)
    begin = time.process_time()
    drawn = sample(made, settings)
    seconds = time.process_time() - begin
    KEPT.clear()
    begin = time.process_time()
    fit = fit_problem(problem, settings)
    with tempfile.TemporaryDirectory() as folder:
        write_tree(fit, Path(folder) / "fit.nc")
    taken = time.process_time() - begin
    flat = np.concatenate([v.reshape(*v.shape[:2], -1) for v in drawn.variables.values()], axis=2)
    ess = bulk_ess_and_rhat(np.moveaxis(flat[..., np.ptp(flat, axis=(0, 1)) > 0], 2, 0))[0].min()
    return [seconds, taken, ess, drawn.statistics["n_steps"].sum(), drawn.attempts]


def measured(experiment: Experiment) -> tuple[list[float], str]:
    """The parts; unknowns, effective draws, those per 1000 gradients, how often it was sampled: the end of a row."""
    problem = Problem(experiment)
    *parts, unknowns = ready(problem)
    *seconds, ess, gradients, attempts = sampled(problem)
    return [*parts, *seconds], f"{unknowns} | {ess:.0f} | {1000 * ess / gradients:.0f} | {attempts}"


def table(title: str, counts: tuple[int, ...], make: Callable[[int], Experiment]) -> np.ndarray:
    """Measure, print, return the parts (counts, parts)."""
    header = (title, *PARTS, "unknowns", "least ESS", "per 1000 gradients", "sampled")
    print(f"\n| {' | '.join(header)} |\n{'|---' * len(header)}|", flush=True)
    rows = []
    for count in counts:
        parts, end = measured(make(count))
        rows.append(parts)
        print(
            f"| {count} | {' | '.join(f'{part:.3g}' for part in parts)} | {end} |",
            flush=True,
        )
    return np.array(rows)


def figure(path: str, by_points: np.ndarray, by_experiments: np.ndarray) -> None:
    """Both tables, doubly logarithmic, with a line of linear growth."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(9, 3.6), layout="constrained")
    for axis, counts, rows, name in zip(
        drawn.subplots(1, 2),
        (POINTS, EXPERIMENTS),
        (by_points, by_experiments),
        ("points per series", "experiments"),
        strict=True,
    ):
        for k, part in enumerate(PARTS):
            seconds = rows[:, k] * (1e-6 if "µs" in part else 1.0)
            axis.loglog(counts, seconds, "o-", ms=3, lw=1.2, label=part.split(",")[0])
        ends = np.array([counts[0], counts[-1]], float)
        axis.loglog(ends, rows[-1, 2] * 1e-6 * ends / ends[-1], "k:", lw=0.9, label="linear")
        axis.set_xlabel(f"{name} in one fit")
        axis.set_ylabel("CPU seconds")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, frameon=False)
    drawn.suptitle("Simulated data like fig2b-d55, 4 × (200 + 200) draws, 2 cores", fontsize=9)
    drawn.savefig(path, dpi=130)


def main() -> None:
    """Tables, and the figure where a name for it is given."""
    os.environ[FOLDER] = ""  # each fit makes its machine code
    fit_problem(Problem(read("fig2b-d55")), SamplerSettings(1, draws=100))  # imports
    by_points = table("points per series", POINTS, points)
    by_experiments = table("experiments", EXPERIMENTS, experiments)
    if len(sys.argv) > 1:
        figure(sys.argv[1], by_points, by_experiments)


if __name__ == "__main__":
    main()
