"""Statistics of the data among those of their replications, and the autocorrelation of the residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import shown_unit
from ..checks import Criticism, Replicated, StatisticRow, autocorrelation, replications
from ..fits import Fit
from ..text import p_text
from .style import DATA, INK, MODEL, MUTED, PAGE_WIDTH, one_line, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = 24
"""At most so many panels, those with the smallest p-values."""
_PANEL, _ROW = 1.5, 1.25
"""Least width and height of a panel, inches."""
_BINS, _LAGS, _FEWEST = 24, 10, 6
_MEANING = {
    "correlation of neighbouring residuals": "neighbours' correlation",
    "stretches of residuals of one sign": "stretches of one sign",
    "scatter over that which σ or R imply": "scatter over σ or R",
}
"""What fits above a small panel."""


def plot_criticism(found: Criticism, *, simulated: bool, width: float = PAGE_WIDTH) -> Figure:
    """A panel a statistic: replications in grey, the data a line, the p-value in the corner."""
    from matplotlib.figure import Figure

    least = sorted(found.rows, key=lambda row: row.p_value)[:PANELS]
    rows = [row for row in found.rows if row in least]
    across = max(1, min(len(rows), int(width / _PANEL)))
    down = max(1, -(-len(rows) // across))
    with style(**{"figure.constrained_layout.use": False}):  # which takes a second for so many panels
        height = _ROW * down + 0.2
        figure = Figure(figsize=(width, height))
        axes = figure.subplots(down, across, squeeze=False).ravel()
        figure.subplots_adjust(left=0.12 / width, right=1 - 0.12 / width, wspace=0.12, bottom=0.25 / height,
                               top=1 - 0.6 / height, hspace=0.6 / (_ROW - 0.6))  # fmt: skip
        for axis, row in zip(axes, rows, strict=False):
            _statistic(axis, row)
        for axis in axes[len(rows) :]:
            axis.set_axis_off()
        _title(figure, simulated)
    return figure


def _title(figure: Figure, simulated: bool) -> None:
    if simulated:
        figure.suptitle("simulated data", fontsize=8)


def _statistic(axis: Axes, row: StatisticRow) -> None:
    whole = bool(np.all(row.replicated == np.round(row.replicated)))
    low, high = np.quantile(row.replicated, [0.001, 0.999])
    low, high = min(low, row.observed), max(high, row.observed)
    if whole:
        step = max(1.0, np.ceil((high - low) / _BINS))
        edges = np.arange(np.floor(low) - 0.5, high + step + 0.5, step)
    else:
        edges = np.linspace(low, high, _BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    axis.hist(row.replicated, edges.tolist(), histtype="stepfilled", color=MUTED, alpha=0.45)
    axis.axvline(row.observed, color=DATA[0], lw=1.6)
    top = axis.get_ylim()[1]
    axis.plot([row.observed], [top], marker="v", ms=5, color=DATA[0], clip_on=False, ls="none")
    axis.set_ylim(0, 1.25 * top)
    unit = shown_unit(row.unit)
    name = _MEANING.get(row.meaning, row.meaning) + (f" ({unit})" if unit else "")
    weight = "bold" if row.surprising else "normal"
    axis.set_title(f"{one_line(row.series, 22)}\n{one_line(name, 30)}", fontsize=7, fontweight=weight)
    x, side = (0.0, "left") if row.observed > 0.5 * sum(axis.get_xlim()) else (1.0, "right")
    axis.text(x, 0.98, f"p = {p_text(row.p_value)}", transform=axis.transAxes, ha=side, va="top", fontsize=7,
              fontweight=weight)  # fmt: skip
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.tick_params(labelsize=7)
    axis.locator_params(axis="x", nbins=3, integer=whole)


def plot_autocorrelation(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Autocorrelation of the residuals of each series, and where that of 94 % of the replications lies."""
    from matplotlib.figure import Figure

    found = [one for one in replications(fitted) if one.kind and len(one.x) >= _FEWEST]
    across = max(1, min(len(found), int(width / _PANEL)))
    down = max(1, -(-len(found) // across))
    with style():
        figure = Figure(figsize=(width, 1.45 * down + 0.4))
        axes = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
        for k, axis in enumerate(axes):
            if k >= len(found):
                axis.set_axis_off()
                continue
            _lags(axis, found[k])
            if k % across == 0:
                axis.set_ylabel("correlation")
            if k + across >= len(found):
                axis.set_xlabel("lag (points)")
        _title(figure, fitted.experiment.simulated)
    return figure


def lagged(one: Replicated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lags (L,), autocorrelations of the residuals (L,), and 3 and 97 % quantiles (2, L) of those of replications."""
    lags = np.arange(1, min(_LAGS, len(one.x) // 3) + 1)
    data, made = one.both("residuals")
    of_data = np.array([autocorrelation(one.x, data, one.spread, int(lag)) for lag in lags])
    ends: Any = [np.nanquantile(autocorrelation(one.x, made, one.spread, int(lag)), [0.03, 0.97]) for lag in lags]
    return lags, of_data, np.array(ends).T


def _lags(axis: Axes, one: Replicated) -> None:
    lags, of_data, (low, high) = lagged(one)
    axis.fill_between(lags, low, high, color=MODEL, alpha=0.22, lw=0)
    axis.axhline(0.0, color=INK, lw=0.7)
    axis.vlines(lags, 0.0, of_data, color=DATA[0], lw=1.0)
    axis.plot(lags, of_data, ls="none", marker="o", ms=3, color=DATA[0])
    axis.set_title(one_line(one.name, 24), fontsize=8)
    axis.tick_params(labelsize=7)
    axis.set_xlim(0.5, lags[-1] + 0.5)
    axis.locator_params(axis="x", nbins=4, integer=True)
