"""CSV and TSV files of a series: a header, then one number a cell; errors name file and line."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import nearest, violation

LARGEST = 32 * 1024 * 1024
MOST_ROWS = 100_000
SEPARATORS = {".tsv": "\t", ".tab": "\t"}


def read_table(
    path: Path, known: Collection[str], columns: Mapping[str, str] | None = None, separator: str | None = None
) -> dict[str, np.ndarray]:
    """Columns of numbers by our names; lines that start with # are comments.

    columns : our name → theirs, or `#3` for the third column; without it the names are ours, and all must be in `known`
    separator : a comma, or a tabulator for .tsv, by default
    """
    check_size(path)
    separator = separator or SEPARATORS.get(path.suffix.lower(), ",")
    places: dict[str, int] = {}
    found: dict[str, list[float]] = {}
    width = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line, row in enumerate(csv.reader(file, skipinitialspace=True, delimiter=separator), 1):
                if line > MOST_ROWS:
                    raise violation(f"{path}: line {line}", "one more line", f"at most {MOST_ROWS}")
                if not row or row[0].startswith("#"):
                    continue
                if not places:
                    places = _places(path, line, row, known, columns, separator)
                    found, width = {name: [] for name in places}, len(row)
                    if not (columns and all(theirs.startswith("#") for theirs in columns.values()) and _numeric(row)):
                        continue
                _append(path, line, row, width, places, found)
    except UnicodeDecodeError as error:
        raise violation(str(path), "bytes that are not text", "a CSV file in UTF-8") from error
    except csv.Error as error:
        raise violation(str(path), f"{error}", "a CSV file") from error
    if not places:
        raise violation(str(path), "an empty file", "a header line with " + ", ".join(columns or known))
    return {name: np.array(values) for name, values in found.items()}


def check_size(path: Path, largest: int = LARGEST) -> None:
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
) -> dict[str, int]:
    names = [name.strip() for name in row]
    for other in (";", "\t", ","):
        if other != separator and other in row[0]:
            expected = {",": "commas", "\t": "tabulators", ";": "semicolons"}.get(separator, repr(separator))
            raise violation(
                f"{path}: line {line}", f"columns separated by {other!r}", f"columns separated by {expected}"
            )
    if columns is not None:
        return {ours: column_place(path, line, names, theirs) for ours, theirs in columns.items()}
    for name in names:
        if name not in known:
            raise violation(
                f"{path}: line {line}: column {name!r}{nearest(name, known)}",
                "an unknown column",
                "columns " + ", ".join(known),
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
        raise violation(f"{path}: line {line}", f"{len(row)} cells", f"{width}: {', '.join(places)}")
    for name, place in places.items():
        try:
            value = float(row[place])
        except ValueError as error:
            raise violation(f"{path}: line {line}: column {name!r}", repr(row[place]), "a number") from error
        if not np.isfinite(value):
            raise violation(f"{path}: line {line}: column {name!r}", row[place].strip(), "a finite number")
        found[name].append(value)


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of numbers; each is written so that reading gives the same bits back."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_text(value) for value in row])


def _text(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 2**53 and str(float(value)) != "-0.0"
    return str(int(value)) if whole else repr(float(value))
