"""A run as the model sees it: the state of the atoms at some times, and the parameters that readout needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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


def run_state(
    experiment: Experiment,
    run: str,
    values: Values,
    dynamics: Dynamics,
    times: Sequence[np.ndarray],
    *,
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-9,
    xp: Any = np,
) -> RunState:
    """The run, evolved to all of these times (arrays, ms)."""
    member = experiment.member.get(run, "")
    grid = np.unique(np.concatenate(times)) if times else np.empty(0)
    trajectory = None
    if len(grid):
        trajectory = evolved(experiment, run, values, dynamics, grid, rate_bounds=rate_bounds, accuracy=accuracy, xp=xp)
    if run in experiment.constant:
        initial, measurement = InitialState(0.0, 0.0), measurement_in(experiment, run, values)
    else:
        initial, measurement = initial_of(values, member), None
    return RunState(experiment, values, dynamics, run, member, initial, grid, trajectory, xp, measurement)


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
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-9,
    xp: Any = np,
) -> Trajectory | SteadyRun:
    """The observables of a run at these times (T,), ms, ascending: each (…, T), for draws (n, T).

    A `Trajectory` where populations move, else a `SteadyRun`. Other arguments as for `expected`.
    """
    if run in experiment.constant:
        return _constant(experiment, run, values, times, xp)
    member = experiment.member.get(run, "")
    stages, initial = stages_of(experiment, run, values), initial_of(values, member)
    added = added_values(dynamics, values, member)
    return dynamics.evolve(stages, times, initial, added, rate_bounds=rate_bounds, accuracy=accuracy, xp=xp)


def added_values(dynamics: Dynamics, values: Values, member: str = "") -> dict[str, Any]:
    """Values of the parameters beyond the rates that a user's forward model has, by name."""
    return {name: find(values, name, member) for name in dynamics.parameters}


def stages_of(experiment: Experiment, run: str, values: Values) -> list[Stage]:
    """The stages of a run (ms), with the rates (ms⁻¹) that `values` give; many for one where the power changes."""
    depth, member = experiment.run_depth.get(run, 1.0), experiment.member.get(run, "")
    pieces = [piece for entry in experiment.run_stages(run) for piece in entry.pieces]
    return [Stage(piece.duration, rates_of(values, piece, depth, member)) for piece in pieces]
