"""The noise of data: families, and the joint density of sample covariances."""

from .noise import NOISES, Noise, gamma_shape, noise_kind, sibling
from .wishart import degrees_of_freedom, log_density

__all__ = ["NOISES", "Noise", "degrees_of_freedom", "gamma_shape", "log_density", "noise_kind", "sibling"]
