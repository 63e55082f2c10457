"""Demodulation: from the photocurrent of one detector to the records of its two quadratures at the Larmor frequency.

    Y_c,k = √(2/Δ) ∫_bin S₂(t) cos Ωt dt/√(shot noise),    Y_s,k likewise with sin

A bin integrates the mixed photocurrent over Δ from the trigger on, so that a likelihood that integrates y(t) over bins
is exact. Before that a low pass keeps away what is far from the Larmor line (`bin_filter`); mixing, low pass, delay and
integral are one set of weights, applied by SciPy's polyphase filter to stretches of samples. Memory does not depend on
the length of the stream.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import violation
from ..files import replace_file, require_space, streamed_file
from .bin_filter import BinFilter
from .bins import Cut, Phase, cut, mixed
from .digitiser import Digitisation
from .photocurrent import Photocurrent, open_photocurrent
from .records import Records, StoredArray, describe, new_target
from .reference import level_given
from .shot_noise import ShotNoise, level_of_wings, row_pieces, sin_over_cos
from .steadiness import dark, group_energies

PIECE = 1 << 19
"""Samples that are mixed together."""
FEWEST_BINS = 16
"""Of a record, for a spectrum of its noise."""
_OVERHEAD = 1 << 16
"""Bytes of a file of records beside its samples."""
_STANDS_OUT = 4.0
"""Standard errors from which an imbalance is reported."""


def demodulate(
    raw: str | Path | np.ndarray,
    *,
    larmor: str | None = None,
    interval: str = "0.1 ms",
    length: str = "10 ms",
    output: str | Path | None = None,
    samples: str | None = None,
    channel: str | int | None = None,
    sample_rate: str | None = None,
    triggers: str | np.ndarray | None = None,
    period: str | None = None,
    shot_noise: str | Path | float | np.ndarray | None = None,
    phase: Phase = "trigger",
    simulated: bool = False,
    piece: int = PIECE,
) -> Records:
    """The records of both quadratures from a raw photocurrent.

    Parameters
    ----------
    raw : file (HDF5, NetCDF, MATLAB, TDMS, .npy) with one long array of samples, or the array itself
    larmor : reference frequency ("322 kHz"); the file's attribute `larmor_frequency`, in Hz, where None
    interval : Δ, a whole number of samples;  length : of a record from its trigger, cut to whole intervals
    output : HDF5 file to write, atomically, in place of arrays in memory
    samples, sample_rate, triggers : names in the file, or values (see `open_photocurrent`)
    channel : 2 for the second one of an array (samples, channels), "2/4" of four that take turns in one long row,
        here and in the stream without atoms; the sample rate is that of one channel
    period : in place of triggers: a record begins each `period`
    shot_noise : a stream without atoms (file or array, same sample rate), or its level in unit²/Hz (one-sided);
        where None the level is taken from the records themselves, away from the Larmor line. A file with triggers
        (the array of the name of those of `raw`, or "triggers") is cut as the data are, at its triggers; where it has
        none, or one, from beginning to end: then the light must be on all the time
    phase : "trigger": cos and sin start again with each trigger, which a pulse started by the trigger shares, and an
        error of the reference's frequency does not add up from record to record; "stream": they run through from
        the first sample on, as a lock-in's do, for a pulse from a generator that runs through and shares the clock
    simulated : the photocurrent is simulated, also where the file does not say so
    piece : number of samples processed at a time; the result does not depend on it

    Raises
    ------
    ExperimentError : what was found where, and what is expected
    """
    inputs = [one for one in (raw, shot_noise) if isinstance(one, (str, Path))]
    target = None if output is None else new_target(output, inputs)
    if phase not in ("trigger", "stream"):
        raise violation("phase", phase, "'trigger' or 'stream'")
    with open_photocurrent(raw, samples=samples, channel=channel, sample_rate=sample_rate, triggers=triggers) as stream:
        plan = cut(stream, larmor, interval, length, period, phase)
        known = {
            "source": stream.where if isinstance(raw, np.ndarray) else Path(raw).name,
            "simulated": simulated or stream.simulated,
        }
        names = samples, channel, triggers if isinstance(triggers, str) else None
        level = level_given(shot_noise, plan, stream, names, piece, simulated)
        try:
            return _demodulated(stream, plan, level, target, piece, known)
        except _Spoilt as spoilt:
            return _demodulated(stream, spoilt.rest, level, target, piece, known)


class _Spoilt(Exception):
    """Some records hold blocks that the digitiser did not take; `rest` is the cut without them."""

    def __init__(self, rest: Cut) -> None:
        super().__init__(rest.notes[-1])
        self.rest = rest


def _demodulated(
    stream: Photocurrent, plan: Cut, level: ShotNoise | None, target: Path | None, piece: int, known: dict[str, Any]
) -> Records:
    """In memory, or in the file `target`."""
    if target is not None:
        return _written(stream, plan, level, target, piece, known)
    cos, sin = np.empty(plan.shape, np.float32), np.empty(plan.shape, np.float32)
    return _records(stream, plan, level, cos, sin, piece, known)


def _written(
    stream: Photocurrent, plan: Cut, level: ShotNoise | None, target: Path, piece: int, known: dict[str, Any]
) -> Records:
    made: list[Records] = []
    size = 2 * 4 * int(np.prod(plan.shape)) + _OVERHEAD

    def write(temporary: Path) -> None:
        with streamed_file(temporary, size) as file:
            cos, sin = (file.create_dataset(name, plan.shape, np.float32) for name in ("cos", "sin"))
            made.append(_records(stream, plan, level, cos, sin, piece, known))
            describe(file, made[0])

    target.parent.mkdir(parents=True, exist_ok=True)
    require_space(target, size)
    replace_file(target, write)
    cos, sin = (StoredArray(target.absolute(), name, plan.shape) for name in ("cos", "sin"))
    return replace(made[0], cos=cos, sin=sin)


def _records(
    stream: Photocurrent, plan: Cut, level: ShotNoise | None, cos: Any, sin: Any, piece: int, known: dict[str, Any]
) -> Records:
    """Fill `cos` and `sin`, arrays or datasets in a file, and normalise them."""
    seen = Digitisation(stream.dtype, stream.where)
    for place, values in mixed(stream, plan, seen, piece):
        cos[place], sin[place] = values.real, values.imag
    rest, _ = plan.without(seen.held, stream.where)
    if rest is not plan:
        raise _Spoilt(rest)
    records, bins = plan.shape
    if level is None:
        if bins < FEWEST_BINS:
            expected = f"at least {FEWEST_BINS} to take the shot noise from them, or a reference or level of it"
            raise violation(stream.where, f"records of {bins} bins", expected)
        level = level_of_wings(lambda a, b: cos[a:b] + 1j * sin[a:b], records, bins, plan.weights, stream.sample_rate)
    balance = _normalise(cos, sin, level.bin_variance(plan.weights, stream.sample_rate), plan.weights)
    return Records(
        cos=cos,
        sin=sin,
        time=np.arange(bins) * plan.weights.samples / stream.sample_rate * 1e3,
        interval=plan.weights.samples / stream.sample_rate * 1e3,
        larmor_frequency=plan.larmor,
        started=plan.triggers / stream.sample_rate,
        shot_noise=level,
        sin_over_cos=balance,
        neighbour_correlation=plan.weights.remaining_correlation,
        passband=plan.weights.passband,
        stopband=plan.weights.stopband,
        offset=seen.mean * stream.scale,
        spread=seen.spread * stream.scale,
        unit=stream.unit,
        skipped=plan.skipped,
        warnings=(*plan.notes, *seen.warnings(), *level.warnings, *_warnings(plan, level, balance), *_dark(cos, sin)),
        **known,
    )


def _normalise(cos: Any, sin: Any, variance: float, weights: BinFilter) -> tuple[float, float]:
    """Divide by the shot noise and make that of neighbouring bins independent.

    Returns the ratio of the variances of sin and cos about the mean record, ± standard error.
    """
    count, scale = cos.shape[0], 1 / np.sqrt(variance)
    pieces = [slice(*rows) for rows in row_pieces(*cos.shape)]
    for part in (cos, sin):
        for rows in pieces:
            part[rows] = weights.independent(part[rows])
    mean = [sum(np.asarray(part[rows], float).sum(axis=0) for rows in pieces) * scale / count for part in (cos, sin)]
    energies = []
    for rows in pieces:
        energy = []
        for part, middle in zip((cos, sin), mean, strict=True):
            values = part[rows] * scale
            part[rows] = values
            energy.append(((values - (middle if count > 1 else values.mean())) ** 2).mean(axis=1))
        energies.append(np.array(energy))
    return sin_over_cos(np.concatenate(energies, axis=1), cos.shape[1])


def _dark(cos: Any, sin: Any) -> list[str]:
    """A warning where records, in units of the shot noise, hold less than the shot noise."""
    records, bins = cos.shape
    without = dark(group_energies(lambda a, b: cos[a:b] + 1j * sin[a:b], records, bins), bins, 1.0)
    if not without.any():
        return []
    which = np.flatnonzero(without.any(axis=1))
    return [
        f"{len(which)} of {records} records have far less than the shot noise in {100 * without.mean():.2g} % of the"
        f" time, the first of them number {which[0] + 1}: was the light on during the whole of each record?"
    ]


def _warnings(plan: Cut, level: ShotNoise, balance: tuple[float, float]) -> list[str]:
    found = []
    if plan.skipped:
        found.append(f"{plan.skipped} triggers without a complete record in the file: left out")
    if level.origin.startswith("the records"):
        found.append("shot noise from the records themselves: a reference without atoms is better")
    for name, (ratio, error) in {"the reference": (level.ratio, level.ratio_error), "the records": balance}.items():
        if error and abs(ratio - 1) > _STANDS_OUT * error:
            found.append(f"variances of sin and cos in {name} differ: ratio {ratio:.4f} ± {error:.4f}")
    return found
