"""The map from sampled coordinates to the unconstrained parameters of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Coordinates:
    """A map from sampled coordinates z to unconstrained parameters u, both of length `dimension`.

    populations : (entry of the log spread, entries of the scores) of each population of a hierarchical model
    """

    centre: np.ndarray
    scale: np.ndarray
    steps: tuple[Callable[[list[Any]], None], ...] = ()
    populations: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def dimension(self) -> int:
        """Number of sampled coordinates."""
        return len(self.centre)

    def apply(self, z: list[Any]) -> list[Any]:
        """u from z, entry by entry; entries are numbers, arrays, or CasADi symbols."""
        u = [c + s * value for c, s, value in zip(self.centre, self.scale, z, strict=True)]
        for spread, scores in self.populations:
            narrowed = width(u[spread])
            for k in scores:
                u[k] = u[k] * narrowed
        for step in self.steps:
            step(u)
        return u

    def log_volume(self, u: list[Any]) -> Any:
        """Logarithm of the Jacobian of the map, but for a constant."""
        return sum(len(scores) * logarithm(width(u[spread])) for spread, scores in self.populations)


def plain(centre: np.ndarray) -> Coordinates:
    """The coordinates of a model about which nothing is known: PyMC's own, counted from its start."""
    return Coordinates(np.asarray(centre, float), np.ones(len(centre)))


def width(log_spread: Any) -> Any:
    """How far a score can be from where a member's own data want it, for a spread τ: σ/√(σ² + τ²)."""
    return 1 / (1 + exponential(2 * log_spread) / MEMBER_PRECISION**2) ** 0.5


def logarithm(x: Any) -> Any:
    """The logarithm of numbers and of symbols."""
    if type(x).__name__ == "SX":
        import casadi

        return casadi.log(x)
    return np.log(x)


def exponential(x: Any) -> Any:
    """The exponential of numbers and of symbols."""
    if type(x).__name__ == "SX":
        import casadi

        return casadi.exp(x)
    return np.exp(x)


def softplus(x: Any) -> Any:
    """log(1 + eˣ)."""
    if type(x).__name__ == "SX":
        import casadi

        return casadi.fmax(x, 0) + casadi.log1p(casadi.exp(-casadi.fabs(x)))
    return np.logaddexp(0, x)


MEMBER_PRECISION = 0.1
"""σ: how well the data of one member of a population typically fix the logarithm of a parameter."""
