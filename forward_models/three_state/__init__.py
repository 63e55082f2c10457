"""The atoms as three states: rates, stages, populations, spin variance, ξ(t) and what follows from it.

Where the equations of Krauter et al., PRL 107, 080503, and its supplement (theory) are:

    Γ34, Γ43, Γout, Γin and footnote [S3]                 rates.py
    dN2/dt and dP̃2/dt                                     populations.py
    ΣJ(t), from Eq. (21) of Muschik, Polzik & Cirac [12]  spin_variance.py, larmor_mismatch.py
    ξ(t), (S.3)                                           observables.py
    dP/dt at t = 0 (T1), decay of ⟨Jy⟩ (T2)               steady_state.py, trajectory.py

Equations (1), (S.1) and (S.2) are those of the light: see `light`.
"""

from .divided_differences import divided_differences, first_difference
from .entanglement_duration import End, Entanglement, Search, entanglement, sampled_entanglement, search_times
from .observables import epr_parameter, mean_spin, orientation
from .path import column, fastest_rates, speed, stage_columns
from .populations import population_rates, slopes
from .rates import LIGHTS, Rates, dephasing_floor, transitions
from .spin_variance import accumulate, lost_noise, noise_share
from .stages import InitialState, Stage, check_times
from .steady_state import (
    SteadyState,
    decay_time,
    polarization,
    polarization_decay_time,
    steady_state,
    transverse_spin_decay_time,
)
from .time_grid import RateBounds, TimeGrid, time_grid
from .trajectory import Trajectory, TransverseSpin, evolve
