"""Gamma noise: that of a variance which was measured with a finite number of repetitions."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from .noise import Noise, gamma_shape


class Gamma(Noise):
    """Positive values of mean m and shape k: standard deviation m/√k."""

    family = "gamma"
    positive = True

    def shape(self, mean: Any, spread: Any) -> Any:
        """Shape k of the law of this mean and scatter; arguments may be symbolic."""
        return gamma_shape(spread, self.quadratures) if self.quadratures else (mean / spread) ** 2

    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        """NaN where the mean is not positive: Γ̃ below its microscopic floor can make ξ negative."""
        shape = self.shape(mean, spread)
        relative = rng.standard_gamma(np.broadcast_to(shape, np.shape(mean))) / shape
        return np.where(np.asarray(mean) > 0, relative * mean, np.nan)

    @override
    def density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        from scipy.special import gammaln

        shape = self.shape(mean, spread)
        return np.asarray(
            shape * np.log(shape / mean) + (shape - 1) * np.log(value) - shape * value / mean - gammaln(shape)
        )
