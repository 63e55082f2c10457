"""The physics: rates, stages, populations, spin variance and observables, for NumPy and PyTensor alike."""

from .decay_times import polarization_decay_time, transverse_spin_decay_time
from .dynamics import Dynamics, add_forward_model, sliced
from .entanglement import Entanglement, entanglement
from .noise import NOISES, Noise, noise_kind
from .parameters import PARAMETERS, Parameter
from .path import speed
from .rates import LIGHTS, Rates, dephasing_floor, transitions
from .spin_variance import CLOSURES, Closure
from .stages import InitialState, Stage
from .steady_state import SteadyState, steady_state
from .time_grid import RateBounds
from .trajectory import OBSERVABLES, Trajectory, TransverseSpin, evolve
from .validation import InvalidValue

__all__ = [
    "CLOSURES",
    "LIGHTS",
    "NOISES",
    "OBSERVABLES",
    "PARAMETERS",
    "Closure",
    "Dynamics",
    "Entanglement",
    "InitialState",
    "InvalidValue",
    "Noise",
    "Parameter",
    "RateBounds",
    "Rates",
    "Stage",
    "SteadyState",
    "Trajectory",
    "TransverseSpin",
    "add_forward_model",
    "dephasing_floor",
    "entanglement",
    "evolve",
    "noise_kind",
    "polarization_decay_time",
    "sliced",
    "speed",
    "steady_state",
    "transitions",
    "transverse_spin_decay_time",
]
