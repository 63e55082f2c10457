"""Student's t: like Gaussian noise, with now and then a point far off."""

from __future__ import annotations

from math import pi
from typing import Any, override

import numpy as np

from .noise import Noise


class StudentT(Noise):
    """The scale is what a standard deviation would be; ν degrees of freedom say how far off single points may be."""

    family = "student-t"

    @override
    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        return np.asarray(mean + self.scatter(mean, spread) * rng.standard_t(degrees_of_freedom, size=np.shape(mean)))

    @override
    def density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        from scipy.special import gammaln

        sigma, nu = self.scatter(mean, spread), degrees_of_freedom
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * pi) - np.log(sigma)
        return np.asarray(constant - (nu + 1) / 2 * np.log1p(((value - mean) / sigma) ** 2 / nu))
