"""One posterior, from the data to a file and back: fit, predict, calibrate, rerun."""

from .calibrate import calibrate, calibration_of_fit, calibration_runs, calibration_settings
from .derived import derived_quantities
from .file import file_name, fit_id, is_fit, is_fit_of, read_fit, save_fit
from .fit import Sampled, fit, fit_problem, sample_posterior
from .groups import POSTERIOR_ACCURACY
from .predict import predict
from .predictive import log_likelihood, predicted, prior_draws, total_log_likelihood
from .record_checks import checks_in
from .rerun import rerun
from .result import DRAWS, Fit
from .summary import ENERGY_LIMIT, PRIOR_DOMINATED, ParameterSummary, summarise, summary_rows, verdict

__all__ = [
    "DRAWS",
    "ENERGY_LIMIT",
    "POSTERIOR_ACCURACY",
    "PRIOR_DOMINATED",
    "Fit",
    "ParameterSummary",
    "Sampled",
    "calibrate",
    "calibration_of_fit",
    "calibration_runs",
    "calibration_settings",
    "checks_in",
    "derived_quantities",
    "file_name",
    "fit",
    "fit_id",
    "fit_problem",
    "is_fit",
    "is_fit_of",
    "log_likelihood",
    "predict",
    "predicted",
    "prior_draws",
    "read_fit",
    "rerun",
    "sample_posterior",
    "save_fit",
    "summarise",
    "summary_rows",
    "total_log_likelihood",
    "verdict",
]
