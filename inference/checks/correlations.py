"""Which parameters go together in the posterior."""

from __future__ import annotations

import numpy as np

from ...datasets.experiment import Label
from ..fits import Fit

_STRONG = 0.5


def strongest(fitted: Fit) -> list[tuple[str, str, float]]:
    """Pairs of free parameters whose rank correlation (Spearman's) is at least ± 0.5, and this, the strongest first."""
    from scipy.stats import rankdata

    draws = {label: array for label, array in fitted.by_label().items() if np.ptp(array) > 0}
    if len(draws) < 2:
        return []
    names = list(draws)
    matrix = np.corrcoef([rankdata(array.reshape(-1)) for array in draws.values()])
    pairs = [(names[i], names[j], float(matrix[i, j])) for i in range(len(names)) for j in range(i)]
    return sorted((pair for pair in pairs if abs(pair[2]) >= _STRONG), key=lambda pair: -abs(pair[2]))


def for_pair_plot(fitted: Fit, count: int) -> list[str]:
    """Up to `count` free parameters, in the order of the table.

    Rates with what goes with them most, then the other rates, then the others.
    """
    labels = list(fitted.by_label())
    rates = [label for label in labels if Label.parse(label).is_rate]
    pairs = [pair for *pair, _ in strongest(fitted) if set(pair) & set(rates)]
    chosen: list[str] = []
    for group in [*pairs, *([label] for label in [*rates, *labels])]:
        new = [label for label in group if label not in chosen]
        if len(chosen) + len(new) <= count:
            chosen += new
    return [label for label in labels if label in chosen]
