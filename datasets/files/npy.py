"""NumPy's .npy files: one array without a name, whose columns are called #1, #2, … as those of a table are."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import violation

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
    return {"#1": _Row(path, mapped.shape, mapped.dtype, int(mapped.offset))}


@dataclass(frozen=True)
class _Row:
    """The numbers in a file, read when sliced; a memory map would count as memory."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int

    def __getitem__(self, rows: Any) -> np.ndarray:
        start, stop, _ = (slice(None) if rows is Ellipsis else rows).indices(self.shape[0])
        place = self.offset + start * self.dtype.itemsize
        return np.fromfile(self.path, self.dtype, max(stop - start, 0), offset=place)
