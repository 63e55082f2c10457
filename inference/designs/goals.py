"""What a design is for: one quantity, all parameters, or which of two models is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...datasets.errors import nearest, violation
from ...datasets.experiment import Label, by_label
from ..checks import values_at
from ..model import Problem
from .allocation import allocate
from .candidates import Choices
from .criteria import Advantage, Confusion, Criterion, Ignorance, Mean, Variance
from .linearised import FURTHEST, State, linearised, quantities, sensitivities, spread_of

EVERYTHING, CLOSURE = "everything", "closure"
_RIVALS = {CLOSURE: ("microscopic", "fixed-number")}
DRAWS, RIVAL_DRAWS = 48, 24
"""Posterior draws over which a gain is averaged."""
_ROUNDS = 6
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
        if names[0] == names[1]:
            raise violation("goal", f"{names[0]} twice", "two models")
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

    states : of the model of the fit, or of the two rivals;  evidences : log-evidence of what was measured, of these
    """

    goal: Goal
    states: tuple[State, ...]
    evidences: tuple[float, ...] = ()

    def criterion(self, choices: Choices, budget: float) -> Criterion:
        """The criterion for these candidates; of rivals near the best allocation of a budget (s)."""
        if self.goal.rivals:
            return self._between_rivals(choices, budget)
        (state,) = self.states
        few = state.thinned(DRAWS)
        menu = linearised(state.problem, choices, few.draws).menu(state.precision_at(few.draws))
        if not self.goal.label:
            return Ignorance(menu, wanted(state.problem))
        _, gradients = sensitivities(state.problem, few.draws, [self.goal.label])[self.goal.label]
        if not np.isfinite(gradients).all():
            found = f"{self.goal.label}, which is infinite for some draws of the posterior"
            raise violation("goal", found, "a quantity that is finite for all of them")
        return Variance(menu, gradients).given(spread_of(state, [self.goal.label])[self.goal.label][1] ** 2)

    def _between_rivals(self, choices: Choices, budget: float) -> Criterion:
        """Linearised again at each better fit, after the mean of the shots that were best so far.

        The mean converges (fictitious play); the best shots alone follow the fits, and these the shots, in circles.
        """
        one, other = self.states
        pair = [Rivalry(a, a.thinned(RIVAL_DRAWS).draws, b, choices) for a, b in ((one, other), (other, one))]
        shots = np.zeros(len(choices.x))
        for k in range(_ROUNDS):
            parts = [rivalry.advantage() for rivalry in pair]
            shots = shots + (allocate(Mean(tuple(parts)), choices.costs, budget).shots - shots) / (k + 1)
            for rivalry, part in zip(pair, parts, strict=True):
                rivalry.refit(part, shots)
        return Mean(tuple(rivalry.advantage() for rivalry in pair))


class Rivalry:
    """A model at some draws (S, p) of its own, and another one that is refitted to what it expects there.

    best (S, p) : of the other one, z-scores; where it starts, it has the same values of the parameters
    """

    def __init__(self, true: State, draws: np.ndarray, other: State, choices: Choices) -> None:
        self.other, self.choices = other, choices
        self.expected, known = linearised(true.problem, choices, draws), true.precision_at(draws)
        pull = _pull(true, draws, known)
        self.own = Confusion(self.expected.menu(known), np.zeros_like(self.expected.mean), pull)
        values, self.best = values_at(true.problem, draws), np.tile(other.draws.mean(axis=0), (len(draws), 1))
        for k, parameter in enumerate(other.problem.free):
            if parameter.label in values:
                with np.errstate(divide="ignore", invalid="ignore"):  # outside the domain of that prior
                    self.best[:, k] = parameter.prior.z_score(values[parameter.label])
        self.best = np.clip(np.nan_to_num(self.best), -FURTHEST, FURTHEST)
        self.last, self.longest = np.zeros_like(self.best), np.full(len(draws), _LONGEST_STEP)

    def advantage(self) -> Advantage:
        """Of the model over the other one, linearised at its best fits so far."""
        there, known = linearised(self.other.problem, self.choices, self.best), self.other.precision_at(self.best)
        difference = (self.expected.mean - there.mean) / self.expected.sigma
        pull = _pull(self.other, self.best, known)
        return Advantage(Confusion(there.menu(known, self.expected.sigma), difference, pull), self.own)

    def refit(self, found: Advantage, shots: np.ndarray) -> None:
        """A Gauss–Newton step of the other model towards its best fit after shots (K,), shorter where it turns back."""
        steps = found.other.steps(shots)
        size, back = np.linalg.norm(steps, axis=1), np.einsum("sp,sp->s", steps, self.last) < 0
        self.longest = np.where(back, 0.5 * np.linalg.norm(self.last, axis=1), self.longest)
        self.last = steps * np.minimum(1.0, self.longest / np.maximum(size, 1e-9))[:, None]
        self.best = self.best + self.last


def advantage(true: State, draws: np.ndarray, other: State, choices: Choices, shots: np.ndarray) -> Advantage:
    """Of the true model over the other one, near shots (K,); at draws (S, p) of the true one."""
    rivalry = Rivalry(true, draws, other, choices)
    for _ in range(_ROUNDS):
        rivalry.refit(rivalry.advantage(), shots)
    return rivalry.advantage()


def _pull(state: State, draws: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How far draws (S, p) are from where what is known has its maximum, by one Newton step, z-scores."""
    return np.asarray(-np.linalg.solve(known, state.force_at(draws)[..., None])[..., 0])
