"""Continuous measurement against an ODE solver, explicit covariances, the limits of the theory and the paper."""

import mpmath
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from dissentangle.forward_models import InvalidValue
from dissentangle.forward_models.light.conditional import (
    ContinuousMeasurement,
    conditional_xi,
    feedback_mode,
    optimal_mode_rate,
    steady_conditional_xi,
    unconditional_xi,
)
from dissentangle.forward_models.light.readout import coupling, light_variance

from ...graphs import PLAIN

CHECKED = ContinuousMeasurement(0.12, 0.15, 0.16, 1.6, 0.84)
RATE, LIMIT, NOISE, UNIT = st.floats(0.01, 2.0), st.floats(0.02, 1.0), st.floats(0.0, 4.0), st.floats(0.0, 1.0)
MEASUREMENT = st.builds(ContinuousMeasurement, RATE, RATE, LIMIT, NOISE, UNIT)


def riccati(m, v):
    """The equation of physics as it stands in the literature, not the transformed one of the module."""
    gamma = m.swap_rate + m.extra_decay_rate
    gained = 2 * m.detection_efficiency * m.swap_rate / m.squeezing_limit * (v - m.squeezing_limit) ** 2
    driven = m.swap_rate * m.squeezing_limit + m.extra_decay_rate * m.bath_noise
    return -2 * gamma * v + 2 * driven - gained


def test_checked_numbers():
    assert steady_conditional_xi(CHECKED) == pytest.approx(0.5692, abs=5e-5)
    assert optimal_mode_rate(CHECKED) == pytest.approx(0.7856, abs=5e-5)


def test_the_paper_with_an_ideal_filter():
    """γ = 0.27, γm = 0.83, v_u = 1.05 give v∞ = 0.60, γs = 0.122, n_b = 1.78."""
    found = ContinuousMeasurement(0.122, 0.148, 0.16, 1.78, 0.84)
    assert found.unconditional_xi == pytest.approx(1.05, abs=5e-3)
    assert optimal_mode_rate(found) == pytest.approx(0.83, abs=5e-3)
    assert steady_conditional_xi(found) == pytest.approx(0.60, abs=5e-3)


@given(MEASUREMENT, st.floats(0.0, 5.0), st.floats(0.0, 30.0))
def test_conditional_xi_solves_the_riccati_equation(m, start, time):
    expected = solve_ivp(lambda t, v: riccati(m, v), (0.0, time), [start], rtol=1e-9, atol=1e-11).y[0, -1]
    assert conditional_xi(m, time, start) == pytest.approx(expected, rel=1e-6, abs=1e-7)


