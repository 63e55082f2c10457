"""From a goal and candidates to a plan: the budget that a target needs, points, whole shots, what is expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...datasets import Experiment
from ...datasets.errors import violation
from ...datasets.experiment import Label
from ...datasets.formats import left_out
from ..checks import values_at
from .allocation import allocate, clusters, whole
from .candidates import Choices
from .criteria import Criterion, Variance
from .goals import DRAWS, Wish
from .limits import Limit, limit_of, open_directions, unidentifiable
from .linearised import State, linearised, quantities, sensitivities, spread_of
from .outcomes import can_be_simulated, factors_of_refits, planned_points, predicted_factors, refitted, with_plan
from .result import Design, Expectation, GainCurve, planned_experiment, span

SHORTEST, LONGEST = 0.1, 1e8
"""Seconds between which a budget is looked for."""
_CLOSE = 0.02
"""Of the logarithm of a budget."""
_SEARCHES, _SAME = 10, 0.03
_LEAST, _SLOPES = 1e-3, (0.25, 2.0)
"""Nats, and powers of the time that they may be."""
_TIMES, _FINER = 4, 10
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Asked:
    """What is asked for: see `design`. budget : s;  target : as given, None where a budget is.

    planned : the experiment with all candidates as the laboratory knows it, whatever a rival model makes of it
    """

    wish: Wish
    state: State
    choices: Choices
    planned: Experiment
    budget: float
    target: str | float | None
    refits: int
    seed: int
    cores: int | None


def made_plan(
    asked: Asked, progress: Progress | None = None, planned: Callable[[Design], None] | None = None
) -> Design:
    """The plan, with what is expected of it; `planned` is given it before refits verify it."""
    wish, choices, goal = asked.wish, asked.choices, asked.wish.goal
    target = np.nan if asked.target is None else _target(asked)
    met = bool(goal.label) and spread_of(asked.state, [goal.label])[goal.label][1] <= target
    given = asked.target is None or met
    needed = asked.budget if given else budget_for(wish, choices, target, asked.budget)
    budget = asked.budget if given or needed is None else max(needed, choices.costs.one_point(choices.least))
    chosen, shots = points_and_shots(wish, choices, budget)
    criterion, plan = wish.criterion(choices, budget), wish.criterion(chosen, budget)
    experiment, new = with_plan(chosen, shots)
    value = plan.value(shots.astype(float))[0]
    limits: list[Limit | None] = [None, None]
    if isinstance(criterion, Variance) and isinstance(plan, Variance):
        limits = [limit_of(criterion, asked.state, goal.label), limit_of(plan, asked.state, goal.label, shots)]
    few = asked.state.thinned(DRAWS)
    menu = linearised(few.problem, chosen, few.draws).menu(few.precision_at(few.draws))
    factors = predicted_factors(chosen, shots, asked) if goal.rivals else []
    expected = [*(one for one, _ in factors), *_expectations(asked, chosen, shots)]
    found = Design(
        title=choices.experiment.title,
        simulated=choices.experiment.simulated,
        goal=goal.text,
        label=goal.label,
        budget=budget,
        points=planned_points(chosen, shots),
        expectations=(),
        gain=-value if goal.in_nats else np.nan,
        target=target,
        possible=needed is not None,
        met=met,
        even=_even(criterion, choices, value, budget),
        limit=limits[0],
        remaining=limits[1],
        never=tuple(unidentifiable(asked.state, choices)),
        not_yet=tuple(open_directions(asked.state, menu.covariances(shots).mean(axis=0))),
        curves=tuple(_curves(criterion, choices, budget, goal.in_nats)),
        shot=tuple(sorted({one.shot for one in choices.every})),
        delay=any(one.delay for one in choices.every),
        repetitions=choices.repetitions,
        planned=planned_experiment(asked.planned, experiment, dict(new), asked.state.problem.settings),
        left_out=tuple(left_out(choices.experiment)),
    ).expecting(expected)
    if asked.refits < (len(goal.rivals) or 1) or not can_be_simulated(experiment):
        return found
    if planned is not None:
        planned(found)
    return found.expecting(_verified(asked, chosen, shots, expected, factors, progress))


def _verified(
    asked: Asked, choices: Choices, shots: np.ndarray, expected: list[Expectation],
    factors: list[tuple[Expectation, list[Experiment]]], progress: Progress | None,
) -> list[Expectation]:  # fmt: skip
    """What is expected, with what refits obtain: of the log Bayes factors of two rivals, else of all sds."""
    if factors:
        return [*factors_of_refits(factors, asked, progress), *expected[len(factors) :]]
    state, labels = asked.state, [one.label for one in expected]
    refits = refitted(state, choices, shots, state.draws[: asked.refits], labels, asked.seed, asked.cores, progress)
    return [replace(one, refits=refits[one.label]) for one in expected]


def points_and_shots(wish: Wish, choices: Choices, budget: float) -> tuple[Choices, np.ndarray]:
    """The points of the best plan and whole shots (K,) at each.

    Neighbours on the grid of free values are put together, then the budget is shared out again.
    """
    shots = allocate(wish.criterion(choices, budget), choices.costs, budget).shots
    finer = _around(choices, shots)
    shots = allocate(wish.criterion(finer, budget), finer.costs, budget).shots
    chosen = _put_together(finer, shots)
    while True:
        best = allocate(wish.criterion(chosen, budget), chosen.costs, budget)
        enough = best.shots >= chosen.least
        if not enough.any():  # one point less leaves more for each of the others
            enough = np.arange(len(enough)) != (best.shots / chosen.least).argmin()
        if enough.all() or not enough.any():
            break
        chosen = _kept(chosen, enough)
    changes = sum(chosen.costs.change.get(name, 0.0) for name in best.settings)
    found = whole(best.shots, chosen.costs.per_shot, budget - changes, chosen.least)
    if not found.any():
        fewest = int(chosen.least.min())
        raise violation("budget", f"{budget:g} s", f"a longer one: a point has at least {fewest} shots")
    return _kept(chosen, found > 0), found[found > 0]


def _around(choices: Choices, shots: np.ndarray) -> Choices:
    """Finer grids around the points that have shots, where values between those of the grid are possible."""
    points = []
    for k, candidate in enumerate(choices.every):
        x, mine = candidate.x, choices.group == k
        used, step = x[shots[mine] > 0], float(choices.spacing[mine][0])
        near = (used[:, None] + step * np.linspace(-1, 1, 2 * _FINER + 1)).ravel() if step else used
        points.append(np.unique(np.round(np.clip(near, x[0], x[-1]), 9)))
    return choices.at(points)


def _put_together(choices: Choices, shots: np.ndarray) -> Choices:
    """Neighbours as one point, at the mean of their shots, to about two digits of the distance that they had."""
    points: list[list[float]] = [[] for _ in choices.every]
    for some in clusters(shots, choices.x, choices.group, choices.spacing * _FINER):
        step = choices.spacing[some[0]]
        x = float(shots[some] @ choices.x[some] / shots[some].sum())
        points[choices.group[some[0]]].append(round(x, 1 - int(np.floor(np.log10(step)))) if step else x)
    return choices.at([np.unique(some) for some in points])


def _kept(choices: Choices, keep: np.ndarray) -> Choices:
    return choices.at([c.x[keep[choices.group == k]] for k, c in enumerate(choices.every)])


def budget_for(wish: Wish, choices: Choices, target: float, first: float) -> float | None:
    """Seconds that the best plan needs for an sd, or for nats; None where no budget is enough.

    first : where to begin, s
    """
    if wish.goal.rivals:
        return _reaching_nats(wish, choices, target, first)
    wanted = -target if wish.goal.in_nats else 2 * float(np.log(target))
    return _reaching(wish.criterion(choices, first), choices, wanted)


def _reaching_nats(wish: Wish, choices: Choices, target: float, first: float) -> float | None:
    """The same for rivals: a secant search, as nats are nearly a power of the time, with the criterion of each time."""
    low, high = np.log(_shortest(choices)), np.log(LONGEST)
    at, before, slope = float(np.clip(np.log(first), low, high)), (np.nan, np.nan), 1.0
    enough: list[float] = []

    def nats_of(budget: float) -> float:
        return float(np.log(max(_LEAST, -allocate(wish.criterion(choices, budget), choices.costs, budget).value)))

    for _ in range(_SEARCHES):
        budget = float(np.exp(at))
        nats = nats_of(budget)
        missing = float(np.log(target)) - nats
        if abs(missing) < _SAME or (at == low and missing < 0):
            return budget
        if at == high and missing > 0:
            return None
        if missing < 0:
            enough.append(budget)
        if np.isfinite(before[0]):
            slope = float(np.clip((nats - before[1]) / (at - before[0]), *_SLOPES))
        before, at = (at, nats), float(np.clip(at + missing / slope, low, high))
    if not enough and nats_of(LONGEST) < np.log(target):
        return None
    return min(enough, default=LONGEST)


def _shortest(choices: Choices) -> float:
    """Seconds, more than the dearest change of a setting."""
    return max(SHORTEST, 1.001 * max(choices.costs.change.values(), default=0.0))


def _reaching(criterion: Criterion, choices: Choices, wanted: float) -> float | None:
    """Seconds in which the best allocation makes a criterion as small as is wanted."""
    from scipy.optimize import brentq

    def beyond(log_budget: float) -> float:
        return allocate(criterion, choices.costs, float(np.exp(log_budget))).value - wanted

    low, high = np.log(_shortest(choices)), np.log(LONGEST)
    if beyond(high) > 0:
        return None
    return float(np.exp(low if beyond(low) < 0 else brentq(beyond, low, high, xtol=_CLOSE)))


def _target(asked: Asked) -> float:
    """The target in the unit of the goal, or nats."""
    text, label = str(asked.target).strip(), asked.wish.goal.label
    share = text.removesuffix("%").rstrip()
    try:
        number = float(share)
    except ValueError as error:
        raise violation("target", repr(text), "a number, or per cent such as '3 %'") from error
    if not number > 0 or (text.endswith("%") and not label):
        raise violation("target", repr(text), "a number > 0" + ("" if label else ", in nats"))
    if not text.endswith("%"):
        return number
    values, _ = sensitivities(asked.state.problem, asked.state.thinned(DRAWS).draws, [label])[label]
    return 0.01 * number * abs(float(values.mean()))


def reported(state: State, goal: str) -> list[str]:
    """Labels of the goal and of all rates, and of the open closure."""
    values = values_at(state.problem, state.draws[:2])
    rates = [x for x in quantities(state.problem, values, derived=False)
             if Label.parse(x).is_rate or x == "loss_noise_share"]  # fmt: skip
    return list(dict.fromkeys([goal, *rates] if goal else rates))


def _expectations(asked: Asked, choices: Choices, shots: np.ndarray) -> list[Expectation]:
    """Of the goal and the rates."""
    state = asked.state
    labels = reported(state, asked.wish.goal.label)
    values = spread_of(state, labels)
    predicted = predicted_deviations(state, choices, shots, state.draws[: max(DRAWS, asked.refits)], values)
    found = []
    for label, sds in predicted.items():
        after = float(np.sqrt(np.mean(sds**2)))
        found.append(Expectation(label, *values[label], after, *span(sds, after), sds, np.empty(0)))
    return found


def predicted_deviations(
    state: State, choices: Choices, shots: np.ndarray, draws: np.ndarray, now: Mapping[str, tuple[float, float]]
) -> dict[str, np.ndarray]:
    """The sd of each quantity after shots (K,), were each draw (S, p) the truth: label → (S,).

    now : label → mean and sd of the quantity before
    """
    menu = linearised(state.problem, choices, draws).menu(state.precision_at(draws))
    slopes = sensitivities(state.problem, draws, list(now))
    variances = {label: Variance(menu, slopes[label][1]).given(sd**2) for label, (_, sd) in now.items()}
    return {label: np.sqrt(one.of_draws(shots.astype(float))) for label, one in variances.items()}


def _even(criterion: Criterion, choices: Choices, value: float, budget: float) -> float:
    """How many times the budget the same shots at every point need for the same; inf where they never get there."""
    from scipy.optimize import brentq

    each, changes = 1 / choices.costs.per_shot.sum(), sum(choices.costs.change.values())

    def beyond(log_budget: float) -> float:
        time = max(0.0, float(np.exp(log_budget)) - changes)
        return criterion.value(np.full(len(choices.x), time * each))[0] - value

    low, high = np.log(budget / _TIMES), np.log(budget * 1e4)
    if beyond(high) > 0:
        return float("inf")
    return float(np.exp(brentq(beyond, low, high, xtol=_CLOSE)) / budget) if beyond(low) > 0 else 1 / _TIMES


def _curves(criterion: Criterion, choices: Choices, budget: float, in_nats: bool) -> list[GainCurve]:
    """The gain of the whole budget at each point alone."""
    before, gains = criterion.value(np.zeros(len(choices.x)))[0], np.empty(len(choices.x))
    for k, cost in enumerate(choices.costs.per_shot):
        value = criterion.at(np.array([k])).value(np.array([budget / cost]))[0]
        gains[k] = before - value if in_nats else 1 - np.exp(value - before)
    names = [(c.series.name, c.series.about.abscissa_label) for c in choices.candidates]
    names += [(c.record.name, "duration of a record (ms)") for c in choices.records]
    return [GainCurve(*of, c.x, gains[choices.group == k])
            for k, (of, c) in enumerate(zip(names, choices.every, strict=True))]  # fmt: skip
