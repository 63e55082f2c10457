"""The index of a campaign: one page, no scripts, no network; what needs attention comes first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote, unquote

from .campaign_summary import STATUS, Row
from .text_table import number, symbol

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }}
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem; }}
p {{ max-width: 50rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }}
th {{ position: sticky; top: 0; background: Canvas; }}
td.number, th.number {{ text-align: right; white-space: nowrap; }}
td.words {{ min-width: 18rem; overflow-wrap: anywhere; }}
td.name {{ min-width: 8rem; max-width: 16rem; overflow-wrap: anywhere; }}
small {{ font-weight: normal; opacity: .7; }}
.healthy {{ color: #0a7d3f; }} .unhealthy {{ color: #b25900; }} .failed {{ color: #c4221c; }}
@media (prefers-color-scheme: dark) {{
.healthy {{ color: #56d08a; }} .unhealthy {{ color: #ffb25c; }} .failed {{ color: #ff8078; }} }}
@media print {{ body {{ margin: 0; font-size: 9px; }} }}
</style></head><body>
<h1>{title}</h1>
<p>{summary}</p>
<p>Posterior means with the standard deviation in brackets in units of the last digits; rates in ms⁻¹.
The whole table, with intervals and derived quantities: <a href="summary.csv">summary.csv</a>,
<a href="summary.nc">summary.nc</a>.</p>
<div class="wide"><table><thead><tr>{header}</tr></thead>
<tbody>
{body}
</tbody></table></div>
</body></html>
"""
_SUFFIXES = {"failed": "could not be fitted", "unhealthy": "should not be used as they are", "healthy": "are healthy"}


def index_page(rows: Sequence[Row]) -> str:
    """The page as HTML. All texts of data sets are shown as text."""
    labels = list(dict.fromkeys(label for row in rows for label in row.parameters))
    counts = {status: sum(row.status == status for row in rows) for status in reversed(STATUS)}
    said = [f"{count} {_SUFFIXES[status]}" for status, count in counts.items() if count]
    made = sum(row.simulated == 1 for row in rows)
    simulated = f" {made} of the data sets are simulated, not measured." if made else ""
    ordered = sorted(rows, key=lambda row: (-STATUS.index(row.status), -row.max_rhat if row.max_rhat > 1.01 else 0))
    heads = ["<th>data set</th><th>status</th><th>in words</th>"]
    heads += [f'<th class="number">{escape(symbol(label))}<br><small>{escape(label)}</small></th>' for label in labels]
    heads += ['<th class="number">ESS</th><th class="number">R-hat</th>']
    return _PAGE.format(
        title=f"Campaign: {len(rows)} data sets",
        summary=escape(f"{', '.join(said)}.{simulated}"),
        header="".join(heads),
        body="\n".join(_line(row, labels) for row in ordered),
    )


def _line(row: Row, labels: Sequence[str]) -> str:
    where, shown = quote(row.name), escape(_short(unquote(row.name)))
    report = f'<a href="reports/{where}.txt">{shown}</a>'
    fit = "" if row.status == "failed" else f' · <a href="fits/{where}.nc">file</a>'
    mark = " [simulated]" if row.simulated == 1 else ""
    numbers = [_with_error(*row.parameters[label][:2]) if label in row.parameters else "" for label in labels]
    numbers += ["", ""] if row.status == "failed" else [f"{row.min_ess:.0f}", f"{row.max_rhat:.3f}"]
    words = row.verdict if row.status != "healthy" else row.title
    return (
        f'<tr><td class="name">{report}{fit}</td><td class="{row.status}">{row.status}</td>'
        f'<td class="words">{escape(_short(words) + mark)}</td>'
        + "".join(f'<td class="number">{escape(text)}</td>' for text in numbers)
        + "</tr>"
    )


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 300 else line[:299] + "…"


def _with_error(mean: float, sd: float) -> str:
    """1.234(56): the standard deviation with two digits, in units of the last digit of the mean."""
    text = number(mean, sd)
    decimals = len(text.partition(".")[2])
    return f"{text}({sd * 10**decimals:.0f})"
