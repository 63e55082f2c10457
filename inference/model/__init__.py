"""Which parameters an experiment has, with which priors, in which PyMC model; rival models by name."""

from .fingerprint import data_hash, fingerprint, without_values
from .needed import entries
from .parameters import ModelParameter, read_priors, require_data, unused_knowledge
from .priors import Prior, PriorError
from .problem import Problem, experiment_of, pose, require_time_scale
from .pymc_model import ACCURACY, build_model, data_of, model_of, rate_bounds
from .registry import RIVAL_MODELS, VERSIONS, add_parameter, forward_model, processes_for, rival_model, with_priors
from .rivals import load_models, require_models, rival
from .settings import ModelSettings, SamplerSettings
