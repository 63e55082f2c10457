"""What is left out, predicted from the rest: by a fit without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..datasets import Experiment
from ..datasets.predictions import predict
from .data_points import DataPoint, data_points, without
from .draws import log_likelihood, prior_draws
from .fitting import sample_posterior
from .layout import complete
from .sampling import SamplerSettings
from .unknowns import ModelSettings, free, unknowns

_ACCURACY = 1e-6


def posterior_without(
    experiment: Experiment, settings: ModelSettings, sampler: SamplerSettings, left_out: Sequence[DataPoint]
) -> dict[str, Any]:
    """Draws by label (flat) of all parameters, from a fit of everything else.

    A parameter on which nothing else depends (the scale of a series that is left out) is drawn from its prior.
    """
    sampled = sample_posterior(without(experiment, left_out), settings, sampler)
    parameters = unknowns(experiment, settings)
    missing = [u.label for u in free(parameters) if u.label not in sampled.by_label]
    values = {label: draws.reshape(-1) for label, draws in sampled.by_label.items()}
    if missing:
        count, rng = len(next(iter(values.values()))), np.random.default_rng([sampler.seed, 11])
        drawn = prior_draws(experiment, settings, parameters, count, rng)
        values |= {label: drawn[label] for label in missing}
    wanted = {u.label for u in free(parameters)}
    return complete(experiment, parameters, {label: v for label, v in values.items() if label in wanted})


def log_predictive_density(
    experiment: Experiment, settings: ModelSettings, sampler: SamplerSettings, left_out: Sequence[DataPoint]
) -> tuple[float, float]:
    """Ln p(left out | everything else), of all points left out together, and how many draws the average rests on."""
    values = posterior_without(experiment, settings, sampler, left_out)
    density = log_likelihood(experiment, predict(experiment, values, settings.dynamics, accuracy=_ACCURACY))
    total: Any = sum(density[point.series][..., point.number] for point in left_out)
    total = np.ravel(total)
    weights = np.exp(total - total.max())
    return float(total.max() + np.log(weights.mean())), float(weights.sum() ** 2 / (weights**2).sum())


def points_of(experiment: Experiment, columns: Sequence[int]) -> list[DataPoint]:
    """Some of the points, by their place among all."""
    points = data_points(experiment)
    return [points[k] for k in columns]
