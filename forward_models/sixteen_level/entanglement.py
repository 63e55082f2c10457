"""Minimum of ξ and entanglement duration of atoms with sixteen levels; ξ < 1 is 4C + Σ p_m (20 − m² − m) < 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, override

import numpy as np

from ..choices import Closure
from ..three_state import End, Entanglement, InitialState, Search, Stage, noise_share, search_times
from .levels import DIFFERENCE, SPIN, TWO_LEVEL, VARIANCE
from .path import path_of
from .rates import fastest_rate, generator


def sixteen_level_entanglement(
    stages: Sequence[Stage],
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    resolution: int = 2001,
    accuracy: float = 1e-12,
) -> Entanglement:
    """As `entanglement` of the three states: from `resolution` points, and cubics between them. InvalidValue likewise.

    stages : with `SixteenLevelRates`, numbers or arrays (one value per draw)
    """
    fastest = np.array([np.max(fastest_rate(stage.rates)) for stage in stages])
    times, stage = search_times(np.array([float(s.duration) for s in stages]), fastest, resolution)
    path = path_of(stages, times, initial, closure, accuracy=accuracy)
    matrices_of = [np.asarray(generator(s.rates)) for s in stages]
    draws = np.broadcast_shapes(path.correlation.shape[:-1], *(m.shape[:-2] for m in matrices_of))
    levels = np.broadcast_to(path.populations, (*draws, len(times), 16))
    correlation = np.broadcast_to(path.correlation, (*draws, len(times)))
    matrices = np.stack([np.broadcast_to(m, (*draws, 16, 16)) for m in matrices_of], axis=-3)
    rates = [(s.rates.dephasing_rate, s.rates.collective_rate, s.rates.squeezing_limit) for s in stages]
    pairs = np.stack([np.stack([np.broadcast_to(r, draws) for r in row], axis=-1) for row in rates], axis=-2)
    return _Search(times, stage, levels, correlation, matrices, pairs, noise_share(closure)).entanglement()


@dataclass(frozen=True)
class _Search(Search):
    """With populations (…, T, 16) and C (…, T) at the times, L (…, S, 16, 16), and Γ̃, dΓ, Z of each stage (…, S, 3)."""

    levels: np.ndarray
    correlation: np.ndarray
    matrices: np.ndarray
    pairs: np.ndarray
    share: Any

    @property
    @override
    def xi(self) -> np.ndarray:
        return np.asarray((self.levels @ VARIANCE + 4 * self.correlation) / (self.levels @ SPIN))

    @property
    @override
    def margin(self) -> np.ndarray:
        return np.asarray(-(self.levels @ (VARIANCE - SPIN) + 4 * self.correlation))

    @override
    def end(self, interval: np.ndarray, after: int) -> End:
        draws = tuple(np.indices(self.correlation.shape[:-1]))
        point: Any = (*draws, interval + after)
        stage: Any = (*draws, self.stage[interval])
        levels, correlation = self.levels[point], self.correlation[point]
        slopes = (self.matrices[stage] @ levels[..., None])[..., 0]
        dephasing, collective, limit = np.moveaxis(self.pairs[stage], -1, 0)
        p, n2 = levels @ DIFFERENCE, levels @ TWO_LEVEL
        gained = -collective * p * (n2 - limit * p) - (1 - self.share) * (slopes @ TWO_LEVEL)
        change = gained - (dephasing + collective * p) * correlation
        variance, spin = levels @ VARIANCE + 4 * correlation, levels @ SPIN
        variance_slope, spin_slope = slopes @ VARIANCE + 4 * change, slopes @ SPIN
        xi = variance / spin
        margin = spin - variance, spin_slope - variance_slope
        return End(self.times[interval + after], (xi, (variance_slope - xi * spin_slope) / spin), margin)
