"""Populations of the three-state model in closed form: dN2/dt and dP̃2/dt of the supplement (theory).

    dn2/dt = −(Γout + 2Γin) n2 + 2Γin,    dp/dt = −(Γ34 + Γ43 + Γout) p + (Γ34 − Γ43) n2

n2 = n4 + n3 and p = n4 − n3 (N2/N and P̃2 of the paper), the populations of |4,±4⟩ and |4,±3⟩ per ensemble.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from ..validation import concrete
from .divided_differences import divided_differences
from .rates import Rates, transitions


@dataclass(frozen=True)
class PopulationRates:
    """Coefficients of dn2/dt = −a n2 + g and dp/dt = −b p + c n2, in ms⁻¹.

    a = Γout + 2Γin, g = 2Γin, b = Γ34 + Γ43 + Γout, c = Γ34 − Γ43. `a_is_smaller`: whether a ≤ b, which is
    known beforehand without repump light, since b − a = ½(1/Z + Z)Γ + Γpump − 2Γrepump.
    """

    a: Any
    g: Any
    b: Any
    c: Any
    a_is_smaller: Any


def population_rates(rates: Rates) -> PopulationRates:
    """The coefficients of the population equations for `rates`, each of their shape."""
    t = transitions(rates)
    a = t.loss + 2 * t.recovery
    b = t.cooling + t.heating + t.loss
    repump = concrete(rates.repump_rate)
    never_repumped = repump is not None and not repump.any()
    return PopulationRates(a, 2 * t.recovery, b, t.cooling - t.heating, True if never_repumped else a < b)


def populations(elapsed: Any, n2: Any, p: Any, rates: PopulationRates, *, xp: Any = np) -> tuple[Any, Any, Any]:
    """n2 = n4 + n3, p = n4 − n3 and ∫p dt after `elapsed` ms at constant rates, from `n2` and `p` at the start.

    All arguments broadcast. Sums of positive terms where p ≥ 0 and c ≥ 0: no digits are lost when the
    populations become small, when the two exponents coincide or when a rate is zero.
    """
    t = elapsed
    e = divided_differences(-rates.a * t, -rates.b * t, rates.a_is_smaller, xp=xp)
    n2_now = n2 * e.exp_x + rates.g * t * e.d_0x
    p_now = p * e.exp_y + rates.c * t * (n2 * e.d_xy + rates.g * t * e.d_0xy)
    integral = t * (p * e.d_0y + rates.c * t * (n2 * e.d_0xy + rates.g * t * e.d_00xy))
    return n2_now, p_now, integral


def slopes(n2: Any, p: Any, rates: PopulationRates) -> tuple[Any, Any]:
    """dn2/dt and dp/dt, ms⁻¹, of atoms with populations `n2` and `p`; all arguments broadcast."""
    return rates.g - rates.a * n2, rates.c * n2 - rates.b * p


def least_polarization(duration: Any, n2: Any, p: Any, rates: PopulationRates) -> Any:
    """A lower bound of p during `duration` ms at constant rates, from `n2` and `p` (NumPy) at the start.

    p is drawn to (c/b) n2 and n2 to g/a: where c ≥ 0, p stays above the least of both and above p e^{−bt}.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        n2_end = np.where(rates.a > 0, np.divide(rates.g, rates.a), n2)
        extreme = np.where(rates.c >= 0, np.minimum(n2, n2_end), np.maximum(n2, n2_end))
        lowest = np.minimum(p, np.where(rates.b > 0, np.divide(rates.c, rates.b) * extreme, p))
    return np.where(rates.c >= 0, np.maximum(lowest, np.minimum(p, p * np.exp(-rates.b * duration))), lowest)


@dataclass(frozen=True)
class BackwardSeries:
    """Taylor coefficients of n2, p and ∫p in the time before a moment; see `series_before`."""

    n2: list[Any]
    p: list[Any]
    integral: list[Any]

    def at(self, before: Any) -> tuple[Any, Any, Any]:
        """n2, p `before` ms that moment, and ∫p from then on to it."""
        return _horner(self.n2, before), _horner(self.p, before), self.integral_from(before)

    def integral_from(self, before: Any) -> Any:
        """∫p dt over the last `before` ms."""
        return before * _horner(self.integral, before)


def series_before(n2: Any, p: Any, rates: PopulationRates, terms: int) -> BackwardSeries:
    """n2, p and ∫p dt a short time before the moment at which they are `n2` and `p`.

    Taylor series with `terms` terms, for (a, b)·time well below 1: within one quadrature panel it is cheaper
    than `populations`, and differences of large integrals are never taken. All arguments broadcast.
    """
    n2_terms, p_terms = [n2], [p]
    n2_term, p_term = slopes(n2, p, rates)
    for k in range(1, terms):
        n2_terms.append(n2_term * ((-1) ** k / factorial(k)))
        p_terms.append(p_term * ((-1) ** k / factorial(k)))
        n2_term, p_term = -rates.a * n2_term, rates.c * n2_term - rates.b * p_term
    return BackwardSeries(n2_terms, p_terms, [term / (k + 1) for k, term in enumerate(p_terms)])


def _horner(coefficients: list[Any], x: Any) -> Any:
    """The polynomial at x; in NumPy without new arrays but the first, which takes most of the time otherwise."""
    total = coefficients[-1] * x + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        total *= x
        total += coefficient
    return total
