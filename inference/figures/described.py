"""What a figure shows, in words: its alternative text for those who do not see it."""

from __future__ import annotations

import numpy as np

from ...datasets.kinds import KINDS
from ..fits import Fit
from .curves import Drawn, Panel, abscissas, curves
from .entanglement import probability_of_entanglement


def describe_panel(fitted: Fit, drawn: Drawn, panel: Panel) -> str:
    """Range of the data, course of the model, size of the residuals."""
    x = abscissas(fitted.experiment, panel)
    median = np.median(curves(drawn, panel, x)[0], axis=0)
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


def describe_probability(fitted: Fit) -> str:
    """Where the state is almost certainly entangled."""
    words = []
    for run in fitted.driven_runs:
        times = np.linspace(0.0, fitted.experiment.duration(run), 121)
        certain = times[probability_of_entanglement(fitted, run, times) >= 0.97]
        span = f"from {certain[0]:.3g} to {certain[-1]:.3g} ms" if len(certain) else "at no time"
        words.append(f"run {run}: at least 97 % {span}")
    return f"Probability that ξ < 1 against time. {'; '.join(words)}."
