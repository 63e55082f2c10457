"""Kinds of measurement noise, declared once for the simulator and for the likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import pi
from typing import Any

import numpy as np

from ..validation import InvalidValue
from .wishart import draw_wishart, log_wishart, wishart_scatter


@dataclass(frozen=True)
class Noise:
    """One kind of noise around a mean m; `spread` is what the data file gives for each point.

    family : "gaussian", "student-t" or "gamma", the law; "wishart": that of two variances and the covariance of the
        same repetitions, one triple of values after the other (read, feed, covariance)
    spread : "sigma" (standard deviation) or "repetitions" (number R of repetitions of a variance measurement)
    quadratures : with repetitions: how many quadratures are pooled in one value; else 0
    The argument `tail` of the methods: degrees of freedom of Student's t; not used by the others.
    """

    name: str
    family: str
    spread: str
    quadratures: int = 0

    def scatter(self, mean: Any, spread: Any) -> Any:
        """Standard deviation (for Student's t its scale) at the mean; arguments may be symbolic."""
        if self.family == "wishart":
            return wishart_scatter(mean, spread, self.quadratures)
        return mean / gamma_shape(spread, self.quadratures) ** 0.5 if self.quadratures else spread

    def shape(self, mean: Any, spread: Any) -> Any:
        """Shape of the Gamma law of this mean and scatter; arguments may be symbolic."""
        return gamma_shape(spread, self.quadratures) if self.quadratures else (mean / spread) ** 2

    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, tail: float) -> np.ndarray:
        """Noisy values; NaN where the mean of a variance is none: Γ̃ below its microscopic floor can make ξ negative."""
        if self.family == "wishart":
            return draw_wishart(rng, mean, spread, self.quadratures)
        if self.family == "gamma":
            shape = self.shape(mean, spread)
            relative = rng.standard_gamma(np.broadcast_to(shape, np.shape(mean))) / shape
            return np.where(np.asarray(mean) > 0, relative * mean, np.nan)
        standard = rng.standard_normal if self.family == "gaussian" else partial(rng.standard_t, tail)
        return np.asarray(mean + self.scatter(mean, spread) * standard(size=np.shape(mean)))

    def log_density(self, value: Any, mean: Any, spread: Any, tail: float) -> np.ndarray:
        """Log density, in NumPy; none where the mean of a variance is none. Of a triple the parts of its density."""
        if self.family == "wishart":
            return log_wishart(value, mean, spread, self.quadratures)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.family == "gamma":
                density = _gamma(value, mean, self.shape(mean, spread))
            elif self.family == "gaussian":
                density = _gaussian(value, mean, self.scatter(mean, spread))
            else:
                density = _student_t(value, mean, self.scatter(mean, spread), tail)
        positive = self.family == "gamma" or self.quadratures
        return np.where(np.asarray(mean) > 0, density, -np.inf) if positive else density


def gamma_shape(repetitions: Any, quadratures: int = 2) -> Any:
    """Shape of the Gamma law of a variance from R repetitions of one quadrature, or of two that are pooled.

    Half of its R−1 or 2(R−1) degrees of freedom: relative standard deviation √(2/dof). `repetitions` may be symbolic.
    """
    return 0.5 * quadratures * (repetitions - 1)


def _gaussian(value: Any, mean: Any, sigma: Any) -> np.ndarray:
    return np.asarray(-0.5 * ((value - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * pi))


def _student_t(value: Any, mean: Any, sigma: Any, tail: float) -> np.ndarray:
    from scipy.special import gammaln

    constant = gammaln((tail + 1) / 2) - gammaln(tail / 2) - 0.5 * np.log(tail * pi) - np.log(sigma)
    return np.asarray(constant - (tail + 1) / 2 * np.log1p(((value - mean) / sigma) ** 2 / tail))


def _gamma(value: Any, mean: Any, shape: Any) -> np.ndarray:
    from scipy.special import gammaln

    return np.asarray(
        shape * np.log(shape / mean) + (shape - 1) * np.log(value) - shape * value / mean - gammaln(shape)
    )


FAMILIES = ("gaussian", "student-t", "gamma")
NOISES: dict[str, Noise] = {
    noise.name: noise
    for noise in (
        Noise("gaussian", "gaussian", "sigma"),
        Noise("student-t", "student-t", "sigma"),
        Noise("gamma", "gamma", "repetitions", 2),
        Noise("gamma-single", "gamma", "repetitions", 1),
        Noise("wishart", "wishart", "repetitions", 2),
        Noise("gamma-sigma", "gamma", "sigma"),
        Noise("gaussian-repetitions", "gaussian", "repetitions", 2),
        Noise("gaussian-repetitions-single", "gaussian", "repetitions", 1),
        Noise("student-t-repetitions", "student-t", "repetitions", 2),
        Noise("student-t-repetitions-single", "student-t", "repetitions", 1),
    )
}
"""The first of a family and a spread is its usual one. `repetitions`: of two quadratures pooled, `single`: of one."""


def sibling(name: str, family: str) -> str:
    """The kind of noise of another family for the same spreads."""
    own = noise_kind(name)
    alike = (n for n in NOISES.values() if (n.spread, n.quadratures) == (own.spread, own.quadratures))
    return next(noise.name for noise in alike if noise.family == family)


def noise_kind(name: str) -> Noise:
    """The kind of noise called `name`; InvalidValue for an unknown one."""
    if name not in NOISES:
        raise InvalidValue(f"noise = {name!r}: expected one of {', '.join(NOISES)}")
    return NOISES[name]
