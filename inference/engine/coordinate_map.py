"""The map from sampled coordinates to the unconstrained parameters of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Coordinates:
    """A map from sampled coordinates z to unconstrained parameters u: u = centre + scale·z, then each of the steps.

    centre, scale : (dimension,)
    steps : each changes entries of a list u in place; entries are numbers, arrays or CasADi symbols
    log_volume : from u the logarithm of the steps' Jacobian, but for a constant; None where it is constant
    """

    centre: np.ndarray
    scale: np.ndarray
    steps: tuple[Callable[[list[Any]], None], ...] = ()
    log_volume: Callable[[list[Any]], Any] | None = None

    @property
    def dimension(self) -> int:
        """Number of sampled coordinates."""
        return len(self.centre)

    def apply(self, z: list[Any]) -> list[Any]:
        """u from z, entry by entry; entries are numbers, arrays, or CasADi symbols."""
        u = [c + s * value for c, s, value in zip(self.centre, self.scale, z, strict=True)]
        for step in self.steps:
            step(u)
        return u


def plain(centre: np.ndarray) -> Coordinates:
    """The coordinates of a model of which nothing is known: PyMC's own, counted from its start."""
    return Coordinates(np.asarray(centre, float), np.ones(len(centre)))


def logarithm(x: Any) -> Any:
    """ln x of a number, an array or a CasADi symbol."""
    return _library(x).log(x)


def exponential(x: Any) -> Any:
    """eˣ of a number, an array or a CasADi symbol."""
    return _library(x).exp(x)


def softplus(x: Any) -> Any:
    """ln(1 + eˣ) of a number, an array or a CasADi symbol."""
    library = _library(x)
    if library is np:
        return np.logaddexp(0, x)
    return library.fmax(x, 0) + library.log1p(library.exp(-library.fabs(x)))


def _library(x: Any) -> Any:
    if type(x).__name__ != "SX":
        return np
    import casadi

    return casadi
