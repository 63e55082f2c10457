"""Derived quantities of a run: minimum of ξ (S.3) and its time, entanglement duration.

From the equations of motion where they are known (`entanglement`), from sampled observables where they are not
(`sampled_entanglement`, for models of users).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, override

import numpy as np

from ..choices import Closure
from .observables import entanglement_margin, epr_parameter, mean_spin, total_variance
from .path import Path, StageColumns, fastest_rates, path_of, stage_columns
from .populations import slopes
from .spin_variance import lost_noise, noise_share, source, variance_slope
from .stages import InitialState, Stage
from .trajectory import Trajectory


@dataclass(frozen=True)
class Entanglement:
    """Per draw (the shape of the rates; a 0-d array for numbers).

    xi_minimum : the least ξ within the stages
    xi_minimum_time : when, ms
    entanglement_duration : the last time with ξ < 1, ms; 0 where there is none; infinite where ξ < 1 at the end
    """

    xi_minimum: np.ndarray
    xi_minimum_time: np.ndarray
    entanglement_duration: np.ndarray


def entanglement(
    stages: Sequence[Stage],
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    resolution: int = 2001,
    accuracy: float = 1e-12,
) -> Entanglement:
    """Minimum of ξ and the duration of entanglement, from `resolution` points and interpolation between them.

    The points of a stage stand close at its beginning, where all changes fast, and wider as the stage goes on.
    Between two points a cubic takes ξ (or p − Σ: ξ < 1 ⟺ Σ < p) and its slope at both, which the equations of motion
    give: relative errors fall as resolution⁻⁴.

    stages, initial, closure : as in `evolve`; rates are numbers or arrays (one value per draw)
    accuracy : relative error of Σ that the quadrature may make

    Raises
    ------
    InvalidValue : for an unknown closure
    """
    columns = stage_columns(stages)
    times, stage = search_times(np.array([float(s.duration) for s in stages]), fastest_rates(columns), resolution)
    path = path_of(stages, times, initial, closure, accuracy=accuracy)
    search = _Search(times, stage, columns, path, noise_share(closure))
    return search.entanglement()


def sampled_entanglement(times: np.ndarray, path: Trajectory) -> Entanglement:
    """From observables (…, T) at `times` (T,), ms: a parabola through the three lowest ξ, a line through p = Σ.

    For models whose slopes are not known. Errors fall as the squared distance of the times.
    """
    xi = np.asarray(path.xi)
    lowest = np.clip(np.argmin(xi, axis=-1), 1, len(times) - 2)
    at = [_pick(times, lowest + k) for k in (-1, 0, 1)]
    value = [_pick(xi, lowest + k) for k in (-1, 0, 1)]
    left, right = (value[1] - value[0]) / (at[1] - at[0]), (value[2] - value[1]) / (at[2] - at[1])
    curvature = (right - left) / (at[2] - at[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        vertex = 0.5 * (at[0] + at[1]) - left / (2 * curvature)
    inside = (curvature > 0) & (vertex > at[0]) & (vertex < at[2])
    depth = value[0] + (vertex - at[0]) * (left + curvature * (vertex - at[1]))
    first = np.argmin(xi, axis=-1)
    return Entanglement(
        np.where(inside, depth, xi.min(axis=-1)),
        np.where(inside, vertex, times[first]),
        _last_crossing(_margin(path), partial(_crossing_of_line, times, path)),
    )


def _margin(path: Path | Trajectory) -> np.ndarray:
    return np.asarray(entanglement_margin(np.asarray(path.p), np.asarray(path.spin_variance)))


def _crossing_of_line(times: np.ndarray, path: Trajectory, interval: np.ndarray) -> np.ndarray:
    margin = _margin(path)
    above, below = _pick(margin, interval), _pick(margin, interval + 1)
    begin, end = _pick(times, interval), _pick(times, interval + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(begin + (end - begin) * above / (above - below))


def search_times(durations: np.ndarray, fastest: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,), ms, and the stage of each interval between them (T−1,): steps grow with the time in the stage.

    durations : of the stages (S,), ms;  fastest : their largest rates (S,), ms⁻¹;  points : about T
    """
    scale = 2 / np.maximum(fastest, 1e-3 / durations)
    share = np.log1p(durations / scale)
    counts = np.maximum(np.rint((points - 1) * share / share.sum()), 4).astype(int)
    ends = np.cumsum(durations)
    parts = [[0.0]]
    for end, duration, first, log, count in zip(ends, durations, scale, share, counts, strict=True):
        within = first * np.expm1(np.arange(1, count) * (log / count))
        parts += [end - duration + within, [end]]
    return np.concatenate(parts), np.repeat(np.arange(len(durations)), counts)


