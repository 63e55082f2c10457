"""NumPy's files: .npy, one array without a name, whose columns are called #1, #2, … as those of a table are; .npz."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import violation
from .sliced import MOST_COLUMNS, Sliced

_LARGEST = 1 << 30
"""Bytes of all arrays of an .npz file."""


def open_npy(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """A row of numbers as `#1`, a matrix column by column, a structured array by the names of its fields."""
    mapped = np.lib.format.open_memmap(path, mode="r")  # np.load would open archives and pickles, too
    if mapped.dtype.names:
        return {name: mapped[name] for name in mapped.dtype.names}
    if mapped.ndim == 1:
        return {"#1": _row(path, mapped)}
    columns = mapped if mapped.ndim != 2 or mapped.shape[1] <= MOST_COLUMNS else mapped.T
    if columns.ndim != 2 or columns.shape[1] > MOST_COLUMNS:
        raise violation(str(path), f"an array of shape {mapped.shape}", f"one row, or up to {MOST_COLUMNS} columns")
    return {f"#{k + 1}": columns[:, k] for k in range(columns.shape[1])}


def open_npz(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Arrays by name, fields of structured ones as `name.field`; each is read whole when it is sliced first."""
    archive = stack.enter_context(zipfile.ZipFile(path))
    if sum(part.file_size for part in archive.infolist()) > _LARGEST:
        raise violation(str(path), "more than 1 GB unpacked", "at most that: .npy or HDF5 for larger arrays")

    def reader(name: str, field: str | None) -> Callable[[Any], np.ndarray]:
        @cache
        def whole() -> np.ndarray:
            with archive.open(name) as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
            return array if field is None else array[field]

        return lambda rows: np.asarray(whole()[rows])

    found = {}
    for name in archive.namelist():
        with archive.open(name) as file:
            old = np.lib.format.read_magic(file) == (1, 0)
            header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(file)
        for field in dtype.names or (None,):
            kind = dtype if field is None else dtype[field]
            found[".".join(filter(None, (name.removesuffix(".npy"), field)))] = Sliced(shape, kind, reader(name, field))
    return found


def _row(path: Path, mapped: np.memmap) -> Sliced:
    """The numbers in a file; a memory map would count as memory."""

    def read(rows: Any) -> np.ndarray:
        start, stop, _ = (slice(None) if rows is Ellipsis else rows).indices(mapped.shape[0])
        place = offset + start * dtype.itemsize
        return np.fromfile(path, dtype, max(stop - start, 0), offset=place)

    dtype, offset = mapped.dtype, int(mapped.offset)
    return Sliced(mapped.shape, dtype, read)
