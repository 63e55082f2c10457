"""The figure of a fit: data, posterior bands, the line ξ = 1, and which light is on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Experiment, Series, from_tree
from ..datasets.experiment import StageEntry
from ..datasets.stage_rates import initial_of
from ..forward_models import NOISES, OBSERVABLES, evolve
from .predictions import fitted_observations, predict, stages_of
from .unknowns import Unknown, fixed_values, free

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import DataTree

LABELS = {
    "xi": "ξ (normalised EPR variance)",
    "polarization": "P = ⟨Jx(t)⟩/⟨Jx(0)⟩",
    "transverse_spin": "Jy(t)/Jy(0)",
    "orientation": "orientation o",
    "epr_variance": "ΣJ / 2⟨Jx(0)⟩",
}
_BAND = "#0072B2"  # colour-blind safe (Okabe & Ito)
_DATA = "#D55E00"
_LIGHTS = {"drive": "#E69F00", "pump": "#009E73", "repump": "#CC79A7"}


def values_of(fit: DataTree, parameters: list[Unknown], most: int = 400) -> dict[str, Any]:
    """Some posterior draws by label, thinned to at most about `most`."""
    posterior = fit["posterior"].dataset
    values = dict(fixed_values(parameters))
    for unknown in free(parameters):
        array = posterior[unknown.name].values
        if unknown.index is not None:
            entries = [u.index for u in free(parameters) if u.name == unknown.name]
            array = array[..., entries.index(unknown.index)]
        flat = array.reshape(-1)
        values[unknown.label] = flat[:: max(1, len(flat) // most)]
    return values


def plot_fit(fit: DataTree, path: str | Path | None = None) -> Figure:
    """Data with posterior bands (50 and 94 %) for each observable of each measured run; written to `path` if given."""
    from .settings_of import parameters_of, settings_of

    experiment = from_tree(fit["experiment"])
    parameters = parameters_of(fit)
    figure = plot_bands(experiment, values_of(fit, parameters), settings_of(fit).closure, title=experiment.title)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def plot_bands(experiment: Experiment, values: dict[str, Any], closure: Any, *, title: str) -> Figure:
    """Bands of the draws `values` (label → (draws,)) for each panel of an experiment, and its data."""
    from matplotlib.figure import Figure

    panels = _panels(experiment)
    figure = Figure(figsize=(4.2 * min(3, len(panels)), 3.4 * ((len(panels) + 2) // 3)), layout="constrained")
    axes = figure.subplots((len(panels) + 2) // 3, min(3, len(panels)), squeeze=False).ravel()
    for axis, (run, kind) in zip(axes, panels, strict=False):
        times = np.linspace(0.0, experiment.duration(run), 161)
        measured = [s for s in experiment.series if (s.run, s.kind) == (run, kind)]
        curve = _curve(experiment, values, closure, run, kind, times, measured)
        _band(axis, times, curve)
        for series in measured:
            _points(axis, series)
        _observed(axis, experiment, run, kind)
        _decorate(axis, experiment, run, kind)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    marked = f"{title}" + ("" if "simulated" in title or not experiment.simulated else " (simulated)")
    figure.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
    figure.suptitle(_as_text(marked), fontsize=10)
    return figure


def _curve(
    experiment: Experiment,
    values: dict[str, Any],
    closure: Any,
    run: str,
    kind: str,
    times: np.ndarray,
    measured: list[Series],
) -> np.ndarray:
    """The observable, with the calibration errors of the (first) series that measured it."""
    if not measured:
        stages = stages_of(experiment, run, values)
        return np.atleast_2d(getattr(evolve(stages, times, initial_of(values), closure, accuracy=1e-6), kind))
    only = replace(experiment, series=tuple(measured[:1]), observations=())
    at = {measured[0].name: times}
    return np.atleast_2d(predict(only, values, closure, times=at, accuracy=1e-6).series[measured[0].name])


def _panels(experiment: Experiment) -> list[tuple[str, str]]:
    panels = [(s.run, s.kind) for s in experiment.series]
    panels += [(o.run, o.quantity) for o in fitted_observations(experiment) if o.quantity in OBSERVABLES]
    if not panels:
        panels = [(run, kind) for run in experiment.runs for kind in ("xi", "polarization", "transverse_spin")]
    return list(dict.fromkeys(panels))


def _as_text(text: str) -> str:
    """A title of the user's: no mathematics, no more than a line."""
    short = text if len(text) <= 110 else text[:107] + "…"
    return "".join(c if c.isprintable() else " " for c in short).replace("$", r"\$")


def _band(axis: Axes, times: np.ndarray, curve: np.ndarray) -> None:
    low, quarter, middle, upper, high = np.quantile(curve, [0.03, 0.25, 0.5, 0.75, 0.97], axis=0)
    axis.fill_between(times, low, high, color=_BAND, alpha=0.2, lw=0, label="model, 94 %")
    axis.fill_between(times, quarter, upper, color=_BAND, alpha=0.35, lw=0, label="model, 50 %")
    axis.plot(times, middle, color=_BAND, lw=1.2)


def _points(axis: Axes, series: Series) -> None:
    sigma = NOISES[series.noise].scatter(series.value, series.spread)
    use = np.ones(len(series.time), bool) if series.excluded is None else ~series.excluded
    style: dict[str, Any] = {"fmt": "o", "ms": 3, "lw": 0.8}
    axis.errorbar(series.time[use], series.value[use], sigma[use], color=_DATA, label="data, ± 1 sd", **style)
    if not use.all():
        axis.errorbar(
            series.time[~use], series.value[~use], sigma[~use], color="0.5", mfc="white", label="excluded", **style
        )


def _observed(axis: Axes, experiment: Experiment, run: str, kind: str) -> None:
    for observation in fitted_observations(experiment):
        if (observation.run, observation.quantity) == (run, kind):
            sigma = np.hypot(observation.sigma, observation.scale_uncertainty * observation.value)
            axis.errorbar(observation.time, observation.value, sigma, fmt="s", ms=4, color=_DATA, label="published")


def _decorate(axis: Axes, experiment: Experiment, run: str, kind: str) -> None:
    if kind == "xi":
        axis.axhline(1.0, color="0.2", ls="--", lw=0.9)
        axis.annotate("ξ = 1: entangled below", (0.98, 1.0), xycoords=("axes fraction", "data"), xytext=(0, 3),
                      textcoords="offset points", ha="right", fontsize=7, color="0.2")  # fmt: skip
    axis.set_xlabel("t (ms)")
    name = LABELS[kind]
    axis.set_ylabel(name if len(experiment.runs) == 1 else f"{name}, run {_as_text(run)}", fontsize=8)
    _stages(axis, experiment.run_stages(run))
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axis.legend(unique.values(), unique.keys(), fontsize=7, frameon=False, loc="best")


def _stages(axis: Axes, stages: list[StageEntry]) -> None:
    """Bars above the panel that show which light is on."""
    start = 0.0
    for stage in stages:
        for k, (light, colour) in enumerate(_LIGHTS.items()):
            if light in stage.lights:
                axis.plot([start, start + stage.duration], [1.02 + 0.035 * k] * 2, color=colour, lw=3,
                          transform=axis.get_xaxis_transform(), clip_on=False, solid_capstyle="butt")  # fmt: skip
                axis.text(start, 1.035 + 0.035 * k, light, fontsize=6, transform=axis.get_xaxis_transform())
        start += stage.duration
