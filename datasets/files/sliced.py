"""Arrays that stay in their file until they are sliced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MOST_COLUMNS = 10_000
"""Of a matrix: where its second dimension is longer, its rows are what others call columns."""


@dataclass(frozen=True)
class Sliced:
    """An array of which parts are read when they are asked for.

    read : a slice, index or `...` → the numbers;  attrs : what the file says of it
    stored : as it lies in an HDF5 file, where that is in another order
    raw : that of an HDF5 file from whose numbers these are computed;  file : which has attributes
    """

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[Any], Any]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    stored: Any = None
    raw: Any = None
    file: Any = None

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self.read(rows))
