"""Least squares of parameters ≥ 0, and intervals from the profile of χ² where a ± from the Jacobian says nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Interval = tuple[float, float]
"""Where χ² is less than 1 above its minimum while all other parameters follow; an end may be 0 or ∞."""
_STEP, _AT_BOUND, _SINGULAR = 1e-4, 1e-3, 1e8
_PARABOLA = 0.5, 2.0
"""Rise of the profile at value ± one ± between which this is taken for right; it is 1 for a parabola."""
_FARTHEST = 1e3
"""Starting values to which an interval is looked for; what is beyond is ∞."""
_PROFILE_TOLERANCE = 1e-5
"""Relative, of χ² along a profile, where a rise of 1 is looked for."""
_CLOSE = 1e-3
"""Of the distance between a value within an interval and one beyond, to which its end is found."""


def least_squares_from_zero(
    residuals: Callable[[np.ndarray], np.ndarray], start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float, list[Interval | None]]:
    """The x ≥ 0 of the least χ², their ±, χ², and intervals of those without an error bar.

    A parameter at its bound is taken as fixed there for the ± of the others. It has no ± itself (NaN), nor has one
    whose χ² is no parabola: where its profile at value ± one ± has not risen by about 1, or where that is below 0.
    """
    found, chi2 = _solve(residuals, start, {})
    errors = _linear_errors(residuals, found, start)
    ranges: list[Interval | None] = [None] * len(start)
    for k, error in enumerate(errors):
        rise = _Profile(residuals, found, chi2, start, k)
        if np.isnan(error) or error > found[k] or not rise.is_parabola(error):
            errors[k], ranges[k] = np.nan, (rise.low(), rise.high())
    return found, errors, chi2, ranges


def _solve(
    residuals: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    held: dict[int, float],
    x0: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """The least χ² and where it is; some of the parameters are held."""
    from scipy.optimize import least_squares

    free = np.array([k not in held for k in range(len(start))])
    whole = np.array([held.get(k, 0.0) for k in range(len(start))])

    def at(x: np.ndarray) -> np.ndarray:
        full = whole.copy()
        full[free] = x
        return full

    if not free.any():
        return whole, float((residuals(whole) ** 2).sum())
    begin = start if x0 is None else np.maximum(x0, _AT_BOUND * start)

    def jacobian(x: np.ndarray) -> np.ndarray:
        return _jacobian(residuals, at(x), start, free)

    def some(x: np.ndarray) -> np.ndarray:
        return residuals(at(x))

    solution = least_squares(
        some,
        begin[free],
        jac=jacobian,
        bounds=(0, np.inf),
        ftol=_PROFILE_TOLERANCE if held else 1e-8,
        x_scale=start[free],
    )
    return at(solution.x), float(2 * solution.cost)


def _jacobian(
    residuals: Callable[[np.ndarray], np.ndarray], x: np.ndarray, start: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """By the parameters that are free, (residuals, parameters)."""
    steps = np.diag(_STEP * start)[free]  # not relative to x, which may be next to 0
    ends = [(x + step, np.maximum(x - step, 0.5 * x)) for step in steps]
    return np.stack([(residuals(up) - residuals(down)) / (up - down).sum() for up, down in ends], axis=1)


def _linear_errors(residuals: Callable[[np.ndarray], np.ndarray], x: np.ndarray, start: np.ndarray) -> np.ndarray:
    """From the covariance; NaN at the bound, and for all where it is singular."""
    inside = x > _AT_BOUND * start
    scaled = _jacobian(residuals, x, start, inside) * start[inside] if inside.any() else np.zeros((1, 0))
    errors = np.full(len(start), np.nan)
    if inside.any() and np.linalg.cond(scaled) < _SINGULAR:
        errors[inside] = start[inside] * np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled)))
    return errors


class _Profile:
    """χ² less its minimum along parameter k, the others following."""

    def __init__(
        self, residuals: Callable[[np.ndarray], np.ndarray], best: np.ndarray, chi2: float, start: np.ndarray, k: int
    ) -> None:
        self.residuals, self.best, self.chi2, self.start, self.k = residuals, best, chi2, start, k

    def rise(self, value: float) -> float:
        """At a value of the parameter; from the best point and from the start, since there may be two valleys."""
        held = {self.k: value}
        tries = [_solve(self.residuals, self.start, held, x0)[1] for x0 in (self.best, None)]
        return min(tries) - self.chi2

    def is_parabola(self, error: float) -> bool:
        """Whether the profile has risen by about 1 at both ends of value ± error."""
        ends = self.best[self.k] - error, self.best[self.k] + error
        return all(_PARABOLA[0] < self.rise(float(end)) < _PARABOLA[1] for end in ends)

    def low(self) -> float:
        """The lower end of the interval: 0 where the profile stays below 1."""
        best = float(self.best[self.k])
        return 0.0 if best == 0 or self.rise(0.0) < 1 else self._crossing(best, 0.0)

    def high(self) -> float:
        """The upper end: ∞ where the profile stays below 1."""
        best, unit = float(self.best[self.k]), float(self.start[self.k])
        step = 0.5 * max(best, unit)
        while self.rise(best + step) < 1:
            if step > _FARTHEST * unit:
                return float("inf")
            step *= 2
        return self._crossing(best, best + step)

    def _crossing(self, inside: float, outside: float) -> float:
        """Between a value within the interval and one beyond it."""
        from scipy.optimize import brentq

        within = _CLOSE * abs(outside - inside)
        return float(brentq(lambda value: self.rise(value) - 1, inside, outside, xtol=within))
