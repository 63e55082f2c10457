"""Figures in the form of the paper's Fig. 2a and 2b, for a column of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError, Series
from ...forward_models import NOISES
from ..fits import Fit
from .curves import ExperimentDraws, observable
from .drawing import MOST_NAMED, band, from_light, legend_below, mark_simulated, panels
from .style import INK, LIGHTS, MODEL, MUTED, RUNS, WIDTHS, one_line, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TIMES, _UNCHANGED = 161, 5e-4
_CORRECTED = "data, without the fitted calibration errors"
_BELOW: dict[str, Any] = {"room": 0.6, "size": 7.0}


def figure_2a(fitted: Fit, width: float = WIDTHS["column"], run: str | None = None) -> Figure:
    """ΣJ(t)/2⟨Jx(0)⟩ and ⟨Jx(t)⟩/⟨Jx(0)⟩ of one run: entangled where the first lies below the second.

    ⟨Jx⟩ has its scale at the right, aligned with the left one: so drawn it is the projection noise of a coherent state
    of the spin that is left. Of the noise (S.3), 8Σ comes from the two-level subsystem, the rest is 14 n3 of the atoms
    in |4,±3⟩. Data of ξ are shown times P(t) of the model; all data without the calibration errors that the fit found.
    `run`: by default the first one driven.
    """
    draws = ExperimentDraws.of(fitted)
    chosen = moving_run(fitted, run)
    times = np.linspace(0.0, fitted.experiment.duration(chosen), _TIMES)
    total, mean_spin = (observable(draws, chosen, name, times) for name in ("epr_variance", "polarization"))
    with style():
        figure, (left,) = panels(1, 1, width, 0.9 * width)
        right = left.twinx()
        right.spines["right"].set_visible(True)
        band(left, times, total, name="ΣJ / 2⟨Jx(0)⟩", inner=False)
        left.plot(times, np.median(_two_level_part(draws, chosen, times, total), axis=0), color=MODEL, lw=0.9, ls="-.",
                  label="of it 8Σ: two levels")  # fmt: skip
        band(right, times, mean_spin, colour=MUTED, name="projection noise ∝ ⟨Jx⟩", inner=False)
        for series in fitted.experiment.series:
            if series.run == chosen and series.about.spin_variance:
                shown = _corrected(fitted, draws, series, "epr_variance")
                _errorbars(left, series, shown, MODEL, label=_CORRECTED)
            elif series.run == chosen and series.kind == "polarization":
                _errorbars(right, series, _corrected(fitted, draws, series, "polarization"), MUTED)
        left.set_ylabel("ΣJ(t) / 2⟨Jx(0)⟩", color=MODEL)
        right.set_ylabel("⟨Jx(t)⟩ / ⟨Jx(0)⟩", color=MUTED)
        left.set_xlabel("t (ms)")
        ends = [*left.get_ylim(), *right.get_ylim()]
        for axis in (left, right):
            axis.set_ylim(min(ends), max(ends))
        legend_below(figure, left, right, **_BELOW)
        mark_simulated(figure, fitted.experiment.simulated)
    return figure


def figure_2b(fitted: Fit, width: float = WIDTHS["column"], run: str | None = None, ratio: float = 0.95) -> Figure:
    """ξ(t) of all runs (or one) with data and posterior bands, ξ = 1, and below it which light is on.

    Data are shown without the calibration errors that the fit found, as the legend says. ratio : height over width
    """
    from matplotlib.figure import Figure

    draws = ExperimentDraws.of(fitted)
    names = [run] if run is not None else _runs_with_xi(fitted, draws)
    for name in names:
        driven_run(fitted, name)
    lines = _pulse_lines(fitted, names)
    with style():
        figure = Figure(figsize=(width, (ratio + 0.05 * len(lines)) * width))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(8, 0.5 + 0.5 * len(lines)))
        for k, name in enumerate(names):
            colour = RUNS[k % len(RUNS)]
            times = np.linspace(0.0, fitted.experiment.duration(name), _TIMES)
            label = one_line(name, 24) if len(names) > 1 else "ξ of the atoms"
            label = label if len(names) <= MOST_NAMED else f"{len(names)} runs"
            band(above, times, observable(draws, name, "xi", times), colour=colour, name=label, inner=False)
            for series in fitted.experiment.series:
                if series.run == name and series.about.spin_variance:
                    shown = _corrected(fitted, draws, series, "xi")
                    words = _data_words(series, shown) if len(names) <= MOST_NAMED else _CORRECTED
                    _errorbars(above, series, shown, colour, label=f"{label}: {words}" if len(names) > 1 else words)
            if (name, "xi") in draws.reconstructed:
                from_light(above, *draws.reconstructed[name, "xi"])
        above.axhline(1.0, color=INK, ls="--", lw=0.8)
        above.set_ylabel("ξ(t)")
        above.tick_params(labelbottom=True)
        _pulses(below, fitted, lines)
        below.set_xlabel("t (ms)")
        legend_below(figure, above, below, **_BELOW)
        mark_simulated(figure, fitted.experiment.simulated)
    return figure


def driven_run(fitted: Fit, run: str | None) -> str:
    """The run, checked: by default the first driven one whose rates are parameters of the fit."""
    if run is not None:
        if run not in fitted.experiment.runs:
            raise ExperimentError(f"run: found {run!r}, expected one of {', '.join(fitted.experiment.runs)}")
        return run
    if not fitted.driven_runs:
        raise ExperimentError(f"{fitted.experiment.title}: found no driven run, expected one for ξ(t)")
    return fitted.driven_runs[0]


def moving_run(fitted: Fit, run: str | None) -> str:
    """The run, checked: populations move in it; by default the first driven one."""
    name = driven_run(fitted, run)
    if name in fitted.experiment.constant:
        raise ExperimentError(f"run: found {name!r} with constant rates, expected one in which populations move")
    return name


def _runs_with_xi(fitted: Fit, draws: ExperimentDraws) -> list[str]:
    """Runs with data of ξ; where there are none, the driven ones."""
    measured = [s.run for s in fitted.experiment.series if s.about.spin_variance]
    measured += [run for run, _ in draws.reconstructed]
    return list(dict.fromkeys(measured)) or fitted.driven_runs or [driven_run(fitted, None)]


def _two_level_part(draws: ExperimentDraws, run: str, times: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The part of ΣJ/2⟨Jx(0)⟩ that the two-level system has."""
    return np.asarray(total * observable(draws, run, "two_level_share", times))


