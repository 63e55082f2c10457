"""The sixteen-level model as a rival: its parameters and priors, the graph against NumPy, joint fits, refusals."""

import re
from dataclasses import replace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from dissentangle.datasets import ExperimentError
from dissentangle.datasets.experiment import Known
from dissentangle.datasets.prediction import coupled_rates, expected, initial_of, rates_of, stages_of
from dissentangle.forward_models import InitialState, SixteenLevelRates, Stage, evolve
from dissentangle.forward_models.sixteen_level import drive, eight_coherences_xi, probe_weight
from dissentangle.inference.fits import coherences
from dissentangle.inference.fits.derived import zeeman_splitting
from dissentangle.inference.model import PriorError, experiment_of, pose, rate_bounds
from dissentangle.inference.sampling.coordinates import coordinates

from ...graphs import PLAIN
from ...seeds import seed


def medians(problem):
    return problem.complete({u.label: float(u.prior.quantile(0.5)) for u in problem.free})


def test_parameters_of_each_variant():
    """A: R by kind of stage; A' and B: one R, and something else that comes with the light."""
    known = {"temperature", "drive_detuning", "initial_nh", "initial_excess_variance"}
    common = {"collective_rate", "optical_depth", "squeezing_limit", "pump_rate[drive+pump]", "initial_n3"}
    common |= {"pure_dephasing_rate[drive+pump]", "pure_dephasing_rate[dark]", "loss_noise_share", "scale[xi]"}
    own = {
        "sixteen-level": {"electron_collision_rate[drive+pump]", "electron_collision_rate[dark]"},
        "sixteen-level+excess-loss": {"electron_collision_rate", "excess_loss_rate"},
        "sixteen-level+free-radiative-rate": {"electron_collision_rate", "radiative_ratio"},
        "sixteen-level+uniform-collisions+cold-atoms": {"collision_rate"},
    }
    for model, labels in own.items():
        problem = pose("fig2c-dark", model=model)
        assert {u.label for u in problem.free} == common | labels
        assert problem.fixed.keys() == known
        assert problem.fixed["temperature"] == (0.0 if "cold" in model else 300.0)
        assert problem.settings.name == model


def test_priors_know_dark_stages_from_driven_ones():
    priors = {u.label: str(u.prior) for u in pose("fig2c-dark", model="sixteen-level").parameters}
    assert priors["electron_collision_rate[drive+pump]"] == "lognormal(0.04, 0.7)"
    assert priors["electron_collision_rate[dark]"] == "lognormal(0.017, 0.7)"
    assert priors["pure_dephasing_rate[dark]"] == "lognormal(0.03, 1)"
    assert priors["pump_rate[drive+pump]"] == "lognormal(0.1, 1)"
    three = {u.label: str(u.prior) for u in pose("fig2c-dark").parameters}
    assert three["pure_dephasing_rate[dark]"] == "lognormal(0.2, 1)"


def test_rates_follow_from_the_depth():
    problem = pose("fig2b-d55", model="sixteen-level")
    values = medians(problem)
    collective, radiative = coupled_rates(values)
    assert collective / (0.907660745738 * 55 * radiative) == pytest.approx(1, abs=1e-9)
    assert coupled_rates(values | {"radiative_ratio": 3.0})[1] == pytest.approx(3 * radiative)
    rates = rates_of(values, problem.experiment.stages[0])
    assert isinstance(rates, SixteenLevelRates)
    pure = values["pure_dephasing_rate[drive]"]
    assert rates.dephasing_rate == pytest.approx(13.771782 * radiative + 1.125 * rates.collision_rate + pure, abs=1e-7)
    cold = rates_of(values | {"temperature": 0.0}, problem.experiment.stages[0])
    assert cold.radiative_rate == pytest.approx(collective / 55)


UNSURE = {
    "temperature": Known(293.0, 2.0),
    "drive_detuning": Known(1200.0, 5.0),
    "pump_impurity": Known(0.01, 0.005),
    "probe_detuning": Known(850.0, 50.0),
}


