"""Transverse-spin variance Σ = ΣJ/(8N) of the two-level part, along a time grid; it enters ξ by (S.3).

microscopic    dΣ/dt = −(Γ̃ + dΓ p) Σ + Γ̃ n2 + dΓ Z p² + dn2/dt
fixed-number   the same without dn2/dt

Σ = e^{−K(t)} Σ(0) + ∫ e^{K(s)−K(t)} q(s) ds with K(t) = ∫ (Γ̃ + dΓ p) ds in closed form. The microscopic closure
is exact for many atoms (an atom that leaves takes its projection noise along); the fixed-number closure is what
the slope formula of the paper's supplement implies. Both start from Eq. (21) of Muschik, Polzik & Cirac,
PRA 83, 052312.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_OVERFLOW = 600.0  # e^600 is a double; the sum of a thousand of them too


def source(n2: Any, p: Any, dephasing_rate: Any, collective_rate: Any, squeezing_limit: Any, n2_slope: Any) -> Any:
    """q = Γ̃ n2 + dΓ Z p² (+ dn2/dt where `n2_slope` is not 0), ms⁻¹."""
    return dephasing_rate * n2 + collective_rate * squeezing_limit * p * p + n2_slope


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
