"""What each series can tell: the expected contraction of every prior, before any sampling.

Linearised at the medians of the priors: each unknown on the scale on which its prior is standard normal, Fisher
information of each series by finite differences of the predictions, prior information added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..datasets import Experiment
from ..datasets.predictions import fitted_observations, predict
from ..forward_models import NOISES, Dynamics
from .layout import complete
from .unknowns import Unknown, free

_STEP = 1e-3
_AMPLITUDE = 0.3
"""Score at which amplitudes of oscillations are looked at: at their prior median, 0, nothing else would show."""


@dataclass(frozen=True)
class Information:
    """Expected contraction 1 − variance(posterior)/variance(prior), per unknown: by each source and by all.

    labels : unknowns;  by_source : source → (unknowns,);  together : (unknowns,)
    """

    labels: list[str]
    by_source: dict[str, np.ndarray]
    together: np.ndarray


def expected_information(experiment: Experiment, parameters: list[Unknown], dynamics: Dynamics) -> Information:
    """The expected contraction of each prior by each series, by the published numbers, and by all data."""
    unknown = free(parameters)
    centre = np.array([_AMPLITUDE if u.name in ("beat_in_phase", "beat_quadrature") else 0.0 for u in unknown])
    jacobians = scaled_jacobians(experiment, parameters, dynamics, centre)
    by_source = {name: _contraction(jacobian) for name, jacobian in jacobians.items()}
    everything = np.concatenate(list(jacobians.values())) if jacobians else np.zeros((1, len(unknown)))
    return Information([u.label for u in unknown], by_source, _contraction(everything))


def _contraction(jacobian: np.ndarray) -> np.ndarray:
    """1 − diag (1 + JᵀJ)⁻¹, through singular values: exact also for very precise data."""
    _, singular, directions = np.linalg.svd(jacobian, full_matrices=False)
    share = singular**2 / (1 + singular**2)
    return np.asarray((share[:, None] * directions**2).sum(axis=0))


def scaled_jacobians(
    experiment: Experiment, parameters: list[Unknown], dynamics: Dynamics, centre: np.ndarray
) -> dict[str, np.ndarray]:
    """Source → (points, unknowns): derivative of the mean by the normal score over the noise; at `centre`."""
    unknown = free(parameters)
    count = len(unknown)
    scores = centre + np.concatenate([np.zeros((1, count)), _STEP * np.eye(count), -_STEP * np.eye(count)])
    draws = {u.label: u.prior.of_score(scores[:, k]) for k, u in enumerate(unknown)}
    values = complete(experiment, parameters, draws)
    means = predict(experiment, values, dynamics)
    result = {}
    for series in experiment.series:
        use = series.fitted
        if use.any():
            mean = np.broadcast_to(means.series[series.name], (len(scores), len(use)))[:, use]
            sigma = NOISES[series.noise].scatter(mean[0], series.spread[use])
            result[series.name] = _differences(mean, count) / sigma[:, None]
    observations = fitted_observations(experiment)
    if observations:
        columns = np.stack([np.broadcast_to(row, len(scores)) for row in means.observations], axis=-1)
        sigma = np.array([o.sigma for o in observations])
        result["observations"] = _differences(columns, count) / sigma[:, None]
    return result


def _differences(mean: np.ndarray, count: int) -> np.ndarray:
    return np.asarray((mean[1 : count + 1] - mean[count + 1 :]).T / (2 * _STEP))
