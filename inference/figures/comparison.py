"""Models side by side: prediction, evidence, and which data prefer which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .style import CYCLE, INK, MODEL, MUTED, PAGE_WIDTH, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..comparison import ComparedModel, Comparison

_LINE = 0.27
_FAR = 30.0
"""Differences beyond this are drawn at the edge, with their number: they would hide all others."""


def plot_comparison(found: Comparison, width: float = PAGE_WIDTH) -> Figure:
    """Difference of elpd from the best model with its standard error, and ln of the Bayes factor, model by model."""
    from matplotlib.figure import Figure

    names = [one_line(model.name, 34) for model in found.models]
    rows = np.arange(len(names))[::-1]
    factors = [found.log_bayes_factor(model) for model in found.models]
    with style():
        figure = Figure(figsize=(width, 0.9 + _LINE * len(names)))
        left, right = figure.subplots(1, 2, sharey=True)
        _dots(left, rows, [(m.difference, m.difference_se) for m in found.models], "o")
        _dots(right, rows, factors, "s")
        left.set_yticks(rows, names)
        left.set_ylim(-0.6, len(names) - 0.4)
        left.set_xlabel("elpd − best ± se")
        right.set_xlabel("ln evidence − best")
    return figure


def _dots(axis: object, rows: np.ndarray, values: list[tuple[float, float]], marker: str) -> None:
    axis.axvline(0.0, color=MUTED, lw=0.7)  # type: ignore[attr-defined]
    for row, (value, error) in zip(rows, values, strict=True):
        if value < -_FAR:
            axis.annotate(f"◂ {value:.3g}", (-_FAR, row), va="center", fontsize=7, color=INK)  # type: ignore[attr-defined]
        else:
            axis.errorbar(value, row, xerr=error, fmt=marker, ms=4, color=MODEL, ecolor=INK, elinewidth=0.9)  # type: ignore[attr-defined]
    if any(value < -_FAR for value, _ in values):
        axis.set_xlim(left=-1.15 * _FAR)  # type: ignore[attr-defined]


def plot_units(found: Comparison, width: float = PAGE_WIDTH) -> Figure:
    """Predictive density of each unit by the best model less that by the next one: which data prefer which."""
    from matplotlib.figure import Figure

    first, second = found.models[:2]
    units = first.left_out.units
    differences = first.left_out.pointwise - second.left_out.pointwise
    series = list(dict.fromkeys(unit.series for unit in units))
    with style():
        figure = Figure(figsize=(width, 0.55 * width))
        axis = figure.subplots()
        axis.axhline(0.0, color=MUTED, lw=0.7)
        start = 0
        for k, name in enumerate(series):
            mine = differences[[unit.series == name for unit in units]]
            axis.plot(np.arange(start, start + len(mine)), mine, ls="none", marker="os^Dv"[k % 5], ms=3.5,
                      color=CYCLE[k % len(CYCLE)], label=one_line(name, 40))  # fmt: skip
            start += len(mine)
        axis.set_xlabel(f"number of the {found.unit}")
        axis.set_ylabel(f"Δ ln p, > 0 for {one_line(first.name, 16)}")
        if len(series) > 1:
            figure.legend(loc="outside lower center", ncols=3, fontsize=7)
    return figure


def strongest_units(first: ComparedModel, second: ComparedModel, count: int = 3) -> list[tuple[str, float]]:
    """The units on which two models differ most, with the difference of their predictive densities."""
    differences = first.left_out.pointwise - second.left_out.pointwise
    order = np.argsort(-np.abs(differences))[:count]
    return [(first.left_out.units[k].label, float(differences[k])) for k in order]
