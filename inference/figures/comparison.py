"""Many fits: models side by side, which data prefer which, a trend, the ranks of a simulation-based calibration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets.experiment import Label
from ..text import common_rates
from .drawing import mark_simulated, numbered, panels
from .style import CYCLE, DATA, INK, MODEL, MUTED, PAGE_WIDTH, WIDTHS, one_line, style, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset

    from ..comparison import ComparedModel, Comparison

_LINE = 0.27
_FEWEST = 3
"""Data sets from which on one can lie far off the others."""
_OUTLYING = 3.0
"""Standard deviations from the population's mean beyond which a data set is named."""
_FAR = 30.0
"""Differences beyond this are drawn at the edge, with their number: they would hide all others."""


def plot_comparison(found: Comparison, width: float = PAGE_WIDTH) -> Figure:
    """Difference of elpd from the best model ± standard error, and ln of the Bayes factor ± error, a row per model."""
    names = [one_line(model.name, 34) for model in found.models]
    rows = np.arange(len(names))[::-1]
    factors = [found.log_bayes_factor(model) for model in found.models]
    with style():
        figure, (left, right) = panels(2, 2, width, _LINE * len(names), 0.9, sharey=True)
        _dots(left, rows, [(m.difference, m.difference_se) for m in found.models], "o")
        _dots(right, rows, factors, "s")
        left.set_yticks(rows, names)
        left.set_ylim(-0.6, len(names) - 0.4)
        left.set_xlabel("elpd − best ± se")
        right.set_xlabel("ln evidence − best")
    return figure


def plot_trend(names: Sequence[str], label: str, values: np.ndarray, width: float = PAGE_WIDTH) -> Figure:
    """A rate over data sets in their order, ± sd, with the population's mean ± sd; named: what is far off the others.

    names (n,) : of the data sets;  values (n, 2) : posterior mean and standard deviation, NaN where there is none
    """
    with style():
        figure, (axis,) = panels(1, 1, width, 0.45 * width)
        _trend(axis, names, *values.T)
        one = Label.parse(label)
        axis.set_ylabel(one_line(f"{one.symbol} ({one.unit})" if one.unit else one.symbol, 30))
        axis.locator_params(axis="x", integer=True)
        axis.set_xlabel("data set")
    return figure


def _trend(axis: Axes, names: Sequence[str], means: np.ndarray, sds: np.ndarray) -> None:
    there = np.flatnonzero(np.isfinite(means) & (sds > 0))
    centre, spread = population(means[there], sds[there])
    axis.axhspan(centre - spread, centre + spread, color=MODEL, alpha=0.15, lw=0)
    axis.axhline(centre, color=MODEL, lw=0.9)
    axis.errorbar(there + 1, means[there], sds[there], fmt="o", ms=3, lw=0.8, color=DATA[0])
    for k in outlying(means, sds):
        axis.annotate(one_line(names[k], 18), (k + 1, means[k]), xytext=(3, 3), textcoords="offset points", fontsize=8)


def outlying(means: np.ndarray, sds: np.ndarray) -> list[int]:
    """Which data sets lie more than 3 sd from the population of all others, the errors and the scatter together."""
    there = np.flatnonzero(np.isfinite(means) & (sds > 0))
    found = []
    for k in there.tolist() if len(there) > _FEWEST else []:
        others = there[there != k]
        centre, scatter = population(means[others], sds[others])
        if abs(means[k] - centre) > _OUTLYING * np.hypot(sds[k], scatter):
            found.append(k)
    return found


def population(means: np.ndarray, sds: np.ndarray) -> tuple[float, float]:
    """Mean of a population, and the scatter in it beyond the errors (DerSimonian & Laird 1986)."""
    weights = sds**-2.0
    centre = float(np.sum(weights * means) / np.sum(weights))
    beyond = np.sum(weights * (means - centre) ** 2) - (len(means) - 1)
    variance = (
        max(0.0, float(beyond / (np.sum(weights) - np.sum(weights**2) / np.sum(weights)))) if len(means) > 1 else 0.0
    )
    weights = 1 / (sds**2 + variance)
    return float(np.sum(weights * means) / np.sum(weights)), variance**0.5


def _dots(axis: Axes, rows: np.ndarray, values: list[tuple[float, float]], marker: str) -> None:
    axis.axvline(0.0, color=MUTED, lw=0.7)
    for row, (value, error) in zip(rows, values, strict=True):
        if value < -_FAR:
            axis.annotate(f"◂ {value:.3g}", (-_FAR, row), va="center", fontsize=8, color=INK)
        else:
            axis.errorbar(value, row, xerr=error, fmt=marker, ms=4, color=MODEL, ecolor=INK, elinewidth=0.9)
    if any(value < -_FAR for value, _ in values):
        axis.set_xlim(left=-1.15 * _FAR)


