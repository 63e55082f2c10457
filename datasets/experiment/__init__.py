"""What an experiment is: stages, series, records, observations, calibrations; put together, labelled, checked."""

from .beat_sign import opposite_sign, reversed_beats
from .check import WAYS_OF_DAYS, check_experiment, doubts
from .check_records import check_record
from .check_series import NOT_MEASURED, check_choice, check_series
from .days import DAY_FACTORS, date_in, date_of, other_days, require_days
from .experiment import (
    APPARATUS,
    DECAY_TIMES,
    DISCREPANCY_TERMS,
    ORDERS,
    QUANTITIES,
    SERIES_ERRORS,
    TIMELESS,
    Experiment,
    Known,
    Observation,
    Series,
)
from .fields import Entry, entries
from .joint import CALIBRATED_COUPLING, check_sharing, joint, read_sharing, with_members
from .label import RATES, Label, Truth, by_label, meant, shown_unit
from .light_power import POWER_OF, ZEEMAN, LightPower, known_by_power, known_depth, shift_by_probe
from .record_series import KIND, QUADRATURES, RecordSeries
from .runs import BEGINNINGS, MAIN_RUN, POPULATIONS, ConstantRun, StageEntry
