"""What an experiment is: reading, checking, converting, writing, simulating; the bundled examples."""

from .errors import ExperimentError
from .experiment import Experiment, Known, Observation, Series, StageEntry, Truth
from .in_memory import series_of
from .joint import joint, read_sharing
from .load import load, names, read, save
from .record import Record
from .runs import ConstantRun
from .simulate import PAPER, SeriesPlan, simulate
from .simulate_like import simulate_like
from .simulate_shots import write_shots
from .template import write_template
from .tree import from_tree, to_groups, to_tree

__all__ = [
    "PAPER",
    "ConstantRun",
    "Experiment",
    "ExperimentError",
    "Known",
    "Observation",
    "Record",
    "Series",
    "SeriesPlan",
    "StageEntry",
    "Truth",
    "from_tree",
    "joint",
    "load",
    "names",
    "read",
    "read_sharing",
    "save",
    "series_of",
    "simulate",
    "simulate_like",
    "to_groups",
    "to_tree",
    "write_shots",
    "write_template",
]
