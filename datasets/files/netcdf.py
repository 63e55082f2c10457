"""The NetCDF format: trees of data sets, read whole or array by array, and written."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import violation
from .atomic import LARGEST, write_bytes
from .hdf5 import check_structure, chunk_cache, is_hdf5
from .netcdf_plain import is_plain, read_groups, write_groups
from .sliced import Sliced

if TYPE_CHECKING:
    from xarray import DataTree

LARGEST_TREE = 2**30


def open_tree(path: Path) -> DataTree:
    """The whole tree in a NetCDF-4 file, in memory, at most 1 GB; ExperimentError where the file is something else."""
    if not path.is_file():
        raise violation(str(path), "no such file", "a NetCDF file")
    if not is_hdf5(path):
        raise violation(str(path), "a file that is not NetCDF-4 (HDF5)", "a NetCDF-4 file")
    check_structure(path, LARGEST_TREE)
    try:
        import h5py

        with h5py.File(path) as file:
            plain = read_groups(file)
        if plain is not None:
            return plain
        with _decoded(path) as tree:
            return tree.load()
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def write_tree(tree: DataTree, path: Path) -> None:
    """Write a tree as NetCDF-4, atomically: a temporary file beside the target, fsync, rename.

    The file is made in memory first: on a full disk HDF5 itself ends in a crash. OSError where it cannot be written.
    """
    write_bytes(to_bytes(tree), path)


def to_bytes(tree: DataTree) -> bytes:
    """The NetCDF file of a tree, in memory."""
    content = io.BytesIO()
    if not is_plain(tree):  # a tree that somebody else made, with dates or dask in it
        tree.to_netcdf(content, engine="h5netcdf")
        return content.getvalue()
    import h5py

    with h5py.File(content, "w", track_order=True) as file:
        write_groups(tree, file)
    return content.getvalue()


def open_netcdf(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Variables by path, as their attributes (scale_factor, _FillValue, …) mean them, read when sliced."""
    if is_hdf5(path):
        check_structure(path, LARGEST)
    cache = {"driver_kwds": {"rdcc_nbytes": chunk_cache(path)}} if is_hdf5(path) else {}
    tree = stack.enter_context(_decoded(path, decode_times=False, **cache))
    return {
        f"{node.path.rstrip('/')}/{name}": _sliced(variable)
        for node in tree.subtree
        for name, variable in node.dataset.variables.items()
    }


def _sliced(variable: Any) -> Sliced:
    return Sliced(tuple(variable.shape), variable.dtype, lambda rows: variable[rows].values, dict(variable.attrs))


def _decoded(path: Path, **options: Any) -> DataTree:
    """The tree in a file, not read yet, without what libraries say of odd attributes and types."""
    import xarray as xr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xr.open_datatree(path, engine="h5netcdf", phony_dims="access", **options)
