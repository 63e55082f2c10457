"""The physics: rates, stages, populations, spin variance and observables, for NumPy and PyTensor alike."""

from .decay_times import polarization_decay_time, transverse_spin_decay_time
from .entanglement import Entanglement, entanglement
from .noise import NOISES, Noise, noise_kind
from .parameters import PARAMETERS, Parameter
from .rates import LIGHTS, Rates, dephasing_floor, transitions
from .spin_variance import CLOSURES, Closure
from .stages import InitialState, Stage
from .steady_state import SteadyState, steady_state
from .time_grid import RateBounds
from .trajectory import OBSERVABLES, Trajectory, evolve
from .validation import InvalidValue

__all__ = [
    "CLOSURES",
    "LIGHTS",
    "OBSERVABLES",
    "PARAMETERS",
    "Closure",
    "InitialState",
    "InvalidValue",
    "Parameter",
    "RateBounds",
    "Rates",
    "Stage",
    "Trajectory",
    "dephasing_floor",
    "evolve",
    "NOISES",
    "Entanglement",
    "Noise",
    "SteadyState",
    "entanglement",
    "noise_kind",
    "polarization_decay_time",
    "steady_state",
    "transverse_spin_decay_time",
    "transitions",
]
