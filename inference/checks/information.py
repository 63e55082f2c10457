"""What each series can tell: the expected contraction of every prior, before any sampling; what goes together after.

Linearised at the medians of the priors: each free parameter on the scale on which its prior is standard normal, Fisher
information of each series by finite differences of the predictions, prior information added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Experiment, RecordSeries
from ...datasets.experiment import Label
from ...datasets.prediction import (
    Predictions,
    expected,
    expected_record_sums,
    fitted_data,
    fitted_observations,
    record_log_likelihood,
    whitened,
)
from ...forward_models import NOISES
from ...forward_models.light import grouped
from ...forward_models.noise import Autoregression
from ..fits import Fit
from ..model import Problem

_STEP = 1e-3
_CURVATURE_STEP = 1e-2
_TOGETHER = 12
"""Points that are evaluated in one go."""
_AMPLITUDE = 0.3
_STRONG = 0.5
"""z-score at which amplitudes of oscillations are looked at: at their prior median, 0, nothing else would show."""


@dataclass(frozen=True)
class Information:
    """Expected contraction 1 − variance(posterior)/variance(prior), 0 to 1, of each of n free parameters.

    labels (n,);  by_source : series, records or "observations" → (n,), by it alone;  together (n,) : by all data
    """

    labels: list[str]
    by_source: dict[str, np.ndarray]
    together: np.ndarray


def expected_information(problem: Problem) -> Information:
    """How much the data would narrow each prior: by each series, by the published numbers, by records, and by all.

    Nothing is sampled, and measured values do not count: their errors and abscissas do. Linearised where each free
    parameter is at its prior median, on the scale on which its prior is standard normal.
    """
    free = problem.free
    centre = np.array([_AMPLITUDE if p.name in ("beat_in_phase", "beat_quadrature") else 0.0 for p in free])
    jacobians = independent_jacobians(problem, centre, problem.experiment)
    by_source = {name: _contraction(jacobian) for name, jacobian in jacobians.items()}
    everything = np.concatenate(list(jacobians.values())) if jacobians else np.zeros((1, len(free)))
    return Information([p.label for p in free], by_source, _contraction(everything))


def information_at(problem: Problem, centres: np.ndarray, experiment: Experiment) -> np.ndarray:
    """Fisher information (S, n, n) of data at z-scores (S, n) of the free parameters, a few of them evaluated together.

    experiment : data that depend on these parameters
    """
    found, steps = np.zeros((len(centres), centres.shape[1], centres.shape[1])), _steps(_groups(problem))
    for some in np.array_split(np.arange(len(centres)), -(-len(centres) // _TOGETHER)):
        z_scores = np.concatenate([centres[k] + steps for k in some])
        means = expected(experiment, values_at(problem, z_scores), problem.dynamics)
        for start, k in enumerate(some):
            here = slice(start * len(steps), (start + 1) * len(steps))
            for jacobian in independent_jacobians(
                problem, centres[k], experiment, _part(means, here, len(z_scores))
            ).values():
                found[k] += jacobian.T @ jacobian
    return found


def independent_jacobians(
    problem: Problem, centre: np.ndarray, experiment: Experiment, means: Predictions | None = None
) -> dict[str, np.ndarray]:
    """Source → (points, n): of what `scaled_jacobians` has, as that of independent noise; JᵀJ is the information.

    centre (n,) : z-scores of the free parameters;  experiment : data that depend on these;  means : as there
    """
    jacobians = transposed(scaled_jacobians(problem, centre, experiment, means))
    independent = transposed(whitened(experiment, jacobians, values_at(problem, centre)))
    return _with_correlation(problem, centre, independent, experiment)


def _with_correlation(
    problem: Problem, centre: np.ndarray, jacobians: dict[str, np.ndarray], experiment: Experiment
) -> dict[str, np.ndarray]:
    """With a row for the ρ of each series, whose Fisher information is in the scatter, not in the means."""
    for data in fitted_data(experiment):
        at = [k for k, p in enumerate(problem.free) if p.label == f"noise_correlation[{data.name}]"]
        if isinstance(data.correlation, Autoregression) and at:
            k = at[0]
            high, low = (float(problem.free[k].prior.from_z_score(centre[k] + step)) for step in (_STEP, -_STEP))
            row = np.zeros((1, len(centre)))
            row[0, k] = np.sqrt(data.correlation.information(0.5 * (high + low))) * (high - low) / (2 * _STEP)
            jacobians = jacobians | {data.name: np.concatenate([jacobians[data.name], row])}
    return jacobians


def values_at(problem: Problem, z_scores: np.ndarray) -> dict[str, Any]:
    """Parameters by label, numbers, at z-scores (n,) of the free ones; (K,) at (K, n)."""
    found = {p.label: p.prior.from_z_score(z) for p, z in zip(problem.free, z_scores.T, strict=True)}
    return problem.complete(found if z_scores.ndim > 1 else {label: float(z) for label, z in found.items()})


def transposed(jacobians: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """(points, n) as (n, points), and back."""
    return {name: jacobian.T for name, jacobian in jacobians.items()}


def _contraction(jacobian: np.ndarray) -> np.ndarray:
    """1 − diag (1 + JᵀJ)⁻¹, through singular values: exact also for very precise data."""
    _, singular, directions = np.linalg.svd(jacobian, full_matrices=False)
    share = singular**2 / (1 + singular**2)
    return np.asarray((share[:, None] * directions**2).sum(axis=0))


def _groups(problem: Problem) -> list[dict[str, int]]:
    """Which free parameters are stepped together: one common to all, {"": its number}, or one of each member."""
    experiment, groups, of_member = problem.experiment, list[dict[str, int]](), Counter[str]()
    owner = {member: member for member in experiment.members} | experiment.member
    parts: list[Any] = [*experiment.series, *experiment.observations, *experiment.records]
    for part in parts:
        names = [getattr(part, name, "") for name in ("name", "day", "label", "shared_scale")]
        owner |= {name: experiment.member.get(part.run, "") for name in names if name}
    own: list[dict[str, int]] = []
    for k, parameter in enumerate(problem.free):
        entry = Label.parse(parameter.label).entry
        entry = Label.parse(entry).entry or entry  # a score in a population is one of a parameter
        member = owner.get(entry.partition(": ")[0], "")
        if not member:
            groups.append({"": k})
            continue
        if of_member[member] == len(own):
            own.append({})
        own[of_member[member]][member] = k
        of_member[member] += 1
    return groups + own


def _steps(groups: list[dict[str, int]]) -> np.ndarray:
    """No step, then up and down in the parameters of each of G groups, (2G + 1, n)."""
    up = np.zeros((len(groups), sum(map(len, groups))))
    for step, group in zip(up, groups, strict=True):
        step[list(group.values())] = _STEP
    return np.concatenate([np.zeros((1, up.shape[1])), up, -up])


def _part(means: Predictions, rows: slice, count: int) -> Predictions:
    """Of some of `count` draws."""
    series = {name: np.broadcast_to(one, (count, np.shape(one)[-1]))[rows] for name, one in means.series.items()}
    return Predictions(series, [np.broadcast_to(one, count)[rows] for one in means.observations])


def scaled_jacobians(
    problem: Problem, centre: np.ndarray, experiment: Experiment | None = None, means: Predictions | None = None
) -> dict[str, np.ndarray]:
    """Source → (points, n): derivative of the mean by each z-score over the noise, at the z-scores `centre` (n,).

    experiment : other data that depend on the same parameters; None: those of the problem
    means : of these data at `_steps` around `centre`, if they are there already
    """
    experiment, groups = experiment or problem.experiment, _groups(problem)
    z_scores = centre + _steps(groups)
    if means is None:
        means = expected(experiment, values_at(problem, z_scores), problem.dynamics)
    result = {}
    for series in experiment.series:
        use = series.fitted
        if use.any():
            mean = np.broadcast_to(means.series[series.name], (len(z_scores), len(use)))[:, use]
            sigma = NOISES[series.noise].scatter(mean[0], series.spread[use])
            member = experiment.member.get(series.run, "")
            result[series.name] = _differences(mean, groups, member, len(centre)) / sigma[:, None]
    observations = fitted_observations(experiment)
    if observations:
        of_each = [
            _differences(np.broadcast_to(row, len(z_scores))[:, None], groups, member, len(centre)) / o.sigma
            for o, row in zip(observations, means.observations, strict=True)
            for member in [experiment.member.get(o.run, "")]
        ]
        result["observations"] = np.concatenate(of_each)
    for record in experiment.records:
        if record.fitted.any():
            result[record.name] = record_jacobian(problem, record, centre, experiment)
    return result


def record_jacobian(
    problem: Problem, record: RecordSeries, centre: np.ndarray, experiment: Experiment, number: float = 0.0
) -> np.ndarray:
    """(n, n) rows that give the Fisher information of records as JᵀJ.

    It is minus the curvature of the log-likelihood of the records that are expected at `centre`.

    number : of records of this form; 0: those that are fitted, whose mean is subtracted
    """
    count = len(problem.free)
    first, second = (index.ravel() for index in np.indices((count, count)))
    steps = _CURVATURE_STEP * np.eye(count)
    corners = [centre + a * steps[first] + b * steps[second] for a in (1, -1) for b in (1, -1)]
    z_scores = np.concatenate([centre[None], *corners])
    draws = {p.label: p.prior.from_z_score(z_scores[:, k]) for k, p in enumerate(problem.free)}
    values = problem.complete(draws)
    at_centre = problem.complete({label: some[:1] for label, some in draws.items()})
    sums = expected_record_sums(experiment, record, at_centre, problem.dynamics, 2 * number or record.sums.count)
    density = record_log_likelihood(experiment, record, values, problem.dynamics, grouped([sums]))[1:, 0]
    same, left, right, both = density.reshape(4, count, count)
    curvature = (left + right - same - both) / (4 * _CURVATURE_STEP**2)
    sizes, directions = np.linalg.eigh(0.5 * (curvature + curvature.T))
    return np.asarray(np.sqrt(np.maximum(sizes, 0.0))[:, None] * directions.T)


def _differences(mean: np.ndarray, groups: list[dict[str, int]], member: str, count: int) -> np.ndarray:
    """(points, count) from the means (2G + 1, points) of a member's data at the steps of these groups."""
    found = np.zeros((mean.shape[1], count))
    for group, up, down in zip(groups, mean[1:], mean[1 + len(groups) :], strict=False):
        k = group.get("", group.get(member))
        if k is not None:
            found[:, k] = (up - down) / (2 * _STEP)
    return found


