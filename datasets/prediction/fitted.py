"""The data that are fitted, in one list: each series, and the published numbers together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...forward_models import NOISES
from ..experiment import Experiment, Series
from .expected import Predictions, fitted_observations


@dataclass(frozen=True)
class FittedData:
    """The fitted values of a series, or of all published numbers together, whose noise is Gaussian.

    name, dim : in the model and in a fit;  at (T,): where each was measured, or which number it is
    value (T,), spread (T,), degrees_of_freedom : as in `Series`;  noise : one of `NOISES`
    series : whose values these are; None for published numbers
    """

    name: str
    dim: str
    at: Any
    value: np.ndarray
    spread: np.ndarray
    noise: Any = NOISES["gaussian"]
    degrees_of_freedom: float = 0.0
    series: Series | None = None

    def mean(self, expected: Predictions) -> np.ndarray:
        """The expected values, (…, T), from those of the whole experiment."""
        if self.series is None:
            return np.stack(np.broadcast_arrays(*expected.observations), axis=-1)
        return np.asarray(expected.series[self.name][..., self.series.fitted])


def fitted_data(experiment: Experiment) -> list[FittedData]:
    """The data that enter the likelihood, but for records: series in their order, then published numbers."""
    found = []
    for s in experiment.series:
        if s.fitted.any():
            data = s.fitted_x, s.value[s.fitted], s.spread[s.fitted]
            found.append(FittedData(s.name, s.dim, *data, NOISES[s.noise], s.tail, s))
    if numbers := fitted_observations(experiment):
        value, sigma = (np.array([getattr(o, name) for o in numbers]) for name in ("value", "sigma"))
        found.append(FittedData("observations", "observation", [o.label for o in numbers], value, sigma))
    return found
