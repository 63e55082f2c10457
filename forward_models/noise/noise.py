"""What a kind of noise is: a law around the mean, and what a data file tells of its width."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Noise(ABC):
    """One kind of noise around a mean m, for the simulator and the likelihood alike. Its class is its family.

    name : as in files
    spread : what a file gives for each point: "sigma" (standard deviation, in the unit of the values) or "repetitions"
        (number R of repetitions of a variance measurement)
    quadratures : with repetitions: how many quadratures are pooled in one value; else 0

    Arguments of the methods: `mean` (…, T) and `spread` (T,) broadcast; `degrees_of_freedom` are those (ν) of
    Student's t, which other families do not use. Of a family with several `components` the values of a point follow
    each other.
    """

    name: str
    spread: str
    quadratures: int = 0
    family: ClassVar[str]
    components: ClassVar[int] = 1
    positive: ClassVar[bool] = False
    """Whether the law is one of positive values only."""

    @property
    def of_variances(self) -> bool:
        """Whether values and means are variances: > 0."""
        return self.positive or bool(self.quadratures)

    def scatter(self, mean: Any, spread: Any) -> Any:
        """Standard deviation (for Student's t its scale) at the mean; arguments may be symbolic."""
        return mean / gamma_shape(spread, self.quadratures) ** 0.5 if self.quadratures else spread

    @abstractmethod
    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        """Noisy values of the shape of `mean`; NaN where a variance has no positive mean."""

    def log_density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        """Log-density of each value, in NumPy; −∞ where the mean is not that of variances, > 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            density = self.density(value, mean, spread, degrees_of_freedom)
        return np.where(np.isnan(density), -np.inf, density) if self.of_variances else density

    @abstractmethod
    def density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        """The same where the mean is possible."""


def gamma_shape(repetitions: Any, quadratures: int = 2) -> Any:
    """Shape of the Gamma law of a variance from R repetitions of one quadrature, or of two that are pooled.

    Half of its R−1 or 2(R−1) degrees of freedom: relative standard deviation √(2/dof). `repetitions` may be symbolic.
    """
    return 0.5 * quadratures * (repetitions - 1)
