"""The data that are fitted, in one list: each series, and the published numbers together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...forward_models import NOISES
from ...forward_models.noise import Autoregression, GivenCorrelation, NoiseCorrelation
from ..experiment import Experiment, Label, Series
from ..kinds import column
from .expected import Predictions, fitted_observations
from .rates import Values

NUMBERS = "observations"
"""What all published numbers together are called, in the model and in a fit."""


@dataclass(frozen=True)
class FittedData:
    """The fitted values of a series, or of all published numbers together, whose noise is Gaussian.

    name, dim : in the model and in a fit;  at (T,): where each was measured, or which number it is
    value (T,), spread (T,), degrees_of_freedom : as in `Series`;  noise : one of `NOISES`
    series : whose values these are; None for published numbers
    correlation : of Gaussian noise from point to point; None where the noise of each point is its own
    """

    name: str
    dim: str
    at: Any
    value: np.ndarray
    spread: np.ndarray
    noise: Any = NOISES["gaussian"]
    degrees_of_freedom: float = 0.0
    series: Series | None = None
    correlation: NoiseCorrelation | None = None

    def mean(self, expected: Predictions) -> np.ndarray:
        """The expected values, (…, T), from those of the whole experiment."""
        if self.series is None:
            return np.stack(np.broadcast_arrays(*expected.observations), axis=-1)
        return np.asarray(expected.series[self.name][..., self.series.fitted])

    def conditional(self, value: Any, mean: Any, spread: Any, values: Values) -> tuple[Any, Any]:
        """Mean and standard deviation (…, T) of each correlated value given those before it; may be symbolic.

        values : parameters by label
        """
        sigma = self.noise.scatter(mean, spread)
        centre, width = self._correlated.conditional((value - mean) / sigma, self._rho(values))
        return mean + sigma * centre, sigma * width

    def draw(self, rng: np.random.Generator, mean: np.ndarray, values: Values) -> np.ndarray:
        """Noisy values of the shape of `mean` (…, T), at these parameters."""
        if self.correlation is None:
            return np.asarray(self.noise.draw(rng, mean, self.spread, self.degrees_of_freedom))
        noise = self.correlation.colour(rng.standard_normal(np.shape(mean)), self._rho(values))
        return np.asarray(mean + self.noise.scatter(mean, self.spread) * noise)

    def log_density(self, mean: np.ndarray, values: Values) -> np.ndarray:
        """Log-density (…, T) of each value; of correlated ones given those before it."""
        if self.correlation is None:
            return np.asarray(self.noise.log_density(self.value, mean, self.spread, self.degrees_of_freedom))
        with np.errstate(divide="ignore", invalid="ignore"):
            centre, width = self.conditional(self.value, mean, self.spread, values)
            density = NOISES["gaussian"].density(self.value, centre, width, 0.0)
        return np.where(np.isnan(density), -np.inf, density) if self.noise.of_variances else density

    def whiten(self, scaled: np.ndarray, values: Values) -> np.ndarray:
        """Residuals over their standard deviations (…, T) as independent ones; as they are without correlation."""
        if self.correlation is None:
            return scaled
        return np.asarray(self.correlation.whiten(scaled, self._rho(values)))

    @property
    def _correlated(self) -> NoiseCorrelation:
        assert self.correlation is not None
        return self.correlation

    def _rho(self, values: Values) -> Any:
        return column(values.get(str(Label("noise_correlation", self.name))))


def data_of_series(series: Series, use: np.ndarray) -> FittedData:
    """Some points (T,) of a series."""
    correlation = _correlation(series, use) if series.correlated else None
    data = series.x[use], series.value[use], series.spread[use]
    return FittedData(series.name, series.dim, *data, NOISES[series.noise], series.tail, series, correlation)


def _correlation(series: Series, use: np.ndarray) -> NoiseCorrelation:
    """A step is the usual one between neighbours of all points of the series, those that are not fitted included."""
    if series.covariance is not None:
        sigma = series.spread[use]
        return GivenCorrelation(series.covariance[np.ix_(use, use)] / np.outer(sigma, sigma))
    place = series.x if series.taken is None or series.noise_correlation == "time" else series.taken
    chain = series.component_numbers
    steps = np.concatenate([np.diff(np.sort(place[chain == k])) for k in np.unique(chain)])
    return Autoregression.of(place[use], chain[use], float(np.median(steps)))


def whitened(experiment: Experiment, scaled: Mapping[str, np.ndarray], values: Values) -> dict[str, np.ndarray]:
    """Residuals over their standard deviations by series, (…, T) each, as independent ones where they are correlated.

    values : one value of each parameter, by label; others than fitted series stay as they are
    """
    correlated = (s for s in experiment.series if s.correlated and s.name in scaled)
    data = {s.name: data_of_series(s, s.fitted) for s in correlated}
    return {name: data[name].whiten(array, values) if name in data else array for name, array in scaled.items()}


def fitted_data(experiment: Experiment) -> list[FittedData]:
    """The data that enter the likelihood, but for records: series in their order, then published numbers."""
    found = []
    for s in experiment.series:
        if s.fitted.any():
            found.append(data_of_series(s, s.fitted))
    if numbers := fitted_observations(experiment):
        value, sigma = (np.array([getattr(o, name) for o in numbers]) for name in ("value", "sigma"))
        found.append(FittedData(NUMBERS, "observation", [o.label for o in numbers], value, sigma))
    return found
