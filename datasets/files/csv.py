"""CSV and TSV files of a series: a header, then one number a cell; errors name file and line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import nearest, violation

LARGEST_TABLE = 32 * 1024 * 1024
MOST_ROWS = 100_000
SEPARATORS = {".tsv": "\t", ".tab": "\t"}


def read_table(
    path: Path,
    known: Collection[str],
    columns: Mapping[str, str] | None = None,
    separator: str | None = None,
    also: Collection[str] = (),
) -> dict[str, np.ndarray]:
    """Columns of numbers by our names; lines that start with # are comments.

    columns : our name → theirs, or `#3` for the third column; without it the names are ours, and all must be in `known`
    separator : a comma, or a tabulator for .tsv, by default
    also : our names that are looked for under themselves where `columns` says nothing of them
    """
    check_size(path)
    separator = separator or SEPARATORS.get(path.suffix.lower(), ",")
    places: dict[str, int] = {}
    found: dict[str, list[float]] = {}
    width = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = _Lines(file)
            for row in csv.reader(lines, skipinitialspace=True, delimiter=separator, strict=True):
                line = lines.start()
                if lines.number > line:
                    raise violation(
                        f"{path}: line {line}", "a quotation mark that no other one ends", "cells of one line"
                    )
                if line > MOST_ROWS:
                    raise violation(f"{path}: line {line}", "one more line", f"at most {MOST_ROWS}")
                if not row:
                    continue
                if not places:
                    places = _places(path, line, row, known, columns, separator, also)
                    found, width = {name: [] for name in places}, len(row)
                    if not headless(columns, [row[place] for place in places.values()]):
                        continue
                _append(path, line, row, width, places, found)
    except UnicodeDecodeError as error:
        raise violation(str(path), "bytes that are not text", "a CSV file in UTF-8") from error
    except csv.Error as error:
        raise violation(str(path), f"{error}", "a CSV file") from error
    if not places:
        raise violation(str(path), "an empty file", "a header line with " + ", ".join(columns or known))
    return {name: np.array(values) for name, values in found.items()}


class _Lines:
    """Lines of a file without those that start with #, and their numbers."""

    def __init__(self, file: Iterable[str]) -> None:
        self.number = 0
        self._file = iter(file)
        self._first = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._file)
            self.number += 1
            if not line.startswith("#"):
                self._first = self._first or self.number
                return line

    def start(self) -> int:
        """The number of the first line since this was asked the last time."""
        first, self._first = self._first, 0
        return first


def headless(columns: Mapping[str, str] | None, cells: Sequence[str]) -> bool:
    """Whether a first row of these cells is data: all columns are asked for by number, and there are numbers."""
    return bool(columns) and all(theirs.startswith("#") for theirs in (columns or {}).values()) and _numeric(cells)


def check_size(path: Path, largest: int = LARGEST_TABLE) -> None:
    """Raise where the file is missing, is no regular file, or is too large to be a series."""
    if not path.is_file():
        raise violation(str(path), "no such file", "a file")
    size = path.stat().st_size
    if size > largest:
        raise violation(str(path), f"{size / 2**20:.0f} MB", f"at most {largest >> 20} MB")


def column_place(path: Path, line: int, names: Sequence[str], theirs: str) -> int:
    """Where the column called `theirs` (or `#k`) is among `names`."""
    if theirs.startswith("#") and theirs[1:].isdecimal():
        place = int(theirs[1:]) - 1
        if not 0 <= place < len(names):
            raise violation(f"{path}: line {line}: column {theirs}", f"{len(names)} columns", "one of them")
        return place
    if names.count(theirs) != 1:
        found = "the column twice" if theirs in names else f"no such column{nearest(theirs, names)}"
        raise violation(f"{path}: line {line}: column {theirs!r}", found, "one of " + ", ".join(names))
    return list(names).index(theirs)


def _places(
    path: Path,
    line: int,
    row: Sequence[str],
    known: Collection[str],
    columns: Mapping[str, str] | None,
    separator: str,
    also: Collection[str],
) -> dict[str, int]:
    names = [name.strip() for name in row]
    for other in (";", "\t", ","):
        if other != separator and other in row[0] and len(row) == 1:
            expected = {",": "commas", "\t": "tabulators", ";": "semicolons"}.get(separator, repr(separator))
            raise violation(
                f"{path}: line {line}",
                f"columns separated by {other!r}",
                f"columns separated by {expected}, or separator = {other!r}",
            )
    if columns is not None:
        places = {ours: column_place(path, line, names, theirs) for ours, theirs in columns.items()}
        return {ours: names.index(ours) for ours in also if ours not in places and names.count(ours) == 1} | places
    if _numeric(names):
        raise violation(f"{path}: line {line}", "numbers", f"a header line first: columns {', '.join(known)}")
    for name in names:
        if name not in known:
            missing = [one for one in known if one not in names] or list(known)
            raise violation(
                f"{path}: line {line}: column {name!r}{nearest(name, known)}",
                "an unknown column",
                f"columns {', '.join(known)}. If it is one of {', '.join(missing)}:"
                f" columns = {{ {missing[0]} = {name!r} }}, or as the case may be",
            )
        if names.count(name) > 1:
            raise violation(f"{path}: line {line}: column {name!r}", "the column twice", "each column once")
    return {name: k for k, name in enumerate(names)}


def _numeric(row: Sequence[str]) -> bool:
    try:
        return bool([float(cell) for cell in row])
    except ValueError:
        return False


def _append(
    path: Path, line: int, row: Sequence[str], width: int, places: Mapping[str, int], found: dict[str, list[float]]
) -> None:
    if len(row) != width:
        points = ", with decimal points" if len(row) == 2 * width else ""
        raise violation(f"{path}: line {line}", f"{len(row)} cells", f"{width}: {', '.join(places)}{points}")
    for name, place in places.items():
        try:
            value = float(row[place] if "_" not in row[place] else "no number")
        except ValueError as error:
            expected = "a number, with a decimal point" if "," in row[place] else "a number"
            raise violation(f"{path}: line {line}: column {name!r}", repr(row[place]), expected) from error
        if not np.isfinite(value):
            raise violation(f"{path}: line {line}: column {name!r}", row[place].strip(), "a finite number")
        found[name].append(value)


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of numbers, atomically; each is written so that reading gives the same bits back."""
    from .netcdf import write_bytes

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_text(value) for value in row])
    write_bytes(text.getvalue().encode(), path)


def _text(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 2**53 and str(float(value)) != "-0.0"
    return str(int(value)) if whole else repr(float(value))
