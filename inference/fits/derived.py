"""Derived quantities of draws: of runs, of kinds of stage, of the continuous measurement, of orientation tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...datasets import Experiment, Observation, StageEntry
from ...datasets.experiment import Label
from ...datasets.prediction import (
    added_values,
    find,
    initial_of,
    measurement_in,
    rates_of,
    stages_of,
    tested_populations,
)
from ...forward_models import Dynamics, Entanglement, InitialState, Stage, steady_state
from ...forward_models.light import (
    SUBLEVELS,
    ContinuousMeasurement,
    optimal_mode_rate,
    steady_conditional_xi,
    sublevel_orientation,
)
from ..model import Problem
from .predictive import by_speed, number_of

HORIZON = 4.0
"""The last stage is thought to go on until this multiple of the run's duration when entanglement is looked for."""
_RESOLUTION = 51


def excluded_observations(experiment: Experiment, values: Mapping[str, Any]) -> tuple[Observation, ...]:
    """Published numbers that are not fitted but that the fitted parameters predict."""
    return tuple(o for o in experiment.observations if o.excluded and _predicts(experiment, o, values))


def _predicts(experiment: Experiment, observation: Observation, values: Mapping[str, Any]) -> bool:
    """Whether all is known that a number depends on."""
    run, quantity = observation.run, observation.quantity
    about = experiment.constant.get(run)
    if about is not None:
        of_start = quantity in ("xi", "conditional_xi") and about.begins == "unknown"
        if of_start and str(Label("initial_xi", run)) not in values:
            return False
        measured = quantity in ("conditional_xi", "optimal_mode_rate")
        if measured and find(values, "detection_efficiency", experiment.member.get(run, "")) is None:
            return False
    return _predictable(experiment, run, values)


def _predictable(experiment: Experiment, run: str, values: Mapping[str, Any]) -> bool:
    """Whether all rates of a run's stages are parameters."""
    if run in experiment.unmodelled:
        return _own_rates(experiment, run, values)
    return all(_known(experiment, stage, values) for stage in experiment.run_stages(run))


def _own_rates(experiment: Experiment, run: str, values: Mapping[str, Any]) -> bool:
    """Whether γs, γextra and n_b of a run are parameters."""
    member, lights = experiment.member.get(run, ""), experiment.run_stages(run)[0].label
    return find(values, "swap_rate", member, lights) is not None


def _known(experiment: Experiment, stage: StageEntry, values: Mapping[str, Any]) -> bool:
    """Whether all rates of a stage are parameters: data of other runs leave Γ̃ open, calibration runs Γcol."""
    member = experiment.member.get(stage.run, "")
    names = ("dephasing_rate", "pure_dephasing_rate")
    dephasing = any(find(values, name, member, stage.label) is not None for name in names)
    return dephasing and find(values, "collision_rate", member) is not None


def derived_quantities(
    problem: Problem, values: Mapping[str, np.ndarray]
) -> dict[str, tuple[str, list[str], np.ndarray]]:
    """Derived quantities: name → (dim, entries, (draws, entries)).

    values : draws by label, (draws,) or a number, fixed parameters included

    For each run with the drive: xi_minimum, xi_minimum_time (ms), entanglement_duration (ms; the last stage goes on
    to four times the duration of the run; infinite beyond). For each kind of stage with the drive:
    steady_state_xi and threshold_optical_depth. For each with constant rates: transverse_decay_rate γ and
    optimal_mode_rate γm (ms⁻¹), and ξ of its steady state, unconditional_xi and steady_conditional_xi.
    """
    experiment = problem.experiment
    names = ("xi_minimum", "xi_minimum_time", "entanglement_duration")
    moving = [run for run in experiment.runs if run not in experiment.constant]
    runs = [run for run in moving if _predictable(experiment, run, values) and _driven(experiment, run)]
    derived = {}
    if runs:
        columns = np.empty((len(names), number_of(values), len(runs)))
        for k, run in enumerate(runs):
            for index, some in by_speed(experiment, values, [run], _RESOLUTION):
                row = _entanglement(experiment, run, some, problem.dynamics)
                columns[:, index, k] = [getattr(row, name) for name in names]
        derived = {name: ("run", runs, column) for name, column in zip(names, columns, strict=True)}
    rest = _steady_states(experiment, values) | _sublevels(experiment, values) | _measured(experiment, values)
    return derived | rest


def _measured(experiment: Experiment, values: Mapping[str, np.ndarray]) -> dict[str, tuple[str, list[str], np.ndarray]]:
    """Of each kind of stage with constant rates what the continuous measurement does to its steady state."""
    found: dict[str, ContinuousMeasurement] = {}
    of_label: dict[str, Any] = {}
    for run, about in experiment.constant.items():
        if not _predictable(experiment, run, values):
            continue
        member, lights = experiment.member.get(run, ""), experiment.run_stages(run)[0].label
        label, form = f"{member}: {lights}" if member else lights, (about.populations, experiment.run_depth.get(run))
        if of_label.setdefault(label, form) != form:  # the same lights, but other rates
            label = f"{label}, {run}"
        found[label] = measurement_in(experiment, run, values)
    if not found:
        return {}
    rows: dict[str, list[Any]] = {
        "transverse_decay_rate": [m.decay_rate for m in found.values()],
        "unconditional_xi": [m.unconditional_xi for m in found.values()],
    }
    if "detection_efficiency" in {Label.parse(label).name for label in values}:  # else no continuous measurement
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
        known = find(values, "initial_n3", member) is not None  # else all runs begin in their steady state
        state = steady_state(rates, initial_of(values, member) if known else InitialState(0.0, 0.0))
        states.append(state.xi)
        depths.append(state.threshold / rates.radiative_rate)
    if not states:
        return {}
    shape = np.broadcast_shapes(*(np.shape(s) for s in states))
    return {
        name: ("driven_lights", list(driven), np.stack([np.broadcast_to(row, shape) for row in rows], axis=-1))
        for name, rows in (("steady_state_xi", states), ("threshold_optical_depth", depths))
    }
