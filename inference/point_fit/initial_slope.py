"""The slope of a noisy series at t = 0, as a lab reads it off: by a relaxation curve through the points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import ExperimentError

_SLOWEST, _FASTEST = 0.1, 100.0
"""Bounds of k, over the duration of the series: a slower relaxation is a straight line, a faster one is not seen."""
_WINDOW = 6.0
"""Relaxation times 1/k within which a curve that relaxes to something slow may be taken as relaxing to a line."""


@dataclass(frozen=True)
class InitialSlope:
    """Slope at t = 0 and its ±, ms⁻¹; χ² and degrees of freedom of the curve."""

    slope: float
    error: float
    chi2: float
    dof: int


def initial_slope(name: str, times: np.ndarray, values: np.ndarray, sigma: np.ndarray) -> InitialSlope:
    """The slope s at t = 0 of a series (T,) that is normalised to 1 there, times in ms.

    Weighted least squares of 1 + s (1 − e^{−kt})/k through all points, k ≥ 0 unknown. A polynomial would do worse:
    one that follows the points within the noise has a slope at the end of its range that is off by two of its ±.

    Raises ExperimentError for fewer than three points.
    """
    from scipy.optimize import least_squares

    _require(name, times, 3)
    last = times.max()

    def residuals(x: np.ndarray) -> np.ndarray:
        return np.asarray((1 - x[0] * np.expm1(-x[1] * times / last) / x[1] - values) / sigma)

    bounds = ([-np.inf, _SLOWEST], [np.inf, _FASTEST])
    tries = [
        least_squares(residuals, [(values[-1] - 1) * k, k], bounds=bounds, x_scale="jac") for k in (1.0, 3.0, 15.0)
    ]
    best: Any = min(tries, key=lambda found: float(found.cost))
    covariance = np.linalg.pinv(best.jac.T @ best.jac)
    error = float(np.sqrt(covariance[0, 0]) / last)
    return InitialSlope(float(best.x[0] / last), error, float(2 * best.cost), len(times) - 2)


def slope_of_relaxation(
    name: str, times: np.ndarray, values: np.ndarray, sigma: np.ndarray, rate: float
) -> InitialSlope:
    """The slope s at t = 0 of a series (T,) that relaxes at a known rate k (ms⁻¹) to something slow; times in ms.

    Weighted least squares of f + (s − b) (1 − e^{−kt})/k + b t with f and b unknown (f, since the scale of the series
    is unsure; b, since its end value drifts), through the points of the first 6/k.

    Raises ExperimentError for fewer than four points in that time.
    """
    use = times <= _WINDOW / rate
    _require(f"{name} in the first {_WINDOW / rate:.3g} ms", times[use], 4)
    t, risen = times[use], -np.expm1(-rate * times[use]) / rate
    design = np.stack([risen, np.ones_like(t), t - risen], axis=1) / sigma[use, None]
    target = values[use] / sigma[use]
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    chi2 = float(((design @ coefficients - target) ** 2).sum())
    error = float(np.sqrt(np.linalg.pinv(design.T @ design)[0, 0]))
    return InitialSlope(float(coefficients[0]), error, chi2, len(t) - 3)


def _require(name: str, times: np.ndarray, least: int) -> None:
    if len(times) < least:
        raise ExperimentError(f"{name}: found {len(times)} points to take a slope from, expected at least {least}")
