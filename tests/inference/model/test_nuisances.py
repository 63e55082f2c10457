"""Nuisances by name: what each makes a parameter of, its gradient, and that it takes up the fault it is made for."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, Known, from_tree, joint, read, simulate_like
from dissentangle.inference.engine.compile import compile_model, start_of
from dissentangle.inference.engine.coordinate_map import plain
from dissentangle.inference.fits import Fit
from dissentangle.inference.model.priors import PriorError
from dissentangle.inference.model.problem import pose
from dissentangle.inference.model.pymc_model import model_of
from dissentangle.inference.model.rivals import rival
from dissentangle.inference.model.settings import ModelSettings

from ...seeds import SIGMA, seed

DRIVEN, DARK = read("fig2b-d55"), read("fig2c-dark")
ADDED = {
    "time-offset": {f"time_offset[{name}]": "normal(0, 0.2)" for name in ("xi", "polarization", "transverse_spin")},
    "common-time-offset": {"common_time_offset": "normal(0, 0.2)"},
    "gain-drift": {f"gain_drift[{name}]": "normal(0, 0.03)" for name in ("polarization", "transverse_spin")},
    "background": {f"offset[{name}]": "normal(0, 0.01)" for name in ("polarization", "transverse_spin")},
    "shot-noise-drift": {"offset_drift[xi]": "normal(0, 0.03)"},
    "correlated-noise": {
        f"noise_correlation[{name}]": "uniform(0, 0.95)" for name in ("xi", "polarization", "transverse_spin")
    },
    "discrepancy": {f"discrepancy[xi: {k}]": "normal(0, 1)" for k in range(1, 6)},
    "pump-leak-rate": {"pump_leak_rate": "halfnormal(0.02)"},
    "days": {
        "day_depth[transverse_spin]": "lognormal(1, 0.1)",
        "day_loss[polarization]": "lognormal(1, 0.1)",
        "day_loss[transverse_spin]": "lognormal(1, 0.1)",
    },
}


def priors(problem):
    return {p.label: str(p.prior) for p in problem.parameters}


@pytest.mark.parametrize("name", ADDED)
def test_what_a_nuisance_adds(name):
    before, after = priors(pose(DRIVEN)), priors(pose(DRIVEN, model=name))
    assert {label: text for label, text in after.items() if label not in before} == ADDED[name]
    assert {label: after[label] for label in before} == before


@pytest.mark.parametrize("name", ADDED)
def test_gradients_are_finite_differences(name):
    problem = pose(DARK, model=name)
    model = model_of(problem)
    start = start_of(model)
    density = compile_model(model, coordinates=plain(np.zeros(len(start.centre)))).density
    rng, steps = np.random.default_rng(seed(3)), 1e-5 * np.eye(len(start.centre))
    u = start.centre + 0.02 * rng.normal(size=len(start.centre))
    slope = density(u)[1]
    differences = [(density(u + step)[0] - density(u - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(slope, differences, rtol=1e-5, atol=1e-5 * abs(slope).max())
    new = [k for k, label in enumerate(start.labels) if label not in priors(pose(DARK))]
    assert new
    assert (slope[new] != 0).all()


def test_what_a_file_says_is_kept():
    said = replace(DRIVEN.series[0], time_offset_uncertainty=0.5)
    experiment = replace(DRIVEN, series=(said, *DRIVEN.series[1:]))
    found = priors(pose(experiment, model="time-offset"))
    assert found["time_offset[xi]"] == "normal(0, 0.5)"
    assert found["time_offset[polarization]"] == "normal(0, 0.2)"
    known = replace(DRIVEN, apparatus=DRIVEN.apparatus | {"common_time_offset": Known(0.4, 0.1)})
    assert priors(pose(known))["common_time_offset"] == "normal(0.4, 0.1)"
    assert priors(pose(known, model="common-time-offset")) == priors(pose(known))
    given = {"pump_leak_rate": "lognormal(0.01, 1)"}
    assert priors(pose(DRIVEN, priors=given, model="pump-leak-rate"))["pump_leak_rate"] == given["pump_leak_rate"]
    assert priors(pose(DRIVEN, priors=given))["pump_leak_rate"] == given["pump_leak_rate"]
    leaky = replace(DRIVEN, apparatus=DRIVEN.apparatus | {"pump_leak_rate": Known(0.0, 0.01)})
    assert priors(pose(leaky))["pump_leak_rate"] == "normal(0, 0.01)"


def test_each_member_of_a_joint_fit_gets_a_clock():
    both = joint({"a": DRIVEN, "b": read("fig2b-d35")})
    found = priors(pose(both, model="common-time-offset"))
    assert {"common_time_offset[a]", "common_time_offset[b]"} <= set(found)


def test_nuisances_that_an_experiment_cannot_have():
    everywhere = replace(DRIVEN, stages=tuple(replace(s, lights=s.lights | {"pump"}) for s in DRIVEN.stages))
    with pytest.raises(ExperimentError, match=r"model pump-leak-rate: found nothing in .* depends on pump_leak_rate"):
        rival(everywhere, ModelSettings(), "pump-leak-rate")
    with pytest.raises(ExperimentError, match=r"model gain-drift: found no series in .* that can have this error"):
        rival(read("krauter2011-published"), ModelSettings(), "gain-drift")
    with pytest.raises(PriorError, match="common_time_offset: this experiment has no such parameter"):
        _ = pose(DRIVEN, priors={"common_time_offset": "normal(0, 1)"}).parameters


def test_what_correlated_noise_makes_of_a_file():
    """Noise of variances becomes Gaussian; the order of taking counts where it is known; what a file says is kept."""
    taken = replace(DRIVEN.series[1], taken=np.arange(30.0)[::-1])
    given = replace(DRIVEN.series[2], covariance=np.diag(DRIVEN.series[2].spread ** 2))
    experiment = replace(DRIVEN, series=(DRIVEN.series[0], taken, given))
    series = rival(experiment, ModelSettings(), "correlated-noise")[0].series
    assert [s.noise for s in series] == ["gaussian-repetitions", "gaussian", "gaussian"]
    assert [s.noise_correlation for s in series] == ["time", "taken", ""]
    said = replace(DRIVEN.series[0], discrepancy_uncertainty=0.01)
    changed = rival(
        replace(DRIVEN, series=(said, *DRIVEN.series[1:])), ModelSettings(), "discrepancy+correlated-noise"
    )[0]
    assert [s.discrepancy_uncertainty for s in changed.series] == [0.01, 0.0, 0.0]


@pytest.mark.parametrize("name", ["correlated-noise", "discrepancy"])
def test_noise_that_an_experiment_cannot_have(name):
    with pytest.raises(ExperimentError, match=rf"model {name}: found no series in .* that can have it"):
        rival(read("krauter2011-published"), ModelSettings(), name)
    with pytest.raises(
        ExperimentError, match=r"least squares: found xi, .* with correlated noise, expected independent"
    ):
        inference.least_squares(rival(DRIVEN, ModelSettings(), "correlated-noise")[0])


def with_series(experiment, name, **said):
    series = tuple(replace(s, **said) if s.name == name else s for s in experiment.series)
    return replace(experiment, series=series)


LEAKING = {"pump_leak_rate": 0.15, "dephasing_rate[drive+pump]": 0.25, "dephasing_rate[dark]": 0.2}
FAULTS = {
    "time offset": (
        DRIVEN, {"time_offset[polarization]": 0.6}, "light_loss_rate",
        lambda e: with_series(e, "polarization", time_offset_uncertainty=0.5),
    ),
    "common time offset": (
        DRIVEN, {"common_time_offset": 0.8}, "collision_rate",
        lambda e: replace(e, apparatus=e.apparatus | {"common_time_offset": Known(0.0, 0.5)}),
    ),
    "gain drift": (
        DRIVEN, {"gain_drift[polarization]": -0.05}, "light_loss_rate",
        lambda e: with_series(e, "polarization", gain_drift_uncertainty=0.05),
    ),
    "background": (
        DRIVEN, {"offset[transverse_spin]": 0.06}, "dephasing_rate[drive]",
        lambda e: with_series(e, "transverse_spin", offset_uncertainty=0.05),
    ),
    "slow shot noise": (
        DRIVEN, {"offset_drift[xi]": 0.09}, "collision_rate",
        lambda e: with_series(e, "xi", offset_drift_uncertainty=0.08),
    ),
    "pump leak": (
        DARK, LEAKING, "light_loss_rate",
        lambda e: replace(e, apparatus=e.apparatus | {"pump_leak_rate": Known(0.0, 0.1)}),
    ),
}  # fmt: skip
"""A fault, larger than labs have it, the rate that it moves most, and the experiment that admits of it."""


def z_scores(experiment):
    """How many standard deviations the posterior means of the rates are from the truth, by label."""
    fit = Fit.of(inference.fit(experiment, seed=seed(2), draws=600, chains=2, cores=1, closure="microscopic"))
    draws, truth = fit.by_label(derived=True), experiment.truth.parameters
    return {label: float((draws[label].mean() - truth[label]) / draws[label].std()) for label in {*draws} & {*truth}}


@pytest.fixture(scope="module")
def without_fault():
    """The z-scores of a fit of data without a fault, by what they are like and the values that are no fault."""

    @functools.cache
    def scores(like, harmless):
        return z_scores(from_tree(simulate_like({"driven": DRIVEN, "dark": DARK}[like], dict(harmless), seed=seed(1))))

    return scores


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_biases_and_its_nuisance_takes_it_up(fault, without_fault):
    like, values, rate, admitting = FAULTS[fault]
    harmless = tuple((label, value) for label, value in values.items() if label.startswith("dephasing_rate"))
    right = without_fault("driven" if like is DRIVEN else "dark", harmless)
    made = from_tree(simulate_like(like, values, seed=seed(1)))
    assert abs(z_scores(made)[rate] - right[rate]) > 2
    assert abs(z_scores(admitting(made))[rate]) < SIGMA
