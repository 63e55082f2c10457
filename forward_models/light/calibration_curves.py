"""Calibration measurements against the Faraday angle Θ ∝ Jx (supplement, Fig. S.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..three_state import epr_parameter, mean_spin
from .readout import Readout, coupling


def coupling_at_angle(faraday_angle: Any, reference_angle: Any, readout: Readout, *, xp: Any = np) -> Any:
    """κ² at other atom numbers: (S.2) with γs ∝ Θ, the other rates as they are (Fig. S.1, κ² against Θ).

    faraday_angle : Θ, deg, > 0;  reference_angle : Θ at which `readout` holds, deg, > 0
    All broadcast. Fig. S.1a of the supplement.
    """
    return coupling(replace(readout, swap_rate=readout.swap_rate * faraday_angle / reference_angle), xp=xp)


def initial_spin_noise(faraday_angle: Any, slope: Any, classical_noise: Any, n2: Any, p: Any) -> Any:
    """Variance of the atomic noise after preparation, not normalised to Jx: a Θ(ξ₀ + c₂Θ) (Fig. S.1, ξ(0) against Θ).

    slope : a, projection noise per degree, in the unit of the measurement
    classical_noise : c₂, classical noise relative to the projection noise, per degree; 0.004(3) in the paper
    n2, p : populations after preparation; ξ₀ is ξ of these atoms, uncorrelated: 1 where all are in |4,±4⟩
    """
    return slope * faraday_angle * (epr_parameter(n2, p, n2) + classical_noise * faraday_angle)


def classical_excess(classical_noise: Any, faraday_angle: Any, n2: Any, p: Any) -> Any:
    """C₀ = c₂Θ (7n2 + p)/8: excess of Σ(0) over uncorrelated atoms that adds c₂Θ to ξ(0).

    classical_noise : c₂, per degree;  faraday_angle : Θ, deg;  n2, p : n4 ± n3 after preparation; all broadcast
    """
    return classical_noise * faraday_angle * mean_spin(n2, p) / 4
