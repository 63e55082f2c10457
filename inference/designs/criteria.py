"""What a design is good for: criteria of numbers of shots, averaged over the posterior, with their gradients.

Each draw of the posterior is a truth that may be. There a shot has a Fisher information, on the scale on which each
prior is standard normal; what is known before (priors, calibrations, data) adds its precision, so that all parameters
that a criterion does not ask for are marginalised. Chaloner & Verdinelli, Stat. Sci. 10, 273 (1995).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Menu:
    """Information of one shot at each of K points, for S draws of p parameters.

    rows (S, R, p) : derivative of what is measured by each parameter's z-score, over the noise of one shot
    known (S, p, p) : precision of what is known before, at each draw
    point (R,) : to which point each row belongs, in order; None: each has one, R = K
    """

    rows: np.ndarray
    known: np.ndarray
    point: np.ndarray | None = None

    @property
    def count(self) -> int:
        """K."""
        return self.rows.shape[1] if self.point is None else int(self.point[-1]) + 1

    def covariances(self, shots: np.ndarray) -> np.ndarray:
        """(S, p, p): of the parameters after `shots` (K,) at each point, were each draw the truth."""
        weighted = self.rows * (shots if self.point is None else shots[self.point])[:, None]
        return np.asarray(np.linalg.inv(self.known + np.swapaxes(weighted, 1, 2) @ self.rows))

    def by_point(self, of_rows: np.ndarray) -> np.ndarray:
        """Sums (K,) of something of the rows (R,)."""
        return of_rows if self.point is None else np.bincount(self.point, of_rows, self.count)

    def at(self, points: np.ndarray) -> Menu:
        """Some of the points (numbers), in this order."""
        if self.point is None:
            return Menu(self.rows[:, points], self.known)
        rows = [np.flatnonzero(self.point == k) for k in points]
        owners = np.repeat(np.arange(len(points)), [len(some) for some in rows])
        return Menu(self.rows[:, np.concatenate(rows)], self.known, owners)


class Criterion(Protocol):
    """Something to make small, convex in the shots where it or its exponential is."""

    def value(self, shots: np.ndarray) -> tuple[float, np.ndarray]:
        """At numbers of shots (K,), and its gradient (K,)."""

    def at(self, points: np.ndarray) -> Criterion:
        """For some of the points."""


@dataclass(frozen=True)
class Variance:
    """Log of the expected variance of a quantity.

    gradients (S, p) : of it by the z-scores
    missed : precision that linearising misses: a quantity with ends, such as a share, varies less than its slope says
    """

    menu: Menu
    gradients: np.ndarray
    missed: float = 0.0

    def given(self, now: float) -> Variance:
        """With what is missed where, without any shots, the expected variance is greater than `now`: then it is that.

        No shots make it greater, as they make the variance at every draw smaller.
        """
        from scipy.optimize import brentq

        linear = self.of_draws(np.zeros(self.menu.count))
        if not 0 < now < linear.mean() < np.inf:
            return self
        missed = brentq(lambda share: (linear / (1 + linear * share / now)).mean() / now - 1, 0.0, 1.0, xtol=1e-9)
        return replace(self, missed=missed / now)

    def of_draws(self, shots: np.ndarray) -> np.ndarray:
        """(S,): the variance, were each draw the truth."""
        covariances = self.menu.covariances(shots)
        found = np.einsum("sp,spq,sq->s", self.gradients, covariances, self.gradients)
        return np.asarray(found / (1 + found * self.missed))

    def value(self, shots: np.ndarray) -> tuple[float, np.ndarray]:
        """See `Criterion`."""
        towards = np.einsum("spq,sq->sp", self.menu.covariances(shots), self.gradients)
        linear = np.einsum("sp,sp->s", towards, self.gradients)
        kept = 1 / (1 + linear * self.missed)
        mean = float((linear * kept).mean())
        seen = (np.einsum("skp,sp->sk", self.menu.rows, towards * kept[:, None]) ** 2).mean(axis=0)
        return float(np.log(mean)), -self.menu.by_point(seen) / mean

    def at(self, points: np.ndarray) -> Variance:
        """See `Criterion`."""
        return replace(self, menu=self.menu.at(points))


@dataclass(frozen=True)
class Ignorance:
    """Minus the expected information gain, nats, about some parameters (numbers): ½ log det of their covariance."""

    menu: Menu
    wanted: tuple[int, ...]

    def value(self, shots: np.ndarray) -> tuple[float, np.ndarray]:
        """See `Criterion`."""
        wanted = list(self.wanted)
        columns = self.menu.covariances(shots)[:, :, wanted]
        block = columns[:, wanted]
        before = np.linalg.inv(self.menu.known)[:, wanted][:, :, wanted]
        mean = 0.5 * float((np.linalg.slogdet(block)[1] - np.linalg.slogdet(before)[1]).mean())
        seen = self.menu.rows @ columns
        of_rows = np.einsum("skm,skm->sk", seen @ np.linalg.inv(block), seen).mean(axis=0)
        return mean, -0.5 * self.menu.by_point(of_rows)

    def at(self, points: np.ndarray) -> Ignorance:
        """See `Criterion`."""
        return Ignorance(self.menu.at(points), self.wanted)


@dataclass(frozen=True)
class Confusion:
    """Minus half of the least χ² with which a model, refitted, explains what the true one expects, nats.

    menu : of the other model, linearised where it is best for each draw of the true one
    difference (S, K) : what the true model expects beyond the other there, over the noise of one shot
    pull (S, p) : how far the other one is from what was known of it there, z-scores
    """

    menu: Menu
    difference: np.ndarray
    pull: np.ndarray

    def steps(self, shots: np.ndarray) -> np.ndarray:
        """(S, p): from there to where the other model fits best after these shots."""
        force = np.einsum("skp,sk->sp", self.menu.rows, self.difference * shots)
        force -= np.einsum("spq,sq->sp", self.menu.known, self.pull)
        return np.asarray(np.einsum("spq,sq->sp", self.menu.covariances(shots), force))

    def of_draws(self, shots: np.ndarray) -> np.ndarray:
        """(S,): half of the χ², were each draw the truth."""
        return self._squares(shots)[0]

    def value(self, shots: np.ndarray) -> tuple[float, np.ndarray]:
        """See `Criterion`."""
        of_draws, squares = self._squares(shots)
        return -float(of_draws.mean()), -0.5 * squares.mean(axis=0)

    def _squares(self, shots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half of the χ² (S,) and squares of what remains of the difference (S, K) when the other model is refitted."""
        steps = self.steps(shots)
        squares = (self.difference - (self.menu.rows @ steps[..., None])[..., 0]) ** 2
        pulled = self.pull + steps
        knowledge = np.einsum("sp,spq,sq->s", pulled, self.menu.known, pulled)
        return 0.5 * (squares @ shots + knowledge), squares

    def at(self, points: np.ndarray) -> Confusion:
        """See `Criterion`."""
        return Confusion(self.menu.at(points), self.difference[:, points], self.pull)


