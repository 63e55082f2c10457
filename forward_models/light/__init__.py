"""The light: readout of the spins, calibration curves, continuous measurement and the likelihood of its records.

Where the equations of Krauter et al., PRL 107, 080503, and its supplement are:

    input–output relations (1), (S.1) and (S.2)                readout.py
    calibrations against Θ, Fig. S.1                           calibration_curves.py
    orientation test, Fig. S.3                                 orientation_beat.py
    y_feed, α, γm and ξ_cond, main text p. 4, and Fig. 2d      conditional.py
"""

from .calibration_curves import classical_excess, coupling_at_angle, initial_spin_noise
from .conditional import FeedbackMode, feedback_mode, optimal_mode_rate, steady_conditional_xi
from .innovations import WhitenessCheck, innovations, whiteness_checks
from .orientation_beat import SUBLEVELS, Precession, orientation_beat, sublevel_orientation, sublevel_populations
from .readout import (
    ContinuousMeasurement,
    Readout,
    coupled_spin,
    light_variance,
    mode_function,
    readout_of,
    sixteen_level_readout,
    xi_of_light_variance,
)
from .record_likelihood import SUMS, RecordSums, binned_record, expected_sums, grouped, log_likelihood, reduce
from .steady_run import SteadyRun, measurement_of, steady_orientation, steady_run
