"""Demodulated records: cos and sin of each repetition, bin by bin, and the file that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ExperimentError, violation
from ..experiment import KIND, MAIN_RUN, RecordSeries
from .shot_noise import ShotNoise


@dataclass(frozen=True)
class Records:
    """The two quadratures of repeated records, in units in which shot noise has variance 1 in each bin.

    cos, sin : (records, bins), arrays, or read when sliced from the file in which they were written
    time : (bins,), beginning of each bin, ms from the trigger;  interval : length of a bin, ms
    larmor_frequency : of the reference, Hz;  started : (records,), s from the beginning of the stream
    shot_noise : level, before normalisation;  sin_over_cos : ratio of the variances ± standard error, mean signal aside
    neighbour_correlation : of the shot noise in neighbouring bins, from the filter
    passband, stopband : of the filter before the integral, Hz from the Larmor frequency
    offset, spread : mean and standard deviation of the samples, in `unit`;  skipped : triggers without a whole record
    warnings : what a reader should know;  source : file;  simulated : whether a model made the photocurrent
    """

    cos: Any = field(repr=False)
    sin: Any = field(repr=False)
    time: np.ndarray = field(repr=False)
    interval: float
    larmor_frequency: float
    started: np.ndarray = field(repr=False)
    shot_noise: ShotNoise
    sin_over_cos: tuple[float, float]
    neighbour_correlation: float
    passband: float
    stopband: float
    offset: float
    spread: float
    unit: str
    skipped: int
    simulated: bool
    source: str
    warnings: tuple[str, ...] = field(default=())

    def complex(self, start: int = 0, end: int | None = None, step: int = 1, bins: int | None = None) -> np.ndarray:
        """Of some records and bins z = Y_c − iY_s: atoms faster than the reference by f (Hz) turn as e^{+2πi f t}."""
        place = slice(start, end, step), slice(bins)
        return np.asarray(self.cos[place], float) - 1j * np.asarray(self.sin[place], float)


@dataclass(frozen=True)
class StoredArray:
    """A dataset of an HDF5 file, read when sliced; the file is open only meanwhile."""

    path: Path
    name: str
    shape: tuple[int, ...]

    def __getitem__(self, rows: Any) -> np.ndarray:
        import h5py

        with h5py.File(self.path, "r") as file:
            return np.asarray(file[self.name][rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[...], dtype)


def describe(file: Any, records: Records) -> None:
    """Write everything but cos and sin into an open h5py.File."""
    time = file.create_dataset("time", data=records.time)
    time.attrs["units"] = "ms"
    for name, value in {
        "interval_ms": records.interval,
        "simulated": int(records.simulated),
        "shot_noise_level": records.shot_noise.level,
        "shot_noise_level_error": records.shot_noise.error,
        "shot_noise_unit": f"{records.unit}^2/Hz",
        "shot_noise_origin": records.shot_noise.origin,
        "larmor_frequency_hz": records.larmor_frequency,
        "neighbour_correlation": records.neighbour_correlation,
        "source": records.source,
        "warnings": "\n".join(records.warnings),
    }.items():
        file.attrs[name] = value


def new_target(path: str | Path, inputs: list[str | Path]) -> Path:
    """A path for records, checked before the work begins: not one of the files that are read."""
    target = Path(path)
    if target.suffix.lower() not in (".h5", ".hdf5"):
        raise ExperimentError(f"{path}: output must end in .h5")
    if target.exists() and not target.is_file():
        raise violation(str(path), "something that is not a regular file", "the name of a file to write")
    if any(Path(one).exists() and target.exists() and target.samefile(one) for one in inputs):
        raise violation(str(path), "the raw data themselves", "the name of another file")
    return target


def record_series(records: Records, name: str = KIND, run: str = MAIN_RUN, start: float = 0.0) -> RecordSeries:
    """The result of a demodulation as a series of an experiment, all records in memory.

    name : of the series;  run : of the experiment;  start : of the records after the beginning of the run, ms

    Raises
    ------
    ExperimentError : for what is no series of records (see `RecordSeries`)
    """
    samples = np.stack([np.asarray(part, np.float32) for part in (records.cos, records.sin)])
    return RecordSeries(
        name, samples, records.interval, start, run, note="\n".join(records.warnings), simulated=records.simulated
    )