def _corrected(fitted: Fit, draws: ExperimentDraws, series: Series, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and σ of a series as those of `quantity`: times what the model has of it over the value expected."""
    expected = np.atleast_2d(fitted.expected.series[series.name])
    times = np.unique(series.x)
    truly = observable(draws, series.run, quantity, times)[:, np.searchsorted(times, series.x)]
    factor = (truly / expected).mean(axis=0)
    sigma = NOISES[series.noise].scatter(series.value, series.spread)
    return series.value * factor, sigma * factor


def _data_words(series: Series, shown: tuple[np.ndarray, np.ndarray]) -> str:
    """What was done to the points: 'data ÷ 1.043 (fitted calibration)'."""
    factors = (series.value / shown[0])[series.fitted]
    low, high = float(np.min(factors)), float(np.max(factors))
    if max(abs(low - 1), abs(high - 1)) < _UNCHANGED:
        return "data"
    by = f"{low:.3f}" if high - low < _UNCHANGED else f"{low:.3f} to {high:.3f}"
    return f"data ÷ {by} (fitted calibration)"


def _errorbars(axis: Axes, series: Series, values: tuple[np.ndarray, np.ndarray], colour: str, label: str = "") -> None:
    use = series.fitted
    axis.errorbar(
        series.x[use], values[0][use], values[1][use], fmt="o", ms=3, mfc="none", lw=0.7, color=colour, label=label
    )


def _pulse_lines(fitted: Fit, runs: list[str]) -> list[tuple[str, str]]:
    """Names and runs to show the pulse sequences of; of many runs the first of each sequence: 'monday and 19 more'."""
    alike: dict[Any, list[str]] = {}
    for run in runs:
        sequence = tuple((stage.duration, stage.label) for stage in fitted.experiment.run_stages(run))
        alike.setdefault(run if len(runs) <= MOST_NAMED else sequence, []).append(run)
    if len(runs) == 1:
        return [("light", runs[0])]
    return [(one_line(run, 24) + (f" and {len(more)} more" if more else ""), run) for run, *more in alike.values()]


def _pulses(axis: Axes, fitted: Fit, lines: list[tuple[str, str]]) -> None:
    """The pulse sequences: a line each, a bar per light."""
    for k, (_, run) in enumerate(lines):
        start = 0.0
        for stage in fitted.experiment.run_stages(run):
            on = [light for light in LIGHTS if light in stage.lights]
            for j, light in enumerate(on):
                axis.broken_barh([(start, stage.duration)], (-k - 0.4 + 0.8 * j / len(on), 0.75 / len(on)),
                                 color=LIGHTS[light], lw=0, label=light)  # fmt: skip
            start += stage.duration
    axis.set_yticks([-k for k in range(len(lines))], [name for name, _ in lines])
    axis.set_ylim(-len(lines) + 0.4, 0.6)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
