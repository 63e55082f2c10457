"""Decay times at the start of a run, as experiments quote them: from the initial slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from .observables import mean_spin
from .populations import population_rates, slopes
from .rates import Rates
from .stages import InitialState


def polarization_decay_time(rates: Rates, initial: InitialState) -> Any:
    """T1 ≡ −P/Ṗ at t = 0, ms. Negative where the mean spin grows.

    Ṗ(0) = [−(Γ43+4Γout) n4 + (Γ34−3Γout) n3 + 7Γin nh]/(4n4+3n3) (supplement; there without nh).
    """
    k = population_rates(rates)
    with np.errstate(divide="ignore"):  # infinite where the mean spin does not change
        return -initial.jx / mean_spin(*slopes(initial.n2, initial.p, k))


def transverse_spin_decay_time(rates: Rates, initial: InitialState) -> Any:
    """T2 ≡ −Jy/J̇y at t = 0, ms: 2/(Γ̃ + dΓ p) (supplement, decay of ⟨Jy⟩)."""
    return 2 / (rates.dephasing_rate + rates.collective_rate * initial.p)