def with_apparatus(name, **known):
    return replace(experiment_of(name), apparatus=experiment_of(name).apparatus | known)


def test_the_apparatus_says_what_tables_are_computed_from():
    """A sigma makes an offset, to which the tables react; w follows from the detuning of the probe."""
    exact = with_apparatus("fig2b-d55", temperature=Known(293.0), drive_detuning=Known(1200.0))
    usual = {u.label for u in pose("fig2b-d55", model="sixteen-level").free}
    problem = pose(exact, model="sixteen-level")
    assert (problem.fixed["temperature"], problem.fixed["drive_detuning"]) == (293.0, 1200.0)
    assert {u.label for u in problem.free} == usual
    problem = pose(with_apparatus("fig2b-d55", **UNSURE), model="sixteen-level")
    priors = {u.label: u.prior for u in problem.free}
    assert priors.keys() - usual == {"temperature_offset", "drive_detuning_offset", "probe_weight"}  # there is no pump
    assert (problem.fixed["temperature"], problem.fixed["drive_detuning"]) == (293.0, 1200.0)
    assert str(priors["temperature_offset"]) == "normal(0, 2)"
    assert str(priors["drive_detuning_offset"]) == "normal(0, 5)"
    weight, error = priors["probe_weight"].numbers
    assert weight == pytest.approx(0.099, abs=0.006)
    assert error == pytest.approx(50 * (0.099 - 0.053) / 350, rel=0.3)  # between +500 and +850 MHz
    pumped = pose(with_apparatus("fig2c-pump", **UNSURE), model="sixteen-level").free
    assert str(next(u.prior for u in pumped if u.name == "pump_impurity")) == "normal(0.01, 0.005)"
    cold = pose(with_apparatus("fig2b-d55", **UNSURE), model="sixteen-level+cold-atoms")
    assert "temperature_offset" not in {u.label for u in cold.free}
    assert pose(with_apparatus("fig2b-d55", **UNSURE)).parameters == pose("fig2b-d55").parameters


def test_polarization_is_what_the_probe_sees():
    """Spins of F = 3 with the weight w, in P and in T1; the start is in |3,3⟩, too."""
    problem = pose("fig2b-d55", model="sixteen-level")
    (stage,) = problem.experiment.stages
    at = medians(problem) | {"initial_nh": 0.1}
    seen = at | {"probe_weight": 0.3}
    found, plain = (expected(problem.experiment, v, problem.dynamics).series["polarization"] for v in (seen, at))
    times = next(s.x for s in problem.experiment.series if s.name == "polarization")
    start = InitialState(at["initial_n3"], nh=0.1)
    levels = evolve([Stage(stage.duration, rates_of(at, stage))], [0.0, *times], start).populations
    spin = levels @ np.array([*range(4, -5, -1), *(0.3 * np.arange(3, -4, -1))])
    np.testing.assert_allclose(np.ravel(found), spin[1:] / spin[0], atol=1e-8)
    assert abs(found - plain).max() > 0.01
    published = pose("krauter2011-published", model="sixteen-level")
    number = [o.quantity for o in published.experiment.observations].index("polarization_decay_time")
    of = [
        expected(published.experiment, medians(published) | {"probe_weight": w}, published.dynamics).observations
        for w in (0.1, 0.0)
    ]
    assert of[0][number] == pytest.approx(1.07 * of[1][number], rel=0.02)  # −Ṗ(0) is 7 % smaller


def test_members_have_the_offset_of_their_own_temperature():
    both = {k: with_apparatus("fig2b-d55", temperature=Known(t, 2.0)) for k, t in (("a", 293.0), ("b", 310.0))}
    found = {u.label for u in pose(both, model="sixteen-level", sharing={"temperature": "separate"}).free}
    assert {"temperature_offset[a]", "temperature_offset[b]"} <= found


