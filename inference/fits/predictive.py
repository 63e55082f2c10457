"""What draws predict, in NumPy: data, log-likelihood; for which of them it is kept, and how exact the grid was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Experiment, Observation, RecordSeries
from ...datasets.prediction import (
    Predictions,
    expected,
    fitted_data,
    fitted_observations,
    moving_runs,
    record_log_likelihood,
    stages_of,
)
from ...forward_models import speed
from ...forward_models.light import grouped
from ..model import ACCURACY, Problem, rate_bounds

_GROUP = 2**15
"""Draws × times that are evaluated together: arrays of this size stay in a core's cache, memory in bounds."""
_FEWEST_TIMES = 30
"""What few times cost: the integration grid between them."""
MOST_NUMBERS = 10**7
"""At most so many numbers in one of the groups posterior_predictive, prior_predictive and log_likelihood (80 MB)."""
_CHECKED_DRAWS, _SHARE = 100, 0.95
_FINE = 1e-8
"""Relative accuracy of what the model's own grid is compared with: far below its limit of 1e-3 standard deviations."""


@dataclass(frozen=True)
class Predicted:
    """What draws predict, by variable, (draws, points): data with noise, log-likelihood of the fitted data; and

    unfitted : expected values of published numbers that are not fitted, (draws, numbers)
    """

    noisy: dict[str, np.ndarray]
    log_likelihood: dict[str, np.ndarray]
    unfitted: np.ndarray


