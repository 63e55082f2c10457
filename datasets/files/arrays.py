"""Arrays by name in the binary files that labs write. `table.py` lists the formats.

An array is read when it is asked for, or slice by slice, so that a large file need not fit in memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ExperimentError, nearest, violation
from .atomic import LARGEST, check_size
from .hdf5 import check_written
from .sliced import Sliced
from .table import FORMATS

MOST_ROWS = 100_000
"""Of a column."""


@dataclass(frozen=True)
class Source:
    """An open file. `arrays`: by name, what is in it: anything with shape, dtype and slices; `path`: for errors.

    All methods raise ExperimentError where there is no such array, or one that is no real numbers, empty, in another
    file, or too large.
    """

    path: Path
    arrays: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        """Whether there is an array of this name. A leading `/` may be left out."""
        return name in self.arrays or "/" + name.lstrip("/") in self.arrays

    def array(self, name: str) -> Any:
        """The array of this name, of any shape, not read yet. A leading `/` may be left out."""
        found = self.arrays.get(name, self.arrays.get("/" + name.lstrip("/")))
        if found is None:
            some = ", ".join(list(self.arrays)[:20]) or "nothing"
            raise violation(f"{self.path}: {name!r}{nearest(name, self.arrays)}", "no such array", f"one of {some}")
        stored = _stored(found)
        if getattr(stored, "is_virtual", False) or getattr(stored, "external", None):
            raise violation(f"{self.path}: {name!r}", "data in another file", "data in the file itself")
        if found.shape is None or np.dtype(found.dtype).kind not in "iufb":
            raise violation(f"{self.path}: {name!r}", f"entries of type {found.dtype}", "real numbers")
        if np.dtype(found.dtype).itemsize * int(np.prod(found.shape, dtype=float)) > LARGEST:
            raise violation(f"{self.path}: {name!r}", f"an array of shape {found.shape}", f"at most {LARGEST >> 30} GB")
        if 0 in found.shape:
            raise violation(f"{self.path}: {name!r}", "an empty array", "numbers")
        if hasattr(stored, "id"):
            check_written(stored, f"{self.path}: {name!r}")
        return found

    def unit(self, name: str) -> str | None:
        """The unit that the file itself gives for an array, as an attribute `units`; None where it gives none."""
        unit = getattr(self.array(name), "attrs", {}).get("units")
        return unit if isinstance(unit, str) else None

    def column(self, name: str, most: int = MOST_ROWS) -> np.ndarray:
        """The array of this name as one column (T,) of finite numbers, of at most so many rows."""
        array = self.array(name)
        if int(np.prod(array.shape, dtype=float)) > most:
            raise violation(f"{self.path}: {name!r}", f"an array of shape {tuple(array.shape)}", f"at most {most} rows")
        values = np.asarray(array[...], float)
        if values.ndim > 1 and values.size == max(values.shape, default=0):
            values = values.ravel()  # MATLAB's vectors are matrices
        if values.ndim != 1:
            raise violation(f"{self.path}: {name!r}", f"an array of shape {values.shape}", "one dimension")
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise violation(f"{self.path}: {name!r}: entry {row + 1}", f"{values[row]:g}", "a finite number")
        return values


def vector(array: Any, where: str) -> Any:
    """An array (T,), (1, T) or (T, 1) as one long row (T,), read when sliced; ExperimentError for other shapes."""
    inner = _stored(array)  # of a vector the order does not matter
    long = [axis for axis, size in enumerate(inner.shape) if size > 1]
    if len(long) > 1 or not inner.shape:
        raise violation(where, f"an array of shape {tuple(array.shape)}", "one dimension")
    if len(inner.shape) == 1:
        return inner
    axis = long[0] if long else 0
    before = (slice(None),) * axis
    return Sliced((int(inner.shape[axis]),), inner.dtype, lambda rows: np.asarray(inner[(*before, rows)]).ravel())


def _stored(array: Any) -> Any:
    """The array as it lies in its file."""
    return array.stored if isinstance(array, Sliced) and array.stored is not None else array


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The arrays of a file whose suffix is one of `FORMATS`; ExperimentError where it is broken or something else."""
    check_size(path, LARGEST)
    name, opener = FORMATS[path.suffix.lower()]
    with contextlib.ExitStack() as stack:
        try:
            arrays = opener(path, stack)
        except ExperimentError:
            raise
        except Exception as error:  # what a reader makes of a file that is something else is its own affair
            raise violation(str(path), f"{type(error).__name__}: {error}", name) from error
        if not arrays:
            raise violation(str(path), "no arrays", name)
        try:
            yield Source(path, arrays)
        except ExperimentError:
            raise
        except Exception as error:  # damaged inside: shows when an array is read
            if isinstance(error, OSError) and error.filename not in (None, str(path)):
                raise  # of the file that is written from the arrays
            raise violation(str(path), f"{type(error).__name__}: {error}", f"{name} that is whole") from error
