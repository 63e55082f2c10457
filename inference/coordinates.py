"""Coordinates for the sampler: changes of the unconstrained parameters that straighten the posterior.

The priors stay as they are: each map has a constant Jacobian, but for the members of populations, whose widths depend
on the spread; there the logarithm of the Jacobian is added to the density.

What the data determine is not single rates but
combinations; in plain logarithms these are curved ridges. They follow from the physics:

- the initial slope of Jy fixes dΓ p + Γ̃, so dΓ + Γdeph + Γpump: logarithms of these → log of the sum, log of ratios
- the early slope of P fixes about Γout_L + (5/4) Γcol − n3/4 · 1/(1/Γpump + span): the same, weighted, and a shear
- ξ(0) = s (8 + 14 n3)/(8 − 2 n3): the scale s of ξ → s + 2 n3
- of a continuous measurement they fix γ = γs + γextra and v_u ≈ n_b γextra/γ: log γs, log γextra → log γ and a ratio,
  and log n_b + log(γextra/γ) in place of log n_b
- of a population the data fix the members, so the average of their logarithms better than the median

A tightly known parameter is standardised with its prior; without that, chains that start one unit away (Z = 0.16 ± 1)
never come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..datasets import Experiment
from ..datasets.kinds import VARIANCES
from ..datasets.predictions import moving_runs
from ..datasets.run_state import PROBE
from .unknowns import Unknown

SPAN = 0.3
"""The part of a run over which P shows what the pump did to n3: longer than 1/Γpump for a strong pump."""
MEMBER_PRECISION = 0.1
"""σ: how well the data of one member of a population typically fix the logarithm of a parameter."""
TYPICAL_LIMIT = 0.16
"""Z, where it need not be exact."""
TYPICAL_LIMIT = 0.16
"""Z, where it need not be exact."""
COLLISION_WEIGHT = 1.25
"""∂(−Ṗ)/∂Γcol over ∂(−Ṗ)/∂Γout_L at full polarisation: (Γ43 + 4Γout)' = 5 against 4."""


@dataclass(frozen=True)
class Coordinates:
    """A map from sampled coordinates z to unconstrained parameters u, both of length `dimension`.

    populations : (entry of the log spread, entries of the scores) of each population of a hierarchical model
    """

    centre: np.ndarray
    scale: np.ndarray
    steps: tuple[Callable[[list[Any]], None], ...] = ()
    populations: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def dimension(self) -> int:
        """Number of sampled coordinates."""
        return len(self.centre)

    def apply(self, z: list[Any]) -> list[Any]:
        """U from z, entry by entry; entries are numbers, arrays, or CasADi symbols."""
        u = [c + s * value for c, s, value in zip(self.centre, self.scale, z, strict=True)]
        for spread, scores in self.populations:
            width = _width(u[spread])
            for k in scores:
                u[k] = u[k] * width
        for step in self.steps:
            step(u)
        return u

    def log_volume(self, u: list[Any]) -> Any:
        """Logarithm of the Jacobian of the map, but for a constant."""
        return sum(len(scores) * _log(_width(u[spread])) for spread, scores in self.populations)


def plain(centre: np.ndarray) -> Coordinates:
    """The coordinates of a model about which nothing is known: PyMC's own, counted from its start."""
    return Coordinates(np.asarray(centre, float), np.ones(len(centre)))


