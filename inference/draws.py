"""Draws by label, and what follows from them in NumPy: predictions, log-likelihood, derived quantities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..datasets import Experiment, Observation
from ..datasets.stage_rates import initial_of, rates_of
from ..forward_models import NOISES, Closure, Entanglement, Stage, entanglement, steady_state
from .predictions import Predictions, fitted_observations, predict, stages_of
from .unknowns import Unknown

HORIZON = 4.0
"""The last stage is thought to go on until this multiple of the run's duration when entanglement is looked for."""
_RESOLUTION = 121
_GROUP = 500


def prior_draws(parameters: list[Unknown], number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws from the priors, label → (number,); fixed parameters included."""
    return {u.label: np.asarray(u.prior.quantile(rng.uniform(size=number)), float) for u in parameters}


def predict_draws(
    experiment: Experiment,
    values: Mapping[str, Any],
    closure: Closure,
    *,
    observations: tuple[Observation, ...] | None = None,
    accuracy: float,
) -> Predictions:
    """`predict` for many draws: in groups of similar speed, since the fastest of a group sets its integration grid."""
    parts, order = [], []
    for index, some in _by_speed(values):
        parts.append(predict(experiment, some, closure, observations=observations, accuracy=accuracy))
        order.append(index)
    back = np.argsort(np.concatenate(order))
    return Predictions(
        {s.name: np.concatenate([part.series[s.name] for part in parts])[back] for s in experiment.series},
        [
            np.concatenate(
                [np.broadcast_to(part.observations[k], len(i)) for part, i in zip(parts, order, strict=True)]
            )[back]
            for k in range(len(parts[0].observations))
        ],
    )


def _by_speed(values: Mapping[str, Any]) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """The draws in groups, slow ones first: which they are, and their values."""
    arrays = {label: v for label, v in values.items() if isinstance(v, np.ndarray) and v.ndim}
    speed = sum((v for label, v in arrays.items() if "rate" in label), start=np.zeros(1))
    order = np.argsort(np.broadcast_to(speed, max(len(v) for v in arrays.values())), kind="stable")
    for index in np.array_split(order, max(1, len(order) // _GROUP)):
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


def log_likelihood(experiment: Experiment, means: Predictions) -> dict[str, np.ndarray]:
    """Pointwise log-likelihood of the fitted data, variable → (draws, points)."""
    values = {}
    for series in experiment.series:
        use = series.fitted
        if use.any():
            density = NOISES[series.noise].log_density
            values[series.name] = density(
                series.value[use], means.series[series.name][:, use], series.spread[use], series.tail
            )
    observations = fitted_observations(experiment)
    if observations:
        value, sigma = (np.array([getattr(o, name) for o in observations]) for name in ("value", "sigma"))
        values["observations"] = NOISES["gaussian"].log_density(
            value, np.stack(means.observations, axis=-1), sigma, 0.0
        )
    return values


def excluded_observations(experiment: Experiment, values: Mapping[str, Any]) -> tuple[Observation, ...]:
    """Published numbers that are not fitted but that the fitted parameters predict."""
    return tuple(o for o in experiment.observations if o.excluded and _predictable(experiment, o.run, values))


def _predictable(experiment: Experiment, run: str, values: Mapping[str, Any]) -> bool:
    known = {label.split("[")[-1].rstrip("]") for label in values if "dephasing_rate[" in label}
    return all(stage.label in known for stage in experiment.run_stages(run))


def derived_quantities(
    experiment: Experiment, values: Mapping[str, np.ndarray], closure: Closure
) -> dict[str, tuple[str, list[str], np.ndarray]]:
    """Derived quantities: name → (dim, entries, (draws, entries)).

    For each run with the drive: xi_minimum, xi_minimum_time (ms), entanglement_duration (ms; the last stage goes on
    to four times the duration of the run; infinite beyond). For each kind of stage with the drive:
    steady_state_xi and threshold_optical_depth.
    """
    runs = [run for run in experiment.runs if _predictable(experiment, run, values) and _driven(experiment, run)]
    names = ("xi_minimum", "xi_minimum_time", "entanglement_duration")
    parts, order = [], []
    for index, some in _by_speed(values):
        rows = [_entanglement(experiment, run, some, closure) for run in runs]
        parts.append([np.stack([getattr(row, name) for row in rows], axis=-1) for name in names] if rows else [])
        order.append(index)
    back = np.argsort(np.concatenate(order))
    columns = [np.concatenate(column)[back] for column in zip(*parts, strict=True)]
    derived = {name: ("run", runs, column) for name, column in zip(names, columns, strict=False)}
    return derived | _steady_states(experiment, values)


def _entanglement(experiment: Experiment, run: str, values: Mapping[str, Any], closure: Closure) -> Entanglement:
    stages = stages_of(experiment, run, values)
    last = stages[-1]
    longer = last.duration + (HORIZON - 1) * experiment.duration(run)
    stages = [*stages[:-1], Stage(longer, last.rates)]
    return entanglement(stages, initial_of(values), closure, resolution=_RESOLUTION, accuracy=1e-6)


def _driven(experiment: Experiment, run: str) -> bool:
    return any("drive" in stage.lights for stage in experiment.run_stages(run))


def _steady_states(
    experiment: Experiment, values: Mapping[str, np.ndarray]
) -> dict[str, tuple[str, list[str], np.ndarray]]:
    driven = {
        stage.label: stage
        for stage in experiment.stages
        if "drive" in stage.lights and f"[{stage.label}]" in " ".join(v for v in values if "dephasing" in v)
    }
    states, depths = [], []
    for stage in driven.values():
        rates = rates_of(values, stage)
        state = steady_state(rates, initial_of(values))
        states.append(state.xi)
        depths.append(state.threshold / rates.radiative_rate)
    if not states:
        return {}
    shape = np.broadcast_shapes(*(np.shape(s) for s in states))
    return {
        name: ("driven_lights", list(driven), np.stack([np.broadcast_to(row, shape) for row in rows], axis=-1))
        for name, rows in (("steady_state_xi", states), ("threshold_optical_depth", depths))
    }


def quadrature_error(
    experiment: Experiment, values: Mapping[str, Any], closure: Closure, bounds: Any, accuracy: float
) -> float:
    """The largest error of the model's integration grid at (some of) the draws, in standard deviations of the data.

    Compared with the same predictions on a grid refined for these very draws.
    """
    some = {k: v[:: max(1, len(v) // 100)] if isinstance(v, np.ndarray) else v for k, v in values.items()}
    coarse = predict(experiment, some, closure, rate_bounds=bounds, accuracy=accuracy)
    fine = predict(experiment, some, closure, accuracy=1e-10)
    worst = 0.0
    for series in experiment.series:
        use = series.fitted
        if use.any():
            sigma = NOISES[series.noise].scatter(series.value[use], series.spread[use])
            difference = coarse.series[series.name][..., use] - fine.series[series.name][..., use]
            worst = max(worst, float(np.max(abs(difference) / sigma)))
    for observation, one, other in zip(
        fitted_observations(experiment), coarse.observations, fine.observations, strict=True
    ):
        worst = max(worst, float(np.max(abs(one - other)) / observation.sigma))
    return worst
