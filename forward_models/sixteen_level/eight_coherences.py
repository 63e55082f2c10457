"""ξ with the pair correlations of all eight coherences m ↔ m − 1 of F = 4: what leaving out seven of them does.

Coherence k = (m, m − 1), k = 0 being 4 ↔ 3, has amplitudes a_k and b_k in ensembles I and II. F (16, 16) are the pair
correlations of c_k = a_k + b_k†, of which ξ is made, and d_k = i (a_k − b_k†); F of c_0 is C:

    dF/dt = −A(F + N) − (F + N)Aᵀ + dΓ Q − D F − F Dᵀ − (1 − c) dN/dt
    A = ½ dΓ (p_k v_k u_l, p_k u_k v_l),   Q = (p_k v_k p_l v_l, p_k u_k p_l u_l): blocks of c and of d
    ξ = (Σ_m p_m (20 − m²) + ½ Σ_kl g_k g_l F_kl)/Σ_m m p_m,   k and l of c

N = p_m + p_m−1 (diagonal), p_k = p_m − p_m−1, g_k = √((4 + m)(5 − m)). The light couples to the sum of both amplitudes
of a coherence, u_k = g_k/(g_0 √Z), and drives their difference, v_k = √Z (g_k/g_0)(2m − 1)/7, as vector and tensor
polarisability do. D has decays on its diagonal and, off it, the transfer of coherences by the drive; that by pump and
collisions is left out. Quadratic shifts of the levels, of the field and of the drive, turn c_k into d_k at k times the
splitting of neighbouring coherences: a_k and b_k† turn the opposite way. With k = 0 alone this is the model's equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import pi
from typing import Any

import numpy as np

from ..choices import Closure
from ..three_state import InitialState, Stage, check_times, noise_share
from .levels import QUADRATIC_ZEEMAN, SPIN, VARIANCE
from .path import path_of
from .rates import SixteenLevelRates, generator

_M = np.arange(4, -4, -1)
_G = np.sqrt((4 + _M) * (5.0 - _M))
_BLOCKS = np.kron(np.eye(2), np.ones((8, 8)))
_TURN = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.diag(np.arange(8.0)))
_STEP = 0.1
"""Of an integration step, times the fastest rate: errors of ξ of 1e-7."""


def eight_coherences_xi(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    quadratic_zeeman: float = QUADRATIC_ZEEMAN,
    step: float = _STEP,
) -> np.ndarray:
    """ξ (…, T) at `times` (T,), ms; arguments as for `evolve_sixteen`, concrete.

    quadratic_zeeman : of neighbouring coherences, kHz, from which the light shift of the drive is subtracted
    step : of the integration, times the fastest rate, at most 1: errors of ξ are then 2e-6
    """
    times = check_times(stages, times)
    ends = np.cumsum([0.0, *(float(stage.duration) for stage in stages)])
    knots = np.unique(np.concatenate([times, ends[ends < times.max(initial=0.0)], [0.0]]))
    equations = [_Equation(stage.rates, noise_share(closure), 2 * pi * quadratic_zeeman) for stage in stages]
    place = np.clip(np.searchsorted(ends, knots[1:], side="left") - 1, 0, len(stages) - 1)
    widths = zip(np.diff(knots), place, strict=True)
    counts = [max(int(np.ceil(width * equations[k].fastest / step)), 1) for width, k in widths]
    steps = [np.linspace(*ends_of, 2 * n + 1) for ends_of, n in zip(pairwise(knots), counts, strict=True)]
    grid = np.concatenate([knots[:1], *(step[1:] for step in steps)])
    levels = np.asarray(path_of(stages, grid, initial, closure).populations)
    pairs = np.zeros((*levels.shape[:-2], 16, 16))
    pairs[..., 0, 0] = pairs[..., 8, 8] = np.asarray(initial.initial_variance) - np.asarray(initial.n2)
    found, at = {0: pairs}, 0
    for k, count in zip(place, counts, strict=True):
        for _ in range(count):
            pairs = equations[k].step(pairs, levels[..., at : at + 3, :], grid[at + 2] - grid[at])
            at += 2
        found[at] = pairs
    wanted = [np.searchsorted(grid, time) for time in times]
    kept = np.stack(np.broadcast_arrays(*(found[int(w)][..., :8, :8] @ _G @ _G for w in wanted)), axis=-1)
    return np.asarray((levels[..., wanted, :] @ VARIANCE + 0.5 * kept) / (levels[..., wanted, :] @ SPIN))


class _Equation:
    """The equation of motion of F in one stage. `fastest` : its fastest rate, ms⁻¹."""

    def __init__(self, rates: SixteenLevelRates, share: Any, zeeman: float) -> None:
        self._matrix, self._lost = np.asarray(generator(rates)), 1 - _matrix(np.asarray(share))
        each: Any = sum((_matrix(rate) * table.decoherence for rate, table in rates.processes), np.zeros((8, 8)))
        decay = each + 0.5 * _matrix(rates.dephasing_rate - 2 * np.asarray(each)[..., 0, 0]) * np.eye(8)
        turning = zeeman - rates.tables.of_drive("quadratic_shift") * np.asarray(rates.radiative_rate)
        self._decay = np.kron(np.eye(2), decay) + _matrix(turning) * _TURN
        root = np.sqrt(np.asarray(rates.squeezing_limit, float))[..., None]
        summed, difference = np.broadcast_arrays(_G / _G[0] / root, _G / _G[0] * root * (2 * _M - 1) / 7)
        self._driven = np.concatenate([difference, summed], axis=-1)
        self._seen = np.concatenate([summed, difference], axis=-1)
        self._collective = _matrix(np.asarray(rates.collective_rate)) * _BLOCKS
        largest = 2 * np.diagonal(decay, axis1=-2, axis2=-1).max(axis=-1)
        self.fastest = float(np.max(largest + 4 * rates.collective_rate + 7 * abs(turning)))

    def step(self, pairs: np.ndarray, levels: np.ndarray, width: float) -> np.ndarray:
        """F after a step of Runge and Kutta; populations (…, 3, 16) at its beginning, middle and end."""
        first = self._slope(pairs, levels[..., 0, :])
        second = self._slope(pairs + 0.5 * width * first, levels[..., 1, :])
        third = self._slope(pairs + 0.5 * width * second, levels[..., 1, :])
        fourth = self._slope(pairs + width * third, levels[..., 2, :])
        return np.asarray(pairs + width / 6 * (first + 2 * second + 2 * third + fourth))

    def _slope(self, pairs: np.ndarray, levels: np.ndarray) -> np.ndarray:
        driven = self._driven * _twice(levels[..., :8] - levels[..., 1:9])
        coupling = 0.5 * self._collective * driven[..., :, None] * self._seen[..., None, :]
        change = -coupling @ (pairs + _noise(levels)) - self._decay @ pairs
        both = change + np.swapaxes(change, -1, -2) + self._collective * driven[..., :, None] * driven[..., None, :]
        return np.asarray(both - self._lost * _noise(np.einsum("...ij,...j->...i", self._matrix, levels)))


def _noise(levels: np.ndarray) -> np.ndarray:
    """N (…, 16, 16) of populations (…, 16)."""
    return np.asarray(_twice(levels[..., :8] + levels[..., 1:9])[..., None] * np.eye(16))


def _twice(values: np.ndarray) -> np.ndarray:
    """(…, 16) for c and d from (…, 8)."""
    return np.concatenate([values, values], axis=-1)


def _matrix(rate: Any) -> Any:
    return rate[..., None, None] if np.ndim(rate) else rate
