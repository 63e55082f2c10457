"""Statistics of a series that a physicist looks at: plain functions of times, values and their spread.

Each takes times (T,), values (…, T) and spread (T,), the standard deviation of the noise, and gives (…): the same for
the data as for their replications. Points come in order of time; of series with several components, one component
after the other, so that time falls where the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_LEAST_WINDOW, _MOST_WINDOWS = 5, 200
_LATE = 3
"""The late part of a series: the last of so many parts of equal numbers of points."""

Function = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class Statistic:
    """A statistic, for which series it is meant, and what unusual values of it mean.

    of : "values" or "residuals" (value − posterior mean of the model, not divided by anything)
    kinds : of series; none: all.  abscissas : what they are measured against; none: anything
    least : points that it needs;  by_row : whether the function takes one (T,) at a time
    small, large : what is to be thought where the data's value is unusually small, large
    """

    name: str
    meaning: str
    function: Function
    of: str = "values"
    unit: str = "1"
    kinds: tuple[str, ...] = ()
    abscissas: tuple[str, ...] = ()
    least: int = 2
    by_row: bool = False
    small: str = "smaller than the model expects"
    large: str = "larger than the model expects"

    def suits(self, kind: str, abscissa: str, points: int) -> bool:
        """Whether it says something of such a series."""
        return (
            points >= self.least
            and (not self.kinds or kind in self.kinds)
            and (not self.abscissas or abscissa in self.abscissas)
        )

    def __call__(self, times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Of values (…, T): (…)."""
        if not self.by_row:
            return np.asarray(self.function(times, values, spread), float)
        rows = values.reshape(-1, values.shape[-1])
        return np.array([float(self.function(times, row, spread)) for row in rows]).reshape(values.shape[:-1])


