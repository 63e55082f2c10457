"""What is left out, predicted from the rest: by a fit without it, of the model that the whole has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.prediction import expected
from ..fits import log_likelihood, sample_posterior
from ..model import Problem, SamplerSettings
from .data_points import DataPoint, without
from .evidence import evidence_of_draws

if TYPE_CHECKING:
    from .evidence import Evidence

_ACCURACY = 1e-6
_FEWEST = 100
"""Draws on which the average of a predictive density must rest; else it is the difference of two evidences."""


@dataclass(frozen=True)
class FitOfTheRest:
    """values : draws by label, flat, of all parameters, fixed ones included;  healthy : of the sampling

    by_label : draws of the free ones, (chain, draw)
    """

    values: dict[str, Any]
    healthy: bool
    by_label: dict[str, np.ndarray]


def fit_of_the_rest(rest: Problem, sampler: SamplerSettings) -> FitOfTheRest:
    """A fit of an experiment some of whose points are left out.

    A parameter on which nothing else depends (the scale of a series that is left out) follows its prior.
    """
    found = sample_posterior(rest, sampler)
    drawn = {u.label: found.by_label[u.label] for u in rest.free}
    flat = {label: array.reshape(-1) for label, array in drawn.items()}
    return FitOfTheRest(rest.complete(flat), found.verdict().healthy, drawn)


@dataclass(frozen=True)
class Predicted:
    """log_density : ln p(left out | everything else), of all points left out together;  healthy : of the sampling"""

    log_density: float
    healthy: bool


def log_predictive_density(
    problem: Problem,
    sampler: SamplerSettings,
    left_out: Sequence[DataPoint],
    whole: Evidence | None = None,
) -> Predicted:
    """The predictive density of points given all others, by a fit of these.

    The average of the density over the draws; where it rests on too few of them, the evidence `whole` of all data
    less that of the rest, which is the same.
    """
    rest = replace(problem, experiment=without(problem.experiment, left_out))
    fit = fit_of_the_rest(rest, sampler)
    means = expected(problem.experiment, fit.values, problem.dynamics, accuracy=_ACCURACY)
    density = log_likelihood(problem, means, fit.values)
    total = np.ravel(sum(density[point.series][..., point.number] for point in left_out))
    weights = np.exp(total - total.max())
    if weights.sum() ** 2 / (weights**2).sum() >= _FEWEST or whole is None:
        return Predicted(float(total.max() + np.log(weights.mean())), fit.healthy)
    partial = evidence_of_draws(rest, fit.by_label)
    return Predicted(whole.log_evidence - partial.log_evidence, fit.healthy)
