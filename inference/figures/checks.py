"""Figures of the checks: replications, residuals, calibrations that are off, series left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import Label
from ..checks import (
    CalibrationSensitivity,
    Criticism,
    Replicated,
    StatisticRow,
    autocorrelation,
    calibration_sensitivity,
    criticize,
    replications,
)
from ..comparison import LeftOut, PredictedSeries, leave_one_series_out
from ..fits import Fit
from ..text import p_text
from .drawing import MOST_NAMED, QUANTILES, legend, legend_below, mark_simulated, named, panels, points, unnamed
from .style import CYCLE, DATA, INK, MODEL, MUTED, PAGE_WIDTH, one_line, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS = 24
"""Of a figure of criticism: at most so many, those with the smallest p-values."""
_REACH = 4.5
"""Standard deviations that it shows; what lies beyond is an arrow at its end."""
_WIDE, _TALL = 3.0, 2.1
"""Least width and height of a panel, inches, of a series that was left out."""
_LAGS, _FEWEST = 10, 6
_MEANING = {
    "correlation of neighbouring residuals": "neighbours' correlation",
    "runs of residuals of one sign": "runs of one sign",
    "scatter relative to σ or R": "scatter over σ or R",
}
"""What fits above a small panel."""
Lagged = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Series → lags (L,), autocorrelations (L,), and 3 and 97 % quantiles (2, L) of those of replications."""
_MOST = 14
"""Rates, and constants, whose shifts are shown: those with the largest."""
_DARKEST, _FULL = 0.55, 1.0
"""Opacity of a cell, reached at a shift of so many standard deviations."""
_ROOM, _LEAST_ROOM = 0.4, 0.3
"""Inches that a cell needs for two decimals, and for one."""
_BARS, _LETTER = 1.15, 0.062
"""Inches for bars and p, and of a letter beside them."""


def plot_criticism(fitted: Fit, width: float = PAGE_WIDTH, found: Criticism | None = None) -> Figure:
    """A row per statistic: 50 and 94 % of the replications around their median, in their standard deviation; the data.

    found : what `criticize` found in the fit, or some of its rows; by default all
    """
    return plot_statistics(found or criticize(fitted), width)


def plot_statistics(found: Criticism, width: float = PAGE_WIDTH) -> Figure:
    """The same, of what `criticize` found."""
    least = sorted(found.rows, key=lambda row: row.p_value)[:ROWS]
    rows = [row for row in found.rows if row in least]
    with style():
        figure, (axis,) = panels(1, 1, width, 0.17 * len(rows), 0.6)
        for k, row in enumerate(rows):
            _statistic(axis, k, row)
        axis.axvline(0.0, color=INK, lw=0.7)
        names = []
        for row in rows:
            meaning = one_line(_MEANING.get(row.meaning, row.meaning), 34)
            room = max(6, min(22, int((width - _BARS) / _LETTER) - len(meaning)))
            names.append(f"{one_line(row.series, room)}: {meaning}")
        axis.set_yticks(range(len(rows)), names, fontsize=8)
        axis.set(ylim=(len(rows) - 0.4, -0.6), xlim=(-_REACH - 0.4, _REACH + 3.2))
        axis.set_xlabel("data (sd of the replications)", fontsize=8)
        axis.tick_params(axis="y", length=0)
        mark_simulated(figure, found.simulated)
    return figure


def _statistic(axis: Axes, at: int, row: StatisticRow) -> None:
    """Medians may tie with most replications, of counts for instance: then the bar is short, and says so."""
    scale = float(np.std(row.replicated)) or 1.0
    low, quarter, middle, upper, high = np.quantile(row.replicated, QUANTILES)
    for start, end, size in ((low, high, 5.0), (quarter, upper, 5.0)):
        axis.plot([(start - middle) / scale, (end - middle) / scale], [at, at], color=MUTED, lw=size, alpha=0.35,
                  solid_capstyle="butt")  # fmt: skip
    away = (row.observed - middle) / scale
    shown = float(np.clip(away, -_REACH, _REACH))
    axis.plot([shown], [at], marker="o" if shown == away else "><"[int(away < 0)], ms=4, ls="none", color=DATA[0])
    axis.text(_REACH + 3.2, at, f"p = {p_text(row.p_value)}", fontsize=8, ha="right", va="center",
              fontweight="bold" if row.surprising else "normal")  # fmt: skip


def plot_autocorrelation(fitted: Fit, width: float = PAGE_WIDTH, found: Lagged | None = None) -> Figure:
    """Autocorrelation of the residuals of each series, and where that of 94 % of the replications lies.

    found : what `lagged` found in the fit; by default that
    """
    found = lagged(fitted) if found is None else found
    with style():
        figure, (axis,) = panels(1, 1, width, 0.5 * width)
        shown = named({name: float(np.max(_beyond(one))) for name, one in found.items()})
        looks = {name: {"color": CYCLE[k], "label": one_line(name, 24)} for k, name in enumerate(shown)}
        rest, bar = unnamed(len(found) - len(shown)), 4.0 * min(1.0, MOST_NAMED / max(len(found), 1))
        for k, (name, (lags, of_data, (low, high))) in enumerate(found.items()):
            at, look = lags + 0.7 * ((k + 0.5) / len(found) - 0.5), looks.get(name, rest)
            axis.vlines(at, low, high, color=look["color"], lw=bar, alpha=0.25)
            axis.plot(at, of_data, ls="none", marker="o", ms=3, **look)
        axis.axhline(0.0, color=INK, lw=0.7)
        axis.set_xlabel("lag (points); bars: 94 % of the replications")
        axis.set_ylabel("correlation")
        axis.locator_params(axis="x", integer=True)
        legend_below(figure, axis)
        mark_simulated(figure, fitted.experiment.simulated)
    return figure


