"""Observables as functions of the populations and of the spin variance: ξ is (S.3) of the supplement.

n2, p : n4 + n3 and n4 − n3, populations of |4,±4⟩ and |4,±3⟩ per ensemble, where all atoms are 1
spin_variance : Σ = ΣJ/(8N) of the two-level part, 1 for a coherent spin state of all atoms in |4,±4⟩
Each is a number, an array or symbolic; all broadcast.
"""

from __future__ import annotations

from typing import Any


def mean_spin(n2: Any, p: Any) -> Any:
    """⟨Jx⟩ per atom, 4 n4 + 3 n3."""
    return 0.5 * (7 * n2 + p)


def total_variance(n2: Any, p: Any, spin_variance: Any) -> Any:
    """ΣJ per atom: 8Σ + 14 n3; |4,±3⟩ adds noise through |4,±2⟩ (S.3)."""
    return 8 * spin_variance + 7 * (n2 - p)


def epr_parameter(n2: Any, p: Any, spin_variance: Any) -> Any:
    """ξ = (8Σ + 14 n3)/(7 n2 + p); below 1 the ensembles are entangled (S.3)."""
    return total_variance(n2, p, spin_variance) / (7 * n2 + p)


def orientation(n2: Any, p: Any) -> Any:
    """Orientation within F = 4, (4 n4 + 3 n3)/(4 n2) (supplement, orientation)."""
    return (7 * n2 + p) / (8 * n2)


def entanglement_margin(p: Any, spin_variance: Any) -> Any:
    """p − Σ; positive if and only if ξ < 1, because (7n2 + p) − (8Σ + 14n3) = 8(p − Σ)."""
    return p - spin_variance
