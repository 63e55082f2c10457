"""Divided differences of the exponential, accurate at coinciding and vanishing arguments.

With them the populations and their integrals need no special case: exp[x, y] = (eˣ−eʸ)/(x−y),
exp[0, x, y], exp[0, 0, x, y]. Near zero the quotients lose digits, in the derivative first, so a
Taylor series serves below `SERIES_BELOW`; both sides agree there to 1e-14.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

SERIES_BELOW = 0.05
_TERMS = 7


@dataclass(frozen=True)
class DividedDifferences:
    """At x, y ≤ 0: eˣ, eʸ, exp[0,x], exp[0,y], exp[x,y], exp[0,x,y], exp[0,0,x,y]."""

    exp_x: Any
    exp_y: Any
    d_0x: Any
    d_0y: Any
    d_xy: Any
    d_0xy: Any
    d_00xy: Any


def divided_differences(x: Any, y: Any, x_is_larger: Any, *, xp: Any = np) -> DividedDifferences:
    """Divided differences at x, y ≤ 0. `x_is_larger` tells which is nearer to zero.

    `x_is_larger` is the caller's because it is the same for all times of a stage. The order matters
    for accuracy alone: the values are symmetric in x and y.
    """
    high, low = xp.where(x_is_larger, x, y), xp.where(x_is_larger, y, x)
    gap = low - high
    exp_high, exp_gap = xp.exp(high), xp.exp(gap)
    exp_low = exp_high * exp_gap
    d_0h, d_00h = _first_and_second(high, exp_high, xp)
    d_hl = exp_high * _first_and_second(gap, exp_gap, xp)[0]

    small = abs(low) < SERIES_BELOW
    safe = xp.where(small, -1.0, low)
    d_00hl_series = _third_series(high, low)
    d_0hl_series = d_00h + low * d_00hl_series
    d_0hl = xp.where(small, d_0hl_series, (d_hl - d_0h) / safe)
    d_00hl = xp.where(small, d_00hl_series, (d_0hl - d_00h) / safe)
    d_0l = xp.where(small, d_0h + gap * d_0hl_series, (exp_low - 1) / safe)
    return DividedDifferences(
        exp_x=xp.where(x_is_larger, exp_high, exp_low),
        exp_y=xp.where(x_is_larger, exp_low, exp_high),
        d_0x=xp.where(x_is_larger, d_0h, d_0l),
        d_0y=xp.where(x_is_larger, d_0l, d_0h),
        d_xy=d_hl,
        d_0xy=d_0hl,
        d_00xy=d_00hl,
    )


def _first_and_second(x: Any, exp_x: Any, xp: Any) -> tuple[Any, Any]:
    """exp[0,x] = (eˣ − 1)/x and exp[0,0,x] = (exp[0,x] − 1)/x."""
    small = abs(x) < SERIES_BELOW
    safe = xp.where(small, -1.0, x)
    series = 1.0 / factorial(_TERMS + 1)
    for n in range(_TERMS - 2, -1, -1):
        series = series * x + 1.0 / factorial(n + 2)
    quotient = (exp_x - 1) / safe
    return xp.where(small, 1 + x * series, quotient), xp.where(small, series, (quotient - 1) / safe)


def _third_series(x: Any, y: Any) -> Any:
    """exp[0,0,x,y] = Σₙ hₙ(x,y)/(n+3)!, hₙ the complete homogeneous polynomials: hₙ = x hₙ₋₁ + yⁿ."""
    homogeneous, power, total = 1.0, 1.0, 1.0 / factorial(3)
    for n in range(1, _TERMS):
        power = power * y
        homogeneous = homogeneous * x + power
        total = total + homogeneous / factorial(n + 3)
    return total
