"""The NetCDF format: one file with the DataTree of an experiment; and how any tree is written safely."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .csv_table import check_size
from .errors import violation

if TYPE_CHECKING:
    from xarray import DataTree

_HDF5 = b"\x89HDF\r\n\x1a\n"


def open_tree(path: Path) -> DataTree:
    """The whole tree in a NetCDF-4 file, in memory; ExperimentError where the file is something else."""
    if not path.is_file():
        raise violation(str(path), "no such file", "a NetCDF file")
    with path.open("rb") as file:
        if file.read(8) != _HDF5:
            raise violation(str(path), "a file that is not NetCDF-4 (HDF5)", "a NetCDF-4 file")
    import xarray as xr

    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def read_netcdf(path: Path) -> DataTree:
    """The tree of an experiment, from a file no larger than a series may be."""
    check_size(path)
    return open_tree(path)


def write_tree(tree: DataTree, path: Path) -> None:
    """Write atomically: a temporary file beside the target, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        tree.to_netcdf(temporary, engine="h5netcdf")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
