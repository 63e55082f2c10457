"""The index of many fits: one page, what needs attention first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import unquote

from ..campaign_summary import STATUS, Row
from ..rounding import with_error
from ..text_table import symbol
from .html import page, paragraph, shown, table

_SUFFIXES = {
    "failed": "could not be fitted",
    "unhealthy": "not to be used: the sampling failed",
    "misfit": "not described by the model",
    "weak": "of little use",
    "doubtful": "to be looked at",
    "healthy": "healthy",
}
_RHAT = 1.01


def index_page(
    rows: Sequence[Row], reports: Mapping[str, str], files: Mapping[str, str], summaries: Sequence[str] = ()
) -> str:
    """The page as HTML. All texts of data sets are shown as text.

    reports, files : by name, where the report and the fit are;  summaries : files with the whole table
    """
    labels = _common(rows)
    counts = {status: sum(row.status == status for row in rows) for status in reversed(STATUS)}
    said = [f"{count} {_SUFFIXES[status]}" for status, count in counts.items() if count]
    made = sum(row.simulated == 1 for row in rows)
    simulated = f" {made} of the data sets are simulated, not measured." if made else ""
    header = ["data set", "status", "in words", *(symbol(label) for label in labels), "ESS", "R-hat"]
    body = [
        _cells(row, labels, reports.get(row.name, ""), files.get(row.name, "")) for row in sorted(rows, key=_attention)
    ]
    title = f"{len(rows)} fits"
    links = ", ".join(f'<a href="{name}">{name}</a>' for name in summaries)
    parts = [
        f"<h1>{title}</h1>",
        paragraph(f"{', '.join(said)}.{simulated}"),
        paragraph("Posterior means; in brackets the standard deviation in units of the last digits; rates in ms⁻¹."),
        f"<p>With intervals and derived quantities: {links}.</p>" if links else "",
        table(header, body, numbers=range(3, len(header))),
    ]  # fmt: skip
    return page(title, "\n".join(parts))


def _common(rows: Sequence[Row]) -> list[str]:
    """Parameters that at least half of the fits have: columns of a table that stays readable."""
    count = Counter(label for row in rows for label in row.parameters)
    fitted = sum(bool(row.parameters) for row in rows)
    return [label for label, number in count.items() if 2 * number >= fitted]


def _attention(row: Row) -> tuple[int, float, str]:
    """Failed first, healthy last; among equals the worst R-hat first where it is beyond the limit."""
    return -STATUS.index(row.status), -row.max_rhat if row.max_rhat > _RHAT else 0.0, row.name


def _cells(row: Row, labels: Sequence[str], report: str, file: str) -> list[str]:
    name = shown(unquote(row.name))
    name = f'<a href="{report}">{name}</a>' if report else name
    name += f' · <a href="{file}">file</a>' if file else ""
    mark = ' <span class="mark">simulated</span>' if row.simulated == 1 else ""
    numbers = [with_error(*row.parameters[label][:2]) if label in row.parameters else "" for label in labels]
    numbers += ["", ""] if row.status == "failed" else [f"{row.min_ess:.0f}", f"{row.max_rhat:.3f}"]
    words = f"{row.title} {row.assumed}" if row.status == "healthy" else row.verdict
    return [
        name,
        f'<span class="{row.status}">{row.status}</span>',
        f'<div class="words">{shown(words)}{mark}</div>',
        *(escape(text) for text in numbers),
    ]
