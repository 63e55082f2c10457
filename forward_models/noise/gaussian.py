"""Gaussian noise."""

from __future__ import annotations

from math import pi
from typing import Any, override

import numpy as np

from .noise import Noise


class Gaussian(Noise):
    """Normal values, with standard deviations that are given or follow from the repetitions."""

    family = "gaussian"

    @override
    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        return np.asarray(mean + self.scatter(mean, spread) * rng.standard_normal(size=np.shape(mean)))

    @override
    def density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        sigma = self.scatter(mean, spread)
        return np.asarray(-0.5 * ((value - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * pi))
