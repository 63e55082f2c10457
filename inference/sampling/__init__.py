"""Draws from a model's posterior."""

from .convergence import ESS_PER_CHAIN, RHAT_LIMIT, bfmi, bulk_ess_and_rhat, diagnostics, highest_density
from .prepared import prepared
from .prior_influence import MOVED, leaning_on, moved_by
from .sample import Draws, prepare, sample, sample_model
