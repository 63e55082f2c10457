"""Series beside what the others predict of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..comparison import LeftOut, PredictedSeries
from .drawing import legend, points
from .style import MODEL, PAGE_WIDTH, one_line, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL, _ROW = 3.0, 2.1
"""Least width and height of a panel, inches."""


def plot_left_out(found: LeftOut, width: float = PAGE_WIDTH) -> Figure:
    """A panel a series: the data, and 50 and 94 % of where the others predict them."""
    from matplotlib.figure import Figure

    across = max(1, min(len(found.rows), int(width / _PANEL)))
    down = -(-len(found.rows) // across)
    with style():
        figure = Figure(figsize=(width, _ROW * down + 0.3))
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for axis, row in zip(axes, found.rows, strict=False):
            _panel(axis, row)
        for axis in axes[len(found.rows) :]:
            axis.set_axis_off()
        legend(axes[0], fontsize=7)
        figure.suptitle(
            "predicted from the other series" + (" (simulated data)" if found.simulated else ""), fontsize=8
        )
    return figure


def _panel(axis: Axes, row: PredictedSeries) -> None:
    series = row.series
    where = series.fitted_points
    component = np.zeros(len(where.x), int) if where.component is None else where.component
    for k in component[:1] if series.about.of_quadratures else np.unique(component):
        mine = np.flatnonzero(component == k)
        mine = mine[np.argsort(where.x[mine], kind="stable")]
        x, (low, quarter, _, upper, high) = where.x[mine], row.quantiles[:, mine]
        axis.fill_between(x, low, high, color=MODEL, alpha=0.2, lw=0, label="predicted, 94 %")
        axis.fill_between(x, quarter, upper, color=MODEL, alpha=0.35, lw=0, label="predicted, 50 %")
    points(axis, series)
    axis.set_title(one_line(f"{row.name} from {row.source}", 52), fontsize=7)
    axis.set_ylabel(series.about.label, fontsize=8)
    axis.set_xlabel(series.about.abscissa_label, fontsize=8)
    axis.tick_params(labelsize=7)
