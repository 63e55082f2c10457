"""The summary of a campaign: one row a data set, as a Dataset and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..forward_models import PARAMETERS
from . import assessment
from .diagnostics import ParameterSummary
from .text_table import summary_rows

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

STATUS = (*assessment.STATUS, "failed")
"""From best to worst."""
NOT_FITTED = "could not be fitted: "
"""How the text begins that stands in place of a fit's tables."""
_TEXTS = ("status", "title", "verdict", "engine")
_COUNTS = ("simulated", "divergences", "attempts")
_NUMBERS = ("min_ess", "max_rhat", "seconds")


@dataclass(frozen=True)
class Row:
    """What the summary says of one data set; for a failed one `verdict` is the reason.

    assumed : which rates are from the prior alone, as a sentence
    parameters : label → mean, sd, low, high (94 % HDI);  derived : label → median, low, high (94 %)
    min_ess : least bulk or tail ESS of all parameters;  seconds : preparing and sampling
    """

    name: str
    status: str
    verdict: str
    title: str = ""
    assumed: str = ""
    engine: str = ""
    simulated: int = -1
    divergences: int = -1
    attempts: int = -1
    min_ess: float = np.nan
    max_rhat: float = np.nan
    seconds: float = np.nan
    parameters: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    derived: dict[str, tuple[float, float, float]] = field(default_factory=dict)


def failed_row(name: str, reason: str) -> Row:
    """The row of a data set that could not be read or fitted."""
    return Row(name, "failed", reason)


def row_of(name: str, fit: DataTree) -> Row:
    """The row of a fit."""
    import json

    judged = assessment.assess(fit)
    rows: list[ParameterSummary] = [row for row in summary_rows(fit) if row.sd > 0]
    return Row(
        name=name,
        status=judged.status,
        verdict=_verdict(judged),
        assumed=judged.assumed,
        title=str(fit.attrs["title"]),
        engine=str(fit.attrs["engine"]),
        simulated=int(fit.attrs["simulated"]),
        divergences=int(fit["sample_stats"]["diverging"].sum()),
        attempts=int(fit.attrs["attempts"]),
        min_ess=min(min(row.ess_bulk, row.ess_tail) for row in rows),
        max_rhat=max(row.rhat for row in rows),
        seconds=float(sum(json.loads(fit.attrs["timings"]).values())),
        parameters={row.label: (row.mean, row.sd, row.low, row.high) for row in rows},
        derived=dict(_derived(fit)),
    )


def _verdict(judged: assessment.Assessment) -> str:
    if judged.status == "misfit":
        return judged.model
    return judged.headline if judged.status in ("weak", "doubtful") or judged.assumed else judged.sampling


def _derived(fit: DataTree) -> Iterable[tuple[str, tuple[float, float, float]]]:
    data = fit["derived"].dataset
    for name, variable in data.data_vars.items():
        for k, entry in enumerate(data[variable.dims[-1]].values):
            values = np.quantile(variable.values[..., k], [0.5, 0.03, 0.97], method="nearest")
            yield f"{name}[{entry}]", (float(values[0]), float(values[1]), float(values[2]))


def summary_dataset(rows: Sequence[Row]) -> Dataset:
    """The summary as a Dataset: dims dataset, parameter, derived; NaN where a data set has no such parameter."""
    import xarray as xr

    columns: dict[str, Any] = {n: ("dataset", np.array([getattr(r, n) for r in rows], object)) for n in _TEXTS}
    columns |= {n: ("dataset", np.array([getattr(r, n) for r in rows], np.int64)) for n in _COUNTS}
    columns |= {n: ("dataset", np.array([getattr(r, n) for r in rows], float)) for n in _NUMBERS}
    coords: dict[str, Any] = {"dataset": np.array([row.name for row in rows], object)}
    for dim, numbers in (("parameter", ("mean", "sd", "low", "high")), ("derived", ("median", "low", "high"))):
        found = [getattr(row, "parameters" if dim == "parameter" else "derived") for row in rows]
        labels = list(dict.fromkeys(label for entries in found for label in entries))
        coords[dim] = np.array(labels, object)
        missing = (np.nan,) * len(numbers)
        table = np.array([[entries.get(label, missing) for label in labels] for entries in found], float)
        table = table.reshape(len(rows), len(labels), len(numbers))
        for k, number in enumerate(numbers):
            columns[number if dim == "parameter" else f"derived_{number}"] = (("dataset", dim), table[..., k])
    attributes = {"interval": "94 % HDI; of derived quantities 3 to 97 %"}
    return xr.Dataset(columns, coords=coords, attrs=attributes)


def summary_csv(rows: Sequence[Row]) -> str:
    """The summary as CSV: a parameter has columns for mean, sd, low and high; units stand in the header."""
    parameters = list(dict.fromkeys(label for row in rows for label in row.parameters))
    derived = list(dict.fromkeys(label for row in rows for label in row.derived))
    header = ["name", *_TEXTS, *_COUNTS, *_NUMBERS]
    header += [f"{label} {what}" for label in parameters for what in _headings(label)]
    header += [f"{label} {what}" for label in derived for what in ("median", "3 %", "97 %")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells: list[Any] = [_cell(row.name), *(_cell(getattr(row, n)) for n in (*_TEXTS, *_COUNTS, *_NUMBERS))]
        for labels, found, count in ((parameters, row.parameters, 4), (derived, row.derived, 3)):
            for label in labels:
                cells += [f"{number:.6g}" for number in found[label]] if label in found else [""] * count
        writer.writerow(cells)
    return text.getvalue()


def _headings(label: str) -> list[str]:
    unit = PARAMETERS[label.split("[", maxsplit=1)[0]].unit
    return [f"{what}{'' if unit == '1' else f' ({unit})'}" for what in ("mean", "sd", "3 % HDI", "97 % HDI")]


def _cell(value: Any) -> str:
    """Text for a table: in one line, and never a formula for a spreadsheet."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    if isinstance(value, int):
        return "" if value < 0 else str(value)
    line = " ".join(str(value).split())
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line