def prior_draws(problem: Problem, number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draws from the priors, label → (number,); fixed parameters and members of populations included."""
    draws = {u.label: np.asarray(u.prior.quantile(rng.uniform(size=number)), float) for u in problem.parameters}
    together = problem.correlated
    if together is not None:
        priors = dict(zip(together.labels, together.priors, strict=True))
        for label, z in together.z_scores(number, rng).items():
            draws[label] = np.asarray(priors[label].from_z_score(z), float)
    return problem.complete(draws)


def predicted(
    problem: Problem,
    values: Mapping[str, Any],
    rng: np.random.Generator,
    *,
    accuracy: float,
    unfitted: tuple[Observation, ...] = (),
    likelihood: bool = True,
) -> Predicted:
    """Everything that needs the forward model at the draws, evaluated once, in groups: means take no memory.

    values : by label, (draws,) or a number, fixed parameters included
    accuracy : relative error of Σ that the integration may make
    unfitted : published numbers that are not fitted, to be predicted, too
    likelihood : draws from the prior need none, and have none where they make a variance negative
    """
    experiment, fitted = problem.experiment, fitted_observations(problem.experiment)
    found: tuple[dict[str, np.ndarray], ...] = ({}, {}, {})
    number = number_of(values)
    for index, some in by_speed(experiment, values):
        all_means = expected(experiment, some, problem.dynamics, observations=(*fitted, *unfitted), accuracy=accuracy)
        means, others = _of_draws(all_means, len(index), len(fitted))
        noisy = {data.name: data.draw(rng, data.mean(means), some) for data in fitted_data(experiment)}
        of_data = log_likelihood(problem, means, some) if likelihood else {}
        for whole, arrays in zip(found, (noisy, of_data, {"unfitted": others}), strict=True):
            for name, array in arrays.items():
                whole.setdefault(name, np.empty((number, array.shape[-1])))[index] = array
    return Predicted(found[0], found[1], found[2]["unfitted"])


def _of_draws(means: Predictions, draws: int, fitted: int) -> tuple[Predictions, np.ndarray]:
    """Means with an axis for the draws also where nothing varies; those of unfitted numbers apart."""
    series = {name: np.broadcast_to(mean, (draws, np.shape(mean)[-1])) for name, mean in means.series.items()}
    numbers = [np.broadcast_to(mean, draws) for mean in means.observations]
    others = np.stack(numbers[fitted:], axis=-1) if numbers[fitted:] else np.empty((draws, 0))
    return Predictions(series, numbers[:fitted]), others


def number_of(values: Mapping[str, Any]) -> int:
    """How many draws there are."""
    return max(len(v) for v in values.values() if np.ndim(v))


def by_speed(
    experiment: Experiment, values: Mapping[str, Any], runs: Sequence[str] | None = None, times: int = 0
) -> Iterator[tuple[np.ndarray, Mapping[str, Any]]]:
    """The draws in groups, slow ones first: which they are, and their values.

    The fastest draw of a group sets its integration grid.

    runs : that are evaluated, at so many `times`; by default all data: values of series, powers for records; of a
        joint fit those of the largest member, since one is evaluated after the other
    """
    if runs is None:
        runs, member = moving_runs(experiment), experiment.member
        of_member: Counter[str] = Counter()
        for part in experiment.parts:
            of_member[member.get(part.run, "")] += 2 * part.length if isinstance(part, RecordSeries) else len(part.x)
        times = max(of_member.values(), default=0)
    pace = sum((speed(stages_of(experiment, run, values)) for run in runs), start=np.zeros(1))
    order = np.argsort(np.broadcast_to(pace, number_of(values)), kind="stable")
    groups = -(-len(order) * max(times, _FEWEST_TIMES) // _GROUP)
    for index in np.array_split(order, min(groups, len(order))):
        yield index, _Group(values, index)


class _Group(Mapping[str, Any]):
    """Values of some draws, taken out when they are asked for: one run of many needs few of them."""

    def __init__(self, values: Mapping[str, Any], index: np.ndarray) -> None:
        self._all, self._index, self._taken = values, index, dict[str, Any]()

    def __getitem__(self, label: str) -> Any:
        if label not in self._taken:
            value = self._all[label]
            self._taken[label] = value[self._index] if np.ndim(value) else value
        return self._taken[label]

    def __contains__(self, label: object) -> bool:
        return label in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def total_log_likelihood(problem: Problem, values: Mapping[str, Any], *, accuracy: float) -> np.ndarray:
    """Log-likelihood of all fitted data together, (draws,), worked out in groups of draws; see `predicted`."""
    experiment, fitted = problem.experiment, len(fitted_observations(problem.experiment))
    total = np.empty(number_of(values))
    for index, some in by_speed(experiment, values):
        means, _ = _of_draws(expected(experiment, some, problem.dynamics, accuracy=accuracy), len(index), fitted)
        parts = log_likelihood(problem, means, some)
        total[index] = sum(array.sum(axis=-1) for array in parts.values())
    return total


def log_likelihood(problem: Problem, means: Predictions, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Pointwise log-likelihood of the fitted data at some draws, variable → (draws, points); of records by group.

    means : expected values at these draws;  values : the draws by label, fixed parameters included
    """
    experiment = problem.experiment
    found = {data.name: data.log_density(data.mean(means), values) for data in fitted_data(experiment)}
    for record in experiment.records:
        if record.fitted.any():
            sums = grouped(record.group_sums)
            found[record.name] = record_log_likelihood(experiment, record, values, problem.dynamics, sums)
    return found


def quadrature_error(problem: Problem, values: Mapping[str, Any]) -> float:
    """Error of the model's integration grid that 19 of 20 draws stay below, in standard deviations of the data.

    Compared with the same predictions on a grid refined for these very draws, for about a hundred of them: their
    largest error would depend on which hundred, where a rate that the data leave open has a long tail.
    """
    experiment, step = problem.experiment, max(1, number_of(values) // _CHECKED_DRAWS)
    few = {k: v[::step] if np.ndim(v) else v for k, v in values.items()}
    groups = by_speed(experiment, few)
    bounds = rate_bounds(problem)
    errors = [_group_errors(problem, some, len(index), bounds) for index, some in groups]
    return float(np.quantile(np.concatenate(errors), _SHARE, method="higher"))


def _group_errors(problem: Problem, values: Mapping[str, Any], draws: int, bounds: Any) -> np.ndarray:
    """The largest error of any data point, for each draw."""
    experiment = problem.experiment
    coarse = expected(experiment, values, problem.dynamics, rate_bounds=bounds, accuracy=ACCURACY)
    fine = expected(experiment, values, problem.dynamics, accuracy=_FINE)
    worst = np.zeros(draws)
    for data in fitted_data(experiment):
        difference = abs(data.mean(coarse) - data.mean(fine)) / data.noise.scatter(data.value, data.spread)
        worst = np.maximum(worst, difference.max(axis=-1))
    return worst


@dataclass(frozen=True)
class KeptDraws:
    """For which draws predictions are kept: every `step`-th of each chain, so that files of large data stay small."""

    chains: int
    draws: int
    step: int

    @property
    def numbers(self) -> np.ndarray:
        """The numbers of the kept draws, within their chain."""
        return np.arange(0, self.draws, self.step)

    def of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The kept ones of arrays (chains × draws); what is no array stays as it is."""
        if self.step == 1:
            return dict(values)
        return {
            label: v.reshape(self.chains, self.draws)[:, :: self.step].ravel() if np.ndim(v) else v
            for label, v in values.items()
        }

    def by_chain(self, array: np.ndarray) -> np.ndarray:
        """An array (kept draws of all chains, points) as (chain, draw, points)."""
        return array.reshape(self.chains, len(self.numbers), -1)


def kept_draws(experiment: Experiment, chains: int, draws: int) -> KeptDraws:
    """As many draws as `MOST_NUMBERS` allows, at least one per chain."""
    points = sum(len(data.value) for data in fitted_data(experiment))
    most = max(1, MOST_NUMBERS // (chains * max(points, 1)))
    return KeptDraws(chains, draws, -(-draws // most))
