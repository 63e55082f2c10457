"""The summary of a campaign: one row per data set, as a Dataset and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import Label
from ..reports import SummaryRow

if TYPE_CHECKING:
    from ..results import CampaignSummary

_TEXTS = ("status", "title", "verdict", "engine")
_COUNTS = ("simulated", "divergences", "attempts")
_NUMBERS = ("min_ess", "max_rhat", "seconds")


def summary_dataset(rows: Sequence[SummaryRow], dates: Mapping[str, str]) -> CampaignSummary:
    """The summary as a Dataset: dims dataset, parameter, derived; NaN where a data set has no such parameter.

    dates : 2026-11-03 by name; "" for one that is not known
    """
    from ..results import CampaignSummary

    columns: dict[str, Any] = {"date": ("dataset", np.array([dates.get(row.name, "") for row in rows], object))}
    columns |= {n: ("dataset", np.array([getattr(r, n) for r in rows], object)) for n in _TEXTS}
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
    return CampaignSummary(columns, coords=coords, attrs=attributes)


def summary_csv(rows: Sequence[SummaryRow], dates: Mapping[str, str]) -> str:
    """The summary as CSV: a parameter has columns for mean, sd, low and high; units stand in the header."""
    parameters = list(dict.fromkeys(label for row in rows for label in row.parameters))
    derived = list(dict.fromkeys(label for row in rows for label in row.derived))
    header = ["name", *_TEXTS, *_COUNTS, *_NUMBERS, "date"]
    header += [f"{label} {what}" for label in parameters for what in _headings(label)]
    header += [f"{label} {what}" for label in derived for what in ("median", "3 %", "97 %")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells: list[Any] = [
            _cell(row.name),
            *(_cell(getattr(row, n)) for n in (*_TEXTS, *_COUNTS, *_NUMBERS)),
            dates.get(row.name, ""),
        ]
        for labels, found, count in ((parameters, row.parameters, 4), (derived, row.derived, 3)):
            for label in labels:
                cells += [f"{number:.6g}" for number in found[label]] if label in found else [""] * count
        writer.writerow(cells)
    return text.getvalue()


def _headings(label: str) -> list[str]:
    unit = Label.parse(label).parameter.unit
    return [f"{what}{'' if unit == '1' else f' ({unit})'}" for what in ("mean", "sd", "3 % HDI", "97 % HDI")]


def _cell(value: Any) -> str:
    """Text for a table: in one line, and never a formula for a spreadsheet."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    if isinstance(value, int):
        return "" if value < 0 else str(value)
    line = " ".join(str(value).split())
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line
