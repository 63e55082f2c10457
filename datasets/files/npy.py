"""NumPy's .npy files: one array without a name, whose columns are called #1, #2, … as those of a table are."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import violation
from .sliced import Sliced

_MOST_COLUMNS = 10_000


def open_npy(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """A row of numbers as `#1`, a matrix column by column, a structured array by the names of its fields."""
    mapped = np.lib.format.open_memmap(path, mode="r")  # np.load would open archives and pickles, too
    if mapped.dtype.names:
        return {name: mapped[name] for name in mapped.dtype.names}
    if mapped.ndim == 2 and mapped.shape[1] <= _MOST_COLUMNS:
        return {f"#{k + 1}": mapped[:, k] for k in range(mapped.shape[1])}
    if mapped.ndim != 1:
        raise violation(str(path), f"an array of shape {mapped.shape}", f"one row, or up to {_MOST_COLUMNS} columns")
    return {"#1": _row(path, mapped)}


def _row(path: Path, mapped: np.memmap) -> Sliced:
    """The numbers in a file; a memory map would count as memory."""

    def read(rows: Any) -> np.ndarray:
        start, stop, _ = (slice(None) if rows is Ellipsis else rows).indices(mapped.shape[0])
        place = offset + start * dtype.itemsize
        return np.fromfile(path, dtype, max(stop - start, 0), offset=place)

    dtype, offset = mapped.dtype, int(mapped.offset)
    return Sliced(mapped.shape, dtype, read)
