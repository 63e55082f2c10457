"""Derived quantities of draws: of runs, of kinds of stage, of the continuous measurement, of orientation tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets import Experiment, Observation, StageEntry
from ...datasets.experiment import Label, shift_by_probe
from ...datasets.kinds import KINDS
from ...datasets.prediction import (
    Evolution,
    added_values,
    evaluated,
    evolution,
    find,
    initial_of,
    measurement_in,
    rates_of,
    stages_of,
    tested_populations,
)
from ...forward_models import Dynamics, Entanglement, InitialState, Stage, evolve, has_sixteen_levels, steady_state
from ...forward_models.light import (
    SUBLEVELS,
    ContinuousMeasurement,
    optimal_mode_rate,
    steady_conditional_xi,
    sublevel_orientation,
)
from ...forward_models.sixteen_level import QUADRATIC_ZEEMAN, eight_coherences_xi
from ..model import Problem
from .predictive import by_speed, number_of

HORIZON = 4.0
"""The last stage is thought to go on until this multiple of the run's duration when entanglement is looked for."""
_RESOLUTION = 51
_MOMENTS, _COARSE = 41, 1.0
"""Times at which all eight coherences are asked for, and the step of their integration: an error of ξ of 2e-6."""


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
    """Whether all rates of a run are parameters."""
    if run in experiment.unmodelled:
        member, lights = experiment.member.get(run, ""), experiment.run_stages(run)[0].label
        return find(values, "swap_rate", member, lights) is not None
    return all(_known(experiment, stage, values) for stage in experiment.run_stages(run))


def _known(experiment: Experiment, stage: StageEntry, values: Mapping[str, Any]) -> bool:
    """Whether all rates of a stage are parameters: data of other runs leave Γ̃ open, calibration runs Γcol."""
    member = experiment.member.get(stage.run, "")
    names = ("dephasing_rate", "pure_dephasing_rate")
    dephasing = any(find(values, name, member, stage.label) is not None for name in names)
    collisions = (find(values, "collision_rate", member), find(values, "temperature", member))
    return dephasing and any(value is not None for value in collisions)


Derived = dict[str, tuple[str, list[str], np.ndarray]]
"""Name → (dim, entries, (draws, entries))."""


def derived_quantities(problem: Problem, values: Mapping[str, np.ndarray]) -> Derived:
    """Derived quantities: name → (dim, entries, (draws, entries)).

    values : draws by label, (draws,) or a number, fixed parameters included

    For each run with the drive: xi_minimum, xi_minimum_time (ms), entanglement_duration (ms; the last stage goes on
    to four times the duration of the run; infinite beyond). For each kind of stage with the drive:
    steady_state_xi and threshold_optical_depth. For each with constant rates: transverse_decay_rate γ and
    optimal_mode_rate γm (ms⁻¹), and ξ of its steady state, unconditional_xi and steady_conditional_xi.
    """
    experiment = problem.experiment
    tables = (_minima(problem, values), _steady_states(experiment, values), _sublevels(experiment, values))
    return {name: row for table in (*tables, _measured(experiment, values)) for name, row in table.items()}


def _table(dim: str, entries: list[str], columns: Mapping[str, list[Any]], number: int) -> Derived:
    """Columns, name → of each entry a number or (draws,), as derived quantities; none where there are no entries."""
    if not entries:
        return {}
    return {
        name: (dim, entries, np.stack([np.broadcast_to(np.ravel(c), number) for c in of_entries], axis=-1))
        for name, of_entries in columns.items()
    }


def _minima(problem: Problem, values: Mapping[str, np.ndarray]) -> Derived:
    """Of each run with the drive how entangled the atoms become."""
    experiment, names = problem.experiment, ("xi_minimum", "xi_minimum_time", "entanglement_duration")
    runs = [
        run
        for run in experiment.runs
        if run not in experiment.constant
        and _predictable(experiment, run, values)
        and any("drive" in stage.lights for stage in experiment.run_stages(run))
    ]
    columns = np.empty((len(names), number_of(values), len(runs)))
    for index, some in by_speed(experiment, values, runs, _RESOLUTION):
        for k, row in enumerate(_entanglement(experiment, runs, some, problem.dynamics)):
            columns[:, index, k] = [getattr(row, name) for name in names]
    return {name: ("run", runs, column) for name, column in zip(names, columns, strict=True)} if runs else {}


@dataclass(frozen=True)
class Coherences:
    """ξ of a run with the pair correlations of 4 ↔ 3 alone, as the model has it, and of all eight coherences of F = 4.

    times, model, eight (T,) : ms, and ξ
    """

    times: tuple[float, ...]
    model: tuple[float, ...]
    eight: tuple[float, ...]

    @property
    def largest(self) -> tuple[float, float]:
        """By how much all eight move ξ most, and when (ms)."""
        off = np.subtract(self.eight, self.model)
        worst = int(np.argmax(abs(off)))
        return float(off[worst]), self.times[worst]

    def relative(self, times: np.ndarray) -> np.ndarray:
        """By which share all eight change ξ at some times (T,), ms."""
        return np.asarray(np.interp(times, self.times, np.divide(self.eight, self.model) - 1))


