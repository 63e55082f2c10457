"""Whether a fit can be trusted: verdict, criticism, sensitivities, information."""

from .alarms import ABOUT_ITS_ERROR, ALARM, Alarms, alarms
from .calibration_sensitivity import NOTABLE_SHIFT, CalibrationSensitivity, CalibrationShift, calibration_sensitivity
from .criticism import NOTABLE_P, Criticism, StatisticRow, criticize, p_value
from .findings import symbols
from .goodness import OF_NORMAL, Goodness, goodness
from .information import (
    Information,
    expected_information,
    for_pair_plot,
    independent_jacobians,
    information_at,
    record_jacobian,
    strongest,
    values_at,
)
from .levels import COHERENCES
from .prior_sensitivity import (
    THRESHOLD,
    PowerScaling,
    Sensitivities,
    Sensitivity,
    beyond,
    power_scaling,
    prior_sensitivity,
    sensitivity,
)
from .replications import PUBLISHED, Replicated, replications
from .statistics import STATISTICS, autocorrelation
from .verdict import HEADLINES, STATUS, Assessment, assess, reason
