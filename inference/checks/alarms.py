"""Do the series agree with each other, and what that is not in the model could move the rates?

Both follow from linear algebra at the posterior mean, without a refit. On the scale on which each prior is standard
normal let J be the derivatives of the expected data over their noise, V = (1 + JᵀJ)⁻¹ the covariance of the posterior,
and r the residuals over the noise at its mean: if the model is right, r has the covariance A = 1 − JVJᵀ. A disturbance
that shifts the data by λd pulls at the score s = dᵀr, whose variance is w = dᵀAd otherwise: s/√w is standard normal
(Rao's score test), λ = s/w ± 1/√w, and what is left out of the model moves the parameters by V Jᵀd λ. A series that
wants parameters of its own is a disturbance in all directions of its own J: χ² with as many degrees of freedom as
parameters it fixes by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.prediction import whitened
from ..fits import Fit
from .disturbances import CLOSURE, Disturbance, Means, PosteriorMean, disturbances
from .information import scaled_jacobians, transposed, values_at
from .levels import all_coherences, sixteen_levels

ALARM = 0.01
"""Chance that a right model raises an alarm."""
_DRAWS, _FEWER_FROM, _LEAST_DRAWS = 20_000, 400, 2_000
"""From so many tests on fewer, as the time grows with the square of their number, but at least the last."""
_CLEAR, _ALIKE = 3.0, 0.5
"""z-score from which a disturbance is an explanation; less than the best one has by which others are as good."""
ABOUT_ITS_ERROR = 0.7
"""Standard deviations of a rate from which a disturbance that the data cannot exclude is named."""
_ROUNDED = 1e-9
"""Added to the variances of tests that depend on each other, which rounding may leave without a root."""
_SEEN = 1e-4
"""Information about a disturbance, over that of its usual size, below which the data say nothing of it."""
_ABSURD = 10.0
"""Usual sizes of a disturbance beyond which it explains nothing: a gain does not drift by 112 %."""
_ALL = (0.4, 2.5)
"""Shares of the difference between three states and sixteen levels that the data may show if there are sixteen."""
_FIXED = 1.0
"""Information about a parameter, over that of its prior, from which on a series fixes it by itself."""


@dataclass(frozen=True)
class Suspicion:
    """A disturbance, and what the data say of it.

    z : score, standard normal if the model is right;  estimate, error : λ and its standard deviation, by the data
    possible : the largest |λ| that the data, and what is usual, leave possible: two standard deviations
    shifts : label of each rate → by how many of its standard deviations λ = `possible` moves it
    """

    disturbance: Disturbance
    z: float
    estimate: float
    error: float
    possible: float
    shifts: Mapping[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The rate that it moves most, and by how much."""
        return max(self.shifts.items(), key=lambda item: abs(item[1]), default=("", 0.0))

    def of_unit(self) -> tuple[str, float]:
        """The rate that λ = 1 moves most, and by how much; ("", 0) where nothing of it is possible."""
        label, shift = self.worst
        return (label, shift / self.possible) if self.possible else ("", 0.0)

    @property
    def log_evidence(self) -> float:
        """ln of the Bayes factor of the disturbance, of its usual size, over none: what explains most stands first."""
        information = (self.disturbance.size / self.error) ** 2
        return float(0.5 * (self.z**2 * information / (1 + information) - np.log1p(information)))

    @property
    def can_be(self) -> bool:
        """Whether λ by the data has a possible sign and is not far beyond what laboratories have."""
        one = self.disturbance
        bounded = one.squared or np.isfinite(one.most)
        return (self.estimate > 0 or not bounded) and abs(self.estimate) <= _ABSURD * one.size

    def facts(self) -> dict[str, Any]:
        """For --json: what it is, how large it could be, and how far that would move each rate."""
        one = self.disturbance
        return {"name": one.name, "what": one.words, "z_score": self.z, "by_the_data": one.text(self.estimate),
                "possible": one.text(self.possible), "shifts_in_sd": dict(self.shifts)}  # fmt: skip


@dataclass(frozen=True)
class Disagreement:
    """A series, or all of a run, against the others: χ², its degrees of freedom, and the p-value of this test alone."""

    source: str
    chi2: float
    freedom: int
    p: float


