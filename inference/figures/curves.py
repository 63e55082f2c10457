"""What there is to draw of an experiment: its panels, and the curves of the draws in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...datasets import Experiment, Series
from ...datasets.kinds import KINDS
from ...datasets.prediction import evolved, expected, fitted_observations, reconstructed_from_records
from ...forward_models import OBSERVABLES, Dynamics
from ..fits import Fit

_TIMES, _FINE = 161, 401
_ENDS = (0.03, 0.5, 0.97)
_ACCURACY = 1e-6
Reconstructed = Mapping[tuple[str, str], tuple[np.ndarray, np.ndarray]]
"""Run and kind → times (T,) and 3, 50 and 97 % quantiles (3, T) of ξ or ξ_cond reconstructed from the light."""


@dataclass(frozen=True)
class ExperimentDraws:
    """An experiment with draws of its parameters, from the posterior or the prior: what bands and curves are made of.

    values : label → (draws,) or a number, in the units of the table of parameters; fixed parameters included
    dynamics : the equations of motion
    reconstructed : (run, kind) → times (T,) and 3, 50 and 97 % quantiles (3, T) of what the light says of ξ
    """

    experiment: Experiment
    values: Mapping[str, Any]
    dynamics: Dynamics
    reconstructed: Reconstructed = field(default_factory=dict)

    @classmethod
    def of(cls, fitted: Fit) -> ExperimentDraws:
        """Of the posterior."""
        return cls(fitted.experiment, fitted.values, fitted.settings.dynamics, _reconstructed(fitted))


@dataclass(frozen=True)
class Panel:
    """One kind of measurement in one run on one day, with the series that measured it."""

    run: str
    kind: str
    measured: tuple[Series, ...] = ()

    @property
    def name(self) -> str:
        """'xi', 'xi, run main'."""
        return ", ".join(series.name for series in self.measured) or self.kind


def panels_of(draws: ExperimentDraws) -> list[Panel]:
    """The panels of an experiment: ξ reconstructed from the light, the series, the published numbers.

    An experiment without data has those of ξ, P and Jy in each run.
    """
    experiment = draws.experiment
    pairs = list(draws.reconstructed)
    pairs += [(s.run, s.kind) for s in experiment.series]
    pairs += [(o.run, o.quantity) for o in fitted_observations(experiment) if o.quantity in OBSERVABLES]
    if not pairs:
        second = {run: "conditional_xi" if run in experiment.constant else "polarization" for run in experiment.runs}
        pairs = [(run, kind) for run in experiment.runs for kind in ("xi", second[run], "transverse_spin")]
    found = []
    for run, kind in dict.fromkeys(pairs):
        measured = [s for s in experiment.series if (s.run, s.kind) == (run, kind)]
        days = list(dict.fromkeys(s.day for s in measured)) or [""]
        found += [Panel(run, kind, tuple(s for s in measured if s.day == day)) for day in days]
    return found


def abscissas(experiment: Experiment, panel: Panel) -> np.ndarray:
    """Where the curves of a panel are drawn."""
    abscissa = KINDS[panel.kind].abscissa
    if abscissa == "time":
        end = experiment.duration(panel.run)
        first = end / _TIMES if any(series.mode_rate for series in panel.measured) else 0.0  # with light before it
        return np.linspace(first, end, _TIMES)
    ends = [end for series in panel.measured for end in (series.x.min(), series.x.max())]
    first = 0.0 if abscissa == "faraday_angle" else min(ends)
    return np.linspace(first, max(ends), _TIMES if abscissa == "faraday_angle" else _FINE)


def curves(draws: ExperimentDraws, panel: Panel, x: np.ndarray) -> list[np.ndarray]:
    """What is measured, (draws, T), with the calibration errors of the (first) series of its kind, by component.

    The two quadratures of the light have one and the same expectation.
    """
    if not panel.measured:
        return [observable(draws, panel.run, panel.kind, x)]
    first = panel.measured[0]
    count = len(first.about.components)
    only = replace(draws.experiment, series=(first,), records=(), observations=())
    at = {first.name: np.repeat(x, count)}
    means = expected(only, draws.values, draws.dynamics, points=at, accuracy=_ACCURACY).series[first.name]
    found = np.atleast_2d(means)
    parts = [found[:, k::count] for k in range(count)]
    return parts[:1] if KINDS[panel.kind].of_quadratures else parts


def observable(draws: ExperimentDraws, run: str, name: str, times: np.ndarray) -> np.ndarray:
    """A quantity of the atoms in a run, (draws, T), as they have it: without errors of any measurement."""
    path = evolved(draws.experiment, run, draws.values, draws.dynamics, times, accuracy=_ACCURACY)
    return np.atleast_2d(getattr(path, name))


def describe_panel(fitted: Fit, draws: ExperimentDraws, panel: Panel) -> str:
    """What `plot_panel` shows, in words: course of the model's median, range of the residuals in σ."""
    x = abscissas(fitted.experiment, panel)
    median = np.median(curves(draws, panel, x)[0], axis=0)
    unit = "" if KINDS[panel.kind].unit == "1" else f" {KINDS[panel.kind].unit}"
    lowest = int(np.argmin(median))
    words = [
        f"{KINDS[panel.kind].label} against {KINDS[panel.kind].abscissa_label}: the model goes from {median[0]:.3g}"
        f" to {median[-1]:.3g}, lowest {median[lowest]:.3g} at {x[lowest]:.3g}{unit}."
    ]
    for series in panel.measured:
        residuals = fitted.residuals(series.name)[series.fitted]
        if len(residuals):
            words.append(
                f"{len(residuals)} points of {series.name}, residuals from {residuals.min():.1f} to"
                f" {residuals.max():.1f} standard deviations."
            )
    return " ".join(words)


def _reconstructed(fitted: Fit) -> Reconstructed:
    found: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
    rng = np.random.default_rng(0)
    for record in fitted.experiment.records:
        times, draws_of = reconstructed_from_records(fitted.experiment, record, fitted.values, rng)
        for kind, draws in draws_of.items():
            if kind == "conditional_xi" and record.start:
                continue  # the curve is that of a record from the beginning of the run on
            found[record.run, kind] = (times + record.start, np.quantile(draws, _ENDS, axis=0))
    if "reconstructed" not in fitted.tree.children:
        return found
    data = fitted.tree["reconstructed"].dataset
    for series in fitted.experiment.series:
        if series.name in data:
            draws = data[series.name].values
            ends = np.quantile(draws.reshape(-1, draws.shape[-1]), _ENDS, axis=0)
            found[series.run, "xi"] = (data[f"{series.name}_probe"].values, ends)
    return found