@dataclass(frozen=True)
class Advantage:
    """Minus the expected log Bayes factor of the true model over the other one, nats.

    own : the same of the true model itself, which pays, too, for parameters that are not where they were expected
    """

    other: Confusion
    own: Confusion

    def of_draws(self, shots: np.ndarray) -> np.ndarray:
        """(S,): the expected log Bayes factor, were each draw the truth."""
        return np.asarray(self.other.of_draws(shots) - self.own.of_draws(shots))

    def given(self, noise: np.ndarray) -> Advantage:
        """For one outcome at each draw: how far it is from the expected one, (S, K), over the noise of one shot."""
        other, own = (replace(each, difference=each.difference + noise) for each in (self.other, self.own))
        return Advantage(other, own)

    def value(self, shots: np.ndarray) -> tuple[float, np.ndarray]:
        """See `Criterion`."""
        (value, gradient), (own, own_gradient) = self.other.value(shots), self.own.value(shots)
        return value - own, np.asarray(gradient - own_gradient)

    def at(self, points: np.ndarray) -> Advantage:
        """See `Criterion`."""
        return Advantage(self.other.at(points), self.own.at(points))


@dataclass(frozen=True)
class Mean:
    """The mean of several criteria."""

    parts: tuple[Criterion, ...]

    def value(self, shots: np.ndarray) -> tuple[float, np.ndarray]:
        """See `Criterion`."""
        values, gradients = zip(*(part.value(shots) for part in self.parts), strict=True)
        return float(np.mean(values)), np.mean(gradients, axis=0)

    def at(self, points: np.ndarray) -> Mean:
        """See `Criterion`."""
        return Mean(tuple(part.at(points) for part in self.parts))
