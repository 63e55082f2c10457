"""Where bins lie in a stream, and their values: samples mixed with the reference, filtered and integrated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from ..errors import violation
from ..units import quantity
from .bin_filter import BinFilter, bin_filter
from .digitiser import Digitisation
from .held_blocks import in_words, touched
from .photocurrent import Photocurrent

MOST_BINS, LONGEST = 200_000_000, 1_000_000
"""Bins in all, and in one record."""

Phase = Literal["trigger", "stream"]


@dataclass(frozen=True)
class Cut:
    """Records cut out of a stream.

    weights : of the samples in a bin;  larmor : reference frequency, Hz;  bins : of a record
    triggers : of the records that are whole, in samples;  skipped : triggers of others;  phase : see `demodulate`
    notes : why other records were left out
    """

    weights: BinFilter
    larmor: float
    bins: int
    triggers: np.ndarray
    skipped: int
    phase: Phase
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Records, bins."""
        return len(self.triggers), self.bins

    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        """First sample that each record needs, and the one after the last."""
        first = np.rint(self.triggers).astype(np.int64) - self.weights.margin
        return first, first + self.bins * self.weights.samples + 2 * self.weights.margin

    def without(self, held: np.ndarray, where: str) -> tuple[Cut, np.ndarray]:
        """The records that hold nothing of the runs `held` (runs, 2), and which they are.

        Raises ExperimentError where no record is left.
        """
        spoilt = touched(*self.windows(), held)
        if spoilt.all():
            found = f"samples that stay equal or follow a straight line in every record, {np.diff(held).sum()} in all"
            raise violation(where, found, "a photocurrent with noise, of which the digitiser dropped and held nothing")
        if not spoilt.any():
            return self, ~spoilt
        note = f"{in_words(held)}; {spoilt.sum()} of {len(spoilt)} records, which hold some of them, are left out"
        return replace(self, triggers=self.triggers[~spoilt], notes=(*self.notes, note)), ~spoilt


def cut(stream: Photocurrent, larmor: str | None, interval: str, length: str, period: str | None, phase: Phase) -> Cut:
    """Bins of `interval` over `length` from each trigger; arguments as those of `demodulate`. ExperimentError."""
    where, rate = stream.where, stream.sample_rate
    frequency = _frequency(stream) if larmor is None else quantity(larmor, "Hz", "Larmor frequency")
    wanted = quantity(interval, "ms", "interval") * rate / 1e3
    if not 1 <= wanted < 1e9 or abs(wanted - round(wanted)) > 1e-6 * wanted:
        expected = "a whole number of them"
        if 1 <= wanted < 1e9:
            expected += f": {np.floor(wanted) / rate * 1e3:.9g} or {np.ceil(wanted) / rate * 1e3:.9g} ms"
        raise violation(f"interval {interval!r}", f"{wanted:.6g} samples", expected)
    weights = bin_filter(rate, frequency, round(wanted), where)
    bins = quantity(length, "ms", "length") * rate / 1e3 / weights.samples
    if not 2 <= bins + 1e-9 <= LONGEST:
        raise violation(f"length {length!r}", f"{bins:.6g} intervals of {interval}", f"2 to {LONGEST}")
    count = int(bins + 1e-9)
    size = count * weights.samples
    begins = _begins(stream, period, size, weights.margin)
    whole = begins_apart(stream, begins, size, weights.margin)
    if len(whole) * count > MOST_BINS:
        raise violation(where, f"{len(whole) * count} bins", f"at most {MOST_BINS}")
    return Cut(weights, frequency, count, whole, len(begins) - len(whole), phase)


def begins_apart(stream: Photocurrent, begins: np.ndarray, size: int, margin: int) -> np.ndarray:
    """Those of the beginnings that have a whole record of `size` samples in the stream, and `margin` on either side.

    Raises ExperimentError where there are none, and where a record begins before the one before it has ended: its
    samples would count twice.
    """
    first = np.rint(begins)
    whole = begins[(first >= margin) & (first + size + margin <= stream.length)]
    if not len(whole):
        expected = f"one with {size} samples after it, and {margin} more on either side for the filter"
        raise violation(stream.where, f"{len(begins)} triggers in {stream.length} samples", expected)
    distance = np.diff(whole)
    close = distance < size - 1  # a time that was rounded may be a sample off
    if close.any():
        row = int(np.argmax(close))
        expected = (
            f"triggers at least a record, {size} samples, apart, or the same samples count twice: leave out what a"
            " bouncing trigger adds, or take shorter records (length)"
        )
        found = f"{whole[row + 1]:.9g}, {distance[row]:.6g} samples after {whole[row]:.9g}"
        raise violation(f"{stream.where}: triggers ({close.sum()} of {len(whole)} too close)", found, expected)
    return np.asarray(whole)