def _beyond(one: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """How far the autocorrelations of the data lie off the middle of the replications', in their 94 % range."""
    _, of_data, (low, high) = one
    return np.asarray(abs(of_data - (low + high) / 2) / (high - low + 1e-12))


def lagged(fitted: Fit) -> Lagged:
    """Series of at least six points → autocorrelations of its residuals, see `Lagged`."""
    return {one.name: _lagged(one) for one in replications(fitted) if one.kind and len(one.x) >= _FEWEST}


def _lagged(one: Replicated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lags = np.arange(1, min(_LAGS, len(one.x) // 3) + 1)
    data, made = one.both("residuals")
    of_data = np.array([autocorrelation(one.x, data, one.spread, int(lag)) for lag in lags])
    ends: Any = [np.nanquantile(autocorrelation(one.x, made, one.spread, int(lag)), [0.03, 0.97]) for lag in lags]
    return lags, of_data, np.array(ends).T


def plot_sensitivity(fitted: Fit, width: float = PAGE_WIDTH, found: CalibrationSensitivity | None = None) -> Figure:
    """Rates × constants: shift of the posterior mean in posterior standard deviations; sign and size are printed.

    found : what `calibration_sensitivity` found in the fit; by default that
    """
    from matplotlib.patches import Rectangle

    found = found or calibration_sensitivity(fitted)
    shifts = found.matrix if found.columns else np.zeros((len(found.labels), 0))
    rows, columns = _largest(shifts, 1, _MOST), _largest(shifts, 0, min(_MOST, int(width / _LEAST_ROOM) - 3))
    decimals = 2 if width > _ROOM * (len(columns) + 2) else 1
    with style():
        figure, (axis,) = panels(1, 1, width, 0.24 * max(len(rows), 1), 1.25)
        for i, row in enumerate(rows):
            for k, column in enumerate(columns):
                shift = shifts[row, column]
                opacity = _DARKEST * min(1.0, abs(shift) / _FULL)
                colour = MODEL if shift < 0 else DATA[0]
                axis.add_patch(Rectangle((k - 0.5, i - 0.5), 1, 1, color=colour, alpha=opacity, lw=0))
                unsure = "?" if found.columns[column].how == "unreliable" else ""
                axis.text(k, i, f"{_shift(shift, decimals)}{unsure}", ha="center", va="center", fontsize=8)
        axis.set_xlim(-0.5, max(len(columns), 1) - 0.5)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_xticks(range(len(columns)), [_name(found.columns[k].constant) for k in columns], rotation=45,
                        ha="right", rotation_mode="anchor", fontsize=8)  # fmt: skip
        axis.set_yticks(range(len(rows)), [_name(found.labels[k]) for k in rows], fontsize=8)
        axis.set_xlabel("constant that is off by + 1 σ", fontsize=8)
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set(visible=True, color=MUTED)
        mark_simulated(figure, fitted.experiment.simulated)
    return figure


def _largest(shifts: np.ndarray, axis: int, most: int) -> np.ndarray:
    """Which rows, or columns, are shown, in their order."""
    if not shifts.size:
        return np.arange(shifts.shape[1 - axis])[:most]
    return np.sort(np.argsort(-np.max(abs(shifts), axis=axis), kind="stable")[:most])


def _shift(shift: float, decimals: int) -> str:
    return "0" if abs(shift) < 0.5 / 10**decimals else f"{shift:+.{decimals}f}".replace("-", "−")


def _name(label: str) -> str:
    return one_line(Label.parse(label).symbol, 26)


def plot_left_out(fitted: Fit, width: float = PAGE_WIDTH, found: LeftOut | None = None) -> Figure:
    """A panel per series: the data, and 50 and 94 % of where the others predict them.

    found : what `leave_one_series_out` found; by default each series is left out in turn, which takes as many fits
    """
    found = found or leave_one_series_out(fitted)
    with style():
        figure, axes = panels(len(found.rows), int(width / _WIDE), width, _TALL, 0.3)
        for axis, row in zip(axes, found.rows, strict=True):
            _predicted(axis, row)
        legend(axes[0], fontsize=8)
        mark = " (simulated data)" if found.simulated else ""
        figure.suptitle(f"predicted from the other series{mark}", fontsize=8)
    return figure


def _predicted(axis: Axes, row: PredictedSeries) -> None:
    series = row.series
    where, component = series.fitted_x, series.component_numbers[series.fitted]
    for k in component[:1] if series.about.of_quadratures else np.unique(component):
        mine = np.flatnonzero(component == k)
        mine = mine[np.argsort(where[mine], kind="stable")]
        x, (low, quarter, _, upper, high) = where[mine], row.quantiles[:, mine]
        axis.fill_between(x, low, high, color=MODEL, alpha=0.2, lw=0, label="predicted, 94 %")
        axis.fill_between(x, quarter, upper, color=MODEL, alpha=0.35, lw=0, label="predicted, 50 %")
    points(axis, series)
    axis.set_title(one_line(f"{row.name} from {row.source}", 52), fontsize=8)
    axis.set_ylabel(series.about.label, fontsize=8)
    axis.set_xlabel(series.about.abscissa_label, fontsize=8)
    axis.tick_params(labelsize=8)
