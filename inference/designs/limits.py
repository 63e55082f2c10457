"""What a design cannot give: the sd that no number of shots goes below, what sets it, and directions without data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...datasets.experiment import Label
from ...forward_models import LOSS_NOISE_SHARE
from ..checks import independent_jacobians
from .candidates import Choices
from .criteria import Variance
from .linearised import State, has_data, linearised

_WITHOUT_END = 1e9
"""Shots at each point that stand for any number."""
_EXACTLY = 1e12
_NOTHING, _NOTHING_OF_RECORDS = 1e-7, 1e-4
"""Singular value, over the largest, below which series or records tell nothing of a direction: the error of the
differences, which are second ones for records.
"""
_TINY = 1e-300
_OPEN, _NAMED = 0.5, 0.15
INSTEAD = {
    "scale": "measure the projection noise (or the normalisation of this series) better instead",
    "offset": "measure the shot noise (or the background of this series) better instead",
    "squeezing_limit": "measure Z better instead: κ² and the gain of the light",
    "detection_efficiency": "measure the detection efficiency better instead",
    "optical_depth": "measure d better instead: the Faraday angle, an absorption spectrum",
    "faraday_angle": "measure the Faraday angle better instead",
    "initial_n3": "measure the populations at the start instead: an orientation test",
    "loss_noise_share": "settle the closure instead (goal closure)",
    "time_offset": "measure the delay of the trigger instead",
    "common_time_offset": "measure the delay of the shutter instead",
}
"""What to do about a constant that limits a design."""


@dataclass(frozen=True)
class Limit:
    """sd that any number of shots leaves;  label : what sets it, "" where nothing alone does;  share : of its variance
    that would go with it.
    """

    sd: float
    label: str
    share: float

    @property
    def words(self) -> str:
        """'limited by s [xi]: measure the projection noise better instead'."""
        if not self.label:
            return "limited by what none of these candidates measures"
        of = Label.parse(self.label)
        return f"limited by {of.symbol} ({100 * self.share:.0f} % of the remaining variance): " + INSTEAD.get(
            of.name, "no candidate measures it"
        )


def limit_of(criterion: Variance, state: State, goal: str, shots: np.ndarray | None = None) -> Limit:
    """What limits the sd of a quantity: after any number of shots, or after `shots` (K,)."""
    menu = criterion.menu
    many = np.full(menu.count, _WITHOUT_END) if shots is None else shots
    least, shares = float(criterion.of_draws(many).mean()), {}
    for k, parameter in enumerate(state.problem.free):
        if parameter.label == goal or Label.parse(parameter.label).is_rate:
            continue
        known = menu.known.copy()
        known[:, k, k] += _EXACTLY
        without = replace(criterion, menu=replace(menu, known=known)).of_draws(many).mean()
        shares[parameter.label] = 1 - float(without) / least
    best = max(shares, key=lambda label: shares[label], default="")
    enough = bool(best) and shares[best] >= _NAMED
    return Limit(float(np.sqrt(least)), best if enough else "", shares[best] if enough else 0.0)


@dataclass(frozen=True)
class Direction:
    """A combination of parameters, in prior standard deviations; sd : along it, of the prior's."""

    parts: dict[str, float]
    sd: float

    @property
    def words(self) -> str:
        """'dΓ +1.0, s [xi] −0.8'."""
        return ", ".join(f"{Label.parse(k).symbol} {v:+.1f}".replace("-", "−") for k, v in self.parts.items())


def unidentifiable(state: State, choices: Choices) -> list[Direction]:
    """Directions of which neither the data nor any number of shots of the candidates tell anything, at any draw."""
    found: list[Direction] | None = None
    records = {record.name for record in state.measured.records}
    for z_scores in (state.draws.mean(axis=0), *state.draws[:2]):
        new = linearised(state.problem, choices, z_scores[None])
        known = independent_jacobians(state.problem, z_scores, state.measured) if has_data(state.measured) else {}
        rows = new.menu(state.prior_precision[None]).rows[0]
        series, light = rows[: new.mean.shape[1]], rows[new.mean.shape[1] :]
        measured = [np.concatenate([rows[:0], *(part for name, part in known.items() if (name in records) is of_light)])
                    for of_light in (False, True)]  # fmt: skip
        parts = [(part, 1.0) for part in (series, measured[0])]
        parts += [(part, _NOTHING / _NOTHING_OF_RECORDS) for part in (light, measured[1])]
        jacobian = np.concatenate(
            [weight * part / max(np.linalg.norm(part, 2), _TINY) for part, weight in parts if len(part)]
        )
        _, singular, directions = np.linalg.svd(jacobian)
        sizes = np.zeros(len(directions))
        sizes[: len(singular)] = singular
        here = [_direction(state, row, 1.0) for row in directions[sizes < _NOTHING * max(1.0, sizes.max())]]
        found = here if found is None or len(here) < len(found) else found
    return found or []


def open_directions(state: State, covariance: np.ndarray) -> list[Direction]:
    """Combinations of rates of which a covariance (p, p), of z-scores, leaves more than half of the prior's variance.

    Constants that are known beforehand are not among them: their priors are measurements.
    """
    free = [Label.parse(p.label) for p in state.problem.free]
    rates = [k for k, label in enumerate(free) if label.is_rate or label.name == LOSS_NOISE_SHARE]
    sizes, columns = np.linalg.eigh(covariance[np.ix_(rates, rates)])
    vectors = np.zeros((len(free), len(rates)))
    vectors[rates] = columns
    return [_direction(state, vectors[:, k], float(np.sqrt(sizes[k]))) for k in np.flatnonzero(sizes > _OPEN)[::-1]]


def _direction(state: State, vector: np.ndarray, sd: float) -> Direction:
    vector = vector / vector[np.abs(vector).argmax()]
    order = np.argsort(-np.abs(vector), kind="stable")
    return Direction({state.problem.free[k].label: float(vector[k]) for k in order if abs(vector[k]) >= 0.2}, sd)
