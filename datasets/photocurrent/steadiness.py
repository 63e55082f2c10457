"""Whether the light was on all the time, and equally strong: of the energies of groups of bins.

The energy of a group of n complex bins of shot noise is a gamma variate of shape n: what lies far below it is dark.
"""

from __future__ import annotations

import numpy as np

from .shot_noise import Slices, row_pieces

_GROUP = 20
"""Bins that are looked at together."""
_CHANCE = 1e-6
"""Of shot noise to make a group that is called dark."""
_DARK = 0.15
"""Of the level with light: more may be left of light that fluctuates."""
_FEWEST, _SHARE = 2, 1e-3
"""Groups that must be dark, and their share."""
_UNSTEADY, _STANDS_OUT = 0.1, 6.0
"""Fluctuation of the level from which it is reported, and its distance from 0 in standard errors."""


def group_energies(records: Slices, count: int, length: int) -> np.ndarray:
    """Of records (count, length), about their mean: mean energies of cos and sin in groups of bins, (count, groups)."""
    size = min(_GROUP, length)
    groups = length // size
    found = []
    for start, end in row_pieces(count, length):
        bins = records(start, end)
        energy = abs(bins - bins.mean(axis=1, keepdims=True)) ** 2 / 2
        found.append(energy[:, : groups * size].reshape(end - start, groups, size).mean(axis=2))
    return np.concatenate(found)


def dark(energies: np.ndarray, length: int, level: float) -> np.ndarray:
    """Which groups are dark where light makes the energy `level`; none where chance could make so few."""
    from scipy.special import gammaincinv

    shape = min(_GROUP, length)
    found = energies < level * min(gammaincinv(shape, _CHANCE) / shape, _DARK)
    return np.asarray(found & (found.sum() >= max(_FEWEST, _SHARE * found.size)))


def level_of_light(energies: np.ndarray) -> float:
    """The mean of what is above half of the largest: of light that is on all the time hardly more than its mean."""
    return float(energies[energies >= 0.5 * np.quantile(energies, 0.95)].mean())


def fluctuation(energies: np.ndarray, length: int) -> tuple[float, float]:
    """Relative standard deviation of the level beyond that of shot noise, and its significance in standard errors."""
    shape = min(_GROUP, length)
    count = energies.size
    excess = energies.var() / energies.mean() ** 2 - 1 / shape
    error = np.sqrt((2 + 6 / shape) / count) / shape
    return float(np.sqrt(max(excess, 0.0))), float(excess / error)


def unsteady(energies: np.ndarray, length: int) -> list[str]:
    """A warning where the level fluctuates."""
    size, significance = fluctuation(energies, length)
    if size < _UNSTEADY or significance < _STANDS_OUT:
        return []
    return [f"its level fluctuates by {100 * size:.0f} % beyond shot noise: was the light constant?"]
