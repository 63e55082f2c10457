"""The formats of binary files that are read. A new one is a file of this room and a line here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .hdf5 import open_hdf5
from .matlab import open_matlab
from .netcdf import open_netcdf
from .npy import open_npy, open_npz
from .parquet import open_parquet
from .tdms import open_tdms

FORMATS: dict[str, tuple[str, Callable[[Path, contextlib.ExitStack], Mapping[str, Any]]]] = {
    ".npy": ("a .npy file", open_npy),
    ".npz": ("a .npz file", open_npz),
    ".parquet": ("a Parquet file", open_parquet),
    ".nc": ("a NetCDF 4 file", open_netcdf),
    ".h5": ("an HDF5 file", open_hdf5),
    ".hdf5": ("an HDF5 file", open_hdf5),
    ".mat": ("a MATLAB file", open_matlab),
    ".tdms": ("a TDMS file", open_tdms),
}
"""By suffix: what to call the format, and what opens a file until the stack is closed, as a mapping of names to
anything with shape, dtype and slices. Whatever it raises is reported as a file that is something else."""
