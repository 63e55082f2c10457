"""ArviZ's figures of a fit, with the symbols of the field: prior and posterior, pairs, ranks, energy, PIT, k̂."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...datasets.experiment import Label
from ..checks import for_pair_plot
from ..comparison import LeaveOneOut, leave_one_out
from ..fits import Fit, summary_rows
from .drawing import numbered, panels
from .style import DATA, INK, MODEL, PAGE_WIDTH, style

if TYPE_CHECKING:
    from arviz_plots import PlotCollection
    from matplotlib.figure import Figure
    from xarray import DataTree

_PAIRS = 5
_SCATTER, _RANKED = 500, 250
"""Draws in all of a scatter plot; draws a chain of a rank plot."""
_PANEL = 1.5
"""Least width of a small panel, inches."""
_PRIOR_ENDS, _REACH = (0.005, 0.995), 6.0
SUSPICION = 0.99
"""Points of an ECDF are marked where so large a departure from uniform has a chance below 1 %."""
_ROW = 1.35
"""Height of a row of small panels, inches."""
_LINE = 14
"""Longer names go on in a second line."""


def _made(plot: Callable[..., Any], *arguments: Any, size: tuple[float, float], **options: Any) -> PlotCollection:
    """What one of ArviZ's functions drew, out of pyplot's hands, with few and small numbers at the axes."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import AutoLocator

    with style(**{"text.parse_math": False}):  # names of series, runs and members are no mathematics
        collection = plot(*arguments, backend="matplotlib", figure_kwargs={"figsize": size}, **options)
        figure = _figure(collection)
        plt.close(figure)
        for axis in figure.axes:
            axis.tick_params(labelsize=7)
            if isinstance(axis.xaxis.get_major_locator(), AutoLocator):
                axis.locator_params(axis="x", nbins=3)
            for text in axis.texts:
                if text.get_text().startswith("p="):  # of a test for uniformity, at a place that hides the curve
                    text.set(text=text.get_text().partition("(")[0].replace("=", " = "), fontsize=7,
                             position=(0.98, 0.98), transform=axis.transAxes, ha="right", va="top")  # fmt: skip
    return collection


def _figure(collection: PlotCollection) -> Figure:
    figure: Figure = collection.viz["figure"].item()
    return figure


def _legend_above(figure: Figure) -> None:
    for old in list(figure.legends):
        names, handles = [text.get_text() for text in old.get_texts()], [h for h in old.legend_handles if h is not None]
        old.remove()
        figure.legend(handles, names, loc="outside upper center", ncols=len(names))