def plot_rates(summary: Dataset, width: float = WIDTHS["page"]) -> Figure:
    """Mean ± sd of the rates of a campaign, a panel each, against the date, or in order where dates are missing.

    Hollow: fits that are not to be used.
    """
    from matplotlib.dates import ConciseDateFormatter

    labels, dates = common_rates(summary), summary["date"].values.astype(str)
    fitted = np.isfinite(summary["mean"].sel(parameter=labels).values).any(axis=1)
    dated = bool((dates[fitted] != "").all())
    x = dates.astype("datetime64[D]") if dated else np.arange(len(dates))
    usable = ~np.isin(summary["status"].values.astype(str), ("unhealthy", "misfit"))
    with style():
        figure, axes = panels(len(labels), 2, width, 0.3 * width, sharex=True)
        for axis, label in zip(axes, labels, strict=True):
            mean, sd = (summary[name].sel(parameter=label).values for name in ("mean", "sd"))
            for mine, face in ((fitted & usable, MODEL), (fitted & ~usable, "none")):
                axis.errorbar(x[mine], mean[mine], sd[mine], fmt="o", ms=3.5, lw=0.9, color=MODEL, mfc=face)
            axis.set_ylabel(f"{Label.parse(label).symbol} ({Label.parse(label).unit})")
        if dated:
            dates_of = ConciseDateFormatter(axes[0].xaxis.get_major_locator())  # type: ignore[no-untyped-call]
            axes[0].xaxis.set_major_formatter(dates_of)
        else:
            figure.supxlabel("number of the data set", fontsize=8)
        mark_simulated(figure, bool((summary["simulated"].values == 1).any()))
    return figure


def plot_units(found: Comparison, width: float = PAGE_WIDTH) -> Figure:
    """Predictive density of each unit by the best model less that by the next one: which data prefer which."""
    first, second = found.models[:2]
    units = first.left_out.units
    differences = first.left_out.pointwise - second.left_out.pointwise
    with style():
        figure, (axis,) = panels(1, 1, width, 0.55 * width)
        axis.axhline(0.0, color=MUTED, lw=0.7)
        numbered(figure, axis, [unit.series for unit in units], differences, CYCLE, size=3.5, longest=40)
        axis.set_xlabel(f"number of the {found.unit}")
        axis.set_ylabel(f"Δ ln p, > 0 for {one_line(first.name, 16)}")
    return figure


def strongest_units(first: ComparedModel, second: ComparedModel, count: int = 3) -> list[tuple[str, float]]:
    """The units on which two models differ most, with the difference of their predictive densities."""
    differences = first.left_out.pointwise - second.left_out.pointwise
    order = np.argsort(-np.abs(differences))[:count]
    return [(first.left_out.units[k].label, float(differences[k])) for k in order]


def plot_calibration(result: Dataset, path: str | Path | None = None) -> Figure:
    """The ranks of a simulation-based calibration: a panel per quantity, written to `path` if given.

    A line is the ECDF of the fractional ranks minus the uniform one; where it leaves the band, the dotted line is that
    of the simulations with another seed.
    """
    names = [str(name) for name in result["quantity"].values]
    figure, axes = panels(len(names), 4, 2.6 * min(4, len(names)), 2.1, 0.6, sharex=True, sharey=True)
    figure.set_layout_engine("constrained")
    points = result["probability"].values
    lower, upper = (result[part].values - points for part in ("lower", "upper"))
    for k, (axis, name) in enumerate(zip(axes, names, strict=True)):
        ecdf = result["ecdf"].values[k] - points
        inside = bool(result["inside"].values[k])
        axis.fill_between(points, lower, upper, color=MODEL, alpha=0.2, lw=0, step="mid")
        axis.step(points, ecdf, color=MODEL if inside else DATA[0], lw=1.2, where="mid")
        axis.axhline(0, color="0.4", lw=0.6)
        words = "" if inside else ": outside"
        if "suspect" in result.coords and name in result["suspect"].values:
            again = result.sel(suspect=name)
            x = again["probability_again"].values
            axis.step(x, again["ecdf_again"].values - x, color=DATA[0], lw=0.8, ls=":", where="mid")
            words += ", chance" if bool(again["inside_again"]) else " twice"
        axis.set_title(one_line(Label.parse(name).symbol, 30) + words, fontsize=8)
        axis.tick_params(labelsize=8)
    widest = max(float(np.max(np.abs(result[part].values - points))) for part in ("lower", "ecdf", "upper"))
    axes[0].set_ylim(-1.1 * widest, 1.1 * widest)
    count = result.sizes["simulation"]
    figure.suptitle(f"ECDF of ranks − uniform, {count} simulated experiments, band {100 * result.attrs['band']:.0f} %",
                    fontsize=9)  # fmt: skip
    figure.supxlabel("fractional rank of the true value", fontsize=8)
    if path is not None:
        write(figure, path)
    return figure
