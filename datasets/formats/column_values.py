"""Values as a laboratory writes them: in decibels, times a factor, over a projection noise; their errors follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...forward_models import NOISES
from ..errors import check_keys, violation
from ..experiment import NOT_MEASURED, Experiment, RecordSeries, Series
from ..files import optional
from ..kinds import ABSCISSAS, Kind
from ..units import factor, plain_number, quantity

DECIBEL = "dB"
_FEWEST_ROWS = 4
"""Of an average: their scatter about a straight line has two degrees of freedom."""
_LEFT_OUT = " is left out: "
PER_DECIBEL = np.log(10) / 10
"""Relative change of a variance by 1 dB."""


def factors_and_average(row: dict[str, Any], kind: Kind, where: str) -> tuple[dict[str, float], int]:
    """Our column → number by which it is multiplied, and rows that are averaged: what the table of a series says."""
    factors = factors_of(row.get("factor", {}), kind, f"{where}: factor")
    if "projection_noise" in row:
        level, _ = _projection_noise(row["projection_noise"], kind, f"{where}: projection_noise")
        factors = {"value": 1.0} | factors
        factors |= {name: number / level for name, number in factors.items() if name in ("value", "sigma")}
    return factors, optional(where, row, "average", int, 0)


def factors_of(table: Any, kind: Kind, where: str) -> dict[str, float]:
    """The same from the table `factor` alone."""
    if not isinstance(table, Mapping):
        raise violation(where, table, "a table, such as { value = 0.5 }")
    known = [name for name in kind.columns if name in (kind.abscissa, *kind.components, "sigma")]
    check_keys(where, dict(table), known)
    found = {}
    for name, value in table.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        found[name] = plain_number(value, f"{where}: {name}") if number else np.nan
        possible = np.isfinite(found[name]) and (found[name] > 0 or (found[name] and name in kind.components))
        if not possible:
            raise violation(f"{where}: {name}", value, "a number" if name in kind.components else "a number > 0")
    return found


def _projection_noise(value: Any, kind: Kind, where: str) -> tuple[float, float]:
    """The variance of uncorrelated spins by which values are divided, and its relative standard deviation.

    value : a number, or a table with value and sigma
    """
    if not kind.spin_variance:
        raise violation(where, f"one of {kind.name}", "none: only ξ and ΣJ are variances over the projection noise")
    table = value if isinstance(value, dict) else {"value": value}
    check_keys(where, table, ("value", "sigma"))
    level, sigma = (quantity(table.get(name, 0.0), "1", f"{where}: {name}") for name in ("value", "sigma"))
    if not (0 < level < np.inf and 0 <= sigma < np.inf):
        raise violation(where, f"{level:g} ± {sigma:g}", "a number > 0, or { value = …, sigma = … }")
    return level, sigma / level


def linear(
    columns: dict[str, np.ndarray], kind: Kind, units: Mapping[str, str], factors: Mapping[str, float], where: str
) -> None:
    """Put columns into the units of the kind: out of decibels, by their units, times their factors.

    What is said of the values holds for sigma too, where nothing is said of that.
    """
    _out_of_decibels(columns, kind, units, where)
    for name, unit in units.items():
        if name in columns and unit != DECIBEL:
            columns[name] = columns[name] * factor(unit, ABSCISSAS.get(name, "1"), f"{where}: units: {name}")
    for name, number in factors.items():
        if name in columns:
            columns[name] = columns[name] * number
    sizes = {abs(factors.get(name, 1.0)) for name in kind.components}
    if "sigma" in columns and "sigma" not in factors and sizes != {1.0}:
        if len(sizes) > 1:
            raise violation(
                f"{where}: factor: sigma", "nothing", f"one, as those of {', '.join(kind.components)} differ"
            )
        columns["sigma"] = columns["sigma"] * sizes.pop()


def _out_of_decibels(columns: dict[str, np.ndarray], kind: Kind, units: Mapping[str, str], where: str) -> None:
    """10^(dB/10) of values; of sigma, if it is in decibels, values × ln(10)/10 × sigma."""
    said = [name for name, unit in units.items() if unit == DECIBEL]
    variances = any(NOISES[name].of_variances for name in kind.noises)
    for name in said:
        if name not in (*kind.components, "sigma") or not variances:
            expected = "a linear unit" if variances else f"a linear unit: {kind.name} is no variance"
            raise violation(f"{where}: units: {name}", f"the logarithmic unit {DECIBEL!r}", expected)
        if name != "sigma" and name in columns:
            with np.errstate(over="ignore"):
                columns[name] = 10 ** (columns[name] / 10)
    if "sigma" in columns and units.get("sigma", DECIBEL if set(said) & set(kind.components) else "") == DECIBEL:
        if len(kind.components) > 1:
            raise violation(f"{where}: units: sigma", f"{DECIBEL!r} of several values", "that of each value, linear")
        columns["sigma"] = PER_DECIBEL * columns[kind.components[0]] * columns["sigma"]


def averaged(columns: dict[str, np.ndarray], kind: Kind, count: int, where: str) -> dict[str, np.ndarray]:
    """Columns (T,) averaged over `count` rows in a row, (T // count,); what is left at the end is dropped.

    Where there is no sigma, it follows from the scatter about a straight line in each average, the same for all.
    """
    blocks = len(columns[kind.abscissa]) // count if count > 0 else 0
    if count < _FEWEST_ROWS or blocks < 2 or len(kind.components) > 1 or "repetitions" in columns:
        expected = f"{_FEWEST_ROWS} or more rows, at most half of them, of single values that have a sigma or none"
        raise violation(where, f"{count} rows of {len(columns[kind.abscissa])}", expected)
    rows = {name: column[: blocks * count].reshape(blocks, count) for name, column in columns.items()}
    found = {name: block.mean(axis=1) for name, block in rows.items()}
    if "exclude" in rows:
        found["exclude"] = rows["exclude"].max(axis=1)
    if "sigma" in rows:
        found["sigma"] = np.sqrt((rows["sigma"] ** 2).mean(axis=1) / count)
        return found
    time, value = (rows[name] - found[name][:, None] for name in (kind.abscissa, kind.components[0]))
    length = (time**2).sum(axis=1)
    rest = (value**2).sum(axis=1) - (time * value).sum(axis=1) ** 2 / np.where(length > 0, length, 1.0)
    found["sigma"] = np.full(blocks, np.sqrt(max(rest.mean(), 0.0) / (count - 2) / count))
    return found


def with_values_as_said(series: Series, row: Mapping[str, Any], where: str) -> Series:
    """A series with what its keys projection_noise and range say beyond its numbers."""
    if "projection_noise" in row:
        _, relative = _projection_noise(row["projection_noise"], series.about, f"{where}: projection_noise")
        series = replace(series, scale_uncertainty=float(np.hypot(series.scale_uncertainty, relative)))
    return _within(series, row["range"], f"{where}: range") if "range" in row else series


def _within(series: Series, limits: Any, where: str) -> Series:
    """A series of which only the points in a range are fitted: two texts with a unit (numbers, of plain numbers)."""
    unit = series.about.unit
    if not isinstance(limits, (list, tuple)) or len(limits) != 2:
        example = "[2, 9]" if unit == "1" else f'["0.5 {unit}", "12 {unit}"]'
        raise violation(where, repr(limits), f"the first and the last {series.about.abscissa}, such as {example}")
    low, high = (quantity(limit, unit, where) for limit in limits)
    return series.within(low, high, where)


def rows_without_values(number: int) -> str:
    """'3 rows without a value'; "" for none."""
    return f"{number} row{'' if number == 1 else 's'} {NOT_MEASURED}" if number else ""


def not_measured(experiment: Experiment) -> list[str]:
    """What was skipped in the files of an experiment because it is not measured yet, by series."""
    found = []
    for part in experiment.parts:
        member = experiment.member.get(part.run, "")
        for words in part.note.split("; "):
            if words.endswith(NOT_MEASURED):
                of = (f"{member}." if member else "") if _LEFT_OUT in words else f"{part.name}: "
                found.append(f"{of}{words}")
    return found


def left_out(experiment: Experiment) -> list[str]:
    """What was said of series of its files that were left out because nothing of them is measured yet."""
    return [words for words in not_measured(experiment) if _LEFT_OUT in words]


def measured[Part: (Series | RecordSeries)](found: Sequence[tuple[Part, str]]) -> list[tuple[Part, str]]:
    """Series and their files without those of which no row has a value yet: the note of the first one names them.

    All of them where none has a value.
    """
    waiting = [pair for pair in found if isinstance(pair[0], Series) and not len(pair[0].x)]
    waiting = [(part, file) for part, file in waiting if part.note.endswith(NOT_MEASURED)]
    kept = [pair for pair in found if all(pair[0] is not part for part, _ in waiting)]
    if not kept:
        return list(found)
    first, file = kept[0]
    if isinstance(first, Series) and not len(first.x):  # an error, which its own note explains
        return kept
    words = [f"{part.name}{_LEFT_OUT}{part.note.rpartition('; ')[2]}" for part, _ in waiting]
    return [(replace(first, note="; ".join(filter(None, [first.note, *words]))), file), *kept[1:]]
