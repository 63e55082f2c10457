"""Readout against a discretised covariance computation, the ideal relations, and the numbers of the paper."""

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissentangle.forward_models import InitialState, InvalidValue, Rates, Stage, evolve
from dissentangle.forward_models.light.calibration_curves import classical_excess, coupling_at_angle, initial_spin_noise
from dissentangle.forward_models.light.readout import (
    Readout,
    bath_contribution,
    coupled_spin,
    coupling,
    light_noise,
    light_variance,
    mode_function,
    readout_of,
    xi_of_light_variance,
)

from ...graphs import PLAIN
from ..three_state.rates_of_the_paper import paper

DRIVE = paper()

TYPICAL = {"swap_rate": 0.055, "extra_decay_rate": 0.0965, "squeezing_limit": 0.16}
RATE = st.floats(0.001, 2.0)


def by_covariance(readout: Readout, xi: float, steps: int = 4000) -> float:
    """Variance of the mode over the shot noise: the atomic state stepped through the pulse, noise by noise."""
    dt = readout.duration / steps
    gamma, limit = readout.decay_rate, readout.squeezing_limit
    gain = np.sqrt(2 * readout.swap_rate / limit)
    noise_in = np.sqrt(2 * readout.swap_rate * limit)
    bath = np.sqrt(2 * readout.extra_decay_rate * readout.bath_noise)
    middle = (np.arange(steps) + 0.5) * dt
    mode = np.exp(-gamma * middle)
    mode /= np.sqrt((mode**2).sum() * dt)
    # x(t) = e^{−γt} x(0) + Σ_s e^{−γ(t−s)} [−noise_in f(s) + bath F(s)] dt; y = ∫ mode (f + gain x)
    tail = np.zeros(steps)  # ∫_{t > s} mode(t) e^{−γ(t−s)} dt, the share of a kick at s
    decay = np.exp(-gamma * dt)
    for k in range(steps - 2, -1, -1):
        tail[k] = decay * (tail[k + 1] + mode[k + 1] * dt)
    tail += 0.5 * mode * dt
    start = gain * (mode * np.exp(-gamma * middle)).sum() * dt
    from_light = mode - gain * noise_in * tail
    from_bath = gain * bath * tail
    ideal = start**2 * xi + (from_light**2 + from_bath**2).sum() * dt
    return readout.detection_efficiency * ideal + 1 - readout.detection_efficiency


@pytest.mark.parametrize("duration", [0.5, 1.0, 3.0, 15.0])
@pytest.mark.parametrize("bath", [0.9, 1.3])
def test_light_variance_by_covariance(duration, bath):
    readout = Readout(**TYPICAL, duration=duration, bath_noise=bath, detection_efficiency=0.84)
    for xi in (0.5, 1.0, 2.0):
        assert light_variance(xi, readout) == pytest.approx(by_covariance(readout, xi), abs=3e-5)


@pytest.mark.parametrize("falling", [True, False])
@given(RATE, st.floats(0.01, 10))
def test_modes_are_normalised(falling, rate, duration):
    times = np.linspace(0, duration, 4001)
    mode = mode_function(times, rate, duration, falling=falling)
    assert np.trapezoid(mode**2, times) == pytest.approx(1, rel=1e-4)
    assert (np.diff(mode) < 0).all() == falling
    np.testing.assert_allclose(mode, mode_function(duration - times, rate, duration, falling=not falling), rtol=1e-9)


@pytest.mark.parametrize("duration", [1.0, 5.0])
def test_coupling_is_the_overlap_of_the_falling_mode_with_the_decaying_atoms(duration):
    """κ = √(2γs/Z) ∫ u(t) e^{−γt} dt."""
    readout = Readout(**TYPICAL, duration=duration)
    times = np.linspace(0, duration, 4001)
    mode = mode_function(times, readout.decay_rate, duration)
    overlap = np.trapezoid(mode * np.exp(-readout.decay_rate * times), times)
    assert 2 * readout.swap_rate / 0.16 * overlap**2 == pytest.approx(coupling(readout), rel=1e-6)


@given(RATE, RATE, st.floats(0.05, 1.0), st.floats(0.01, 30), st.floats(0, 2), st.floats(0.1, 1), st.floats(0, 3))
def test_inverse(swap, extra, limit, duration, bath, efficiency, xi):
    readout = Readout(swap, extra, limit, bath, efficiency, duration=duration)
    assert xi_of_light_variance(light_variance(xi, readout), readout) == pytest.approx(xi, rel=1e-6, abs=1e-8)


