"""Simulated atoms with sixteen levels: by the model's name and what the apparatus says; nothing given is in vain."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, Known, from_tree, read, simulate_like
from dissentangle.datasets.experiment import Label, known_by_power
from dissentangle.datasets.prediction import expected
from dissentangle.datasets.simulation.sixteen_levels import VARIANTS
from dissentangle.datasets.simulation.truth import PAPER, true_values, truth_labels
from dissentangle.forward_models import PARAMETERS, Dynamics
from dissentangle.inference.model import Problem, rival
from dissentangle.inference.model.settings import ModelSettings

from ...seeds import seed

PUMPED = replace(read("fig2c-pump"), truth=None)
SIXTEEN = {
    "temperature": Known(290.0, 3.0), "drive_detuning": Known(900.0, 5.0), "probe_detuning": Known(-1000.0, 50.0),
    "pump_impurity": Known(0.02, 0.002), "drive_power": Known(4.0, 0.2),
}  # fmt: skip
WITH_SIXTEEN = replace(PUMPED, apparatus=PUMPED.apparatus | SIXTEEN)


def truth_of(experiment, given=None, model="sixteen-level"):
    made = from_tree(simulate_like(experiment, given, seed=seed(1), model=model))
    return made, made.truth.parameters


@pytest.mark.parametrize("model", ["sixteen-level", *(f"sixteen-level+{name}" for name in [*VARIANTS][1:])])
def test_the_truth_has_what_a_fit_by_the_model_infers(model):
    """All of its parameters but errors from 0: each at what the apparatus says where it says something."""
    made, truth = truth_of(WITH_SIXTEEN, model=model)
    assert made.apparatus == WITH_SIXTEEN.apparatus
    problem = Problem(*rival(made, ModelSettings("microscopic"), model))
    known = {p.label: float(p.prior.quantile(0.5)) for p in problem.parameters}
    from_zero = ("temperature_offset", "drive_detuning_offset", "initial_excess_variance")
    assert {Label.parse(label).name for label in known} - {*from_zero} == {Label.parse(label).name for label in truth}
    exact = ("temperature", "drive_detuning", "pump_impurity", "probe_weight", "collective_rate", "optical_depth")
    assert {name: truth[name] for name in exact} == pytest.approx({name: known[name] for name in exact}, rel=1e-9)
    assert truth["temperature"] == (0.0 if "cold" in model else 290.0)


def test_three_states_ignore_what_they_do_not_have_but_not_the_power():
    plain, truth = truth_of(WITH_SIXTEEN, model="")
    assert "temperature" not in truth
    assert "light_loss_rate" in truth
    assert truth["collective_rate"] == known_by_power(WITH_SIXTEEN, "collective_rate")[0] != 0.11
    assert plain.apparatus == WITH_SIXTEEN.apparatus
    by_temperature = truth_of(WITH_SIXTEEN, {"temperature": 290.0}, model="")[1]
    assert by_temperature == truth_of(WITH_SIXTEEN)[1]


def test_the_probe_and_the_impurity_act():
    clean = {"probe_weight": 0.0, "pump_impurity": 0.0}
    made, other = truth_of(WITH_SIXTEEN)[0], truth_of(WITH_SIXTEEN, clean)[0]
    assert not np.array_equal(made.series[1].value, other.series[1].value)


def test_the_faraday_angle_is_an_optical_depth():
    angle = replace(PUMPED, apparatus={"faraday_angle": Known(9.0), "squeezing_limit": Known(0.16)})
    assert truth_of(angle, model="")[1]["optical_depth"] == 36.0


def test_what_is_given_replaces_the_recorded_rates():
    recorded = truth_of(read("fig2c-pump"))[0]
    assert truth_of(recorded, model="")[1]["temperature"] == 300.0  # they are still atoms with sixteen levels
    uniform = truth_of(recorded, {"collision_rate": 0.001}, model="")[1]
    assert "electron_collision_rate[drive+pump]" not in uniform
    again = truth_of(from_tree(simulate_like(recorded, {"collision_rate": 0.001}, seed=seed(1))),
                     {"electron_collision_rate": 0.02}, model="")[1]  # fmt: skip
    assert (again["electron_collision_rate"], "collision_rate" in again) == (0.02, False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("+excess-loss", ""), ("+free-radiative-rate", "+cold-atoms"), ("+cold-atoms", ""), ("", "+excess-loss"),
        ("+uniform-collisions", "+excess-loss"),
    ],
)  # fmt: skip
def test_the_model_that_is_named_is_true_whatever_model_made_the_recorded_truth(before, after):
    of = {"collective_rate": 0.1, "probe_weight": 0.0}  # they follow from the temperature, and are recorded
    recorded = truth_of(WITH_SIXTEEN, of, f"sixteen-level{before}")[0]
    model = f"sixteen-level{after}"
    assert truth_of(recorded, model=model)[1] == truth_of(WITH_SIXTEEN, of, model)[1]


def test_d_follows_from_a_given_radiative_rate_as_in_the_model():
    """0.908 d Γ = dΓ at 300 K, and Γ is another multiple of dΓ/d where that is free."""
    deep = replace(PUMPED, apparatus={"optical_depth": Known(37.0, 2.0), "squeezing_limit": Known(0.16)})
    given = {"radiative_rate": 0.002, "collective_rate": 0.1}
    for model, depth in (("", 50.0), ("sixteen-level", 50 / 0.9076), ("sixteen-level+cold-atoms", 50.0),
                         ("sixteen-level+free-radiative-rate", 2.1 * 50 / 0.9076)):  # fmt: skip
        made, truth = truth_of(deep, given, model)
        assert made.apparatus["optical_depth"].value == truth["optical_depth"] == pytest.approx(depth, rel=1e-3)
    assert truth_of(deep, {"radiative_rate": 0.002}, model="")[1]["optical_depth"] == pytest.approx(55.0)


@pytest.mark.parametrize("name", ["fig2b-d55", "fig2c-dark", "fig2c-pump", "laboratory-d55"])
@pytest.mark.parametrize("sixteen", [False, True])
def test_every_true_value_has_an_effect(name, sixteen):
    """What can be given moves the expected data, so that no value is recorded and yet in vain."""
    experiment = replace(read(name), observations=())
    known = {n: one.value for n, one in experiment.apparatus.items()} | ({"temperature": 300.0} if sixteen else {})
    if "faraday_angle" in known:
        known["classical_noise"] = 0.004

    def means(given):
        values = true_values(experiment, known | given, "microscopic")
        found = expected(experiment, values, Dynamics("microscopic"), accuracy=1e-7)
        return np.concatenate([np.ravel(mean) for mean in found.series.values()])

    plain, other = means({}), {"positive": 0.07, "real": 0.37, "unit interval": 0.3}
    single = {"drive_detuning": 1500.0, "optical_depth": 40.0, "faraday_angle": 9.0, "temperature": 250.0}
    for label in truth_labels(experiment, "microscopic", sixteen=sixteen):
        parameter = PARAMETERS[Label.parse(label).name]
        if label in ("radiative_rate", *([] if sixteen else ["temperature"])):
            continue  # d is given in its place; it would change the atoms
        moved = means({label: single.get(label, other[parameter.domain])})
        assert not np.allclose(moved, plain, rtol=1e-6, atol=1e-9), label


@pytest.mark.parametrize(
    ("given", "model", "message"),
    [
        ({"probe_weight": 0.1}, "", "probe_weight: found atoms with three states, on which it has no effect, expected"
         r" those with sixteen levels \(--model sixteen-level\)"),
        ({"electron_collision_rate[drive+pump]": 0.1}, "", r"\[drive\+pump\]: found atoms with three states"),
        ({"light_loss_rate": 0.1}, "sixteen-level", "found atoms with sixteen levels, on which it has no effect"),
        ({"collision_rate": 0.1, "electron_collision_rate": 0.1}, "sixteen-level", "both electron_collision_rate and"),
        ({"pump_leak_rate": 0.1}, "", "key 'pump_leak_rate' .*: found an unknown key"),
        ({}, "sixteen", r"model 'sixteen': found no atoms to simulate \(did you mean 'sixteen-level'\?\), expected"),
    ],
)  # fmt: skip
def test_what_would_be_in_vain_is_refused(given, model, message):
    with pytest.raises(ExperimentError, match=message):
        simulate_like(PUMPED, given, seed=seed(1), model=model)


def test_runs_with_constant_rates_have_three_states():
    hybrid = datasets.read("fig2d-hybrid")
    with pytest.raises(ExperimentError, match="found a run with constant rates, expected none of them with sixteen"):
        simulate_like(hybrid, seed=seed(1), model="sixteen-level")
    warm = replace(hybrid, apparatus=hybrid.apparatus | {"temperature": Known(300.0)})
    assert "temperature" not in from_tree(simulate_like(warm, seed=seed(1))).truth.parameters


def test_paper_values_are_those_of_known_parameters():
    assert {Label.parse(label).name for label in PAPER} <= PARAMETERS.keys()
