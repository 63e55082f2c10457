"""What the errors that a series has in common make of its expected values: scale, offset, their drifts, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..experiment import Experiment, Known, Label, Series
from ..kinds import column
from .discrepancy import discrepancy_terms
from .rates import Values
from .run_state import RunState

REACH = 2.0
"""How far from their times the values of a series with a shifted clock are computed, in standard deviations of it."""
_DIGITS = 9
"""Of times in ms, so that nodes that are the same but for rounding are one."""


@dataclass(frozen=True)
class Clock:
    """When the values of a series were taken, as far as that is open: within `reach` h of `centre` (T,), ms.

    The forward model is computed at given times, so an unknown offset cannot be among them. In its place a parabola
    through the values at centre − h, centre, centre + h gives those in between: the error is (Δt³ − h²Δt)/6 times the
    third derivative. The centres keep the nodes inside the run; h = 0 where the offset is known. `labels`: of the
    parameters that add up to the offset.
    """

    at: np.ndarray
    centre: np.ndarray
    reach: float
    duration: float
    labels: tuple[str, ...]

    @property
    def nodes(self) -> list[np.ndarray]:
        """Where the series is computed: at one time of each point, or at three."""
        steps = (-1, 0, 1) if self.reach else (0,)
        times = [np.round(self.centre + step * self.reach, _DIGITS) for step in steps]
        return [np.clip(one, 0.0, self.duration) for one in times]

    def between(self, values: list[Any], offset: Any) -> Any:
        """The values at the times of the points plus `offset` (ms), from those at the nodes; may be symbolic."""
        if len(values) == 1:
            return values[0]
        early, middle, late = values
        u = (self.at - self.centre + offset) / self.reach
        return 0.5 * u * (u - 1) * early + (1 - u * u) * middle + 0.5 * u * (u + 1) * late


def clock(experiment: Experiment, series: Series, at: np.ndarray, values: Values) -> Clock | None:
    """The clock of a series at some points; None where its times are what they are said to be.

    An offset of which neither the series nor the apparatus says anything counts where it is a number: simulations.
    """
    if not series.about.shifts_in_time:
        return None
    member, known = experiment.member.get(series.run, ""), {}
    own, common = str(Label("time_offset", series.name)), str(Label("common_time_offset", member))
    if series.time_offset_uncertainty:
        known[own] = Known(0.0, series.time_offset_uncertainty)
    if common not in values:
        common = "common_time_offset"
    if experiment.knows("common_time_offset", member):
        known[common] = experiment.known("common_time_offset", member)
    for label in (own, common):
        if label not in known and isinstance(values.get(label), float):
            known[label] = Known(values[label])
    known = {label: one for label, one in known.items() if label in values}
    if not known:
        return None
    total, mean = experiment.duration(series.run), sum(one.value for one in known.values())
    reach = min(REACH * float(np.hypot.reduce([one.sigma for one in known.values()])), 0.5 * total)
    return Clock(at, np.clip(at + mean, reach, total - reach), reach, total, tuple(known))


def times_of(experiment: Experiment, series: Series, at: np.ndarray, values: Values) -> list[np.ndarray]:
    """The times (ms) of its run at which the state of the atoms matters for a series, that at the start aside."""
    if series.about.abscissa != "time":
        return [np.array([series.pulse_time]) if series.pulse_time else np.empty(0)]
    shifted = clock(experiment, series, at, values)
    return [at] if shifted is None else shifted.nodes


def with_errors(series: Series, at: np.ndarray, run: RunState) -> Any:
    """Expected values (…, T) of a series at some points: gain × model + background at the times of its clock."""
    shifted = clock(run.experiment, series, at, run.values)
    if shifted is None:
        mean = series.about.expected(series, at, run)
    else:
        offset = sum(column(run.values[label]) for label in shifted.labels)
        mean = shifted.between([series.about.expected(series, node, run) for node in shifted.nodes], offset)
    errors = {name: run.entry(name, series.name) for name in ("scale", "gain_drift", "offset", "offset_drift")}
    if errors["scale"] is not None:
        mean = errors["scale"] * mean
    if (amplitude := run.entry("amplitude", series.name)) is not None:
        mean = amplitude * mean
    if errors["gain_drift"] is not None:
        mean = (1 + errors["gain_drift"] * series.ramp(at)) * mean
    if errors["offset"] is not None:
        mean = mean + errors["offset"]
    if errors["offset_drift"] is not None:
        mean = mean + errors["offset_drift"] * series.ramp(at)
    if series.discrepancy_uncertainty:
        for k, term in enumerate(discrepancy_terms(series, at), 1):
            mean = mean + run.entry("discrepancy", f"{series.name}: {k}") * term
    return mean
