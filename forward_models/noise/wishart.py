"""Two variances and a covariance from the same repetitions: the Wishart law, part by part.

Values come as triples (V_read, V_feed, C), one after the other. With ν degrees of freedom, Σ the expected matrix and
Σ_r|f = Σ_rr − Σ_rf²/Σ_ff (Bartlett): V_feed ~ Γ(ν/2) of mean Σ_ff; given that, C ~ N(V_feed Σ_rf/Σ_ff, V_feed Σ_r|f/ν);
and by itself V_read − C²/V_feed, what y_feed does not predict, ~ Γ((ν−1)/2) of mean Σ_r|f (ν−1)/ν.
"""

from __future__ import annotations

from math import log, pi
from typing import Any, override

import numpy as np

from .noise import Noise


def wishart_freedom(repetitions: Any, quadratures: int) -> Any:
    """ν = R − 1 for each quadrature that is pooled."""
    return quadratures * (repetitions - 1)


def log_density_of_triples(value: Any, mean: Any, dof: Any, *, xp: Any = np, log_gamma: Any) -> tuple[Any, Any, Any]:
    """Log-densities (…, T) of V_read, V_feed and C, which add up to that of the triple.

    value, mean : V_read, V_feed, C, (…, T) each;  dof : (T,);  log_gamma : ln Γ
    """
    read, feed, covariance = value
    mean_read, mean_feed, mean_covariance = mean
    slope = mean_covariance / mean_feed
    rest, mean_rest = read - covariance**2 / feed, mean_read - mean_covariance * slope

    def gamma(x: Any, scale: Any, shape: Any) -> Any:
        return shape * xp.log(shape / scale) + (shape - 1) * xp.log(x) - shape * x / scale - log_gamma(shape)

    spread = feed * mean_rest / dof
    of_covariance = -0.5 * (log(2 * pi) + xp.log(spread) + (covariance - feed * slope) ** 2 / spread)
    of_read = gamma(rest, mean_rest * (dof - 1) / dof, 0.5 * (dof - 1))
    return of_read, gamma(feed, mean_feed, 0.5 * dof), of_covariance


class Wishart(Noise):
    """Two variances and the covariance of the same repetitions, (V_read, V_feed, C) one after the other: (…, 3T).

    The log-densities are the parts of that of a triple, −∞ where the mean is no covariance matrix.
    """

    family = "wishart"
    components = 3

    def scatter(self, mean: Any, spread: Any) -> np.ndarray:
        """Standard deviations of the values of triples (…, 3T)."""
        read, feed, covariance = _parts(mean)
        dof = wishart_freedom(np.asarray(spread)[..., ::3], self.quadratures)
        relative = np.sqrt(2 / dof)
        return _joined((read * relative, feed * relative, np.sqrt((read * feed + covariance**2) / dof)))

    def draw(self, rng: np.random.Generator, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        """Triples as measured, (…, 3T); NaN where the mean is no covariance matrix."""
        read, feed, covariance = _parts(mean)
        dof = np.broadcast_to(wishart_freedom(np.asarray(spread)[..., ::3], self.quadratures), feed.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = covariance / feed
            rest = read - covariance * slope
            possible = (feed > 0) & (rest > 0)
            rest = np.where(possible, rest, np.nan)
            drawn_feed = feed * rng.chisquare(dof) / dof
            drawn_covariance = drawn_feed * slope + np.sqrt(drawn_feed * rest / dof) * rng.standard_normal(feed.shape)
            drawn_read = rest * rng.chisquare(dof - 1) / dof + drawn_covariance**2 / drawn_feed
        drawn = (np.where(possible, part, np.nan) for part in (drawn_read, drawn_feed, drawn_covariance))
        return _joined(tuple(drawn))

    @override
    def density(self, value: Any, mean: Any, spread: Any, degrees_of_freedom: float) -> np.ndarray:
        from scipy.special import gammaln

        dof = wishart_freedom(np.asarray(spread)[..., ::3], self.quadratures)
        return _joined(log_density_of_triples(_parts(value), _parts(mean), dof, log_gamma=gammaln))


def _parts(triples: Any) -> tuple[Any, Any, Any]:
    array = np.asarray(triples)
    return array[..., ::3], array[..., 1::3], array[..., 2::3]


def _joined(parts: tuple[Any, ...]) -> np.ndarray:
    stacked = np.stack(np.broadcast_arrays(*parts), axis=-1)
    return stacked.reshape((*stacked.shape[:-2], -1))
