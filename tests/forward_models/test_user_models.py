"""What is open in the physics: decay of Jy, levels, forward models of users."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytensor.tensor as pt
import pytest

from dissentangle.forward_models import (
    Dynamics,
    InitialState,
    InvalidValue,
    RateBounds,
    Stage,
    add_forward_model,
    dephasing_floor,
    entanglement,
    evolve,
    sliced,
    transitions,
)
from dissentangle.forward_models.three_state.entanglement_duration import sampled_entanglement
from dissentangle.forward_models.user_models import FORWARD_MODELS

from .three_state.rates_of_the_paper import paper

DRIVE = paper()

TIMES = np.array([0.0, 1.0, 5.0, 8.0, 11.0, 20.0])


def test_quasi_static_decay_is_the_printed_formula():
    path = evolve([Stage(20.0, DRIVE)], TIMES, transverse_spin="quasi-static")
    by_hand = np.exp(-0.5 * (DRIVE.dephasing_rate + DRIVE.collective_rate * path.p) * TIMES)
    np.testing.assert_allclose(path.transverse_spin, by_hand, rtol=1e-12)
    np.testing.assert_array_equal(path.xi, evolve([Stage(20.0, DRIVE)], TIMES).xi)


def test_quasi_static_decay_stage_by_stage():
    dark = DRIVE.with_lights((), 0.05)
    path = evolve([Stage(8.0, DRIVE), Stage(12.0, dark)], TIMES, transverse_spin="quasi-static")
    first = evolve([Stage(20.0, DRIVE)], TIMES, transverse_spin="quasi-static").transverse_spin
    expected = np.where(TIMES <= 8.0, first, first[3] * np.exp(-0.5 * 0.05 * (TIMES - 8.0)))
    np.testing.assert_allclose(path.transverse_spin, expected, rtol=1e-12)


def test_quasi_static_differs_little_where_p_hardly_changes():
    slow = replace(DRIVE, light_loss_rate=1e-9, collision_rate=1e-9, radiative_rate=1e-9)
    both = [
        evolve([Stage(20.0, slow)], TIMES, transverse_spin=way).transverse_spin
        for way in ("integrated", "quasi-static")
    ]
    np.testing.assert_allclose(*both, rtol=1e-6)


def test_no_atom_leaves_a_two_level_system():
    rates = replace(DRIVE, collisional_loss=0.0, light_loss_rate=0.0)
    path = evolve([Stage(200.0, rates)], [1.0, 50.0, 200.0])
    np.testing.assert_allclose(path.n2, 1.0, rtol=1e-14)
    t = transitions(rates)
    assert (t.loss, t.recovery) == (0.0, 0.0)
    assert dephasing_floor(rates) == t.cooling + t.heating
    both = [evolve([Stage(200.0, rates)], [1.0, 50.0, 200.0], closure=c).xi for c in ("microscopic", "fixed-number")]
    np.testing.assert_allclose(*both, rtol=1e-12)


def test_unknown_names():
    with pytest.raises(InvalidValue, match="transverse_spin = 'slow': expected 'integrated' or 'quasi-static'"):
        evolve([Stage(1.0, DRIVE)], [0.5], transverse_spin="slow")
    with pytest.raises(InvalidValue, match=r"forward model 'mine': not known \(.*\); load the file that adds it"):
        Dynamics(forward_model="mine")
    with pytest.raises(InvalidValue, match=r"collisional_loss = 1\.5: expected a number in"):
        replace(DRIVE, collisional_loss=1.5)


def test_slices_cover_the_stages():
    pieces = sliced([Stage(5.0, DRIVE), Stage(1.0, DRIVE)], 2.0)
    assert [piece.duration for piece, _ in pieces] == pytest.approx([5 / 3] * 3 + [1.0])
    assert [middle for _, middle in pieces] == pytest.approx([5 / 6, 2.5, 25 / 6, 5.5])


@pytest.fixture
def sliced_model():
    def model(evolve, stages, times, initial, parameters, xp):
        return evolve([stage for stage, _ in sliced(stages, 1.0)], times)

    add_forward_model("sliced", model)
    yield Dynamics("fixed-number", forward_model="sliced")
    del FORWARD_MODELS["sliced"]


def test_a_forward_model_of_a_user_gets_the_closed_form(sliced_model):
    initial, stages = InitialState(0.02), [Stage(8.0, DRIVE), Stage(12.0, DRIVE.with_lights((), 0.05))]
    expected = evolve(stages, TIMES, initial, "fixed-number").xi
    np.testing.assert_allclose(sliced_model.evolve(stages, TIMES, initial, {}).xi, expected, rtol=1e-10)
    bounds = RateBounds(np.array([2.0, 1.0]), np.array([0.5, 0.2]))
    found = sliced_model.evolve(stages, TIMES, initial, {}, rate_bounds=bounds, accuracy=1e-9)
    np.testing.assert_allclose(found.xi, expected, rtol=1e-8)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_forward_model_of_a_user_may_have_another_closure(share, registry):
    """The example on the page: with numbers and as a graph it is the closed form with this c, and linear beyond 1."""
    runpy.run_path(str(Path(__file__).parents[2] / "examples" / "own_observable.py"), run_name="example")
    wide, initial = Dynamics("microscopic", forward_model="wide-closure"), InitialState(0.02)
    own = {"wide_share": share}
    expected = evolve([Stage(20.0, DRIVE)], TIMES, initial, share)
    found = wide.evolve([Stage(20.0, DRIVE)], TIMES, initial, own)
    for name in ("spin_variance", "xi", "epr_variance", "polarization"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    bounds, symbol = RateBounds(np.array([2.0]), np.array([0.5])), pt.dscalar("dΓ")
    stages = [Stage(20.0, replace(DRIVE, collective_rate=symbol))]
    graph = wide.evolve(stages, TIMES, initial, own, rate_bounds=bounds, accuracy=1e-9, xp=pt).xi
    np.testing.assert_allclose(graph.eval({symbol: DRIVE.collective_rate}), expected.xi, rtol=1e-8)
    loss = Dynamics("microscopic", forward_model="probe-loss")
    seen = loss.evolve([Stage(20.0, DRIVE)], TIMES, initial, {"probe_loss": 0.01})
    np.testing.assert_allclose(seen.polarization, expected.polarization * np.exp(-0.01 * TIMES), rtol=1e-12)


def test_entanglement_of_a_forward_model_of_a_user(sliced_model):
    initial = InitialState(np.array([0.01, 0.02]))
    rates = replace(DRIVE, **{name: np.full(2, value) for name, value in vars(DRIVE).items()})
    found = sliced_model.entanglement([Stage(60.0, rates)], initial, {}, resolution=101)
    exact = entanglement([Stage(60.0, rates)], initial, "fixed-number")
    for name in ("xi_minimum", "xi_minimum_time", "entanglement_duration"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), rtol=2e-4)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda evolve, times: None, "forward model wrong: returned NoneType, expected a Trajectory"),
        (lambda evolve, times: evolve([Stage(20.0, DRIVE)], times[:1]), r"gives \(1,\) values for 6 times"),
        (lambda evolve, times: {}["drift"], "forward model wrong: KeyError: 'drift'"),
    ],
)
def test_what_a_forward_model_of_a_user_must_give(returned, said):
    add_forward_model("wrong", lambda evolve, stages, times, *rest: returned(evolve, times))
    try:
        with pytest.raises(InvalidValue, match=said):
            Dynamics(forward_model="wrong").evolve([Stage(20.0, DRIVE)], TIMES, InitialState(), {})
    finally:
        del FORWARD_MODELS["wrong"]


def test_sampled_entanglement_that_never_is_or_never_ends():
    times = np.linspace(0, 20, 401)
    hot = replace(DRIVE, collective_rate=0.0)
    never = sampled_entanglement(times, evolve([Stage(20.0, hot)], times))
    assert (never.entanglement_duration, never.xi_minimum_time) == (0.0, 0.0)
    cold = replace(DRIVE, light_loss_rate=0.0, collision_rate=0.0)
    assert sampled_entanglement(times, evolve([Stage(20.0, cold)], times)).entanglement_duration == np.inf
