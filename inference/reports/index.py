"""The index of many fits: one page, what needs attention first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np

from ...datasets.experiment import Label, date_of
from ..checks import STATUS, Assessment, assess, reason
from ..figures import outlying, plot_trend
from ..text import Table, derived_rows, parameter_rows, with_error
from .page import Picture, cell, page, picture

if TYPE_CHECKING:
    from xarray import DataTree

_SUFFIXES = {
    "failed": "could not be fitted",
    "unhealthy": "not to be used: the sampling failed",
    "misfit": "not described by the model",
    "weak": "of little use",
    "doubtful": "to be looked at",
    "healthy": "healthy",
}
_RHAT = 1.01
_OF_TRENDS = (
    "By date if all have one, otherwise by name. Line and band: mean of the population and its scatter beyond the"
    " errors. Labelled: farther than 3 sd from the others."
)


def index_page(
    rows: Sequence[SummaryRow], reports: Mapping[str, str], files: Mapping[str, str], summaries: Sequence[str] = ()
) -> str:
    """The page as HTML. All texts of data sets are shown as text.

    reports, files : by name, where the report and the fit are;  summaries : files with the whole table
    """
    labels = _common(rows)
    counts = {status: sum(row.status == status for row in rows) for status in reversed(SUMMARY_STATUS)}
    said = [f"{count} {_SUFFIXES[status]}" for status, count in counts.items() if count]
    made = sum(row.simulated == 1 for row in rows)
    simulated = f" {made} of the data sets are simulated, not measured." if made else ""
    far = _far_off(rows, labels)
    titles = len({row.title for row in rows}) > 1
    header = ["data set", "status", *(Label.parse(label).symbol for label in labels), "ESS", "R-hat", ""]
    body = [
        _cells(row, labels, reports.get(row.name, ""), files.get(row.name, ""), far.get(row.name, ""), titles)
        for row in sorted(rows, key=lambda row: (*_attention(row)[:2], row.name not in far, row.name))
    ]
    trends = _trends(rows, labels)
    note = "Rates in ms⁻¹: posterior means, in brackets the standard deviation in units of the last digits."
    return page(
        f"{len(rows)} fits",
        opening=[
            ("paragraph", f"{', '.join(said)}.{simulated}"),
            ("paragraph", f"Far off the others: {', '.join(unquote(name) for name in far)}." if far else ""),
            ("paragraph", note),
            ("files", summaries),
            ("table", Table(header, body, numeric=range(2, len(header) - 1))),
            ("heading", "Each rate over the data sets" if trends else ""),
            ("figures", trends),
            ("soft", _OF_TRENDS if trends else ""),
        ],
    )


def _far_off(rows: Sequence[SummaryRow], labels: Sequence[str]) -> dict[str, str]:
    """Name of a data set → which of its rates lie far from those of the others, in words."""
    found: dict[str, list[str]] = {}
    for label in labels:
        for k in outlying(*_numbers(rows, label).T):
            found.setdefault(rows[k].name, []).append(Label.parse(label).symbol)
    return {name: f"{', '.join(symbols)} far off the others." for name, symbols in found.items()}


def _numbers(rows: Sequence[SummaryRow], label: str) -> np.ndarray:
    """Mean and standard deviation (n, 2) of a parameter, NaN where a data set has none."""
    missing = (np.nan, np.nan)
    return np.array([row.parameters[label][:2] if label in row.parameters else missing for row in rows])


def _trends(rows: Sequence[SummaryRow], labels: Sequence[str]) -> list[Picture]:
    """Each rate over the data sets, by date where all have one, else by name."""
    if len(rows) < 2:
        return []
    if all(row.date for row in rows):
        rows = sorted(rows, key=lambda row: (row.date, row.name))
    names = [unquote(row.name) for row in rows]
    pictures = []
    for k, label in enumerate(labels):
        alt = f"{Label.parse(label).symbol} of {len(rows)} data sets, ± sd."
        pictures.append(
            picture(plot_trend(names, label, _numbers(rows, label)), f"trend{k}", alt=alt, room=(0.85, 0.45, 0.1, 0.1))
        )
    return pictures


def _common(rows: Sequence[SummaryRow]) -> list[str]:
    """Rates that at least half of the fits have: columns of a table that stays readable."""
    count = Counter(label for row in rows for label in row.parameters if Label.parse(label).is_rate)
    fitted = sum(bool(row.parameters) for row in rows)
    return [label for label, number in count.items() if 2 * number >= fitted]


def _attention(row: SummaryRow) -> tuple[int, float, str]:
    """Failed first, healthy last; among equals the worst R-hat first where it is beyond the limit."""
    return -SUMMARY_STATUS.index(row.status), -row.max_rhat if row.max_rhat > _RHAT else 0.0, row.name


def _cells(row: SummaryRow, labels: Sequence[str], report: str, file: str, far: str, titles: bool) -> list[str]:
    numbers = [with_error(*row.parameters[label][:2]) if label in row.parameters else "" for label in labels]
    numbers += ["", ""] if row.status == "failed" else [f"{row.min_ess:.0f}", f"{row.max_rhat:.3f}"]
    title = f"{row.title} " if titles else ""
    words = f"{title}{far} {row.assumed}" if row.status == "healthy" else reason(row.status, row.verdict)
    return [
        cell("links", unquote(row.name), report, file),
        cell("status", row.status),
        *numbers,
        cell("words", words, row.simulated == 1),
    ]


SUMMARY_STATUS = (*STATUS, "failed")
"""From best to worst."""
NOT_FITTED = "could not be fitted: "
"""How the text begins that stands in place of a fit's tables."""


