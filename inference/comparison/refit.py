"""What is left out, predicted from the rest: by a fit without it, of the model that the whole has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...datasets.prediction import expected
from ..fits import log_likelihood, sample_posterior
from ..model import Problem, SamplerSettings
from .data_points import DataPoint, without
from .evidence import Evidence, evidence_of_draws

_ACCURACY = 1e-6
_FEWEST = 100
"""Draws on which the average of a predictive density must rest; else it is the difference of two evidences."""


def fit_of_the_rest(rest: Problem, sampler: SamplerSettings) -> tuple[dict[str, Any], dict[str, np.ndarray], bool]:
    """A fit of an experiment some of whose points are left out.

    A parameter on which nothing else depends (the scale of a series that is left out) follows its prior.

    Returns draws by label, flat, of all parameters, fixed ones included; those of the free ones, (chain, draw); whether
    the sampling is healthy.
    """
    found = sample_posterior(rest, sampler)
    drawn = {u.label: found.by_label[u.label] for u in rest.free}
    flat = {label: array.reshape(-1) for label, array in drawn.items()}
    return rest.complete(flat), drawn, found.verdict().healthy


def log_predictive_density(
    problem: Problem, sampler: SamplerSettings, left_out: Sequence[DataPoint], whole: Evidence | None = None
) -> tuple[float, bool]:
    """ln p(points, all together | all others), by a fit of these, and whether its sampling is healthy.

    The average of the density over the draws; where it rests on too few of them, the evidence `whole` of all data
    less that of the rest, which is the same.
    """
    rest = replace(problem, experiment=without(problem.experiment, left_out))
    values, by_label, healthy = fit_of_the_rest(rest, sampler)
    means = expected(problem.experiment, values, problem.dynamics, accuracy=_ACCURACY)
    density = log_likelihood(problem, means, values)
    total = np.ravel(sum(density[point.series][..., point.number] for point in left_out))
    weights = np.exp(total - total.max())
    if weights.sum() ** 2 / (weights**2).sum() >= _FEWEST or whole is None:
        return float(total.max() + np.log(weights.mean())), healthy
    return whole.log_evidence - evidence_of_draws(rest, by_label).log_evidence, healthy
