"""Fits of records: figures that the docs give.

python benchmarks/record_fits.py joint              records of the steady state beside ξ, P, Jy: what they add
python benchmarks/record_fits.py alarms 100         fits of right data that are called a misfit, surprising, unhealthy
python benchmarks/record_fits.py published          γm = 0.83 and γ = 0.27 ms⁻¹, with two uncertainties
python benchmarks/record_fits.py photocurrent 8     raw photocurrents to posteriors: bias
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import ConstantRun, Experiment, Known, PhotocurrentPlan, RecordSeries, SeriesPlan, StageEntry
from dissentangle.datasets.simulation.make_bundled import FIG2D, LIGHTS_OF_FIG2D
from dissentangle.datasets.simulation.simulate import measured
from dissentangle.inference.checks import assess

LIGHTS = "[drive+pump+repump]"
KNOWN = {"squeezing_limit": Known(0.16, 0.005), "detection_efficiency": Known(0.84, 0.03)}


def joint(_: int) -> None:
    times, nothing = np.linspace(1, 30, 30), np.zeros((2, 500, 100), np.float32)
    whole = Experiment(
        title="simulated: populations that move, and records of their steady state",
        simulated=True,
        stages=tuple(
            StageEntry(d, LIGHTS_OF_FIG2D, run) for run, d in (("main", 30.0), ("hour", 10.0), ("kicked", 10.0))
        ),
        series=(
            SeriesPlan("xi", times, 3000, noise="gamma", scale_uncertainty=0.04),
            SeriesPlan("polarization", times, 0.005),
            SeriesPlan("transverse_spin", times, 0.01),
        ),
        records=(RecordSeries("record", nothing, 0.1, run="hour"), RecordSeries("kicked", nothing, 0.1, run="kicked")),
        constant={"hour": ConstantRun("steady", "steady"), "kicked": ConstantRun("steady")},
        apparatus=KNOWN | {"optical_depth": Known(55, 2.75)},
    )
    truth = {k: v for k, v in datasets.PAPER.items() if "[" not in k} | {
        f"dephasing_rate{LIGHTS}": datasets.PAPER[f"dephasing_rate{LIGHTS}"], "initial_xi[kicked]": 3.0
    }  # fmt: skip
    for name in ("faraday_angle", "classical_noise", "quadratic_zeeman", "projection_noise_slope"):
        truth.pop(name)
    made = measured(whole, truth, "microscopic", 3)
    alone = replace(made, records=(), constant={}, stages=made.stages[:1])
    for what, experiment in (("with records", made), ("without", alone)):
        fit = inference.fit(datasets.to_tree(experiment), seed=1)
        found = {name: fit["posterior"][name].values for name in ("collective_rate", "dephasing_rate")}
        print(what, *(f"{name} {draws.mean():.4f} ± {draws.std():.4f}" for name, draws in found.items()))


def alarms(number: int) -> None:
    like = replace(datasets.read("fig2d-hybrid"), truth=None)
    for repetitions in (200, 20, 3):
        few = replace(like, records=tuple(replace(r, samples=r.samples[:, :repetitions]) for r in like.records))
        count = dict.fromkeys(("misfit", "surprising", "unhealthy"), 0)
        for k in range(number):
            fit = inference.fit(datasets.to_tree(measured(few, FIG2D, "microscopic", 3000 + k)), seed=k)
            judged = assess(fit)
            count["misfit"] += judged.status == "misfit"
            count["surprising"] += bool(judged.surprises)
            count["unhealthy"] += judged.status == "unhealthy"
        print(f"2 × {repetitions} records, {number} fits: {count}", flush=True)


def published(_: int) -> None:
    numbers = datasets.read("krauter2011-hybrid")
    for relative in (0.1, 0.01):
        exact = tuple(replace(o, sigma=relative * o.value) for o in numbers.observations)
        fit = inference.fit(datasets.to_tree(replace(numbers, observations=exact)), seed=1, draws=4000)
        draws = {name: fit["posterior"][name].values.ravel() for name in ("swap_rate", "bath_noise")}
        draws |= {n: fit["derived"][n].values.ravel() for n in ("unconditional_xi", "steady_conditional_xi")}
        print(f"± {100 * relative:g} %: P(ξ_cond < 1) = {(draws['steady_conditional_xi'] < 1).mean():.3f}")
        for name, of_it in draws.items():
            print(f"  {name}: 3 %, 50 %, 97 % {np.quantile(of_it, (0.03, 0.5, 0.97)).round(3).tolist()}")
        for low, high in ((0.05, 0.08), (0.08, 0.12), (0.12, 0.16), (0.16, 0.2)):
            some = (draws["swap_rate"] > low) & (draws["swap_rate"] < high)
            print(f"  γs {low} to {high}: ξ_cond {np.median(draws['steady_conditional_xi'][some]):.2f}")


def photocurrent(number: int) -> None:
    names = ("swap_rate", "extra_decay_rate", "bath_noise", "shot_noise_level")
    truth = np.array([FIG2D.get(f"{name}{LIGHTS}", FIG2D.get(name)) for name in names])
    found = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        datasets.write_photocurrent(place / "light.h5", PhotocurrentPlan(records=2000, atoms=False), seed=99)
        for seed in range(10, 10 + number):
            datasets.write_photocurrent(place / "atoms.h5", PhotocurrentPlan(records=1500), seed=seed)
            records = datasets.demodulate(
                place / "atoms.h5", larmor="322 kHz", interval="0.1 ms", length="10 ms", shot_noise=place / "light.h5"
            )
            experiment = Experiment(
                title="simulated photocurrent",
                simulated=True,
                stages=(StageEntry(12.0, LIGHTS_OF_FIG2D),),
                records=(datasets.record_series(records),),
                constant={"main": ConstantRun()},
                apparatus={"squeezing_limit": Known(0.16, 0.0005), "detection_efficiency": Known(0.84, 0.003)},
                priors={"initial_xi": "lognormal(1, 0.002)"},
            )
            posterior = inference.fit(datasets.to_tree(experiment), seed=1)["posterior"]
            found.append([(posterior[name].values.mean(), posterior[name].values.std()) for name in names])
    mean, error = np.mean(found, axis=0).T
    for k, name in enumerate(names):
        score = (mean[k] - truth[k]) / error[k] * np.sqrt(number)
        print(f"{name}: true {truth[k]:g}, average {mean[k]:.4f} ± {error[k] / np.sqrt(number):.4f}, z = {score:+.1f}")


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    {"joint": joint, "alarms": alarms, "published": published, "photocurrent": photocurrent}[sys.argv[1]](number)
