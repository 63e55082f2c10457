"""The atoms' Larmor frequency in demodulated records: offset from the reference, drift, mismatch of the two ensembles.

From z = Y_c − iY_s, which turns as e^{+2πi f t} for atoms faster than the reference by f. After an RF pulse the mean
record rings down (`ring_down.py`); without one the noise has a line (`noise_line.py`). What does not decay is pick-up
(`pick_up.py`): it is named, and taken out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..errors import violation
from ..photocurrent import Records
from .lines import Lines, mean_signal, noise, ring_down, tones_of_mean
from .pick_up import columns, steady_tones, without

FEWEST = 8
"""Records of a segment: fewer do not show their scatter."""
_MOST_NUMBERS = 80_000
_MOST_BINS = 5_000
_SURE = 3.0
"""Standard errors of a drift that is taken away before lines are looked at again."""
_OFF, _OFF_HZ = 4.0, 3.0
"""Standard errors, and Hz, of an offset from which a reader is warned."""
_MOVED = 0.1
"""Of a line's width, by a drift over the file, likewise."""
_TO_HZ = 1e3 / (2 * np.pi)  # from rad/ms

Method = Literal["ring-down", "noise"]


@dataclass(frozen=True)
class LarmorFrequency:
    """The atoms' Larmor frequency, as demodulated records show it. Frequencies in Hz, each with its standard error.

    method : "ring-down" or "noise", what it was taken from
    offset : atoms minus reference, over the file;  width : full width at half maximum of the line, γ/π; with what an
        unresolved mismatch and a drift add to it
    drift : of the offset, Hz/s, None with fewer than 3 segments
    mismatch : difference of the two ensembles' frequencies, None where it is not resolved
    mismatch_bound : largest one compatible with the data where it is not (95 %, for lines of equal strength and width)
    time, offsets, offset_errors : s and Hz, of the segments
    warnings : what a reader should know, of pick-up, an offset or a drift;  pick_up : frequencies of it, as `offset`
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
    time: np.ndarray = field(repr=False)
    offsets: np.ndarray = field(repr=False)
    offset_errors: np.ndarray = field(repr=False)
    warnings: tuple[str, ...] = ()
    pick_up: tuple[float, ...] = ()


@dataclass(frozen=True)
class Search:
    """What lines records show.

    line : of the atoms, None where there is none;  pick_up : frequencies of other lines, Hz from the reference
    warnings : what a reader should know of them
    """

    line: LarmorFrequency | None
    pick_up: tuple[float, ...]
    warnings: tuple[str, ...]


def larmor_frequency(records: Records, *, method: Method | None = None, segments: int = 10) -> LarmorFrequency | None:
    """Offset (Hz), drift (Hz/s), width and mismatch (Hz) of the atoms' line; None if the records show none.

    records : as `demodulate` returns them
    method : "ring-down" or "noise"; None takes the ring-down if the mean record contains a signal
    segments : number of parts of the records, in order, from which the drift is determined

    Raises
    ------
    ExperimentError : for fewer than 8 records (standard errors come from their scatter) or 8 bins
    """
    return search(records, method=method, segments=segments).line


def search(records: Records, *, method: Method | None = None, segments: int = 10) -> Search:
    """As `larmor_frequency`, with the pick-up that was found on the way, also where there are no atoms."""
    count, bins = records.cos.shape
    if count < FEWEST or bins < FEWEST:
        raise violation(records.source, f"{count} records of {bins} bins", f"at least {FEWEST} of each")
    pieces, time = _pieces(records, max(min(segments, count // FEWEST), 1)), records.time[:_MOST_BINS]
    every = _every(pieces)
    tones = steady_tones(every, time)
    of_mean = [] if method == "noise" else tones_of_mean(every, time, tones)
    if method is None:
        method = "ring-down" if mean_signal(every, time, tones + of_mean) else "noise"
    if method == "ring-down":
        lines, tones = ring_down(every, time, tones + of_mean), tones + of_mean
        order = 0
    else:
        lines, tones = noise(every, time, tones)
        order = 1
    pick_up = tuple(sorted({tone * _TO_HZ for tone in (*tones, *of_mean)}))
    warnings = tuple(_pick_up_words(one) for one in pick_up)
    if lines is None:
        return Search(None, pick_up, warnings)
    straight = _of_segments(pieces, lines)
    steady = straight.drift or 0.0
    if straight.drift_error and abs(steady) > _SURE * straight.drift_error:  # it broadens the lines: once more without
        middle = float(np.concatenate([started for _, started in pieces]).mean())
        beside = columns(tones, time, order)  # which do not drift
        turns = [np.exp(-2j * np.pi * steady * np.outer(started - middle, 1e-3 * time)) for _, started in pieces]
        pieces = [(without(z, beside) * turn, at) for (z, at), turn in zip(pieces, turns, strict=True)]
        every = _every(pieces)
        again = ring_down(every, time, tones) if method == "ring-down" else noise(every, time, tones)[0]
        lines = again or lines
        straight = _of_segments(pieces, lines).tilted(steady, middle)
    line = _in_hz(method, lines, straight)
    warnings += tuple(_atoms_words(line, records))
    return Search(replace(line, warnings=warnings, pick_up=pick_up), pick_up, warnings)


def _in_hz(method: Method, lines: Lines, straight: _Straight) -> LarmorFrequency:
    found: dict[str, float | None] = {"offset": lines.frequency, "offset_error": lines.frequency_error}
    found |= {"width": 2 * lines.rate, "width_error": 2 * lines.rate_error}
    found |= dict(zip(("mismatch", "mismatch_error", "mismatch_bound"), lines.apart, strict=True))
    in_hz: dict[str, Any] = {name: None if one is None else one * _TO_HZ for name, one in found.items()}
    return LarmorFrequency(method, **in_hz, **vars(straight))


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


def _every(pieces: Pieces) -> np.ndarray:
    return np.concatenate([z for z, _ in pieces])


def _pick_up_words(tone: float) -> str:
    return (
        f"a line at {tone:+.0f} Hz from the reference narrower than the records resolve: pick-up, not atoms; left out"
    )


def _atoms_words(line: LarmorFrequency, records: Records) -> list[str]:
    found, off, duration = [], abs(line.offset), float(records.started[-1] - records.started[0])
    if off > max(_OFF * line.offset_error, _OFF_HZ):
        better = f"{(records.larmor_frequency + line.offset) / 1e3:.3f} kHz"
        found.append(
            f"the atoms are {off:.0f} Hz ({off / line.offset_error:.0f} errors) from the reference: a fit of the "
            f"records would mistake that for decay; repeat with --larmor '{better}'"
        )
    if line.drift is None or line.drift_error is None:
        return found
    moved = abs(line.drift) * duration
    if abs(line.drift) > _SURE * line.drift_error and moved > _MOVED * line.width:
        found.append(
            f"the atoms' frequency drifts by {moved:.1f} Hz over the file, {moved / line.width:.0%} of their line's "
            "width: a fit of the records would mistake that for decay; demodulate shorter parts of the file"
        )
    return found


@dataclass(frozen=True)
class _Straight:
    """Offsets of segments (s, Hz) and the straight line through them."""

    time: np.ndarray
    offsets: np.ndarray
    offset_errors: np.ndarray
    drift: float | None
    drift_error: float | None

    def tilted(self, drift: float, middle: float) -> _Straight:
        """With a drift (Hz/s) that had been taken away, with the time `middle` as origin."""
        total = None if self.drift is None else self.drift + drift
        return replace(self, offsets=self.offsets + drift * (self.time - middle), drift=total)


def _of_segments(pieces: Pieces, lines: Lines) -> _Straight:
    offsets, errors = np.array([lines.again(z) for z, _ in pieces]).T * _TO_HZ
    good = np.isfinite(errors) & (errors > 0)
    time = np.array([started.mean() for _, started in pieces])[good]
    return _Straight(time, offsets[good], errors[good], *_drift(time, offsets[good], errors[good]))


def _drift(time: np.ndarray, offsets: np.ndarray, errors: np.ndarray) -> tuple[float | None, float | None]:
    """Slope of the offsets, Hz/s; its standard error is larger where they scatter more than their errors say."""
    if len(time) < 3:
        return None, None
    design = np.stack([np.ones_like(time), time - time.mean()], axis=1) / errors[:, None]
    solution = np.linalg.lstsq(design, offsets / errors, rcond=None)[0]
    chi2 = float(((offsets / errors - design @ solution) ** 2).sum()) / (len(time) - 2)
    variance = np.linalg.inv(design.T @ design)[1, 1] * max(chi2, 1.0)
    return float(solution[1]), float(np.sqrt(variance))
