"""Entanglement, steady state, decay times: against the numbers of an independent calculation and of the paper."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from dissentangle.forward_models import (
    InitialState,
    Stage,
    entanglement,
    evolve,
    polarization,
    polarization_decay_time,
    steady_state,
    transverse_spin_decay_time,
)
from dissentangle.forward_models.three_state.spin_variance import NOISE_SHARES

from ...seeds import seed
from .rates_of_the_paper import derivatives, paper, stage

CLOSURES = tuple(NOISE_SHARES)

RUNS = {
    "2b, d = 55": stage(60.0),
    "2b, d = 35": stage(60.0, depth=35.0),
    "2c": stage(60.0, depth=37.0, dephasing=0.233, pump=0.168),
}


@pytest.mark.parametrize(
    ("run", "closure", "until"),
    [
        ("2b, d = 55", "microscopic", 22.8),
        ("2b, d = 55", "fixed-number", 14.7),
        ("2b, d = 35", "microscopic", 17.8),
        ("2b, d = 35", "fixed-number", 6.9),
        ("2c", "microscopic", 46.9),
        ("2c", "fixed-number", 17.9),
    ],
)
def test_entanglement_duration_of_the_paper(run, closure, until):
    assert entanglement([RUNS[run]], closure=closure).entanglement_duration == pytest.approx(until, abs=0.05)


@pytest.mark.parametrize(("closure", "minimum"), [("microscopic", 0.8225), ("fixed-number", 0.9098)])
def test_minimum_of_the_paper(closure, minimum):
    found = entanglement([RUNS["2b, d = 55"]], closure=closure)
    assert found.xi_minimum == pytest.approx(minimum, abs=5e-5)
    near = evolve([RUNS["2b, d = 55"]], found.xi_minimum_time + np.array([-0.05, 0.0, 0.05]), closure=closure).xi
    assert near[1] < near[0]
    assert near[1] < near[2]


@pytest.mark.parametrize("run", RUNS)
def test_polarization_alone_is_that_of_the_whole_evolution(run):
    times, initial = np.linspace(0, 60, 30), InitialState(n3=0.01)
    found = polarization(RUNS[run].rates, times, initial)
    np.testing.assert_allclose(found, evolve([RUNS[run]], times, initial).polarization, rtol=1e-14)


def test_crossing_is_a_root_of_xi_minus_one():
    run = RUNS["2b, d = 55"]
    exact = brentq(lambda t: float(evolve([run], [t]).xi[0] - 1), 10, 40, xtol=1e-12)
    assert entanglement([run]).entanglement_duration == pytest.approx(exact, rel=1e-8)
    assert entanglement([run], resolution=121).entanglement_duration == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize(("pump", "dark"), [(0.0, 0.0), (0.168, 0.0), (0.168, 20.0), (2.0, 20.0)])
def test_few_points_find_what_many_find(closure, pump, dark):
    """Draws as wide as a posterior of few data; with a kink of ξ where the drive is switched off."""
    rng = np.random.default_rng(seed(1))
    rates = paper(
        collective_rate=0.11 * np.exp(0.3 * rng.normal(size=200)),
        dephasing=0.19 * np.exp(0.3 * rng.normal(size=200)) + 0.4 * pump,
        pump=pump,
    )
    stages = [Stage(60.0, rates)]
    if dark:
        stages = [Stage(8.0, rates), Stage(dark, rates.with_lights((), 0.05))]
    few = entanglement(stages, closure=closure, resolution=51, accuracy=1e-6)
    many = entanglement(stages, closure=closure, resolution=2001)
    np.testing.assert_allclose(few.xi_minimum, many.xi_minimum, rtol=1e-6)
    np.testing.assert_allclose(few.entanglement_duration, many.entanglement_duration, rtol=1e-4)


def test_minimum_where_the_drive_is_switched_off():
    on = stage(3.0)
    found = entanglement([on, Stage(10.0, on.rates.with_lights((), 0.05))], resolution=51)
    assert found.xi_minimum_time == 3.0
    assert found.xi_minimum == pytest.approx(float(evolve([on], [3.0]).xi[0]), rel=1e-9)


def test_never_and_always_entangled():
    assert entanglement([stage(20.0, dephasing=3.0)]).entanglement_duration == 0
    assert entanglement([stage(10.0)]).entanglement_duration == np.inf


@pytest.mark.parametrize("repump", [0.02, 0.1, 1.0])
def test_threshold_separates_entangled_from_not(repump):
    def final(collective):
        rates = paper(collective_rate=collective, pump=0.168, repump_rate=repump, dephasing=0.5)
        return steady_state(rates)

    threshold = float(final(1.0).threshold)
    assert final(1.01 * threshold).xi < 1 < final(0.99 * threshold).xi


def test_steady_state_where_nothing_moves():
    still = paper(collective_rate=0.0, radiative_rate=0.0, collision_rate=0.0, light_loss_rate=0.0, dephasing=0.0)
    found = steady_state(still, InitialState(n3=0.05, nh=0.1))
    assert (found.n2, found.p, found.spin_variance) == pytest.approx((0.9, 0.8, 0.9))


def test_decay_times_are_the_initial_slopes():
    rates, initial = paper(pump=0.1, repump_rate=0.05), InitialState(n3=0.02, nh=0.05)
    n2, p, _, k = derivatives(rates, "microscopic")(0, np.array([0.95, 0.91, 0.95, 0.0]))
    assert polarization_decay_time(rates, initial) == pytest.approx(-(7 * 0.95 + 0.91) / (7 * n2 + p))
    assert transverse_spin_decay_time(rates, initial) == pytest.approx(2 / k)


@pytest.mark.parametrize(("closure", "slope"), [("microscopic", -0.1129), ("fixed-number", -0.0844)])
def test_initial_slope_of_the_epr_variance(closure, slope):
    """Numbers of the corrected slope formula of the supplement at the paper's parameters."""
    early = evolve([stage(1.0)], [0.0, 1e-5], closure=closure).epr_variance
    assert (early[1] - early[0]) / 1e-5 == pytest.approx(slope, abs=1e-4)


def test_orientation_after_15_ms_is_the_published_one():
    assert evolve([stage(20.0)], [15.0]).orientation[0] == pytest.approx(0.980, abs=0.003)


@pytest.mark.parametrize("closure", CLOSURES)
def test_many_draws_at_once(closure):
    depths = np.array([20.0, 35.0, 55.0])
    rates = paper(collective_rate=0.002 * depths)
    together = entanglement([Stage(40.0, rates)], closure=closure)
    for k, depth in enumerate(depths):
        alone = entanglement([stage(40.0, depth=depth)], closure=closure)
        assert together.xi_minimum[k] == pytest.approx(float(alone.xi_minimum), rel=1e-10)
        assert together.entanglement_duration[k] == pytest.approx(float(alone.entanglement_duration), rel=1e-9)


def test_a_spin_that_stays_never_decays():
    still = paper(collective_rate=0.0, radiative_rate=0.0, collision_rate=0.0, light_loss_rate=0.0, dephasing=0.0)
    for rates in (still, replace(still, pump_rate=np.zeros(2))):
        assert np.all(polarization_decay_time(rates, InitialState(0.02)) == np.inf)
