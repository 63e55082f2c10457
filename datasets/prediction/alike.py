"""Runs that differ in numbers alone, evaluated together as if they were draws of one run.

Most of a call for a few draws is not spent on numbers: twenty experiments of one kind take hardly longer than one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

import numpy as np

from ...forward_models import Dynamics, InitialState, RateBounds, Rates, Stage

_TOGETHER = 2**16
"""Draws × times of all runs of a call: larger arrays would not stay in a core's cache."""


@dataclass(frozen=True)
class Evolution:
    """What the forward model is told of a run; numbers or arrays (n,) of one value per draw.

    added : parameters beyond the rates, by name;  times (T,) : ms;  bounds : as for `evolve`
    """

    stages: list[Stage]
    initial: InitialState
    added: dict[str, Any]
    times: np.ndarray
    bounds: RateBounds | None = None

    @property
    def draws(self) -> tuple[int, ...]:
        """The shape of all that varies: (n,), or () for numbers."""
        values = [value for part in (self.initial, *self._rates) for value in vars(part).values()]
        return max(map(np.shape, (*values, *self.added.values())))

    @property
    def form(self) -> Hashable:
        """Equal for runs that can be evaluated together; None for one that cannot."""
        if not all(type(rates) is Rates for rates in self._rates):
            return None
        durations, b = tuple(stage.duration for stage in self.stages), self.bounds
        bounds = b and tuple(np.asarray(part, float).tobytes() for part in (b.fastest, b.populations, b.slowest))
        return self.draws, durations, self.times.tobytes(), bounds, self.initial.spin_variance is None

    @property
    def _rates(self) -> list[Any]:
        return [stage.rates for stage in self.stages]


def evaluated[K: Hashable, R](
    runs: Mapping[K, Evolution], dynamics: Dynamics, of: Callable[[Evolution], R], times: int = 0
) -> dict[K, R]:
    """`of` each run, an object of arrays (draws, …): those of one form in one call.

    times : at which a run is evaluated, where its own do not say it
    """
    forms: dict[Hashable, list[K]] = {}
    for key, run in runs.items():
        form = None if dynamics.forward_model else run.form  # a user's model may not be one of many draws
        forms.setdefault((key,) if form is None else form, []).append(key)
    found: dict[K, R] = {}
    for keys in forms.values():
        first, most = runs[keys[0]], 1
        if len(keys) > 1:
            most = max(1, _TOGETHER // (int(np.prod(first.draws)) * max(1, times, len(first.times))))
        for some in batched(keys, most):
            found |= zip(some, _of_each(of, [runs[key] for key in some]), strict=True)
    return found


def _of_each[R](of: Callable[[Evolution], R], runs: Sequence[Evolution]) -> list[R]:
    """`of` each of these runs of one form, from one call."""
    if len(runs) == 1:
        return [of(runs[0])]
    first, draws = runs[0], int(np.prod(runs[0].draws))
    stages = [
        Stage(stage.duration, _joined([run.stages[k].rates for run in runs], draws))
        for k, stage in enumerate(first.stages)
    ]
    added = {name: _side_by_side([run.added[name] for run in runs], draws) for name in first.added}
    initial = _joined([run.initial for run in runs], draws)
    together = Evolution(stages, initial, added, first.times, first.bounds)
    whole = of(together)
    if not together.draws:  # equal in all numbers
        return [whole] * len(runs)
    rows = [slice(k * draws, (k + 1) * draws) if first.draws else (k, ...) for k in range(len(runs))]
    return [type(whole)(**{name: array[row] for name, array in vars(whole).items()}) for row in rows]


def _joined[P](parts: Sequence[P], draws: int) -> P:
    """Rates, or initial states, of several runs as those of one."""
    return type(parts[0])(**{name: _side_by_side([vars(p)[name] for p in parts], draws) for name in vars(parts[0])})


def _side_by_side(values: Sequence[Any], draws: int) -> Any:
    """One array (runs × draws,), or what all have in common."""
    if all(np.ndim(value) == 0 and value == values[0] for value in values):
        return values[0]
    return np.concatenate([np.broadcast_to(value, draws) for value in values])
