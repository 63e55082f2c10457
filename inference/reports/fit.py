"""The report of a fit: the answer, then the checks, then the record. A new section is one function and one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...datasets.experiment import Label
from ...forward_models import LOSS_NOISE_SHARE
from ..designs import proposals
from ..figures import PAGE_WIDTH, constant_runs, entangled_when, figure_2b, figure_2d, panels_of, plot_panel
from ..fits import Fit
from ..parallel import beside
from ..text import Table, coherences_text, derived_rows, paper_values, parameter_rows, truth_of
from .checks import correlations, data, influence, priors, sampling
from .continuous_measurement import continuous_measurement
from .criticism import could_be_wrong, criticism
from .page import Parts, Section, page, picture
from .record import derived, description, populations, posterior, published
from .reported import Check, ReportedFit, rivals

if TYPE_CHECKING:
    from xarray import DataTree

CHECKS: dict[str, Callable[[ReportedFit], Check | None]] = {
    "Data, model, residuals": data,
    "Continuous measurement": continuous_measurement,
    "What could still be wrong": could_be_wrong,
    "Rival models": rivals,
    "Criticism": criticism,
    "Influence of single points": influence,
    "Weight of the priors": priors,
    "Correlations": correlations,
    "Sampling": sampling,
}
"""Heading of a check, and what gives it; None where there is nothing to check."""
_APART = ("Influence of single points", "Weight of the priors", "Sampling")
"""Checks that need ArviZ, which takes as long to import as the others take to be drawn."""
RECORD: dict[str, Callable[[ReportedFit], Parts]] = {
    "All parameters": posterior,
    "Entanglement": derived,
    "Populations of the levels": populations,
    "Published numbers": published,
    "Reproduce this fit": description,
}
"""Heading of a section, and what gives its parts; one without any is left out."""

_MOST_RATES, _MOST_RUNS = 30, 3
"""In the table and the lines that stand first."""
_REFRESH = 5
"""Seconds after which a live page loads itself again."""
_RATIO = 0.75
"""Height over width of the figure that stands first."""


def fit_page(fit: DataTree, file: str = "", compared: Mapping[str, Any] | str | None = None) -> str:
    """The report of a fit as one HTML page, which needs neither network nor scripts.

    file : name of the fit's file, for the commands that reproduce it
    compared : facts of a comparison with rival models, shown where this fit is one of them; or why there are none
    """
    return page_of(ReportedFit(Fit(fit), file, compared))


def live_page(fit: DataTree | None, file: str, at: str, notice: str = "") -> str:
    """The report of a fit as a page that loads itself again every few seconds.

    fit : None: there is none yet;  file, at : its file, and when it was made;  notice : stands before all else
    """
    if fit is None:
        return page("No fit yet", notice=notice, refresh=_REFRESH)
    heading = f"{fit.attrs['title']} – {file}, {at}"
    return page_of(ReportedFit(Fit(fit), file), heading=heading, notice=notice, refresh=_REFRESH)


def page_of(reported: ReportedFit, cores: int | None = 1, **more: Any) -> str:
    """The page of a fit of which something is worked out already; with more than one core in a process beside this.

    more : passed on to `page`
    """
    apart = beside(lambda: {title: CHECKS[title](reported) for title in _APART}, cores)
    here = {title: check(reported) for title, check in CHECKS.items() if title not in _APART}
    record = [Section(title, make(reported), expected=True) for title, make in RECORD.items()]
    above = opening(reported)
    every = here | apart()
    checks = {title: found for title in CHECKS if (found := every[title]) is not None}
    groups = {
        "Checks": [Section(title, one.parts, one.said, one.expected) for title, one in checks.items()],
        "Record": record,
    }
    return page(**above, groups=groups, **more)


def opening(reported: ReportedFit) -> dict[str, Any]:
    """The verdict, the title, and the answer: what stands above the sections of a page."""
    judged, experiment = reported.judged, reported.fit.experiment
    parts: Parts = [
        ("paragraph", judged.conditions[0]),
        ("soft", judged.conditions[1]),
        ("beside", (_answer(reported), _figure(reported))),
        ("heading", "What to do next"),
        ("items", _next_steps(reported)),
    ]
    status = "doubtful" if judged.status == "healthy" and reported.lost else judged.status
    return {"title": experiment.title, "simulated": experiment.simulated, "opening": parts,
            "verdict": reported.verdict, "status": status}  # fmt: skip


def _answer(reported: ReportedFit) -> Parts:
    """The rates, and what follows for ξ."""
    fitted, experiment = reported.fit, reported.fit.experiment
    known = {"true": truth_of(experiment), "paper": paper_values(experiment)}
    every = [row for row in parameter_rows(fitted.tree) if row.summary.sd > 0]
    rates = [row for row in every if row.label.is_rate or row.label.name == LOSS_NOISE_SHARE] or every
    rows = rates[:_MOST_RATES]
    beside = [title for title, values in known.items() if any(str(row.label) in values for row in rows)]
    units, off = {row.label.unit for row in rows} - {""}, _could_be_off(reported)
    one_unit = len(units) == 1
    body = [
        [_named(row.label, one_unit), row.value]
        + [f"{known[title][str(row.label)]:.4g}" if str(row.label) in known[title] else "" for title in beside]
        + [row.summary.informed or "derived", *([off.get(str(row.label), "")] if off else [])]
        for row in rows
    ]
    first = f"rate ({units.pop()})" if one_unit else "rate"
    header = [first, "value(±)", *beside, "informed by", *(["could be off by"] if off else [])]
    least = [row for row in derived_rows(fitted.tree) if row.name == "xi_minimum"][:_MOST_RUNS]
    said = [
        f"minimum of ξ{f' in run {row.entry}' if len(least) > 1 else ''} {row.printed[0]}, 94 % {row.span}"
        for row in least
    ]
    said += [f"ξ < 1 with 97 % or more {span}" for span in entangled_when(fitted)[:_MOST_RUNS]]
    if reported.judged.status in ("misfit", "unhealthy"):
        said = []
    left = len(rates) - len(rows)
    more = f" {left} more rates and all" if left else " All" if len(every) > len(rows) else ""
    return [
        ("table", Table(header, body, numeric=range(1, 2 + len(beside)))),
        ("soft", f"{'; '.join(said)}." if said else ""),
        ("soft", f"{facts_of(reported)}.{f'{more} parameters: see the record.' if more else ''}"),
    ]


def _named(label: Label, one_unit: bool) -> str:
    """Symbol of a row, with its unit where the header has none; c says what it is."""
    what = "closure" if label.name == LOSS_NOISE_SHARE else "" if one_unit else label.unit
    return f"{label.symbol} ({what})" if what else label.symbol


def _could_be_off(reported: ReportedFit) -> dict[str, str]:
    """Label of a rate → by how many error bars what is assumed absent could move it; none of a fit not usable."""
    if not reported.judged.condition:
        return {}
    found: dict[str, float] = {}
    for one in reported.judged.alarms.possible:
        for label, by in one.shifts.items():
            found[label] = max(found.get(label, 0.0), abs(by))
    return {label: f"{by:.1f} sd" if by < 9.95 else f"{by:.0f} sd" for label, by in found.items()}


def facts_of(reported: ReportedFit) -> str:
    """What was fitted: how many values, the closure, the model."""
    fitted, experiment = reported.fit, reported.fit.experiment
    members = f", {len(experiment.members)} experiments in one fit" if experiment.members else ""
    values = sum(int(series.fitted.sum()) for series in experiment.series)
    numbers = sum(not o.excluded for o in experiment.observations)
    records = sum(int(record.fitted.sum()) for record in experiment.records)
    samples = sum(2 * int(record.fitted.sum()) * record.length for record in experiment.records)
    said = [f"{values} values in {len(experiment.series)} series" if values else ""]
    said += [f"{records} records of the light with {samples} samples" if records else ""]
    said += [f"{numbers} published numbers" if numbers else "", f"{fitted.settings.closure} closure"]
    said += [f"model {fitted.settings.name}" if fitted.settings.name else ""]
    return ", ".join(part for part in said if part) + members


def _figure(reported: ReportedFit) -> Parts:
    """ξ(t); where no light drives, with the record; else the first series."""
    fitted, draws = reported.fit, reported.draws
    if fitted.driven_runs:
        drawn, title = figure_2b(fitted, width=PAGE_WIDTH, ratio=_RATIO), "ξ(t)"
    elif constant_runs(fitted):
        drawn, title = figure_2d(fitted, width=PAGE_WIDTH), "ξ(t), with and without the record"
    else:
        panel = panels_of(draws)[0]
        drawn, title = plot_panel(fitted, draws, panel), panel.name
    alt = f"{title}: the data with the posterior bands. {'; '.join(entangled_when(fitted)) or fitted.experiment.title}."
    return [("figures", [picture(drawn, "answer", alt=alt, room=None)])]


def _next_steps(reported: ReportedFit) -> list[str]:
    judged = reported.judged
    steps = (
        [f"Use the fit of {reported.better}, or average over the models: see rival models."] if reported.lost else []
    )
    steps += [*judged.next_steps, *coherences_text(reported.fit, judged)]
    if judged.condition:
        steps.append("Measure what is assumed absent, or state its size in the file (docs: howto/errors.html).")
    for proposal in proposals(reported.fit)[:2] if judged.status in ("healthy", "doubtful", "weak") else []:
        gains = ", ".join(
            f"{Label.parse(label).symbol} (variance − {100 * gain:.0f} %)" for label, gain in proposal.gains.items()
        )
        steps.append(
            f"Measuring {proposal.kind} in run {proposal.run} ({len(proposal.times)} points, each ± {proposal.sigma:g})"
            f" would tell more of {gains}."
        )
    return steps
