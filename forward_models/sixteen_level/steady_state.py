"""How a stage of the sixteen-level model begins and where it ends: T1, and the steady state."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..three_state import InitialState, SteadyState, decay_time
from .levels import DIFFERENCE, LOST_SPIN, SPIN, TWO_LEVEL, VARIANCE
from .path import start_of
from .rates import SixteenLevelRates, generator

_NO_SPIN = 1e-9
"""⟨Jx⟩ per atom: the drive alone tells neither end of F = 4 from the other, and in the end leaves no mean spin."""


def sixteen_level_decay_time(rates: SixteenLevelRates, initial: InitialState, weight: Any = None) -> Any:
    """T1 ≡ −P/Ṗ at t = 0, ms, P the mean spin of F = 4; infinite where it stays. Numbers, arrays, or symbolic.

    weight : of the spin of F = 3, where a probe sees that, too
    """
    start = start_of(initial)

    def slope(spin: np.ndarray) -> Any:
        return sum((rate * (start @ (spin @ table.generator)) for rate, table in rates.processes), 0.0 * initial.jx)

    seen, change = initial.jx, slope(SPIN)
    if weight is not None:
        seen, change = seen + weight * (start @ LOST_SPIN), change + weight * slope(LOST_SPIN)
    return decay_time(seen, change)


def sixteen_level_steady_state(rates: SixteenLevelRates, initial: InitialState) -> SteadyState:
    """Populations, Σ = n2 + C and ξ for t → ∞ (NumPy numbers or arrays), for both closures the same.

    L p = 0; C = −dΓ p (n2 − Z p)/(Γ̃ + dΓ p). threshold : dΓ (ms⁻¹) from which ξ < 1, at these populations and Γ̃.
    Where all processes are off, the populations of `initial` stay.
    """
    matrix = np.asarray(generator(rates))
    if matrix.any():
        matrix = matrix.copy()
        matrix[..., -1, :] = 1.0
        levels = np.linalg.solve(matrix, np.broadcast_to(np.eye(16)[-1:].T, (*matrix.shape[:-1], 1)))[..., 0]
    else:
        levels = np.asarray(start_of(initial))
    n2, p, spin, variance = (levels @ row for row in (TWO_LEVEL, DIFFERENCE, SPIN, VARIANCE))
    dephasing, collective, limit = rates.dephasing_rate, rates.collective_rate, rates.squeezing_limit
    pairs = p * (n2 - limit * p)
    correlation = -collective * pairs / (dephasing + collective * p)
    gained = 4 * pairs - (variance - spin) * p
    with np.errstate(divide="ignore", invalid="ignore"):
        threshold = np.where(gained > 0, (variance - spin) * dephasing / gained, np.inf)
        xi = np.where(spin > _NO_SPIN, (variance + 4 * correlation) / spin, np.inf)
    return SteadyState(n2, p, n2 + correlation, xi, threshold)
