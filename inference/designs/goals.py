"""What a design is for: one quantity, all parameters, or which of two models is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...datasets.errors import nearest, violation
from ...datasets.experiment import Label, by_label
from ..model import Problem
from .allocation import allocate
from .candidates import Choices
from .criteria import Advantage, Confusion, Criterion, Ignorance, Mean, Variance
from .linearised import State, linearised, quantities, sensitivities, values_at

EVERYTHING, CLOSURE = "everything", "closure"
_RIVALS = {CLOSURE: ("microscopic", "fixed-number")}
DRAWS, RIVAL_DRAWS = 48, 24
"""Posterior draws over which a gain is averaged."""
_ROUNDS = 4
_LONGEST_STEP = 3.0


@dataclass(frozen=True)
class Goal:
    """`label` : the quantity whose sd counts, "" where there is none;  rivals : two models, or none."""

    text: str
    label: str = ""
    rivals: tuple[str, ...] = ()

    @property
    def in_nats(self) -> bool:
        """Whether it is a gain, not a standard deviation."""
        return not self.label


def goal_of(text: str, state: State) -> Goal:
    """The goal that a text means.

    text : the label or symbol of a parameter or a derived quantity, "everything", "closure", or "ONE vs OTHER", two
        rival models

    Raises ExperimentError for what the experiment does not have.
    """
    names = _RIVALS.get(text) or tuple(part.strip() for part in text.split(" vs "))
    if len(names) == 2:
        return Goal(text, rivals=names)
    if text == EVERYTHING:
        return Goal(text)
    problem, (label,) = state.problem, by_label({text: 0}, "goal")
    found = quantities(problem, values_at(problem, state.draws[:2]), derived=True)
    alike = [one for one in found if label in (one, Label.parse(one).name)]
    if not alike:
        raise violation(
            "goal", f"{text!r}{nearest(label, found)}", f"one of {EVERYTHING}, {CLOSURE}, " + ", ".join(found)
        )
    if len(alike) > 1 and f"{label}[main]" not in alike:
        raise violation("goal", repr(text), "one of " + ", ".join(alike))
    return Goal(text, alike[0] if len(alike) == 1 else f"{label}[main]")


def wanted(problem: Problem) -> tuple[int, ...]:
    """The numbers of the parameters that "everything" stands for: those that are no constants of a series."""
    return tuple(k for k, p in enumerate(problem.free) if not Label.parse(p.label).parameter.per_series)


@dataclass(frozen=True)
class Wish:
    """A goal with what is known: makes the criterion for any choice of candidates.

    states : of the model of the fit, or of the two rivals
    """

    goal: Goal
    states: tuple[State, ...]

    def criterion(self, choices: Choices, budget: float) -> Criterion:
        """The criterion for these candidates; of rivals near the best allocation of a budget (s)."""
        if self.goal.rivals:
            one, other = self.states
            return Mean((advantage(one, other, choices, budget), advantage(other, one, choices, budget)))
        (state,) = self.states
        few = state.thinned(DRAWS)
        menu = linearised(state.problem, choices, few.draws).menu(state.precision_at(few.draws))
        if not self.goal.label:
            return Ignorance(menu, wanted(state.problem))
        _, gradients = sensitivities(state.problem, few.draws, [self.goal.label])[self.goal.label]
        if not np.isfinite(gradients).all():
            found = f"{self.goal.label}, which is infinite for some draws of the posterior"
            raise violation("goal", found, "a quantity that is finite for all of them")
        return Variance(menu, gradients)


def advantage(true: State, other: State, choices: Choices, budget: float, shots: np.ndarray | None = None) -> Advantage:
    """Where the other model is refitted to what the true one expects, linearised again at each better fit.

    shots (K,) : after which; by default those of the best allocation of a budget (s)
    """
    draws = true.thinned(RIVAL_DRAWS).draws
    expected = linearised(true.problem, choices, draws)
    best = np.tile(other.draws.mean(axis=0), (len(draws), 1))
    for _ in range(_ROUNDS):
        there, known = linearised(other.problem, choices, best), other.precision_at(best)
        difference = (expected.mean - there.mean) / expected.sigma
        found = Confusion(there.menu(known, expected.sigma), difference, _pull(other, best, known))
        steps = found.steps(allocate(found, choices.costs, budget).shots if shots is None else shots)
        size = np.linalg.norm(steps, axis=1, keepdims=True)
        best = best + steps * np.minimum(1.0, _LONGEST_STEP / np.maximum(size, 1e-9))
    known = true.precision_at(draws)
    own = Confusion(expected.menu(known), np.zeros_like(expected.mean), _pull(true, draws, known))
    return Advantage(found, own)


def _pull(state: State, draws: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How far draws (S, p) are from where what is known has its maximum, by one Newton step, z-scores."""
    return np.asarray(-np.linalg.solve(known, state.force_at(draws)[..., None])[..., 0])
