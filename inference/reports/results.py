"""Sections of a report that say what came out: posterior, series, derived quantities."""

from __future__ import annotations

import numpy as np

from ...datasets.experiment import Label
from ..checks import Goodness, goodness
from ..figures import describe_panel, describe_probability, panels_of, plot_panel, plot_probability
from ..text import DERIVED, PUBLISHED, Table, derived_rows, derived_table, parameter_rows, published_rows, truth_of
from .fit import ReportedFit
from .page import Parts, cell, picture


def posterior(reported: ReportedFit) -> Parts:
    """The posterior table."""
    fitted = reported.fit
    truth = truth_of(fitted.experiment)
    priors = {one.label: str(one.prior) for one in fitted.parameters}
    header = ["parameter", "", "unit", "mean", "sd", "94 % HDI", "prior", *(["true"] if truth else []), "paper",
              "ESS", "R-hat", "informed"]  # fmt: skip
    body = []
    for row in parameter_rows(fitted.tree):
        label, contraction = str(row.label), row.summary.contraction
        share = None if contraction is None else f"{max(0.0, 100 * contraction):.0f}"
        body.append([
            row.label.symbol,
            row.label.parameter.meaning,
            row.label.unit,
            row.mean,
            row.sd,
            f"{row.low} … {row.high}",
            cell("close", priors.get(label, "follows")),
            *([f"{truth[label]:.4g}" if label in truth else ""] if truth else []),
            f"{PUBLISHED[label]:g}" if label in PUBLISHED else "",
            *row.sampled,
            "" if share is None else cell("share", share, row.summary.informed),
        ])  # fmt: skip
    note = (
        "HDI: the shortest interval with 94 % of the posterior. Informed: by how much the data narrowed the variance of"
        " the prior. Paper: Krauter et al. 2011, captions of Fig. 2 (d of its first series); never conditioned on."
    )
    fixed = [f"{Label.parse(u.label).symbol} = {u.prior.numbers[0]:g}" for u in fitted.parameters if u.prior.fixed]
    return [
        ("table", Table(header, body, numeric=(3, 4, 5, *range(7, len(header) - 1)))),
        ("soft", note),
        ("soft", f"Fixed: {', '.join(fixed)}." if fixed else ""),
    ]


def series(reported: ReportedFit) -> Parts:
    """A figure for each kind of measurement of each run."""
    fitted, draws = reported.fit, reported.draws
    found = {one.name: one for one in goodness(fitted.tree)}
    pictures = []
    for k, panel in enumerate(panels_of(draws)):
        said = [_said(found[one.name], one.name) for one in panel.measured if one.name in found]
        said += [one.note for one in panel.measured if one.note]
        where = "" if len(fitted.experiment.runs) == 1 else f", run {panel.run}"
        alt = describe_panel(fitted, draws, panel)
        made = plot_panel(fitted, draws, panel)
        pictures.append(picture(made, f"series{k}", alt=alt, caption=" ".join(said), title=f"{panel.name}{where}"))
    note = (
        "Blue: what the model expects, given the data (94 and 50 %); grey: where new data would lie (94 %). Residuals:"
        " data minus posterior mean, over the standard deviation of the noise; ringed beyond 3."
    )
    header = ["number", "unit", "value", "94 % predictive", "inside", ""]
    published = Table(header, published_rows(fitted.tree), numeric=(2, 3))
    return [
        ("soft", note),
        ("figures", pictures),
        ("heading", "Published numbers" if published else ""),
        ("table", published),
    ]


def _said(found: Goodness, name: str) -> str:
    judged = "not described by the model" if found.misfit else "described within the scatter"
    return (
        f"{name}: {judged} ({found.text}, chance of more: {found.above:.2g}); {100 * found.inside:.0f} % of the"
        " points inside their 94 % predictive interval."
    )


def derived(reported: ReportedFit) -> Parts:
    """Table of derived quantities and the probability of entanglement."""
    fitted = reported.fit
    found = derived_rows(fitted.tree)
    rows = [
        [f"{DERIVED.get(row.name, row.name)} [{row.entry}]", row.shown_unit, median, f"{low} … {high}"]
        for row in found
        for median, low, high in [row.printed]
    ]
    table = derived_table(found, ["quantity", "unit", "median", "94 % interval"], rows)
    if not fitted.driven_runs:
        return [("table", table)]
    least = fitted.tree["derived"].dataset["xi_minimum"].values
    words = [
        f"run {run}: entangled at some time with probability {float(np.mean(least[..., k] < 1)):.3g}"
        for k, run in enumerate(fitted.driven_runs)
    ]
    made = picture(
        plot_probability(fitted),
        "chance",
        title="Is it entangled at the time t?",
        alt=describe_probability(fitted),
        caption=f"{'; '.join(words)}. Dotted: 3 and 97 %.",
    )
    return [("table", table), ("figures", [made])]
