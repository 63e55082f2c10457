"""Draws from a model's posterior."""

from .any_model import sample_model
from .convergence import ESS_PER_CHAIN, RHAT_LIMIT, bulk_and_rhat, energy_fraction, highest_density, tail
from .prepared import form_of, prepared
from .recent import Recent
from .sample import Draws, SamplerSettings, sample

__all__ = [
    "ESS_PER_CHAIN",
    "RHAT_LIMIT",
    "Draws",
    "Recent",
    "SamplerSettings",
    "bulk_and_rhat",
    "energy_fraction",
    "form_of",
    "highest_density",
    "prepared",
    "sample",
    "sample_model",
    "tail",
]
