"""Criticism and sensitivity as tables for a terminal."""

from __future__ import annotations

from ...datasets.experiment import Label, shown_unit
from ...forward_models import PARAMETERS
from ..checks import (
    NOTABLE_SHIFT,
    THRESHOLD,
    CalibrationSensitivity,
    CalibrationShift,
    Criticism,
    PowerScaling,
    Sensitivities,
    StatisticRow,
)
from ..comparison import LeftOut
from .text_table import number, table

_LISTED, _ROUND, _FINEST = 8, 0.1, 1e-3


def criticism_text(found: Criticism) -> str:
    """The verdict, then a row a statistic."""
    body = [
        [f"{row.series}: {row.meaning}", *row_numbers(row), "" if row.expected else row.words] for row in found.rows
    ]
    header = ["statistic", "data", "replicated, 94 %", "p", ""]
    return "\n\n".join([found.verdict, table(header, body)] if body else [found.verdict])


def row_numbers(row: StatisticRow) -> list[str]:
    """Value of the data with its unit, interval of the replications, p-value."""
    whole = all(value == round(value) for value in (row.observed, row.low, row.high))
    scale = 0.0 if whole else max((row.high - row.low) / 4, _FINEST * abs(row.observed))
    unit = shown_unit(row.unit)
    value = number(row.observed, scale) + (f" {unit}" if unit else "")
    return [value, f"[{number(row.low, scale)}, {number(row.high, scale)}]", p_text(row.p_value)]


def p_text(p: float) -> str:
    """A p-value with two digits."""
    return f"{p:.2f}" if p >= _ROUND else f"{p:.2g}"


def left_out_text(found: LeftOut) -> str:
    """A row a series, and what it means."""
    header = ["predicted", "from", "prediction ±", "error", "inside 94 %", "p", "elpd"]
    body = [
        [row.name, row.source, f"{row.prediction:.2g}", f"{row.error:.2g}", f"{100 * row.inside:.0f} %",
         p_text(row.p_value), f"{row.elpd:.1f} ± {row.se:.1f}"]
        for row in found.rows
    ]  # fmt: skip
    lines = [f"{row.words}{_remarks(row.from_prior, row.healthy)}" for row in found.rows]
    return "\n\n".join([table(header, body), "\n".join(lines)])


def _remarks(from_prior: tuple[str, ...], healthy: bool) -> str:
    said = f" From the prior: {', '.join(from_prior[:4])}" if from_prior else ""
    said += f" and {len(from_prior) - 4} more" if len(from_prior) > 4 else ""
    return (said + "." if said else "") + ("" if healthy else " The sampling of that fit was not healthy.")


def sensitivity_text(found: Sensitivities) -> str:
    """Shifts by the calibration, then power scaling: what each rate owes to which prior and to which series."""
    parts = ["Shift of each posterior mean, in its sd, when a constant is off by + 1 σ:"]
    parts += [calibration_table(found.calibration)] if found.calibration.columns else ["No constant is unknown."]
    parts += ["\n".join(shift_sentences(found.calibration)) or f"No rate moves by {NOTABLE_SHIFT:g} sd."]
    rows = [
        [Label.parse(row.label).symbol, f"{row.prior:.3f}", f"{row.likelihood:.3f}", row.words]
        for row in found.together
    ]
    parts += [
        "Power scaling: change of each posterior per doubling of the power of all priors, of the likelihood:",
        table(["parameter", "priors", "likelihood", ""], rows),
        f"Each prior, and each series, by itself (beyond {THRESHOLD:g}):",
        table(["rate", "prior of", "series"], named_parts(found.apart)),
    ]
    return "\n\n".join(parts)


def calibration_table(found: CalibrationSensitivity) -> str:
    """Constants × rates."""
    header = ["constant", "off by", *(Label.parse(label).symbol for label in found.labels), ""]
    body = [
        [Label.parse(column.constant).symbol, off_by(column), *(signed(shift) for shift in column.shifts), how(column)]
        for column in found.columns
    ]
    return table(header, body)


def how(column: CalibrationShift) -> str:
    """Whether the numbers are by another fit, or not to be trusted; '' where reweighting did."""
    if column.how == "unreliable":
        return f"not reliable (k̂ = {column.pareto_k:.2f})"
    return "" if column.how == "reweighted" else column.how


def off_by(column: CalibrationShift) -> str:
    """One standard deviation of a constant with its unit."""
    unit = shown_unit(PARAMETERS[column.constant.partition("[")[0]].unit)
    return f"{column.off_by:.3g}" + (f" {unit}" if unit else "")


def signed(shift: float, form: str = ".2f") -> str:
    """A shift with its sign."""
    return f"{'−' if shift < 0 else '+'}{abs(shift):{form}}"


def shift_sentences(found: CalibrationSensitivity) -> list[str]:
    """The greatest shifts: 'dΓ moves by +0.0030 ms⁻¹ (+0.47 sd) when n3(0) is off by 0.0065.'"""
    lines = []
    for label, column, shift, absolute in found.notable()[:_LISTED]:
        unit = shown_unit(PARAMETERS[label.partition("[")[0]].unit)
        lines.append(
            f"{Label.parse(label).symbol} moves by {signed(absolute, '.2g')} {unit} ({signed(shift)} sd) when"
            f" {Label.parse(column.constant).symbol} is off by {off_by(column)}."
        )
    return lines


def named_parts(found: PowerScaling) -> list[list[str]]:
    """Of each rate, the priors and the series that move it beyond the threshold."""
    return [
        [
            Label.parse(label).symbol,
            ", ".join(f"{Label.parse(part).symbol} {value:.2f}" for part, value in found.deciding(label)) or "none",
            ", ".join(f"{part} {value:.2f}" for part, value in found.driving(label)) or "none",
        ]
        for label in found.by_prior
    ]
