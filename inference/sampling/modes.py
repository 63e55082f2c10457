"""Where a chain starts: beside a mode, as far from it as the mode is wide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..parallel import in_threads

Density = Callable[[np.ndarray], tuple[Any, np.ndarray]]
"""Log-density (…) and gradient (…, dimension) at points (…, dimension)."""
Hessian = Callable[[Density, np.ndarray, np.ndarray], np.ndarray]
"""Of −log-density at a point, from the density, the point and the gradient there."""
_STEPS = 100
_DIFFERENCE = 1e-5
_GAIN = 0.01  # of the log-density: nearer to the mode than this no chain needs to start
_FARTHEST = 1.0  # in prior scales, of MANY unknowns or fewer: a longer step could leap over to another mode
_POINTS, _HALVED = 20, 50
_STARTS, _MORE_STARTS = 12, 48  # where the first ones do not agree
MANY = 30
"""Of so many unknowns most depend on few others: experiments fitted together have most for themselves."""
_AGREE = 1.0
"""Log-densities of maxima that differ by less are the same maximum's."""
_COMPARABLE = np.log(200.0)
"""Modes with less than one in so much of the weight of the heaviest do not count: of 4 × 1000 draws, a handful."""


@dataclass(frozen=True)
class Mode:
    """A mode of a density: where, how high, curvatures of −log-density there with their directions (columns)."""

    place: np.ndarray
    height: float
    curvature: np.ndarray
    directions: np.ndarray

    @property
    def weight(self) -> float:
        """Log of the probability about it, by Laplace's approximation but for a constant."""
        return self.height - 0.5 * float(np.log(np.maximum(self.curvature, 1.0)).sum())


def modes(density: Density, dimension: int, seed: int, cores: int = 1) -> list[Mode]:
    """The modes that count, those with a share of the probability, found by optimisations from random points.

    Side modes (an oscillation fitted with one period too many) can be far lighter and hold a chain for ever. Modes of
    comparable weight are all kept: chains that start beside different ones show in R-hat. Where the first optimisations
    end at different heights, many more follow: few of them may find the highest mode.

    density : log-density and gradient at points;  seed : of the random points
    cores : that work side by side on MANY unknowns; the modes do not depend on it

    Raises ValueError where no point is possible.
    """
    rng = np.random.default_rng(seed)
    found: list[Mode] = []
    hessian = _hessian

    def mode(start: np.ndarray) -> Mode:
        place, curvature, directions = newton_ascent(density, start, hessian)
        return Mode(place, density(place)[0], curvature, directions)

    for some in (_STARTS, _MORE_STARTS - _STARTS):
        starts = []
        for points in rng.uniform(-1.0, 1.0, (some, _POINTS, dimension)):
            heights = np.nan_to_num(density(points)[0], nan=-np.inf, neginf=-np.inf, posinf=np.inf)
            highest = int(np.argmax(heights))
            if np.isfinite(heights[highest]):
                starts.append(points[highest])
                if dimension >= MANY and hessian is _hessian:
                    hessian = SparseHessian.of(density, points[np.argsort(heights)[-2:]])
        found += in_threads(mode, starts, cores if dimension >= MANY else 1)
        if found and np.ptp([mode.height for mode in found]) <= _AGREE:
            break
    if not found:
        raise ValueError("no parameters from the prior predict possible data")
    heaviest = max(mode.weight for mode in found)
    return [mode for mode in found if mode.weight >= heaviest - _COMPARABLE]


def starting_point(density: Density, found: Sequence[Mode], seed: Any) -> np.ndarray:
    """One of the modes, then a step of its own width. (From random points of the prior no chain may come back.)"""
    rng = np.random.default_rng(seed)
    mode = found[int(rng.integers(len(found)))]
    step = mode.directions @ (rng.standard_normal(len(mode.place)) / np.sqrt(np.maximum(mode.curvature, 1.0)))
    lowest = mode.height - 2 * len(mode.place)  # for a normal posterior the mean is half a dimension below the mode
    for _ in range(_HALVED):
        if density(mode.place + step)[0] > lowest:
            break
        step = step / 2
    return np.asarray(mode.place + step)