def test_what_the_apparatus_cannot_say():
    with pytest.raises(PriorError, match=r"found uniform\(280, 310\), expected fixed.*temperature_offset"):
        _ = pose("fig2b-d55", model="sixteen-level", priors={"temperature": "uniform(280, 310)"}).parameters
    converted = r"temperature: found normal\(300, 2\), expected fixed\(300\); .*temperature_offset = normal\(0, 2\)"
    with pytest.raises(PriorError, match=converted):
        _ = pose("fig2b-d55", model="sixteen-level", priors={"temperature": "normal(300, 2)"}).parameters


WIDE = {
    "temperature_offset": ("normal(0, 11)", "normal(0, 10)", "uniform(-10, 30)", "fixed(-21)"),
    "drive_detuning_offset": ("normal(0, 22)", "normal(0, 20)", "uniform(-50, 10)", "fixed(41)"),
}


@pytest.mark.parametrize("name", WIDE)
def test_offsets_stay_where_tables_are_interpolated(name):
    wide, allowed, *others = WIDE[name]
    assert pose("fig2b-d55", model="sixteen-level", priors={name: allowed}).parameters
    for text in (wide, *others):
        found = (
            rf"prior of {name}: found {re.escape(text)}, 95 % of it up to .* expected up to [24]0 (K|MHz), where rate"
        )
        with pytest.raises(PriorError, match=found):
            _ = pose("fig2b-d55", model="sixteen-level", priors={name: text}).parameters
    known = {"temperature": Known(300.0, 30.0), "drive_detuning": Known(850.0, 30.0)}[name.removesuffix("_offset")]
    with pytest.raises(PriorError, match=r"a smaller sigma of \w+ in \[apparatus\], or a narrower prior"):
        _ = pose(with_apparatus("fig2b-d55", **{name.removesuffix("_offset"): known}), model="sixteen-level").parameters


@pytest.mark.parametrize(
    ("temperature", "detuning", "found"),
    [
        (Known(300.0, 2.0), Known(780.0, 5.0), ""),
        (Known(490.0, 2.0), Known(1000.0, 5.0), ""),
        (Known(5.0, 2.0), Known(850.0, 5.0), ""),
        (Known(300.0, 2.0), Known(740.0, 15.0), "up to 29.4 MHz from 740 MHz, expected up to 10 MHz"),
        (Known(495.0, 3.0), Known(1000.0), "up to 5.88 K from 495 K, expected up to 5 K"),
        (Known(0.0, 2.0), Known(850.0), "from 0 K, expected up to 0 K"),
        (Known(300.0, 2.0), Known(700.0), r"apparatus: drive_detuning \(MHz\) = 700: expected a number in"),
    ],
)
def test_near_the_ends_of_the_tables(temperature, detuning, found):
    """Tables between which it is interpolated are nearer; errors that go beyond are refused in the user's numbers."""
    problem = pose(with_apparatus("fig2b-d55", temperature=temperature, drive_detuning=detuning), model="sixteen-level")
    if found:
        with pytest.raises(PriorError, match=found):
            _ = problem.parameters
        return
    values = medians(problem)
    assert all(
        np.isfinite(array).all() for array in expected(problem.experiment, values, problem.dynamics).series.values()
    )


def test_members_each_have_their_range():
    both = {k: with_apparatus("fig2b-d55", temperature=Known(t, 4.0)) for k, t in (("a", 293.0), ("b", 495.0))}
    both = {k: replace(one, apparatus=one.apparatus | {"drive_detuning": Known(1200.0)}) for k, one in both.items()}
    with pytest.raises(PriorError, match="from 495 K, expected up to 5 K"):
        _ = pose(both, model="sixteen-level", sharing={"temperature": "separate"}).parameters


