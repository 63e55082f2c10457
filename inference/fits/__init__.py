"""One posterior, from the data to a file and back: fit, predict, calibrate, rerun."""

from .calibrate import calibrate, calibration_of_fit, calibration_runs, calibration_settings
from .derived import Coherences, coherences, derived_quantities
from .file import arrays_of, file_name, fit_id, is_fit, is_fit_of, read_fit, save_fit
from .fit import Sampled, fit, fit_problem, sample_posterior
from .groups import POSTERIOR_ACCURACY
from .predict import predict
from .predictive import by_speed, log_likelihood, number_of, predicted, prior_draws, total_log_likelihood
from .record_checks import checks_in
from .rerun import rerun
from .result import DRAWS, Fit
from .summary import ENERGY_LIMIT, PRIOR_DOMINATED, ParameterSummary, summarise, summary_rows, verdict
