"""Is the model's integration grid fine enough for the draws that came out?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.prediction import expected, fitted_observations, moving_runs
from ...forward_models import NOISES, Dynamics
from .predictive import by_speed, number_of, times_of

_CHECKED_DRAWS = 100
_MOST_DRAWS = 0.95
_FINE = 1e-8
"""Relative accuracy of what the model's own grid is compared with: far below its limit of 1e-3 standard deviations."""


def quadrature_error(
    experiment: Experiment, values: Mapping[str, Any], dynamics: Dynamics, bounds: Any, accuracy: float
) -> float:
    """Error of the model's integration grid that 19 of 20 draws stay below, in standard deviations of the data.

    Compared with the same predictions on a grid refined for these very draws, for about a hundred of them: their
    largest error would depend on which hundred, where a rate that the data leave open has a long tail.
    """
    step = max(1, number_of(values) // _CHECKED_DRAWS)
    few = {k: v[::step] if isinstance(v, np.ndarray) and v.ndim else v for k, v in values.items()}
    groups = by_speed(experiment, few, moving_runs(experiment), times_of(experiment))
    errors = [_group_errors(experiment, some, len(index), dynamics, bounds, accuracy) for index, some in groups]
    return float(np.quantile(np.concatenate(errors), _MOST_DRAWS, method="higher"))


def _group_errors(
    experiment: Experiment, values: Mapping[str, Any], draws: int, dynamics: Dynamics, bounds: Any, accuracy: float
) -> np.ndarray:
    """The largest error of any data point, for each draw."""
    coarse = expected(experiment, values, dynamics, rate_bounds=bounds, accuracy=accuracy)
    fine = expected(experiment, values, dynamics, accuracy=_FINE)
    worst = np.zeros(draws)
    for series in experiment.series:
        use = series.fitted
        if use.any():
            sigma = NOISES[series.noise].scatter(series.value[use], series.spread[use])
            difference = coarse.series[series.name][..., use] - fine.series[series.name][..., use]
            worst = np.maximum(worst, (abs(difference) / sigma).max(axis=-1))
    for observation, one, other in zip(
        fitted_observations(experiment), coarse.observations, fine.observations, strict=True
    ):
        worst = np.maximum(worst, abs(one - other) / observation.sigma)
    return worst