@dataclass(frozen=True)
class Alarms:
    """All tests of a fit. p : the chance that a right model gives a test as extreme as the most extreme one here.

    levels : whether atoms with sixteen levels would explain what is wrong with a fit of three states; not a test
    """

    disagreements: tuple[Disagreement, ...]
    suspicions: tuple[Suspicion, ...]
    p: float
    levels: Suspicion | None = None

    @property
    def raised(self) -> bool:
        """Whether a right model would hardly give this."""
        return self.p < ALARM

    @property
    def explanations(self) -> tuple[Suspicion, ...]:
        """What would explain an alarm best: the largest scores of sizes that can be, the likelier size first."""
        sized = [one for one in self.suspicions if one.can_be]
        levels = self.levels if self.levels is not None and _ALL[0] < self.levels.estimate < _ALL[1] else None
        sized += [] if levels is None else [levels]
        most = max((abs(one.z) for one in sized), default=0.0)
        alike = [one for one in sized if abs(one.z) > max(_CLEAR, most - _ALIKE)]
        if levels is not None and levels not in alike and levels.z > _CLEAR:
            as_large = abs(levels.estimate - 1) < _CLEAR * levels.error  # though it has no size to choose
            alike += [levels] if as_large else []
        return tuple(sorted(alike, key=lambda one: -one.log_evidence))

    @property
    def possible(self) -> tuple[Suspicion, ...]:
        """What could move a rate by about its error bar or more, the worst first; a chosen closure before all."""
        far = [one for one in self.suspicions if abs(one.worst[1]) >= ABOUT_ITS_ERROR]
        return tuple(sorted(far, key=lambda one: one.disturbance.name != CLOSURE))


def alarms(fit: Fit, *, misfit: bool = False) -> Alarms:
    """Tests of every series against the others and of every disturbance, and what each could do to the rates.

    misfit : whether something is wrong by χ²; then, or with an alarm, sixteen levels are asked for in place of three
    """
    from scipy.special import chdtrc, ndtr

    at = PosteriorMean(fit)
    whiten = partial(whitened, at.experiment, values=values_at(at.problem, at.centre))
    by_source = transposed(whiten(transposed(scaled_jacobians(at.problem, at.centre))))
    n = len(at.centre)
    covariance = np.linalg.inv(np.eye(n) + sum((j.T @ j for j in by_source.values()), np.zeros((n, n))))
    names = list(at.data)
    jacobians = {name: by_source[name] for name in names}
    jacobian = np.concatenate([jacobians[name] for name in names]) if names else np.zeros((0, n))
    residual = _stacked(whiten({name: (at.data[name] - at.at_mean[name]) / at.noise[name] for name in names}))
    # At the mean of a curved posterior the data do not quite balance the prior: what is left is no disagreement.
    residual = residual - jacobian @ (covariance @ (jacobian.T @ residual - at.centre))

    ends = np.cumsum([len(j) for j in jacobians.values()]).tolist()
    points = {name: np.arange(end - len(j), end) for (name, j), end in zip(jacobians.items(), ends, strict=True)}

    def row_of(one: Disturbance) -> np.ndarray:
        effects = whiten({name: one.size * effect / at.noise[name] for name, effect in one.effect.items()})
        return _spread_out(effects, points, len(residual))

    asked = [*disturbances(at), *all_coherences(at, fit.coherences)]
    rows = [row_of(one) for one in asked]
    rows, asked = _seen(rows, asked, jacobian, covariance)
    sources = _sources(at.experiment, names) if len(by_source) > 1 else {}
    groups = _directions(sources, points, jacobian, covariance)
    every = np.concatenate([*(row[None] for row in rows), *groups.values(), np.empty((0, len(residual)))])
    side = every @ jacobian
    variance = _products(every) - side @ covariance @ side.T
    scores = every @ residual

    scale, found, places, begin = np.sqrt(np.diag(variance)), list[Disagreement](), list[slice](), len(rows)
    scaled = scores / scale
    for name, group in groups.items():
        places.append(slice(begin, begin + len(group)))
        total = float((scaled[places[-1]] ** 2).sum())
        found.append(Disagreement(name, total, len(group), float(chdtrc(len(group), total))))
        begin += len(group)
    least = float(np.min([1.0, *2 * ndtr(-abs(scaled[: len(rows)])), *(one.p for one in found)]))
    p = _chance(least, variance / scale / scale[:, None], len(rows), places)
    suspicions = _suspicions(fit, at, asked, scores, np.diag(variance), side @ covariance)
    other = sixteen_levels(at) if misfit or p < ALARM else None
    levels = None if other is None else _scored(other, row_of(other), residual, jacobian, covariance)
    return Alarms(tuple(found), suspicions, p, levels)


def _scored(
    one: Disturbance, row: np.ndarray, residual: np.ndarray, jacobian: np.ndarray, covariance: np.ndarray
) -> Suspicion | None:
    """What the data say of a disturbance, but for the rates; None where that is nothing."""
    side = row @ jacobian
    weight, score = row @ row - side @ covariance @ side, float(row @ residual)
    if weight <= _SEEN:
        return None
    z, estimate, error = score / weight**0.5, one.size * score / weight, one.size / weight**0.5
    return Suspicion(one, float(z), float(estimate), float(error), one.most, {})


def _chance(least: float, correlation: np.ndarray, alone: int, groups: list[slice]) -> float:
    """How often the most extreme of all tests has a p-value of `least` or below, where the data are right.

    correlation : of the scores, of which the first `alone` are a test each, and those of each group one together
    """
    from scipy.special import chdtri, ndtri

    drawn = _normal(len(correlation)) @ _root(correlation).T.astype(np.float32)
    farther = (abs(drawn[:, :alone]) >= -ndtri(least / 2)).any(axis=1) | (least >= 1.0)
    for group in groups:
        farther |= (drawn[:, group] ** 2).sum(axis=1) >= chdtri(group.stop - group.start, least)
    return float((1 + farther.sum()) / (1 + len(farther)))


