"""From the columns of a lab's file to those of a series: names, units, components, shots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...forward_models import NOISES
from ..errors import check_keys, violation
from ..experiment import Points, Series, check_choice
from ..files import SUFFIXES, open_source, read_table
from ..kinds import ABSCISSAS, SHOTS, Kind
from ..units import factor, plain_number
from .shots import read_shots

SPREADS = ("sigma", "repetitions")


@dataclass(frozen=True)
class Mapping:
    """How a file's columns are called.

    names : our column → theirs, or a number that holds for all rows;  units : our column → unit;  where : for errors
    """

    names: dict[str, Any]
    units: dict[str, str]
    separator: str | None = None
    where: str = "columns"


@dataclass(frozen=True)
class Table:
    """The numbers of a series, as in Series; `spread`, "sigma" or "repetitions", says what `spreads` are."""

    points: Points
    value: np.ndarray
    spread: str
    spreads: np.ndarray
    excluded: np.ndarray | None = None
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
            x=self.points.x,
            value=self.value,
            spread=self.spreads,
            noise=chosen,
            excluded=self.excluded,
            component=self.points.component,
            **more,
        )


def read_columns(path: Path, kind: Kind, mapping: Mapping) -> Table:
    """A series from a table of any known format; ExperimentError says file and line, column or key."""
    known = kind.columns
    check_keys(f"{mapping.where}: columns", mapping.names, known)
    check_keys(f"{mapping.where}: units", mapping.units, known)
    columns, units = _read(path, kind, known, mapping)
    if kind.abscissa == "number" and "number" not in columns and columns:
        columns["number"] = np.arange(len(next(iter(columns.values()))), dtype=float)
    return table_of(columns, kind, str(path), units, mapping.where)


def table_of(
    columns: dict[str, np.ndarray], kind: Kind, source: str, units: dict[str, str], where: str = "series"
) -> Table:
    """The same from columns in memory."""
    for name in (kind.abscissa, *kind.components):
        if name not in columns:
            expected = f"columns {kind.abscissa}, {', '.join(kind.components)} and sigma or repetitions"
            raise violation(f"{source}: column {name!r}", "no such column", expected)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise violation(source, f"columns of different length: {found}", "one length")
    for name, unit in units.items():
        if name in columns:
            columns[name] = columns[name] * factor(unit, ABSCISSAS.get(name, "1"), f"{where}: units: {name}")
    given = [name for name in SPREADS if name in columns]
    if len(given) != 1:
        found = "both sigma and repetitions" if given else "neither sigma nor repetitions"
        possible = [name for name in SPREADS if name in kind.columns]
        raise violation(source, found, "one of the two columns" if len(possible) > 1 else f"the column {possible[0]}")
    count = len(kind.components)
    x, excluded = np.repeat(columns[kind.abscissa], count), _excluded(source, columns)
    component = np.tile(np.arange(count, dtype=np.int8), len(x) // count) if count > 1 else None
    value = np.stack([columns[name] for name in kind.components], axis=-1).ravel()
    return Table(
        Points(x, component),
        value,
        given[0],
        np.repeat(columns[given[0]], count),
        None if excluded is None else np.repeat(excluded, count),
    )


def read_quadratures(path: Path, kind: Kind, mapping: Mapping) -> Table:
    """A series of variances from a file of shots; those of shot noise belong together where no `number` is mapped."""
    key = SHOTS[kind.name]
    check_keys(f"{mapping.where}: columns", mapping.names, (key, *kind.components))
    check_keys(f"{mapping.where}: units", mapping.units, (key,))
    for name, theirs in mapping.names.items():
        if not isinstance(theirs, str):
            raise violation(f"{mapping.where}: columns: {name}", theirs, "the name of a column")
    names = {c: mapping.names.get(c, c) for c in kind.components}
    if key in mapping.names or key != "number":
        names |= {"key": mapping.names.get(key, key)}
    _check_distinct(mapping)
    unit = mapping.units.get(key, ABSCISSAS[key])
    reduced = read_shots(path, names, mapping.separator, "" if unit == "1" else unit)
    x = reduced.key * factor(unit, ABSCISSAS[key], f"{mapping.where}: units: {key}")
    count = len(kind.components)
    points = Points(np.repeat(x, count), np.tile(np.arange(count, dtype=np.int8), len(x)))
    repetitions = np.repeat(reduced.repetitions, count)
    return Table(points, reduced.variance.ravel(), "repetitions", repetitions, note=reduced.note)


def _read(
    path: Path, kind: Kind, known: tuple[str, ...], mapping: Mapping
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Columns by our names, constant ones filled in, and their units: as they are given, or as the file gives them."""
    theirs = {ours: name for ours, name in mapping.names.items() if isinstance(name, str)}
    needed = [name for name in (kind.abscissa, *kind.components) if name not in mapping.names]
    units = dict(mapping.units)
    _check_distinct(mapping)
    if path.suffix.lower() in SUFFIXES:
        with open_source(path) as source:
            candidates = needed if mapping.names else known
            theirs |= {n: n for n in candidates if n in source.arrays or f"/{n}" in source.arrays}
            columns = {ours: source.column(name) for ours, name in theirs.items()}
            for ours, name in theirs.items():
                found = source.unit(name) if ours == kind.abscissa else None
                if found is not None and units.setdefault(ours, found) != found:
                    raise violation(f"{mapping.where}: units: {ours}", repr(units[ours]), f"{found!r}, as in {path}")
    else:
        columns = read_table(path, known, theirs if mapping.names else None, mapping.separator, needed)
    if not columns:
        raise violation(f"{path}", "no column of the file in use", f"columns {', '.join(known)}, or names for them")
    rows = len(next(iter(columns.values())))
    for ours, number in mapping.names.items():
        if not isinstance(number, str):
            columns[ours] = np.full(rows, plain_number(number, f"{mapping.where}: columns: {ours}"))
    return columns, units


def _check_distinct(mapping: Mapping) -> None:
    names = [name for name in mapping.names.values() if isinstance(name, str)]
    for name in names:
        if names.count(name) > 1:
            raise violation(f"{mapping.where}: columns", f"{name!r} for two columns", "another one for each")


def _excluded(source: str, columns: dict[str, np.ndarray]) -> np.ndarray | None:
    if "exclude" not in columns:
        return None
    column = columns["exclude"]
    if not np.isin(column, (0, 1)).all():
        raise violation(f"{source}: column 'exclude'", f"{column[~np.isin(column, (0, 1))][0]:g}", "0 or 1")
    return column.astype(bool) if column.any() else None
