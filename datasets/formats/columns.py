"""From the columns of a lab's file, or of what is in memory, to those of a series: names, units, components, shots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...forward_models import NOISES
from ..errors import ExperimentError, check_keys, violation
from ..experiment import Series, check_choice
from ..files import FORMATS, open_source
from ..kinds import ABSCISSAS, SHOTS, Around, Kind, are_named, lines_for
from ..tables import Form, read_matrix, require_results
from ..tables import Table as TextTable
from ..units import factor, plain_number, unit_in
from .column_values import averaged, linear, rows_without_values
from .shots import EXCLUDE, read_shots, unit_of_shots, what_was_read

SPREADS = ("sigma", "repetitions")


@dataclass(frozen=True)
class ColumnNames:
    """How the columns of a file are called.

    names : our column → theirs, or a number that holds for all rows;  units : our column → unit
    form : what is said of how a text or a sheet is written;  where : for errors
    factors : our column → number by which it is multiplied;  average : rows that are averaged into one; 0: none
    around : what the experiment says around the series, for errors
    """

    names: dict[str, Any]
    units: dict[str, str]
    form: Form | None = None
    where: str = "columns"
    factors: Mapping[str, float] = field(default_factory=dict)
    average: int = 0
    around: Around = field(default_factory=Around)

    def lines(self, kind: Kind, path: Path, columns: Sequence[str] = ()) -> Callable[[Sequence[str]], list[str]]:
        """What makes the lines to write of the names in the file; `columns`: ours that are wanted, where not all."""

        def written(names: Sequence[str]) -> list[str]:
            right = {ours: name for ours, name in self.names.items() if not isinstance(name, str) or name in names}
            return lines_for(kind, names, right, columns, self.units, self.around, partial(_end, path, self.form))

        return written


def _end(path: Path, form: Form | None, name: str) -> float:
    """The greatest number of a column, whatever else stands in it; 0 where it cannot be read."""
    with suppress(ExperimentError):
        if path.suffix.lower() not in FORMATS:
            return TextTable(path, ("time",), {"time": name}, form).largest("time")
        with open_source(path) as source:
            return float(source.column(name).max(initial=0.0))
    return 0.0


@dataclass(frozen=True)
class Table:
    """The numbers of a series, as in Series; `spread`, "sigma" or "repetitions", says what `spreads` are."""

    x: np.ndarray
    value: np.ndarray
    spread: str
    spreads: np.ndarray
    excluded: np.ndarray | None = None
    taken: np.ndarray | None = None
    covariance: np.ndarray | None = None
    note: str = ""

    def series(self, name: str, kind: Kind, noise: str, where: str, **more: Any) -> Series:
        """A series with these numbers; `noise` "" is the kind's own. ExperimentError where it needs another column."""
        chosen = noise or kind.default_noise(self.spread)
        check_choice(f"{where}: noise", chosen, tuple(NOISES))
        if NOISES[chosen].spread != self.spread:
            raise violation(where, f"the column {self.spread!r}", f"{NOISES[chosen].spread!r} for {chosen} noise")
        return Series(
            name=name,
            kind=kind.name,
            x=self.x,
            value=self.value,
            spread=self.spreads,
            noise=chosen,
            excluded=self.excluded,
            taken=self.taken,
            covariance=self.covariance,
            component=kind.component_numbers(len(self.x)),
            **more,
        )


def read_columns(path: Path, kind: Kind, given: ColumnNames, covariance: Path | None = None) -> Table:
    """A series from a table of any known format; ExperimentError says file and line, column or key.

    covariance : the file of that of its values, in place of the column sigma
    """
    known = kind.columns
    check_keys(f"{given.where}: columns", given.names, known)
    check_keys(f"{given.where}: units", given.units, known)
    whole = bool(given.average) or covariance is not None  # of which rows belong together, none is skipped
    columns, units, note = _read(path, kind, known, given, () if whole else kind.components)
    if kind.abscissa == "number" and "number" not in columns and columns:
        columns["number"] = np.arange(len(next(iter(columns.values()))), dtype=float)
    matrix = None
    if covariance is not None and columns:
        if given.average:
            raise violation(f"{given.where}: average", given.average, "none beside a covariance")
        if set(SPREADS) & set(columns):
            raise violation(f"{given.where}: covariance", f"a column of errors in {path} as well", "one of the two")
        matrix = read_matrix(covariance, len(next(iter(columns.values()))))
        columns["sigma"] = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    errors = columns.get("sigma", np.empty(0))
    table = table_of(columns, kind, str(path), replace(given, units=units))
    if matrix is not None and (given.units or given.factors):
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = table.spreads / errors
        matrix = matrix * np.outer(ratio, ratio)
    return replace(table, covariance=matrix, note=note)


def table_of(columns: dict[str, np.ndarray], kind: Kind, source: str, given: ColumnNames) -> Table:
    """The same from columns in memory; of what is given, names count no longer."""
    for name in (kind.abscissa, *kind.components):
        if name not in columns:
            expected = f"columns {kind.abscissa}, {', '.join(kind.components)} and sigma or repetitions"
            raise violation(f"{source}: column {name!r}", "no such column", expected)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise violation(source, f"columns of different length: {found}", "one length")
    linear(columns, kind, given.units, given.factors, given.where)
    if given.average:
        columns = averaged(columns, kind, given.average, f"{given.where}: average")
    spreads = [name for name in SPREADS if name in columns]
    if len(spreads) != 1:
        found = "both sigma and repetitions" if spreads else "neither sigma nor repetitions"
        possible = [name for name in SPREADS if name in kind.columns]
        expected = "one of the two columns" if len(possible) > 1 else f"the column {possible[0]}"
        if not spreads and "sigma" in possible:
            expected += "; or one sigma for all rows: columns = { sigma = 0.01 }; or, of a trace, average = 50"
        raise violation(source, found, expected)
    count = len(kind.components)
    x, excluded = np.repeat(columns[kind.abscissa], count), _excluded(source, columns)
    value = np.stack([columns[name] for name in kind.components], axis=-1).ravel()
    return Table(
        x,
        value,
        spreads[0],
        np.repeat(columns[spreads[0]], count),
        None if excluded is None else np.repeat(excluded, count),
        np.repeat(columns["taken"], count) if "taken" in columns else None,
    )


