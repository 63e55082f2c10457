"""Which parameters go together in the posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...datasets.experiment import Label
from ..fits import Fit

_STRONG = 0.5


@dataclass(frozen=True)
class Correlation:
    """Two labels and the rank correlation (Spearman's) of their draws."""

    one: str
    other: str
    value: float


def strongest(fitted: Fit) -> list[Correlation]:
    """Pairs of free parameters whose rank correlation is at least ± 0.5, the strongest first."""
    from scipy.stats import rankdata

    draws = {label: array for label, array in fitted.by_label().items() if np.ptp(array) > 0}
    if len(draws) < 2:
        return []
    names = list(draws)
    matrix = np.corrcoef([rankdata(array.reshape(-1)) for array in draws.values()])
    pairs = [Correlation(names[i], names[j], float(matrix[i, j])) for i in range(len(names)) for j in range(i)]
    return sorted((p for p in pairs if abs(p.value) >= _STRONG), key=lambda p: -abs(p.value))


def for_pair_plot(fitted: Fit, count: int) -> list[str]:
    """Up to `count` free parameters, in the order of the table.

    Rates with what goes with them most, then the other rates, then the others.
    """
    labels = list(fitted.by_label())
    rates = [label for label in labels if Label.parse(label).is_rate]
    pairs = [(pair.one, pair.other) for pair in strongest(fitted) if {pair.one, pair.other} & set(rates)]
    chosen: list[str] = []
    for group in [*pairs, *((label,) for label in [*rates, *labels])]:
        new = [label for label in group if label not in chosen]
        if len(chosen) + len(new) <= count:
            chosen += new
    return [label for label in labels if label in chosen]
