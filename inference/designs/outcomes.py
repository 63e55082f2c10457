"""A plan verified: outcomes are simulated at posterior draws, each is fitted, and the sd obtained is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Experiment
from ...datasets.experiment import KIND as RECORD
from ...datasets.simulation import simulated_like
from ..checks import values_at
from ..comparison import evidence_of_draws
from ..fits import Sampled, derived_quantities, number_of, predicted, sample_posterior
from ..model import ModelSettings, Problem, SamplerSettings
from .candidates import Choices, RecordCandidate, is_planned, joined
from .goals import advantage
from .linearised import State, linearised, quantities
from .result import Expectation, PlannedPoint, span

if TYPE_CHECKING:
    from .planner import Asked, Progress

DRAWS, TUNE, CHAINS = 500, 200, 2
"""Of a refit: its sd is known to about 4 %, the mean of fifty to less than 1 %."""
_DERIVED_DRAWS = 300
OUTCOMES = 96
"""Of each of two models, for which its log Bayes factor is predicted."""
MOST_SAMPLES = 5 * 10**7
"""Of planned records in an outcome that is simulated and fitted: of 100 bins, 250,000."""
New = Mapping[str, np.ndarray]
"""Series → which of its points are planned ones."""


def with_plan(choices: Choices, shots: np.ndarray) -> tuple[Experiment, New]:
    """The experiment with the planned points, whose values are NaN, and which they are.

    shots (K,) : at each point of the choices
    """
    series, new = {one.name: one for one in choices.experiment.series}, {}
    for k, candidate in enumerate(choices.candidates):
        planned = candidate.series
        planned = replace(planned, spread=candidate.spread(shots[choices.group == k]))
        series[planned.name], new[planned.name] = joined(series.get(planned.name), planned)
    of_records = shots[len(shots) - sum(len(c.x) for c in choices.records) :].astype(int).tolist()
    durations = [(candidate, float(x)) for candidate in choices.records for x in candidate.x]
    # one more, as of a variance: the mean of all is subtracted
    records = tuple(c.planned(x, number + 1) for (c, x), number in zip(durations, of_records, strict=True))
    return replace(choices.experiment, series=tuple(series.values()), records=choices.experiment.records + records), new


def can_be_simulated(experiment: Experiment) -> bool:
    """Whether its planned records are few enough to be simulated and fitted many times."""
    return sum(r.samples.size for r in experiment.records if is_planned(r)) <= MOST_SAMPLES


def planned_points(choices: Choices, shots: np.ndarray) -> tuple[PlannedPoint, ...]:
    """The plan as rows: shots (K,) at each point of the choices."""
    found: list[PlannedPoint] = []
    for k, candidate in enumerate(choices.every):
        here, costs = shots[choices.group == k], candidate.per_shot.tolist()
        if isinstance(candidate, RecordCandidate):
            found += [
                PlannedPoint(candidate.record.name, RECORD, candidate.record.run, float(x), "ms", int(number), "",
                             float("nan"), float(number * cost), candidate.setting)
                for x, number, cost in zip(candidate.x, here, costs, strict=True)
            ]  # fmt: skip
            continue
        series = candidate.series
        sigma = np.full(len(here), np.nan) if candidate.counts else candidate.spread(here)
        found += [
            PlannedPoint(series.name, series.kind, series.run, float(x), series.about.unit, int(number), series.noise,
                         float(one), float(number * seconds), candidate.setting)
            for x, number, one, seconds in zip(series.x, here, sigma, candidate.per_shot, strict=True)
        ]  # fmt: skip
    return tuple(found)


def simulated(problem: Problem, new: New, truths: Mapping[str, np.ndarray], seed: int) -> Iterator[Experiment]:
    """The experiment as it could come out at each of some draws: the measured values stay, the planned ones are drawn.

    One after the other, as records may fill the memory.

    truths : parameters by label, (n,)
    """
    rng = np.random.default_rng([seed, 5])
    noisy = predicted(problem, truths, rng, accuracy=1e-9, likelihood=False).noisy
    for k in range(number_of(truths)):
        series = []
        for one in problem.experiment.series:
            values = one.value.copy()
            if one.name in new:
                all_values = np.full(len(values), np.nan)
                all_values[one.fitted] = noisy[one.name][k]
                values[new[one.name]] = all_values[new[one.name]]
            series.append(replace(one, value=values))
        truth = {label: value[k] if np.ndim(value) else value for label, value in truths.items()}
        records = [simulated_like(record, problem.experiment, truth, rng) if is_planned(record) else record
                   for record in problem.experiment.records]  # fmt: skip
        yield replace(problem.experiment, series=tuple(series), records=tuple(records), simulated=True)


def refitted(
    state: State, choices: Choices, shots: np.ndarray, draws: np.ndarray, labels: list[str], seed: int,
    cores: int | None = None, progress: Callable[[int, int, int], None] | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Posterior sd of each quantity after outcomes at some draws (n, p) of the state, label → (n,)."""
    experiment, new = with_plan(choices, shots)
    problem = Problem(experiment, state.problem.settings)
    values = values_at(state.problem, draws)
    found: dict[str, list[float]] = {label: [] for label in labels}
    for k, outcome in enumerate(simulated(problem, new, values, seed)):
        fit = sample_posterior(
            replace(problem, experiment=outcome), SamplerSettings(seed + k, DRAWS, TUNE, CHAINS, cores)
        )
        for label, sd in deviations(fit, labels).items():
            found[label].append(sd)
        if progress is not None:
            progress(k + 1, 0, len(draws))
    return {label: np.array(sds) for label, sds in found.items()}


