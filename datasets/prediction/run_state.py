"""A run as the model sees it: the state of the atoms at some times, and the parameters that readout needs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from ...forward_models import (
    LOSS_NOISE_SHARE,
    Dynamics,
    InitialState,
    RateBounds,
    SixteenLevelTrajectory,
    Stage,
    Trajectory,
)
from ...forward_models.light import (
    ContinuousMeasurement,
    Readout,
    SteadyRun,
    coupled_spin,
    measurement_of,
    readout_of,
    sixteen_level_readout,
    steady_orientation,
    steady_run,
)
from ...forward_models.sixteen_level import LOST_SPIN
from ..experiment import Experiment, Label, StageEntry
from ..kinds import column
from .alike import Evolution, evaluated
from .rates import Values, collective_rate_of, find, initial_of, rates_of

PROBE = "drive"
"""What is on while the atoms are read out: the drive alone, whose light is the probe."""


@dataclass(frozen=True)
class RunState:
    """A run as the model sees it. `trajectory`: its observables at the times `grid`; None where there are none.

    measurement : of a run with constant rates, as columns; else None
    """

    experiment: Experiment
    values: Values
    dynamics: Dynamics
    name: str
    member: str
    initial: InitialState
    grid: np.ndarray
    trajectory: Trajectory | SteadyRun | None
    xp: Any
    measurement: ContinuousMeasurement | None = None

    def at(self, kind: str, times: np.ndarray) -> Any:
        """The observable at some of the times of the grid; P of sixteen levels as a probe sees it."""
        at = np.searchsorted(self.grid, times)
        found, weight = getattr(self.trajectory, kind)[..., at], self.value("probe_weight")
        if kind != "polarization" or weight is None or not isinstance(self.trajectory, SixteenLevelTrajectory):
            return found
        start = column(self.initial.jx)
        lost = self.trajectory.populations[..., at, :] @ LOST_SPIN
        return (found + weight * lost / start) / (1 + weight * 3 * column(self.initial.nh) / start)

    def value(self, name: str, default: Any = None) -> Any:
        """A parameter, as a column where it has one value per draw."""
        return column(find(self.values, name, self.member, default=default))

    def collective_rate(self) -> Any:
        """dΓ of this run at its beginning, as a column."""
        return column(collective_rate_of(self.values, self.member)) * self.experiment.run_depth.get(self.name, 1.0)

    def probe_dephasing(self) -> Any:
        """Γ̃ while the atoms are read out, as a column: where it is a parameter itself, nothing else is needed."""
        effective = find(self.values, "dephasing_rate", self.member, PROBE)
        return self.probe(1.0).dephasing_rate if effective is None else column(effective)

    def readout_at(self, times: np.ndarray, duration: float) -> Readout:
        """The readout by a probe pulse that begins at these times."""
        if self.measurement is not None:
            return self.measurement.readout(duration)
        share = self.dynamics.noise_share({LOSS_NOISE_SHARE: self.value(LOSS_NOISE_SHARE)})
        others = (duration, share, self.value("detection_efficiency"), self.dynamics.coupled_spin)
        rates = self.probe(duration)
        if isinstance(self.trajectory, SixteenLevelTrajectory):
            populations = self.trajectory.populations[..., np.searchsorted(self.grid, times), :]
            return sixteen_level_readout(rates, populations, *others)
        n2, p = (self.at(name, times) for name in ("n2", "p"))
        return readout_of(rates, n2, p, *others)

    def coupled_spin(self) -> Any:
        """2γs/dΓ at the beginning of the run, as a column."""
        return coupled_spin(column(self.initial.n2), column(self.initial.p), self.dynamics.coupled_spin)

    def entry(self, name: str, entry: str) -> Any:
        """A parameter of one series, or of a part of it, as a column; None where there is none."""
        return column(self.values.get(str(Label(name, entry))))

    def known(self, name: str) -> float:
        """What the apparatus says of a parameter."""
        return self.experiment.known(name, self.member).value

    def probe(self, duration: float) -> Any:
        """The rates while the atoms are read out, as columns."""
        stage = StageEntry(duration, frozenset({PROBE}), self.name)
        return _columns(rates_of(self.values, stage, self.experiment.run_depth.get(self.name, 1.0), self.member))


@dataclass(frozen=True)
class Asked:
    """A run, the parameters of the day on which it is looked at, the times (arrays, ms), and bounds of its rates."""

    run: str
    values: Values
    times: Sequence[np.ndarray]
    rate_bounds: RateBounds | None = None


def run_states[K: Hashable](
    experiment: Experiment, asked: Mapping[K, Asked], dynamics: Dynamics, *, accuracy: float = 1e-9, xp: Any = np
) -> dict[K, RunState]:
    """The runs, evolved to all of these times; those that are alike together."""
    grids = {key: np.unique(np.concatenate(of.times)) if of.times else np.empty(0) for key, of in asked.items()}
    trajectories: dict[K, Any] = dict.fromkeys(asked)
    moving = {}
    for key, of in asked.items():
        if len(grids[key]) and of.run in experiment.constant:
            trajectories[key] = _constant(experiment, of.run, of.values, grids[key], xp)
        elif len(grids[key]):
            moving[key] = evolution(experiment, of.run, of.values, dynamics, grids[key], of.rate_bounds)

    def evolve(run: Evolution) -> Trajectory:
        given: dict[str, Any] = {"rate_bounds": run.bounds, "accuracy": accuracy, "xp": xp}
        return dynamics.evolve(run.stages, run.times, run.initial, run.added, **given)

    trajectories |= evaluated(moving, dynamics, evolve) if xp is np else {k: evolve(one) for k, one in moving.items()}
    return {key: _state(experiment, of, dynamics, grids[key], trajectories[key], xp) for key, of in asked.items()}


def run_state(
    experiment: Experiment,
    run: str,
    values: Values,
    dynamics: Dynamics,
    times: Sequence[np.ndarray],
    *,
    accuracy: float = 1e-9,
    xp: Any = np,
) -> RunState:
    """One run, evolved to all of these times (arrays, ms)."""
    return run_states(experiment, {run: Asked(run, values, times)}, dynamics, accuracy=accuracy, xp=xp)[run]


def _state(
    experiment: Experiment, of: Asked, dynamics: Dynamics, grid: np.ndarray, trajectory: Any, xp: Any
) -> RunState:
    member = experiment.member.get(of.run, "")
    if of.run in experiment.constant:
        initial, measurement = InitialState(0.0, 0.0), measurement_in(experiment, of.run, of.values)
    else:
        initial, measurement = initial_of(of.values, member), None
    return RunState(experiment, of.values, dynamics, of.run, member, initial, grid, trajectory, xp, measurement)


def _constant(experiment: Experiment, run: str, values: Values, times: np.ndarray, xp: Any) -> SteadyRun:
    """A run in which populations do not move."""
    measurement = measurement_in(experiment, run, values)
    if experiment.constant[run].begins == "steady":
        start = measurement.unconditional_xi
    else:  # without a parameter nothing that is asked for depends on it
        start = column(values.get(f"initial_xi[{run}]", 1.0))
    path = steady_run(measurement, times, start, xp=xp)
    if experiment.constant[run].populations == "steady":
        level = steady_orientation(_constant_rates(experiment, run, values))
        path = replace(path, orientation=level + 0.0 * path.xi)
    return path


def measurement_in(experiment: Experiment, run: str, values: Values) -> ContinuousMeasurement:
    """γs, γextra, Z, n_b and η of a run with constant rates: numbers, or columns (n, 1) of draws."""
    member, lights = experiment.member.get(run, ""), experiment.run_stages(run)[0].label
    efficiency = column(find(values, "detection_efficiency", member, default=1.0))
    if experiment.constant[run].populations == "steady":
        return measurement_of(_constant_rates(experiment, run, values), efficiency)
    swap, extra, bath = (
        column(find(values, name, member, lights)) for name in ("swap_rate", "extra_decay_rate", "bath_noise")
    )
    limit = column(find(values, "squeezing_limit", member))
    return ContinuousMeasurement(swap * experiment.run_depth.get(run, 1.0), extra, limit, bath, efficiency)


def _constant_rates(experiment: Experiment, run: str, values: Values) -> Any:
    return _columns(stages_of(experiment, run, values)[0].rates)


def _columns(rates: Any) -> Any:
    values = vars(rates)
    if "tables" in values:
        values = values | {"tables": rates.tables.with_weights(column)}
    return type(rates)(**{name: column(value) for name, value in values.items()})


def evolved(
    experiment: Experiment,
    run: str,
    values: Values,
    dynamics: Dynamics,
    times: np.ndarray,
    *,
    accuracy: float = 1e-9,
) -> Trajectory | SteadyRun:
    """The observables of a run at these times (T,), ms, ascending: each (…, T), for draws (n, T).

    A `Trajectory` where populations move, else a `SteadyRun`. Other arguments as for `expected`.
    """
    found = run_state(experiment, run, values, dynamics, [times], accuracy=accuracy).trajectory
    return cast("Trajectory | SteadyRun", found)


def evolution(
    experiment: Experiment,
    run: str,
    values: Values,
    dynamics: Dynamics,
    times: np.ndarray,
    bounds: RateBounds | None = None,
) -> Evolution:
    """What the forward model is told of a run, for these times (T,), ms."""
    member = experiment.member.get(run, "")
    added = added_values(dynamics, values, member)
    return Evolution(stages_of(experiment, run, values), initial_of(values, member), added, times, bounds)


def added_values(dynamics: Dynamics, values: Values, member: str = "") -> dict[str, Any]:
    """Values of the parameters beyond the rates that a user's forward model has, by name."""
    return {name: find(values, name, member) for name in dynamics.parameters}


def stages_of(experiment: Experiment, run: str, values: Values) -> list[Stage]:
    """The stages of a run (ms), with the rates (ms⁻¹) that `values` give; many for one where the power changes."""
    depth, member = experiment.run_depth.get(run, 1.0), experiment.member.get(run, "")
    pieces = [piece for entry in experiment.run_stages(run) for piece in entry.pieces]
    return [Stage(piece.duration, rates_of(values, piece, depth, member)) for piece in pieces]
