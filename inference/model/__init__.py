"""Which parameters an experiment has, with which priors, in which PyMC model; rival models by name."""

from . import builtin_rivals as builtin_rivals
from .defaults import GIVEN_BY
from .fingerprint import data_hash, fingerprint, without_values
from .needed import entries
from .parameters import OF_TABLES, ModelParameter, require_data, unused_knowledge
from .priors import Prior, PriorError, parse_prior, read_priors
from .problem import Problem, experiment_of, pose, read_checked, require_time_scale, unused_entries, words_for
from .pymc_model import ACCURACY, build_model, data_of, model_of, rate_bounds
from .rivals import (
    RIVAL_MODELS,
    VERSIONS,
    add_parameter,
    forward_model,
    load_models,
    processes_for,
    require_models,
    rival,
    rival_model,
    with_priors,
)
from .settings import ModelSettings, SamplerSettings