def strongest(fitted: Fit) -> list[tuple[str, str, float]]:
    """Pairs of free parameters whose rank correlation (Spearman's) is at least ± 0.5, and this, the strongest first."""
    from pandas import DataFrame

    draws = {label: array.reshape(-1) for label, array in fitted.by_label().items() if np.ptp(array) > 0}
    names, matrix = list(draws), DataFrame(draws).corr("spearman").to_numpy()
    pairs = [(names[i], names[j], float(matrix[i, j])) for i in range(len(names)) for j in range(i)]
    return sorted((pair for pair in pairs if abs(pair[2]) >= _STRONG), key=lambda pair: -abs(pair[2]))


def for_pair_plot(fitted: Fit, count: int) -> list[str]:
    """Up to `count` free parameters, in the order of the table.

    Rates with what goes with them most, then the other rates, then the others.
    """
    labels = list(fitted.by_label())
    rates = [label for label in labels if Label.parse(label).is_rate]
    pairs = [pair for *pair, _ in strongest(fitted) if set(pair) & set(rates)]
    chosen: list[str] = []
    for group in [*pairs, *([label] for label in [*rates, *labels])]:
        new = [label for label in group if label not in chosen]
        if len(chosen) + len(new) <= count:
            chosen += new
    return [label for label in labels if label in chosen]
