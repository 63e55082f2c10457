"""ArviZ's figures of a fit, with the symbols of the field: prior and posterior, pairs, ranks, energy, PIT, k̂."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...datasets.experiment import Label
from ..checks import for_pair_plot, strongest
from ..comparison import LeaveOneOut, leave_one_out
from ..fits import Fit, summary_rows
from ..text import p_text
from .drawing import legend_below, named, numbered, panels, unnamed
from .style import CYCLE, DATA, INK, MODEL, PAGE_WIDTH, one_line, style

if TYPE_CHECKING:
    from arviz_plots import PlotCollection
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import DataTree

Pit = Mapping[str, tuple[np.ndarray, float]]
_PAIRS, _STRONGEST = 5, 2
"""Parameters of a pair plot; pairs of the short one."""
_SCATTER, _STEPS = 500, 250
"""Draws in all of a scatter plot; draws per chain of a rank plot."""
_LEGEND = 0.6
"""Inches for the names below a figure."""
_CELL = 1.1
"""Inches that a panel of a pair plot needs for its numbers."""
_LEAST_P = 1e-6
"""What is smaller is an approximation's zero."""
_RANKED = 3
"""Parameters in a rank plot."""
_PANEL = 1.5
"""Least width of a small panel, inches."""
_PRIOR_ENDS, _REACH = (0.005, 0.995), 6.0
_ROW = 1.35
"""Height of a row of small panels, inches."""
_LINE = 14
"""Longer names go on in a second line."""


def _made(plot: Callable[..., Any], *arguments: Any, size: tuple[float, float], **options: Any) -> PlotCollection:
    """What one of ArviZ's functions drew, out of pyplot's hands, with few and small numbers at the axes."""
    import matplotlib.pyplot as plt
    from arviz_base import rc_context
    from matplotlib.ticker import AutoLocator

    # names of series, runs and members are no mathematics; experiments fitted together have hundreds of parameters
    with style(**{"text.parse_math": False}), rc_context({"plot.max_subplots": None}):
        collection = plot(*arguments, backend="matplotlib", figure_kwargs={"figsize": size}, **options)
        figure = _figure(collection)
        plt.close(figure)
        for axis in figure.axes:
            axis.tick_params(labelsize=8)
            if isinstance(axis.xaxis.get_major_locator(), AutoLocator):
                axis.locator_params(axis="x", nbins=3)
    return collection


def _figure(collection: PlotCollection) -> Figure:
    figure: Figure = collection.viz["figure"].item()
    return figure


def _names_below(figure: Figure) -> None:
    for old in list(figure.legends):
        names, handles = [text.get_text() for text in old.get_texts()], [h for h in old.legend_handles if h is not None]
        old.remove()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))


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
    _names_below(figure)
    return figure