def coordinates(
    experiment: Experiment, parameters: list[Unknown], labels: list[str], centre: np.ndarray
) -> Coordinates:
    """The coordinates for the models of this package.

    parameters : the free ones;  labels : label of each entry of u;  centre : PyMC's initial point
    """
    by_label = {unknown.label: unknown.prior for unknown in parameters}
    scale = np.ones(len(labels))
    for k, label in enumerate(labels):
        prior = by_label[label]
        if prior.form == "normal" and not prior.truncated:
            scale[k] = prior.numbers[1]
        elif prior.form == "normal" and np.isfinite(prior.high) and prior.low < prior.numbers[0] < prior.high:
            mean, sd = prior.numbers  # on PyMC's logit scale of the interval
            scale[k] = min(1.0, sd * (prior.high - prior.low) / ((mean - prior.low) * (prior.high - mean)))
    logarithmic = {label for label in labels if by_label[label].form in ("lognormal", "halfnormal")}
    steps = _coupling_shears(experiment, labels, centre, logarithmic)
    if not steps:
        steps = [
            _sum_and_ratios([labels.index(label) for label in group], weights, centre)
            for group, weights in _dephasing_groups(experiment, labels, centre)
            if set(group) <= logarithmic
        ]
    if {"light_loss_rate", "collision_rate"} <= logarithmic:
        loss, collisions = labels.index("light_loss_rate"), labels.index("collision_rate")
        for pump, n3, longest in _pumped(experiment, labels):
            if {pump, n3} <= logarithmic:
                steps.append(
                    _loss_shear(loss, collisions, labels.index(pump), labels.index(n3), centre, SPAN * longest)
                )
        steps.append(_sum_and_ratios([loss, collisions], [1.0, COLLISION_WEIGHT], centre))
    steps += _measurement_steps(labels, centre, logarithmic)
    populations = []
    for spread in [label for label in labels if label.startswith("population_spread[")]:
        median = spread.removeprefix("population_spread[")[:-1]
        scores = [
            k for k, label in enumerate(labels) if label.startswith("population_score") and _median_of(label) == median
        ]
        if {spread, median} <= logarithmic:
            steps.append(_average(labels.index(median), labels.index(spread), scores))
            populations.append((labels.index(spread), tuple(scores)))
    for series in experiment.series:
        n3 = _label(labels, "initial_n3", experiment.member.get(series.run, ""))
        if series.kind in VARIANCES and f"scale[{series.name}]" in labels and n3 in logarithmic:
            steps.append(_scale_shear(labels.index(f"scale[{series.name}]"), labels.index(n3), centre))
    return Coordinates(np.asarray(centre, float), scale, tuple(steps), tuple(populations))


