"""What an experiment is: reading, checking, converting, writing, simulating; the bundled examples."""

from .errors import ExperimentError
from .experiment import Experiment, Known, Observation, Series, StageEntry, Truth
from .load import load, names, read, save
from .simulate import PAPER, SeriesPlan, simulate
from .simulate_like import simulate_like
from .template import write_template
from .tree import from_tree, to_groups, to_tree

__all__ = [
    "PAPER",
    "Experiment",
    "ExperimentError",
    "Known",
    "Observation",
    "Series",
    "SeriesPlan",
    "StageEntry",
    "Truth",
    "from_tree",
    "load",
    "names",
    "read",
    "save",
    "simulate",
    "simulate_like",
    "to_groups",
    "to_tree",
    "write_template",
]