@given(RATE, st.floats(0.05, 1.0), st.floats(0.01, 30))
def test_ideal_case(swap, limit, duration):
    readout = Readout(swap, 0.0, limit, duration=duration)
    kappa = (1 - np.exp(-2 * swap * duration)) / limit
    assert coupling(readout) == pytest.approx(kappa)
    assert light_noise(readout) == pytest.approx(1 - kappa * limit, abs=1e-12)
    assert bath_contribution(readout) == 0
    variance = 1.7
    assert xi_of_light_variance(variance, readout) == pytest.approx((variance - (1 - kappa * limit)) / kappa)


@given(RATE, RATE, st.floats(0.01, 30), st.floats(0.1, 1))
def test_a_coherent_state_in_its_own_bath_is_read_as_shot_noise_without_squeezing(swap, extra, duration, efficiency):
    """With Z = 1 (passive exchange) and n_b = 1 vacuum goes in and vacuum comes out."""
    assert light_variance(1.0, Readout(swap, extra, 1.0, 1.0, efficiency, duration=duration)) == pytest.approx(1.0)


def test_lossy_data_inverted_as_if_ideal():
    """physics.md: ξ = 1 becomes 1.03, 1.05, 1.11, 1.16 for pulses of 0.5, 1, 2, 3 ms at d = 55."""
    found = []
    for duration in (0.5, 1.0, 2.0, 3.0):
        lossy = Readout(**TYPICAL, duration=duration)
        variance, kappa = light_variance(1.0, lossy), coupling(lossy)
        found.append((variance - (1 - kappa * 0.16)) / kappa)
    np.testing.assert_allclose(found, [1.03, 1.05, 1.11, 1.16], atol=0.006)


def test_an_error_of_the_shot_noise():
    readout = Readout(**TYPICAL, duration=1.0, detection_efficiency=1.0)
    assert coupling(readout) == pytest.approx(0.59, abs=0.015)
    right, wrong = (xi_of_light_variance(v, readout) for v in (1.3, 1.3 * 1.01))
    assert wrong - right == pytest.approx(1.3 * 0.01 / coupling(readout))


def test_coupling_is_proportional_to_the_angle_for_weak_coupling_only():
    """physics.md: κ²Z/(2γsT) = 0.93, 0.86, 0.75, 0.66."""
    ratios = []
    for duration in (0.5, 1.0, 2.0, 3.0):
        readout = Readout(**TYPICAL, duration=duration)
        ratios.append(coupling(readout) * 0.16 / (2 * TYPICAL["swap_rate"] * duration))
        assert coupling_at_angle(14.0, 14.0, readout) == coupling(readout)
        assert coupling_at_angle(7.0, 14.0, readout) > 0.5 * coupling(readout)
    np.testing.assert_allclose(ratios, [0.93, 0.86, 0.75, 0.66], atol=0.006)


@pytest.mark.parametrize(("closure", "expected"), [("microscopic", (0.92, 1.07)), ("fixed-number", (1.06, 1.21))])
def test_bath_noise_of_the_paper(closure, expected):
    trajectory = evolve([Stage(20.0, DRIVE)], [0.0, 15.0], InitialState(n3=0.01), closure)
    readout = readout_of(DRIVE, trajectory.n2, trajectory.p, 1.0, closure)
    np.testing.assert_allclose(readout.bath_noise, expected, atol=0.006)
    assert readout.decay_rate[0] == pytest.approx(0.5 * (0.193 + 0.11 * trajectory.p[0]))