def newton_ascent(
    density: Density, x: np.ndarray, hessian: Hessian | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mode, and the curvatures of −log-density there with their directions (columns), by Newton's method.

    Curvatures count by their size, so that a step leads uphill also where they are negative, and are enlarged until
    the step gains. SciPy's minimisers would do, but take as long to import as the whole sampling.
    """
    value, gradient = density(x)
    damping, farthest = 1.0, _FARTHEST * max(1.0, np.sqrt(len(x) / MANY))
    for _ in range(_STEPS):
        matrix = (hessian or _hessian)(density, x, gradient)
        uphill = _uphill(matrix, gradient)
        while True:
            step = uphill(damping)
            step *= min(1.0, farthest / max(np.linalg.norm(step), 1e-300))
            found = x + step
            higher, new_gradient = density(found)
            if higher > value and np.isfinite(new_gradient).all():
                break
            damping = 4 * damping + 1e-3
            if not step @ gradient >= _GAIN:  # also where there is no slope, but NaN
                return x, *np.linalg.eigh(matrix)
        gained, promised = higher - value, step @ gradient
        x, value, gradient, damping = found, higher, new_gradient, damping / 8
        if gained < _GAIN and promised < _GAIN:
            break
    return x, *np.linalg.eigh(matrix)


def _uphill(matrix: np.ndarray, gradient: np.ndarray) -> Callable[[float], np.ndarray]:
    """Newton's step, as a function of what is added to the curvatures, of which the size counts."""
    if len(gradient) >= MANY:
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            pass
        else:  # all are positive: in a tenth of the time
            return lambda damping: np.linalg.solve(matrix + damping * np.eye(len(gradient)), gradient)
    curvature, directions = np.linalg.eigh(matrix)
    slope = directions.T @ gradient
    return lambda damping: directions @ (slope / (abs(curvature) + damping))


def _hessian(density: Density, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Of −log-density, by differences of the gradient; 0 where the density ends."""
    rows = (density(x + _DIFFERENCE * np.eye(len(x)))[1] - gradient) / -_DIFFERENCE
    return np.asarray(np.nan_to_num(0.5 * (rows + rows.T), posinf=0.0, neginf=0.0))


@dataclass(frozen=True)
class SparseHessian:
    """The same where most of its entries are zero: columns without a row in common are found by one difference.

    pattern (n, n) : which entries can differ from zero;  groups : of columns;  common (n,) : which columns are dense:
    they are groups of their own, and give also the rows of these numbers
    """

    pattern: np.ndarray
    groups: list[list[int]]
    common: np.ndarray

    @classmethod
    def of(cls, density: Density, points: np.ndarray) -> SparseHessian:
        """With the entries that are not zero at some of these points (…, n)."""
        pattern = np.any([_hessian(density, x, density(x)[1]) != 0 for x in points], axis=0)
        entries = pattern.sum(axis=0)
        common = entries > 2 * np.median(entries)
        groups, taken = [[int(k)] for k in np.flatnonzero(common)], dict[int, np.ndarray]()
        for k in np.flatnonzero(~common):
            rows = pattern[:, k] & ~common
            which = next((one for one, used in taken.items() if not (used & rows).any()), len(groups))
            if which == len(groups):
                groups.append([])
            groups[which].append(int(k))
            taken[which] = taken.get(which, False) | rows
        return cls(pattern, groups, common)

    @cached_property
    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows and columns of the entries, and the group of each column."""
        group_of = np.empty(len(self.pattern), int)
        for number, group in enumerate(self.groups):
            group_of[group] = number
        rows, columns = np.nonzero(self.pattern)
        return rows, columns, group_of[columns]

    def __call__(self, density: Density, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Of −log-density at x, whose gradient is given."""
        rows, columns, group = self._entries
        moved, found = np.tile(x, (len(self.groups), 1)), np.zeros(self.pattern.shape)
        moved[group, columns] = x[columns] + _DIFFERENCE
        changes = (density(moved)[1] - gradient) / -_DIFFERENCE
        found[rows, columns] = changes[group, rows]
        own = ~self.common
        found[np.ix_(self.common, own)] = found[np.ix_(own, self.common)].T
        return np.asarray(np.nan_to_num(0.5 * (found + found.T), posinf=0.0, neginf=0.0))
