"""The posterior as a table for a paper or a notebook: LaTeX (siunitx, booktabs), Markdown, CSV."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...datasets import ExperimentError
from ..choices import TABLE_FORMATS
from .rows import ParameterRow, parameter_rows
from .table import Table

if TYPE_CHECKING:
    from xarray import DataTree

_SIUNITX = {"1": "", "1/ms": r"\per\milli\second", "ms": r"\milli\second", "deg": r"\degree", "1/deg": r"\per\degree"}
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def posterior_as(fit: DataTree, form: str) -> str:
    """The posterior table as "latex", "markdown" or "csv"; values as 0.1125(75), intervals 94 % HDI.

    CSV has the mean and the standard deviation as numbers, too, and the labels of the parameters for their symbols.

    Raises
    ------
    ExperimentError : for another form
    """
    if form not in FORMS:
        raise ExperimentError(f"table: found the format {form!r}, expected one of {', '.join(FORMS)}")
    title = " ".join(str(fit.attrs["title"]).split()) + (" [simulated]" if fit.attrs["simulated"] else "")
    return FORMS[form](parameter_rows(fit), title)


def _latex(rows: list[ParameterRow], title: str) -> str:
    body = []
    for row in rows:
        unit = _SIUNITX[row.label.parameter.unit]
        ends = rf"[\num{{{row.low}}}, \num{{{row.high}}}]"
        entry = f" ({_escaped(row.label.entry)})" if row.label.entry else ""
        symbol = f"${row.label.parameter.latex or row.label.parameter.symbol}${entry}"
        body.append([symbol, rf"\num{{{row.value}}}", ends, rf"\unit{{{unit}}}" if unit else ""])
    return Table(["parameter", "value", r"94\,\% HDI", "unit"], body, title=title).latex()


def _escaped(text: str) -> str:
    """Text of the user's for LaTeX: every character stands for itself; what LaTeX's own fonts lack is a '?'."""
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    return re.sub(r"[\\{}$&#%_~^<>]", lambda match: _ESCAPES[match[0]], plain)


def _markdown(rows: list[ParameterRow], title: str) -> str:
    body = [[row.label.symbol, row.value, f"{row.low} … {row.high}", row.label.unit] for row in rows]
    return Table(["parameter", "value", "94 % HDI", "unit"], body, title=title).markdown()


def _csv(rows: list[ParameterRow], title: str) -> str:
    body = [
        [str(row.label), row.label.parameter.unit, row.value, f"{row.summary.mean:.8g}", f"{row.summary.sd:.4g}",
         row.low, row.high]
        for row in rows
    ]  # fmt: skip
    return Table(["parameter", "unit", "value", "mean", "sd", "low", "high"], body, title=title).csv()


FORMS: dict[str, Callable[[list[ParameterRow], str], str]] = dict(
    zip(TABLE_FORMATS, (_latex, _markdown, _csv), strict=True)
)
