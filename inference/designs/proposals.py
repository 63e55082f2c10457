"""What a report proposes to measure: how much a further series would narrow what the data leave open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...datasets.kinds import KINDS
from ...forward_models import PARAMETERS
from ..fits import Fit
from ..model import Problem
from .candidates import Choices, candidate
from .linearised import linearised, state_of

_POINTS, _DRAWS = 20, 32
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
    gains : label → share of the posterior variance that it takes away, 0 to 1; for a rate, of its logarithm
    """

    kind: str
    run: str
    times: np.ndarray
    sigma: float
    gains: dict[str, float]


def proposals(fitted: Fit) -> list[Proposal]:
    """The series worth measuring next, the most useful one first; none where the data leave nothing open.

    Of ξ, P and Jy in each run with the errors of `SIGMAS`; averaged over the posterior, nothing is sampled.
    """
    experiment, draws = fitted.experiment, fitted.by_label()
    variances = {p.label: float(np.var(p.prior.z_score(draws[p.label]))) for p in fitted.problem.free}
    wide = [p.label for p in fitted.problem.free if variances[p.label] > _WIDE and not PARAMETERS[p.name].per_series]
    times = {run: np.linspace(0.0, experiment.duration(run), _POINTS + 1)[1:] for run in experiment.runs}
    possible = [
        candidate(experiment, kind, run, times[run], {}, sigma, run)
        for run in experiment.runs
        for kind, sigma in SIGMAS.items()
        if experiment.populations(run) in KINDS[kind].populations
    ]
    if not wide or not possible:
        return []
    choices = Choices(experiment, tuple(possible))
    flat = {label: array.reshape(-1) for label, array in draws.items()}
    state = state_of(Problem(choices.whole, fitted.settings), flat, seed=1).thinned(_DRAWS)
    menu, labels = linearised(state.problem, choices, state.draws).menu(state.precision_at(state.draws)), state.labels
    alone = np.diagonal(np.linalg.inv(menu.known), axis1=1, axis2=2)
    before, found = alone.mean(axis=0), []
    for k, one in enumerate(choices.candidates):
        points = np.flatnonzero(choices.group == k)
        each = menu.at(points).covariances(np.ones(len(points)))
        after = np.diagonal(each, axis1=1, axis2=2).mean(axis=0)
        gains = dict(zip(labels, (1 - after / before).tolist(), strict=True))
        worth = {label: gains[label] for label in wide if gains[label] >= WORTH_WHILE}
        if worth:
            kind, run = one.series.kind, one.series.run
            found.append(Proposal(kind, run, times[run], SIGMAS[kind], worth))
    return sorted(found, key=lambda p: -sum(p.gains.values()))
