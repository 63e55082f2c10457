"""What is left out, predicted from the rest: by a fit without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..datasets import Experiment
from ..datasets.predictions import predict
from .data_points import DataPoint, without
from .diagnostics import summarise, verdict
from .draws import log_likelihood, prior_draws
from .fitting import sample_posterior
from .layout import complete
from .model_settings import ModelSettings
from .sampling import SamplerSettings
from .unknowns import entries, free, unknowns

_ACCURACY = 1e-6
_MORE = (4, 2)
"""Factors on draws and tuning where the first draws are too few."""


@dataclass(frozen=True)
class FitOfTheRest:
    """values : draws by label, flat, of all parameters of the whole, fixed ones included

    from_prior : labels of those that the rest does not have, drawn from their priors;  healthy : of the sampling
    """

    values: dict[str, Any]
    from_prior: tuple[str, ...]
    healthy: bool


def fit_of_the_rest(
    whole: Experiment, settings: ModelSettings, rest: Experiment, sampler: SamplerSettings
) -> FitOfTheRest:
    """A fit of `rest`, an experiment with a part of the data of `whole`; again with more draws where they are few."""
    experiment, reduced = _without_unused(rest, settings)
    for draws, tune in ((1, 1), _MORE):
        longer = replace(sampler, draws=draws * sampler.draws, tune=tune * sampler.tune)
        found = sample_posterior(experiment, reduced, longer)
        rows = summarise(found.by_label, found.unknown)
        healthy = verdict(rows, found.drawn.statistics, found.quadrature_error).healthy
        if healthy:
            break
    parameters = unknowns(whole, settings)
    labels = [u.label for u in free(parameters)]
    drawn = {u.label: found.by_label[u.label].reshape(-1) for u in found.unknown}
    missing = tuple(label for label in labels if label not in drawn)
    number, rng = next(iter(drawn.values())).size, np.random.default_rng([sampler.seed, 5])
    prior = prior_draws(whole, settings, parameters, number, rng) if missing else {}
    values = {label: drawn[label] if label in drawn else prior[label] for label in labels}
    return FitOfTheRest(complete(whole, parameters, values), missing, healthy)


def _without_unused(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Without the priors of parameters that the model of fewer data does not have."""
    present = {word for name, index, _ in entries(experiment, settings) for word in (name, f"{name}[{index}]")}
    kept = {key: text for key, text in experiment.priors.items() if key in present}
    stated = {key: text for key, text in settings.priors.items() if key in present}
    return replace(experiment, priors=kept), replace(settings, priors=stated)


def log_predictive_density(
    experiment: Experiment, settings: ModelSettings, sampler: SamplerSettings, left_out: Sequence[DataPoint]
) -> tuple[float, float]:
    """Ln p(left out | everything else), of all points left out together, and how many draws the average rests on."""
    values = fit_of_the_rest(experiment, settings, without(experiment, left_out), sampler).values
    density = log_likelihood(experiment, predict(experiment, values, settings.dynamics, accuracy=_ACCURACY))
    total = np.ravel(sum(density[point.series][..., point.number] for point in left_out))
    weights = np.exp(total - total.max())
    return float(total.max() + np.log(weights.mean())), float(weights.sum() ** 2 / (weights**2).sum())
