"""How a fit grows with points per series (3 series each) and with experiments in one joint fit; table and figure.

python benchmarks/scaling.py [FIGURE]

The joint fit has one set of rates and a scale of ξ of its own for every experiment. Gradients through Python's ctypes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from gradient import microseconds

from dissentangle import datasets
from dissentangle.datasets import Experiment, SeriesPlan, read
from dissentangle.datasets.files import write_tree
from dissentangle.inference.engine import compile_model
from dissentangle.inference.fits import fit_problem
from dissentangle.inference.model import Problem, SamplerSettings, model_of
from dissentangle.inference.sampling.prepared import KEPT

POINTS = (10, 30, 100, 300, 1000, 3000, 10000)
EXPERIMENTS = (1, 2, 5, 10, 20)
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
    """So many runs like fig2b-d55, each with noise, times and a scale of its own."""
    stages, series = [], []
    like = read("fig2b-d55")
    for k in range(count):
        made = datasets.from_tree(datasets.simulate_like(like, seed=k))
        run = "main" if k == 0 else f"run {k}"
        stages += [replace(stage, run=run) for stage in made.stages]
        shift = 1 - 0.01 * k / count
        series += [replace(s, name=f"{s.name}-{k}", run=run, x=s.x * shift) for s in made.series]
    return replace(like, stages=tuple(stages), series=tuple(series), truth=None)


def measured(experiment: Experiment) -> tuple[list[float], float, int]:
    """The parts, the least bulk ESS, and how often it was sampled (again after divergences)."""
    start = time.perf_counter()
    model = model_of(Problem(experiment))
    built = time.perf_counter()
    density = compile_model(model).density
    compiled = time.perf_counter()
    x, gradient, value = np.zeros(density.dimension), np.empty(density.dimension), np.empty(1)
    arguments = (density.dimension, *(array.ctypes.data for array in (x, gradient, value, density.data)))
    each = microseconds(lambda: density._logp(*arguments))
    KEPT.clear()
    begin = time.perf_counter()
    fit = fit_problem(Problem(experiment), SamplerSettings(1, draws=DRAWS, tune=DRAWS))
    with tempfile.TemporaryDirectory() as folder:
        write_tree(fit, Path(folder) / "fit.nc")
    whole = time.perf_counter() - begin
    import json

    sampling = json.loads(fit.attrs["timings"])["sample"]
    ess = float(fit["summary"]["ess_bulk"].min())
    return [built - start, compiled - built, each, sampling, whole], ess, int(fit.attrs["attempts"])


def table(title: str, counts: tuple[int, ...], make: Callable[[int], Experiment]) -> np.ndarray:
    """Measure, print, return the parts (counts, parts)."""
    print(f"\n| {title} | {' | '.join(PARTS)} | least ESS | sampled |\n{'|---' * (len(PARTS) + 3)}|", flush=True)
    rows = []
    for count in counts:
        parts, ess, attempts = measured(make(count))
        rows.append(parts)
        print(f"| {count} | {' | '.join(f'{part:.3g}' for part in parts)} | {ess:.0f} | {attempts} |", flush=True)
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
        axis.loglog(ends, rows[-1, 4] * ends / ends[-1], "k:", lw=0.9, label="linear")
        axis.set_xlabel(f"{name} in one fit")
        axis.set_ylabel("seconds")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, frameon=False)
    drawn.suptitle("Simulated data like fig2b-d55, 4 × (200 + 200) draws, 2 cores", fontsize=9)
    drawn.savefig(path, dpi=130)


def main() -> None:
    """Tables, and the figure where a name for it is given."""
    fit_problem(Problem(read("fig2b-d55")), SamplerSettings(1, draws=100))  # imports
    by_points = table("points per series", POINTS, points)
    by_experiments = table("experiments", EXPERIMENTS, experiments)
    if len(sys.argv) > 1:
        figure(sys.argv[1], by_points, by_experiments)


if __name__ == "__main__":
    main()
