"""Tables in text files: a header, then one number a cell; errors name file and line.

Both readers agree on what a table is: cells may be quoted, lines end with LF, CR or both, lines that start with # are
comments. Text that is not UTF-8 may stand in comments and in columns that are not asked for.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ..errors import nearest, violation
from .atomic import LARGEST, check_size, write_bytes

MOST_ROWS = 100_000
SEPARATORS = {".tsv": "\t", ".tab": "\t"}
_BLOCK = 1 << 20
"""Characters that are read together."""
_LONGEST_LINE = 1 << 24
_COMMENTS = re.compile(r"^#.*\n?", re.MULTILINE)


def read_table(
    path: Path,
    known: Collection[str],
    columns: Mapping[str, str] | None = None,
    separator: str | None = None,
    also: Collection[str] = (),
) -> dict[str, np.ndarray]:
    """Columns of finite numbers by our names, (T,) each; of a file of at most 32 MB and `MOST_ROWS` lines.

    columns : our name → theirs, or `#3` for the third column; without it the names are ours, and all must be in `known`
    separator : a comma, or a tabulator for .tsv, by default
    also : our names that are looked for under themselves where `columns` says nothing of them

    Raises ExperimentError with the line, for whatever is no such table.
    """
    check_size(path)
    table = _Table(path, known, columns, separator or SEPARATORS.get(path.suffix.lower(), ","), also)
    pieces = list(table.pieces(MOST_ROWS))
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in table.places}


def read_pieces(
    path: Path, columns: Mapping[str, str], separator: str | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """The same, piece by piece (about 1 MB of text each), of a file of any number of lines and up to 16 GB."""
    check_size(path, LARGEST)
    return _Table(path, columns, columns, separator or SEPARATORS.get(path.suffix.lower(), ",")).pieces()


@dataclass
class _Table:
    """A file that is being read, with the arguments of `read_table`; places, width: as the header has them."""

    path: Path
    known: Collection[str]
    columns: Mapping[str, str] | None
    separator: str
    also: Collection[str] = ()

    def __post_init__(self) -> None:
        self.places: dict[str, int] = {}
        self.width = 0

    def pieces(self, most: int | None = None) -> Iterator[dict[str, np.ndarray]]:
        """Columns of numbers, block by block; ExperimentError after `most` lines, where a number is given."""
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for first, block in _blocks(self.path, file):
                found = self._at_once(block) if most is None and self.places else None
                found = self._cell_by_cell(first, block, most) if found is None else found
                if self.places:
                    yield found
        if not self.places:
            expected = "a header line with " + ", ".join(self.columns or self.known)
            raise violation(str(self.path), "an empty file", expected)

    def _cell_by_cell(self, first: int, block: str, most: int | None) -> dict[str, np.ndarray]:
        """The numbers of lines from number `first` on."""
        lines = _Lines(block, first)
        rows: list[list[float]] = []
        try:
            for row in csv.reader(lines, skipinitialspace=True, delimiter=self.separator, strict=True):
                line = lines.start()
                where = f"{self.path}: line {line}"
                if lines.number > line:
                    raise violation(where, "a quotation mark that no other one ends", "cells of one line")
                if most is not None and line > most:
                    raise violation(where, "one more line", f"at most {most}")
                if row and (self.places or not self._is_header(where, row)):
                    rows.append(self._numbers(where, row))
        except csv.Error as error:
            raise violation(str(self.path), f"{error}", "a CSV file") from error
        return dict(zip(self.places, np.array(rows, float).reshape(len(rows), len(self.places)).T, strict=True))

    def _at_once(self, block: str) -> dict[str, np.ndarray] | None:
        """The same by Arrow, several times as fast; None for what only `_cell_by_cell` can read or complain of."""
        import pyarrow as pa
        import pyarrow.csv as pc

        if '"' in block:
            return None
        content = _COMMENTS.sub("", block) if "#" in block else block
        wanted = {name: f"c{place}" for name, place in self.places.items()}
        types = dict.fromkeys(wanted.values(), pa.float64())
        try:
            table = pc.read_csv(
                pa.BufferReader(content.encode(errors="surrogateescape")),
                read_options=pc.ReadOptions(column_names=[f"c{k}" for k in range(self.width)], use_threads=False),
                parse_options=pc.ParseOptions(delimiter=self.separator, quote_char=False),
                convert_options=pc.ConvertOptions(include_columns=list(types), column_types=types),
                memory_pool=pa.system_memory_pool(),  # Arrow's own keeps what it no longer needs
            )
        except pa.ArrowException:
            return None
        found = {name: table.column(column).to_numpy() for name, column in wanted.items()}
        return found if all(np.isfinite(column).all() for column in found.values()) else None

    def _is_header(self, where: str, row: Sequence[str]) -> bool:
        """Take the places of the columns from the first row; whether it is a header, or already data."""
        if any("\ud800" <= character <= "\udfff" for cell in row for character in cell):
            raise violation(str(self.path), "bytes that are not text", "a CSV file in UTF-8")
        self.places, self.width = self._places(where, row), len(row)
        numbered = bool(self.columns) and all(theirs.startswith("#") for theirs in (self.columns or {}).values())
        return not (numbered and _numeric([row[place] for place in self.places.values()]))

    def _places(self, where: str, row: Sequence[str]) -> dict[str, int]:
        names = [name.strip() for name in row]
        for other in (";", "\t", ","):
            if other != self.separator and other in row[0] and len(row) == 1:
                expected = {",": "commas", "\t": "tabulators", ";": "semicolons"}
                shown = expected.get(self.separator, repr(self.separator))
                expected_here = f"columns separated by {shown}, or separator = {other!r}"
                raise violation(where, f"columns separated by {other!r}", expected_here)
        if self.columns is not None:
            places = {ours: _place(where, names, theirs) for ours, theirs in self.columns.items()}
            return {one: names.index(one) for one in self.also if one not in places and names.count(one) == 1} | places
        if _numeric(names):
            raise violation(where, "numbers", f"a header line first: columns {', '.join(self.known)}")
        for name in names:
            at = f"{where}: column {name!r}"
            if name not in self.known:
                missing = [one for one in self.known if one not in names] or list(self.known)
                expected_here = (
                    f"columns {', '.join(self.known)}. If it is one of {', '.join(missing)}:"
                    f" columns = {{ {missing[0]} = {name!r} }}, or as the case may be"
                )
                raise violation(f"{at}{nearest(name, self.known)}", "an unknown column", expected_here)
            if names.count(name) > 1:
                raise violation(at, "the column twice", "each column once")
        return {name: k for k, name in enumerate(names)}

    def _numbers(self, where: str, row: Sequence[str]) -> list[float]:
        """The cells of a row that are asked for."""
        if len(row) != self.width:
            points = ", with decimal points" if len(row) == 2 * self.width else ""
            raise violation(where, f"{len(row)} cells", f"{self.width}: {', '.join(self.places)}{points}")
        numbers = []
        for name, place in self.places.items():
            cell = row[place]
            try:
                value = float(cell if "_" not in cell else "no number")
            except ValueError as error:
                expected = "a number, with a decimal point" if "," in cell else "a number"
                raise violation(f"{where}: column {name!r}", repr(cell), expected) from error
            if not np.isfinite(value):
                raise violation(f"{where}: column {name!r}", cell.strip(), "a finite number")
            numbers.append(value)
        return numbers


class _Lines:
    """Lines of a text without those that start with #, and their numbers."""

    def __init__(self, text: str, first: int) -> None:
        self.number = first - 1
        self._text = io.StringIO(text)
        self._first = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.number += 1
            if not line.startswith("#"):
                self._first = self._first or self.number
                yield line

    def start(self) -> int:
        """The number of the first line since this was asked the last time."""
        first, self._first = self._first, 0
        return first