def read_quadratures(path: Path, kind: Kind, given: ColumnNames) -> Table:
    """A series of variances from a file of shots; those of shot noise belong together where no `number` is mapped."""
    key = SHOTS[kind.name]
    check_keys(f"{given.where}: columns", given.names, (key, *kind.components, EXCLUDE))
    check_keys(f"{given.where}: units", given.units, (key,))
    for name, theirs in given.names.items():
        if not isinstance(theirs, str):
            raise violation(f"{given.where}: columns: {name}", theirs, "the name of a column")
    known = [key] if key in given.names or key != "number" else []
    known += [*kind.components, *({EXCLUDE} & given.names.keys())]
    _check_distinct(given)
    if given.factors or given.average:
        said = "factor" if given.factors else "average"
        raise violation(f"{given.where}: {said}", "one of shots", "none: variances of the light may be in any unit")
    names = {name: given.names.get(name, name) for name in known}
    found, told = unit_of_shots(path, names, key, given.form, given.lines(kind, path, known))
    unit = given.units.get(key) or found or ABSCISSAS[key]
    if found and unit != found and not told:  # a name of a column does not count against what is given
        raise violation(f"{given.where}: units: {key}", repr(unit), f"{found!r}, as in {path}")
    reduced = read_shots(path, names, key, given.form, "" if unit == "1" else unit)
    x = reduced.key * factor(unit, ABSCISSAS[key], f"{given.where}: units: {key}")
    count = len(kind.components)
    repetitions = np.repeat(reduced.repetitions, count)
    read = what_was_read(path, reduced, key)
    note = "; ".join(filter(None, (read, reduced.note, "" if key in given.units else told)))
    return Table(np.repeat(x, count), reduced.variance.ravel(), "repetitions", repetitions, note=note)


def _read(
    path: Path, kind: Kind, known: tuple[str, ...], given: ColumnNames, values: Sequence[str] = ()
) -> tuple[dict[str, np.ndarray], dict[str, str], str]:
    """Columns by our names, constant ones filled in; their units, given or of the file; what was found of its form.

    values : those without which a row of a text or a sheet is not measured yet, and skipped
    """
    theirs = {ours: name for ours, name in given.names.items() if isinstance(name, str)}
    needed = [name for name in (kind.abscissa, *kind.components, "exclude") if name not in given.names]
    units, note = dict(given.units), ""
    _check_distinct(given)
    if path.suffix.lower() in FORMATS:
        with open_source(path) as source:
            candidates = needed if given.names else known
            theirs |= {n: n for n in candidates if n in source}
            source.require([*theirs.values(), *needed[:-1]], given.lines(kind, path))
            columns = {ours: source.column(name) for ours, name in theirs.items()}
            for ours, name in theirs.items():
                found = source.unit(name) if ours == kind.abscissa else None
                if ours == kind.abscissa and found is None and ours not in units:
                    units |= {ours: unit} if (unit := unit_in(f"/{name}", kind.unit)) else {}
                    note = f"{ours} in {unit}, as the name of its array says" if unit else ""
                if found is not None and units.setdefault(ours, found) != found:
                    raise violation(f"{given.where}: units: {ours}", repr(units[ours]), f"{found!r}, as in {path}")
    else:
        written, fit = given.lines(kind, path), partial(are_named, kind)
        table = TextTable(path, known, theirs if given.names else None, given.form, needed, lines=written, fit=fit,
                          values=values)  # fmt: skip
        columns = table.read()
        if table.skipped and table.sheet:
            require_results(path)
        unit, words = table.unit(kind.abscissa, kind.unit) if kind.abscissa not in units else ("", "")
        units |= {kind.abscissa: unit} if unit else {}
        note = "; ".join(filter(None, (table.note, words, rows_without_values(table.skipped))))
    if not columns:
        raise violation(f"{path}", "no column of the file in use", f"columns {', '.join(known)}, or names for them")
    fill_in(columns, given.names, f"{given.where}: columns")
    return columns, units, note


def fill_in(columns: dict[str, np.ndarray], names: Mapping[Any, Any], where: str) -> None:
    """Put in the columns for which a number is given."""
    rows = len(next(iter(columns.values())))
    for ours, number in names.items():
        if ours not in columns:
            columns[ours] = np.full(rows, plain_number(number, f"{where}: {ours}"))


def _check_distinct(given: ColumnNames) -> None:
    names = [name for name in given.names.values() if isinstance(name, str)]
    for name in (name for name in names if names.count(name) > 1):
        raise violation(f"{given.where}: columns", f"{name!r} for two columns", "another one for each")


def _excluded(source: str, columns: dict[str, np.ndarray]) -> np.ndarray | None:
    if "exclude" not in columns:
        return None
    column = columns["exclude"]
    if not np.isin(column, (0, 1)).all():
        raise violation(f"{source}: column 'exclude'", f"{column[~np.isin(column, (0, 1))][0]:g}", "0 or 1")
    return column.astype(bool) if column.any() else None
