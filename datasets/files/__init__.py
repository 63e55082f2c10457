"""Bytes on disk: tables, arrays and trees of many formats, read with care and written atomically. Knows no physics."""

from .arrays import Source, open_source, vector
from .atomic import check_size, make_folder, replace_file, require_space, streamed_file, write_bytes
from .csv import read_pieces, read_table, write_table
from .hdf5 import is_hdf5, read_attributes
from .netcdf import open_tree, to_bytes, write_tree
from .table import FORMATS
from .toml import optional, read_toml, required, rows_of
