"""What a posterior owes to priors that are not its own, and whether it leans on the end of its own: from the draws.

A default prior is a guess: half or twice its median or its width would have been as good a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

import numpy as np

from ...datasets.experiment import DAY_FACTORS
from ..model import ModelParameter, Prior

MOVED = 0.5
"""Standard deviations of a posterior, beyond which another prior that moves it is named."""
FACTOR = 2.0
"""By which median and width of a default prior are changed."""
_BIN, _AT_THE_END = 0.25, 0.1
"""Width of a bin in standard deviations; share of the highest density that is no tail any more."""


def moved_by(draws: Mapping[str, np.ndarray], free: list[ModelParameter]) -> dict[str, tuple[str, float]]:
    """Label → (label of the other guessed prior that moves its posterior most, by how many standard deviations).

    Only of posteriors that one moves by more than `MOVED`. Each guessed prior is changed by a factor of two in median
    (where it has one to change: lognormal) and in width, both ways, on the scale on which it is standard normal.
    There the posterior is taken to be normal with the mean m and covariance C of the draws. A prior of parameter k
    with mean μ and sd τ, in place of 0 and 1, then moves the mean by C[:, k] (μ/τ² − δ m_k)/(1 + δ C_kk), δ = 1/τ² − 1.

    draws : by label, any shape, the same for all free parameters
    """
    z_scores = np.array([np.ravel(u.prior.z_score(draws[u.label])) for u in free])
    with np.errstate(invalid="ignore"):  # draws on the very end of a prior have no finite z-score
        mean, covariance = z_scores.mean(axis=1), np.atleast_2d(np.cov(z_scores))
        spread = np.sqrt(np.diag(covariance))
    largest: dict[str, tuple[str, float]] = {}
    for k, changed in enumerate(free):
        if not (changed.guessed and spread[k] > 0):
            continue
        shifts = np.array([
            covariance[:, k] * (centre / width**2 - (1 / width**2 - 1) * mean[k])
            / max(1 + (1 / width**2 - 1) * covariance[k, k], 1 / FACTOR**2)
            for centre, width in _changes(changed.prior, changed.name in DAY_FACTORS)
        ])  # fmt: skip
        with np.errstate(invalid="ignore", divide="ignore"):
            shifts = np.nan_to_num(shifts / spread, posinf=0.0, neginf=0.0)
        worst = shifts[np.argmax(abs(shifts), axis=0), np.arange(len(free))]
        for j, moved in enumerate(free):
            if j != k and abs(worst[j]) > max(MOVED, abs(largest.get(moved.label, ("", 0.0))[1])):
                largest[moved.label] = (changed.label, float(worst[j]))
    return largest


def _changes(prior: Prior, relative: bool) -> list[tuple[float, float]]:
    """Mean and sd of the changed priors, on the scale on which the prior has 0 and 1. `relative`: its median is 1."""
    changes = [(0.0, FACTOR), (0.0, 1 / FACTOR)]
    if prior.form == "lognormal" and not relative:
        step = log(FACTOR) / prior.numbers[1]
        changes += [(step, 1.0), (-step, 1.0)]
    return changes


def leaning_on(draws: Any, prior: Prior) -> float | None:
    """The end of a uniform prior on which a posterior leans: the density there is no tail but cut off; else None.

    An end where the parameter itself ends (a rate at 0, an efficiency at 1) is none.
    """
    values = np.ravel(draws)
    if prior.form != "uniform" or np.ptp(values) == 0:
        return None
    low, high = prior.numbers
    ends = [end for end, domain in ((low, prior.low), (high, prior.high)) if end != domain]
    width = _BIN * values.std()
    highest = np.histogram(values, np.arange(values.min(), values.max() + width, width))[0].max()
    crowded = {end: np.sum(abs(values - end) < width) / highest for end in ends}
    worst = max(crowded, key=lambda end: crowded[end], default=None)
    return worst if worst is not None and crowded[worst] > _AT_THE_END else None
