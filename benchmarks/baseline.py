"""Whose ± can be believed? The paper's fit, plain least squares and the posterior, on the same simulated experiments.

python benchmarks/baseline.py [EXPERIMENTS]

Experiments like fig2b-d55 (30 points of ξ, P, Jy over 20 ms) at the truth of that data set, each with noise of its own.
Three worlds:

calibrated  the truth of dΓ, Γ̃, Γcol, Γout_L is that of the data set; Z, d, and the scale of ξ differ from what the lab
            believes by as much as it says (± 0.005, ± 2.75, ± 4 %); microscopic closure
exact       Z, d and the scale are what the lab believes; microscopic closure
fixed       as the first, but nature and all fits follow the fixed-number closure, as the paper's slope formula does

Least squares three times: with the priors of the scale and of n3(0) as penalties; as a lab does that forgets the error
of the scale, n3(0) free; and so with n3(0) fixed to 0.01 (the truth), as the paper does it.
Bias: mean of (value − truth), with its standard error; scatter: sd of value − truth. Value: the estimate, or the
posterior's mean. Interval: value ± one and ± 1.88 of the ± (68 and 94 %); of the posterior the shortest that holds as
much. Where a parameter got no ± (at its bound), nothing is covered; how often, is printed. Median ±: of those given.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, read
from dissentangle.inference.fits import sample_posterior
from dissentangle.inference.model import ModelSettings, Problem, SamplerSettings
from dissentangle.inference.parallel import Task, run_tasks
from dissentangle.inference.sampling import highest_density
from dissentangle.inference.text import truth_of

RATES = ("collective_rate", "dephasing_rate[drive]", "collision_rate", "light_loss_rate", "radiative_rate")
EXACT = {"scale[xi]": "fixed(1)"}
METHODS = {
    "paper": None,
    "least squares": {},
    "least squares, scale 1": EXACT | {"initial_n3": "uniform(0, 0.3)"},
    "least squares, scale 1, n3(0) = 0.01": EXACT | {"initial_n3": "fixed(0.01)"},
    "posterior": None,
}
"""Priors of the least-squares fits."""
LEVELS = {0.68: 1.0, 0.94: 1.88}
WORLDS = {"calibrated": "microscopic", "exact": "microscopic", "fixed": "fixed-number"}


def simulated(world: str, seed: int) -> Experiment:
    """A simulated experiment; what its lab believes of Z, d and the scale of ξ is the bundled example's."""
    like = read("fig2b-d55")
    rng = np.random.default_rng([seed, 11])
    truth = {"collective_rate": like.truth.parameters["collective_rate"]}
    plans = like
    if world == "exact":
        plans = replace(like, series=tuple(replace(s, scale_uncertainty=0.0) for s in like.series))
    else:
        limit, depth = like.apparatus["squeezing_limit"], like.apparatus["optical_depth"]
        truth["squeezing_limit"] = float(rng.normal(limit.value, limit.sigma))
        truth["radiative_rate"] = truth["collective_rate"] / float(rng.normal(depth.value, depth.sigma))
    made = read(datasets.simulate_like(plans, truth, closure=WORLDS[world], seed=seed))
    uncertain = {s.name: s.scale_uncertainty for s in like.series}
    series = tuple(replace(s, scale_uncertainty=uncertain[s.name]) for s in made.series)
    return replace(made, series=series, apparatus=like.apparatus)


def estimates(world: str, seed: int) -> np.ndarray:
    """(methods, rates, 5): value − truth, and the ends of the 68 % and the 94 % interval − truth; NaN: none given."""
    experiment, closure = simulated(world, seed), WORLDS[world]
    truth = np.array([truth_of(experiment)[rate] for rate in RATES])
    fits = [inference.paper_fit(experiment)]
    fits += [
        inference.least_squares(experiment, closure=closure, priors=priors)
        for priors in METHODS.values()
        if priors is not None
    ]
    rows = []
    for fit in fits:
        value, error = (np.array([by_label[rate] for rate in RATES]) for by_label in (fit.values, fit.errors))
        rows.append([value, *(value + sign * z * error for z in LEVELS.values() for sign in (-1, 1))])
    sampled = sample_posterior(Problem(experiment, ModelSettings(closure)), SamplerSettings(seed, draws=500, cores=1))
    draws = np.stack([sampled.by_label[rate] for rate in RATES])
    rows.append([draws.mean(axis=(1, 2)), *(end for level in LEVELS for end in highest_density(draws, level))])
    return np.moveaxis(np.array(rows) - truth, 1, 2)


def summary(found: np.ndarray) -> None:
    """Print the table; `found` (experiments, methods, rates, 5)."""
    count = len(found)
    print("| rate | method | bias | scatter | coverage of 68 % | of 94 % | median ± |")
    print("|---|---|---|---|---|---|---|")
    for r, rate in enumerate(RATES):
        for m, method in enumerate(METHODS):
            value, low, high, lowest, highest = found[:, m, r].T
            spread = value.std(ddof=1)
            covered = [100 * np.mean((a <= 0) & (b >= 0)) for a, b in ((low, high), (lowest, highest))]
            width = np.nanmedian(0.5 * (high - low))
            print(
                f"| {rate} | {method} | {value.mean():+.5f} ± {spread / np.sqrt(count):.5f} | {spread:.5f} |"
                f" {covered[0]:.0f} % | {covered[1]:.0f} % | {width:.5f} |"
            )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for world, closure in WORLDS.items():
        rows: dict[str, np.ndarray] = {}

        def finished(task: Task, answer: np.ndarray | None, error: Exception | None, rows=rows) -> None:
            if answer is None:
                raise RuntimeError(f"{task.name}: no answer") from error
            rows[task.name] = answer

        run_tasks([Task(f"{k}", estimates, (world, k)) for k in range(count)], finished, cores=2)
        print(f"\n{world}: {count} simulated experiments, {closure} closure\n", flush=True)
        found = np.array(list(rows.values()))
        summary(found)
        without = np.isnan(found[..., 1]).sum(axis=0)
        for method, row in zip(METHODS, without, strict=True):
            if row.any():
                counts = (f"{rate} {number}" for rate, number in zip(RATES, row, strict=True) if number)
                print(f"\nwithout an error bar, {method}:", ", ".join(counts))


if __name__ == "__main__":
    main()
