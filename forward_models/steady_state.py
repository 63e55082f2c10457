"""Steady state of a stage that goes on for ever, and the optical depth from which it is entangled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .observables import epr_parameter
from .populations import population_rates
from .rates import Rates
from .stages import InitialState


@dataclass(frozen=True)
class SteadyState:
    """Populations, spin variance and ξ for t → ∞; the same for both closures.

    threshold : the collective rate dΓ (ms⁻¹) above which the state is entangled; divided by Γ, the optical
        depth. Infinite where no collective rate is enough.
    """

    n2: Any
    p: Any
    spin_variance: Any
    xi: Any
    threshold: Any


def steady_state(rates: Rates, initial: InitialState = InitialState()) -> SteadyState:  # noqa: B008
    """The steady state under `rates` (NumPy numbers or arrays), reached from `initial`.

    n2∞ = 2Γin/(Γout + 2Γin), p∞ = (Γ34 − Γ43) n2∞/(Γ34 + Γ43 + Γout), Σ∞ = (Γ̃ n2∞ + dΓ Z p∞²)/(Γ̃ + dΓ p∞).
    Where nothing moves (a sum of rates is zero) the initial value stays. Entangled if and only if
    dΓ > 2 n3∞ Γ̃/[(1−Z) p∞²]. Source: population equations of the supplement.
    """
    k = population_rates(rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        n2 = np.where(k.a == 0, initial.n2, np.divide(k.g, k.a))
        p = np.where(k.b == 0, initial.p, np.divide(k.c * n2, k.b))
        decay = rates.dephasing_rate + rates.collective_rate * p
        driven = rates.dephasing_rate * n2 + rates.collective_rate * rates.squeezing_limit * p**2
        sigma = np.where(decay == 0, initial.initial_variance, driven / decay)
        needed = (n2 - p) * rates.dephasing_rate / ((1 - rates.squeezing_limit) * p**2)
        threshold = np.where((n2 == p) | (rates.dephasing_rate == 0), 0.0, needed)
        xi = epr_parameter(n2, p, sigma)
    return SteadyState(n2, p, sigma, xi, threshold)
