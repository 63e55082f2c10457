"""What lines records show, one or two, from their mean or from their noise; two must be sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .noise_line import noise_line
from .pick_up import MOST, SURE, away_from, columns, undecayed, without
from .ring_down import Fit, decisive, equal, fit, free, one_line, single, two_lines, undecayed_beside

_SURE, _RESOLVED, _WEAKER, _ONE_SIDED = 3.0, 4.0, 5.0, 1.645
"""Standard errors: of a line that is there; of two lines' distance; of the weaker one's amplitude; of a 95 % bound."""
_DECISIVE = 6.0
"""Standard errors by which two lines of any strengths must be better than one, or two of equal strength."""
_MEAN_SIGNAL = 4.0
"""Energy of the mean record, in units of what noise leaves in it, from which it is a signal."""

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


def mean_signal(records: np.ndarray, time: np.ndarray, tones: list[float]) -> bool:
    """Whether the mean of `records`, complex (R, K), is more than noise and tones (rad/ms)."""
    records = without(records, columns(tones, time))
    noise = (abs(records - records.mean(axis=0)) ** 2).sum() / (len(records) - 1) / len(records)
    return bool((abs(records.mean(axis=0)) ** 2).sum() > _MEAN_SIGNAL * noise)


def tones_of_mean(records: np.ndarray, time: np.ndarray, known: list[float]) -> list[float]:
    """Frequencies (rad/ms) of what does not decay in the mean of `records`, beside tones that are known."""
    found: list[float] = []
    while len(found) < MOST and mean_signal(records, time, known + found):
        beside = columns(known + found, time)
        one = one_line(records, time, beside)
        tone = undecayed_beside(records, time, one, beside)
        if tone is None:
            if not undecayed(one.value[1], one.error[1], float(time[-1] + time[1])):
                break
            tone = float(one.value[0])
        found.append(tone)
    return found


def ring_down(records: np.ndarray, time: np.ndarray, tones: list[float]) -> Lines | None:
    """Of the mean of `records`, complex (R, K); `time` (K,), ms; beside tones (rad/ms). None where nothing decays.

    Two lines of equal strength where their distance is sure; of any strengths where that is decisively better still:
    their common decay, distance and ratio are nearly exchangeable where the lines overlap.
    """
    beside = columns(tones, time)
    one = one_line(records, time, beside)
    alike, any_two = (two_lines(records, time, one, shapes, beside) for shapes in (equal, free))
    distance, error = abs(float(any_two.value[2])), float(any_two.error[2])
    apart = _root(float(alike.value[2]), float(alike.error[2]))
    best, shapes = (one, single) if apart[0] is None else (alike, equal)
    sure = distance > _RESOLVED * error and any_two.strengths.min() > _WEAKER
    if sure and decisive(records, any_two, best, beside) > _DECISIVE:
        best, shapes, apart = any_two, free, (distance, error, None)

    def again(piece: np.ndarray) -> tuple[float, float]:
        found: Fit = fit(piece, time, [best.value], shapes, beside)
        return float(found.value[0]), float(found.error[0])

    (frequency, rate), (frequency_error, rate_error) = best.value[:2].tolist(), best.error[:2].tolist()
    return Lines(frequency, frequency_error, rate, rate_error, apart, again) if rate > 0 else None


def noise(records: np.ndarray, time: np.ndarray, tones: list[float]) -> tuple[Lines | None, list[float]]:
    """Of the noise of `records`, complex (R, K), None where there is no line, and all tones that are not it.

    `tones` (rad/ms) are taken out, and what is found to be narrower than the records resolve.
    """
    interval, found = float(time[1] - time[0]), list(tones)
    while True:
        used, beside = away_from(found, interval, len(time)), columns(found, time, 1)
        kept = without(records, beside)
        one, pair = (noise_line(kept, interval, two=two, used=used) for two in (False, True))
        apart = _root(pair.square, pair.square_error)
        best = one if apart[0] is None else pair
        narrow = undecayed(best.rate, best.rate_error, interval * len(time))
        if not narrow or len(found) == MOST or best.strength < SURE * best.strength_error:
            break
        found.append(best.frequency)
    if narrow or best.strength < _SURE * best.strength_error:
        return None, found

    def again(piece: np.ndarray) -> tuple[float, float]:
        line = noise_line(without(piece, beside), interval, two=best is pair, used=used)
        return line.frequency, line.frequency_error if line.strength > _SURE * line.strength_error else np.nan

    return Lines(best.frequency, best.frequency_error, best.rate, best.rate_error, apart, again), found


def _root(square: float, error: float) -> Apart:
    """The distance of two lines of equal strength from its square."""
    if square < _RESOLVED * error:
        return None, None, float(np.sqrt(max(square, 0.0) + _ONE_SIDED * error))
    return float(np.sqrt(square)), float(error / (2 * np.sqrt(square))), None
