"""Data with posterior bands: all panels of an experiment in one figure, or one panel with its residuals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment, Series
from ...datasets.experiment import Label
from ...datasets.kinds import KINDS
from ...datasets.prediction import fitted_observations
from ..fits import Fit
from .curves import ExperimentDraws, Panel, abscissas, curves, panels_of
from .drawing import band, entangled_below, from_light, legend, panels, points, stages
from .style import DATA, INK, MODEL, MUTED, PAGE_WIDTH, appearing, one_line, style, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import DataTree

    from ..point_fit import PointFit

_ACROSS, _PANEL, _ROW = 3, 4.2, 3.4
"""Panels side by side of a figure as wide as it needs, and the size of each, inches."""
_LEAST, _SHAPE, _LETTERS = 3.4, 0.8, 12
"""Of a figure of given width: width of a panel, about, in inches, height over width, letters of a title per inch."""
_FAR = 3.0
"""Residuals beyond so many standard deviations are marked."""


def plot_fit(fit: DataTree, path: str | Path | None = None) -> Figure:
    """Data with posterior bands (50 and 94 %) for each observable of each measured run; written to `path` if given."""
    fitted = Fit(fit)
    figure = plot_bands(ExperimentDraws.of(fitted), fitted.experiment.title)
    if path is not None:
        write(figure, path)
    return appearing(figure)


def plot_xi(fit: DataTree) -> Figure:
    """ξ(t), measured or not, small; the first panel of a fit without a run that has the drive."""
    fitted = Fit.of(fit)
    draws = ExperimentDraws.of(fitted)
    shown = panels_of(draws)
    driven = [Panel(run, "xi") for run in fitted.driven_runs]
    panel = next((p for p in shown if p.kind in ("xi", "conditional_xi")), (driven or shown)[0])
    with style():
        figure, (axis,) = panels(1, 1, 4.2, 2.8)
        draw_panel(axis, draws, panel)
    return figure


def plot_point_fit(fit: PointFit) -> Figure:
    """The data of a fit without a posterior with its best curves, a panel for each observable of each measured run."""
    return plot_bands(ExperimentDraws(fit.experiment, fit.values | fit.fixed, fit.dynamics), fit.title)


def plot_series(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Data with posterior bands, a panel for each observable of each measured run, in a figure of this width."""
    return plot_bands(ExperimentDraws.of(fitted), fitted.experiment.title, width)


def plot_bands(draws: ExperimentDraws, title: str, width: float | None = None) -> Figure:
    """A panel for each observable of each measured run: 50 and 94 % bands of the draws, and the data ± 1 sd.

    width : of the figure, inches, which has as many panels side by side as there is room for; None: as wide as three
    """
    shown = panels_of(draws)
    across = _ACROSS if width is None else max(1, round(width / _LEAST))
    across = min(across, len(shown))
    size = _PANEL * across if width is None else width
    with style():
        figure, axes = panels(len(shown), across, size, _ROW if width is None else _SHAPE * size / across)
        for axis, panel in zip(axes, shown, strict=True):
            draw_panel(axis, draws, panel)
        between = " " if width is None else "\n"
        words = one_line(title, min(110, int(_LETTERS * size)))
        figure.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
        figure.suptitle(words + f"{between}(simulated)" * (draws.experiment.simulated and "simulated" not in words))
    return figure


