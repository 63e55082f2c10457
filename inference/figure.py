"""The figure of a fit: data, posterior bands, the line ξ = 1, and which light is on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Experiment, Series, from_tree
from ..datasets.experiment import Points, StageEntry
from ..datasets.kinds import KINDS
from ..datasets.predictions import fitted_observations, predict
from ..datasets.run_state import stages_of
from ..datasets.stage_rates import initial_of
from ..forward_models import NOISES, OBSERVABLES, evolve
from .layout import complete, layout
from .unknowns import Unknown

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
    "light_variance": "variance of the light",
    "coupling": "κ²",
    "projection_noise": "atomic noise",
    "shot_noise": "shot noise",
    "orientation_beat": "transverse spin after the pulse",
}
_ABSCISSAS = {"time": "t (ms)", "delay": "t after the pulse (ms)", "faraday_angle": "Θ (deg)", "number": "measurement"}
_BAND = "#0072B2"  # colour-blind safe (Okabe & Ito)
_DATA = ("#D55E00", "#009E73")
"""Of the first and the second component."""
_LIGHTS = {"drive": "#E69F00", "pump": "#009E73", "repump": "#CC79A7"}


def values_of(fit: DataTree, experiment: Experiment, parameters: list[Unknown], most: int = 400) -> dict[str, Any]:
    """Some posterior draws by label, thinned to at most about `most`."""
    posterior = fit["posterior"].dataset
    values: dict[str, Any] = {}
    for v in layout(experiment, parameters):
        if not v.formulas:
            flat = posterior[v.name].values.reshape(-1, len(v.labels))
            few = flat[:: max(1, len(flat) // most)]
            values |= {label: few[:, k] for k, label in enumerate(v.labels)}
    return complete(experiment, parameters, values)


def plot_fit(fit: DataTree, path: str | Path | None = None) -> Figure:
    """Data with posterior bands (50 and 94 %) for each observable of each measured run; written to `path` if given."""
    from .settings_of import parameters_of, settings_of

    experiment = from_tree(fit["experiment"])
    values = values_of(fit, experiment, parameters_of(fit))
    closure, again = settings_of(fit).closure, _reconstructed(fit)
    figure = plot_bands(experiment, values, closure, title=experiment.title, reconstructed=again)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


Reconstructed = dict[str, tuple[np.ndarray, np.ndarray]]
"""Run → times (T,) and 3, 50 and 97 % quantiles (3, T) of ξ reconstructed from the light."""


def _reconstructed(fit: DataTree) -> Reconstructed:
    if "reconstructed" not in fit.children:
        return {}
    data, found = fit["reconstructed"].dataset, {}
    for series in from_tree(fit["experiment"]).series:
        if series.name in data:
            draws = data[series.name].values
            ends = np.quantile(draws.reshape(-1, draws.shape[-1]), [0.03, 0.5, 0.97], axis=0)
            found[series.run] = (data[f"{series.name}_probe"].values, ends)
    return found


def plot_bands(
    experiment: Experiment,
    values: dict[str, Any],
    closure: Any,
    *,
    title: str,
    reconstructed: Reconstructed | None = None,
) -> Figure:
    """Bands of the draws `values` (label → (draws,)) for each panel of an experiment, and its data."""
    from matplotlib.figure import Figure

    again = reconstructed or {}
    panels = list(dict.fromkeys([*((run, "xi") for run in again), *_panels(experiment)]))
    figure = Figure(figsize=(4.2 * min(3, len(panels)), 3.4 * ((len(panels) + 2) // 3)), layout="constrained")
    axes = figure.subplots((len(panels) + 2) // 3, min(3, len(panels)), squeeze=False).ravel()
    for axis, (run, kind) in zip(axes, panels, strict=False):
        measured = [s for s in experiment.series if (s.run, s.kind) == (run, kind)]
        x = _range(experiment, run, kind, measured)
        for k, curve in enumerate(_curves(experiment, values, closure, run, kind, x, measured)):
            _band(axis, x, curve, k)
        if kind == "projection_noise":
            quiet = values | {label: 0.0 for label in values if label.startswith("classical_noise")}
            linear = _curves(experiment, quiet, closure, run, kind, x, measured)[0]
            axis.plot(x, np.median(linear, axis=0), color="0.1", lw=0.9, ls=":", label="linear part: projection noise")
        for series in measured:
            _points(axis, series)
        if kind == "xi" and run in again:
            times, (low, middle, high) = again[run]
            axis.errorbar(times, middle, [middle - low, high - middle], fmt="o", ms=3, lw=0.8, color=_DATA[0],
                          label="from the light, 94 %")  # fmt: skip
        _observed(axis, experiment, run, kind)
        _decorate(axis, experiment, run, kind)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    marked = f"{title}" + ("" if "simulated" in title or not experiment.simulated else " (simulated)")
    figure.get_layout_engine().set(w_pad=0.12)  # type: ignore[union-attr, call-arg]
    figure.suptitle(_as_text(marked), fontsize=10)
    return figure


def _range(experiment: Experiment, run: str, kind: str, measured: list[Series]) -> np.ndarray:
    """Where the curves of a panel are drawn."""
    about = KINDS[kind]
    if about.abscissa == "time":
        return np.linspace(0.0, experiment.duration(run), 161)
    ends = [end for series in measured for end in (series.x.min(), series.x.max())]
    first = 0.0 if about.abscissa == "faraday_angle" else min(ends)
    return np.linspace(first, max(ends), 161 if about.abscissa == "faraday_angle" else 401)


def _curves(
    experiment: Experiment,
    values: dict[str, Any],
    closure: Any,
    run: str,
    kind: str,
    x: np.ndarray,
    measured: list[Series],
) -> list[np.ndarray]:
    """What is measured, with the calibration errors of the (first) series of its kind, for each component that differs.

    The two quadratures of the light have one and the same expectation.
    """
    if not measured:
        stages = stages_of(experiment, run, values)
        initial = initial_of(values, experiment.member.get(run, ""))
        return [np.atleast_2d(getattr(evolve(stages, x, initial, closure, accuracy=1e-6), kind))]
    count = len(KINDS[kind].components)
    only = replace(experiment, series=tuple(measured[:1]), observations=())
    component = np.tile(np.arange(count, dtype=np.int8), len(x)) if count > 1 else None
    at = {measured[0].name: Points(np.repeat(x, count), component)}
    found = np.atleast_2d(predict(only, values, closure, points=at, accuracy=1e-6).series[measured[0].name])
    parts = [found[:, k::count] for k in range(count)]
    return parts if kind == "orientation_beat" else parts[:1]


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


def _band(axis: Axes, x: np.ndarray, curve: np.ndarray, component: int) -> None:
    low, quarter, middle, upper, high = np.quantile(curve, [0.03, 0.25, 0.5, 0.75, 0.97], axis=0)
    axis.fill_between(x, low, high, color=_BAND, alpha=0.2, lw=0, label="model, 94 %")
    axis.fill_between(x, quarter, upper, color=_BAND, alpha=0.35, lw=0, label="model, 50 %")
    axis.plot(x, middle, color=_BAND, lw=1.2, ls="-" if component == 0 else "--")


def _points(axis: Axes, series: Series) -> None:
    names = series.about.components
    sigma = NOISES[series.noise].scatter(series.value, series.spread)
    use = np.ones(len(series.x), bool) if series.excluded is None else ~series.excluded
    style: dict[str, Any] = {"fmt": "o", "ms": 3, "lw": 0.8}
    for k, name in enumerate(names):
        mine = use if series.component is None else use & (series.component == k)
        label = "data, ± 1 sd" if len(names) == 1 else f"{name.replace('_', ' ')}, ± 1 sd"
        axis.errorbar(series.x[mine], series.value[mine], sigma[mine], color=_DATA[k], label=label, **style)
    if not use.all():
        axis.errorbar(
            series.x[~use], series.value[~use], sigma[~use], color="0.5", mfc="white", label="excluded", **style
        )


def _observed(axis: Axes, experiment: Experiment, run: str, kind: str) -> None:
    for observation in fitted_observations(experiment):
        if (observation.run, observation.quantity) == (run, kind):
            sigma = np.hypot(observation.sigma, observation.scale_uncertainty * observation.value)
            axis.errorbar(observation.time, observation.value, sigma, fmt="s", ms=4, color=_DATA[0], label="published")


def _decorate(axis: Axes, experiment: Experiment, run: str, kind: str) -> None:
    if kind == "xi":
        axis.axhline(1.0, color="0.2", ls="--", lw=0.9)
        axis.annotate("ξ = 1: entangled below", (0.98, 1.0), xycoords=("axes fraction", "data"), xytext=(0, 3),
                      textcoords="offset points", ha="right", fontsize=7, color="0.2")  # fmt: skip
    from matplotlib.ticker import MaxNLocator

    abscissa = KINDS[kind].abscissa
    axis.set_xlabel(_ABSCISSAS[abscissa])
    if abscissa == "number":
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    name = LABELS[kind]
    axis.set_ylabel(name if len(experiment.runs) == 1 else f"{name}, run {_as_text(run)}", fontsize=8)
    if abscissa == "time":
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
                axis.plot([start, start + stage.duration], [1.02 + 0.06 * k] * 2, color=colour, lw=3,
                          transform=axis.get_xaxis_transform(), clip_on=False, solid_capstyle="butt")  # fmt: skip
                axis.text(start, 1.03 + 0.06 * k, light, fontsize=6, transform=axis.get_xaxis_transform())
        start += stage.duration
