"""Different Larmor frequencies: exact simulation of small ensembles, an ODE solver, limits."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dissentangle.forward_models import (
    Dynamics,
    InitialState,
    RateBounds,
    Rates,
    Stage,
    entanglement,
    evolve,
    steady_state,
    transitions,
)

from ...graphs import PLAIN
from .rates_of_the_paper import paper

DRIVE = paper()

PIQS = Rates(0.3, 0.01, 0.5, 0.01875, 0.0, 0.0, 0.0, 0.1, collisional_loss=0.0, larmor_mismatch=0.2 / (2 * np.pi))
EXACT = (0.7976, 0.7182, 0.6919, 0.6849, 0.6832, 0.6819)
"""Two ensembles of N = 2…8 two-level atoms with a detuning (QuTiP PIQS), extrapolated in 1/N."""


def detuned(rates, hertz=20.0):
    return replace(rates, larmor_mismatch=1e-3 * hertz)


def integrated(stages, times, initial, closure):
    """Σ(t) by an ODE solver, from the complex equations of F and M."""
    n2, p, number, pairs = [initial.n2], [initial.p], [0.5 * (initial.initial_variance - initial.n2)], [0j]
    found, begin, state = [], 0.0, np.array([n2[0], p[0], number[0], pairs[0]], complex)
    for stage in stages:
        r, t = stage.rates, transitions(stage.rates)
        z, g = r.squeezing_limit, r.collective_rate
        nu2, munu = 0.25 * (1 / z + z) - 0.5, 0.25 * (1 / z - z)

        def slope(_, y, r=r, t=t, g=g, nu2=nu2, munu=munu):
            n2, p, f, m = y
            dn2 = -(t.loss + 2 * t.recovery) * n2 + 2 * t.recovery
            dp = -(t.cooling + t.heating + t.loss) * p + (t.cooling - t.heating) * n2
            decay = r.dephasing_rate + g * p
            extra = 0.0 if closure == "microscopic" else 0.5 * dn2
            df = -decay * f + g * (nu2 * p**2 + 0.5 * p * (p - n2)) - extra
            return [dn2, dp, df, -(decay + 2j * np.pi * r.larmor_mismatch) * m + g * munu * p**2]

        inside = [x for x in times if begin < x <= begin + stage.duration]
        at = [x - begin for x in inside]
        solved = solve_ivp(
            slope, (0, stage.duration), state, rtol=1e-10, atol=1e-12, t_eval=np.unique([*at, stage.duration])
        )
        found += [y[0] + 2 * y[2] - 2 * y[3].real for y in solved.y.T[: len(at)]]
        state, begin = solved.y[:, -1], begin + stage.duration
    return np.real(found)


def test_exact_simulation_of_small_ensembles():
    path = evolve([Stage(12.0, PIQS)], [2.0, 4.0, 6.0, 8.0, 10.0, 12.0], InitialState(0.0))
    np.testing.assert_allclose(path.spin_variance, EXACT, atol=2e-4)


@pytest.mark.parametrize("closure", ["microscopic", "fixed-number"])
def test_an_ode_solver_finds_the_same(closure):
    stages = [Stage(8.0, detuned(DRIVE, 60.0)), Stage(12.0, detuned(DRIVE.with_lights((), 0.05), 60.0))]
    times, initial = [0.5, 3.0, 8.0, 8.5, 15.0, 20.0], InitialState(0.02, 0.01, 1.05)
    found = evolve(stages, times, initial, closure).spin_variance
    np.testing.assert_allclose(found, integrated(stages, times, initial, closure), rtol=1e-8)


@pytest.mark.parametrize("closure", ["microscopic", "fixed-number"])
def test_without_mismatch_it_is_the_closure(closure):
    times = np.linspace(0, 30, 12)
    tiny = evolve([Stage(30.0, replace(DRIVE, larmor_mismatch=1e-9))], times, closure=closure)
    none = evolve([Stage(30.0, DRIVE)], times, closure=closure)
    np.testing.assert_allclose(tiny.xi, none.xi, rtol=1e-10)
    np.testing.assert_allclose(tiny.transverse_spin, none.transverse_spin, rtol=1e-12)


@pytest.mark.parametrize(("closure", "without", "lowest"), [("microscopic", 0.82, 0.87), ("fixed-number", 0.91, 0.94)])
def test_20_hertz_at_the_parameters_of_the_paper(closure, without, lowest):
    given = {"resolution": 201}
    found = Dynamics(closure).entanglement([Stage(40.0, detuned(DRIVE))], InitialState(0.01), {}, **given)
    assert found.xi_minimum == pytest.approx(lowest, abs=0.006)
    assert entanglement([Stage(40.0, DRIVE)], InitialState(0.01), closure).xi_minimum == pytest.approx(
        without, abs=0.006
    )


def test_steady_state():
    rates = replace(detuned(DRIVE, 30.0), pump_rate=np.array([0.1, 0.3]), repump_rate=0.1)
    late = evolve([Stage(3000.0, rates)], [3000.0], InitialState(0.01))
    state = steady_state(rates)
    np.testing.assert_allclose(late.spin_variance[:, 0], state.spin_variance, rtol=1e-9)
    at_threshold = steady_state(replace(rates, collective_rate=state.threshold))
    np.testing.assert_allclose(at_threshold.spin_variance, at_threshold.p, rtol=1e-9)
    assert (state.threshold > steady_state(replace(rates, larmor_mismatch=0.0)).threshold).all()


@pytest.mark.slow
def test_graph_and_gradient_agree_with_numpy():
    import pytensor
    import pytensor.tensor as pt

    mismatch, rate = pt.dscalars("mismatch", "rate")
    times = np.array([1.0, 4.0, 12.0])
    rates = replace(DRIVE, larmor_mismatch=mismatch, collective_rate=rate)
    bounds = RateBounds(2.0, 0.5)
    total = evolve([Stage(12.0, rates)], times, rate_bounds=bounds, accuracy=1e-13, xp=pt).xi.sum()
    function = pytensor.function([mismatch, rate], [total, *pt.grad(total, [mismatch, rate])], mode=PLAIN)

    def numbers(mismatch, rate):
        return evolve([Stage(12.0, replace(DRIVE, larmor_mismatch=mismatch, collective_rate=rate))], times).xi.sum()

    value, by_mismatch, by_rate = function(0.03, 0.1)
    assert value == pytest.approx(numbers(0.03, 0.1), rel=1e-11)
    step = 1e-5
    assert by_mismatch == pytest.approx((numbers(0.03 + step, 0.1) - numbers(0.03 - step, 0.1)) / (2 * step), rel=1e-6)
    assert by_rate == pytest.approx((numbers(0.03, 0.1 + step) - numbers(0.03, 0.1 - step)) / (2 * step), rel=1e-6)
