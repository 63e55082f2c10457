"""Draws by label, and what follows from them in NumPy: predictions, log-likelihood, derived quantities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..datasets import Experiment, Observation
from ..datasets.experiment import StageEntry
from ..datasets.predictions import (
    Predictions,
    fitted_observations,
    moving_runs,
    predict,
    record_log_likelihood,
    tested_populations,
)
from ..datasets.run_state import added_values, measurement_in, stages_of
from ..datasets.stage_rates import find, initial_of, rates_of
from ..forward_models import NOISES, Dynamics, Entanglement, Stage, speed, steady_state
from ..forward_models.conditional import optimal_mode_rate, steady_conditional_xi
from ..forward_models.orientation_beat import SUBLEVELS, sublevel_orientation
from ..forward_models.record_likelihood import grouped
from .correlated_priors import correlated
from .layout import complete
from .model_settings import ModelSettings
from .unknowns import Unknown

HORIZON = 4.0
"""The last stage is thought to go on until this multiple of the run's duration when entanglement is looked for."""
_RESOLUTION = 51
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
    experiment: Experiment, settings: ModelSettings, parameters: list[Unknown], number: int, rng: np.random.Generator
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
        all_means = predict(experiment, some, dynamics, observations=(*fitted, *unfitted), accuracy=accuracy)
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
            predict(experiment, some, dynamics, accuracy=accuracy), len(index), len(fitted_observations(experiment))
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


def excluded_observations(experiment: Experiment, values: Mapping[str, Any]) -> tuple[Observation, ...]:
    """Published numbers that are not fitted but that the fitted parameters predict."""
    return tuple(o for o in experiment.observations if o.excluded and _predictable(experiment, o.run, values))


def _predictable(experiment: Experiment, run: str, values: Mapping[str, Any]) -> bool:
    """Whether all rates of a run's stages are parameters."""
    return all(_known(experiment, stage, values) for stage in experiment.run_stages(run))


def _known(experiment: Experiment, stage: StageEntry, values: Mapping[str, Any]) -> bool:
    """Whether all rates of a stage are parameters: data of other runs leave Γ̃ open, calibration runs Γcol."""
    member = experiment.member.get(stage.run, "")
    names = ("dephasing_rate", "pure_dephasing_rate")
    dephasing = any(find(values, name, member, stage.label) is not None for name in names)
    return dephasing and find(values, "collision_rate", member) is not None


def derived_quantities(
    experiment: Experiment, values: Mapping[str, np.ndarray], dynamics: Dynamics
) -> dict[str, tuple[str, list[str], np.ndarray]]:
    """Derived quantities: name → (dim, entries, (draws, entries)).

    For each run with the drive: xi_minimum, xi_minimum_time (ms), entanglement_duration (ms; the last stage goes on
    to four times the duration of the run; infinite beyond). For each kind of stage with the drive:
    steady_state_xi and threshold_optical_depth. For each with constant rates: transverse_decay_rate γ and
    optimal_mode_rate γm (ms⁻¹), and ξ of its steady state, unconditional_xi and steady_conditional_xi.
    """
    names = ("xi_minimum", "xi_minimum_time", "entanglement_duration")
    moving = [run for run in experiment.runs if run not in experiment.constant]
    runs = [run for run in moving if _predictable(experiment, run, values) and _driven(experiment, run)]
    derived = {}
    if runs:
        columns = np.empty((len(names), number_of(values), len(runs)))
        for k, run in enumerate(runs):
            for index, some in by_speed(experiment, values, [run], _RESOLUTION):
                row = _entanglement(experiment, run, some, dynamics)
                columns[:, index, k] = [getattr(row, name) for name in names]
        derived = {name: ("run", runs, column) for name, column in zip(names, columns, strict=True)}
    rest = _steady_states(experiment, values) | _sublevels(experiment, values) | _measured(experiment, values)
    return derived | rest