@pytest.mark.parametrize("closure", ["microscopic", "fixed-number"])
def test_bath_noise_is_where_the_extra_decay_leads(closure):
    """d(ξ⟨Jx⟩)/dt from the equations of motion: 2γs Z-light and the bath add what the decay takes away."""
    rates, step = DRIVE, 1e-4
    trajectory = evolve([Stage(20.0, rates)], [5.0, 5.0 + step], InitialState(n3=0.01), closure)
    n2, p, xi = trajectory.n2[0], trajectory.p[0], trajectory.xi
    readout = readout_of(rates, n2, p, 1.0, closure)
    variance = xi * (7 * trajectory.n2 + trajectory.p)  # of the atoms, per atom, in one unit at both times
    found = (variance[1] - variance[0]) / step / (7 * n2 + p)
    driven = 8 * rates.collective_rate * 0.16 * p**2 / (7 * n2 + p)
    expected = driven + rates.dephasing_rate * readout.bath_noise - 2 * readout.decay_rate * xi[0]
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_numpy_and_pytensor_agree_with_gradients():
    names = ("swap_rate", "extra_decay_rate", "squeezing_limit", "bath_noise", "detection_efficiency")
    point = np.array([0.055, 0.0965, 0.16, 1.05, 0.84])
    x = pt.dvector("x")

    def value(entries, xp):
        return light_variance(0.8, Readout(**dict(zip(names, entries, strict=True)), duration=1.0), xp=xp)

    graph = value([x[k] for k in range(5)], pt)
    assert graph.eval({x: point}, mode=PLAIN) == pytest.approx(value(point, np), rel=1e-13)
    slope = pt.grad(graph, x).eval({x: point}, mode=PLAIN)
    for k in range(5):
        step = np.zeros(5)
        step[k] = 1e-6
        assert slope[k] == pytest.approx((value(point + step, np) - value(point - step, np)) / 2e-6, rel=1e-6)
    weak = pt.grad(coupling(Readout(x[0], x[1], 0.16, duration=1.0), xp=pt), x).eval({x: np.zeros(5)}, mode=PLAIN)
    assert weak[0] == pytest.approx(2 / 0.16)


def test_projection_noise_is_linear_and_classical_noise_quadratic():
    angle = np.array([6.0, 14.0])
    np.testing.assert_allclose(initial_spin_noise(angle, 0.1, 0.0, 1.0, 1.0), 0.1 * angle)
    ratio = initial_spin_noise(angle, 0.1, 0.004, 1.0, 1.0) / (0.1 * angle) - 1
    np.testing.assert_allclose(ratio, [0.024, 0.056])


def test_classical_noise_is_the_excess_variance_of_the_ensembles():
    n2, p = 1.0, 0.98
    excess = classical_excess(0.004, 14.0, n2, p)
    start = InitialState(n3=0.01, spin_variance=n2 + excess)
    quiet = evolve([Stage(20.0, DRIVE)], [0.0], InitialState(n3=0.01)).xi[0]
    assert evolve([Stage(20.0, DRIVE)], [0.0], start).xi[0] - quiet == pytest.approx(0.056)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"swap_rate": -1.0}, "swap_rate = -1: expected a finite number >= 0"),
        ({"squeezing_limit": 0.0}, r"squeezing_limit = 0: expected a number in \(0, 1\]"),
        ({"duration": 0.0}, "duration = 0: expected a finite number > 0"),
        ({"detection_efficiency": 1.1}, r"detection_efficiency = 1.1: expected a number in \[0, 1\]"),
        ({"bath_noise": np.nan}, "bath_noise = nan: expected a finite number"),
    ],
)
def test_impossible_readouts(changes, text):
    with pytest.raises(InvalidValue, match=text):
        Readout(**(TYPICAL | {"duration": 1.0} | changes))


def test_rates_without_the_drive_couple_nothing():
    dark = Rates(0.0, 0.0, 0.16, 0.002, 0.0, 0.0, 0.0, 0.05)
    readout = readout_of(dark, 1.0, 0.98, 1.0, "microscopic")
    assert coupling(readout) == 0
    assert light_variance(3.0, readout) == pytest.approx(1.0)


def test_which_spin_couples_to_the_light():
    """p, by the equation of motion of Σ, or (7 n2 + p)/8, which normalises ξ: 1 for both where all are in |4,±4⟩."""
    assert coupled_spin(1.0, 1.0, "two-level") == coupled_spin(1.0, 1.0, "mean-spin") == 1.0
    assert coupled_spin(0.9, 0.7) == 0.7
    assert coupled_spin(0.9, 0.7, "mean-spin") == pytest.approx((7 * 0.9 + 0.7) / 8)
    usual, other = (readout_of(DRIVE, 0.9, 0.7, 1.0, "microscopic", spin=spin) for spin in ("two-level", "mean-spin"))
    assert other.swap_rate / usual.swap_rate == pytest.approx(0.875 / 0.7)
    assert (other.extra_decay_rate, other.bath_noise) == (usual.extra_decay_rate, usual.bath_noise)
    with pytest.raises(InvalidValue, match="coupled spin 'whole': expected 'two-level' or 'mean-spin'"):
        coupled_spin(1.0, 1.0, "whole")
