"""The figure of a prediction: bands under whatever lights were asked for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ...datasets import StageEntry
from ...datasets.kinds import KINDS
from .drawing import band, entangled_below, legend, panels, stages
from .style import WIDTHS, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset


def plot_prediction(prediction: Dataset, width: float = WIDTHS["page"]) -> Figure:
    """A panel per quantity of what `predict` returned, dims (draw, time): median, 50 and 94 %, the lights above."""
    times = prediction["time"].values
    names = [str(name) for name in prediction.data_vars if name != "stage_lights"]
    with style():
        figure, axes = panels(len(names), len(names), width, 0.42 * width)
        for axis, name in zip(axes, names, strict=True):
            band(axis, times, prediction[name].values)
            if name == "xi":
                entangled_below(axis)
            axis.set_xlabel("t (ms)")
            axis.set_ylabel(KINDS[name].label)
            legend(axis)
            stages(axis, _stages(prediction))
        said = [prediction.attrs["title"], prediction.attrs["changes"]]
        mark = " (predicted from simulated data)" if prediction.attrs["simulated"] else " (predicted)"
        figure.suptitle(one_line("; ".join(part for part in said if part), 90) + mark)
    return figure


def _stages(prediction: Dataset) -> list[StageEntry]:
    """The stages by their lights at the times; a stage ends where the next one is first seen."""
    times, lights = prediction["time"].values, prediction["stage_lights"].values
    starts = [
        (label, next(iter(group))[1]) for label, group in groupby(zip(lights, times, strict=True), lambda row: row[0])
    ]
    ends = [start for _, start in starts[1:]] + [times[-1]]
    return [
        StageEntry(float(end - start), StageEntry.of(str(label)).lights)
        for (label, start), end in zip(starts, ends, strict=True)
        if end > start
    ]