def _frequency(stream: Photocurrent) -> float:
    found = stream.number("larmor_frequency")
    if found is None:
        expected = "one given, such as '322 kHz', or an attribute larmor_frequency in Hz"
        raise violation(stream.where, "no Larmor frequency", expected)
    return found


def _begins(stream: Photocurrent, period: str | None, size: int, margin: int) -> np.ndarray:
    """Where records begin, in samples."""
    if period is None:
        if stream.triggers is None:
            raise violation(stream.where, "no triggers", "an array 'triggers', the name of another one, or a period")
        return stream.triggers
    step = quantity(period, "ms", "period") * stream.sample_rate / 1e3
    if not size <= step < np.inf:
        found = f"{step:g} samples a period, {size} a record"
        raise violation(f"period {period!r}", found, "a period not shorter than a record")
    return np.arange(margin, max(stream.length - size - margin, 0) + 1, step)


def mixed(
    stream: Photocurrent, plan: Cut, seen: Digitisation, piece: int
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Bins Y_c + iY_s, not normalised (white samples of variance σ²: σ²·weights.noise[0]), and their place.

    Pieces of about `piece` samples: several records, or a part of one.
    """
    weights = plan.weights
    records, bins = plan.shape
    at_once = max(piece // weights.samples, 1)
    together, part = max(at_once // bins, 1), min(at_once, bins)
    for start in range(0, records, together):
        triggers = plan.triggers[start : start + together]
        for first in range(0, bins, part):
            last = min(first + part, bins)
            begins = np.rint(triggers).astype(np.int64) + first * weights.samples
            size = (last - first) * weights.samples
            samples = np.empty((len(begins), size + 2 * weights.margin))
            for row, begin in zip(samples, begins, strict=True):
                row[:] = stream.read(int(begin) - weights.margin, int(begin) + size + weights.margin)
                seen.add(row, int(begin) - weights.margin)
            values = _integrated(samples * stream.scale, plan, stream.sample_rate, last - first)
            values *= _turns(plan, triggers, begins, stream.sample_rate)[:, None]
            yield (slice(start, start + len(begins)), slice(first, last)), values


def _integrated(samples: np.ndarray, plan: Cut, sample_rate: float, bins: int) -> np.ndarray:
    """Bins (records, bins) of stretches that begin a margin before the first bin, where the reference has phase 0."""
    from scipy.signal import upfirdn

    taps, step = plan.weights.taps, plan.weights.samples
    delay = -((1 - len(taps)) // step)  # in bins: the first output of the causal filter that sees all of the first bin
    zeros = np.zeros(delay * step - (len(taps) - 1))
    phase = 2 * np.pi * plan.larmor / sample_rate * (np.arange(len(taps)) - plan.weights.margin)
    cos, sin = (
        upfirdn(np.concatenate([zeros, (taps * wave(phase))[::-1]]), samples, 1, step)[:, delay : delay + bins]
        for wave in (np.cos, np.sin)
    )
    turns = np.mod(plan.larmor * step / sample_rate * np.arange(bins), 1.0)
    return np.asarray((cos + 1j * sin) * np.exp(2j * np.pi * turns) * np.sqrt(2 / step))


def _turns(plan: Cut, triggers: np.ndarray, begins: np.ndarray, sample_rate: float) -> np.ndarray:
    """e^{iΩt} at samples `begins`; in whole numbers, so that it is as good after hours as at the beginning."""
    cycle = Fraction(plan.larmor) / Fraction(sample_rate)
    origins = triggers if plan.phase == "trigger" else np.zeros(len(triggers))
    cycles = [cycle * (int(b) - Fraction(float(t))) % 1 for b, t in zip(begins, origins, strict=True)]
    return np.exp(2j * np.pi * np.array(cycles, float))