def _measured(experiment: Experiment, values: Mapping[str, np.ndarray]) -> dict[str, tuple[str, list[str], np.ndarray]]:
    """Of each kind of stage with constant rates what the continuous measurement does to its steady state."""
    found = {}
    for run in experiment.constant:
        member, lights = experiment.member.get(run, ""), experiment.run_stages(run)[0].label
        stage = experiment.run_stages(run)[0]
        known = find(values, "swap_rate", member, lights) is not None
        if known if run in experiment.unmodelled else _known(experiment, stage, values):
            found[f"{member}: {lights}" if member else lights] = measurement_in(experiment, run, values)
    if not found:
        return {}
    rows: dict[str, list[Any]] = {
        "transverse_decay_rate": [m.decay_rate for m in found.values()],
        "unconditional_xi": [m.unconditional_xi for m in found.values()],
    }
    if any(label.startswith("detection_efficiency") for label in values):  # else nothing was measured continuously
        rows["optimal_mode_rate"] = [optimal_mode_rate(m) for m in found.values()]
        rows["steady_conditional_xi"] = [steady_conditional_xi(m) for m in found.values()]
    number = number_of(values)
    return {
        name: (
            "measured_lights",
            list(found),
            np.stack([np.broadcast_to(np.ravel(c), number) for c in columns], axis=-1),
        )
        for name, columns in rows.items()
    }


def _sublevels(
    experiment: Experiment, values: Mapping[str, np.ndarray]
) -> dict[str, tuple[str, list[str], np.ndarray]]:
    """Populations of the sub-levels of F = 4 and the orientation that orientation tests show."""
    entries, populations, orientations = [], [], []
    for series in experiment.series:
        if series.kind == "orientation_beat" and series.fitted.any():
            found = tested_populations(experiment, series, values)
            entries += [f"{series.name}: {m}" for m in SUBLEVELS]
            populations += found
            orientations.append((series.name, sublevel_orientation(found)))
    if not entries:
        return {}
    return {
        "sublevel_population": ("sublevel", entries, np.stack(populations, axis=-1)),
        "tested_orientation": (
            "orientation_test", [n for n, _ in orientations], np.stack([o for _, o in orientations], axis=-1)
        ),
    }  # fmt: skip


def _entanglement(experiment: Experiment, run: str, values: Mapping[str, Any], dynamics: Dynamics) -> Entanglement:
    stages = stages_of(experiment, run, values)
    last = stages[-1]
    longer = last.duration + (HORIZON - 1) * experiment.duration(run)
    stages = [*stages[:-1], Stage(longer, last.rates)]
    initial = initial_of(values, experiment.member.get(run, ""))
    added = added_values(dynamics, values, experiment.member.get(run, ""))
    return dynamics.entanglement(stages, initial, added, resolution=_RESOLUTION, accuracy=1e-6)


def _driven(experiment: Experiment, run: str) -> bool:
    return any("drive" in stage.lights for stage in experiment.run_stages(run))


def _steady_states(
    experiment: Experiment, values: Mapping[str, np.ndarray]
) -> dict[str, tuple[str, list[str], np.ndarray]]:
    driven: dict[str, StageEntry] = {}
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        if "drive" in stage.lights and _known(experiment, stage, values):
            driven.setdefault(f"{member}: {stage.label}" if member else stage.label, stage)
    states, depths = [], []
    for stage in driven.values():
        member = experiment.member.get(stage.run, "")
        rates = rates_of(values, stage, member=member)
        state = steady_state(rates, initial_of(values, member))
        states.append(state.xi)
        depths.append(state.threshold / rates.radiative_rate)
    if not states:
        return {}
    shape = np.broadcast_shapes(*(np.shape(s) for s in states))
    return {
        name: ("driven_lights", list(driven), np.stack([np.broadcast_to(row, shape) for row in rows], axis=-1))
        for name, rows in (("steady_state_xi", states), ("threshold_optical_depth", depths))
    }
