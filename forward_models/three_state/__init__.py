"""The atoms as three states: rates, stages, populations, spin variance, ξ(t) and what follows from it (S.1 to S.5)."""

from .divided_differences import divided_differences, first_difference
from .entanglement import Entanglement, entanglement, sampled_entanglement, search_times
from .observables import epr_parameter, mean_spin, orientation
from .path import fastest_rates, speed, stage_columns
from .populations import population_rates, slopes
from .rates import LIGHTS, Rates, dephasing_floor, transitions
from .spin_variance import CLOSURES, Closure
from .stages import InitialState, Stage
from .steady_state import SteadyState, polarization_decay_time, steady_state, transverse_spin_decay_time
from .time_grid import RateBounds
from .trajectory import OBSERVABLES, Trajectory, TransverseSpin, evolve

__all__ = [
    "CLOSURES",
    "LIGHTS",
    "OBSERVABLES",
    "Closure",
    "Entanglement",
    "InitialState",
    "RateBounds",
    "Rates",
    "Stage",
    "SteadyState",
    "Trajectory",
    "TransverseSpin",
    "dephasing_floor",
    "divided_differences",
    "entanglement",
    "epr_parameter",
    "evolve",
    "fastest_rates",
    "first_difference",
    "mean_spin",
    "orientation",
    "polarization_decay_time",
    "population_rates",
    "sampled_entanglement",
    "search_times",
    "slopes",
    "speed",
    "stage_columns",
    "steady_state",
    "transitions",
    "transverse_spin_decay_time",
]