def draw_panel(axis: Axes, draws: ExperimentDraws, panel: Panel) -> None:
    """Bands, data, ξ = 1 and stages of one panel."""
    experiment = draws.experiment
    x = abscissas(experiment, panel)
    for k, curve in enumerate(curves(draws, panel, x)):
        band(axis, x, curve, component=k)
    kind = KINDS[panel.kind]
    if kind.without is not None:
        absent, name = kind.without
        quiet = {label: 0.0 if Label.parse(label).name == absent else v for label, v in draws.values.items()}
        linear = curves(ExperimentDraws(experiment, quiet, draws.dynamics), panel, x)[0]
        axis.plot(x, np.median(linear, axis=0), color=INK, lw=0.9, ls=":", label=name)
    for series in panel.measured:
        points(axis, series)
    if (panel.run, panel.kind) in draws.reconstructed:
        from_light(axis, *draws.reconstructed[panel.run, panel.kind])
    _published(axis, experiment, panel.run, panel.kind)
    scaled = any(series.amplitude for series in panel.measured)
    if kind.entangled_below_one and not scaled:
        entangled_below(axis)
    _label_abscissa(axis, panel.kind)
    label = kind.label + " × amplitude" * scaled
    axis.set_ylabel(label if len(experiment.runs) == 1 else f"{label}, {one_line(panel.run, 24)}")
    if kind.abscissa == "time":
        stages(axis, experiment.run_stages(panel.run))
    legend(axis)


def _published(axis: Axes, experiment: Experiment, run: str, kind: str) -> None:
    """Numbers that were fitted, at their times."""
    for observation in fitted_observations(experiment):
        if (observation.run, observation.quantity) == (run, kind):
            sigma = np.hypot(observation.sigma, observation.scale_uncertainty * observation.value)
            axis.errorbar(observation.time, observation.value, sigma, fmt="s", ms=4, color=DATA[0], label="published")


def _label_abscissa(axis: Axes, kind: str) -> None:
    """What the kind is measured against."""
    from matplotlib.ticker import MaxNLocator

    axis.set_xlabel(KINDS[kind].abscissa_label)
    if KINDS[kind].abscissa == "number":
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def plot_panel(fitted: Fit, draws: ExperimentDraws, panel: Panel) -> Figure:
    """One panel with the posterior predictive band, and the residuals of its series in standard deviations below."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(PAGE_WIDTH, 4.3 if panel.measured else 3.0))
        if not panel.measured:
            draw_panel(figure.subplots(), draws, panel)
            return figure
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for series in panel.measured:
            _predictive(above, fitted, series)
        draw_panel(above, draws, panel)
        above.set_xlabel("")
        for series in panel.measured:
            _residuals(below, fitted, series)
        below.axhline(0.0, color=INK, lw=0.7)
        below.axhspan(-2, 2, color=MODEL, alpha=0.12, lw=0)
        widest = 1.1 * max(3.0, *(float(np.max(np.abs(fitted.residuals(s.name)))) for s in panel.measured))
        below.set_ylim(-widest, widest)
        below.set_ylabel("residual (σ)")
        _label_abscissa(below, panel.kind)
    return figure


def _predictive(axis: Axes, fitted: Fit, series: Series) -> None:
    """94 % of the predicted data at the points of a series, by component; points at one place share a band."""
    data = fitted.tree["posterior_predictive"].dataset
    if series.name not in data:
        return
    draws = data[series.name].values
    low, high = np.quantile(draws.reshape(-1, draws.shape[-1]), [0.03, 0.97], axis=0)
    where, component = series.fitted_x, series.component_numbers[series.fitted]
    for k in np.unique(component):
        mine = component == k
        x = np.unique(where[mine])
        if len(x) > 1:
            below, above = ([np.mean(end[mine][where[mine] == at]) for at in x] for end in (low, high))
            axis.fill_between(x, below, above, color=MUTED, alpha=0.18, lw=0, label="new data, 94 %")


def _residuals(axis: Axes, fitted: Fit, series: Series) -> None:
    residuals, use = fitted.residuals(series.name), series.fitted
    style_of: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 3}
    component = series.component_numbers
    for k in np.unique(component):
        mine = use & (component == k)
        axis.plot(series.x[mine], residuals[mine], color=DATA[k], **style_of)
    axis.plot(series.x[~use], residuals[~use], color=MUTED, mfc="none", **style_of)
    far = use & (abs(residuals) > _FAR)
    axis.plot(series.x[far], residuals[far], ls="none", marker="o", ms=8, mfc="none", color=INK)
