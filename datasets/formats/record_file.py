"""Records in a file of arrays: `cos` and `sin`, one row per record, as demodulation writes them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import check_keys, nearest, violation
from ..experiment import QUADRATURES, RecordSeries
from ..files import FORMATS, Source, is_hdf5, open_source, read_attributes, write_bytes
from ..units import text_of

LARGEST_RECORDS = 1 << 28
"""Bytes of the samples of one series of records."""
_COLUMNS = (*QUADRATURES, "time", "excluded")
_EVEN = 1e-3


def read_record(path: Path, names: dict[str, Any], simulated: bool, where: str) -> RecordSeries:
    """The records in a file; a RecordSeries without name and run, `interval` 0 where the file does not tell it.

    names : cos, sin, time (beginnings of the bins, ms), excluded (0/1 for each record) → name in the file
    simulated : what the experiment says of itself

    Raises ExperimentError: what was found where, and what is expected.
    """
    check_keys(f"{where}: columns", names, _COLUMNS)
    for ours, theirs in names.items():
        if not isinstance(theirs, str):
            raise violation(f"{where}: columns: {ours}", theirs, "the name of an array")
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise violation(f"{where}: file", f"{path.name!r}{nearest(path.suffix, FORMATS)}", f"a file of arrays: {known}")
    attributes = read_attributes(path) if path.is_file() and is_hdf5(path) else {}
    made_by_model, warnings = _is_simulated(path, attributes.get("simulated", 0)), attributes.get("warnings", "")
    if made_by_model and not simulated:
        raise violation(f"{path}: simulated", "1", "simulated = true in the experiment that uses it")
    with open_source(path) as source:
        parts = [_matrix(source, names.get(name, name)) for name in QUADRATURES]
        if parts[0].shape != parts[1].shape:
            found = " and ".join(str(part.shape) for part in parts)
            raise violation(f"{path}: cos and sin", f"shapes {found}", "the same")
        interval, excluded = _interval(source, names, parts[0].shape[1]), _excluded(source, names, len(parts[0]))
    note = (text_of(warnings, f"{path}: warnings") or "").replace("\n", "; ")
    return RecordSeries("", np.stack(parts), interval, excluded=excluded, simulated=made_by_model, note=note)


def write_record(path: Path, record: RecordSeries, simulated: bool) -> None:
    """Write records so that `read_record` gives them back; atomically."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w", track_order=True) as file:
        for name, part in zip(QUADRATURES, record.samples, strict=True):
            file.create_dataset(name, data=part)
        time = file.create_dataset("time", data=record.interval * np.arange(record.length))
        time.attrs["units"] = "ms"
        if record.excluded is not None:
            file.create_dataset("excluded", data=record.excluded.astype(np.int8))
        file.attrs["interval_ms"] = record.interval
        file.attrs["simulated"] = int(simulated or record.simulated)
    write_bytes(content.getvalue(), path)


def _is_simulated(path: Path, said: Any) -> bool:
    """What the file says of itself, in an attribute."""
    if np.ndim(said) or isinstance(said, str) or said not in (0, 1):
        raise violation(f"{path}: simulated", repr(said), "0 (measured) or 1 (simulated)")
    return bool(said)


def _matrix(source: Source, name: str) -> np.ndarray:
    if name not in source:
        some = ", ".join(list(source.arrays)[:10])
        expected = f"{name!r}: name yours in `columns`, or `dissentangle demodulate` a raw photocurrent first"
        raise violation(str(source.path), f"the arrays {some}", expected)
    array = source.array(name)
    if len(array.shape) not in (1, 2):
        raise violation(f"{source.path}: {name!r}", f"an array of shape {array.shape}", "(records, samples)")
    if 4 * int(np.prod(array.shape, dtype=float)) > LARGEST_RECORDS:
        expected = f"at most {LARGEST_RECORDS >> 22} million samples: longer bins, or fewer records"
        raise violation(f"{source.path}: {name!r}", f"an array of shape {array.shape}", expected)
    return np.atleast_2d(np.asarray(array[...], np.float32))


def _interval(source: Source, names: Mapping[str, Any], samples: int) -> float:
    """Duration of a bin from the beginnings of the bins; 0 where the file has no times."""
    name = names.get("time", "time")
    if "time" not in names and name not in source:
        return 0.0
    _check_length(source, name, samples, "sample")
    time = source.column(name, samples)
    if source.unit(name) not in (None, "ms"):
        raise violation(f"{source.path}: {name!r}: units", repr(source.unit(name)), "'ms'")
    steps = np.diff(time)
    if len(steps) == 0 or not (steps.min() > 0 and np.ptp(steps) <= _EVEN * steps.mean()):
        raise violation(f"{source.path}: {name!r}", "steps that differ", "bins of one duration, one after the other")
    if abs(time[0]) > _EVEN * steps.mean():
        expected = "0: times count from the beginning of the record, whose place in the run is the key start"
        raise violation(f"{source.path}: {name!r}", f"{time[0]:g} ms for the first bin", expected)
    return float(np.round((time[-1] - time[0]) / (len(time) - 1), 12))


def _check_length(source: Source, name: str, count: int, of: str) -> None:
    """Before a column is read."""
    shape = source.array(name).shape
    if int(np.prod(shape, dtype=float)) != count:
        found = f"{int(np.prod(shape, dtype=float))} entries"
        raise violation(f"{source.path}: {name!r}", found, f"one for each of the {count} {of}s")


def _excluded(source: Source, names: Mapping[str, Any], records: int) -> np.ndarray | None:
    known = [word for word in ("excluded", "exclude") if word in source]
    if "excluded" not in names and not known:
        return None
    name = str(names.get("excluded") or known[0])
    _check_length(source, name, records, "record")
    column = source.column(name, records)
    if not np.isin(column, (0, 1)).all():
        raise violation(f"{source.path}: {name!r}", "other values", f"0 or 1 for each of the {records} records")
    return column.astype(bool) if column.any() else None
