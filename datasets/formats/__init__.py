"""Experiments on disk and in memory: folders, trees, tables with names of one's own, single shots."""

from .calibration import CALIBRATION_OF, CalibrationFile, Coupling, fingerprint_of, read_calibration, write_calibration
from .dates import date_of
from .folder import FILE
from .load import load, names, read, save, series_of
from .template import experiment_schema, schema_file, write_template
from .templated import data_sets
from .tree import to_groups, to_tree
from .tree_read import from_tree
