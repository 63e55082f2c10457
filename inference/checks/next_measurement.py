"""What to measure next: how much a further series would narrow what these data leave open.

Linearised at the posterior mean: the posterior on the scale on which each prior is standard normal, plus the Fisher
information of a series that was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...datasets import Experiment, Series
from ...datasets.kinds import KINDS
from ...forward_models import PARAMETERS
from ..fits import Fit
from .information import scaled_jacobians

_POINTS = 20
SIGMAS = {"xi": 0.03, "polarization": 0.01, "transverse_spin": 0.02}
"""Series that could be measured, and the error of each point that is assumed."""
WORTH_WHILE = 0.3
"""Share of the variance of a parameter that a series must take away to be named."""
_WIDE = 0.5
"""Posterior variance, in units of the prior's, above which a parameter is worth narrowing."""


@dataclass(frozen=True)
class Proposal:
    """A series that could be measured in a run, and by what share it would cut variances.

    times (T,) : of its points, ms;  sigma : error of each that is assumed
    gains : label → share of the posterior variance that it takes away, 0 to 1
    """

    kind: str
    run: str
    times: np.ndarray
    sigma: float
    gains: dict[str, float]


def proposals(fitted: Fit) -> list[Proposal]:
    """The series worth measuring next, the most useful one first; none where the data leave nothing open.

    Of ξ, P and Jy in each run with the errors of `SIGMAS`; linearised about the posterior mean, nothing is sampled.
    """
    experiment, free = fitted.experiment, fitted.problem.free
    draws = fitted.by_label()
    z_scores = np.array([p.prior.z_score(draws[p.label].reshape(-1)) for p in free])
    centre, covariance = z_scores.mean(axis=1), np.atleast_2d(np.cov(z_scores))
    variances = np.diag(covariance)
    found = []
    for run in experiment.runs:
        for kind, sigma in SIGMAS.items():
            if experiment.populations(run) not in KINDS[kind].populations:
                continue
            times = np.linspace(0.0, experiment.duration(run), _POINTS + 1)[1:]
            name = _name(experiment, kind, run)  # of a series that exists: the new one has its errors of scale
            series = Series(name, kind, times, np.ones(_POINTS), np.full(_POINTS, sigma), run=run)
            only = replace(experiment, series=(series,), records=(), observations=())
            try:
                jacobian = scaled_jacobians(fitted.problem, centre, only)[name]
            except (KeyError, TypeError):
                continue  # a run whose rates are no parameters of this fit: calibration runs
            after = covariance - _explained(covariance, jacobian)
            gains = {p.label: float(1 - after[k, k] / variances[k]) for k, p in enumerate(free)}
            wide = [p.label for k, p in enumerate(free) if variances[k] > _WIDE and not PARAMETERS[p.name].per_series]
            worth = {label: gains[label] for label in wide if gains[label] >= WORTH_WHILE}
            if worth:
                found.append(Proposal(kind, run, times, sigma, worth))
    return sorted(found, key=lambda p: -sum(p.gains.values()))


def _name(experiment: Experiment, kind: str, run: str) -> str:
    same = [series for series in experiment.series if series.kind == kind]
    return next((series.name for series in [*(s for s in same if s.run == run), *same]), "next")


def _explained(covariance: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """C Jᵀ (1 + J C Jᵀ)⁻¹ J C: what new data with unit noise take away from a covariance."""
    across = jacobian @ covariance
    return np.asarray(across.T @ np.linalg.solve(np.eye(len(jacobian)) + across @ jacobian.T, across))
