"""The atoms' Larmor frequency in demodulated records: offset from the reference, drift, mismatch of the two ensembles.

From z = Y_c − iY_s, which turns as e^{+2πi f t} for atoms faster than the reference by f. After an RF pulse the mean
record rings down (`ring_down`); without one the noise has a line (`noise_line`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import violation
from .noise_line import noise_line
from .records import Records
from .ring_down import Fit, equal_lines, free_lines, one_line

FEWEST = 8
"""Records of a segment: fewer do not show their scatter."""
_MOST_NUMBERS = 400_000
_MOST_BINS = 20_000
_MEAN_SIGNAL = 4.0
"""Energy of the mean record, in units of what noise leaves in it, from which it is a signal."""
_SURE, _RESOLVED, _ONE_SIDED = 3.0, 4.0, 1.645
"""Standard errors: of a line that is there; of q of two lines; of a bound of 95 %."""
_TO_HZ = 1e3 / (2 * np.pi)  # from rad/ms

Method = Literal["ring-down", "noise"]


@dataclass(frozen=True)
class LarmorFrequency:
    """Of the atoms, as demodulated records show it. Frequencies in Hz, each with its standard error.

    offset : atoms minus reference, over the file;  width : full width at half maximum of the line, γ/π; with what an
        unresolved mismatch and a drift add to it
    drift : of the offset, Hz/s, None with fewer than 3 segments
    mismatch : difference of the two ensembles' frequencies, None where it is not resolved
    mismatch_bound : largest one compatible with the data where it is not (95 %, for lines of equal strength and width)
    time, offsets, offset_errors : s and Hz, of the segments
    """

    method: Method
    offset: float
    offset_error: float
    width: float
    width_error: float
    drift: float | None
    drift_error: float | None
    mismatch: float | None
    mismatch_error: float | None
    mismatch_bound: float | None
    time: np.ndarray
    offsets: np.ndarray
    offset_errors: np.ndarray


def larmor_frequency(records: Records, *, method: Method | None = None, segments: int = 10) -> LarmorFrequency | None:
    """Offset, drift, width and mismatch; None where the records show no line.

    method : None chooses ring-down where the mean record is more than noise;  segments : of records, for the drift

    Raises ExperimentError for fewer than 8 records, whose scatter the standard errors come from.
    """
    count, bins = records.cos.shape
    if count < FEWEST or bins < FEWEST:
        raise violation(records.source, f"{count} records of {bins} bins", f"at least {FEWEST} of each")
    segments = max(min(segments, count // FEWEST), 1)
    edges = np.linspace(0, count, segments + 1).astype(int)
    pieces, times = [], []
    for start, end in itertools.pairwise(edges):
        step = -(-(end - start) // max(_MOST_NUMBERS // min(bins, _MOST_BINS), FEWEST))
        pieces.append(records.complex(start, end, step)[:, :_MOST_BINS])
        times.append(float(records.started[start:end:step].mean()))
    every = np.concatenate(pieces)
    if method is None:
        method = "ring-down" if _mean_signal(every) else "noise"
    found = _ring_down(every, records.time[:_MOST_BINS]) if method == "ring-down" else _noise(every, records.interval)
    if found is None:
        return None
    offsets, errors = np.array([found.again(piece) for piece in pieces]).T * _TO_HZ
    good = np.isfinite(errors) & (errors > 0)
    time, offsets, errors = np.array(times)[good], offsets[good], errors[good]
    drift, drift_error = _drift(time, offsets, errors)
    return LarmorFrequency(
        method,
        found.frequency * _TO_HZ,
        found.frequency_error * _TO_HZ,
        2 * found.rate * _TO_HZ,
        2 * found.rate_error * _TO_HZ,
        drift,
        drift_error,
        *_mismatch(found),
        time,
        offsets,
        errors,
    )


def _mean_signal(records: np.ndarray) -> bool:
    noise = (abs(records - records.mean(axis=0)) ** 2).sum() / (len(records) - 1) / len(records)
    return bool((abs(records.mean(axis=0)) ** 2).sum() > _MEAN_SIGNAL * noise)


@dataclass(frozen=True)
class _Found:
    """What all records together show, in rad/ms; q of two lines of equal strength; and how to look at a part of them.

    apart : of two lines of any strengths, ± standard error, where they were fitted
    again : frequency and its standard error (NaN where there is no line) of some records
    """

    frequency: float
    frequency_error: float
    rate: float
    rate_error: float
    square: float
    square_error: float
    again: Callable[[np.ndarray], tuple[float, float]]
    apart: tuple[float, float] | None = None


def _ring_down(records: np.ndarray, time: np.ndarray) -> _Found:
    def found(
        fit: Fit, q: tuple[float, float], again: Callable[[np.ndarray], Fit], apart: tuple[float, float] | None = None
    ) -> _Found:
        def part(piece: np.ndarray) -> tuple[float, float]:
            one = again(piece)
            return float(one.value[0]), float(one.error[0])

        (frequency, rate), (frequency_error, rate_error) = fit.value[:2].tolist(), fit.error[:2].tolist()
        return _Found(frequency, frequency_error, rate, rate_error, *q, part, apart)

    single = one_line(records, time)
    equal = equal_lines(records, time, single.value)
    q = float(equal.value[2]), float(equal.error[2])
    if not _resolved(*q):
        return found(single, q, lambda piece: one_line(piece, time))
    rough, root = equal.value[:2], float(np.sqrt(q[0]))
    free = free_lines(records, time, rough, root)
    if abs(free.value[2]) > _RESOLVED * free.error[2] and free.left < equal.left:
        apart = float(free.value[2])
        again = lambda piece: free_lines(piece, time, free.value[:2], apart)  # noqa: E731
        return found(free, q, again, (abs(apart), float(free.error[2])))
    return found(equal, q, lambda piece: equal_lines(piece, time, rough, q[0]))


def _noise(records: np.ndarray, interval: float) -> _Found | None:
    one, pair = noise_line(records, interval), noise_line(records, interval, two=True)
    two = _resolved(pair.square, pair.square_error)
    best = pair if two else one
    if best.strength < _SURE * best.strength_error:
        return None

    def again(piece: np.ndarray) -> tuple[float, float]:
        line = noise_line(piece, interval, two=two)
        return line.frequency, line.frequency_error if line.strength > _SURE * line.strength_error else np.nan

    line = (best.frequency, best.frequency_error, best.rate, best.rate_error)
    return _Found(*line, pair.square, pair.square_error, again)


def _resolved(square: float, error: float) -> bool:
    return bool(square > _RESOLVED * error)


def _mismatch(found: _Found) -> tuple[float | None, float | None, float | None]:
    """Mismatch and its error, or its bound, Hz."""
    if not _resolved(found.square, found.square_error):
        return None, None, float(np.sqrt(max(found.square, 0.0) + _ONE_SIDED * found.square_error) * _TO_HZ)
    root = np.sqrt(found.square)
    apart, error = found.apart or (root, found.square_error / (2 * root))
    return float(apart * _TO_HZ), float(error * _TO_HZ), None


def _drift(time: np.ndarray, offsets: np.ndarray, errors: np.ndarray) -> tuple[float | None, float | None]:
    """Slope of the offsets, Hz/s; its standard error is larger where they scatter more than their errors say."""
    if len(time) < 3:
        return None, None
    design = np.stack([np.ones_like(time), time - time.mean()], axis=1) / errors[:, None]
    solution = np.linalg.lstsq(design, offsets / errors, rcond=None)[0]
    chi2 = float(((offsets / errors - design @ solution) ** 2).sum()) / (len(time) - 2)
    variance = np.linalg.inv(design.T @ design)[1, 1] * max(chi2, 1.0)
    return float(solution[1]), float(np.sqrt(variance))
