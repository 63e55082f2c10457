"""Simulated experiments, marked as such."""

from .photocurrent import Disturbances, PhotocurrentPlan, write_photocurrent
from .records import simulated_like
from .shots import write_shots
from .simulate import SeriesPlan, simulate, simulate_like
from .sixteen_levels import is_of_other_atoms
from .truth import PAPER
