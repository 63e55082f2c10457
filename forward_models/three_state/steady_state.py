"""How a stage begins and where it ends: decay times T1 and T2, the steady state, and when that is entangled.

Decay times are those that experiments quote, from the initial slope. Source: population equations and slope of P(t) of
the supplement; threshold of the collective rate: main text, p. 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .larmor_mismatch import CYCLE, steady_pairs
from .observables import epr_parameter, mean_spin
from .populations import population_rates, populations, slopes
from .rates import Rates
from .stages import InitialState

_BISECTIONS = 60


def polarization_decay_time(rates: Rates, initial: InitialState) -> Any:
    """T1 ≡ −P/Ṗ at t = 0, ms, of the shape of the rates. Negative where the mean spin grows, infinite where it stays.

    Ṗ(0) = [−(Γ43+4Γout) n4 + (Γ34−3Γout) n3 + 7Γin nh]/(4n4+3n3) (supplement; there without nh).
    """
    k = population_rates(rates)
    return decay_time(initial.jx, mean_spin(*slopes(initial.n2, initial.p, k)))


def decay_time(value: Any, slope: Any) -> Any:
    """−value/slope, infinite where it stays; numbers, arrays, or symbolic."""
    falls = 0.0 - slope  # 0 and not −0
    with np.errstate(divide="ignore"):
        return value / (np.float64(falls) if isinstance(falls, float) else falls)


def polarization(rates: Rates, times: Any, initial: InitialState) -> Any:
    """P(t) = ⟨Jx(t)⟩/⟨Jx(0)⟩ at `times` (T,), ms, of one stage: that of `evolve`, without what ξ and Jy take.

    The rates are numbers (NumPy).
    """
    n2, p, _ = populations(times, initial.n2, initial.p, population_rates(rates))
    return mean_spin(n2, p) / initial.jx


def transverse_spin_decay_time(rates: Rates, initial: InitialState) -> Any:
    """T2 ≡ −Jy/J̇y at t = 0, ms, of the shape of the rates: 2/(Γ̃ + dΓ p) (supplement, decay of ⟨Jy⟩)."""
    return 2 / (rates.dephasing_rate + rates.collective_rate * initial.p)


@dataclass(frozen=True)
class SteadyState:
    """Populations, spin variance and ξ for t → ∞, of the shape of the rates; the same for both closures.

    n2, p, spin_variance, xi : as in `Trajectory`
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
    dΓ > 2 n3∞ Γ̃/[(1−Z) p∞²]; with a mismatch of the Larmor frequencies see `larmor_mismatch`. Source: population
    equations of the supplement.
    """
    k = population_rates(rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        n2 = np.where(k.a == 0, initial.n2, np.divide(k.g, k.a))
        p = np.where(k.b == 0, initial.p, np.divide(k.c * n2, k.b))
        decay = rates.dephasing_rate + rates.collective_rate * p
        driven = rates.dephasing_rate * n2 + rates.collective_rate * rates.squeezing_limit * p**2
        turned = steady_pairs(p, decay, rates.collective_rate, rates.squeezing_limit, rates.larmor_mismatch)
        sigma = np.where(decay == 0, initial.initial_variance, driven / decay + turned)
        threshold = _threshold(rates, n2, p)
        xi = epr_parameter(n2, p, sigma)
    return SteadyState(n2, p, sigma, xi, threshold)


def _threshold(rates: Rates, n2: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Least dΓ with Σ∞ < p∞: Γ̃ (n2 − p) < dΓ p² [1 − Z − 2μν δ²/(λ² + δ²)], of which the right side grows with dΓ."""
    lost, limit = (n2 - p) * rates.dephasing_rate, rates.squeezing_limit
    needed = lost / ((1 - limit) * p**2)
    square = (CYCLE * np.asarray(rates.larmor_mismatch)) ** 2
    if square.any():
        low, high = needed, 2 * needed + np.sqrt(square * (1 + 1 / limit)) / p  # there the bracket is above (1 − Z)/2
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            turned = 0.5 * (1 / limit - limit) * square / ((rates.dephasing_rate + middle * p) ** 2 + square)
            enough = lost < middle * p**2 * (1 - limit - turned)
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        needed = high
    return np.where((n2 == p) | (rates.dephasing_rate == 0), 0.0, needed)
