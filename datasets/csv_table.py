"""CSV files of a series: a header, then one number a cell; errors name file and line."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from .errors import nearest, violation

LARGEST = 32 * 1024 * 1024
MOST_ROWS = 100_000


def read_table(path: Path, known: Collection[str]) -> dict[str, np.ndarray]:
    """Columns of numbers by name. Every column must be in `known`; lines that start with # are comments."""
    check_size(path)
    columns: dict[str, list[float]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line, row in enumerate(csv.reader(file, skipinitialspace=True), 1):
                if line > MOST_ROWS:
                    raise violation(f"{path}: line {line}", "one more line", f"at most {MOST_ROWS}")
                if not row or row[0].startswith("#"):
                    continue
                if not columns:
                    columns = {name.strip(): [] for name in _header(path, line, row, known)}
                else:
                    _append(path, line, row, columns)
    except UnicodeDecodeError as error:
        raise violation(str(path), "bytes that are not text", "a CSV file in UTF-8") from error
    except csv.Error as error:
        raise violation(str(path), f"{error}", "a CSV file") from error
    if not columns:
        raise violation(str(path), "an empty file", "a header line with " + ", ".join(known))
    return {name: np.array(values) for name, values in columns.items()}


def check_size(path: Path, largest: int = LARGEST) -> None:
    """Raise where the file is missing, is no regular file, or is too large to be a series."""
    if not path.is_file():
        raise violation(str(path), "no such file", "a file")
    size = path.stat().st_size
    if size > largest:
        raise violation(str(path), f"{size / 2**20:.0f} MB", f"at most {largest >> 20} MB")


def _header(path: Path, line: int, row: Sequence[str], known: Collection[str]) -> list[str]:
    names = [name.strip() for name in row]
    for separator in (";", "\t"):
        if separator in row[0]:
            raise violation(
                f"{path}: line {line}", f"columns separated by {separator!r}", "columns separated by commas"
            )
    for name in names:
        if name not in known:
            raise violation(
                f"{path}: line {line}: column {name!r}{nearest(name, known)}",
                "an unknown column",
                "columns " + ", ".join(known),
            )
        if names.count(name) > 1:
            raise violation(f"{path}: line {line}: column {name!r}", "the column twice", "each column once")
    return names


def _append(path: Path, line: int, row: Sequence[str], columns: dict[str, list[float]]) -> None:
    if len(row) != len(columns):
        raise violation(f"{path}: line {line}", f"{len(row)} cells", f"{len(columns)}: {', '.join(columns)}")
    for (name, values), cell in zip(columns.items(), row, strict=True):
        try:
            value = float(cell)
        except ValueError as error:
            raise violation(f"{path}: line {line}: column {name!r}", repr(cell), "a number") from error
        if not np.isfinite(value):
            raise violation(f"{path}: line {line}: column {name!r}", cell.strip(), "a finite number")
        values.append(value)


def write_table(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Write columns of numbers; each is written so that reading gives the same bits back."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_text(value) for value in row])


def _text(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 2**53 and str(float(value)) != "-0.0"
    return str(int(value)) if whole else repr(float(value))
