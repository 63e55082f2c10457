"""A fit without a posterior as a table for a terminal and as facts for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.experiment import Label
from ..choices import METHODS
from ..point_fit import PointFit
from .numbers import number
from .rows import paper_values
from .table import Table


def point_fit_text(fit: PointFit, experiment: Experiment, true: Mapping[str, float]) -> str:
    """The table of values and ±, χ² of each step, what was held fixed, the warnings.

    experiment : what was fitted;  true : label → value, of simulated data, shown in place of the paper's values
    """
    beside, title = (true, "truth") if experiment.truth is not None else (paper_values(experiment), "paper")
    body = []
    for label, value in fit.values.items():
        error = fit.errors[label]
        known = f"{beside[label]:.4g}" if label in beside else ""
        shown = number(value, error) if np.isfinite(error) else f"{value:.2g}"
        plus_minus = number(error, error) if np.isfinite(error) else "none"
        if label in fit.intervals:
            plus_minus = "[{:.2g}, {:.2g}]".format(*fit.intervals[label])
        of = Label.parse(label)
        body.append([label, f"{of.parameter.symbol} {of.unit}".strip(), shown, plus_minus, known, fit.step_of(label)])
    chi2 = [
        f"{step.name}: χ² = {step.chi2:.1f} with {step.dof} degrees of freedom (χ²/dof = {step.reduced_chi2:.2f})"
        for step in fit.steps
    ]
    held = ", ".join(f"{label} = {value:.4g}" for label, value in fit.fixed.items())
    parts = [
        fit.title + (" [simulated]" if fit.simulated else ""),
        f"Method: {fit.method}, {METHODS[fit.method]}. Not a posterior.\n±: {fit.meaning}.",
        Table(["parameter", "", "value", "±", title, "from"], body).text(),
        "\n".join(chi2),
        f"Held fixed, as if exactly known: {held}." if held else "",
        "\n".join(f"Warning: {warning}." for warning in fit.warnings),
    ]
    return "\n\n".join(part for part in parts if part)


def point_fit_facts(fit: PointFit) -> dict[str, Any]:
    """The same as plain values, for --json and for files; without a ± it is NaN, and there may be an interval."""
    correlation = fit.correlation
    parameters = []
    for label, value in fit.values.items():
        of = Label.parse(label).parameter
        row = {"label": label, "symbol": of.symbol, "unit": of.unit, "value": value, "error": fit.errors[label]}
        parameters.append(row | {"interval": fit.intervals.get(label), "from": fit.step_of(label)})
    return {
        "method": fit.method,
        "title": fit.title,
        "simulated": fit.simulated,
        "converged": fit.converged,
        "error_means": fit.meaning,
        "parameters": parameters,
        "fixed": fit.fixed,
        "steps": [
            {"name": step.name, "chi2": step.chi2, "dof": step.dof, "reduced_chi2": step.reduced_chi2}
            for step in fit.steps
        ],
        "correlation": None if correlation is None else {"labels": fit.labels, "matrix": correlation.tolist()},
        "warnings": fit.warnings,
    }
