"""What a laboratory may have and the model does not: how each would shift the expected data at the posterior mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...datasets import Experiment, Series, StageEntry
from ...datasets.experiment import Label, LightPower, other_days
from ...datasets.prediction import expected, fitted_observations, moving_runs
from ...forward_models import LOSS_NOISE_SHARE, NOISES, Closure, Dynamics
from ..fits import Fit
from .information import values_at
from .replications import PUBLISHED

Means = dict[str, np.ndarray]
"""One value for each fitted point of each source: a series by its name, the published numbers."""


@dataclass(frozen=True)
class Disturbance:
    """A departure from the model of size λ, in `unit`, which shifts the expected data by λ × `effect` (where it does).

    name : of the rival model that has it, if there is one, the same for all series
    words : 'the times of xi are off'
    size : of λ, as laboratories have it: its standard deviation, were it in the model
    series : in which it is alone, by name; "" for all
    squared : whether λ is the square of what has the unit, to which alone the data respond
    most : beyond which λ cannot be, nor below 0, whatever the data say
    """

    name: str
    words: str
    unit: str
    size: float
    effect: Means
    squared: bool = False
    most: float = np.inf
    series: str = ""

    def text(self, size: float) -> str:
        """A value of λ with its unit: '0.3 ms', '5 %', '12 Hz'."""
        if self.squared and size <= 0:
            return "none"
        value = size**0.5 if self.squared else abs(size)
        if self.unit == "%":
            return f"{100 * value:.2g} %" if value < 0.995 else f"{100 * value:.0f} %"
        return f"{value:.2g} {self.unit}".strip()


class PosteriorMean:
    """The model of a fit at the posterior mean of its parameters' z-scores."""

    def __init__(self, fit: Fit) -> None:
        self.problem, draws = fit.problem, fit.by_label()
        self.centre = np.array([np.mean(p.prior.z_score(draws[p.label])) for p in self.problem.free])
        self.values = values_at(self.problem, self.centre)

    @property
    def experiment(self) -> Experiment:
        """The experiment that was fitted."""
        return self.problem.experiment

    def rates(self, z_scores: np.ndarray) -> dict[str, np.ndarray]:
        """The free rates and those that follow from them, by label, (K,), at z-scores (K, n)."""
        values = values_at(self.problem, z_scores)
        found = {p.label: values[p.label] for p in self.problem.free}
        for variable in self.problem.variables:
            found |= {label: f(values) for label, f in zip(variable.labels, variable.formulas, strict=False)}
        rates = {label: np.ravel(value) for label, value in found.items() if Label.parse(label).is_rate}
        return {label: np.broadcast_to(value, len(z_scores)) for label, value in rates.items()}

    def means(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        experiment: Experiment | None = None,
        dynamics: Dynamics | None = None,
        later: Mapping[str, float] | None = None,
    ) -> Means:
        """Expected data of the fitted points; of other values, or where times of a series are `later` by ms."""
        whole, later = experiment or self.experiment, later or {}
        points = {s.name: s.x + later.get(s.name, 0.0) for s in whole.series}
        found = expected(whole, values or self.values, dynamics or self.problem.dynamics, points=points)
        means = {
            s.name: np.broadcast_to(np.atleast_2d(found.series[s.name])[0], s.fitted.shape)[s.fitted]
            for s in whole.series
            if s.fitted.any()
        }
        numbers = np.array([float(np.ravel(one)[0]) for one in found.observations])
        return means | ({PUBLISHED: numbers} if len(numbers) else {})

    @cached_property
    def noise(self) -> Means:
        """Standard deviation of the noise of each point."""
        fitted = {s.name: s for s in self.experiment.series if s.fitted.any()}
        noise = {n: NOISES[s.noise].scatter(self.at_mean[n], s.spread[s.fitted]) for n, s in fitted.items()}
        sigma = np.array([o.sigma for o in fitted_observations(self.experiment)])
        return noise | ({PUBLISHED: sigma} if len(sigma) else {})

    @cached_property
    def at_mean(self) -> Means:
        """Expected data at the posterior mean."""
        return self.means()

    @cached_property
    def data(self) -> Means:
        """The values that were fitted."""
        data = {s.name: s.value[s.fitted] for s in self.experiment.series if s.fitted.any()}
        values = np.array([o.value for o in fitted_observations(self.experiment)])
        return data | ({PUBLISHED: values} if len(values) else {})

    @cached_property
    def followed(self) -> list[Series]:
        """The series that follow the atoms of a run in time."""
        moving = moving_runs(self.experiment)
        timed = [s for s in self.experiment.series if s.fitted.any() and s.about.abscissa == "time"]
        return [s for s in timed if s.run in moving and len(s.about.components) == 1]

    def of_one(self, series: str, name: str, words: str, unit: str, size: float, effect: np.ndarray) -> Disturbance:
        """A disturbance of a series by itself; see `Disturbance`."""
        return Disturbance(name, words, unit, size, {series: effect}, series=series)


