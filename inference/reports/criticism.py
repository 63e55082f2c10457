"""Checks in a report that question the model: statistics of the data among replications, what could still be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..checks import ALARM, STATISTICS, Criticism
from ..figures import ROWS, lagged, plot_autocorrelation, plot_criticism
from ..fits import Fit
from ..text import Table, disturbance_table, row_numbers
from .page import Parts, Picture, cell, picture
from .reported import Check, ReportedFit

_AXIS = 2.55
"""Inches for the names of statistics."""


def criticism(reported: ReportedFit) -> Check | None:
    """Statistics of the data among those of replicated data: those that are unusual as a table, all as a figure."""
    fitted = reported.fit
    found = reported.judged.criticism
    if not found.rows:
        return None
    note = (
        "Could the fitted model have produced these data? Each statistic of the data is compared with those of data"
        " that the posterior predicts (for residuals: refitted to each). p: two-sided probability of so unusual a"
        " value. For values (minimum, crossing, slope), which the fit has seen, p is conservative (too large)."
    )
    unusual = [row for row in found.rows if not row.expected]
    rows = [
        [row.series, row.meaning, *row_numbers(row), cell("strong", row.words) if row.surprising else row.words]
        for row in unusual
    ]
    header = ["series", "statistic", "data", "replicated, 94 %", "p", ""]
    said = f"{len(found.surprising)} of {len(found.rows)} statistics are surprising" if found.surprising else (
        f"all {len(found.rows)} statistics of the data are as the model expects" if not unusual else
        f"nothing surprising in {len(found.rows)} statistics of the data")  # fmt: skip
    parts: Parts = [
        ("table", Table(header, rows, numeric=(2, 3, 4))),
        ("figures", [*_statistics(fitted, found), *_autocorrelation(fitted)]),
        ("soft", f"{found.verdict} {note}"),
    ]
    return Check(said, parts, expected=not found.surprising)


def could_be_wrong(reported: ReportedFit) -> Check | None:
    """What laboratories may have and the model does not: what these data leave possible, and what it would do."""
    found = reported.judged.alarms
    if not found.suspicions:
        return None
    note = (
        "Each row is one effect that the model leaves out. z-score: of its score test, standard normal if the effect is"
        " absent. By the data alone: its size if nothing else causes what looks like it. Plausible: two standard"
        " deviations, by the data and by what is usual in laboratories. Last column: by how many posterior standard"
        " deviations that moves the rates."
    )
    agree = "do not agree" if found.raised else "agree within their errors"
    possible = f"{len(found.possible)} effects that the data cannot exclude would move a rate by about its error bar"
    said = f"the series {agree} (p = {found.p:.2g}, an alarm below {ALARM:g}); {possible}"
    return Check(said, [("table", disturbance_table(found)), ("soft", note)], expected=not found.raised)


def _statistics(fitted: Fit, found: Criticism) -> list[Picture]:
    """Those of series; the checks of records have a figure of their own."""
    found = replace(found, rows=tuple(row for row in found.rows if row.statistic in STATISTICS))
    if not found.rows:
        return []
    least = sorted(found.rows, key=lambda row: row.p_value)[:3]
    words = "; ".join(f"{row.series}, {row.meaning}: p = {row.p_value:.2g}, {row.words}" for row in least)
    only = f" The {ROWS} of {len(found.rows)} with the smallest p." if len(found.rows) > ROWS else ""
    made = picture(
        plot_criticism(fitted, found=found),
        "criticism",
        title="Statistics of the data and of replications",
        alt=f"{len(found.rows)} statistics of the data and of replications. Smallest p: {words}.",
        caption=f"Bars: 50 and 94 % of the replications; points: the data.{only}",
        room=(_AXIS, 0.45, 0.1, 0.3),
    )
    return [made]


def _autocorrelation(fitted: Fit) -> list[Picture]:
    found = lagged(fitted)
    words = []
    for name, (_, of_data, (low, high)) in found.items():
        outside = int(np.sum((of_data < low) | (of_data > high)))
        words.append(f"{name} {of_data[0]:+.2f}, {outside} of {len(of_data)} lags outside")
    if not words:
        return []
    made = picture(
        plot_autocorrelation(fitted, found=found),
        "autocorrelation",
        title="Autocorrelation of the residuals",
        alt=f"Autocorrelation of residuals by series. At lag 1, and lags outside the 94 % band: {'; '.join(words)}.",
        room=(0.62, 0.45, 0.1, 0.3),
        caption="Several neighbouring lags outside their bars: a drift, or a time dependence that the model lacks.",
    )
    return [made]
