"""Sections of a report that question the fit: criticism, weight of priors and calibration. Nothing is fitted again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...datasets.experiment import Label
from ..checks import (
    NOTABLE_SHIFT,
    STATISTICS,
    THRESHOLD,
    Criticism,
    StatisticRow,
    calibration_sensitivity,
    criticize,
    power_scaling,
    replications,
)
from ..figures import PANELS, lagged, plot_autocorrelation, plot_criticism, plot_sensitivity
from ..fits import Fit
from ..text import Table, calibration_table, deciding_table, disturbance_table, row_numbers, shift_sentences
from .fit import ReportedFit
from .page import Parts, Picture, cell, picture

_MOST_PARTS = 400
"""Rates × (priors + series) beyond which power scaling one by one is left to `dissentangle sensitivity`."""
_SENTENCES = 4
_MOST_RATES = 6
"""Columns of the table of shifts."""


def criticism(reported: ReportedFit) -> Parts:
    """Statistics of the data among those of replicated data."""
    fitted = reported.fit
    found = criticize(fitted)
    if not found.rows:
        return []
    note = (
        "Would the fitted model make such data again? Each statistic of the data beside those of data that the"
        " posterior predicts (for residuals: refitted to each). p: two-sided chance of a value as unusual. For"
        " statistics of values (minimum, crossing, slope), which the fit saw, p is conservative: larger than by chance."
    )
    rows = [
        [row.series, row.meaning, *row_numbers(row), cell("strong", row.words) if row.surprising else row.words]
        for row in _told(found)
    ]
    rest = len(found.rows) - len(rows)
    header = ["series", "statistic", "data", "replicated, 94 %", "p", ""]
    return [
        ("paragraph", found.verdict),
        ("soft", note),
        ("table", Table(header, rows, numeric=(2, 3, 4))),
        ("paragraph", f"{'The other' if rows else 'All'} {rest} are as the model expects." if rest else ""),
        ("figures", [*_statistics(fitted, found), *_autocorrelation(fitted)]),
    ]


def could_be_wrong(reported: ReportedFit) -> Parts:
    """What laboratories may have and the model does not: what these data leave possible, and what it would do."""
    found = reported.judged.alarms
    if not found.suspicions:
        return []
    note = (
        "Each row: what the model leaves out, alone. z-score: of its score test, standard normal if it is absent. By"
        " the data alone: its size if all that looks like it is it. Plausible: two standard deviations, by the data and"
        " by what is usual in laboratories. Last: by how many posterior standard deviations that moves the rates."
        f" The series agree with each other with p = {found.p:.2g}."
    )
    return [("soft", note), ("table", disturbance_table(found))]


def _told(found: Criticism) -> list[StatisticRow]:
    """All statistics where there are few; else those of the course, and the unusual ones."""
    if len(found.rows) <= PANELS:
        return list(found.rows)
    of_values = {name for name, statistic in STATISTICS.items() if statistic.of == "values"}
    return [row for row in found.rows if not row.expected or row.statistic in of_values]


def _statistics(fitted: Fit, found: Criticism) -> list[Picture]:
    """Those of series; the checks of records have a figure of their own."""
    found = replace(found, rows=tuple(row for row in found.rows if row.statistic in STATISTICS))
    if not found.rows:
        return []
    least = sorted(found.rows, key=lambda row: row.p_value)[:3]
    words = "; ".join(f"{row.series}, {row.meaning}: p = {row.p_value:.2g}, {row.words}" for row in least)
    more = len(found.rows) - PANELS
    only = f" The {PANELS} of {len(found.rows)} with the smallest p." if more > 0 else ""
    made = picture(
        plot_criticism(fitted, found=found),
        "criticism",
        title="Statistics of the data among those of replications",
        alt=f"Histograms of {len(found.rows)} statistics of replicated data, the data's marked. Smallest p: {words}.",
        caption=f"Grey: replications; line: the data. In the tail: the model would hardly make such data.{only}",
    )
    return [made]


def _autocorrelation(fitted: Fit) -> list[Picture]:
    words = []
    for one in replications(fitted):
        if one.kind and len(one.x) >= 6:
            _, of_data, (low, high) = lagged(one)
            outside = int(np.sum((of_data < low) | (of_data > high)))
            words.append(f"{one.name} {of_data[0]:+.2f}, {outside} of {len(of_data)} lags outside")
    if not words:
        return []
    made = picture(
        plot_autocorrelation(fitted),
        "autocorrelation",
        title="Autocorrelation of the residuals",
        alt=f"Autocorrelation of residuals by series. At lag 1, and lags outside the 94 % band: {'; '.join(words)}.",
        caption="Band: 94 % of the replications. Several neighbouring lags above it: a drift, or a course that the"
        " model does not have.",
    )
    return [made]


def calibration_shifts(fitted: Fit) -> Parts:
    """How each rate moves when a calibration constant is off by one standard deviation."""
    found = calibration_sensitivity(fitted, refit=False)
    if not found.columns or not found.labels:
        return []
    note = (
        "Shift of each posterior mean, in its standard deviation, when the prior of a constant is centred 1 σ higher"
        " (draws reweighted). The posterior allows for such errors already: this shows which of them matter."
    )
    shown = [
        column for column in found.columns if np.max(abs(column.shifts)) >= NOTABLE_SHIFT or column.how == "unreliable"
    ]
    rest = ", ".join(Label.parse(c.constant).symbol for c in found.columns if c not in shown)
    more = len(found.labels) > _MOST_RATES
    parts: Parts = [
        ("heading", "If a calibration constant is off by one standard deviation"),
        ("soft", note),
        ("table", calibration_table(found, shown, _MOST_RATES)),
        ("paragraph", f"No rate moves by {NOTABLE_SHIFT:g} sd for: {rest}." if rest else ""),
        ("paragraph", "The rates that move most; dissentangle sensitivity shows all." if more else ""),
    ]
    if not shown:
        return parts
    notable = shift_sentences(found)[:_SENTENCES]
    made = picture(
        plot_sensitivity(fitted, found=found),
        "shifts",
        title="Shifts in standard deviations",
        alt=f"Table of shifts of rates by constants that are off. {' '.join(notable) or 'None is notable.'}",
        caption="Blue: the rate goes down, orange: up.",
    )
    return [*parts, ("items", notable), ("figures", [made])]


def apart(fitted: Fit) -> Parts:
    """Power scaling of each prior, and each series, by itself: what is beyond the threshold."""
    rates = [label for label in fitted.by_label(derived=True) if Label.parse(label).is_rate]
    number = len(rates) * (len(fitted.by_label()) + len(fitted.tree["observed_data"].dataset.data_vars))
    if number > _MOST_PARTS:
        return [("soft", f"{number} pairs of rate and prior or series: dissentangle sensitivity shows them.")]
    found = power_scaling(fitted, rates)
    note = f"Each prior, and each series, made stronger by itself: those that move a rate beyond {THRESHOLD}."
    return [
        ("heading", "Which prior, which series"),
        ("soft", note),
        ("table", deciding_table(found, ["rate", "moved by the prior of", "moved by the series"])),
    ]
