"""The posterior as a table for a paper or a notebook: LaTeX (siunitx, booktabs), Markdown, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...datasets import ExperimentError
from ...datasets.experiment import Label, shown_unit
from ...forward_models import PARAMETERS
from ...forward_models.parameters import LATEX_SYMBOLS
from ..choices import TABLE_FORMATS
from ..fits import summary_rows
from .numbers import with_error
from .text_table import number

if TYPE_CHECKING:
    from xarray import DataTree

_SIUNITX = {"1": "", "1/ms": r"\per\milli\second", "ms": r"\milli\second", "deg": r"\degree", "1/deg": r"\per\degree"}
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


@dataclass(frozen=True)
class _Row:
    label: str
    unit: str
    value: str
    low: str
    high: str
    mean: float
    sd: float


def posterior_as(fit: DataTree, form: str) -> str:
    """The posterior table as "latex", "markdown" or "csv"; values as 0.1125(75), intervals 94 % HDI.

    Raises ExperimentError for another form.
    """
    if form not in FORMS:
        raise ExperimentError(f"table: found the format {form!r}, expected one of {', '.join(FORMS)}")
    rows = [
        _Row(
            row.label,
            PARAMETERS[row.label.partition("[")[0]].unit,
            with_error(row.mean, row.sd),
            number(row.low, row.sd),
            number(row.high, row.sd),
            row.mean,
            row.sd,
        )
        for row in summary_rows(fit)
    ]
    title = " ".join(str(fit.attrs["title"]).split())
    return FORMS[form](rows, title + (" [simulated]" if fit.attrs["simulated"] else ""))


def _latex(rows: list[_Row], title: str) -> str:
    lines = [
        r"% \usepackage{siunitx,booktabs}",
        f"% {''.join(c for c in title if c.isprintable())[:200]}",
        r"\begin{tabular}{llll}",
        r"\toprule",
        r"parameter & value & 94\,\% HDI & unit \\",
        r"\midrule",
    ]
    for row in rows:
        unit = _SIUNITX[row.unit]
        interval = rf"[\num{{{row.low}}}, \num{{{row.high}}}]"
        lines.append(
            rf"{_latex_symbol(row.label)} & \num{{{row.value}}} & {interval} & "
            + (rf"\unit{{{unit}}}" if unit else "")
            + r" \\"
        )
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_symbol(label: str) -> str:
    name, bracket, entry = label.partition("[")
    return f"${LATEX_SYMBOLS[name]}$" + (f" ({_escaped(entry[:-1])})" if bracket else "")


def _escaped(text: str) -> str:
    """Text of the user's for LaTeX: every character stands for itself; what LaTeX's own fonts lack is a '?'."""
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    return re.sub(r"[\\{}$&#%_~^<>]", lambda match: _ESCAPES[match[0]], plain)


def _markdown(rows: list[_Row], title: str) -> str:
    lines = ["| parameter | value | 94 % HDI | unit |", "|---|---|---|---|"]
    for row in rows:
        symbol = _cell(Label.parse(row.label).symbol)
        lines.append(f"| {symbol} | {row.value} | {row.low} … {row.high} | {shown_unit(row.unit)} |")
    return "\n".join([_cell(title), "", *lines, ""])


def _cell(text: str) -> str:
    """Text of the user's for Markdown, in one line."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", line)


def _csv(rows: list[_Row], title: str) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["parameter", "unit", "value", "mean", "sd", "low", "high"])
    for row in rows:
        writer.writerow([row.label, row.unit, row.value, f"{row.mean:.8g}", f"{row.sd:.4g}", row.low, row.high])
    return stream.getvalue()


FORMS: dict[str, Callable[[list[_Row], str], str]] = dict(zip(TABLE_FORMATS, (_latex, _markdown, _csv), strict=True))
