"""The same measurement under two names, which would count twice."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ..errors import ExperimentError, violation
from .experiment import Experiment

FEWEST_THAT_DIFFER = 8
"""Series with fewer different values may agree by chance, where they are given to two digits."""


def check_each_once(experiment: Experiment, where: str) -> None:
    """Raise where something that is fitted is there as a copy, in an experiment or in several that are put together.

    Simulated data may be: without noise, the same rates give the same values.
    """
    if experiment.simulated:
        return
    first: dict[tuple[str | bytes, ...], str] = {}
    for series in experiment.series:
        use = series.fitted
        if len(np.unique(series.value[use])) >= FEWEST_THAT_DIFFER:
            contents = (series.kind, *(part[use].tobytes() for part in (series.x, series.value, series.spread)))
            if first.setdefault(contents, series.name) != series.name:
                raise _copy(first[contents], series.name, where)
    for one, other in combinations(experiment.records, 2):
        if one.fitted.any() and np.array_equal(one.samples[:, one.fitted], other.samples[:, other.fitted]):
            raise _copy(one.name, other.name, where)


def _copy(one: str, other: str, where: str) -> ExperimentError:
    expected = "each measurement once, or it counts twice: leave one out, and share the parameters that it tells of"
    return violation(f"{where}: series {other!r}", f"the values of {one!r} again", expected)