def _measurement_steps(
    labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """The steps for each kind of stage with constant rates."""
    steps = []
    for swap in (label for label in labels if label.startswith("swap_rate[")):
        index = swap.removeprefix("swap_rate")
        extra, bath = f"extra_decay_rate{index}", f"bath_noise{index}"
        if {swap, extra} <= logarithmic:
            rates = [labels.index(swap), labels.index(extra)]
            if bath in logarithmic:
                steps.append(_bath_shear(labels.index(bath), rates, centre))
            steps.append(_sum_and_ratios(rates, [1.0, 1.0], centre))
    return steps[::-1]


def _bath_shear(bath: int, rates: list[int], centre: np.ndarray) -> Callable[[list[Any]], None]:
    """Log n_b from log v_u, v_u = n_b γextra/γ + Z γs/γ, as it is near v_u = 1."""

    def known(u: list[Any]) -> Any:
        ratio = u[rates[0]] - u[rates[1]]
        return _softplus(ratio) + _log(1 - TYPICAL_LIMIT * _exp(ratio - _softplus(ratio)))

    reference = known(list(centre))

    def step(u: list[Any]) -> None:
        u[bath] = u[bath] + known(u) - reference

    return step


def _median_of(score: str) -> str:
    """The label of the population's median: `pump_rate[drive]` of `population_score[pump_rate[A: drive]]`."""
    name, _, index = score.removeprefix("population_score[")[:-1].rstrip("]").partition("[")
    _, colon, lights = index.rpartition(": ")
    return f"{name}[{lights}]" if colon else name


def _label(labels: list[str], name: str, member: str = "", lights: str = "") -> str:
    """The label of a parameter as a member has it: its own, else the common one; '' where it is no unknown."""
    own = f"{name}[{member}: {lights}]" if lights else f"{name}[{member}]"
    common = f"{name}[{lights}]" if lights else name
    return own if member and own in labels else common if common in labels else ""


def _dephasing_groups(
    experiment: Experiment, labels: list[str], centre: np.ndarray
) -> list[tuple[list[str], list[float]]]:
    """Rates whose sum the decay of Jy fixes, with their weights, for each kind of stage with the drive.

    dΓ goes with the first one of a member; where it is d Γ, so does Γ with the weight d. No rate is in two groups.
    """
    taken: set[str] = set()
    groups = []
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        names = ("dephasing_rate", "pure_dephasing_rate")
        own = [label for name in names if (label := _label(labels, name, member, stage.label))]
        if "drive" not in stage.lights or not own:
            continue
        rates = [(label, 1.0) for label in own]
        pump = _label(labels, "pump_rate", member, stage.label)
        if own[0].startswith("pure"):
            rates.append((pump, 1.0))
        depth = _label(labels, "optical_depth", member)
        coupled = (_label(labels, "collective_rate", member), 1.0)
        if not coupled[0] and depth:
            coupled = (_label(labels, "radiative_rate", member), float(centre[labels.index(depth)]))
        group = [(label, weight) for label, weight in (coupled, *rates) if label and label not in taken]
        taken |= {label for label, _ in group}
        if len(group) > 1:
            groups.append(([label for label, _ in group], [weight for _, weight in group]))
    return groups


def _coupling_shears(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """Where nothing is followed in time, the data fix κ² ≈ (dΓ/Z) (1 − e^{−Γ̃T})/Γ̃: log dΓ → log κ²."""
    if moving_runs(experiment):
        return []
    shears = []
    for series in experiment.series:
        if series.kind == "coupling":
            pair = ["collective_rate", f"dephasing_rate[{PROBE}]"]
            if set(pair) <= logarithmic:
                collective, dephasing = (labels.index(label) for label in pair)
                shears.append(_coupling_shear(collective, dephasing, centre, series.probe_duration))
    return shears[:1]


def _coupling_shear(
    collective: int, dephasing: int, centre: np.ndarray, duration: float
) -> Callable[[list[Any]], None]:
    def decayed(log_rate: Any) -> Any:
        return _log((1 - _exp(-duration * _exp(log_rate))) / (duration * _exp(log_rate)))

    reference = decayed(centre[dephasing])

    def step(u: list[Any]) -> None:
        u[collective] = u[collective] - (decayed(u[dephasing]) - reference)

    return step


def _pumped(experiment: Experiment, labels: list[str]) -> list[tuple[str, str, float]]:
    """Labels of Γpump and n3(0), and the duration of the longest run: of the first run that is driven and pumped."""
    longest = max(experiment.duration(run) for run in experiment.runs)
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        pump = _label(labels, "pump_rate", member, stage.label)
        if {"drive", "pump"} <= stage.lights and pump:
            return [(pump, _label(labels, "initial_n3", member), longest)]
    return []


def _sum_and_ratios(entries: list[int], weights: list[float], centre: np.ndarray) -> Callable[[list[Any]], None]:
    """Log A, log B, log C from log(A + S), log(A/S), log(B/C) with S = B + C, and so on; Jacobian ±1."""
    logs = np.array([centre[k] + np.log(weight) for k, weight in zip(entries, weights, strict=True)])
    rests = [np.logaddexp.reduce(logs[k:]) for k in range(len(entries))]

    def step(u: list[Any]) -> None:
        total = u[entries[0]] - centre[entries[0]] + rests[0]
        for k, (entry, following) in enumerate(pairwise(entries)):
            ratio = u[following] - centre[following] + (logs[k] - rests[k + 1])
            u[entry] = total - _softplus(-ratio) - np.log(weights[k])
            total = total - _softplus(ratio)
        u[entries[-1]] = total - np.log(weights[-1])

    return step


def _width(log_spread: Any) -> Any:
    """How far a score can be from where a member's own data want it, for a spread τ: σ/√(σ² + τ²)."""
    return 1 / _sqrt(1 + _exp(2 * log_spread) / MEMBER_PRECISION**2)


def _average(median: int, spread: int, scores: list[int]) -> Callable[[list[Any]], None]:
    """Log of the median from the average of the members' logarithms, which is what the data fix."""

    def step(u: list[Any]) -> None:
        total = u[scores[0]]
        for k in scores[1:]:
            total = total + u[k]
        u[median] = u[median] - _exp(u[spread]) * total / len(scores)

    return step


def _scale_shear(scale: int, n3: int, centre: np.ndarray) -> Callable[[list[Any]], None]:
    reference = 2 * np.exp(centre[n3])

    def step(u: list[Any]) -> None:
        u[scale] = u[scale] - (2 * _exp(u[n3]) - reference)

    return step


def _loss_shear(
    loss: int, collisions: int, pump: int, n3: int, centre: np.ndarray, span: float
) -> Callable[[list[Any]], None]:
    """What pumping n3 adds to P over a `span` of time (ms), after which a strong pump has nothing left to do."""
    total = np.exp(centre[loss]) + COLLISION_WEIGHT * np.exp(centre[collisions])

    def pumped(u: list[Any]) -> Any:
        return _exp(u[n3]) / (_exp(-u[pump]) + span)

    reference = pumped(list(centre))

    def step(u: list[Any]) -> None:
        u[loss] = u[loss] + (pumped(u) - reference) / (4 * total)

    return step


def _exp(x: Any) -> Any:
    if type(x).__name__ == "SX":
        import casadi

        return casadi.exp(x)
    return np.exp(x)


def _sqrt(x: Any) -> Any:
    return x**0.5


def _log(x: Any) -> Any:
    if type(x).__name__ == "SX":
        import casadi

        return casadi.log(x)
    return np.log(x)


def _softplus(x: Any) -> Any:
    """log(1 + eˣ)."""
    if type(x).__name__ == "SX":
        import casadi

        return casadi.fmax(x, 0) + casadi.log1p(casadi.exp(-casadi.fabs(x)))
    return np.logaddexp(0, x)
