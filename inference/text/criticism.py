"""Criticism and sensitivity in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...datasets.experiment import Label, shown_unit
from ..checks import (
    NOTABLE_SHIFT,
    THRESHOLD,
    Alarms,
    CalibrationSensitivity,
    CalibrationShift,
    Criticism,
    PowerScaling,
    Sensitivities,
    Sensitivity,
    StatisticRow,
    beyond,
)
from ..comparison import LeftOut
from .numbers import interval, number, p_text, signed
from .table import Table, View

_LISTED, _FINEST, _NAMED, _MOVED = 8, 1e-3, 4, 0.5


def criticism_text(found: Criticism) -> str:
    """The verdict, then a row per statistic: value of the data, 94 % interval of the replications, p-value."""
    rows = _statistics(found)
    return "\n\n".join([found.verdict, rows.text()] if rows else [found.verdict])


def _statistics(found: Criticism) -> Table:
    body = [
        [f"{row.series}: {row.meaning}", *row_numbers(row), "" if row.expected else row.words] for row in found.rows
    ]
    return Table(["statistic", "data", "replicated, 94 %", "p", ""], body, numeric=(1, 2, 3))


def criticism_view(found: Criticism) -> View:
    """The verdict and the statistics."""
    return View(found.title, found.simulated, [found.verdict], [_statistics(found)])


def criticism_rows(found: Criticism) -> list[dict[str, Any]]:
    """A row per statistic for scripts."""
    return list(found.facts()["statistics"])


def disturbance_table(found: Alarms) -> Table:
    """What could still be wrong: how large by the data and at most, and which rates that moves, the worst first."""
    header = ["what could still be wrong", "z-score", "by the data alone", "plausible (2 sd)", "shifts of rates, in sd"]
    body = []
    for one in found.suspicions:
        far = sorted(one.shifts.items(), key=lambda item: -abs(item[1]))[:_NAMED]
        moved = [f"{Label.parse(label).symbol} {signed(by, '.1f')}" for label, by in far if abs(by) >= _MOVED]
        of = one.disturbance
        body.append([of.words, signed(one.z, ".1f"), of.text(one.estimate), of.text(one.possible), ", ".join(moved)])
    return Table(header, body, numeric=(1, 2, 3))


def row_numbers(row: StatisticRow) -> list[str]:
    """Value of the data with its unit, 94 % interval of the replications, p-value."""
    whole = all(value == round(value) for value in (row.observed, row.low, row.high))
    scale = 0.0 if whole else max((row.high - row.low) / 4, _FINEST * abs(row.observed))
    return [f"{number(row.observed, scale)} {shown_unit(row.unit)}".rstrip(), interval(row.low, row.high, scale),
            p_text(row.p_value)]  # fmt: skip


def left_out_text(found: LeftOut) -> str:
    """A row per series: how the others predict it; then what that means, in a sentence each."""
    header = ["predicted", "from", "prediction ±", "error", "inside 94 %", "p", "elpd"]
    body = [
        [row.name, row.source, f"{row.prediction:.2g}", f"{row.error:.2g}", f"{100 * row.inside:.0f} %",
         p_text(row.p_value), f"{row.elpd:.1f} ± {row.se:.1f}"]
        for row in found.rows
    ]  # fmt: skip
    lines = [f"{row.words}{_remarks(row.from_prior, row.healthy)}" for row in found.rows]
    return "\n\n".join([Table(header, body).text(), "\n".join(lines)])


def _remarks(from_prior: tuple[str, ...], healthy: bool) -> str:
    said = f" From the prior: {', '.join(from_prior[:_NAMED])}" if from_prior else ""
    said += f" and {len(from_prior) - _NAMED} more" if len(from_prior) > _NAMED else ""
    return (said + "." if said else "") + ("" if healthy else " The sampling of that fit was not healthy.")


def sensitivity_text(found: Sensitivities) -> str:
    """Shifts by the calibration, then power scaling: what each rate owes to which prior and to which series."""
    shifts = found.calibration
    parts = [
        "Shift of each posterior mean, in its sd, when a constant is off by + 1 σ:",
        calibration_table(shifts, shifts.columns).text() if shifts.columns else "No constant is unknown.",
        "\n".join(shift_sentences(shifts)) or f"No rate moves by {NOTABLE_SHIFT:g} sd.",
        "Power scaling: change of each posterior per doubling of the power of all priors, and of the likelihood:",
        scaling_table(found.together).text(),
        f"Each prior, and each series, by itself (beyond {THRESHOLD:g}):",
        deciding_table(found.apart, ["rate", "prior of", "series"]).text(),
    ]
    return "\n\n".join(parts)


def scaling_table(found: Sequence[Sensitivity]) -> Table:
    """Of each parameter the change of its posterior by all priors and by the likelihood, and what that means."""
    body = [[Label.parse(row.label).symbol, f"{row.prior:.3f}", f"{row.likelihood:.3f}", row.words] for row in found]
    return Table(["parameter", "priors", "likelihood", ""], body, numeric=(1, 2))


def deciding_table(found: PowerScaling, header: Sequence[str]) -> Table:
    """A row per rate: the priors, and the series, whose power-scaling moves it beyond the threshold, with how far."""
    body = [
        [
            Label.parse(label).symbol,
            ", ".join(f"{Label.parse(part).symbol} {value:.2f}" for part, value in beyond(found.by_prior[label]))
            or "none",
            ", ".join(f"{part} {value:.2f}" for part, value in beyond(by_series)) or "none",
        ]
        for label, by_series in found.by_series.items()
    ]
    return Table(header, body)


def calibration_table(
    found: CalibrationSensitivity, columns: Sequence[CalibrationShift], most: int | None = None
) -> Table:
    """A row per constant: shift of each rate, or of the `most` rates that move furthest, in posterior sd."""
    furthest = np.argsort(-np.max(abs(found.matrix), axis=1), kind="stable")[:most]
    rates: list[int] = np.sort(furthest).tolist()
    header = ["constant", "off by", *(Label.parse(found.labels[k]).symbol for k in rates), ""]
    body = [
        [Label.parse(c.constant).symbol, _off_by(c), *(signed(c.shifts[k]) for k in rates), _how(c)] for c in columns
    ]
    return Table(header, body, numeric=range(1, len(header) - 1))


def _how(column: CalibrationShift) -> str:
    """Whether the numbers are by another fit, or not to be trusted; '' where reweighting did."""
    if column.how == "unreliable":
        return f"not reliable (k̂ = {column.pareto_k:.2f})"
    return "" if column.how == "reweighted" else column.how


def _off_by(column: CalibrationShift) -> str:
    """One standard deviation of a constant with its unit."""
    return f"{column.off_by:.3g} {Label.parse(column.constant).unit}".rstrip()


def shift_sentences(found: CalibrationSensitivity) -> list[str]:
    """The greatest shifts: 'dΓ moves by +0.0030 ms⁻¹ (+0.47 sd) when n3(0) is off by 0.0065.'"""
    shifts = [(k, column) for column in found.columns for k in np.flatnonzero(abs(column.shifts) >= NOTABLE_SHIFT)]
    shifts.sort(key=lambda shift: -abs(shift[1].shifts[shift[0]]))
    lines = []
    for k, column in shifts[:_LISTED]:
        rate, constant = Label.parse(found.labels[k]), Label.parse(column.constant)
        lines.append(
            f"{rate.symbol} moves by {signed(column.absolute[k], '.2g')} {rate.unit} ({signed(column.shifts[k])} sd)"
            f" when {constant.symbol} is off by {_off_by(column)}."
        )
    return lines
