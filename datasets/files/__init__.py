"""Bytes on disk: tables, arrays and trees of many formats, read with care and written atomically. Knows no physics."""

from .arrays import LARGEST, SUFFIXES, Source, open_source, vector
from .csv import SEPARATORS, check_size, column_place, headless, read_table, write_table
from .netcdf import (
    is_hdf5,
    make_folder,
    open_tree,
    read_attributes,
    read_netcdf,
    replace_file,
    require_space,
    streamed_file,
    to_bytes,
    write_bytes,
    write_tree,
)
from .toml import optional, required, rows_of

__all__ = [
    "LARGEST",
    "SEPARATORS",
    "SUFFIXES",
    "Source",
    "check_size",
    "column_place",
    "headless",
    "is_hdf5",
    "make_folder",
    "open_source",
    "open_tree",
    "optional",
    "read_attributes",
    "read_netcdf",
    "read_table",
    "replace_file",
    "require_space",
    "required",
    "rows_of",
    "streamed_file",
    "to_bytes",
    "vector",
    "write_bytes",
    "write_table",
    "write_tree",
]