def coherences(problem: Problem, values: Mapping[str, float]) -> dict[str, Coherences]:
    """What the pair correlations that sixteen levels leave out do to ξ, by run, where ξ is fitted; {} of other models.

    values : by label, fixed parameters included
    """
    experiment, dynamics = problem.experiment, problem.dynamics
    times: dict[str, list[float]] = {}
    for run, about, at in [
        *((s.run, s.about, s.fitted_x.tolist()) for s in experiment.series),
        *((o.run, KINDS.get(o.quantity), [o.time]) for o in experiment.observations if not o.excluded),
    ]:
        if about is not None and about.shows_xi and about.spin_variance and run not in experiment.constant:
            times.setdefault(run, []).extend(at)
    found = {}
    for run, at in times.items():
        stages, member = stages_of(experiment, run, values), experiment.member.get(run, "")
        if at and has_sixteen_levels(stages[0].rates):
            initial, share = initial_of(values, member), dynamics.noise_share(added_values(dynamics, values, member))
            moments = np.unique(at)
            moments = moments if len(moments) <= _MOMENTS else np.linspace(moments[0], moments[-1], _MOMENTS)
            model = evolve(stages, moments, initial, share, accuracy=1e-9).xi
            splitting = zeeman_splitting(experiment, values, member)
            eight = eight_coherences_xi(stages, moments, initial, share, quadratic_zeeman=splitting, step=_COARSE)
            found[run] = Coherences(*(tuple(np.ravel(one).tolist()) for one in (moments, model, eight)))
    return found


def zeeman_splitting(experiment: Experiment, values: Mapping[str, Any], member: str) -> float:
    """Quadratic Zeeman splitting, kHz: as fitted, but without the light shift by the probe, or as known, or usual."""
    fitted = find(values, "quadratic_zeeman", member)
    if fitted is not None:
        return float(fitted) + shift_by_probe(experiment, member)
    known = experiment.knows("quadratic_zeeman", member)
    return experiment.known("quadratic_zeeman", member).value if known else QUADRATIC_ZEEMAN


def _measured(experiment: Experiment, values: Mapping[str, np.ndarray]) -> Derived:
    """Of each kind of stage with constant rates what the continuous measurement does to its steady state."""
    found: dict[str, ContinuousMeasurement] = {}
    of_label: dict[str, Any] = {}
    for run, about in experiment.constant.items():
        if not _predictable(experiment, run, values):
            continue
        stage, form = experiment.run_stages(run)[0], (about.populations, experiment.run_depth.get(run))
        label = _entry(experiment, stage)
        if of_label.setdefault(label, form) != form:  # the same lights, but other rates
            label = f"{label}, {run}"
        found[label] = measurement_in(experiment, run, values)
    columns: dict[str, list[Any]] = {
        "transverse_decay_rate": [m.decay_rate for m in found.values()],
        "unconditional_xi": [m.unconditional_xi for m in found.values()],
    }
    if "detection_efficiency" in {Label.parse(label).name for label in values}:  # else no continuous measurement
        columns["optimal_mode_rate"] = [optimal_mode_rate(m) for m in found.values()]
        columns["steady_conditional_xi"] = [steady_conditional_xi(m) for m in found.values()]
    return _table("measured_lights", list(found), columns, number_of(values))


def _entry(experiment: Experiment, stage: StageEntry) -> str:
    """A kind of stage, of a member where there are several."""
    return Label.of("", member=experiment.member.get(stage.run, ""), lights=stage.label).entry


def _sublevels(experiment: Experiment, values: Mapping[str, np.ndarray]) -> Derived:
    """Populations of the sub-levels of F = 4 and the orientation that orientation tests show."""
    found = {
        series.name: tested_populations(experiment, series, values)
        for series in experiment.series
        if series.kind == "orientation_beat" and series.fitted.any()
    }
    entries = [f"{name}: {m}" for name in found for m in SUBLEVELS]
    columns = {"sublevel_population": [population for of_test in found.values() for population in of_test]}
    orientations = {"tested_orientation": [sublevel_orientation(of_test) for of_test in found.values()]}
    number = number_of(values)
    return _table("sublevel", entries, columns, number) | _table("orientation_test", list(found), orientations, number)


def _entanglement(
    experiment: Experiment, runs: Sequence[str], values: Mapping[str, Any], dynamics: Dynamics
) -> list[Entanglement]:
    def of(run: Evolution) -> Entanglement:
        searched: dict[str, Any] = {"resolution": _RESOLUTION, "accuracy": 1e-6}
        return dynamics.entanglement(run.stages, run.initial, run.added, **searched)

    longer = {}
    for run in runs:
        known = evolution(experiment, run, values, dynamics, np.empty(0))
        *before, last = known.stages
        duration = last.duration + (HORIZON - 1) * experiment.duration(run)
        longer[run] = replace(known, stages=[*before, Stage(duration, last.rates)])
    found = evaluated(longer, dynamics, of, _RESOLUTION)
    return [found[run] for run in runs]


def _steady_states(experiment: Experiment, values: Mapping[str, np.ndarray]) -> Derived:
    """Of each kind of stage with the drive what it tends to, and the optical depth that entanglement needs."""
    driven: dict[str, StageEntry] = {}
    for stage in experiment.stages:
        if "drive" in stage.lights and _known(experiment, stage, values):
            driven.setdefault(_entry(experiment, stage), stage.at_full_power)
    columns: dict[str, list[Any]] = {"steady_state_xi": [], "threshold_optical_depth": []}
    for stage in driven.values():
        member = experiment.member.get(stage.run, "")
        rates = rates_of(values, stage, member=member)
        known = find(values, "initial_n3", member) is not None  # else all runs begin in their steady state
        state = steady_state(rates, initial_of(values, member) if known else InitialState(0.0, 0.0))
        columns["steady_state_xi"].append(state.xi)
        columns["threshold_optical_depth"].append(state.threshold / rates.radiative_rate)
    return _table("driven_lights", list(driven), columns, number_of(values))
