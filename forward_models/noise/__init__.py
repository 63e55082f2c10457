"""The noise of data: one file per family, with its density, scatter and draws; the kinds of noise by name."""

from .correlation import Autoregression, GivenCorrelation, NoiseCorrelation
from .noise import Noise, gamma_shape
from .table import NOISES, noise_kind, sibling
from .wishart import log_density_of_triples, wishart_freedom