def time_of_minimum(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Where a curve through the points is lowest, in the unit of time.

    The curve: at each time, the parabola by weighted least squares through the third of the points (at least 5) around
    it. Where that curve is lowest, the vertex of the parabola there counts. No single point that noise took down makes
    a minimum, and a course that still falls at its end has it there.
    """
    return _minimum(times, values, spread)[0]


def depth_of_minimum(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The lowest value of the curve of `time_of_minimum`."""
    return _minimum(times, values, spread)[1]


def _minimum(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = min(len(times), max(_LEAST_WINDOW, len(times) // 3))
    lowest = np.full(values.shape[:-1], np.inf)
    rise, bend, place = np.zeros_like(lowest), np.zeros_like(lowest), np.zeros(lowest.shape, int)
    reach = np.zeros((len(times), 2))
    middles = np.unique(np.linspace(0, len(times) - 1, min(len(times), _MOST_WINDOWS)).astype(int))
    windows = np.sort(np.argsort(abs(times - times[middles, None]), axis=1, kind="stable")[:, :width], axis=1)
    t, scaled = times[windows] - times[middles, None], values / spread
    parabolas = np.linalg.pinv(np.stack([t**0, t, t**2], axis=1) / spread[windows][:, None])
    reach[middles] = t[:, [0, -1]]
    for k, window, parabola in zip(middles, windows, parabolas, strict=True):
        c, b, a = np.moveaxis(scaled[..., window] @ parabola, -1, 0)
        lower = c < lowest
        for of_all, here in ((lowest, c), (rise, b), (bend, a), (place, k)):
            np.copyto(of_all, here, where=lower)
    first, last = np.moveaxis(reach[place], -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = (bend > 0) & (abs(rise) < bend * (last - first))
        vertex = np.where(inside, np.clip(-rise / (2 * bend), first, last), 0.0)
    return np.where(lowest < np.inf, times[place] + vertex, np.inf), lowest + rise * vertex + bend * vertex**2


def entanglement_duration(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The last time at which ξ crosses 1 from below, between the points by a straight line.

    0 where no point lies below 1, the last time where the last point does.
    """
    below = values < 1
    last = len(times) - 1 - np.argmax(below[..., ::-1], axis=-1)
    after = np.minimum(last + 1, len(times) - 1)
    one, other = (np.take_along_axis(values, k[..., None], axis=-1)[..., 0] for k in (last, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(after > last, (1 - one) / (other - one), 0.0)
    crossing = times[last] + share * (times[after] - times[last])
    return np.where(below.any(axis=-1), crossing, 0.0)


def late_slope(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Slope of a straight line, by weighted least squares, through the last third of the points (at least 3)."""
    number = max(3, len(times) // _LATE)
    late = np.argsort(times, kind="stable")[-number:]
    weight = 1 / spread[late] ** 2
    t = times[late] - np.average(times[late], weights=weight)
    return np.asarray(values[..., late] @ (weight * t) / (weight * t**2).sum())


def autocorrelation(times: np.ndarray, values: np.ndarray, spread: np.ndarray, lag: int = 1) -> np.ndarray:
    """Correlation of a residual, over its spread, with the one `lag` points later; about zero, not about their mean."""
    scaled = values / spread
    pairs = np.flatnonzero(_component(times)[lag:] == _component(times)[:-lag])
    products = (scaled[..., pairs] * scaled[..., pairs + lag]).mean(axis=-1)
    return np.asarray(products / (scaled**2).mean(axis=-1))


def _component(times: np.ndarray) -> np.ndarray:
    """Number of the component of each point: time falls where the next one begins."""
    return np.concatenate([[0], np.cumsum(np.diff(times) < 0)])


def sign_runs(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Number of stretches in which all residuals have one sign."""
    changes = (np.diff(np.signbit(values), axis=-1)) | (np.diff(_component(times)) > 0)
    return np.asarray(1.0 + changes.sum(axis=-1))


def largest_residual(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The largest residual, by size, over its spread."""
    return np.asarray(np.max(abs(values / spread), axis=-1))


def scatter(times: np.ndarray, values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Mean square of the residuals over their spread: 1 where they scatter as σ, or R repetitions, say."""
    return np.asarray(np.mean((values / spread) ** 2, axis=-1))


STATISTICS: dict[str, Statistic] = {
    statistic.name: statistic
    for statistic in (
        Statistic("time_of_minimum", "time of the minimum", time_of_minimum, unit="ms", kinds=("xi",), least=6,
                  small="the minimum comes earlier than in the model",
                  large="the minimum comes later than in the model"),
        Statistic("depth_of_minimum", "depth of the minimum", depth_of_minimum, kinds=("xi",), least=6,
                  small="the minimum is deeper than in the model", large="the minimum is shallower than in the model"),
        Statistic("entanglement_duration", "last crossing of ξ = 1", entanglement_duration, unit="ms", kinds=("xi",),
                  small="ξ comes back to 1 earlier than in the model",
                  large="ξ stays below 1 longer than in the model"),
        Statistic("late_slope", "slope of the last third", late_slope, unit="1/ms", abscissas=("time",), least=6,
                  small="at late times the data fall more steeply (or rise less) than the model",
                  large="at late times the data rise more steeply (or fall less) than the model"),
        Statistic("autocorrelation", "correlation of neighbouring residuals", autocorrelation, of="residuals", least=6,
                  small="neighbouring residuals alternate, as where points were corrected by the one before",
                  large="neighbouring residuals are correlated: a drift, or a time dependence that the model lacks"),
        Statistic("sign_runs", "runs of residuals of one sign", sign_runs, of="residuals", least=6,
                  small="residuals keep their sign for long: a drift, or a time dependence that the model lacks",
                  large="residuals change their sign too often to be independent"),
        Statistic("scatter", "scatter relative to σ or R", scatter, of="residuals",
                  small="the data scatter less than their σ or R imply: the errors given are too large",
                  large="the data scatter more than their σ or R imply"),
        Statistic("largest_residual", "largest residual (σ)", largest_residual, of="residuals",
                  small="no point lies as far off as some should",
                  large="a point lies farther off than noise explains"),
    )
}  # fmt: skip
"""By name; add your own, or give `criticize` another table."""
