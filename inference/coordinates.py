"""Coordinates for the sampler: unit-Jacobian changes of the unconstrained parameters that straighten the posterior.

The priors stay as they are: each map has a constant Jacobian. What the data determine is not single rates but
combinations; in plain logarithms these are curved ridges. Three of them follow from the physics:

- the initial slope of Jy fixes dΓ p + Γ̃, so dΓ + Γdeph + Γpump: logarithms of these → log of the sum, log of ratios
- the early slope of P fixes about Γout_L + (5/4) Γcol − n3/4 · 1/(1/Γpump + span): the same, weighted, and a shear
- ξ(0) = s (8 + 14 n3)/(8 − 2 n3): the scale s of ξ → s + 2 n3

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
from .unknowns import Unknown

SPAN = 0.3
"""The part of a run over which P shows what the pump did to n3: longer than 1/Γpump for a strong pump."""
COLLISION_WEIGHT = 1.25
"""∂(−Ṗ)/∂Γcol over ∂(−Ṗ)/∂Γout_L at full polarisation: (Γ43 + 4Γout)' = 5 against 4."""


@dataclass(frozen=True)
class Coordinates:
    """A map from sampled coordinates z to unconstrained parameters u, both of length `dimension`."""

    centre: np.ndarray
    scale: np.ndarray
    steps: tuple[Callable[[list[Any]], None], ...] = ()

    @property
    def dimension(self) -> int:
        """Number of sampled coordinates."""
        return len(self.centre)

    def apply(self, z: list[Any]) -> list[Any]:
        """U from z, entry by entry; entries are numbers, arrays, or CasADi symbols."""
        u = [c + s * value for c, s, value in zip(self.centre, self.scale, z, strict=True)]
        for step in self.steps:
            step(u)
        return u


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
    logarithmic = {label for label in labels if by_label[label].form in ("lognormal", "halfnormal")}

    longest = max(experiment.duration(run) for run in experiment.runs)

    def index(label: str) -> int:
        return labels.index(label)

    steps = [
        _sum_and_ratios([index(label) for label in group], [1.0] * len(group), centre)
        for group in _dephasing_groups(labels)
        if set(group) <= logarithmic
    ]
    if {"light_loss_rate", "collision_rate"} <= logarithmic:
        loss, collisions = index("light_loss_rate"), index("collision_rate")
        pumped = [label for label in labels if label.startswith("pump_rate[drive") and label in logarithmic]
        if pumped and "initial_n3" in logarithmic:
            steps.append(_loss_shear(loss, collisions, index(pumped[0]), index("initial_n3"), centre, SPAN * longest))
        steps.append(_sum_and_ratios([loss, collisions], [1.0, COLLISION_WEIGHT], centre))
    for series in experiment.series:
        if series.kind in VARIANCES and f"scale[{series.name}]" in labels and "initial_n3" in logarithmic:
            steps.append(_scale_shear(labels.index(f"scale[{series.name}]"), labels.index("initial_n3"), centre))
    return Coordinates(np.asarray(centre, float), scale, tuple(steps))


def _dephasing_groups(labels: list[str]) -> list[list[str]]:
    """Rates whose sum the decay of Jy fixes, for each kind of stage with the drive; dΓ goes with the first."""
    lights = dict.fromkeys(label.split("[")[1] for label in labels if "dephasing_rate[drive" in label)
    groups = [
        [f"{name}[{at}" for name in ("dephasing_rate", "pure_dephasing_rate")]
        + ([f"pump_rate[{at}"] if f"pure_dephasing_rate[{at}" in labels else [])
        for at in lights
    ]
    groups = [["collective_rate", *group] if k == 0 else group for k, group in enumerate(groups)]
    present = [[label for label in group if label in labels] for group in groups]
    return [group for group in present if len(group) > 1]


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


def _softplus(x: Any) -> Any:
    """log(1 + eˣ)."""
    if type(x).__name__ == "SX":
        import casadi

        return casadi.fmax(x, 0) + casadi.log1p(casadi.exp(-casadi.fabs(x)))
    return np.logaddexp(0, x)
