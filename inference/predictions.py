"""What the model predicts for each series and published number, for NumPy draws and PyTensor graphs alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..datasets import Experiment, Observation, Series
from ..datasets.experiment import DECAY_TIMES, VARIANCES
from ..datasets.stage_rates import initial_of, rates_of
from ..forward_models import (
    OBSERVABLES,
    Closure,
    InitialState,
    RateBounds,
    Stage,
    Trajectory,
    evolve,
    polarization_decay_time,
    transverse_spin_decay_time,
)

Values = Mapping[str, Any]
_DECAY = dict(zip(DECAY_TIMES, (polarization_decay_time, transverse_spin_decay_time), strict=True))


@dataclass(frozen=True)
class Predictions:
    """Expected values of the data: (…, T) a series, (…) a published number."""

    series: dict[str, Any]
    observations: list[Any]


def predict(
    experiment: Experiment,
    values: Values,
    closure: Closure,
    *,
    times: Mapping[str, np.ndarray] | None = None,
    observations: tuple[Observation, ...] | None = None,
    rate_bounds: Mapping[str, RateBounds] | None = None,
    accuracy: float = 1e-9,
    xp: Any = np,
) -> Predictions:
    """Expected values, calibration errors included (observed = scale × model + offset).

    values : parameters by label; numbers, arrays of one value a draw, or symbolic
    times : for each series where to predict; by default at its own times
    observations : by default those of the experiment that are fitted
    rate_bounds : by run; needed for symbolic values
    """
    wanted = fitted_observations(experiment) if observations is None else observations
    at = {series.name: series.time if times is None else times[series.name] for series in experiment.series}
    initial = initial_of(values)
    by_run: dict[str, _RunPrediction] = {}
    for run in experiment.runs:
        points = [at[s.name] for s in experiment.series if s.run == run]
        points += [np.array([o.time]) for o in wanted if o.run == run and o.quantity in OBSERVABLES]
        if not points:
            continue
        grid = np.unique(np.concatenate(points))
        bounds = None if rate_bounds is None else rate_bounds[run]
        stages = stages_of(experiment, run, values)
        trajectory = evolve(stages, grid, initial, closure, rate_bounds=bounds, accuracy=accuracy, xp=xp)
        by_run[run] = _RunPrediction(grid, trajectory)
    return Predictions(
        {s.name: _series(s, at[s.name], by_run[s.run], experiment, values) for s in experiment.series},
        [_observation(o, by_run, experiment, values, initial) for o in wanted],
    )


@dataclass(frozen=True)
class _RunPrediction:
    grid: np.ndarray
    trajectory: Trajectory

    def at(self, kind: str, times: np.ndarray) -> Any:
        """The observable at some of the times of the grid."""
        return getattr(self.trajectory, kind)[..., np.searchsorted(self.grid, times)]


def _series(series: Series, times: np.ndarray, run: _RunPrediction, experiment: Experiment, values: Values) -> Any:
    mean = run.at(series.kind, times)
    if series.kind in VARIANCES and not series.efficiency_in_scale:
        assumed = experiment.apparatus["detection_efficiency"].value
        limit = _column(values["squeezing_limit"])
        mean = limit + _column(values["detection_efficiency"]) / assumed * (mean - limit)
    scale, offset = values.get(f"scale[{series.name}]"), values.get(f"offset[{series.name}]")
    mean = mean if scale is None else _column(scale) * mean
    return mean if offset is None else mean + _column(offset)


def _observation(
    observation: Observation,
    runs: dict[str, _RunPrediction],
    experiment: Experiment,
    values: Values,
    initial: InitialState,
) -> Any:
    if observation.quantity in DECAY_TIMES:
        stage = stages_of(experiment, observation.run, values)[0]
        mean = _DECAY[observation.quantity](stage.rates, initial)
    else:
        mean = runs[observation.run].at(observation.quantity, np.array([observation.time]))[..., 0]
    if observation.scale_uncertainty:
        mean = mean * values.get(f"scale[{observation.shared_scale or observation.label}]", 1.0)
    return mean


def _column(value: Any) -> Any:
    """Draws (n,) as (n, 1), to go with (n, T); anything else as it is."""
    return value[:, None] if isinstance(value, np.ndarray) and value.ndim == 1 else value


def fitted_observations(experiment: Experiment) -> tuple[Observation, ...]:
    """The published numbers that enter the likelihood."""
    return tuple(o for o in experiment.observations if not o.excluded)


def stages_of(experiment: Experiment, run: str, values: Values) -> list[Stage]:
    """The stages of a run with the rates that `values` give."""
    depth = experiment.run_depth.get(run, 1.0)
    return [Stage(entry.duration, rates_of(values, entry, depth)) for entry in experiment.run_stages(run)]
