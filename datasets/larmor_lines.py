"""What lines records show, one or two, from their mean or from their noise; two must be sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .noise_line import noise_line
from .ring_down import Fit, equal, fit, free, one_line, single, two_lines

_SURE, _RESOLVED, _WEAKER, _ONE_SIDED = 3.0, 4.0, 5.0, 1.645
"""Standard errors: of a line that is there; of two lines' distance; of the weaker one's amplitude; of a 95 % bound."""

Apart = tuple[float | None, float | None, float | None]
"""Distance of two lines and its standard error; or None, None, and the largest distance that is compatible (95 %)."""


@dataclass(frozen=True)
class Lines:
    """In rad/ms and 1/ms, ± standard errors: frequency (in the middle of two), decay rate, distance of two.

    again : frequency and standard error (NaN where there is no line) of some of the records, with the same model
    """

    frequency: float
    frequency_error: float
    rate: float
    rate_error: float
    apart: Apart
    again: Callable[[np.ndarray], tuple[float, float]]


def ring_down(records: np.ndarray, time: np.ndarray) -> Lines:
    """Of the mean of `records`, complex (R, K); `time` (K,), ms."""
    one = one_line(records, time)
    alike, any_two = two_lines(records, time, one, equal), two_lines(records, time, one, free)
    distance, error = abs(float(any_two.value[2])), float(any_two.error[2])
    apart = _root(float(alike.value[2]), float(alike.error[2]))
    best, shapes = (one, single) if apart[0] is None else (alike, equal)
    if distance > _RESOLVED * error and any_two.strengths.min() > _WEAKER and any_two.left < best.left:
        best, shapes, apart = any_two, free, (distance, error, None)

    def again(piece: np.ndarray) -> tuple[float, float]:
        found: Fit = fit(piece, time, [best.value], shapes)
        return float(found.value[0]), float(found.error[0])

    (frequency, rate), (frequency_error, rate_error) = best.value[:2].tolist(), best.error[:2].tolist()
    return Lines(frequency, frequency_error, rate, rate_error, apart, again)


def noise(records: np.ndarray, interval: float) -> Lines | None:
    """Of the noise of `records`, complex (R, K), in bins of `interval` (ms); None where there is no line."""
    one, pair = noise_line(records, interval), noise_line(records, interval, two=True)
    apart = _root(pair.square, pair.square_error)
    best = one if apart[0] is None else pair
    if best.strength < _SURE * best.strength_error:
        return None

    def again(piece: np.ndarray) -> tuple[float, float]:
        line = noise_line(piece, interval, two=best is pair)
        return line.frequency, line.frequency_error if line.strength > _SURE * line.strength_error else np.nan

    return Lines(best.frequency, best.frequency_error, best.rate, best.rate_error, apart, again)


def _root(square: float, error: float) -> Apart:
    """The distance of two lines of equal strength from its square."""
    if square < _RESOLVED * error:
        return None, None, float(np.sqrt(max(square, 0.0) + _ONE_SIDED * error))
    return float(np.sqrt(square)), float(error / (2 * np.sqrt(square))), None
