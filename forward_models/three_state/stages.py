"""Stages of an experiment (which rates act for how long) and the state in which it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..validation import InvalidValue, concrete, require


@dataclass(frozen=True)
class Stage:
    """A span of time with constant rates.

    duration : ms, > 0; always a concrete number. InvalidValue otherwise
    rates : `Rates`, or those of another model of the atoms
    """

    duration: float
    rates: Any

    def __post_init__(self) -> None:
        require("duration", self.duration, low=0.0, low_open=True)


@dataclass(frozen=True)
class InitialState:
    """Populations (of 1) and spin variance at t = 0; uncorrelated atoms by default.

    n3, nh : populations of |4,±3⟩ and |h⟩ = |3,±3⟩; n4 = 1 − n3 − nh
    spin_variance : Σ(0), in units where all atoms in |4,±4⟩ have 1; None means n2(0), uncorrelated
    Each is a number, an array (one value per draw) or symbolic.

    Raises
    ------
    InvalidValue : for populations outside [0, 1] or with n3 + nh > 1, and for a negative variance
    """

    n3: Any = 0.01
    nh: Any = 0.0
    spin_variance: Any = None

    def __post_init__(self) -> None:
        require("n3", self.n3, low=0.0, high=1.0)
        require("nh", self.nh, low=0.0, high=1.0)
        n3, nh = concrete(self.n3), concrete(self.nh)
        if n3 is not None and nh is not None and np.any(n3 + nh > 1):
            raise InvalidValue(f"n3 + nh = {np.max(n3 + nh):g}: expected at most 1, the sum of all populations")
        if self.spin_variance is not None:
            require("spin_variance", self.spin_variance, low=0.0)

    @property
    def n2(self) -> Any:
        """n4 + n3, the population of the two-level system."""
        return 1 - self.nh

    @property
    def p(self) -> Any:
        """n4 − n3."""
        return 1 - self.nh - 2 * self.n3

    @property
    def jx(self) -> Any:
        """⟨Jx⟩ = 4 n4 + 3 n3 per atom."""
        return 4 * (1 - self.nh) - self.n3

    @property
    def initial_variance(self) -> Any:
        """Σ(0): as given, or that of uncorrelated atoms."""
        return self.n2 if self.spin_variance is None else self.spin_variance


def check_times(stages: Sequence[Stage], times: Any) -> np.ndarray:
    """`times` (ms) as a float array, checked: finite, in order, inside the stages."""
    if not stages:
        raise InvalidValue("no stages: expected at least one Stage")
    array = concrete(times)
    if array is None or array.ndim != 1:
        raise InvalidValue("times: expected a one-dimensional array of numbers, in ms")
    total = float(sum(stage.duration for stage in stages))
    require("times", array)
    if np.any(np.diff(array) < 0):
        where = int(np.argmax(np.diff(array) < 0))
        raise InvalidValue(f"times go backwards: {array[where]:g} is followed by {array[where + 1]:g} ms")
    outside = (array < 0) | (array > total * (1 + 1e-12))
    if outside.any():
        raise InvalidValue(f"time {array[outside][0]:g} ms is outside the stages: they cover 0 to {total:g} ms")
    return np.asarray(np.minimum(array, total))
