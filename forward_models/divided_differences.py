"""Divided differences of the exponential, accurate at coinciding and vanishing arguments.

With them the populations need no special case: exp[x, y] = (eˣ−eʸ)/(x−y), exp[0, x, y] = (exp[0,y] − exp[0,x])/(y−x).
Near zero the quotients lose digits, in the derivative first, so a Taylor series serves below `SERIES_BELOW`. Just
above it the second difference is good to 1e-11 and the third to 1e-8; they enter multiplied by the small arguments,
so that populations and exponents are good to 1e-14 everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

SERIES_BELOW = 0.003
_TERMS = 6


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

    `x_is_larger` is the caller's because it is the same for all times of a stage, and often known (True).
    The order matters for accuracy alone: the values are symmetric in x and y.
    """
    high, low = _choose(x_is_larger, x, y, xp), _choose(x_is_larger, y, x, xp)
    exp_high, exp_gap = xp.exp(high), xp.exp(low - high)
    exp_low = exp_high * exp_gap
    d_0h = first_difference(high, exp_high, xp=xp)
    d_hl = exp_high * first_difference(low - high, exp_gap, xp=xp)
    small = abs(low) < SERIES_BELOW
    safe = xp.where(small, -1.0, low)
    d_0hl = xp.where(small, _series(high, low, 2), (d_hl - d_0h) / safe)
    d_0l = xp.where(small, d_0h + (low - high) * d_0hl, (exp_low - 1) / safe)
    d_00h = _second_difference(high, d_0h, xp)
    return DividedDifferences(
        exp_x=_choose(x_is_larger, exp_high, exp_low, xp),
        exp_y=_choose(x_is_larger, exp_low, exp_high, xp),
        d_0x=_choose(x_is_larger, d_0h, d_0l, xp),
        d_0y=_choose(x_is_larger, d_0l, d_0h, xp),
        d_xy=d_hl,
        d_0xy=d_0hl,
        d_00xy=xp.where(small, _series(high, low, 3), (d_0hl - d_00h) / safe),
    )


def _choose(condition: Any, yes: Any, no: Any, xp: Any) -> Any:
    return yes if condition is True else xp.where(condition, yes, no)


def first_difference(x: Any, exp_x: Any, *, xp: Any = np) -> Any:
    """exp[0,x] = (eˣ − 1)/x, from x and eˣ."""
    small = abs(x) < SERIES_BELOW
    safe = xp.where(small, -1.0, x)
    return xp.where(small, _series(x, 0.0, 1), (exp_x - 1) / safe)


def _second_difference(x: Any, d_0x: Any, xp: Any) -> Any:
    """exp[0,0,x] = (exp[0,x] − 1)/x."""
    small = abs(x) < SERIES_BELOW
    safe = xp.where(small, -1.0, x)
    return xp.where(small, _series(x, 0.0, 2), (d_0x - 1) / safe)


def _series(x: Any, y: Any, order: int) -> Any:
    """exp[0,…,0,x,y] of this order: Σₙ hₙ(x,y)/(n+order)!, hₙ = x hₙ₋₁ + yⁿ, the homogeneous polynomials.

    With y = 0 one of the zeros takes the place of y.
    """
    homogeneous, power, total = 1.0, 1.0, 1.0 / factorial(order)
    for n in range(1, _TERMS):
        power = power * y
        homogeneous = homogeneous * x + power
        total = total + homogeneous / factorial(n + order)
    return total