# from above 0: at n_b = 0, η = 1 a variance of 0 is a root that v leaves as e^{2γm t}, with the rounding
@given(MEASUREMENT, st.floats(0.01, 5.0), st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_two_stretches_of_time_are_one(m, start, first, second):
    between = conditional_xi(m, first, start)
    assert conditional_xi(m, second, between) == pytest.approx(conditional_xi(m, first + second, start), rel=1e-9)
    between = unconditional_xi(m, first, start)
    assert unconditional_xi(m, second, between) == pytest.approx(unconditional_xi(m, first + second, start), rel=1e-9)


@given(MEASUREMENT)
def test_the_steady_state_is_a_root_and_the_end(m):
    found = steady_conditional_xi(m)
    assert riccati(m, found) == pytest.approx(0.0, abs=1e-9)
    assert unconditional_xi(m, 1e5, 2.0) == pytest.approx(m.unconditional_xi, rel=1e-9)
    assume(optimal_mode_rate(m) > 0.01 * m.decay_rate)  # 0 at γs = γextra, n_b = 0, η = 1: there v falls as 1/t
    assert conditional_xi(m, 1e5, 2.0) == pytest.approx(found, rel=1e-9)


@given(MEASUREMENT, st.floats(0.0, 5.0), st.floats(0.0, 20.0))
def test_who_knows_the_record_knows_more(m, start, time):
    assert conditional_xi(m, time, start) <= unconditional_xi(m, time, start) * (1 + 1e-12) + 1e-12


@given(MEASUREMENT)
def test_the_best_mode_grows_faster_than_the_atoms_decay(m):
    """γm > γ where the bath is noisier than the limit of dissipation: always, in an experiment."""
    faster = optimal_mode_rate(m) - m.decay_rate
    excess = m.detection_efficiency * (m.bath_noise - m.squeezing_limit)
    assert abs(faster) < 1e-9 if abs(excess) < 1e-12 else (faster > 0) == (excess > 0) or abs(faster) < 1e-9


@given(RATE, RATE, LIMIT, NOISE, st.floats(0.0, 3.0), st.floats(0.0, 20.0))
def test_without_detection_nothing_is_known(swap, extra, limit, bath, start, time):
    m = ContinuousMeasurement(swap, extra, limit, bath, 0.0)
    assert conditional_xi(m, time, start) == pytest.approx(unconditional_xi(m, time, start), rel=1e-9, abs=1e-12)
    assert optimal_mode_rate(m) == pytest.approx(swap + extra)


def test_without_coupling_and_without_decay():
    still = ContinuousMeasurement(0.0, 0.0, 0.16, 1.0, 0.84)
    np.testing.assert_allclose(conditional_xi(still, np.array([0.0, 7.0]), 1.3), 1.3)
    ideal = ContinuousMeasurement(0.1, 0.0, 0.16, 1.0, 1.0)  # dissipation alone: the limit Z, and nothing to be learned
    assert steady_conditional_xi(ideal) == pytest.approx(0.16)
    assert conditional_xi(ideal, 3.0, 0.16) == pytest.approx(0.16)


def by_covariance(m, rate, duration, start, steps=1500):
    """Variance of the mode and covariance with the atoms, from the noises of small steps and nothing else.

    x(t) and y(t) are sums over independent noises: the input light f, the bath F, the loss v and the start.
    """
    dt = duration / steps
    gamma = m.swap_rate + m.extra_decay_rate
    gain = np.sqrt(2 * m.swap_rate / m.squeezing_limit)
    decay = np.exp(-gamma * dt)
    lag = np.arange(steps)[:, None] - np.arange(steps)
    memory = np.where(lag > 0, decay ** np.maximum(lag, 0.0), 0.0) + 0.5 * np.eye(
        steps
    )  # of a kick, in its own step half
    eta = m.detection_efficiency
    light = -np.sqrt(2 * m.swap_rate * m.squeezing_limit) * memory * np.sqrt(dt)
    bath = np.sqrt(2 * m.extra_decay_rate * m.bath_noise) * memory * np.sqrt(dt)
    middle = (np.arange(steps) + 0.5) * dt
    first = np.sqrt(start) * np.exp(-gamma * middle)[:, None]
    x = np.concatenate([light, bath, np.zeros((steps, steps)), first], axis=1)
    white = np.eye(steps) / np.sqrt(dt)
    noise = np.concatenate(
        [np.sqrt(eta) * white, np.zeros((steps, steps)), np.sqrt(1 - eta) * white, np.zeros((steps, 1))], axis=1
    )
    y = np.sqrt(eta) * gain * x + noise
    mode = np.exp(rate * middle)
    mode /= np.sqrt((mode**2).sum() * dt)
    feed = mode @ y * dt
    last = decay ** (steps - 0.5 - np.arange(steps))
    at_end = np.concatenate(
        [
            -np.sqrt(2 * m.swap_rate * m.squeezing_limit * dt) * last,
            np.sqrt(2 * m.extra_decay_rate * m.bath_noise * dt) * last,
            np.zeros(steps),
            [np.sqrt(start) * np.exp(-gamma * duration)],
        ]
    )
    return feed @ feed, at_end @ feed, at_end @ at_end


@pytest.mark.parametrize("rate", [0.0, 0.27, 0.8])
@pytest.mark.parametrize("start", [1.0, 3.0])
def test_feedback_mode_by_covariance(rate, start):
    mode = feedback_mode(CHECKED, rate, 4.0, start)
    variance, covariance, unconditional = by_covariance(CHECKED, rate, 4.0, start)
    assert mode.variance == pytest.approx(variance, rel=2e-4)
    assert np.sqrt(CHECKED.measurement_rate) * mode.response == pytest.approx(covariance, rel=1e-4)
    assert unconditional_xi(CHECKED, 4.0, start) == pytest.approx(unconditional, rel=1e-4)
    assert mode.gain() == pytest.approx(covariance / variance, rel=2e-4)


@given(MEASUREMENT, st.floats(0.0, 3.0), st.floats(0.1, 5.0), st.floats(0.05, 20.0))
def test_no_mode_tells_more_than_the_whole_record(m, rate, start, duration):
    left = feedback_mode(m, rate, duration, start).conditional_xi(unconditional_xi(m, duration, start))
    assert left >= conditional_xi(m, duration, start) - 1e-9


@given(MEASUREMENT)
def test_the_best_mode_tells_as_much_as_the_whole_record_in_the_steady_state(m):
    rate = optimal_mode_rate(m)
    assume(rate > 0.01 * m.decay_rate)  # 0 at γs = γextra, n_b = 0, η = 1: no record is long against 1/γm
    best = feedback_mode(m, rate, 60 / min(rate, m.decay_rate), m.unconditional_xi)
    assert best.conditional_xi(m.unconditional_xi) == pytest.approx(steady_conditional_xi(m), rel=1e-8, abs=1e-9)


def test_a_mode_that_grows_beyond_all_floats_sees_the_steady_state():
    long, longer = (feedback_mode(CHECKED, 2.0, duration, 3.0) for duration in (100.0, 1000.0))
    assert longer.variance == pytest.approx(long.variance, rel=1e-12)
    assert longer.response == pytest.approx(long.response, rel=1e-12)


def test_modes_where_rates_coincide():
    """m = γ and m = 0 against quadrature in many digits."""
    m, start, duration = CHECKED, 1.7, 3.0
    gamma, u = m.decay_rate, m.unconditional_xi - m.squeezing_limit
    for rate in (0.0, gamma, gamma + 1e-9, 2.0):
        norm = mpmath.quad(lambda t, rate=rate: mpmath.e ** (2 * rate * t), [0, duration])
        expected = mpmath.quad(
            lambda t, rate=rate: (
                mpmath.e ** (rate * t)
                * (u + (start - m.unconditional_xi) * mpmath.e ** (-2 * gamma * t))
                * mpmath.e ** (-gamma * (duration - t))
            ),
            [0, duration],
        ) / mpmath.sqrt(norm)
        assert feedback_mode(m, rate, duration, start).response == pytest.approx(float(expected), rel=1e-12)


def test_the_readout_sees_what_the_record_leaves():
    """var(y_read) − cov²/var(y_feed) is the variance of the light of atoms with ξ_cond."""
    mode, readout = feedback_mode(CHECKED, 0.8, 6.0, 1.0), CHECKED.readout(1.0)
    xi = unconditional_xi(CHECKED, 6.0, 1.0)
    across = mode.covariance_with_readout(1.0)
    assert across == pytest.approx(np.sqrt(0.84 * coupling(readout) * CHECKED.measurement_rate) * mode.response)
    left = light_variance(xi, readout) - across**2 / mode.variance
    assert left == pytest.approx(light_variance(mode.conditional_xi(xi), readout), rel=1e-12)


def test_pytensor_and_gradients():
    names = ("swap_rate", "extra_decay_rate", "squeezing_limit", "bath_noise", "detection_efficiency")
    numbers = np.array([getattr(CHECKED, name) for name in names])

    def total(values, xp):
        m = ContinuousMeasurement(*(values[k] for k in range(5)))
        mode = feedback_mode(m, 0.5, 3.0, 1.3, xp=xp)
        times = np.array([0.0, 0.4, 3.0])
        parts = [conditional_xi(m, times, 1.3, xp=xp).sum(), mode.conditional_xi(unconditional_xi(m, 3.0, 1.3, xp=xp))]
        return parts[0] + parts[1] + steady_conditional_xi(m, xp=xp) + optimal_mode_rate(m, xp=xp)

    x = pt.dvector()
    graph = total(x, pt)
    function = pytensor.function([x], [graph, pytensor.grad(graph, x)], mode=PLAIN)
    value, gradient = function(numbers)
    assert value == pytest.approx(total(numbers, np), rel=1e-12)
    step = 1e-6
    differences = [(total(numbers + step * e, np) - total(numbers - step * e, np)) / (2 * step) for e in np.eye(5)]
    np.testing.assert_allclose(gradient, differences, rtol=1e-7)
    assert np.isfinite(function(numbers * [0, 1, 1, 1, 1])[1]).all()  # without coupling


@pytest.mark.parametrize(
    ("name", "value"), [("swap_rate", -1.0), ("squeezing_limit", 0.0), ("detection_efficiency", 2)]
)
def test_impossible_values(name, value):
    with pytest.raises(InvalidValue, match=name):
        ContinuousMeasurement(**{"swap_rate": 0.1, "extra_decay_rate": 0.1, "squeezing_limit": 0.16, name: value})
