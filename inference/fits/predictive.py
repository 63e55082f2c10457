"""Draws by label, and what follows from them in NumPy: predictions, log-likelihood, derived quantities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Experiment, Observation
from ...datasets.prediction import (
    Predictions,
    expected,
    fitted_observations,
    moving_runs,
    record_log_likelihood,
    stages_of,
)
from ...forward_models import NOISES, Dynamics, speed
from ...forward_models.light import grouped
from ..model import ModelParameter, ModelSettings, complete, correlated

_GROUP = 2**15
"""Draws × times that are evaluated together: arrays of this size stay in a core's cache, memory in bounds."""
_FEWEST_TIMES = 30
"""What few times cost: the integration grid between them."""


@dataclass(frozen=True)
class Predicted:
    """What draws predict, by variable, (draws, points): data with noise, log-likelihood of the fitted data; and

    unfitted : expected values of published numbers that are not fitted, (draws, numbers)
    """

    noisy: dict[str, np.ndarray]
    log_likelihood: dict[str, np.ndarray]
    unfitted: np.ndarray


def prior_draws(
    experiment: Experiment,
    settings: ModelSettings,
    parameters: list[ModelParameter],
    number: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draws from the priors, label → (number,); fixed parameters and members of populations included."""
    draws = {u.label: np.asarray(u.prior.quantile(rng.uniform(size=number)), float) for u in parameters}
    together = correlated(experiment, settings, parameters)
    if together is not None:
        priors = dict(zip(together.labels, together.priors, strict=True))
        for label, score in together.scores(number, rng).items():
            draws[label] = np.asarray(priors[label].of_score(score), float)
    return complete(experiment, [], draws)


def predicted(
    experiment: Experiment,
    values: Mapping[str, Any],
    dynamics: Dynamics,
    rng: np.random.Generator,
    *,
    accuracy: float,
    unfitted: tuple[Observation, ...] = (),
    likelihood: bool = True,
) -> Predicted:
    """Everything that needs the forward model at the draws, evaluated once, in groups: means take no memory.

    `likelihood`: draws from the prior need none, and have none where they make a variance negative.
    """
    fitted = fitted_observations(experiment)
    found: dict[str, dict[str, np.ndarray]] = {"noisy": {}, "likelihood": {}, "unfitted": {}}
    number = number_of(values)
    for index, some in by_speed(experiment, values, moving_runs(experiment), times_of(experiment)):
        all_means = expected(experiment, some, dynamics, observations=(*fitted, *unfitted), accuracy=accuracy)
        means, others = _of_draws(all_means, len(index), len(fitted))
        parts = {
            "noisy": noisy(experiment, means, rng),
            "likelihood": log_likelihood(experiment, means, some, dynamics) if likelihood else {},
            "unfitted": {"": others},
        }
        for kind, arrays in parts.items():
            for name, array in arrays.items():
                whole = found[kind].setdefault(name, np.empty((number, array.shape[-1])))
                whole[index] = array
    return Predicted(found["noisy"], found["likelihood"], found["unfitted"][""])


def _of_draws(means: Predictions, draws: int, fitted: int) -> tuple[Predictions, np.ndarray]:
    """Means with an axis for the draws also where nothing varies; those of unfitted numbers apart."""
    series = {name: np.broadcast_to(mean, (draws, np.shape(mean)[-1])) for name, mean in means.series.items()}
    numbers = [np.broadcast_to(mean, draws) for mean in means.observations]
    others = np.stack(numbers[fitted:], axis=-1) if numbers[fitted:] else np.empty((draws, 0))
    return Predictions(series, numbers[:fitted]), others


def times_of(experiment: Experiment) -> int:
    """How many numbers there are for each draw: values of series, powers that the likelihood of records needs."""
    return sum(len(series.x) for series in experiment.series) + sum(2 * record.length for record in experiment.records)


def number_of(values: Mapping[str, Any]) -> int:
    """How many draws there are."""
    return max(len(v) for v in values.values() if isinstance(v, np.ndarray) and v.ndim)


def by_speed(
    experiment: Experiment, values: Mapping[str, Any], runs: Sequence[str], times: int
) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """The draws in groups, slow ones first: which they are, and their values.

    The fastest draw of a group sets its integration grid. `times`: how many times each draw is evaluated at.
    """
    arrays = {label: v for label, v in values.items() if isinstance(v, np.ndarray) and v.ndim}
    pace = sum((speed(stages_of(experiment, run, values)) for run in runs), start=np.zeros(1))
    order = np.argsort(np.broadcast_to(pace, number_of(values)), kind="stable")
    for index in np.array_split(order, -(-len(order) * max(times, _FEWEST_TIMES) // _GROUP)):
        yield index, {label: v[index] if label in arrays else v for label, v in values.items()}


def noisy(experiment: Experiment, means: Predictions, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Predictive draws of the fitted data: means with noise, variable → (draws, points)."""
    drawn = {}
    for series in experiment.series:
        use = series.fitted
        if use.any():
            mean = means.series[series.name][:, use]
            drawn[series.name] = NOISES[series.noise].draw(rng, mean, series.spread[use], series.tail)
    observations = fitted_observations(experiment)
    if observations:
        sigma = np.array([o.sigma for o in observations])
        drawn["observations"] = rng.normal(np.stack(means.observations, axis=-1), sigma)
    return drawn


def total_log_likelihood(
    experiment: Experiment, values: Mapping[str, Any], dynamics: Dynamics, *, accuracy: float
) -> np.ndarray:
    """Log-likelihood of all fitted data together, (draws,), in groups of draws."""
    total = np.empty(number_of(values))
    for index, some in by_speed(experiment, values, moving_runs(experiment), times_of(experiment)):
        means, _ = _of_draws(
            expected(experiment, some, dynamics, accuracy=accuracy), len(index), len(fitted_observations(experiment))
        )
        parts = log_likelihood(experiment, means, some, dynamics)
        total[index] = sum(array.sum(axis=-1) for array in parts.values())
    return total


def log_likelihood(
    experiment: Experiment, means: Predictions, values: Mapping[str, Any], dynamics: Dynamics
) -> dict[str, np.ndarray]:
    """Pointwise log-likelihood of the fitted data at some draws, variable → (draws, points); of records by group."""
    found = {}
    for series in experiment.series:
        use = series.fitted
        if use.any():
            density = NOISES[series.noise].log_density
            found[series.name] = density(
                series.value[use], means.series[series.name][:, use], series.spread[use], series.tail
            )
    observations = fitted_observations(experiment)
    if observations:
        value, sigma = (np.array([getattr(o, name) for o in observations]) for name in ("value", "sigma"))
        found["observations"] = NOISES["gaussian"].log_density(value, np.stack(means.observations, axis=-1), sigma, 0.0)
    for record in experiment.records:
        if record.fitted.any():
            sums = grouped(record.group_sums)
            found[record.name] = record_log_likelihood(experiment, record, values, dynamics, sums)
    return found
