"""Transverse-spin variance Σ = ΣJ/(8N) of the two-level part, along a time grid; it enters ξ by (S.3).

    dΣ/dt = −(Γ̃ + dΓ p) Σ + Γ̃ n2 + dΓ Z p² + c dn2/dt

c is the share of its projection noise that a lost atom takes along. The closure says what it is: c = 1 (microscopic)
is exact for many atoms; c = 0 (fixed-number) is what the slope formula of the paper's supplement implies; with the
open closure c is a parameter. Σ = e^{−K(t)} Σ(0) + ∫ e^{K(s)−K(t)} q(s) ds with K(t) = ∫ (Γ̃ + dΓ p) ds in closed form.
Source: Eq. (21) of Muschik, Polzik & Cirac, PRA 83, 052312.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..validation import InvalidValue, require

NOISE_SHARES = {"microscopic": 1.0, "fixed-number": 0.0}
"""c of the closures that fix it."""
_OVERFLOW = 600.0  # e^600 is a double; the sum of a thousand of them too


def noise_share(closure: Any) -> Any:
    """The share c of a closure by its name; a value of c itself (a number, draws (n,), a symbol) as it is.

    Raises InvalidValue for an unknown closure, for "open" (which has no value of c), and for numbers outside [0, 1].
    """
    if not isinstance(closure, str):
        require("closure", closure, low=0.0, high=1.0)
        return closure
    if closure not in NOISE_SHARES:
        known = ", ".join(repr(name) for name in NOISE_SHARES)
        raise InvalidValue(f"closure = {closure!r}: expected {known}, or a number from 0 to 1")
    return NOISE_SHARES[closure]


def lost_noise(share: Any, n2_slope: Callable[[], Any]) -> Any:
    """c dn2/dt, ms⁻¹; dn2/dt is not worked out where c is 0."""
    if isinstance(share, float) and share in NOISE_SHARES.values():
        return n2_slope() if share else 0.0
    return share * n2_slope()


def source(n2: Any, p: Any, dephasing_rate: Any, collective_rate: Any, squeezing_limit: Any, lost: Any) -> Any:
    """q = Γ̃ n2 + dΓ Z p² + c dn2/dt, ms⁻¹; `lost` is c dn2/dt, see `lost_noise`."""
    return dephasing_rate * n2 + collective_rate * squeezing_limit * p * p + lost


def variance_slope(variance: Any, p: Any, gained: Any, dephasing_rate: Any, collective_rate: Any) -> Any:
    """dΣ/dt = q − (Γ̃ + dΓ p) Σ, ms⁻¹; `gained` is q, see `source`."""
    return gained - (dephasing_rate + collective_rate * p) * variance


def accumulate(
    start: Any, exponent: Any, growth: Any, contributions: Any, *, points: int, exponent_bound: float, xp: Any = np
) -> Any:
    """Σ at all points: Σ₀ = `start`, Σᵢ₊₁ = e^{−growthᵢ} Σᵢ + contributionᵢ, without a loop over points.

    exponent (…, N+1) : K at the points, K₀ = 0
    growth (…, N) : Kᵢ₊₁ − Kᵢ
    contributions (…, N)
    points : N + 1
    exponent_bound : a bound of K: below 600 one cumulative sum serves; above, it would overflow, and the
        recurrence is doubled log₂N times instead
    """
    start = start + 0 * exponent[..., :1]
    if exponent_bound < _OVERFLOW:
        growth_since = xp.exp(exponent)
        grown = xp.concatenate([start, growth_since[..., 1:] * contributions], axis=-1)
        return xp.cumsum(grown, axis=-1) / growth_since
    decay = xp.concatenate([0 * start, xp.exp(-growth)], axis=-1)
    total = xp.concatenate([start, contributions], axis=-1)
    step = 1
    while step < points:
        total = xp.concatenate([total[..., :step], total[..., step:] + decay[..., step:] * total[..., :-step]], axis=-1)
        decay = xp.concatenate([decay[..., :step], decay[..., step:] * decay[..., :-step]], axis=-1)
        step *= 2
    return total
