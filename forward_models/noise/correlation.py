"""Gaussian noise that is correlated from point to point: an autoregression of first order, or a given matrix.

Of scaled residuals u = (value − mean)/σ of a series. Each u_k given those before it is normal; the densities of a point
given those before it add up to that of all, and what is left, (u_k − centre_k)/width_k, is independent noise of unit
variance. Source: the Ornstein–Uhlenbeck process, Phys. Rev. 36, 823 (1930); Cholesky factors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, override

import numpy as np


class NoiseCorrelation(ABC):
    """How the noise of T points of a series is correlated; scaled residuals u are (…, T), also symbolic (T,)."""

    @abstractmethod
    def conditional(self, scaled: Any, rho: Any) -> tuple[Any, Any]:
        """Mean (…, T) and standard deviation (…, T) or (T,) of each u given those before it.

        rho : ρ, a number, a column (…, 1) or symbolic; a given matrix has none
        """

    @abstractmethod
    def colour(self, white: np.ndarray, rho: Any) -> np.ndarray:
        """Correlated u (…, T) from independent standard normal numbers: the inverse of `whiten`."""

    def whiten(self, scaled: Any, rho: Any) -> Any:
        """What is left of u (…, T): independent, of unit variance."""
        centre, width = self.conditional(scaled, rho)
        return (scaled - centre) / width


@dataclass(frozen=True)
class Autoregression(NoiseCorrelation):
    """u_k = a_k u_before + √(1 − a_k²) × white noise, a_k = ρ^step: exp(−Δt/τ) with τ = −(usual step)/ln ρ.

    before (T,): the point before each; its own number for the first.  steps (T,): how far that is, in usual steps
    order (T,): the points in their order
    """

    before: np.ndarray
    steps: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, place: np.ndarray, chain: np.ndarray, unit: float) -> Autoregression:
        """By the places (T,) of the points, in several chains (T,) that know nothing of each other; `unit`: a step."""
        order = np.lexsort((place, chain))
        before, steps = np.arange(len(place)), np.ones(len(place))
        here, there = order[1:], order[:-1]
        same = chain[here] == chain[there]
        before[here[same]] = there[same]
        steps[here[same]] = (place[here] - place[there])[same] / unit
        return cls(before, steps, order)

    def _share(self, rho: Any) -> Any:
        return (self.before != np.arange(len(self.before))) * rho**self.steps

    def information(self, rho: float) -> float:
        """Fisher information of ρ in all points: Σ (∂a/∂ρ)² (1 + a²)/(1 − a²)²."""
        share = self._share(rho)
        slope = share * self.steps / rho
        return float((slope**2 * (1 + share**2) / (1 - share**2) ** 2).sum())

    @override
    def conditional(self, scaled: Any, rho: Any) -> tuple[Any, Any]:
        share = self._share(rho)
        return share * scaled[..., self.before], (1 - share**2) ** 0.5

    @override
    def colour(self, white: np.ndarray, rho: Any) -> np.ndarray:
        share = np.broadcast_to(self._share(rho), white.shape)
        width, found = np.sqrt(1 - share**2), np.array(white, float)
        for k in self.order:
            found[..., k] = share[..., k] * found[..., self.before[k]] + width[..., k] * white[..., k]
        return found


@dataclass(frozen=True)
class GivenCorrelation(NoiseCorrelation):
    """A correlation matrix (T, T), positive definite."""

    matrix: np.ndarray

    @cached_property
    def _factor(self) -> np.ndarray:
        return np.linalg.cholesky(self.matrix)

    @override
    def conditional(self, scaled: Any, rho: Any = None) -> tuple[Any, Any]:
        width = np.diag(self._factor)
        known = np.eye(len(width)) - width[:, None] * np.linalg.inv(self._factor)
        if isinstance(scaled, np.ndarray):
            return scaled @ known.T, width
        return (known * scaled[None, :]).sum(axis=1), width

    @override
    def colour(self, white: np.ndarray, rho: Any = None) -> np.ndarray:
        return np.asarray(white @ self._factor.T)