def _blocks(path: Path, file: TextIO) -> Iterator[tuple[int, str]]:
    """The text in pieces that end with a line, and the number of the first line of each; the header's is short."""
    number, rest, size = 1, "", _BLOCK >> 6
    while block := file.read(size):
        size = _BLOCK
        lines, newline, rest = (rest + block).rpartition("\n")
        if len(rest) > _LONGEST_LINE:
            raise violation(str(path), f"a line of more than {_LONGEST_LINE >> 20} MB", "a row a line")
        if newline:
            yield number, lines + newline
            number += lines.count("\n") + 1
    if rest:
        yield number, rest


def _place(where: str, names: Sequence[str], theirs: str) -> int:
    """Where the column called `theirs` (or `#k`) is among `names`."""
    if theirs.startswith("#") and theirs[1:].isdecimal():
        place = int(theirs[1:]) - 1
        if not 0 <= place < len(names):
            raise violation(f"{where}: column {theirs}", f"{len(names)} columns", "one of them")
        return place
    if names.count(theirs) != 1:
        found = "the column twice" if theirs in names else f"no such column{nearest(theirs, names)}"
        raise violation(f"{where}: column {theirs!r}", found, "one of " + ", ".join(names))
    return list(names).index(theirs)


def _numeric(row: Sequence[str]) -> bool:
    try:
        return bool([float(cell) for cell in row])
    except ValueError:
        return False


def write_table(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of numbers, (T,) each, atomically; reading them gives the same bits back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_text(value) for value in row])
    write_bytes(text.getvalue().encode(), path)


def _text(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 2**53 and str(float(value)) != "-0.0"
    return str(int(value)) if whole else repr(float(value))
