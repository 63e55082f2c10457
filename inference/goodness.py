"""How far the data lie from where the model expects them: a χ² of each series about its posterior prediction.

A first look: the model's scatter counts as independent, and the parameters were fitted to these data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xarray import DataTree

SURPRISING = 1e-4
"""Probability of a χ² as large, or as small, by chance, below which a series counts as not described."""
INTERVAL = (0.03, 0.97)


@dataclass(frozen=True)
class Goodness:
    """Of one series, or of the published numbers (`observations`).

    square : χ² of the values about mean and sd of their posterior prediction
    above, below : probability of a larger, a smaller χ² by chance
    inside : share of the values inside their 94 % predictive interval
    """

    name: str
    values: int
    square: float
    above: float
    below: float
    inside: float

    @property
    def misfit(self) -> bool:
        """Whether the values lie farther off than chance would have it."""
        return self.above < SURPRISING

    @property
    def too_good(self) -> bool:
        """Whether they lie closer than their errors say: the errors are too large."""
        return self.below < SURPRISING

    @property
    def text(self) -> str:
        """'χ² 28 for 30 values'."""
        return f"χ² {self.square:.0f} for {self.values} values"


def goodness(fit: DataTree) -> list[Goodness]:
    """Of each series that was fitted, in the order of the fit."""
    from scipy.special import gammainc, gammaincc

    found = []
    observed = fit["observed_data"].dataset
    for name, drawn in fit["posterior_predictive"].dataset.data_vars.items():
        draws = np.asarray(drawn.values).reshape(-1, drawn.shape[-1])
        values = np.asarray(observed[name].values)
        square = float((((values - draws.mean(axis=0)) / draws.std(axis=0)) ** 2).sum())
        low, high = np.quantile(draws, INTERVAL, axis=0)
        half = 0.5 * len(values), 0.5 * square
        inside = float(np.mean((values >= low) & (values <= high)))
        found.append(Goodness(str(name), len(values), square, float(gammaincc(*half)), float(gammainc(*half)), inside))
    return found