def test_priors_from_other_entries_are_those_of_the_temperature_of_the_model():
    """Cold atoms: w, and Γ by the power. What an offset has is no error of Γ as well."""
    cold, warm = (
        {u.label: u.prior.numbers for u in pose(with_apparatus(name, **known), model=model).parameters}
        for name, known, model in [
            ("fig2b-d55", UNSURE | {"drive_power": Known(5.6)}, "sixteen-level+cold-atoms"),
            ("fig2b-d55", UNSURE | {"drive_power": Known(5.6)}, "sixteen-level"),
        ]
    )
    assert cold["probe_weight"][0] == probe_weight(850.0, 0.0)
    assert warm["probe_weight"][0] == probe_weight(850.0, 293.0)
    for found, temperature in ((cold, 0.0), (warm, 293.0)):
        light = drive(1200.0, temperature)
        median = light.coherent_fraction * 55 * light.rate_per_intensity * 5.6 / 2.2**2
        assert found["collective_rate"] == pytest.approx((median, np.hypot(0.2, 0.05)))
    three = with_apparatus("fig2b-d55", **UNSURE, drive_power=Known(5.6))
    prior = next(u.prior for u in pose(three).parameters if u.name == "collective_rate")
    assert prior.numbers[1] > np.hypot(0.2, 0.05) + 1e-5  # of which no parameter has the errors


@pytest.mark.parametrize("known", [{}, UNSURE])
@pytest.mark.parametrize("name", ["fig2c-dark", "laboratory-d55"])
def test_the_graph_is_the_numpy_model(name, known):
    """Populations, pair correlations, (laboratory-d55) variances of the light that reads them out; and one of draws."""
    problem = pose(with_apparatus(name, **known), model="sixteen-level")
    values = medians(problem)
    values |= {"temperature_offset": 3.0, "drive_detuning_offset": -8.0} if known else {}
    inside = {u.label: pt.dscalar(u.label) for u in problem.free}
    bounds = rate_bounds(problem)
    graph = expected(problem.experiment, problem.complete(inside), problem.dynamics, rate_bounds=bounds, xp=pt)
    function = pytensor.function(
        list(inside.values()), list(graph.series.values()), mode=PLAIN, on_unused_input="ignore"
    )
    found = function(*(values[label] for label in inside))
    numbers = expected(problem.experiment, values, problem.dynamics).series
    for one, (series, array) in zip(found, numbers.items(), strict=True):
        np.testing.assert_allclose(np.ravel(one), np.ravel(array), atol=1e-7, err_msg=series)
    several = {label: np.array([value, value]) for label, value in values.items()}
    for label in known.keys() & {"temperature", "drive_detuning"}:
        several[f"{label}_offset"] = np.array([0.0, values[f"{label}_offset"]])
    draws = expected(problem.experiment, several, problem.dynamics).series
    for series, array in numbers.items():
        np.testing.assert_allclose(draws[series][1], array, atol=1e-9, err_msg=series)


def test_draws_beyond_the_range_of_the_graph_show_in_its_error():
    """Cut off at the bounds, exact without them; a finer resolution moves the bounds."""
    problem = pose("fig2c-pump", model="sixteen-level")
    values = medians(problem) | {"pump_rate[drive+pump]": 3.0}
    bounds = rate_bounds(problem)
    assert bounds["main"].largest[0].pump_rate == pytest.approx(0.1 * np.exp(2.3263), rel=1e-3)
    cut, exact = (
        expected(problem.experiment, values, problem.dynamics, rate_bounds=b).series["xi"] for b in (bounds, None)
    )
    assert abs(cut - exact).max() > 1e-3
    wider = rate_bounds(problem.at_resolution(16.0))
    again = expected(problem.experiment, values, problem.dynamics, rate_bounds=wider).series["xi"]
    np.testing.assert_allclose(again, exact, atol=1e-9)


def test_joint_experiments_share_what_they_share():
    problem = pose({"a": "fig2b-d55", "b": "fig2c-pump"}, model="sixteen-level")
    labels = {u.label for u in problem.free}
    assert {"electron_collision_rate[drive]", "electron_collision_rate[drive+pump]", "optical_depth[a]"} <= labels
    values = medians(problem)
    collective, radiative = coupled_rates(problem.complete(values), "a")  # Γ is the parameter, dΓ follows
    assert collective == pytest.approx(0.907660745738 * values["optical_depth[a]"] * radiative, rel=1e-9)
    found = expected(problem.experiment, values, problem.dynamics)
    assert all(np.isfinite(array).all() for array in found.series.values())