class End(NamedTuple):
    """Time, and value and slope of ξ and of the margin, for each draw."""

    time: np.ndarray
    xi: tuple[np.ndarray, np.ndarray]
    margin: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Search(ABC):
    """Where to look: times (T,), and the stage of each interval between them (T−1,)."""

    times: np.ndarray
    stage: np.ndarray

    @property
    @abstractmethod
    def xi(self) -> np.ndarray:
        """ξ at the times (…, T)."""

    @property
    @abstractmethod
    def margin(self) -> np.ndarray:
        """What is positive if and only if ξ < 1, (…, T)."""

    @abstractmethod
    def end(self, interval: np.ndarray, after: int) -> End:
        """One end of an interval of each draw, 0 or 1; one-sided slopes, those inside the interval."""

    def entanglement(self) -> Entanglement:
        """By a cubic between two points each."""
        return Entanglement(*_minimum(self), _last_crossing(self.margin, self.crossing))

    def crossing(self, interval: np.ndarray) -> np.ndarray:
        """When ξ = 1 in an interval of each draw, ms."""
        left, right = self.end(interval, 0), self.end(interval, 1)
        width = right.time - left.time
        (y0, d0), (y1, d1) = left.margin, right.margin
        return np.asarray(left.time + width * _root(y0, d0 * width, y1, d1 * width))


@dataclass(frozen=True)
class _Search(Search):
    """With the coefficients (…, S), and the path at the times."""

    columns: StageColumns
    path: Path
    share: Any

    @property
    @override
    def xi(self) -> np.ndarray:
        return np.asarray(epr_parameter(self.path.n2, self.path.p, self.path.spin_variance))

    @property
    @override
    def margin(self) -> np.ndarray:
        return _margin(self.path)

    @override
    def end(self, interval: np.ndarray, after: int) -> End:
        k = self.columns.each(partial(_pick, index=self.stage[interval]))
        dephasing, collective, squeezing = (
            _pick(values, self.stage[interval])
            for values in (self.columns.dephasing, self.columns.collective, self.columns.squeezing)
        )
        point = interval + after
        n2, p, variance = (_pick(v, point) for v in (self.path.n2, self.path.p, self.path.spin_variance))
        n2_slope, p_slope = slopes(n2, p, k)
        lost = lost_noise(self.share, lambda: n2_slope)
        gained = source(n2, p, dephasing, collective, squeezing, lost)
        slope = variance_slope(variance, p, gained, dephasing, collective)
        xi = epr_parameter(n2, p, variance)  # total variance over mean spin, both linear in the state
        growth = 0.5 * total_variance(n2_slope, p_slope, slope) - xi * mean_spin(n2_slope, p_slope)
        margin = entanglement_margin(p, variance), entanglement_margin(p_slope, slope)
        return End(self.times[point], (xi, growth / mean_spin(n2, p)), margin)


def _minimum(search: Search) -> tuple[np.ndarray, np.ndarray]:
    """The least ξ and its time: inside the interval to which the slope at the lowest point leads, else that point."""
    xi = search.xi
    last = len(search.times) - 1
    lowest = np.argmin(xi, axis=-1)
    after = np.minimum(lowest, last - 1)
    falls = search.end(after, 0).xi[1] < 0
    interval = np.where((lowest < last) & falls, lowest, np.maximum(lowest - 1, 0))
    left, right = search.end(interval, 0), search.end(interval, 1)
    width = right.time - left.time
    (y0, d0), (y1, d1) = left.xi, right.xi
    d0, d1 = d0 * width, d1 * width
    square, cube = 3 * (y1 - y0) - 2 * d0 - d1, d0 + d1 - 2 * (y1 - y0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = -d0 / (square + np.sqrt(square**2 - 3 * cube * d0))
    inside = (d0 < 0) & (d1 > 0)
    x = np.where(inside, x, 0.0)
    value = np.where(inside, y0 + x * (d0 + x * (square + x * cube)), _pick(xi, lowest))
    return value, np.where(inside, left.time + x * width, search.times[lowest])


def _last_crossing(margin: np.ndarray, crossing: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The last time with a margin > 0 (…, T); `crossing` gives the time of ξ = 1 in an interval of each draw."""
    entangled = margin > 0
    last = entangled.shape[-1] - 1 - np.argmax(entangled[..., ::-1], axis=-1)
    found = crossing(np.minimum(last, entangled.shape[-1] - 2))
    return np.where(~entangled.any(axis=-1), 0.0, np.where(entangled[..., -1], np.inf, found))


def _root(y0: np.ndarray, d0: np.ndarray, y1: np.ndarray, d1: np.ndarray) -> np.ndarray:
    """Where in [0, 1] a cubic of these values and slopes at the ends falls through zero: Newton steps, kept inside."""
    square, cube = 3 * (y1 - y0) - 2 * d0 - d1, d0 + d1 - 2 * (y1 - y0)
    low, high = np.zeros_like(y0), np.ones_like(y0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x: np.ndarray = np.clip(y0 / (y0 - y1), 0.0, 1.0)
        for _ in range(12):
            value = y0 + x * (d0 + x * (square + x * cube))
            low, high = np.where(value > 0, x, low), np.where(value > 0, high, x)
            newton = x - value / (d0 + x * (2 * square + 3 * x * cube))
            x = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
    return x


def _pick(values: Any, index: np.ndarray) -> np.ndarray:
    """values[…, index] with one index per draw; `values` without draws, or with one entry, serve all."""
    if values.shape[-1] == 1:
        return np.asarray(values[..., 0])
    if values.ndim <= np.ndim(index) or values.ndim == 1:
        return np.asarray(values[index])
    return np.take_along_axis(values, np.asarray(index)[..., None], axis=-1)[..., 0]