def _small_panels(count: int, width: float, height: float = _ROW) -> dict[str, Any]:
    """Panels side by side, as many as the width has room for."""
    across = max(1, min(count, int(width / _PANEL)))
    return {"col_wrap": across, "size": (width, height * -(-count // across) + 0.35)}


def plot_prior_posterior(fitted: Fit, width: float = PAGE_WIDTH, labels: Sequence[str] | None = None) -> Figure:
    """Densities of prior and posterior of some parameters (all that vary by default), where the posterior is."""
    from arviz_plots import plot_prior_posterior as of_arviz

    chosen = list(labels or fitted.by_label())
    tree = _named_tree(fitted, chosen, ("posterior", "prior"))
    collection = _made(of_arviz, tree, **_small_panels(len(chosen), width))
    for name, draws in tree["posterior"].dataset.data_vars.items():
        axis = collection.viz["plot"][str(name)].item()
        ends = np.quantile(np.asarray(tree["prior"].dataset[name].values), _PRIOR_ENDS)
        mean, reach = float(draws.mean()), _REACH * float(draws.std())
        low, high = max(ends[0], mean - reach), min(ends[1], mean + reach)
        axis.set_xlim(min(low, float(draws.min())), max(high, float(draws.max())))
    figure = _figure(collection)
    _legend_above(figure)
    return figure


def plot_pairs(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Scatter of pairs of parameters with their marginals: the rates and what goes with them."""
    from arviz_plots import plot_pair

    tree = _named_tree(fitted, for_pair_plot(fitted, _PAIRS), ("posterior", "sample_stats"))
    few = _scattered(tree)
    diverged = bool(few["sample_stats"]["diverging"].any())
    visuals = {"scatter": {"alpha": 0.35, "size": 6}, "divergence": diverged}
    figure = _figure(_made(plot_pair, few, size=(width, width), sample_dims=["sample"], visuals=visuals))
    for axis in figure.axes:
        axis.locator_params(nbins=2)
        axis.tick_params(labelsize=6.5)
        axis.tick_params(axis="x", labelrotation=45)
    return figure


def _scattered(tree: DataTree) -> DataTree:
    """Some draws along one dimension (ArviZ marks divergent ones only so), all divergent ones among them."""
    import xarray as xr

    flat = {name: group.dataset.stack(sample=("chain", "draw")).reset_index("sample", drop=True)
            for name, group in tree.children.items()}  # fmt: skip
    diverging = np.flatnonzero(flat["sample_stats"]["diverging"].values)[:_SCATTER]
    every = np.arange(0, flat["posterior"].sizes["sample"], max(1, flat["posterior"].sizes["sample"] // _SCATTER))
    chosen = np.union1d(every, diverging)
    return xr.DataTree.from_dict({name: group.isel(sample=chosen) for name, group in flat.items()})


def plot_ranks(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """ECDF of the ranks of each chain minus the uniform one, p: the chance of a greater departure.

    Of the parameters with the largest R-hat.
    """
    from arviz_plots import plot_rank

    chosen = worst_mixed(fitted)
    tree = _named_tree(fitted, chosen)
    every = max(1, tree["posterior"].sizes["draw"] // _RANKED)  # more draws are no clearer, and fill megabytes
    tree = tree.isel(draw=slice(None, None, every))
    return _figure(_made(plot_rank, tree, method="mtc_c", envelope_prob=SUSPICION, **_small_panels(len(chosen), width)))


def worst_mixed(fitted: Fit, count: int = 6) -> list[str]:
    """Labels of the parameters with the largest R-hat, the worst first."""
    rows = {row.label: row.rhat for row in summary_rows(fitted.tree)}
    return sorted(fitted.by_label(), key=lambda label: -np.nan_to_num(rows[label], nan=np.inf))[:count]


def plot_energy(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """The marginal energy and its changes between draws: alike where the sampler moves freely."""
    from arviz_plots import plot_energy as of_arviz

    tree = _named_tree(fitted, [], ("sample_stats",))
    return _figure(_made(of_arviz, tree, size=(width, 0.5 * width)))


def plot_pit(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """LOO-PIT of each series: ECDF minus the uniform one, with p: the chance of a greater departure."""
    from arviz_plots import plot_loo_pit

    names = [str(name) for name in fitted.tree["observed_data"].dataset.data_vars]
    if not names:
        raise ExperimentError(f"{fitted.experiment.title}: found records only, expected series for LOO-PIT")
    small = _small_panels(len(names), width, 1.6)
    figure = _figure(
        _made(plot_loo_pit, fitted.tree, var_names=names, method="pot_c", envelope_prob=SUSPICION, **small)
    )
    departures = [float(np.max(np.abs(line.get_ydata()))) for axis in figure.axes for line in axis.get_lines()]
    widest = 1.3 * max(departures, default=0.0) + 0.05
    for axis in figure.axes:  # they share one scale, which ArviZ sets by the series with the most points
        axis.set_ylim(-widest, widest)
    return figure


def plot_pareto_k(fitted: Fit, width: float = PAGE_WIDTH, found: LeaveOneOut | None = None) -> Figure:
    """k̂ of each point: above the line, the fit without that point can't be told from the fit with it.

    found : what `leave_one_out` found in the fit; by default that
    """
    found = found or leave_one_out(fitted)
    with style():
        figure, (axis,) = panels(1, 1, width, 0.5 * width)
        series = [unit.series for unit in found.units]
        numbered(figure, axis, series, found.pareto_k, (MODEL, *DATA), size=3, longest=30)
        axis.axhline(found.limit, color=INK, ls="--", lw=0.9)
        axis.set_xlabel("point")
        axis.set_ylabel("Pareto k̂")
    return figure


def _shown_name(label: str) -> str:
    """`dephasing_rate[drive]` as 'Γ̃ [drive] (ms⁻¹)'; a DataTree allows no slash in the name of a variable."""
    one = Label.parse(label)
    text = (one.symbol + (f" ({one.unit})" if one.unit else "")).replace("/", "∕")
    return text if len(text) <= _LINE else text.replace(" [", "\n[", 1)


def _shown_names(labels: Sequence[str]) -> dict[str, str]:
    """Names by label; many lights go unnamed where a parameter has one value only."""
    parsed = [Label.parse(label) for label in labels]
    names = [one.name for one in parsed]
    alone = {one.name for one in parsed if one.parameter.per_lights and names.count(one.name) == 1}
    return {
        label: _shown_name(name if name in alone and len(label) - len(name) > _LINE else label)
        for label, name in zip(labels, names, strict=True)
    }


def _named_tree(fitted: Fit, labels: Sequence[str], groups: Sequence[str] = ("posterior",)) -> DataTree:
    """Groups with a variable (chain, draw) for each label, under its symbol; `sample_stats` as it is."""
    import xarray as xr

    names = _shown_names(labels)
    found = {}
    for group in groups:
        if group == "sample_stats":
            found[group] = fitted.tree[group].dataset
            continue
        draws = fitted.by_label(group, derived=group == "posterior")
        found[group] = xr.Dataset({names[k]: (("chain", "draw"), draws[k]) for k in labels if k in draws})
    return xr.DataTree.from_dict(found)