def deviations(fit: Sampled, labels: list[str]) -> dict[str, float]:
    """Posterior sd of some quantities by label; NaN where one is infinite."""
    draws = quantities(fit.problem, fit.values, derived=False)
    if not set(labels) <= draws.keys():
        step = max(1, len(next(iter(draws.values()))) // _DERIVED_DRAWS)
        few = {k: v[::step] if np.ndim(v) else v for k, v in fit.values.items()}
        for name, (_, entries, array) in derived_quantities(fit.problem, few).items():
            draws |= {f"{name}[{entry}]": array[:, k] for k, entry in enumerate(entries)}
    return {label: float(np.std(draws[label])) for label in labels}


def predicted_factors(choices: Choices, shots: np.ndarray, asked: Asked) -> list[tuple[Expectation, list[Experiment]]]:
    """Log Bayes factor of the true model over the other one, for each as the true one, beyond that of the data.

    Each with the outcomes for which it is predicted.
    """
    (one, other), names = asked.wish.states, asked.wish.goal.rivals
    now = asked.wish.evidences[0] - asked.wish.evidences[1]
    found = []
    for true, false, name, sign in ((one, other, names[0], 1), (other, one, names[1], -1)):
        each, outcomes, of_outcomes = factors_of_outcomes(true, false, choices, shots.astype(float), asked.seed)
        after, label = float(each.mean()), f"log Bayes factor if {name}"
        predicted = Expectation(
            label, sign * now, 0.0, after, *span(of_outcomes, after), of_outcomes, np.empty(0), True
        )
        found.append((predicted, outcomes))
    return found


def factors_of_refits(
    predicted: list[tuple[Expectation, list[Experiment]]], asked: Asked, progress: Progress | None
) -> list[Expectation]:
    """The same with what fits by both models obtain, for half of the refits each."""
    settings, each = [state.problem.settings for state in asked.wish.states], asked.refits // 2
    found = []
    for k, (one, outcomes) in enumerate(predicted):
        factors = np.empty(each)
        for number, outcome in enumerate(outcomes[:each]):
            factors[number] = _factor(settings if k == 0 else settings[::-1], outcome, asked, number)
            if progress is not None:
                progress(k * each + number + 1, 0, 2 * each)
        found.append(replace(one, refits=factors - one.value))
    return found


def factors_of_outcomes(
    true: State, other: State, choices: Choices, shots: np.ndarray, seed: int
) -> tuple[np.ndarray, list[Experiment], np.ndarray]:
    """Log Bayes factor of the true model over another one after shots (K,), as predicted without fits of outcomes.

    Returns what is expected at S draws, which are none of those for which a plan is made, (S,); outcomes there; and
    what is predicted for each of these.
    """
    draws = true.draws[-OUTCOMES:]
    expected = advantage(true, draws, other, choices, shots)
    experiment, new = with_plan(choices, shots)
    problem = Problem(experiment, true.problem.settings)
    outcomes = list(simulated(problem, new, values_at(true.problem, draws), seed))
    at = linearised(true.problem, choices, draws)
    noise = (np.stack([planned_values(outcome, new) for outcome in outcomes]) - at.mean) / at.sigma
    return expected.of_draws(shots), outcomes, expected.given(noise).of_draws(shots)


def planned_values(outcome: Experiment, new: New) -> np.ndarray:
    """Those of the planned points, (K,), in the order of the candidates, as `with_plan` has them in `new`."""
    values = {series.name: series.value for series in outcome.series}
    return np.concatenate([values[name][planned] for name, planned in new.items()])


def _factor(settings: list[ModelSettings], outcome: Experiment, asked: Asked, number: int) -> float:
    """Log Bayes factor of the first of two models after an outcome, its number."""
    sampler = SamplerSettings(asked.seed + number, DRAWS, TUNE, CHAINS, asked.cores)
    fits = [sample_posterior(Problem(outcome, one), sampler) for one in settings]
    one, other = (evidence_of_draws(fit.problem, fit.by_label).log_evidence for fit in fits)
    return float(one - other)
