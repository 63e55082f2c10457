"""The atoms' Larmor frequency in demodulated records: offset from the reference, drift, mismatch of the two ensembles.

From z = Y_c − iY_s, which turns as e^{+2πi f t} for atoms faster than the reference by f. After an RF pulse the mean
record rings down (`ring_down.py`); without one the noise has a line (`noise_line.py`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .errors import violation
from .larmor_lines import Lines, noise, ring_down
from .records import Records

FEWEST = 8
"""Records of a segment: fewer do not show their scatter."""
_MOST_NUMBERS = 80_000
_MOST_BINS = 5_000
_MEAN_SIGNAL = 4.0
"""Energy of the mean record, in units of what noise leaves in it, from which it is a signal."""
_SURE = 3.0
"""Standard errors of a drift that is taken away before lines are looked at again."""
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
    pieces = _pieces(records, max(min(segments, count // FEWEST), 1))
    if method is None:
        method = "ring-down" if _mean_signal(np.concatenate([z for z, _ in pieces])) else "noise"
    lines = _lines(pieces, records, method)
    if lines is None:
        return None
    straight = _of_segments(pieces, lines)
    steady = straight.drift or 0.0
    if straight.drift_error and abs(steady) > _SURE * straight.drift_error:  # it broadens the lines: once more without
        middle = float(np.concatenate([started for _, started in pieces]).mean())
        turns = [steady * np.outer(started - middle, 1e-3 * records.time[:_MOST_BINS]) for _, started in pieces]
        pieces = [(z * np.exp(-2j * np.pi * t), at) for (z, at), t in zip(pieces, turns, strict=True)]
        lines = _lines(pieces, records, method) or lines
        straight = _of_segments(pieces, lines).tilted(steady, middle)
    mismatch, mismatch_error, bound = (None if one is None else one * _TO_HZ for one in lines.apart)
    return LarmorFrequency(
        method,
        lines.frequency * _TO_HZ,
        lines.frequency_error * _TO_HZ,
        2 * lines.rate * _TO_HZ,
        2 * lines.rate_error * _TO_HZ,
        straight.drift,
        straight.drift_error,
        mismatch,
        mismatch_error,
        bound,
        straight.time,
        straight.offsets,
        straight.errors,
    )


Pieces = list[tuple[np.ndarray, np.ndarray]]
"""Of each segment z (R, K) and when its records began (R,), s; not more of them than are needed."""


def _pieces(records: Records, segments: int) -> Pieces:
    count, bins = records.cos.shape
    most = max(_MOST_NUMBERS // min(bins, _MOST_BINS), FEWEST)
    found = []
    for start, end in itertools.pairwise(np.linspace(0, count, segments + 1).astype(int).tolist()):
        step = -(-(end - start) // most)
        z = records.complex(start, end, step, _MOST_BINS)
        found.append((z, np.asarray(records.started[start:end:step])))
    return found


def _lines(pieces: Pieces, records: Records, method: Method) -> Lines | None:
    every = np.concatenate([z for z, _ in pieces])
    return ring_down(every, records.time[:_MOST_BINS]) if method == "ring-down" else noise(every, records.interval)


@dataclass(frozen=True)
class _Straight:
    """Offsets of segments (s, Hz) and the straight line through them."""

    time: np.ndarray
    offsets: np.ndarray
    errors: np.ndarray
    drift: float | None
    drift_error: float | None

    def tilted(self, drift: float, middle: float) -> _Straight:
        """With a drift (Hz/s) that had been taken away about the time `middle`."""
        total = None if self.drift is None else self.drift + drift
        return replace(self, offsets=self.offsets + drift * (self.time - middle), drift=total)


def _of_segments(pieces: Pieces, lines: Lines) -> _Straight:
    offsets, errors = np.array([lines.again(z) for z, _ in pieces]).T * _TO_HZ
    good = np.isfinite(errors) & (errors > 0)
    time = np.array([started.mean() for _, started in pieces])[good]
    return _Straight(time, offsets[good], errors[good], *_drift(time, offsets[good], errors[good]))


def _mean_signal(records: np.ndarray) -> bool:
    noise = (abs(records - records.mean(axis=0)) ** 2).sum() / (len(records) - 1) / len(records)
    return bool((abs(records.mean(axis=0)) ** 2).sum() > _MEAN_SIGNAL * noise)


def _drift(time: np.ndarray, offsets: np.ndarray, errors: np.ndarray) -> tuple[float | None, float | None]:
    """Slope of the offsets, Hz/s; its standard error is larger where they scatter more than their errors say."""
    if len(time) < 3:
        return None, None
    design = np.stack([np.ones_like(time), time - time.mean()], axis=1) / errors[:, None]
    solution = np.linalg.lstsq(design, offsets / errors, rcond=None)[0]
    chi2 = float(((offsets / errors - design @ solution) ** 2).sum()) / (len(time) - 2)
    variance = np.linalg.inv(design.T @ design)[1, 1] * max(chi2, 1.0)
    return float(solution[1]), float(np.sqrt(variance))
