"""From parameters to expected data, for NumPy and PyTensor alike."""

from .alike import Evolution, evaluated
from .days import on_day
from .expected import (
    Predictions,
    continuous_measurement,
    expected,
    expected_record_sums,
    fitted_observations,
    moving_runs,
    record_log_likelihood,
    tested_populations,
)
from .fitted import NUMBERS, FittedData, data_of_series, fitted_data, whitened
from .members import ONE, Member, members_of
from .modes import Mode, TwoModes, quadratures, two_modes
from .rates import Values, atoms_of, coupled_rates, find, initial_of, optical_depth_of, rates_of
from .reconstruct import readout_pulse, reconstructed_from_records, reconstructed_xi
from .run_state import PROBE, added_values, evolution, evolved, measurement_in, run_state, stages_of
