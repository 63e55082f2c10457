"""Divided differences of the exponential, accurate at coinciding and vanishing arguments.

With them the populations need no special case: exp[x, y] = (eˣ−eʸ)/(x−y), exp[0, x, y] = (exp[0,y] − exp[0,x])/(y−x).
Near zero the quotients lose digits, in the derivative first, so a Taylor series serves below `SERIES_BELOW`. Just
above it the second difference is good to 1e-11 and the third to 1e-8; they enter multiplied by the small arguments,
so that populations and exponents are good to 1e-14 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
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

    x and y broadcast; all results have their common shape. `x_is_larger` is the caller's because it is the same for
    all times of a stage, and often known (True). The order matters for accuracy alone: the values are symmetric in x
    and y.
    """
    high, low = _choose(x_is_larger, x, y, xp), _choose(x_is_larger, y, x, xp)
    gap = low - high
    exp_high, exp_gap = xp.exp(high), xp.exp(gap)
    exp_low = exp_high * exp_gap
    by_high, by_low, by_gap = _Divisor(high, xp), _Divisor(low, xp), _Divisor(gap, xp)
    d_0h = by_high.divide(exp_high - 1, lambda x: _series(x, 0.0, 1), high)
    d_hl = exp_high * by_gap.divide(exp_gap - 1, lambda x: _series(x, 0.0, 1), gap)
    d_0hl = by_low.divide(d_hl - d_0h, lambda x, y: _series(x, y, 2), high, low)
    d_0l = by_low.divide(exp_low - 1, lambda gap, d_0h, d_0hl: d_0h + gap * d_0hl, gap, d_0h, d_0hl)
    d_00h = by_high.divide(d_0h - 1, lambda x: _series(x, 0.0, 2), high)
    return DividedDifferences(
        exp_x=_choose(x_is_larger, exp_high, exp_low, xp),
        exp_y=_choose(x_is_larger, exp_low, exp_high, xp),
        d_0x=_choose(x_is_larger, d_0h, d_0l, xp),
        d_0y=_choose(x_is_larger, d_0l, d_0h, xp),
        d_xy=d_hl,
        d_0xy=d_0hl,
        d_00xy=by_low.divide(d_0hl - d_00h, lambda x, y: _series(x, y, 3), high, low),
    )


def first_difference(x: Any, *, xp: Any = np) -> Any:
    """exp[0, x] = (eˣ − 1)/x for x ≤ 0, of the shape of x; 1 at 0."""
    return _Divisor(x, xp).divide(xp.exp(x) - 1, lambda x: _series(x, 0.0, 1), x)


def _choose(condition: Any, yes: Any, no: Any, xp: Any) -> Any:
    return yes if condition is True else xp.where(condition, yes, no)


class _Divisor:
    """Quotients by x; where x is too small for one, another formula."""

    def __init__(self, x: Any, xp: Any) -> None:
        self.small = abs(x) < SERIES_BELOW
        self.safe = xp.where(self.small, -1.0, x)
        self.xp = xp

    def divide(self, dividend: Any, instead: Callable[..., Any], *arguments: Any) -> Any:
        """`dividend` / x; `instead` of the arguments where x is small, in NumPy evaluated there alone."""
        quotient = dividend / self.safe
        if self.xp is not np or not np.ndim(quotient):
            return self.xp.where(self.small, instead(*arguments), quotient)
        small = np.broadcast_to(self.small, quotient.shape)
        if small.any():
            quotient[small] = instead(*(np.broadcast_to(a, quotient.shape)[small] for a in arguments))
        return quotient


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
