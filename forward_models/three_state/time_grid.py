"""The grid on which the spin variance is integrated: measurement times, stage ends, and panels between.

The integrand e^{K(s)−K(t)} q(s) varies at most as e^{rate·s}; a panel of the width L/rate is integrated by
n Gauss–Legendre nodes with a relative error of about L²ⁿ (n!)⁴ / ((2n+1) (2n)!³).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any

import numpy as np

from ..validation import InvalidValue

_ORDERS = (2, 3, 4, 5, 6)
_NODES_A_POINT = 3  # populations in closed form cost as much as so many nodes
_FORGOTTEN = 45.0  # e^-45: what happened this many decay times ago no longer shows in double precision

MOST_POINTS = 10_000_000
"""Of a grid: what needs more is a mistake, and takes all memory."""


@dataclass(frozen=True)
class RateBounds:
    """What the grid must resolve: for each stage (S,), or one number for all, ms⁻¹.

    fastest : upper bound of Γ̃ + dΓ + 2b + a, the rates in the integrand
    populations : upper bound of a and b, the rates of the populations
    slowest : lower bound of Γ̃ + dΓ p, from which the past is forgotten; 0 where unknown
    largest : of sixteen levels, rates of each stage that cut off those of the populations
    """

    fastest: float | np.ndarray
    populations: float | np.ndarray
    slowest: float | np.ndarray = 0.0
    largest: tuple[Any, ...] = ()

    def for_all(self) -> RateBounds:
        """The same bounds for any stages."""
        fastest, populations = (float(np.max(v)) for v in (self.fastest, self.populations))
        return RateBounds(fastest, populations, float(np.min(self.slowest)), self.largest)


@dataclass(frozen=True)
class TimeGrid:
    """Points and, between them, panels; panel i lies between points i and i+1, inside one stage.

    points (N+1,), ms : from 0 to the last time needed;  wanted (T,) : which points are the asked times
    stage (N+1,) : the stage of each point, for i > 0 also that of the panel before it
    elapsed (N+1,), ms : time since that stage began
    widths (N,), ms : of the panels
    remembered (N,), ms : the same, but 0 for a long panel that is forgotten by its end
    nodes, weights (n,) : of the quadrature; a node counts from the end of its panel, in panel widths
    terms : of the Taylor series of populations over one panel that hold the accuracy
    """

    points: np.ndarray
    wanted: np.ndarray
    stage: np.ndarray
    elapsed: np.ndarray
    widths: np.ndarray
    remembered: np.ndarray
    nodes: np.ndarray
    weights: np.ndarray
    terms: int


def time_grid(durations: np.ndarray, times: np.ndarray, bounds: RateBounds, accuracy: float) -> TimeGrid:
    """The grid for `times` (ms), with the relative error `accuracy` at the bounds."""
    fastest, slow_rates, slowest = (
        np.broadcast_to(np.asarray(bound, float), len(durations))
        for bound in (bounds.fastest, bounds.populations, bounds.slowest)
    )
    ends = np.cumsum(durations)
    starts = ends - durations
    last = times[-1] if times.size else 0.0
    points = np.unique(np.concatenate([[0.0], times, ends[ends < last]]))
    stage = _stage_of(points[1:], ends)
    order, width = _order_and_width(np.diff(points) * fastest[stage], accuracy)
    points = _refine(points, stage, fastest, slowest, width)

    stage = _stage_of(points, ends)
    widths = np.diff(points)
    remembered = np.where(widths * fastest[stage[1:]] <= width * (1 + 1e-9), widths, 0.0)
    longest = (remembered * slow_rates[stage[1:]]).max(initial=0.0)
    x, w = _gauss_legendre(order)
    return TimeGrid(
        points=points,
        wanted=np.searchsorted(points, times),
        stage=stage,
        elapsed=points - starts[stage],
        widths=widths,
        remembered=remembered,
        nodes=0.5 * (1 - x),
        weights=0.5 * w,
        terms=_taylor_terms(longest, accuracy),
    )


@cache
def _gauss_legendre(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [−1, 1]; NumPy solves an eigenvalue problem for them each time."""
    return np.polynomial.legendre.leggauss(order)


def _stage_of(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The stage that ends at or after each point: a boundary belongs to the stage before it."""
    return np.minimum(np.searchsorted(ends, points, side="left"), len(ends) - 1)


def _order_and_width(lengths: np.ndarray, accuracy: float) -> tuple[int, float]:
    """The number of nodes, and the panel width (× rate) on which it holds `accuracy`, of the least work in all.

    A few intervals longer than the others are better split than given many nodes, and all others with them.
    """
    best, least = (_ORDERS[0], 1.0), np.inf
    for order in _ORDERS:
        width = (accuracy * (2 * order + 1) * factorial(2 * order) ** 3 / factorial(order) ** 4) ** (1 / (2 * order))
        work = np.maximum(np.ceil(lengths / width), 1).sum() * (order + _NODES_A_POINT)
        if work < least:
            best, least = (order, width), work
    return best


def _taylor_terms(argument: float, accuracy: float) -> int:
    """Terms of a Taylor series of e^x, |x| ≤ `argument`, for `accuracy`."""
    terms = 3
    while argument**terms / factorial(terms) > accuracy:
        terms += 1
    return terms


def _refine(
    points: np.ndarray, stage: np.ndarray, fastest: np.ndarray, slowest: np.ndarray, width: float
) -> np.ndarray:
    """Split every interval that is too long; leave alone what is forgotten by its end."""
    left, right = points[:-1], points[1:]
    with np.errstate(divide="ignore"):
        memory = np.where(slowest > 0, _FORGOTTEN / np.maximum(slowest, 1e-300), np.inf)[stage]
    begin = np.maximum(left, right - memory)
    each = np.maximum(np.ceil((right - begin) * fastest[stage] / width), 1)
    if not each.sum() <= MOST_POINTS:
        found = f"rates up to {fastest.max():.3g} 1/ms over {points[-1]:g} ms"
        raise InvalidValue(f"{found}: expected slower ones, or shorter times: narrower priors? times in another unit?")
    count = each.astype(int)
    which = np.repeat(np.arange(len(count)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    extra = begin[which] + (right - begin)[which] * step / count[which]
    return np.unique(np.concatenate([points, extra]))