def disturbances(at: PosteriorMean) -> list[Disturbance]:
    """All that can be asked of these data; those that would not show in them are left out."""
    asked = (_clocks, _gains, _backgrounds, _other_days, _mismatch, _power, _leak, _closure)
    return [one for of in asked for one in of(at) if any(np.any(part) for part in one.effect.values())]


def _difference(high: Means, low: Means, by: float) -> Means:
    return {name: (high[name] - low[name]) / by for name in high}


_STEP = 0.01
"""ms: for derivatives by the time."""


def _clocks(at: PosteriorMean) -> list[Disturbance]:
    asked = [s for s in at.followed if not s.time_offset_uncertainty]
    early = {s.name: -_STEP * bool(s.x.min() >= _STEP) for s in asked}
    late = {s.name: _STEP * bool(s.x.max() <= at.experiment.duration(s.run) - _STEP) for s in asked}
    moved = [name for name in late if late[name] > early[name]]
    if not moved:
        return []
    high, low = at.means(later=late), at.means(later=early)
    effects = {name: (high[name] - low[name]) / (late[name] - early[name]) for name in moved}
    return [at.of_one(n, "time-offset", f"the times of {n} are off", "ms", 0.2, effects[n]) for n in moved]


def _gains(at: PosteriorMean) -> list[Disturbance]:
    found = []
    for s in at.followed:
        mean = at.at_mean[s.name]
        if not s.gain_drift_uncertainty:
            drifting = mean * s.ramp(s.fitted_x)
            found.append(at.of_one(s.name, "gain-drift", f"the gain of {s.name} drifts", "%", 0.03, drifting))
        if not (s.scale_uncertainty or s.amplitude):
            found.append(at.of_one(s.name, "scale", f"the scale of {s.name} is off", "%", 0.02, mean))
    return found


def _backgrounds(at: PosteriorMean) -> list[Disturbance]:
    found = []
    for s in at.followed:
        if not (s.offset_uncertainty or s.offset):
            flat = np.ones_like(at.at_mean[s.name])
            found.append(at.of_one(s.name, "background", f"there is a background in {s.name}", "", 0.01, flat))
        if s.about.spin_variance and not s.offset_drift_uncertainty:  # 1 % of the shot noise is about 0.03 of ξ
            words = f"the shot noise of {s.name} is off at late times"
            found.append(at.of_one(s.name, "shot-noise-drift", words, "", 0.03, s.ramp(s.fitted_x)))
    return found


_RELATIVE = 1e-3


def _other_days(at: PosteriorMean) -> list[Disturbance]:
    """A series was taken with other dΓ, or with another loss by the light, than the rest."""
    of, series = at.experiment.member.get, at.experiment.series
    own = {of(run): [s for s in series if of(s.run) == of(run)] for run in at.experiment.runs}
    asked = [s for s in at.followed if not other_days(own[of(s.run)])]  # else the model has it
    slopes = _by_day(at) if asked else {}
    return [
        at.of_one(s.name, "days", f"{what} was different for {s.name}", "%", 0.1, slope[s.name])
        for s in asked
        for what, slope in slopes.items()
    ]


def _by_day(at: PosteriorMean) -> dict[str, Means]:
    """Derivatives of the data of all runs by the logarithm of what may differ from day to day, in all of them."""
    runs, loss = at.experiment.runs, "light_loss_rate"

    def deeper(f: float) -> Means:
        depth = {run: at.experiment.run_depth.get(run, 1.0) * f for run in runs}
        return at.means(experiment=replace(at.experiment, run_depth={**at.experiment.run_depth, **depth}))

    changes = {"the optical depth": deeper}
    if loss in at.values:
        changes["the loss by the light"] = lambda f: at.means({**at.values, loss: at.values[loss] * f})
    step = _RELATIVE
    return {what: _difference(means(1 + step), means(1 - step), 2 * step) for what, means in changes.items()}


