"""Where a chain starts: beside a mode, as far from it as the mode is wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Density = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Log-density and gradient at a point."""
_STEPS = 100
_DIFFERENCE = 1e-5
_GAIN = 0.01  # of the log-density: nearer to the mode than this no chain needs to start
_FARTHEST = 1.0  # in prior scales: a longer step could leap over to another mode
_POINTS = 20


def starting_point(density: Density, dimension: int, seed: Any) -> np.ndarray:
    """From the best of some random points of its own uphill to a mode, then a step of the mode's own width.

    Random points of the prior can be so far out that a chain gets stuck there; chains that climb to different
    modes show in R-hat.
    """
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1.0, 1.0, (_POINTS, dimension))
    heights = [density(point)[0] for point in points]
    mode, curvature, directions = climb(density, points[np.argmax(np.nan_to_num(heights, nan=-np.inf))])
    step = directions @ (rng.standard_normal(dimension) / np.sqrt(np.maximum(curvature, 1.0)))
    lowest = density(mode)[0] - 2 * dimension  # for a normal posterior the mean is half a dimension below the mode
    while not density(mode + step)[0] > lowest:
        step = step / 2
    return np.asarray(mode + step)


def climb(density: Density, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mode, and the curvatures of −log-density there with their directions (columns), by Newton's method.

    Curvatures count by their size, so that a step leads uphill also where they are negative, and are enlarged until
    the step gains. SciPy's minimisers would do, but take as long to import as the whole sampling.
    """
    value, gradient = density(x)
    damping = 1.0
    for _ in range(_STEPS):
        curvature, directions = np.linalg.eigh(_hessian(density, x, gradient))
        slope = directions.T @ gradient
        while True:
            step = slope / (abs(curvature) + damping)
            step *= min(1.0, _FARTHEST / max(np.linalg.norm(step), 1e-300))
            found = x + directions @ step
            higher, new_gradient = density(found)
            if higher > value and np.isfinite(new_gradient).all():
                break
            damping = 4 * damping + 1e-3
            if step @ slope < _GAIN:
                return x, curvature, directions
        gained, x, value, gradient, damping = higher - value, found, higher, new_gradient, damping / 8
        if gained < _GAIN and step @ slope < _GAIN:
            break
    return x, curvature, directions


def _hessian(density: Density, x: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Of −log-density, by differences of the gradient; 0 where the density ends."""
    rows = np.array([density(x + row)[1] - gradient for row in _DIFFERENCE * np.eye(len(x))]) / -_DIFFERENCE
    return np.nan_to_num(0.5 * (rows + rows.T), posinf=0.0, neginf=0.0)
