"""The figure of a simulation-based calibration: for every quantity the ECDF of its ranks minus the uniform one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets.experiment import Label
from .style import DATA, MODEL, one_line, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

_BAND, _INSIDE, _OUTSIDE = MODEL, MODEL, DATA[0]


def plot_calibration(result: Dataset, path: str | Path | None = None) -> Figure:
    """A panel a quantity: the difference of its ECDF from uniform, with the 99 % band; written to `path` if given."""
    from matplotlib.figure import Figure

    names = [str(name) for name in result["quantity"].values]
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.1 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    points = result["probability"].values
    lower, upper = (result[part].values - points for part in ("lower", "upper"))
    for k, (axis, name) in enumerate(zip(axes, names, strict=False)):
        ecdf = result["ecdf"].values[k] - points
        inside = bool(result["inside"].values[k])
        axis.fill_between(points, lower, upper, color=_BAND, alpha=0.2, lw=0, step="mid")
        axis.step(points, ecdf, color=_INSIDE if inside else _OUTSIDE, lw=1.2, where="mid")
        axis.axhline(0, color="0.4", lw=0.6)
        axis.set_title(one_line(Label.parse(name).symbol, 30) + ("" if inside else ": outside"), fontsize=8)
        axis.tick_params(labelsize=7)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    widest = max(float(np.max(np.abs(result[part].values - points))) for part in ("lower", "ecdf", "upper"))
    axes[0].set_ylim(-1.1 * widest, 1.1 * widest)
    count = result.sizes["simulation"]
    figure.suptitle(f"ECDF of ranks − uniform, {count} simulated experiments, band {100 * result.attrs['band']:.0f} %",
                    fontsize=9)  # fmt: skip
    figure.supxlabel("fractional rank of the true value", fontsize=8)
    if path is not None:
        write(figure, path)
    return figure
