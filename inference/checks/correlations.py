"""Which parameters go together in the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...datasets.experiment import Label
from ..fits import Fit

STRONG = 0.5


@dataclass(frozen=True)
class Correlation:
    """Two labels and the rank correlation (Spearman's) of their draws."""

    one: str
    other: str
    value: float


def strongest(fitted: Fit, labels: Sequence[str] | None = None, at_least: float = STRONG) -> list[Correlation]:
    """Pairs of unknowns with a correlation of at least so much, the strongest first."""
    from scipy.stats import rankdata

    draws = fitted.by_label()
    names = [label for label in labels or draws if np.ptp(draws[label]) > 0]
    if len(names) < 2:
        return []
    ranks = np.array([rankdata(draws[name].reshape(-1)) for name in names])
    matrix = np.corrcoef(ranks)
    pairs = [Correlation(names[i], names[j], float(matrix[i, j])) for i in range(len(names)) for j in range(i)]
    return sorted((p for p in pairs if abs(p.value) >= at_least), key=lambda p: -abs(p.value))


def for_pair_plot(fitted: Fit, count: int) -> list[str]:
    """Up to `count` unknowns, in the order of the table: rates with what goes with them most, then the other rates."""
    labels = list(fitted.by_label())
    rates = [label for label in labels if Label.parse(label).is_rate]
    chosen: list[str] = []
    pairs = [
        (pair.one, pair.other)
        for pair in strongest(fitted)
        if Label.parse(pair.one).is_rate or Label.parse(pair.other).is_rate
    ]
    for group in [*pairs, *((rate,) for rate in rates), *((label,) for label in labels)]:
        new = [label for label in group if label not in chosen]
        if len(chosen) + len(new) <= count:
            chosen += new
    return [label for label in labels if label in chosen]