@pytest.mark.parametrize("model", ["sixteen-level", "excess-loss"])
def test_coordinates_have_a_constant_jacobian(model):
    """R of a kind of stage or of all: at z = 0 all is as it starts."""
    problem = pose("fig2c-dark", model=model)
    labels = [u.label for u in problem.free]
    medians = [float(u.prior.quantile(0.5)) for u in problem.free]
    centre = np.array(
        [np.log(m) if u.prior.form == "lognormal" else m for u, m in zip(problem.free, medians, strict=True)]
    )
    centre[labels.index("loss_noise_share")] = 0.0
    chosen = coordinates(problem, labels, centre)
    np.testing.assert_allclose(chosen.apply(list(np.zeros(len(centre)))), centre, atol=1e-12)
    rng, volumes, h = np.random.default_rng(seed(4)), [], 1e-5
    for z in 0.5 * rng.standard_normal((3, len(centre))):
        up, down = (np.array([chosen.apply(list(z + sign * h * e)) for e in np.eye(len(z))]) for sign in (1, -1))
        assert chosen.log_volume is not None
        volumes.append(np.linalg.slogdet((up - down) / (2 * h))[1] - chosen.log_volume(chosen.apply(list(z))))
    np.testing.assert_allclose(volumes, np.log(chosen.scale).sum(), atol=1e-6)


def test_a_variant_alone_has_sixteen_levels_too():
    alone, both = (pose("fig2b-d55", model=name).parameters for name in ("excess-loss", "sixteen-level+excess-loss"))
    assert alone == both


def test_refusals():
    with pytest.raises(ExperimentError, match="found Jy quasi-static, expected integrated"):
        _ = pose("fig2b-d55", model="sixteen-level+quasi-static").parameters
    with pytest.raises(PriorError, match="no such parameter"):
        _ = pose("fig2b-d55", model="sixteen-level", priors={"light_loss_rate": "fixed(0.02)"}).parameters
    one = experiment_of("fig2b-d55")
    given = replace(one, priors={"light_loss_rate": "fixed(0.02)", "collective_rate": "lognormal(0.2, 1)"})
    kept = pose(given, model="sixteen-level").experiment.priors
    assert kept == {"collective_rate": "lognormal(0.2, 1)"}  # of three states alone: no part of this model


@pytest.mark.parametrize(
    ("known", "tested", "zeeman"),
    [
        ({}, False, 0.0226),
        ({"quadratic_zeeman": Known(0.05)}, False, 0.05),
        ({"quadratic_zeeman": Known(0.05)}, True, 0.03),
        ({"probe_power": Known(2.0)}, True, 0.03 + 52.89 * 2 * 4.203e-4 / (2 * np.pi)),
    ],
)
def test_the_other_coherences_turn_at_the_splitting_that_is_known(known, tested, zeeman):
    """Of the file, or as an orientation test showed it, less the light shift by its probe."""
    one, beat = with_apparatus("fig2b-d55", **known), experiment_of("laboratory-d55").series[-1]
    one = replace(one, series=(*one.series, *([beat] if tested else [])))
    problem = pose(one, model="sixteen-level", closure="microscopic")
    values = medians(problem) | ({"quadratic_zeeman": 0.03} if tested else {})
    assert zeeman_splitting(one, values, "") == pytest.approx(zeeman, rel=1e-3)


def test_the_change_by_other_coherences_is_at_that_splitting():
    problem = pose(
        with_apparatus("fig2b-d55", quadratic_zeeman=Known(0.05)), model="sixteen-level", closure="microscopic"
    )
    values = medians(problem)
    off, time = coherences(problem, values)["main"].largest
    stages, start = stages_of(problem.experiment, "main", values), initial_of(values)
    eight = eight_coherences_xi(stages, [time], start, quadratic_zeeman=0.05)
    assert off == pytest.approx(float(eight[0] - evolve(stages, [time], start).xi[0]), abs=1e-5)
