"""Checks in a report: data and model, single points, priors, correlations, sampling."""

from __future__ import annotations

import numpy as np

from ...datasets.experiment import Label
from ..checks import NOTABLE_SHIFT, Goodness, calibration_sensitivity, goodness, strongest
from ..figures import (
    describe_panel,
    loo_pit,
    panels_of,
    plot_energy,
    plot_panel,
    plot_pareto_k,
    plot_pit,
    plot_ranks,
    plot_strongest,
    worst_mixed,
)
from ..fits import ENERGY_LIMIT, summary_rows
from ..sampling import bfmi
from ..text import Table, calibration_table, p_text, sampled_again, signed
from .page import Parts, cell, picture
from .reported import Check, ReportedFit
from .svg import Room, densities

_TWO_PANELS = (0.62, 0.45, 0.1, 0.3)
_NAMED = 3
_WITH_NAMES: Room = (0.75, 0.5, 0.1, 0.1)
_SUSPICIOUS = 0.01
"""p-value of uniformity, over the number of series, below which predictions are not calibrated."""
_MOST_RATES = 6
"""Columns of the table of shifts."""


def data(reported: ReportedFit) -> Check:
    """A figure for each kind of measurement of each run."""
    fitted, draws = reported.fit, reported.draws
    found = {one.name: one for one in goodness(fitted.tree)}
    pictures = []
    for k, panel in enumerate(panels_of(draws)):
        said = [_said(found[one.name], one.name) for one in panel.measured if one.name in found]
        said += [one.note for one in panel.measured if one.note]
        where = "" if len(fitted.experiment.runs) == 1 else f", run {panel.run}"
        alt, made = describe_panel(fitted, draws, panel), plot_panel(fitted, draws, panel)
        title = f"{panel.name}{where}"
        pictures.append(picture(made, f"series{k}", alt=alt, caption=" ".join(said), title=title, room=_TWO_PANELS))
    note = (
        "Points: the data as given. Blue: the model, including the fitted calibration (94 and 50 %). Grey: the range of"
        " new data (94 %). Residuals: data minus posterior mean, divided by the standard deviation of the noise;"
        " circled beyond 3."
    )
    wrong = [one.name for one in found.values() if one.misfit]
    words = f"not described: {', '.join(wrong)}" if wrong else "every series is described within its scatter (χ²)"
    return Check(words, [("soft", note), ("figures", pictures)], expected=not wrong)


def _said(found: Goodness, name: str) -> str:
    judged = "not described by the model" if found.misfit else "described within the scatter"
    return (
        f"{name}: {judged} ({found.text}, p = {found.above:.2g}); {100 * found.inside:.0f} % of the"
        " points inside their 94 % predictive interval."
    )


def correlations(reported: ReportedFit) -> Check | None:
    """The strongest correlations by name, and as scatter plots."""
    fitted = reported.fit
    if len(fitted.by_label()) < 2:
        return None
    found = strongest(fitted)
    named = [f"{Label.parse(one).symbol} and {Label.parse(other).symbol}: {signed(r)}" for one, other, r in found[:8]]
    if not named:
        return Check("no rank correlation is beyond ± 0.5", ())
    made = picture(
        plot_strongest(fitted),
        "pairs",
        alt=f"Scatter plots of pairs of parameters. {'; '.join(named)}.",
        caption="Quote correlated parameters together: the file of the fit holds their joint draws.",
        room=(0.62, 0.45, 0.1, 0.1),
    )
    return Check(f"strongest: {named[0]}", [("items", named), ("figures", [made])])


def influence(reported: ReportedFit) -> Check:
    """Leave-one-out: does the fit hang on single points, and is each where the others predict it?"""
    fitted, left_out = reported.fit, reported.left_out
    failed = left_out.failed
    if failed:
        worst = ", ".join(failed[:_NAMED]) + (f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else "")
        said = f"the fit is dominated by single points (Pareto k̂ > {left_out.limit:.2f}): {worst}"
    else:
        said = "no single point dominates the fit"
    words = (
        f"Leave-one-out prediction of all data: elpd {left_out.elpd:.1f} ± {left_out.se:.1f}, effective parameters"
        f" {left_out.p_loo:.1f}."
    )
    pulls = picture(
        plot_pareto_k(fitted, found=left_out),
        "pareto",
        title="Pareto k̂",
        alt=f"Pareto k̂ of {len(left_out.units)} points, at most {float(np.max(left_out.pareto_k)):.2f}.",
        caption=f"A point above the line ({left_out.limit:.2f}) dominates the fit.",
        room=_WITH_NAMES,
    )
    if not fitted.tree["observed_data"].dataset.data_vars:  # of records
        return Check(said, [("paragraph", words), ("figures", [pulls])], expected=not failed)
    found = loo_pit(fitted)
    p_values = {name: p for name, (_, p) in found.items()}
    odd = [name for name, p in p_values.items() if p < _SUSPICIOUS / len(p_values)]
    if odd:
        said += f"; {', '.join(odd)} not where the others predict"
    elif not failed:
        said += "; each agrees with its prediction from the others"
    pit = picture(
        plot_pit(fitted, found=found),
        "pit",
        title="LOO-PIT",
        alt=f"LOO-PIT of each series. {'; '.join(f'{name}: p = {p_text(p)}' for name, p in p_values.items())}.",
        caption="Above zero on the left: data are lower than predicted; below zero: higher; an S shape: the errors are"
        " too large or too small. p: probability of a greater deviation.",
        room=_WITH_NAMES,
    )
    return Check(said, [("paragraph", words), ("figures", [pulls, pit])], expected=not (failed or odd))


