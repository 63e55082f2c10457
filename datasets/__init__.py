"""What an experiment is: reading, checking, converting, writing, simulating; the bundled examples."""

from .errors import ExperimentError
from .experiment import (
    ConstantRun,
    Experiment,
    Known,
    Observation,
    RecordSeries,
    Series,
    StageEntry,
    Truth,
    joint,
    read_sharing,
)
from .formats import from_tree, load, names, read, save, series_of, to_groups, to_tree, write_template
from .larmor import LarmorFrequency, larmor_frequency
from .photocurrent import Records, ShotNoise, demodulate, feedback_series, record_series
from .prediction import Mode, TwoModes, quadratures, two_modes
from .simulation import (
    PAPER,
    Disturbances,
    PhotocurrentPlan,
    SeriesPlan,
    simulate,
    simulate_like,
    write_photocurrent,
    write_shots,
)

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
