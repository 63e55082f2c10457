"""Arrays by name in the binary files that labs write. `table.py` lists the formats.

An array is read when it is asked for, or slice by slice, so that a large file need not fit in memory.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TO_WRITE, ExperimentError, nearest, violation, visible
from ..units import text_of
from .atomic import LARGEST, check_size
from .hdf5 import check_written
from .sliced import MOST_COLUMNS, Sliced
from .table import FORMATS

_COLUMN = re.compile(r"(.+)#(\d{1,5}(?:/\d{1,5})?)")
MOST_ROWS = 100_000
"""Of a column."""
_FEW = 16
"""Columns of a matrix that a message names one by one."""


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
        part = _COLUMN.fullmatch(name)
        return name in self.arrays or "/" + name.lstrip("/") in self.arrays or (part is not None and part[1] in self)

    def array(self, name: str) -> Any:
        """The array of this name, of any shape, not read yet; or of `NAME#3` the third column of NAME. A leading `/`
        may be left out.
        """
        found, part = self.arrays.get(name, self.arrays.get("/" + name.lstrip("/"))), _COLUMN.fullmatch(name)
        if found is None and part is not None:
            return column_of(self.array(part[1]), part[2], f"{self.path}: {part[1]!r}")
        outer = self.arrays.get(name.rpartition(".")[0]) if found is None else found
        if outer is not None and outer.dtype == object and self.path.suffix.lower() == ".mat":
            expected = "arrays of numbers: save its fields as such, in MATLAB t = [scan.time], c = cell2mat(c)"
            raise violation(f"{self.path}: {name!r}", "a struct array or a cell", expected)
        if found is None:
            some = ", ".join(f"{one}{_size(array)}" for one, array in list(self.arrays.items())[:20]) or "nothing"
            raise violation(f"{self.path}: {name!r}{nearest(name, self.arrays)}", "no such array", f"one of {some}")
        stored = _stored(found)
        stored = getattr(stored, "raw", None) or stored
        if getattr(stored, "is_virtual", False) or getattr(stored, "external", None):
            raise violation(f"{self.path}: {name!r}", "data in another file", "data in the file itself")
        if found.shape is None or np.dtype(found.dtype).kind not in "iufb":
            raise violation(f"{self.path}: {name!r}", f"entries of type {found.dtype}", "real numbers")
        if np.dtype(found.dtype).itemsize * int(np.prod(found.shape, dtype=float)) > LARGEST:
            raise violation(f"{self.path}: {name!r}", f"an array of shape {found.shape}", f"at most {LARGEST >> 30} GB")
        if 0 in found.shape:
            raise violation(f"{self.path}: {name!r}", "an empty array", "numbers")
        if hasattr(stored, "id"):
            check_written(stored.id, f"{self.path}: {name!r}")
        return found

    def require(
        self, names: Iterable[str], lines: Callable[[Sequence[str]], Sequence[str]], *, matrices: bool = False
    ) -> None:
        """Raise ExperimentError for the first of these arrays that is not there, with the lines to write.

        lines : what makes them of the columns that are there, `NAME#1`, … of a matrix, or its own name if `matrices`
        """
        for name in names:
            if name not in self:
                try:
                    self.array(name)
                except ExperimentError as error:
                    written = lines(self._columns(matrices))
                    words = f"{error}; or such as" if written else str(error)
                    raise ExperimentError(visible(TO_WRITE.join([words, *written]))) from error

    def _columns(self, matrices: bool) -> list[str]:
        """Names of what can be a column: arrays of real numbers."""
        found = []
        for name, array in self.arrays.items():
            shape = array.shape if np.dtype(array.dtype).kind in "iufb" else None
            if shape and (len(shape) == 1 or 1 in shape or matrices):
                found.append(name)
            elif shape and len(shape) == 2 and shape[1] <= _FEW:
                found += [f"{name}#{k}" for k in range(1, shape[1] + 1)]
        return found

    def unit(self, name: str) -> str | None:
        """The unit that the file itself gives for an array, as an attribute `units`; None where it gives none."""
        attributes = getattr(self.array(name), "attrs", {})
        return text_of(attributes["units"], f"{self.path}: {name!r}: units") if "units" in attributes else None

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


def _size(array: Any) -> str:
    """' (30 × 2)'."""
    return f" ({' × '.join(map(str, array.shape))})" if array.shape else ""


def column_of(array: Any, which: str, where: str) -> Sliced:
    """One of the columns of an array (samples, channels), read when sliced; of (channels, samples), where there are
    more than `MOST_COLUMNS` of them, one of the rows.

    which : "3"; "3/8" for the third of eight whose numbers take turns in an array (samples × 8,)

    Raises ExperimentError for one that is not there.
    """
    first, slash, of = which.partition("/")
    inner = vector(array, where) if slash else _stored(array)
    shape = tuple((inner if slash else array).shape)
    place = int(first) - 1 if first.isdecimal() else -1
    in_turns = int(of) if of.isdecimal() else 0
    by_rows = len(shape) == 2 and shape[1] > MOST_COLUMNS
    count = in_turns or (shape[0 if by_rows else 1] if len(shape) == 2 else 0)
    if len(shape) != (1 if slash else 2) or not 0 <= place < count or (in_turns and shape[0] % in_turns):
        expected = "the number of a column of an array (samples, channels); '2/4' of four that take turns in a row"
        raise violation(f"{where}: column {which}", f"an array of shape {shape}", expected)
    length = shape[0] // in_turns if in_turns else shape[1 if by_rows else 0]

    def read(rows: Any) -> np.ndarray:
        start, stop, _ = (slice(None) if rows is Ellipsis else rows).indices(length)
        if in_turns:
            return np.asarray(inner[start * in_turns : stop * in_turns])[place::in_turns]
        rows = slice(start, stop)
        return np.asarray(inner[place, rows] if by_rows == (inner is array) else inner[rows, place])

    return Sliced((length,), array.dtype, read, getattr(array, "attrs", {}))


def vector(array: Any, where: str) -> Any:
    """An array (T,), (1, T) or (T, 1) as one long row (T,), read when sliced; ExperimentError for other shapes."""
    inner = _stored(array)  # of a vector the order does not matter
    long = [axis for axis, size in enumerate(inner.shape) if size > 1]
    if len(long) > 1 or not inner.shape:
        expected = "one dimension, or the number of one of its channels (--channel 2)"
        raise violation(where, f"an array of shape {tuple(array.shape)}", expected)
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
