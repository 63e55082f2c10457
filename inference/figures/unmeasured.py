"""Figures of what is not measured yet: a prediction under whatever lights were asked for; a design."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import StageEntry
from ...datasets.kinds import KINDS
from ..designs import Design
from .drawing import band, entangled_below, legend, legend_below, mark_simulated, panels, stages
from .style import CYCLE, INK, WIDTHS, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import Dataset

_TALL = 2.2
_LETTERS = 12
"""Of a title, in an inch."""
_NO_LINE = 3
_LONG, _LINE = 16, 0.17
"""Name of a series of which a line of the legend has one only, and the height of that line."""


def plot_prediction(prediction: Dataset, width: float = WIDTHS["page"]) -> Figure:
    """A panel per quantity of what `predict` returned, dims (draw, time): median, 50 and 94 %, the lights above."""
    times = prediction["time"].values
    names = [str(name) for name in prediction.data_vars if name != "stage_lights"]
    with style():
        figure, axes = panels(len(names), len(names), width, 0.48 * width)
        for axis, name in zip(axes, names, strict=True):
            band(axis, times, prediction[name].values, name=name)
            if name == "xi":
                entangled_below(axis)
            axis.set_xlabel("t (ms)")
            axis.set_ylabel(KINDS[name].label)
            stages(axis, _stages(prediction))
        legend_below(figure, *axes)
        about = prediction.attrs
        said = ["predicted from simulated data" if about["simulated"] else "predicted", f"run {about['run']}"]
        said += [about["changes"]] if about["changes"] else []
        lines = about["title"], "; ".join(said)
        figure.suptitle("\n".join(one_line(line, int(_LETTERS * width)) for line in lines))
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


def plot_design(found: Design) -> Figure:
    """Gain against delay, a panel per kind of abscissa; below each panel's curves the shots of the plan as stems."""
    labels = list(dict.fromkeys(curve.label for curve in found.curves))
    wide = max(len(curve.series) for curve in found.curves) >= _LONG
    tall = _TALL + _LINE * wide * len(found.curves)
    with style():
        width = WIDTHS["page" if len(labels) > 1 else "column"]
        figure, axes = panels(len(labels), len(labels), width, tall)
        for axis, label in zip(axes, labels, strict=True):
            most = max([p.shots for p in found.points], default=1)
            shares = axis.twinx()
            for k, curve in enumerate(found.curves):
                if curve.label != label:
                    continue
                colour = CYCLE[k % len(CYCLE)]
                marker = "o" if len(curve.x) <= _NO_LINE else ""
                name = one_line(curve.series, 40)
                axis.plot(curve.x, curve.gain, color=colour, marker=marker, label=name, clip_on=not marker)
                here = [p for p in found.points if p.series == curve.series]
                if here:
                    x, shots = np.array([p.x for p in here]), np.array([p.shots for p in here])
                    shares.vlines(x, 0, shots, color=colour, lw=2.5, alpha=0.4)
            axis.set_xlabel(label)
            axis.set_ylim(bottom=0.0)
            shares.set_ylim(0, 1.15 * most)
            if axis is axes[-1]:
                shares.set_ylabel("bars: shots of the plan", color=INK)
            shares.spines["right"].set_visible(True)
        gain = "gain (nats)" if not found.label else "variance removed"
        axes[0].set_ylabel(f"{gain},\nall time at one point")
        for axis in axes:
            legend(axis, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1 if wide or len(labels) > 1 else 3)
        mark_simulated(figure, found.simulated)
    return figure
