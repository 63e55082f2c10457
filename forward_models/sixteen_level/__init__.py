"""Caesium from first principles: the sixteen levels of the ground state, with rates computed from the light.

Rates follow from detuning, polarisation and temperature (`scattering.py`, `tables.py`); populations are those of all
levels (`chebyshev.py`, `path.py`), pair correlations those of |4,4⟩ ↔ |4,3⟩. With three levels populated these are the
equations of `three_state`, whose stages, initial states and observables serve here too.
"""

from .eight_coherences import eight_coherences_xi
from .entanglement import sixteen_level_entanglement
from .levels import DIFFERENCE, LEVELS, LOST, LOST_SPIN, NAMES, QUADRATIC_ZEEMAN, SPIN, TWO_LEVEL, VARIANCE
from .mixtures import reach
from .rates import (
    SixteenLevelRates,
    Tables,
    atoms_at,
    fastest_decay,
    fastest_rate,
    flow,
    flows,
    generator,
    largest_rates,
    sixteen_level_floor,
)
from .steady_state import sixteen_level_decay_time, sixteen_level_steady_state
from .tables import ABSORBED, DRIVE_DETUNING, FARTHEST, DriveTable, RateTable, drive, has_table, probe_weight
from .trajectory import SixteenLevelTrajectory, evolve_sixteen
