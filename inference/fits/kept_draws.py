"""For which draws predictions are kept: all, or with large data an evenly thinned part, so that files stay small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.prediction import fitted_observations

MOST_NUMBERS = 10**7
"""At most so many numbers in one of the groups posterior_predictive, prior_predictive and log_likelihood (80 MB)."""


@dataclass(frozen=True)
class KeptDraws:
    """Every `step`-th draw of each chain, from the first on."""

    chains: int
    draws: int
    step: int

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of the kept draws, within their chain."""
        return np.arange(0, self.draws, self.step)

    def of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The kept ones of arrays (chains × draws); what is no array stays as it is."""
        if self.step == 1:
            return dict(values)
        return {
            label: v.reshape(self.chains, self.draws)[:, :: self.step].ravel() if np.ndim(v) else v
            for label, v in values.items()
        }

    def by_chain(self, array: np.ndarray) -> np.ndarray:
        """An array (kept draws of all chains, points) as (chain, draw, points)."""
        return array.reshape(self.chains, len(self.numbers), -1)


def kept_draws(experiment: Experiment, chains: int, draws: int) -> KeptDraws:
    """As many draws as `MOST_NUMBERS` allows, at least one a chain."""
    points = sum(int(series.fitted.sum()) for series in experiment.series) + len(fitted_observations(experiment))
    most = max(1, MOST_NUMBERS // (chains * max(points, 1)))
    return KeptDraws(chains, draws, -(-draws // most))
