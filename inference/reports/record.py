"""The record: all numbers of a fit, what was fitted, and the commands that reproduce it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from ...datasets.experiment import Label
from ..figures import plot_populations
from ..text import (
    DERIVED,
    Table,
    derived_rows,
    derived_table,
    paper_values,
    parameter_rows,
    published_rows,
    truth_of,
)
from .page import Parts, clipped, picture
from .reported import ReportedFit

_LONGEST_DESCRIPTION = 2000


def posterior(reported: ReportedFit) -> Parts:
    """The posterior of every parameter, and what was fixed."""
    fitted = reported.fit
    known = {"true": truth_of(fitted.experiment), "paper": paper_values(fitted.experiment)}
    rows = parameter_rows(fitted.tree)
    beside = [title for title, values in known.items() if any(str(row.label) in values for row in rows)]
    body = [
        [row.label.symbol, row.label.parameter.meaning, row.label.unit, row.value, f"{row.low} … {row.high}"]
        + [f"{known[title][str(row.label)]:.4g}" if str(row.label) in known[title] else "" for title in beside]
        + list(row.sampled)
        for row in rows
    ]
    note = (
        "Value: posterior mean (standard deviation). 94 % HDI: the shortest interval with 94 % of the posterior. ESS,"
        " R-hat: diagnostics of the sampling."
    )
    if "paper" in beside:
        note += " Paper: Krauter et al. 2011, captions of Fig. 2 (d of its first series); not used in the fit."
    fixed = [f"{Label.parse(u.label).symbol} = {u.prior.numbers[0]:g}" for u in fitted.parameters if u.prior.fixed]
    header = ["parameter", "", "unit", "value(±)", "94 % HDI", *beside, "ESS", "R-hat"]
    return [
        ("table", Table(header, body, numeric=range(3, len(header)))),
        ("soft", note),
        ("soft", f"Fixed: {', '.join(fixed)}." if fixed else ""),
    ]


def derived(reported: ReportedFit) -> Parts:
    """Derived quantities of the entanglement."""
    rows = derived_rows(reported.fit.tree)
    body = [
        [f"{DERIVED.get(row.name, row.name)} [{row.entry}]", row.shown_unit, row.printed[0], row.span] for row in rows
    ]
    return [("table", derived_table(rows, ["quantity", "unit", "median", "94 % interval"], body))]


def populations(reported: ReportedFit) -> Parts:
    """All levels against time, of a fit with sixteen of them."""
    fitted = reported.fit
    if fitted.settings.atoms == "three-state" or not fitted.driven_runs:
        return []
    run = fitted.driven_runs[0]
    alt = f"Populations of the sixteen levels in run {run} against time, logarithmic: median and 94 % of the posterior."
    drawn = plot_populations(fitted, run=run)
    return [("paragraph", alt), ("figures", [picture(drawn, "populations", alt=alt, room=None)])]


def published(reported: ReportedFit) -> Parts:
    """Published numbers that were fitted, and where the fit puts them."""
    header = ["number", "unit", "value", "94 % predictive", "inside", ""]
    return [("table", Table(header, published_rows(reported.fit.tree), numeric=(2, 3)))]


def description(reported: ReportedFit) -> Parts:
    """What the data set says of itself, and how the fit was made."""
    described = clipped(reported.fit.experiment.description, _LONGEST_DESCRIPTION)
    return [("paragraph", described), *reproduction(reported)]


def reproduction(reported: ReportedFit) -> Parts:
    """The commands that make the same draws again, and what they depend on."""
    attributes, file = reported.fit.tree.attrs, reported.file or "fit.nc"
    stored = json.loads(attributes["settings"])
    why = f" ({attributes['engine_reason']})" if attributes["engine_reason"] else ""
    versions = json.loads(attributes["versions"])
    rows = [
        ("SHA-256 of the data", str(attributes["data_sha256"])),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("Engine", f"{attributes['engine']}{why}"),
        ("Error of the integration grid", f"{attributes['quadrature_error']:.1e} standard deviations of the data"),
        ("Settings", json.dumps(stored, ensure_ascii=False)),
    ]
    return [
        ("paragraph", "The file of the fit holds the data and all settings. The same draws, with the same versions:"),
        ("command", f"dissentangle rerun {shlex.quote(file)} -o again.nc"),
        ("paragraph", "says whether they are, and what has changed; or, to change a setting:"),
        ("command", shlex.join(_command(stored["sampler"], stored["model"], file))),
        ("terms", rows),
    ]


def _command(sampler: Mapping[str, Any], model: Mapping[str, Any], file: str) -> list[str]:
    """The words of `dissentangle fit` that has these settings."""
    words = ["dissentangle", "fit", file, "-o", "again.nc", "--closure", model["closure"]]
    words += [word for name in ("seed", "draws", "tune", "chains") for word in (f"--{name}", str(sampler[name]))]
    words += ["--model", model["name"]] if model.get("name") else []
    words += ["--free-dephasing"] if model["free_dephasing"] else []
    words += ["--engine", sampler["engine"]] if sampler.get("engine") else []
    return words + [word for name, text in model["priors"].items() for word in ("--prior", f"{name}={text}")]