@lru_cache(2)
def _normal(count: int) -> np.ndarray:
    """The same for every fit, (draws, count)."""
    draws = max(_LEAST_DRAWS, int(_DRAWS * min(1.0, _FEWER_FROM / max(count, 1)) ** 2))
    return np.random.default_rng(0).standard_normal((draws, count), dtype=np.float32)


def _products(rows: np.ndarray) -> np.ndarray:
    """Of each with each; of many most concern few points."""
    if len(rows) < _FEWER_FROM:
        return np.asarray(rows @ rows.T)
    from scipy.sparse import csr_array

    few = csr_array(rows)
    return np.asarray((few @ few.T).toarray())


def _root(correlation: np.ndarray) -> np.ndarray:
    """A matrix A with A Aᵀ = correlation; by eigenvalues where rounding has made some of them negative."""
    try:
        return np.linalg.cholesky(correlation + _ROUNDED * np.eye(len(correlation)))
    except np.linalg.LinAlgError:
        sizes, vectors = np.linalg.eigh(correlation)
        return np.asarray(vectors * np.sqrt(np.maximum(sizes, 0.0)))


def _spread_out(parts: Means, points: Means, count: int) -> np.ndarray:
    """Over all points, (count,), zero where there is no part; `points`: which each source has."""
    row = np.zeros(count)
    for name, part in parts.items():
        row[points[name]] = part
    return row


def _stacked(parts: Means) -> np.ndarray:
    return np.concatenate([*parts.values(), np.empty(0)])


def _seen(
    rows: list[np.ndarray], asked: list[Disturbance], jacobian: np.ndarray, covariance: np.ndarray
) -> tuple[list[np.ndarray], list[Disturbance]]:
    """Without what the data say nothing of."""
    every = np.reshape(rows, (len(rows), len(jacobian)))
    side = every @ jacobian
    kept = np.flatnonzero((every**2).sum(axis=1) - ((side @ covariance) * side).sum(axis=1) > _SEEN)
    return [rows[k] for k in kept], [asked[k] for k in kept]


def _sources(experiment: Experiment, names: list[str]) -> dict[str, list[str]]:
    """What may disagree with the rest: each source by itself, and the series of each run, where several have some."""
    runs: dict[str, list[str]] = {}
    for series in experiment.series:
        if series.name in names:
            runs.setdefault(f"run {series.run}", []).append(series.name)
    together = {run: own for run, own in runs.items() if 1 < len(own) < len(names)}
    return {name: [name] for name in names} | together


def _directions(
    sources: dict[str, list[str]], points: Means, jacobian: np.ndarray, covariance: np.ndarray
) -> dict[str, np.ndarray]:
    """For each source (freedom, points of all): independent directions in which its own parameters would show."""
    found: dict[str, np.ndarray] = {}
    for source, names in sources.items():
        own = np.concatenate([points[name] for name in names])
        of_own = jacobian[own]
        told = of_own.any(axis=0)
        of_own = of_own[:, told]
        information = of_own.T @ of_own
        sizes, vectors = np.linalg.eigh(information - information @ covariance[np.ix_(told, told)] @ information)
        fixed = sizes > _FIXED
        if fixed.any():
            found[source] = np.zeros((int(fixed.sum()), len(jacobian)))
            found[source][:, own] = (vectors[:, fixed] / np.sqrt(sizes[fixed])).T @ of_own.T
    return found


_SMALL = 1e-3


def _suspicions(
    fit: Fit, at: PosteriorMean, asked: list[Disturbance], scores: np.ndarray, weights: np.ndarray, moves: np.ndarray
) -> tuple[Suspicion, ...]:
    """Scores and weights are those of λ over its usual size; `moves`: of the parameters, for λ of that size."""
    spread = {label: float(np.std(draws)) for label, draws in fit.by_label(derived=True).items()}
    found = []
    asked_moves = moves[: len(asked)]
    high, low = (at.rates(at.centre + step * asked_moves) for step in (_SMALL, -_SMALL))
    for k, (one, score, weight) in enumerate(zip(asked, scores, weights, strict=False)):
        middle, sd = score / (weight + 1), (weight + 1) ** -0.5
        one_sided = one.squared or np.isfinite(one.most)
        possible = min(max(middle + 2 * sd, 0.0) if one_sided else abs(middle) + 2 * sd, one.most / one.size)
        shifts = {
            label: possible * float(high[label][k] - low[label][k]) / (2 * _SMALL) / spread[label]
            for label in high
            if spread.get(label, 0.0) > 0
        }
        size, error = one.size, weight**-0.5
        found.append(Suspicion(one, float(score * error), size * score / weight, size * error, size * possible, shifts))
    return tuple(sorted(found, key=lambda suspicion: -abs(suspicion.worst[1])))