def plot_pairs(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Scatter of pairs of parameters with their marginals: the rates and what goes with them."""
    from arviz_plots import plot_pair

    most = min(_PAIRS, int(width / _CELL))
    tree = _named_tree(fitted, for_pair_plot(fitted, most), ("posterior", "sample_stats"))
    few = _scattered(tree)
    diverged = bool(few["sample_stats"]["diverging"].any())
    visuals = {"scatter": {"alpha": 0.35, "size": 6}, "divergence": diverged}
    figure = _figure(_made(plot_pair, few, size=(width, width), sample_dims=["sample"], visuals=visuals))
    for axis in figure.axes:
        axis.locator_params(nbins=2)
        axis.tick_params(labelsize=8)
        axis.tick_params(axis="x", labelrotation=45)
    return figure


def plot_strongest(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Scatter of the pairs of parameters that go together most; divergent draws are ringed."""
    draws = fitted.by_label(derived=True)
    diverging = np.ravel(fitted.tree["sample_stats"].dataset["diverging"].values).astype(bool)
    with style(**{"figure.constrained_layout.use": False}):
        found = strongest(fitted)[:_STRONGEST]
        figure, axes = panels(len(found), _STRONGEST, width, 0.42 * width)
        for axis, (one, other, _) in zip(axes, found, strict=True):
            x, y = np.ravel(draws[one]), np.ravel(draws[other])
            some = slice(None, None, max(1, len(x) // _SCATTER))
            axis.plot(x[some], y[some], ls="none", marker=".", ms=2, color=MODEL, alpha=0.4)
            axis.plot(x[diverging], y[diverging], ls="none", marker="o", ms=5, mfc="none", color=INK)
            axis.set(xlabel=_in_one_line(one), ylabel=_in_one_line(other))
            axis.locator_params(nbins=3)
        figure.subplots_adjust(wspace=0.6)
    return figure


def _in_one_line(label: str) -> str:
    one = Label.parse(label)
    return one_line(f"{one.symbol} ({one.unit})" if one.unit else one.symbol, 30)


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
    """ECDF of the ranks of each chain minus the uniform one, of the parameters with the largest R-hat, a colour each.

    p: the chance of a greater departure, if all chains draw from one distribution (Säilynoja et al. 2022).
    """
    import arviz_stats  # noqa: F401 - which gives xarray its azstats
    import xarray as xr
    from scipy.stats import rankdata

    draws = fitted.by_label()
    ranks = {}
    for label in worst_mixed(fitted, _RANKED):
        every = max(1, draws[label].shape[1] // _STEPS)  # more draws are no clearer, and fill megabytes
        some = draws[label][:, ::every]
        ranks[label] = rankdata(some).reshape(some.shape) / some.size
    data = xr.Dataset({str(k): (("chain", "draw"), one) for k, one in enumerate(ranks.values())})
    p_values = data.azstats.mchain_uniformity_test(dim=["chain", "draw"])[0]
    with style():
        figure, (axis,) = panels(1, 1, width, max(1.5, 0.4 * width), _LEGEND)
        for k, (label, chains) in enumerate(ranks.items()):
            name = f"{_in_one_line(label)}, p = {p_text(float(p_values[str(k)]))}"
            for number, one in enumerate(chains):
                _departure(axis, one, color=CYCLE[k], label=name if number == 0 else "")
        _finish_departures(figure, axis, "rank of the draw (share)")
    return figure


def _departure(axis: Axes, values: np.ndarray, **look: Any) -> None:
    """ECDF of values between 0 and 1, minus that of uniform ones."""
    x = np.sort(values)
    axis.step(x, np.arange(1, len(x) + 1) / len(x) - x, where="post", lw=0.9, **look)


def _finish_departures(figure: Figure, axis: Axes, abscissa: str) -> None:
    widest = max((float(np.max(np.abs(line.get_ydata()))) for line in axis.get_lines()), default=0.0)
    axis.axhline(0.0, color=INK, lw=0.7)
    axis.set(xlim=(0, 1), ylim=(-1.2 * widest - 0.01, 1.2 * widest + 0.01), xlabel=abscissa, ylabel="ECDF − uniform")
    legend_below(figure, axis, room=_LEGEND)


def worst_mixed(fitted: Fit, count: int = 6) -> list[str]:
    """Labels of the parameters with the largest R-hat, the worst first."""
    rows = {row.label: row.rhat for row in summary_rows(fitted.tree)}
    return sorted(fitted.by_label(), key=lambda label: -np.nan_to_num(rows[label], nan=np.inf))[:count]


def plot_energy(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """The marginal energy and its changes between draws: alike where the sampler moves freely."""
    from arviz_plots import plot_energy as of_arviz

    tree = _named_tree(fitted, [], ("sample_stats",))
    return _figure(_made(of_arviz, tree, size=(width, 0.5 * width)))


def plot_pit(fitted: Fit, width: float = PAGE_WIDTH, found: Pit | None = None) -> Figure:
    """LOO-PIT of each series: ECDF minus the uniform one. p: the chance of a greater departure; the least have colours.

    found : what `loo_pit` found in the fit; by default that
    """
    found = found or loo_pit(fitted)
    if not found:
        raise ExperimentError(f"{fitted.experiment.title}: found records only, expected series for LOO-PIT")
    with style():
        figure, (axis,) = panels(1, 1, width, max(1.5, 0.4 * width), _LEGEND)
        shown = named({name: -p for name, (_, p) in found.items()})
        looks = {name: {"color": CYCLE[k], "label": f"{one_line(name, 30)}, p = {p_text(found[name][1])}"}
                 for k, name in enumerate(shown)}  # fmt: skip
        rest = unnamed(len(found) - len(shown)) | {"zorder": 1}
        for name, (values, _) in found.items():
            _departure(axis, values, **looks.get(name, rest))
        _finish_departures(figure, axis, "LOO-PIT (share of the prediction below)")
    return figure


def loo_pit(fitted: Fit) -> Pit:
    """Series → where each point lies in its prediction by all others, 0 to 1, (T,); p-value of their uniformity.

    arXiv:2603.02928, as ArviZ has it.
    """
    from arviz_stats import loo_pit as of_arviz

    names = [str(name) for name in fitted.tree["observed_data"].dataset.data_vars]
    found = {}
    for name in names:
        values = of_arviz(fitted.tree, var_names=[name], pareto_pit=True)[name]  # beyond all draws is not impossible
        p = values.to_dataset(name="values").azstats.uniformity_test(dim=values.dims)[0]["values"]
        found[name] = (np.ravel(values.values), max(float(p), _LEAST_P))
    return found


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
