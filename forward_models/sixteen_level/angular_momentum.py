"""Wigner's 3j and 6j symbols by Racah's formulas (Edmonds, Angular Momentum in Quantum Mechanics, ch. 3 and 6)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from math import factorial, prod, sqrt


@cache
def wigner_3j(j1: float, j2: float, j3: float, m1: float, m2: float, m3: float) -> float:
    """(j1 j2 j3; m1 m2 m3); 0 where the symbol is not allowed."""
    momenta, parts = (j1, j2, j3), (m1, m2, m3)
    if sum(parts) or not _triangle(*momenta) or any(abs(m) > j for j, m in zip(momenta, parts, strict=True)):
        return 0.0
    square = _delta(*momenta) * _product(j + s * m for j, m in zip(momenta, parts, strict=True) for s in (1, -1))
    total = Fraction(0)
    for k in range(int(j1 + j2 - j3) + 1):
        below = (k, j1 + j2 - j3 - k, j1 - m1 - k, j2 + m2 - k, j3 - j2 + m1 + k, j3 - j1 - m2 + k)
        if min(below) >= 0:
            total += Fraction((-1) ** k, _product(below))
    return float((-1) ** round(j1 - j2 - m3) * float(total) * sqrt(square))


@cache
def wigner_6j(j1: float, j2: float, j3: float, j4: float, j5: float, j6: float) -> float:
    """{j1 j2 j3; j4 j5 j6}; 0 where the symbol is not allowed."""
    triads = ((j1, j2, j3), (j1, j5, j6), (j4, j2, j6), (j4, j5, j3))
    if not all(_triangle(*triad) for triad in triads):
        return 0.0
    lows = [sum(triad) for triad in triads]
    highs = [j1 + j2 + j4 + j5, j2 + j3 + j5 + j6, j3 + j1 + j6 + j4]
    total = Fraction(0)
    for k in range(int(max(lows)), int(min(highs)) + 1):
        below = [k - low for low in lows] + [high - k for high in highs]
        total += Fraction((-1) ** k * factorial(k + 1), _product(below))
    return float(total) * sqrt(prod(_delta(*triad) for triad in triads))


def _triangle(a: float, b: float, c: float) -> bool:
    return abs(a - b) <= c <= a + b and (a + b + c) % 1 == 0


def _delta(a: float, b: float, c: float) -> Fraction:
    return Fraction(_product((a + b - c, a - b + c, b + c - a)), factorial(round(a + b + c + 1)))


def _product(numbers: Iterable[float]) -> int:
    return prod(factorial(round(number)) for number in numbers)
