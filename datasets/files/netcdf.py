"""The NetCDF format: one file with the DataTree of an experiment; and how any tree is written safely."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ExperimentError, violation
from .csv import check_size
from .hdf5_heaps import check_heaps
from .netcdf_write import is_plain, write_groups

if TYPE_CHECKING:
    from xarray import DataTree

_DEEPEST, _MOST_GROUPS, _LARGEST = 6, 2000, 2**30
_UNSUSPICIOUS, _STRONGEST_COMPRESSION = 2**26, 1100  # bytes; that of gzip, for which 1032 bytes are one
_HDF5 = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as an HDF5 file does."""
    with path.open("rb") as file:
        return file.read(8) == _HDF5


def open_tree(path: Path) -> DataTree:
    """The whole tree in a NetCDF-4 file, in memory; ExperimentError where the file is something else."""
    if not path.is_file():
        raise violation(str(path), "no such file", "a NetCDF file")
    if not is_hdf5(path):
        raise violation(str(path), "a file that is not NetCDF-4 (HDF5)", "a NetCDF-4 file")
    check_structure(path, _LARGEST)
    try:
        with decoded(path) as tree:
            return tree.load()
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def decoded(path: Path, **options: Any) -> DataTree:
    """The tree in a file, not read yet, without what libraries say of odd attributes and types."""
    import xarray as xr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xr.open_datatree(path, engine="h5netcdf", phony_dims="access", **options)


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes of the whole file, without reading anything else; ExperimentError for another kind of file."""
    import h5py

    check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            return dict(file.attrs)
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def check_structure(path: Path, largest: int) -> None:
    """Raise for a file that would not end or not fit in memory: cycles, endless nesting, enormous variables, of more
    than `largest` bytes together; and for data in other files.
    """
    import h5py

    check_heaps(path)
    seen: set[int] = set()
    size = 0
    try:
        with h5py.File(path, "r") as file:
            waiting: list[tuple[Any, int]] = [(file, 0)]
            while waiting:
                group, depth = waiting.pop()
                address = h5py.h5o.get_info(group.id).addr
                if address in seen or depth > _DEEPEST or len(seen) > _MOST_GROUPS:
                    raise violation(
                        str(path), "groups in a cycle, too deep or too many", "the layout of an experiment or a fit"
                    )
                seen.add(address)
                for name in group:
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise violation(f"{path}: {name[:60]}", "a link", "data in the file itself")
                    item = group[name]
                    if isinstance(item, h5py.Group):
                        waiting.append((item, depth + 1))
                    elif isinstance(item, h5py.Dataset):
                        if item.is_virtual or item.external:
                            raise violation(f"{path}: {name[:60]}", "data in another file", "data in the file itself")
                        check_written(item, f"{path}: {name[:60]}")
                        size += item.size * max(item.dtype.itemsize, 1) if item.shape else 0
            if size > largest:
                raise violation(str(path), f"{size / 2**20:.0f} MB of data", f"at most {largest >> 20} MB")
    except ExperimentError:
        raise
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def check_written(item: Any, where: str) -> None:
    """Raise for an h5py.Dataset that would fill the memory from nearly nothing: no compression of data does that."""
    size, written = int(np.prod(item.shape or (0,), dtype=float)) * item.dtype.itemsize, item.id.get_storage_size()
    if size > _UNSUSPICIOUS and size > _STRONGEST_COMPRESSION * written:
        raise violation(
            where, f"{size / 2**20:.0f} MB, of which {written} bytes were written", "data that were written"
        )


def read_netcdf(path: Path) -> DataTree:
    """The tree of an experiment, from a file no larger than a series may be."""
    check_size(path)
    return open_tree(path)


def write_tree(tree: DataTree, path: Path) -> None:
    """Write atomically: a temporary file beside the target, fsync, rename.

    The file is made in memory first: on a full disk HDF5 itself ends in a crash.
    """
    write_bytes(to_bytes(tree), path)


def to_bytes(tree: DataTree) -> bytes:
    """The NetCDF file of a tree, in memory."""
    content = io.BytesIO()
    _write(tree, content)
    return content.getvalue()


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file atomically, as `write_tree` does."""
    replace_file(path, lambda temporary: temporary.write_bytes(content))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a temporary file beside the target, then rename it: the old file is there, or all of the new.

    A folder that is not there, or not any more, is made.
    """
    if path.exists() and not path.is_file():
        raise violation(str(path), "something that is no regular file", "the name of a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, _new_file) as temporary:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        temporary.replace(path)


def make_folder(path: Path, fill: Callable[[Path], object], last: str) -> None:
    """Let `fill` fill a temporary folder beside the target, then rename it: the folder is there whole, or not at all.

    A folder that is there, perhaps the one in which the user is, gets the files of a temporary one in it, each whole,
    that called `last` at the end.
    """
    if path.is_dir():
        with _beside(path / last, tempfile.mkdtemp) as temporary:
            fill(temporary)
            for part in sorted(temporary.iterdir(), key=lambda part: part.name == last):
                part.rename(path / part.name)
            temporary.rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, tempfile.mkdtemp) as temporary:
        fill(temporary)
        os.chmod(temporary, 0o777 & ~_umask())
        temporary.rename(path)


def _new_file(*, prefix: str, suffix: str, dir: Path) -> str:
    handle, found = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=dir)
    os.close(handle)
    return found


@contextlib.contextmanager
def _beside(path: Path, make: Callable[..., str]) -> Iterator[Path]:
    """A temporary file or folder of this process alone, gone where the block fails; errors name the target."""
    temporary: Path | None = None
    try:
        temporary = Path(make(prefix=_prefix(path), suffix=".part", dir=path.parent))
        yield temporary
    except BaseException as error:
        if temporary is not None:
            _remove(temporary)
        if isinstance(error, OSError) and _is_ours(error.filename, path):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):  # its folder may be gone or read-only by now: the first error is the one to tell
        shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink()


def _is_ours(name: Any, path: Path) -> bool:
    """Whether the file that an error names is the temporary one, or in it, or none."""
    return name is None or f"{os.sep}{_prefix(path)}" in str(name)


def _prefix(path: Path) -> str:
    return f".{path.name[:40]}."


def require_space(path: Path, size: int) -> None:
    """Raise ExperimentError where a file of so many bytes has no room: for those too large to be made in memory."""
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise violation(str(path), f"{free / 2**20:.1f} MB free", f"{size / 2**20:.1f} MB for this file")


@contextlib.contextmanager
def streamed_file(path: Path, size: int, **layout: Any) -> Iterator[Any]:
    """A new h5py.File for data too large for memory, whose `size` bytes on the disk are taken before HDF5 writes any:
    where the disk is full, or files must not be so large, HDF5 itself ends in a crash.
    """
    import h5py

    empty = io.BytesIO()
    h5py.File(empty, "w", **layout).close()
    with path.open("wb") as file:
        file.write(empty.getvalue())
        file.flush()
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file.fileno(), 0, size)
    with h5py.File(path, "r+", **layout) as opened:
        yield opened


def _write(tree: DataTree, target: io.BytesIO) -> None:
    if not is_plain(tree):  # a tree that somebody else made, with dates or dask in it
        tree.to_netcdf(target, engine="h5netcdf")
        return
    import h5py

    with h5py.File(target, "w", track_order=True) as file:
        write_groups(tree, file)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