_MISMATCH = 2e-3
"""ms⁻¹"""


def _mismatch(at: PosteriorMean) -> list[Disturbance]:
    driven = any("drive" in stage.lights for stage in at.experiment.stages)
    driven = driven and at.problem.settings.atoms == "three-state"  # sixteen levels have no mismatch
    if "larmor_mismatch" in at.values or not driven or not moving_runs(at.experiment):
        return []
    effect = _difference(at.means({**at.values, "larmor_mismatch": _MISMATCH}), at.at_mean, (1e3 * _MISMATCH) ** 2)
    words = "the Larmor frequencies of the ensembles differ"
    return [Disturbance("larmor-mismatch", words, "Hz", 15.0**2, effect, squared=True)]


_FALL = 0.1
"""Of the power: a smaller change has fewer steps, and a derivative that is up to 70 % off."""


def _power(at: PosteriorMean) -> list[Disturbance]:
    """The drive loses power in a straight line along each stage that it is on; Γdeph stays, Γ̃ goes with its floor."""
    pure = {label: value for label, value in at.values.items() if Label.parse(label).name != "dephasing_rate"}
    values = pure if any(Label.parse(label).name == "pure_dephasing_rate" for label in pure) else at.values

    def falls(stage: StageEntry, by: float) -> StageEntry:
        stated = any(power.light == "drive" for power in stage.power)  # which the model has
        if stated or "drive" not in stage.lights or stage.run in at.experiment.constant:
            return stage
        return replace(stage, power=(*stage.power, LightPower("drive", (0.0, stage.duration), (1.0, 1.0 - by))))

    def falling(by: float) -> Means:
        stages = tuple(falls(stage, by) for stage in at.experiment.stages)
        return at.means(values, experiment=replace(at.experiment, stages=stages))

    words = "the power of the drive falls along a stage"
    return [Disturbance("power", words, "%", 0.03, _difference(falling(_FALL), falling(-_FALL), 2 * _FALL))]


_LEAK = 1e-3
"""ms⁻¹"""
_OF_STAGES = ("dephasing_rate", "pure_dephasing_rate", "electron_collision_rate")
"""What each kind of stage has for itself."""


def _leak(at: PosteriorMean) -> list[Disturbance]:
    """Pump light in the stages without it, whose Γdeph (or Γ̃) stays."""
    if any(Label.parse(one).name == "pump_leak_rate" for one in at.values):
        return []
    values, stages, leaking = dict(at.values), [], set()
    for stage in at.experiment.stages:
        lit = replace(stage, lights=stage.lights | {"pump"})
        if stage.run in at.experiment.constant or lit == stage:
            stages.append(stage)
            continue
        if any(lit.label == other.label for other in at.experiment.stages):
            return []  # pumped and unpumped stages have rates of their own, which a leak would mix up
        leaking.add(lit.label)
        stages.append(lit)
        for label in [Label.parse(one) for one in at.values]:
            if label.name in _OF_STAGES and label.lights == stage.label:
                values[str(Label.of(label.name, member=label.member, lights=lit.label))] = at.values[str(label)]
    if not leaking:
        return []
    pumped = replace(at.experiment, stages=tuple(stages))
    high, low = (
        at.means(values | {str(Label("pump_rate", one)): rate for one in leaking}, experiment=pumped)
        for rate in (_LEAK, 0.0)
    )
    words = "pump light leaks in where it should be off"
    return [Disturbance("pump-leak-rate", words, "1/ms", 0.02, _difference(high, low, _LEAK))]


CLOSURE = "open"


def _closure(at: PosteriorMean) -> list[Disturbance]:
    if LOSS_NOISE_SHARE in at.values or not moving_runs(at.experiment):
        return []
    other: Closure = "fixed-number" if at.problem.dynamics.closure == "microscopic" else "microscopic"
    there = at.means(dynamics=replace(at.problem.dynamics, closure=other))  # c is between 0 and 1: no other way leads
    words = f"the {at.problem.settings.closure} closure does not hold, and lost atoms' share of the noise differs"
    return [Disturbance(CLOSURE, words, "", 1.0, _difference(there, at.at_mean, 1.0), most=1.0)]
