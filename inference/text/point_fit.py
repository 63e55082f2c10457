"""A fit without a posterior as a table for a terminal and as facts for scripts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...datasets.experiment import Label
from ..choices import METHODS
from ..point_fit import PointFit
from .fit import truth_of
from .numbers import number, with_error
from .rows import paper_values
from .table import Table, View


def point_fit_text(fit: PointFit) -> str:
    """The table of values and error bars, χ² of each step, what was held fixed, the warnings.

    Beside the values stands the truth of simulated data, or what the paper published.
    """
    known, title = _beside(fit)
    body = []
    for label, value in fit.values.items():
        error, of = fit.errors[label], Label.parse(label)
        shown = number(value, error) if np.isfinite(error) else f"{value:.2g}"
        plus_minus = number(error, error) if np.isfinite(error) else _interval(fit, label)
        symbol = f"{of.parameter.symbol} {of.unit}".strip()
        body.append([label, symbol, shown, plus_minus, known.get(label, ""), fit.step_of(label)])
    parts = [
        fit.title + (" [simulated]" if fit.simulated else ""),
        "\n".join(_meaning(fit)),
        Table(["parameter", "", "value", "±", title, "from"], body).text(),
        "\n".join(_steps(fit)),
        _held(fit),
        "\n".join(f"Warning: {warning}." for warning in fit.warnings),
    ]
    return "\n\n".join(part for part in parts if part)


def point_fit_view(fit: PointFit) -> View:
    """What an error bar is, values as value(uncertainty) with units, χ², what was held fixed, the warnings."""
    known, title = _beside(fit)
    body = []
    for label, value in fit.values.items():
        error, of = fit.errors[label], Label.parse(label)
        shown = with_error(value, error) if np.isfinite(error) else f"{value:.2g} {_interval(fit, label)}"
        body.append([of.symbol, label, shown, of.unit, known.get(label, ""), fit.step_of(label)])
    table = Table(["parameter", "", "value", "unit", title, "from"], body, numeric=(2, 4))
    notes = [*_steps(fit), _held(fit), *(f"Warning: {warning}." for warning in fit.warnings)]
    return View(fit.title, fit.simulated, _meaning(fit), [table], [note for note in notes if note])


def point_fit_rows(fit: PointFit) -> list[dict[str, Any]]:
    """A row per parameter for scripts; without an error bar it is NaN, and there may be an interval."""
    rows = []
    for label, value in fit.values.items():
        of = Label.parse(label).parameter
        row = {"label": label, "symbol": of.symbol, "unit": of.unit, "value": value, "error": fit.errors[label]}
        rows.append(row | {"interval": fit.intervals.get(label), "from": fit.step_of(label)})
    return rows


def _beside(fit: PointFit) -> tuple[dict[str, str], str]:
    """What stands beside the values, by label, and its title."""
    true = fit.experiment.truth is not None
    known, title = (truth_of(fit.experiment), "truth") if true else (paper_values(fit.experiment), "paper")
    return {label: f"{value:.4g}" for label, value in known.items()}, title


def _meaning(fit: PointFit) -> list[str]:
    return [f"Method: {fit.method}, {METHODS[fit.method]}. Not a posterior.", f"±: {fit.meaning}."]


def _interval(fit: PointFit, label: str) -> str:
    return "[{:.2g}, {:.2g}]".format(*fit.intervals[label]) if label in fit.intervals else "none"


def _steps(fit: PointFit) -> list[str]:
    return [
        f"{step.name}: χ² = {step.chi2:.1f} with {step.dof} degrees of freedom (χ²/dof = {step.reduced_chi2:.2f})"
        for step in fit.steps
    ]


def _held(fit: PointFit) -> str:
    held = ", ".join(f"{label} = {value:.4g}" for label, value in fit.fixed.items())
    return f"Held fixed, as if known exactly: {held}." if held else ""


def point_fit_facts(fit: PointFit) -> dict[str, Any]:
    """The same as plain values, for --json and for files."""
    correlation = fit.correlation
    return {
        "method": fit.method,
        "title": fit.title,
        "simulated": fit.simulated,
        "converged": fit.converged,
        "error_means": fit.meaning,
        "parameters": point_fit_rows(fit),
        "fixed": fit.fixed,
        "steps": [
            {"name": step.name, "chi2": step.chi2, "dof": step.dof, "reduced_chi2": step.reduced_chi2}
            for step in fit.steps
        ],
        "correlation": None if correlation is None else {"labels": fit.labels, "matrix": correlation.tolist()},
        "warnings": fit.warnings,
    }
