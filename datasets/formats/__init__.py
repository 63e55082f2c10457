"""Experiments on disk and in memory: folders, trees, tables with names of one's own, single shots."""

from .calibration import CALIBRATION_OF, CalibrationFile, Coupling, fingerprint_of, read_calibration, write_calibration
from .column_values import left_out, not_measured
from .folder import FILE
from .folder_tables import read_runs, read_stage
from .load import data_sets, load, read, save, series_of
from .template import experiment_schema, plan_file, read_plan, schema_file, write_planned, write_template
from .tree import to_groups, to_tree
from .tree_read import from_tree
