"""What an experiment is: reading, checking, converting, writing, simulating; the bundled examples."""

from .demodulation import demodulate
from .errors import ExperimentError
from .experiment import Experiment, Known, Observation, Series, StageEntry, Truth
from .feedback import feedback_series
from .in_memory import series_of
from .joint import joint, read_sharing
from .larmor_frequency import LarmorFrequency, larmor_frequency
from .load import load, names, read, save
from .mode_quadratures import Mode, TwoModes, quadratures, two_modes
from .record_series import RecordSeries, record_series
from .records import Records
from .runs import ConstantRun
from .shot_noise_level import ShotNoise
from .simulate import PAPER, SeriesPlan, simulate
from .simulate_like import simulate_like
from .simulate_photocurrent import Disturbances, PhotocurrentPlan, write_photocurrent
from .simulate_shots import write_shots
from .template import write_template
from .tree import to_groups, to_tree
from .tree_reading import from_tree

__all__ = [
    "PAPER",
    "ConstantRun",
    "Disturbances",
    "Experiment",
    "ExperimentError",
    "Known",
    "LarmorFrequency",
    "Mode",
    "Observation",
    "PhotocurrentPlan",
    "RecordSeries",
    "Records",
    "Series",
    "SeriesPlan",
    "ShotNoise",
    "StageEntry",
    "Truth",
    "TwoModes",
    "demodulate",
    "feedback_series",
    "from_tree",
    "joint",
    "larmor_frequency",
    "load",
    "names",
    "quadratures",
    "read",
    "read_sharing",
    "record_series",
    "save",
    "series_of",
    "simulate",
    "simulate_like",
    "to_groups",
    "to_tree",
    "two_modes",
    "write_photocurrent",
    "write_shots",
    "write_template",
]