def sampling(reported: ReportedFit) -> Check:
    """Convergence by parameter, ranks, and the energy if it mixes slowly."""
    fitted = reported.fit
    statistics = fitted.tree["sample_stats"].dataset
    said = [
        f"{statistics.sizes['chain']} chains of {statistics.sizes['draw']} draws,"
        f" {int(statistics['diverging'].sum())} divergent."
    ]
    if fitted.tree.attrs["attempts"] > 1:
        said.append(sampled_again(fitted.tree))
    pictures = [
        picture(
            plot_ranks(fitted),
            "ranks",
            title="Ranks",
            alt=f"Ranks of each chain for {', '.join(Label.parse(label).symbol for label in worst_mixed(fitted, 3))}.",
            caption="The parameters with the largest R-hat, one line per chain. If the chains agree, the lines"
            " fluctuate about zero. p: probability of a greater deviation.",
            room=_WITH_NAMES,
        )
    ]
    if "energy" in statistics:
        least = float(np.min(fitted.tree.attrs.get("bfmi", bfmi(statistics["energy"].values))))
        said.append(f"Least E-BFMI {least:.2f}, limit {ENERGY_LIMIT}.")
        if least < ENERGY_LIMIT:
            alt = f"Distributions of the energy and of its changes; least E-BFMI {least:.2f}."
            caption = "If both curves agree, the sampler explores freely."
            pictures.append(picture(plot_energy(fitted), "energy", title="Energy", alt=alt, caption=caption, room=None))
    words = reported.judged.sampling.removesuffix(".")
    healthy = bool(fitted.tree.attrs["healthy"])
    return Check(words, [("paragraph", " ".join(said)), ("figures", pictures)], expected=healthy)


def priors(reported: ReportedFit) -> Check:
    """Prior and posterior of every parameter, what informed it, and what an error of the calibration would do."""
    fitted, judged = reported.fit, reported.judged
    draws, before = fitted.by_label(), fitted.by_label("prior")
    texts = {one.label: str(one.prior) for one in fitted.parameters}
    body = []
    for row in summary_rows(fitted.tree):
        if row.label in draws and row.label in before:
            share = 0.0 if row.contraction is None else max(0.0, 100 * row.contraction)
            body.append([
                Label.parse(row.label).symbol, texts[row.label], cell("drawn", densities(before[row.label],
                draws[row.label])), f"{share:.0f} %", row.informed])  # fmt: skip
    header = ["parameter", "prior", "and posterior", "narrowed", "informed by"]
    note = (
        "Grey: prior; blue: posterior. Where both coincide, the data contributed nothing. Narrowed: by how much the"
        " data reduced the variance of the prior. dissentangle sensitivity shows which prior moves which rate."
    )
    named = [
        f"from the prior alone: {', '.join(Label.parse(label).symbol for label in judged.by_prior)}"
        if judged.by_prior
        else "the data inform every parameter"
    ]
    named += [f"another prior of {Label.parse(by).symbol} moves {Label.parse(of).symbol}"
              for of, by in judged.moved.items()]  # fmt: skip
    parts: Parts = [("table", Table(header, body, numeric=(3,))), ("soft", note), *_calibration(reported)]
    return Check("; ".join(named), parts, expected=not judged.moved)


def _calibration(reported: ReportedFit) -> Parts:
    """How each rate moves when a calibration constant is off by one standard deviation."""
    found = calibration_sensitivity(reported.fit, refit=False)
    if not found.columns or not found.labels:
        return []
    note = (
        "Shift of each posterior mean, in its standard deviation, if the prior of a constant is centred 1 σ higher"
        " (draws reweighted). The posterior already allows for such errors; this shows which of them matter."
    )
    shown = [
        column for column in found.columns if np.max(abs(column.shifts)) >= NOTABLE_SHIFT or column.how == "unreliable"
    ]
    rest = ", ".join(Label.parse(c.constant).symbol for c in found.columns if c not in shown)
    more = "The rates that move most; dissentangle sensitivity shows all. " if len(found.labels) > _MOST_RATES else ""
    return [
        ("heading", "If a calibration constant is off by one standard deviation"),
        ("table", calibration_table(found, shown, _MOST_RATES)),
        ("soft", f"{note} {more}" + (f"No rate moves by {NOTABLE_SHIFT:g} sd for: {rest}." if rest else "")),
    ]
