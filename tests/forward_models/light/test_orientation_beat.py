"""The orientation test against the precession of a spin 4, matrix by matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissentangle.forward_models.light.orientation_beat import (
    SUBLEVELS,
    Precession,
    orientation_beat,
    sublevel_orientation,
    sublevel_populations,
)

RATIOS = st.lists(st.floats(0.0, 3.0), min_size=8, max_size=8)


def spin_matrices():
    """F₊ and the diagonal of Fz of a spin 4, in the order m = 4, …, −4."""
    m = np.array(SUBLEVELS, float)
    raising = np.zeros((9, 9))
    for k in range(8):
        raising[k, k + 1] = np.sqrt(20 - m[k] * m[k + 1])
    return raising, m


def by_matrices(times, populations, detuning, splitting):
    """⟨F₋⟩ after a small rotation of diag(populations), over what all atoms in m = 4 would give at t = 0."""
    raising, m = spin_matrices()
    fy = (raising - raising.T) / 2j
    rho = np.diag(populations).astype(complex)
    kicked = -1j * (fy @ rho - rho @ fy)
    # level energies whose differences E(m) − E(m−1) = −(δ₀ + (4 − m) ν₂)
    energy = np.cumsum([0.0, *(detuning + (4 - upper) * splitting for upper in m[:-1])])
    signal = []
    for t in times:
        turn = np.diag(np.exp(-2j * np.pi * energy * t))
        signal.append(np.trace(raising.T @ turn @ kicked @ turn.conj().T))
    full = np.zeros(9)
    full[0] = 1
    norm = np.trace(raising.T @ (-1j * (fy @ np.diag(full) - np.diag(full) @ fy)))
    return np.array(signal) / norm


@given(RATIOS)
def test_populations(ratios):
    populations = sublevel_populations(ratios)
    assert sum(populations) == pytest.approx(1)
    for k, ratio in enumerate(ratios):
        assert populations[k + 1] == pytest.approx(ratio * populations[k])


def test_orientation():
    assert sublevel_orientation(sublevel_populations([0.0] * 8)) == 1
    assert sublevel_orientation(sublevel_populations([1.0] * 8)) == pytest.approx(0)
    assert sublevel_orientation([0.99, 0.01, *[0.0] * 7]) == pytest.approx(0.9975)


@pytest.mark.parametrize("ratios", [[0.01] + [0.3] * 7, [0.3] * 8, [0.9, 0.2, 1.4, 0.5, 0.5, 0.5, 0.5, 0.5]])
def test_signal_is_the_precession_of_a_spin(ratios):
    times = np.linspace(0, 40, 57)
    populations = sublevel_populations(ratios)
    exact = by_matrices(times, populations, 0.003, 0.0226) / (populations[0] - populations[1])
    real, imaginary = orientation_beat(times, populations, Precession(1.0, 0.0, 0.003, 0.0226, 1e12))
    np.testing.assert_allclose(real, exact.real, atol=1e-12)
    np.testing.assert_allclose(imaginary, exact.imag, atol=1e-12)


def test_phase_and_decay():
    times = np.linspace(0, 40, 11)
    populations = sublevel_populations([0.02] * 8)
    plain = np.array(orientation_beat(times, populations, Precession(1.0, 0.0, 0.0, 0.0226, 1e12)))
    turned = np.array(orientation_beat(times, populations, Precession(0.0, 2.0, 0.0, 0.0226, 20.0)))
    decay = 2 * np.exp(-times / 20)
    np.testing.assert_allclose(turned[0], -plain[1] * decay, atol=1e-14)
    np.testing.assert_allclose(turned[1], plain[0] * decay, atol=1e-14)


def test_two_levels_weigh_as_in_the_three_state_model():
    """physics.md: 8(n4 − n3) and 14 n3."""
    real, _ = orientation_beat(np.zeros(1), [0.99, 0.01, *[0.0] * 7], Precession(8 * 0.98, 0, 0, 0.0226, 1e12))
    assert real[0] == pytest.approx(8 * 0.98 + 14 * 0.01)
