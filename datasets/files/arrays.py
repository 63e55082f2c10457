"""Arrays by name in the binary files that labs write: NetCDF, HDF5, MATLAB .mat (v5 and v7.3), LabVIEW TDMS.

An array is read when it is asked for, or slice by slice (`Source.rows`), so that a large file need not fit in memory.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ExperimentError, nearest, violation
from .csv import MOST_ROWS, check_size
from .hdf5_heaps import check_heaps
from .matlab import read_version_5, version
from .netcdf import check_structure, check_written, decoded, is_hdf5

LARGEST = 1 << 34
_DEEPEST, _MOST_OBJECTS = 30, 100_000


@dataclass(frozen=True)
class Source:
    """An open file. `arrays`: its arrays by name (anything with shape, dtype and slices); `path`: for errors."""

    path: Path
    arrays: Mapping[str, Any]

    def array(self, name: str) -> Any:
        """The array of this name, not read yet; ExperimentError where it is missing or is not numbers."""
        found = self.arrays.get(name, self.arrays.get("/" + name.lstrip("/")))
        if found is None:
            some = ", ".join(list(self.arrays)[:20]) or "nothing"
            raise violation(f"{self.path}: {name!r}{nearest(name, self.arrays)}", "no such array", f"one of {some}")
        stored = found.inner if isinstance(found, _Transposed) else found
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
        """The array of this name as one column of finite numbers, of at most so many rows."""
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
    """The array as one long row that is read when sliced; ExperimentError where it has two dimensions that count."""
    inner = array.inner if isinstance(array, _Transposed) else array  # of a vector the order does not matter
    long = [axis for axis, size in enumerate(inner.shape) if size > 1]
    if len(long) > 1 or not inner.shape:
        raise violation(where, f"an array of shape {tuple(array.shape)}", "one dimension")
    return inner if len(inner.shape) == 1 else _Vector(inner, long[0] if long else 0)


@dataclass(frozen=True)
class _Vector:
    """A matrix of one row or column, as MATLAB's vectors are, as a vector."""

    inner: Any
    axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (int(self.inner.shape[self.axis]),)

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(self.inner[(slice(None),) * self.axis + (rows,)]).ravel()


def _netcdf(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Variables as their attributes (scale_factor, _FillValue, …) mean them."""
    if is_hdf5(path):
        check_structure(path, LARGEST)
    tree = stack.enter_context(decoded(path, decode_times=False))
    return {
        f"{node.path.rstrip('/')}/{name}": _Variable(variable)
        for node in tree.subtree
        for name, variable in node.dataset.variables.items()
    }


@dataclass(frozen=True)
class _Variable:
    """An xarray variable, read when sliced."""

    inner: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.inner.shape)

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    @property
    def attrs(self) -> Mapping[str, Any]:
        return dict(self.inner.attrs)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self.inner[rows].values)


def _hdf5(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    import h5py

    check_heaps(path)
    file = stack.enter_context(h5py.File(path, "r"))
    found: dict[str, Any] = {}
    seen: set[int] = set()
    waiting = [(file["/"], "", 0)]
    while waiting:
        group, above, depth = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue  # data that are elsewhere, or under another name
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if depth > _DEEPEST or len(seen) > _MOST_OBJECTS:
                raise violation(str(path), "groups too deep or too many", f"at most {_MOST_OBJECTS} arrays and groups")
            if isinstance(item, h5py.Group):
                waiting.append((item, f"{above}/{name}", depth + 1))
            elif isinstance(item, h5py.Dataset):
                found[f"{above}/{name}"] = item
    return dict(sorted(found.items()))


def _matlab(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Version 7.3 is HDF5, with its dimensions in reverse order; structs as `struct.field`."""
    import h5py

    if h5py.is_hdf5(path):
        return {
            name.replace("/", ".").lstrip("."): _Transposed(array)
            for name, array in _hdf5(path, stack).items()
            if not name.startswith("/#refs#")
            and array.attrs.get("MATLAB_class") != b"char"
            and not array.attrs.get("MATLAB_empty")
        }
    if version(path) == 5:
        return read_version_5(path)
    if version(path) != 4:  # SciPy would take some of these for version 5
        raise ValueError("neither a header of MATLAB nor that of HDF5")
    from scipy.io import loadmat

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns of numbers that it cannot read
        return {name: value for name, value in loadmat(path).items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True)
class _Transposed:
    """An array with its dimensions in reverse order, read when sliced."""

    inner: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.inner.shape[::-1])

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        if rows is Ellipsis:
            return np.asarray(self.inner[...].T)
        return np.asarray(self.inner[..., rows].T)


def _tdms(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    try:
        from nptdms import TdmsFile
        from nptdms.log import log_manager
    except ImportError as error:
        raise violation(str(path), "no npTDMS", "pip install 'dissentangle[tdms]' to read TDMS files") from error
    whole = _Whole()
    log_manager.console_handler.addFilter(whole)
    stack.callback(log_manager.console_handler.removeFilter, whole)
    file = stack.enter_context(TdmsFile.open(stack.enter_context(path.open("rb"))))
    return {
        f"/{group.name}/{channel.name}": _Channel(channel) for group in file.groups() for channel in group.channels()
    }


class _Whole(logging.Filter):
    """Raises what npTDMS would print: it would read a part of a file that is cut off."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "nptdms.types":  # a text that is not UTF-8, as LabVIEW writes them on some computers
            return False
        raise ValueError(record.getMessage())


@dataclass(frozen=True)
class _Channel:
    """A TDMS channel as an array."""

    inner: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.inner),)

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self.inner[:] if rows is Ellipsis else self.inner[rows])


_FORMATS: dict[str, tuple[str, Callable[[Path, contextlib.ExitStack], Mapping[str, Any]]]] = {
    ".nc": ("a NetCDF 4 file", _netcdf),
    ".h5": ("an HDF5 file", _hdf5),
    ".hdf5": ("an HDF5 file", _hdf5),
    ".mat": ("a MATLAB file", _matlab),
    ".tdms": ("a TDMS file", _tdms),
}
SUFFIXES = tuple(_FORMATS)


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The arrays of a file whose suffix is one of `SUFFIXES`; ExperimentError where it is broken or something else."""
    check_size(path, LARGEST)
    name, opener = _FORMATS[path.suffix.lower()]
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
