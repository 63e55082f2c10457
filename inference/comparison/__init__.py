"""Rival models compared: leave-one-out, evidence, series left out."""

from .averaged import AveragedRate, ModelAverage
from .compare import FEW_UNITS, SMALL_DIFFERENCE, ComparedModel, Comparison, compare
from .data_points import data_units
from .evidence import bridge_evidence, evidence_of_draws, smc_evidence
from .leave_one_out import LeaveOneOut, leave_one_out
from .leave_one_series_out import LeftOut, PredictedSeries, leave_one_series_out
from .rival_fits import compare_models, fit_rivals
