"""The NetCDF format: trees of data sets, read whole or array by array, and written."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import violation
from .atomic import LARGEST, write_bytes
from .hdf5 import chunk_cache, is_hdf5, open_checked
from .sliced import Sliced

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

    from .netcdf_plain import Group

LARGEST_TREE = 2**30


def open_tree(path: Path) -> DataTree:
    """The whole tree in a NetCDF-4 file, in memory, at most 1 GB; ExperimentError where the file is something else."""
    import xarray as xr

    with _whole(path) as found:
        if isinstance(found, xr.DataTree):
            return found
        return xr.DataTree.from_dict({name: xr.Dataset(group, attrs=group.attrs) for name, group in found.items()})


def open_groups(path: Path) -> Mapping[str, Group | Dataset]:
    """The same as groups by path, "." the outermost: without xarray, of which each takes a millisecond."""
    with _whole(path) as found:
        return found if isinstance(found, dict) else found.to_dict(relative=True)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[dict[str, Group] | DataTree]:
    """All that is in a file; a tree where it was decoded by xarray."""
    if not path.is_file():
        raise violation(str(path), "no such file", "a NetCDF file")
    if not is_hdf5(path):
        raise violation(str(path), "a file that is not NetCDF-4 (HDF5)", "a NetCDF-4 file")
    from .netcdf_plain import read_groups

    with open_checked(path, LARGEST_TREE) as found:
        plain = read_groups(found)
        if plain is not None:
            yield plain
        else:
            with _decoded(path) as tree:
                yield tree.load()


def write_tree(tree: DataTree, path: Path) -> None:
    """Write a tree as NetCDF-4, atomically: a temporary file beside the target, fsync, rename.

    The file is made in memory first: on a full disk HDF5 itself ends in a crash. OSError where it cannot be written.
    """
    write_bytes(to_bytes(tree), path)


def to_bytes(tree: DataTree) -> bytes:
    """The NetCDF file of a tree, in memory."""
    import h5py

    from .netcdf_plain import is_plain, write_groups

    content = io.BytesIO()
    if not is_plain(tree):  # a tree that somebody else made, with dates or dask in it
        tree.to_netcdf(content, engine="h5netcdf")
        return content.getvalue()
    with h5py.File(content, "w", track_order=True) as file:
        write_groups(tree, file)
    return content.getvalue()


def open_netcdf(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Variables by path, as their attributes (scale_factor, _FillValue, …) mean them, read when sliced."""
    if is_hdf5(path):
        with open_checked(path, LARGEST):
            pass
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