@dataclass(frozen=True)
class SummaryRow:
    """What the summary says of one data set; for a failed one `verdict` is the reason.

    assumed : which rates are from the prior alone, as a sentence
    date : 2026-11-03, of its experiment.toml or its name, else ""
    parameters : label → mean, sd, low, high (94 % HDI);  derived : label → median, low, high (94 %)
    min_ess : least bulk or tail ESS of all parameters;  seconds : preparing and sampling
    """

    name: str
    status: str
    verdict: str
    title: str = ""
    date: str = ""
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


def failed_row(name: str, reason: str) -> SummaryRow:
    """The row of a data set that could not be read or fitted."""
    return SummaryRow(name, "failed", reason)


def row_of(name: str, fit: DataTree, judged: Assessment | None = None) -> SummaryRow:
    """The row of a fit; parameters that all others fix, whose sd is zero, are left out.

    judged : its verdict, where it is known
    """
    import json

    judged = judged or assess(fit)
    rows = [row.summary for row in parameter_rows(fit) if row.summary.sd > 0]
    return SummaryRow(
        name=name,
        status=judged.status,
        verdict=_verdict(judged),
        assumed=judged.assumed,
        title=str(fit.attrs["title"]),
        date=str(fit["experiment"].attrs.get("date", "")) or date_of(unquote(name)),
        engine=str(fit.attrs["engine"]),
        simulated=int(fit.attrs["simulated"]),
        divergences=int(fit["sample_stats"]["diverging"].sum()),
        attempts=int(fit.attrs["attempts"]),
        min_ess=min(min(row.ess_bulk, row.ess_tail) for row in rows),
        max_rhat=max(row.rhat for row in rows),
        seconds=float(sum(json.loads(fit.attrs["timings"]).values())),
        parameters={row.label: (row.mean, row.sd, row.low, row.high) for row in rows},
        derived={f"{row.name}[{row.entry}]": (row.median, row.low, row.high) for row in derived_rows(fit)},
    )


def _verdict(judged: Assessment) -> str:
    if judged.status == "misfit":
        return judged.model
    return judged.headline if judged.status in ("weak", "doubtful") or judged.assumed else judged.sampling
