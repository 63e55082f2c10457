"""Spin variance where the Larmor frequencies of the ensembles differ: pair correlations then turn out of phase.

Σ = n2 + C, C = 2F − 2 Re M: a number part F and an anomalous part M, which δ (rad/ms) turns,

    dF/dt = −(Γ̃ + dΓ p) F + dΓ [ν² p² + ½ p (p − n2)]
    dM/dt = −(Γ̃ + dΓ p + iδ) M + dΓ μν p²

N = M e^{iδt} obeys the equation of F with the source dΓ μν p² e^{iδt}. δ = 0 gives the microscopic closure, c = 1;
(1 − c) dn2/dt is subtracted from 2 dF/dt. Checked against exact simulation of small ensembles.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CYCLE = 2 * np.pi


def pair_gain(p: Any, collective_rate: Any, squeezing_limit: Any) -> Any:
    """dΓ μν p², ms⁻¹: the anomalous correlations that the drive makes; μν = (1/Z − Z)/4."""
    return collective_rate * (0.25 * (1 / squeezing_limit - squeezing_limit)) * p * p


def number_gain(n2: Any, p: Any, collective_rate: Any, squeezing_limit: Any) -> Any:
    """2 dΓ [ν² p² + ½ p (p − n2)], ms⁻¹: what the drive adds to 2F; ν² = (1/Z + Z)/4 − ½."""
    excess = 0.5 * (1 / squeezing_limit + squeezing_limit) - 1
    return collective_rate * p * (excess * p + p - n2)


def turned_variance(n2: Any, number: Any, in_phase: Any, quadrature: Any, phase: Any, xp: Any = np) -> Any:
    """Σ = n2 + 2F − 2 Re(N e^{−iδt}) from 2F, Re N, Im N and δt."""
    return n2 + number - 2 * (xp.cos(phase) * in_phase + xp.sin(phase) * quadrature)


def steady_pairs(p: Any, decay: Any, collective_rate: Any, squeezing_limit: Any, mismatch: Any) -> Any:
    """By how much the steady Σ exceeds that without mismatch: 2dΓ μν p² δ²/[λ(λ² + δ²)], λ = Γ̃ + dΓ p = `decay`."""
    square = (CYCLE * mismatch) ** 2
    return 2 * pair_gain(p, collective_rate, squeezing_limit) * square / (decay * (decay**2 + square))
