"""The sixteen levels of the ground state 6S½ of ¹³³Cs, in the one order of this room: |4,4⟩ … |4,−4⟩, |3,3⟩ … |3,−3⟩.

The quantisation axis x is the bias field. The numbers are those of ensemble I; of ensemble II, whose field is the
other way round, they are the same with m → −m.
"""

from __future__ import annotations

import numpy as np

NUCLEAR_SPIN = 3.5
QUADRATIC_ZEEMAN = 0.0226
"""ν₂, splitting of neighbouring coherences by the field of 322 kHz, kHz (Breit–Rabi)."""
LEVELS: tuple[tuple[int, int], ...] = tuple((F, m) for F in (4, 3) for m in range(F, -F - 1, -1))
"""(F, m) of each."""
UPPER, LOWER, LOST = 0, 1, 9
"""The places of |4,4⟩, |4,3⟩ and |3,3⟩."""
NAMES: tuple[str, ...] = tuple(f"|{F},{m}⟩".replace("-", "−") for F, m in LEVELS)

_F, _M = np.array(LEVELS, float).T
TWO_LEVEL = (np.arange(16) < 2).astype(float)
"""n2 = Σ of this × populations."""
DIFFERENCE = TWO_LEVEL * np.where(np.arange(16) == UPPER, 1.0, -1.0)
"""p = p44 − p43."""
UPPER_LEVELS = (_F == 4).astype(float)
"""Population of F = 4."""
SPIN = _M * UPPER_LEVELS
"""⟨Jx⟩ of F = 4 per atom, Σ m p_m."""
LOST_SPIN = _M * (1 - UPPER_LEVELS)
"""⟨Jx⟩ of F = 3 per atom."""
VARIANCE = (20 - _M**2) * UPPER_LEVELS
"""Transverse variance of uncorrelated atoms, Σ (20 − m²) p_m: F(F+1) − m²."""
SUMS = {"n2": TWO_LEVEL, "p": DIFFERENCE, "spin": SPIN, "variance": VARIANCE, "upper": UPPER_LEVELS}
"""All sums over populations that observables are made of."""
