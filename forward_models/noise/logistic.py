"""Logistic noise: single points a little farther out than those of Gaussian noise."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any, override

import numpy as np

from .noise import Noise


class Logistic(Noise):
    """The logistic law of mean m and the standard deviation that is given."""

    family = "logistic"

    def scale(self, mean: Any, spread: Any) -> Any:
        """Of the law, √3/π times the standard deviation; arguments may be symbolic."""
        return sqrt(3) / pi * self.scatter(mean, spread)

    @override
    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        return np.asarray(mean + self.scale(mean, spread) * rng.logistic(size=np.shape(mean)))

    @override
    def density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        scale = self.scale(mean, spread)
        z = (value - mean) / scale
        return np.asarray(-z - np.log(scale) - 2 * np.logaddexp(0, -z))
