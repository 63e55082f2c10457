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
from .shot_noise import ShotNoise, level_of_reference, level_of_wings, row_pieces, sin_over_cos

PIECE = 1 << 19
"""Samples that are mixed together."""
FEWEST_BINS = 16
"""Of a record, for a spectrum of its noise."""
LARGEST_REFERENCE = 4_000_000
"""Bins of a stream without atoms that are used: the level is then known to 0.04 %."""
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
    interval : Δ, a whole number of samples;  length : of a record from its trigger on, cut to whole intervals
    output : HDF5 file to write in place of arrays in memory, atomically
    samples, sample_rate, triggers : names in the file, or values (see `open_photocurrent`)
    period : in place of triggers: a record begins each `period`
    shot_noise : a stream without atoms (file or array, same sample rate), or its level in unit²/Hz (one-sided);
        where None the level is taken from the records themselves, away from the Larmor line
    phase : "trigger": cos and sin start again with each trigger, which a pulse started by the trigger shares, and an
        error of the reference's frequency does not add up from record to record; "stream": they run through from
        the first sample on, as a lock-in's do, for a pulse from a generator that runs through and shares the clock
    simulated : the photocurrent is simulated, also where the file does not say so
    piece : samples that are mixed together; the result does not depend on it

    Raises
    ------
    ExperimentError : what was found where, and what is expected
    """
    inputs = [one for one in (raw, shot_noise) if isinstance(one, (str, Path))]
    target = None if output is None else new_target(output, inputs)
    if phase not in ("trigger", "stream"):
        raise violation("phase", phase, "'trigger' or 'stream'")
    with open_photocurrent(raw, samples=samples, sample_rate=sample_rate, triggers=triggers) as stream:
        plan = cut(stream, larmor, interval, length, period, phase)
        level = _given_level(shot_noise, plan, stream, samples, piece)
        known = {
            "source": stream.where if isinstance(raw, np.ndarray) else Path(raw).name,
            "simulated": simulated or stream.simulated,
        }
        if target is None:
            cos, sin = np.empty(plan.shape, np.float32), np.empty(plan.shape, np.float32)
            return _records(stream, plan, level, cos, sin, piece, known)
        return _written(stream, plan, level, target, piece, known)


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
    records, bins = plan.shape
    if level is None:
        if bins < FEWEST_BINS:
            expected = f"at least {FEWEST_BINS} to take the shot noise from them, or a reference or level of it"
            raise violation(stream.where, f"records of {bins} bins", expected)
        level = level_of_wings(lambda a, b: cos[a:b] + 1j * sin[a:b], records, bins, plan.weights, stream.sample_rate)
    if not level.level > 0:
        raise violation(stream.where, "no noise at all", "a photocurrent with shot noise")
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
        warnings=(*seen.warnings(), *level.warnings, *_warnings(plan, level, balance)),
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


def _warnings(plan: Cut, level: ShotNoise, balance: tuple[float, float]) -> list[str]:
    found = []
    if plan.skipped:
        found.append(f"{plan.skipped} triggers without a whole record in the file: left out")
    if level.origin.startswith("the records"):
        found.append("shot noise from the records themselves: a reference without atoms is better")
    for name, (ratio, error) in {"the reference": (level.ratio, level.ratio_error), "the records": balance}.items():
        if error and abs(ratio - 1) > _STANDS_OUT * error:
            found.append(f"variances of sin and cos in {name} differ: ratio {ratio:.4f} ± {error:.4f}")
    return found


def _given_level(
    shot_noise: str | Path | float | np.ndarray | None, plan: Cut, stream: Photocurrent, samples: str | None, piece: int
) -> ShotNoise | None:
    """The level that is given, or that of a stream without atoms; None where it is to come from the records."""
    if shot_noise is None:
        return None
    if isinstance(shot_noise, (int, float)):
        if not 0 < shot_noise < np.inf:
            raise violation("shot noise", f"{shot_noise:g}", "a level > 0, in unit²/Hz")
        return ShotNoise(float(shot_noise), 0.0, "given")
    one_array = isinstance(shot_noise, np.ndarray) or Path(shot_noise).suffix.lower() == ".npy"
    named = None if one_array else samples
    with open_photocurrent(shot_noise, samples=named, fallback_rate=stream.sample_rate) as reference:
        if reference.sample_rate != stream.sample_rate:
            expected = f"{stream.sample_rate:g}, as in {stream.where}"
            raise violation(reference.where, f"{reference.sample_rate:g} samples/s", expected)
        return _level_of(reference, plan, stream, piece)


def _level_of(reference: Photocurrent, plan: Cut, stream: Photocurrent, piece: int) -> ShotNoise:
    """Of a stream without atoms, cut into records one after the other."""
    size, margin = plan.bins * plan.weights.samples, plan.weights.margin
    begins = np.arange(margin, reference.length - size - margin + 1, size)
    if not len(begins):
        raise violation(reference.where, f"{reference.length} samples", f"at least {size + 2 * margin}, a record's")
    if reference.unit != stream.unit:
        raise violation(reference.where, f"samples in {reference.unit}", f"{stream.unit}, as in {stream.where}")
    begins = begins[:: -(-len(begins) * plan.bins // LARGEST_REFERENCE)]
    own = replace(plan, triggers=begins.astype(float), phase="stream")
    bins = np.empty(own.shape, np.complex64)
    seen = Digitisation(reference.dtype, reference.where)
    for place, values in mixed(reference, own, seen, piece):
        bins[place] = values
    name = Path(reference.where.partition(": ")[0]).name
    origin = f"{name}, without atoms, cut back to back into {len(begins)} records"
    level = level_of_reference(lambda a, b: bins[a:b], *own.shape, plan.weights, reference.sample_rate, origin)
    return replace(level, warnings=tuple(f"{name}: {one}" for one in (*seen.warnings(), *level.warnings)))
