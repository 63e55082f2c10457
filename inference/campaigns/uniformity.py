"""Whether ranks are uniform, of all quantities at once: one band for their ECDFs, simultaneous over all of them.

A band of pointwise binomial quantiles (Säilynoja, Bürkner & Vehtari, Stat. Comput. 32, 32), as wide as is needed for
all quantities of a right model to stay inside with the given probability. How wide, simulations of uniform ranks tell
that are correlated among the quantities as those at hand are (Gaussian copula): dΓ, Γ and the minimum of ξ tell much
the same, and are not as many tests as there are names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIRST, SECOND = 0.05, 0.2
"""Chances that a right model is suspected, and that what was suspected is again with another seed: together 1 %."""
POINTS = 100
"""Of the band, at most: ranks have as many values."""
_TRIALS = 2000
_SHRINKAGE = 10.0
"""Simulations by which the correlation of ranks is drawn to 0, where more is conservative."""
_AT_ONCE = 4_000_000
"""Numbers that are simulated together."""


@dataclass(frozen=True)
class Band:
    """Of ECDFs: points (P,) from 0 to 1, and lower and upper limits (P,) there."""

    points: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def ecdf(self, ranks: np.ndarray) -> np.ndarray:
        """Of fractional ranks (simulations, quantities), at the points: (quantities, P)."""
        return np.array([np.searchsorted(np.sort(c), self.points, side="right") for c in ranks.T]) / len(ranks)

    def holds(self, ranks: np.ndarray) -> np.ndarray:
        """Which quantities stay inside."""
        ecdf = self.ecdf(ranks)
        return np.asarray(((ecdf >= self.lower - 1e-9) & (ecdf <= self.upper + 1e-9)).all(axis=1))


def common_band(ranks: np.ndarray, level: float, rng: np.random.Generator, trials: int = _TRIALS) -> Band:
    """The band that fractional ranks (simulations, quantities) all stay in with probability 1 − `level`."""
    from scipy.special import bdtr

    count = len(ranks)
    points = np.arange(1, min(count, POINTS)) / min(count, POINTS)
    counts = np.arange(count + 1)
    below = bdtr(counts[:, None], count, points)  # P(X ≤ c), (counts, points)
    above = np.concatenate([np.ones((1, len(points))), 1 - below[:-1]])
    smallest = _smallest_tails(np.minimum(below, above), _correlation(ranks), trials, rng)
    least = float(np.quantile(smallest, level, method="lower"))
    lower = np.argmax(below >= least, axis=0) / count
    upper = (count - np.argmax(above[::-1] >= least, axis=0)) / count
    return Band(*(np.concatenate([[0.0], one, [1.0]]) for one in (points, lower, upper)))


def _correlation(ranks: np.ndarray) -> np.ndarray:
    """Of the ranks' normal scores, (quantities, quantities)."""
    from scipy.special import ndtri

    count, quantities = ranks.shape
    scores = ndtri(np.clip(ranks, 1e-6, 1 - 1e-6))
    scores = scores - scores.mean(axis=0)
    norm = np.linalg.norm(scores, axis=0)
    scores /= np.where(norm > 0, norm, 1.0)
    weight = count / (count + _SHRINKAGE)
    return np.asarray(weight * scores.T @ scores * (1 - np.eye(quantities)) + np.eye(quantities))


def _smallest_tails(tails: np.ndarray, correlation: np.ndarray, trials: int, rng: np.random.Generator) -> np.ndarray:
    """The smallest probability of a binomial tail, over points and quantities, in each trial: (trials,).

    tails : of each count at each point, (simulations + 1, points)
    """
    from scipy.special import ndtr

    count, points = len(tails) - 1, tails.shape[1]
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(len(correlation)))
    quantities = len(root)
    together = max(_AT_ONCE // (count * quantities), 1)
    found = []
    for start in range(0, trials, together):
        some = min(together, trials - start)
        uniform = ndtr(rng.standard_normal((some, count, quantities)) @ root.T)
        cell = np.minimum((uniform * (points + 1)).astype(np.int64), points)
        row = np.arange(some * quantities).reshape(some, 1, quantities) * (points + 1)
        below = np.bincount((row + cell).ravel(), minlength=some * quantities * (points + 1))
        below = below.reshape(some, quantities, points + 1).cumsum(axis=2)[..., :-1]
        found.append(tails[below, np.arange(points)].min(axis=(1, 2)))
    return np.concatenate(found)
