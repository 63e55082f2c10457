"""Bytes on disk: arrays and trees of many formats, read with care and written atomically. Knows no physics."""

from .arrays import MOST_ROWS, Source, column_of, open_source, vector
from .atomic import (
    LARGEST,
    LARGEST_TABLE,
    check_size,
    listed,
    make_folder,
    replace_file,
    require_space,
    streamed_file,
    write_bytes,
)
from .hdf5 import is_hdf5, read_attributes
from .netcdf import open_groups, open_tree, to_bytes, write_tree
from .table import FORMATS
from .toml import optional, read_toml, required, rows_of
