"""ξ with the pair correlations of all eight coherences m ↔ m − 1 of F = 4: what leaving out seven of them does.

F (8, 8) are the correlations of the coherences k = (m, m − 1), k = 0 being 4 ↔ 3, whose F is C:

    dF/dt = −A(F + N) − (F + N)Aᵀ + dΓ (pv)(pv)ᵀ − D F − F Dᵀ − (1 − c) dN/dt,    A_kl = ½ dΓ p_k v_k u_l
    ξ = (Σ_m p_m (20 − m²) + ½ Σ_kl g_k g_l F_kl)/Σ_m m p_m

N = diag(p_m + p_m−1), p_k = p_m − p_m−1, g_k = √((4 + m)(5 − m)). The light couples to the sum of both amplitudes of a
coherence, u_k = g_k/(g_0 √Z), and drives their difference, v_k = √Z (g_k/g_0)(2m − 1)/7, as vector and tensor
polarisability do. D has decays on its diagonal and, off it, the transfer of coherences by the drive; that by pump and
collisions is left out. With k = 0 alone this is the model's equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..choices import Closure
from ..three_state import InitialState, Stage, check_times, noise_share
from .levels import SPIN, VARIANCE
from .path import path_of
from .rates import SixteenLevelRates, generator

_M = np.arange(4, -4, -1)
_G = np.sqrt((4 + _M) * (5.0 - _M))
_STEP = 0.1
"""Of an integration step, times the fastest rate: errors of ξ of 1e-7."""


def eight_coherences_xi(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    splitting: float = 0.0,
) -> np.ndarray:
    """ξ (…, T) at `times` (T,), ms; arguments as for `evolve_sixteen`, concrete.

    splitting : angular frequency between neighbouring coherences, rad/ms
    """
    times = check_times(stages, times)
    ends = np.cumsum([0.0, *(float(stage.duration) for stage in stages)])
    knots = np.unique(np.concatenate([times, ends[ends < times.max(initial=0.0)], [0.0]]))
    fastest = [_fastest(stage.rates) + 7 * abs(splitting) for stage in stages]
    place = np.clip(np.searchsorted(ends, knots[1:], side="left") - 1, 0, len(stages) - 1)
    counts = [max(int(np.ceil(width * fastest[k] / _STEP)), 1) for width, k in zip(np.diff(knots), place, strict=True)]
    steps = [np.linspace(*ends_of, 2 * n + 1) for ends_of, n in zip(pairwise(knots), counts, strict=True)]
    grid = np.concatenate([knots[:1], *(step[1:] for step in steps)])
    levels = np.asarray(path_of(stages, grid, initial, closure).populations)
    share, turning = np.asarray(noise_share(closure))[..., None, None], 1j * splitting * np.arange(8)
    pairs = np.zeros((*levels.shape[:-2], 8, 8), complex)
    pairs[..., 0, 0] = np.asarray(initial.initial_variance) - np.asarray(initial.n2)
    found, at = {0: pairs}, 0
    for k, count in zip(place, counts, strict=True):
        equation = _Equation(stages[k].rates, share, turning)
        for _ in range(count):
            pairs = equation.step(pairs, levels[..., at : at + 3, :], grid[at + 2] - grid[at])
            at += 2
        found[at] = pairs
    wanted = [np.searchsorted(grid, time) for time in times]
    kept = np.stack(np.broadcast_arrays(*(found[int(w)].real @ _G @ _G for w in wanted)), axis=-1)
    return np.asarray((levels[..., wanted, :] @ VARIANCE + 0.5 * kept) / (levels[..., wanted, :] @ SPIN))


class _Equation:
    """The equation of motion of F in one stage."""

    def __init__(self, rates: SixteenLevelRates, share: Any, turning: np.ndarray) -> None:
        self._rates, self._matrix, self._lost = rates, np.asarray(generator(rates)), 1 - share
        decay: Any = sum((_matrix(rate) * table.decoherence for rate, table in rates.processes), np.zeros((8, 8)))
        pure = rates.dephasing_rate - 2 * np.asarray(decay)[..., 0, 0]
        self._decay = decay + _matrix(0.5 * pure) * np.eye(8) + np.diag(turning)

    def step(self, pairs: np.ndarray, levels: np.ndarray, width: float) -> np.ndarray:
        """F after a step of Runge and Kutta; populations (…, 3, 16) at its beginning, middle and end."""
        first = self._slope(pairs, levels[..., 0, :])
        second = self._slope(pairs + 0.5 * width * first, levels[..., 1, :])
        third = self._slope(pairs + 0.5 * width * second, levels[..., 1, :])
        fourth = self._slope(pairs + width * third, levels[..., 2, :])
        return np.asarray(pairs + width / 6 * (first + 2 * second + 2 * third + fourth))

    def _slope(self, pairs: np.ndarray, levels: np.ndarray) -> np.ndarray:
        lost = np.einsum("...ij,...j->...i", self._matrix, levels)
        sums, differences = levels[..., :8] + levels[..., 1:9], levels[..., :8] - levels[..., 1:9]
        root = np.sqrt(np.asarray(self._rates.squeezing_limit, float))[..., None]
        driven = differences * root * _G / _G[0] * (2 * _M - 1) / 7
        collective = _matrix(np.asarray(self._rates.collective_rate))
        coupling = 0.5 * collective * driven[..., :, None] * (_G / _G[0] / root)[..., None, :]
        change = -coupling @ (pairs + sums[..., None] * np.eye(8)) - self._decay @ pairs
        both = change + np.conj(np.swapaxes(change, -1, -2))
        closure = self._lost * (lost[..., :8] + lost[..., 1:9])[..., None] * np.eye(8)
        return np.asarray(both + collective * driven[..., :, None] * driven[..., None, :] - closure)


def _matrix(rate: Any) -> Any:
    return rate[..., None, None] if np.ndim(rate) else rate


def _fastest(rates: SixteenLevelRates) -> float:
    """The fastest decay of F."""
    floor: Any = sum((rate * np.diag(table.decoherence).max() for rate, table in rates.processes), 0.0)
    return float(np.max(rates.dephasing_rate + 2 * floor + 4 * rates.collective_rate))
