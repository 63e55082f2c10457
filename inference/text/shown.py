"""Predictions and campaigns in words and tables; and how each kind of result shows itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...datasets.experiment import Label
from ..checks import STATUS, reason
from .comparison import comparison_rows, comparison_text, comparison_view
from .criticism import criticism_rows, criticism_text, criticism_view
from .design import design_rows, design_text, design_view
from .fit import fit_rows, fit_text, fit_view
from .numbers import interval, number, with_error
from .point_fit import point_fit_rows, point_fit_text, point_fit_view
from .table import Table, View

if TYPE_CHECKING:
    from xarray import Dataset

QUANTILES = (0.03, 0.25, 0.5, 0.75, 0.97)
"""Of a prediction, as files and scripts have them."""
_PRINTED = 12


def prediction_text(prediction: Dataset) -> str:
    """Medians and 94 % intervals of what `predict` returned, at about twelve of its times."""
    view = prediction_view(prediction)
    return "\n\n".join([f"{view.title}: {view.verdict[0]}", view.tables[0].text()])


def prediction_view(prediction: Dataset) -> View:
    """What was predicted, and the table of `prediction_text`."""
    times, lights, names = prediction["time"].values, prediction["stage_lights"].values, _quantities(prediction)
    rows = []
    for k in range(0, len(times), max(1, len(times) // _PRINTED)):
        cells = [f"{times[k]:g}", str(lights[k])]
        for name in names:
            low, middle, high = np.quantile(prediction[name].values[:, k], [0.03, 0.5, 0.97])
            scale = (high - low) / 4
            cells.append(f"{number(middle, scale)} {interval(low, high, scale)}")
        rows.append(cells)
    stages = f"run {prediction.attrs['run']}: {prediction.attrs['stages']}"
    said = "; ".join(filter(None, (stages, prediction.attrs["changes"])))
    table = Table(["t (ms)", "light", *names], rows, numeric=range(2, 2 + len(names)))
    about = prediction.attrs["title"], bool(prediction.attrs["simulated"])
    return View(*about, [f"{said} (median, 94 % interval)"], [table])


def prediction_rows(prediction: Dataset) -> list[dict[str, Any]]:
    """A row per time: the time and the quantiles of each quantity."""
    columns = {"time (ms)": prediction["time"].values}
    for name in _quantities(prediction):
        quantiles = np.quantile(prediction[name].values, QUANTILES, axis=0)
        columns |= {f"{name} {100 * q:g} %": column for q, column in zip(QUANTILES, quantiles, strict=True)}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _quantities(prediction: Dataset) -> list[str]:
    return [str(name) for name in prediction.data_vars if name != "stage_lights"]


def campaign_text(summary: Dataset) -> str:
    """How many data sets have which status; the rates of all; what is said of those that are not healthy."""
    view = campaign_view(summary)
    return "\n".join([*view.verdict, "", view.tables[0].text(), "", *view.notes]).rstrip()


def campaign_view(summary: Dataset) -> View:
    """The same, with the rates as value(uncertainty)."""
    rows, labels = campaign_rows(summary), common_rates(summary)
    statuses = [row["status"] for row in rows]
    header = ["data set", "date", "status", *(f"{of.symbol} {of.unit}".strip() for of in map(Label.parse, labels))]
    body = [[row["name"], row["date"], row["status"], *(_value(row, label) for label in labels)] for row in rows]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in (*STATUS, "failed") if status in statuses)
    notes = [
        f"{row['name']}: {row['status']}: {reason(row['status'], row['verdict'])}"
        for row in rows
        if row["status"] != "healthy"
    ]
    simulated = bool((summary["simulated"].values == 1).all())
    return View(
        f"{len(rows)} data sets", simulated, [counts], [Table(header, body, numeric=range(3, len(header)))], notes
    )


def _value(row: Mapping[str, Any], label: str) -> str:
    return with_error(row[label], row[f"{label} sd"]) if np.isfinite(row[label]) else ""


def common_rates(summary: Dataset) -> list[str]:
    """Labels of the rates that at least half of the fitted data sets of a campaign have."""
    there = np.isfinite(summary["mean"].values)
    often = 2 * there.sum(axis=0) >= there.any(axis=1).sum()
    return [
        str(p)
        for p, kept in zip(summary["parameter"].values, often, strict=True)
        if kept and Label.parse(str(p)).is_rate
    ]


def campaign_rows(summary: Dataset) -> list[dict[str, Any]]:
    """A row per data set: name, date, status, verdict; mean, standard deviation and 94 % HDI of each parameter."""
    rows = []
    for k, name in enumerate(summary["dataset"].values):
        row: dict[str, Any] = {"name": str(name)}
        row |= {column: str(summary[column].values[k]) for column in ("date", "status", "verdict", "title")}
        for j, label in enumerate(summary["parameter"].values):
            numbers = {"": "mean", " sd": "sd", " low": "low", " high": "high"}
            row |= {f"{label}{what}": float(summary[column].values[k, j]) for what, column in numbers.items()}
        rows.append(row)
    return rows


class Showing(NamedTuple):
    """How a kind of result shows itself: plain text, view of a notebook, rows of a table, the first their index."""

    text: Callable[[Any], str]
    view: Callable[[Any], View]
    rows: Callable[[Any], list[dict[str, Any]]]


VIEWS = {
    "fit": Showing(fit_text, fit_view, fit_rows),
    "point_fit": Showing(point_fit_text, point_fit_view, point_fit_rows),
    "comparison": Showing(comparison_text, comparison_view, comparison_rows),
    "criticism": Showing(criticism_text, criticism_view, criticism_rows),
    "design": Showing(design_text, design_view, design_rows),
    "prediction": Showing(prediction_text, prediction_view, prediction_rows),
    "campaign": Showing(campaign_text, campaign_view, campaign_rows),
}
"""Of each `kind` of `Shown`."""
