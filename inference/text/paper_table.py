"""A posterior or rates averaged over models as a table for a paper: LaTeX (siunitx, booktabs), Markdown, CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...datasets import ExperimentError
from ...datasets.experiment import Label
from ..choices import TABLE_FORMATS
from .numbers import number, with_error
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

    LaTeX and Markdown name the closure, the model and the version, and what informed each value, data or prior.

    CSV has the mean and the standard deviation as numbers, too, and the labels of the parameters for their symbols.

    Raises
    ------
    ExperimentError : for another form
    """
    _require(form)
    return FORMS[form](parameter_rows(fit), _title(fit.attrs), _made_by(fit.attrs))


def averages_as(facts: Mapping[str, Any], form: str) -> str:
    """The rates averaged over the models of a comparison, a row per rate and average, as `posterior_as` has them.

    facts : of a comparison, see `comparison_facts`

    Raises
    ------
    ExperimentError : for another form, and for a comparison without averages
    """
    _require(form)
    averages = facts.get("averages", [])
    rows = [(Label.parse(label), one, rate) for one in averages for label, rate in one["rates"].items()]
    if not rows:
        raise ExperimentError("table: found a comparison without averaged rates, expected one of two healthy models")
    comment = [f"% {one['in_words']}" for one in averages] if form == "latex" else []
    return "\n".join([*comment, _AVERAGES[form](rows, _title(facts))])


def _require(form: str) -> None:
    if form not in TABLE_FORMATS:
        raise ExperimentError(f"table: found the format {form!r}, expected one of {', '.join(TABLE_FORMATS)}")


def _title(facts: Mapping[Any, Any]) -> str:
    return " ".join(str(facts["title"]).split()) + (" [simulated]" if facts["simulated"] else "")


def _made_by(facts: Mapping[Any, Any]) -> str:
    """The model and the version that made a fit."""
    model = json.loads(facts["settings"])["model"]
    names = [one for one in (model["name"], model["forward_model"]) if one]
    version = json.loads(facts["versions"])["dissentangle"]
    return ", ".join([f"{model['closure']} closure", *map(str, names), f"dissentangle {version}"])


def _latex(rows: list[ParameterRow], title: str, made_by: str) -> str:
    body = []
    for row in rows:
        unit = _SIUNITX[row.label.parameter.unit]
        ends = rf"[\num{{{row.low}}}, \num{{{row.high}}}]"
        units = rf"\unit{{{unit}}}" if unit else ""
        body.append([_symbol(row.label), rf"\num{{{row.value}}}", ends, units, row.summary.informed_by(_symbol)])
    header = ["parameter", "value", r"94\,\% HDI", "unit", "informed by"]
    return f"% {made_by}\n{Table(header, body, title=title).latex()}"


def _symbol(label: Label) -> str:
    entry = f" ({_escaped(label.entry)})" if label.entry else ""
    return f"${label.parameter.latex or label.parameter.symbol}${entry}"


def _escaped(text: str) -> str:
    """Text of the user's for LaTeX: every character stands for itself; what LaTeX's own fonts lack is a '?'."""
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    return re.sub(r"[\\{}$&#%_~^<>]", lambda match: _ESCAPES[match[0]], plain)


def _markdown(rows: list[ParameterRow], title: str, made_by: str) -> str:
    body = [
        [row.label.symbol, row.value, f"{row.low} … {row.high}", row.label.unit, row.summary.informed] for row in rows
    ]
    header = ["parameter", "value", "94 % HDI", "unit", "informed by"]
    return Table(header, body, title=f"{title} ({made_by})").markdown()


def _csv(rows: list[ParameterRow], title: str, made_by: str) -> str:
    body = [
        [str(row.label), row.label.parameter.unit, row.value, f"{row.summary.mean:.8g}", f"{row.summary.sd:.4g}",
         row.low, row.high]
        for row in rows
    ]  # fmt: skip
    return Table(["parameter", "unit", "value", "mean", "sd", "low", "high"], body, title=title).csv()


FORMS: dict[str, Callable[[list[ParameterRow], str, str], str]] = dict(
    zip(TABLE_FORMATS, (_latex, _markdown, _csv), strict=True)
)

Averaged = tuple[Label, Mapping[str, Any], Mapping[str, Any]]
"""A label with the facts of an average and those of its rate."""


def _cells_of(rate: Mapping[str, Any]) -> tuple[str, str, str]:
    """Value, and both ends of the interval."""
    value = with_error(rate["mean"], rate["sd"])
    return value, number(rate["low"], rate["sd"]), number(rate["high"], rate["sd"])


def _averages_latex(rows: list[Averaged], title: str) -> str:
    body = []
    for label, average, rate in rows:
        value, low, high = _cells_of(rate)
        unit = rf"\unit{{{_SIUNITX[label.parameter.unit]}}}"
        ends = rf"[\num{{{low}}}, \num{{{high}}}]"
        body.append([_symbol(label), rf"\num{{{value}}}", ends, unit, f"{average['models']}", average["by"]])
    header = ["rate", "value", r"94\,\% interval", "unit", "models", "weights by"]
    return Table(header, body, title=f"averaged over models: {title}").latex()


def _averages_markdown(rows: list[Averaged], title: str) -> str:
    body = []
    for label, average, rate in rows:
        value, low, high = _cells_of(rate)
        body.append([label.symbol, value, f"{low} … {high}", label.unit, f"{average['models']}", average["by"]])
    header = ["rate", "value", "94 % interval", "unit", "models", "weights by"]
    return Table(header, body, title=f"averaged over models: {title}").markdown()


def _averages_csv(rows: list[Averaged], title: str) -> str:
    body = []
    for label, average, rate in rows:
        value, low, high = _cells_of(rate)
        numbers = [f"{rate['mean']:.8g}", f"{rate['sd']:.4g}", low, high, f"{rate['error']:.2g}"]
        body.append([str(label), label.parameter.unit, value, *numbers, f"{average['models']}", average["by"]])
    header = ["parameter", "unit", "value", "mean", "sd", "low", "high", "monte_carlo_error", "models", "weights_by"]
    return Table(header, body, title=title).csv()


_AVERAGES: dict[str, Callable[[list[Averaged], str], str]] = dict(
    zip(TABLE_FORMATS, (_averages_latex, _averages_markdown, _averages_csv), strict=True)
)
