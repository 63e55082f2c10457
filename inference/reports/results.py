"""Sections of a report that say what came out: posterior, series, derived quantities."""

from __future__ import annotations

from html import escape

import numpy as np

from ...datasets.experiment import Label, shown_unit
from ...forward_models import PARAMETERS
from ..checks import Goodness, goodness
from ..figures import Drawn, describe_panel, describe_probability, panels_of, plot_panel, plot_probability
from ..fits import Fit, summary_rows
from ..text import DERIVED, PUBLISHED, derived_rows, number, published_rows, truth_of
from .html import figure, figures, paragraph, table


def posterior(fitted: Fit) -> list[str]:
    """The posterior table."""
    experiment = fitted.experiment
    truth = truth_of(experiment)
    priors = {u.label: str(u.prior) for u in fitted.parameters}
    header = ["parameter", "", "unit", "mean", "sd", "94 % HDI", "prior", *(["true"] if truth else []), "paper",
              "ESS", "R-hat", "informed"]  # fmt: skip
    rows = []
    for row in summary_rows(fitted.tree):
        about = PARAMETERS[row.label.partition("[")[0]]
        cells = [
            escape(Label.parse(row.label).symbol),
            escape(about.meaning),
            shown_unit(about.unit),
            number(row.mean, row.sd),
            number(row.sd, row.sd),
            f"{number(row.low, row.sd)} … {number(row.high, row.sd)}",
            f'<span class="close">{escape(priors.get(row.label, "follows"))}</span>',
        ]
        cells += [f"{truth[row.label]:.4g}" if row.label in truth else ""] if truth else []
        cells += [f"{PUBLISHED[row.label]:g}" if row.label in PUBLISHED else ""]
        cells += [f"{min(row.ess_bulk, row.ess_tail):.0f}", f"{row.rhat:.3f}", _bar(row.contraction, row.informed)]
        rows.append(cells)
    right = [3, 4, 5, *range(7, len(header) - 1)]
    note = (
        "HDI: the shortest interval with 94 % of the posterior. Informed: by how much the data narrowed the variance of"
        " the prior. Paper: Krauter et al. 2011, captions of Fig. 2 (d of its first series); never conditioned on."
    )
    fixed = [f"{Label.parse(u.label).symbol} = {u.prior.numbers[0]:g}" for u in fitted.parameters if u.prior.fixed]
    return [
        table(header, rows, numbers=right),
        paragraph(note, "soft"),
        paragraph(f"Fixed: {', '.join(fixed)}." if fixed else "", "soft"),
    ]


def _bar(contraction: float | None, words: str) -> str:
    if contraction is None:
        return ""
    percent = max(0.0, 100 * contraction)
    return f'<meter min="0" max="100" value="{percent:.0f}">{percent:.0f} %</meter> {percent:.0f} % ({escape(words)})'


def series(fitted: Fit, drawn: Drawn) -> list[str]:
    """A figure for each kind of measurement of each run."""
    found = {one.name: one for one in goodness(fitted.tree)}
    parts = []
    for k, panel in enumerate(panels_of(drawn)):
        said = [_said(found[one.name], one.name) for one in panel.measured if one.name in found]
        said += [one.note for one in panel.measured if one.note]
        where = "" if len(fitted.experiment.runs) == 1 else f", run {panel.run}"
        alt = describe_panel(fitted, drawn, panel)
        made = plot_panel(fitted, drawn, panel)
        parts.append(figure(made, f"series{k}", alt=alt, caption=" ".join(said), title=f"{panel.name}{where}"))
    rows = [[escape(cell) for cell in row] for row in published_rows(fitted.tree)]
    right = [2, 3]
    return [
        paragraph(
            "Blue: what the model expects, given the data (94 and 50 %); grey: where new data would lie (94 %)."
            " Residuals: data minus posterior mean, over the standard deviation of the noise; ringed beyond 3.",
            "soft",
        ),
        figures(parts),
        "<h3>Published numbers</h3>" if rows else "",
        table(["number", "unit", "value", "94 % predictive", "inside", ""], rows, numbers=right),
    ]


def _said(found: Goodness, name: str) -> str:
    judged = "not described by the model" if found.misfit else "described within the scatter"
    return (
        f"{name}: {judged} ({found.text}, chance of more: {found.above:.2g}); {100 * found.inside:.0f} % of the"
        " points inside their 94 % predictive interval."
    )


def derived(fitted: Fit) -> list[str]:
    """Table of derived quantities and the probability of entanglement."""
    rows = []
    for row in derived_rows(fitted.tree):
        meaning = DERIVED.get(row.name, row.name)
        rows.append([escape(f"{meaning} [{row.entry}]"), escape(row.unit), row.middle, f"{row.low} … {row.high}"])
    parts = [table(["quantity", "unit", "median", "94 % interval"], rows, numbers=(2, 3))]
    if fitted.driven_runs:
        made = figure(
            plot_probability(fitted),
            "chance",
            title="Is it entangled at the time t?",
            alt=describe_probability(fitted),
            caption=_entangled(fitted),
        )
        parts.append(figures([made]))
    return parts


def _entangled(fitted: Fit) -> str:
    data = fitted.tree["derived"].dataset
    words = []
    for k, run in enumerate(fitted.driven_runs):
        least = data["xi_minimum"].values[..., k].ravel()
        ever = float(np.mean(least < 1))
        words.append(f"run {run}: entangled at some time with probability {ever:.3g}")
    return "; ".join(words) + ". Dotted: 3 and 97 %."
