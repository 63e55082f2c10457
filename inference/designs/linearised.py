"""The candidates and the wanted quantities, linearised at each of some posterior draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.prediction import expected
from ..checks import information_at, record_jacobian, values_at
from ..fits import by_speed, derived_quantities, total_log_likelihood
from ..model import Problem, fingerprint
from .candidates import Choices, is_planned
from .criteria import Menu

_STEP = 1e-3
FURTHEST = 7.0
"""z-scores beyond which a parameter is at the end of its domain."""


@dataclass(frozen=True)
class State:
    """What is known of the p free parameters of a problem, on the scale on which each prior is standard normal.

    draws (S, p) : of the posterior, or of the prior where there are no data
    """

    problem: Problem
    draws: np.ndarray

    @property
    def labels(self) -> list[str]:
        """Of the parameters."""
        return [p.label for p in self.problem.free]

    @cached_property
    def measured(self) -> Experiment:
        """The experiment without the planned series, which have no values."""
        series = tuple(s for s in self.problem.experiment.series if not np.isnan(s.value).all())
        records = tuple(r for r in self.problem.experiment.records if not is_planned(r))
        return replace(self.problem.experiment, series=series, records=records)

    @cached_property
    def prior_precision(self) -> np.ndarray:
        """(p, p): 1, but for priors that a calibration made correlated."""
        together, correlation = self.problem.correlated, np.eye(len(self.labels))
        if together is not None:
            place = [self.labels.index(label) for label in together.labels]
            correlation[np.ix_(place, place)] = together.matrix
        return np.linalg.inv(correlation)

    def precision_at(self, draws: np.ndarray) -> np.ndarray:
        """(S, p, p): of the priors and of the data, linearised at each of some draws (S, p).

        Not the inverse of the posterior's covariance: where a posterior is bent, that and the information of new data,
        which is bent with it, would tell more together than there is.
        """
        found = np.tile(self.prior_precision, (len(draws), 1, 1))
        if has_data(self.measured):
            found = found + information_at(self.problem, draws, self.measured)
        return found

    def force_at(self, draws: np.ndarray) -> np.ndarray:
        """(S, p): gradient of the log-posterior at some draws (S, p), by the z-scores."""
        force = -draws @ self.prior_precision
        if has_data(self.measured):
            known = Problem(self.measured, self.problem.settings)
            heights = total_log_likelihood(known, values_at(self.problem, around(draws)), accuracy=1e-9)
            force += differences(heights, draws.shape[1])[1]
        return np.asarray(force)

    def thinned(self, most: int) -> State:
        """With its first draws: they are in no order."""
        return State(self.problem, self.draws[:most])


def has_data(experiment: Experiment) -> bool:
    """Whether something was measured that is fitted; planned series have no values."""
    numbers = any(not o.excluded for o in experiment.observations)
    series = any(s.fitted.any() and not np.isnan(s.value).all() for s in experiment.series)
    return numbers or series or any(r.fitted.any() and not is_planned(r) for r in experiment.records)


def state_of(problem: Problem, by_label: Mapping[str, np.ndarray], seed: int, number: int = 4000) -> State:
    """What draws of a fit say of the parameters of a problem, which may have more of them: these have their priors.

    by_label : draws (n,), shuffled here; none where nothing was measured
    """
    rng, labels = np.random.default_rng([seed, 3]), [p.label for p in problem.free]
    number = len(next(iter(by_label.values()))) if by_label else number
    scores = {label: rng.standard_normal(number) for label in labels}
    if problem.correlated is not None:
        scores |= problem.correlated.z_scores(number, rng)
    for p in problem.free:
        if p.label in by_label:
            scores[p.label] = np.clip(p.prior.z_score(by_label[p.label]), -FURTHEST, FURTHEST)
    draws = np.stack([scores[label] for label in labels], axis=1)
    return State(problem, rng.permutation(draws))


def quantities(problem: Problem, values: Mapping[str, Any], *, derived: bool) -> dict[str, np.ndarray]:
    """The free parameters, the rates that follow from them and, if `derived`, what follows from these; label → (n,)."""
    found = {p.label: values[p.label] for p in problem.free}
    for variable in problem.variables:
        found |= {label: formula(values) for label, formula in zip(variable.labels, variable.formulas, strict=False)}
    if derived:
        for name, (_, entries, array) in derived_quantities(problem, values).items():
            found |= {f"{name}[{entry}]": array[:, k] for k, entry in enumerate(entries)}
    return {label: np.asarray(value, float) for label, value in found.items()}


def around(draws: np.ndarray) -> np.ndarray:
    """Each of S draws (S, p), and a step up and down in each parameter: (S (2p + 1), p)."""
    count = draws.shape[1]
    steps = np.concatenate([np.zeros((1, count)), _STEP * np.eye(count), -_STEP * np.eye(count)])
    return np.asarray((draws[:, None] + steps).reshape(-1, count))


def differences(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (S,) or (S, T) at the draws, and derivatives by the z-scores, (S, p) or (S, T, p), from `around`."""
    table = values.reshape(len(values) // (2 * count + 1), 2 * count + 1, *values.shape[1:])
    slopes = (table[:, 1 : count + 1] - table[:, count + 1 :]) / (2 * _STEP)
    return table[:, 0], np.moveaxis(slopes, 1, -1)


@dataclass(frozen=True)
class Linearised:
    """At S draws of p parameters, for one shot at each of the K points of the candidates.

    mean, sigma (S, K) : expected, and its noise;  slopes (S, K, p) : of the mean by the z-scores; of series
    records (S, L, p, p) : of records of L durations, J with JᵀJ the information of one
    """

    mean: np.ndarray
    sigma: np.ndarray
    slopes: np.ndarray
    records: np.ndarray

    def menu(self, known: np.ndarray, sigma: np.ndarray | None = None) -> Menu:
        """The information of a shot, given the precision (S, p, p) of what is known."""
        rows = self.slopes / (self.sigma if sigma is None else sigma)[..., None]
        (draws, durations, count, _), points = self.records.shape, rows.shape[1]
        if not durations:
            return Menu(rows, known)
        owners = np.concatenate([np.arange(points), points + np.repeat(np.arange(durations), count)])
        return Menu(np.concatenate([rows, self.records.reshape(draws, -1, count)], axis=1), known, owners)


def linearised(problem: Problem, choices: Choices, draws: np.ndarray) -> Linearised:
    """The candidates at some draws (S, p) of the parameters of a problem, by central differences."""
    z_scores = around(draws)
    means = in_groups(
        choices, values_at(problem, z_scores), len(z_scores), lambda v: expected(choices.alone, v, problem.dynamics)
    )
    mean, slopes = differences(means, draws.shape[1])
    group = choices.group[: mean.shape[1]]
    sigmas = [c.sigma(mean[:, group == k]) for k, c in enumerate(choices.candidates)]
    sigma = np.concatenate([mean[:, :0], *sigmas], axis=1)
    return Linearised(mean, sigma, slopes, _of_records(problem, choices, draws))


def _of_records(problem: Problem, choices: Choices, draws: np.ndarray) -> np.ndarray:
    """(S, L, p, p): see `Linearised`. What was worked out for a draw before is kept."""
    count = draws.shape[1]
    found = [np.zeros((len(draws), 0, count, count))]
    form = fingerprint(problem.parameters, problem.dynamics) if choices.records else ""
    for candidate in choices.records:
        for x in candidate.x:
            record = candidate.planned(float(x))
            for draw in draws:
                key = (form, record.length, draw.tobytes())
                if key not in candidate.known:
                    candidate.known[key] = record_jacobian(problem, record, draw, problem.experiment, 1.0)
            found.append(np.stack([candidate.known[form, record.length, draw.tobytes()] for draw in draws])[:, None])
    return np.concatenate(found, axis=1)


def in_groups(choices: Choices, values: Mapping[str, Any], number: int, of: Callable[..., Any]) -> np.ndarray:
    """Expected values of all candidates side by side, (n, K), worked out for groups of draws of like speed."""
    found = np.empty((number, sum(len(c.x) for c in choices.candidates)))
    if not choices.candidates:
        return found
    for index, some in by_speed(choices.alone, values):
        series = of(some).series
        parts = [
            np.broadcast_to(series[name], (len(index), len(own)))[:, own] for name, (_, own) in choices.placed.items()
        ]
        found[index] = np.concatenate(parts, axis=1)
    return found


def spread_of(state: State, labels: list[str]) -> dict[str, tuple[float, float]]:
    """Mean and sd of quantities over the draws."""
    few = state.thinned(2000)
    plain = quantities(state.problem, values_at(state.problem, few.draws), derived=False)
    if not set(labels) <= plain.keys():
        few = few.thinned(400)
        plain |= quantities(state.problem, values_at(state.problem, few.draws), derived=True)
    return {label: (float(np.mean(plain[label])), float(np.std(plain[label]))) for label in labels}


def sensitivities(problem: Problem, draws: np.ndarray, wanted: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Quantities by label at some draws: values (S,) and derivatives by the z-scores (S, p)."""
    values = values_at(problem, around(draws))
    plain = quantities(problem, values, derived=False)
    found = plain if set(wanted) <= plain.keys() else quantities(problem, values, derived=True)
    rows = len(draws) * (2 * draws.shape[1] + 1)
    return {label: differences(np.broadcast_to(found[label], rows), draws.shape[1]) for label in wanted}
