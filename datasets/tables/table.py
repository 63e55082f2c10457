"""Tables of numbers by columns, in text files and spreadsheets; errors name file and line.

Series and shots are read by the same code: cells may be quoted, lines end with LF, CR or both, comments and columns
that are not asked for may hold any text. What nobody says of the form of a file is found, and told in `note`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

from ..errors import nearest, violation
from ..files import LARGEST_TABLE, MOST_ROWS, check_size
from ..units import unit_in
from .arrow import finite_columns
from .form import DEFAULT_SEPARATORS, SPREADSHEETS, Form
from .layout import (
    BLANKS,
    SIGNS,
    Cell,
    Layout,
    Row,
    about_remark,
    all_empty,
    expected_number,
    find_layout,
    number,
    numbered,
    plain,
    rows_of,
    split,
)
from .spreadsheet import read_sheet
from .text import blocks, find_encoding

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabulators", BLANKS: "blanks"}
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}(,\d{3})+\s*")
_MOST_LINES = 1000
"""In which the form of a table is looked for."""
_ELSEWHERE = "; or the line skip_rows = …, if the names are farther down"
_IGOR, _END = "IGOR", "END"
"""The first line of Igor's text files, and the one that ends their table."""


def read_table(path: Path, known: Collection[str], columns: Mapping[str, str] | None = None) -> dict[str, np.ndarray]:
    """The columns of a `Table`, all rows of them."""
    return Table(path, known, columns).read()


class Table:
    """A file whose columns of finite numbers are read by our names.

    path : a text file, or a spreadsheet;  largest : bytes of it
    known : our names;  columns : our name → theirs, or `#3` for the third column; without it the names are ours, and
        all must be in `known`
    form : what is said of how it is written
    also : our names that are looked for under themselves where `columns` says nothing of them
    lines : the lines to write, from the names of its columns, `#1`, … where they have none; for errors
    fit : whether these can be the names of its columns, of a comment that has more words than that
    values : our names; a row in which the cells of all of them are empty is not measured yet, and skipped

    Raises ExperimentError with the line, for whatever is no such table.
    """

    def __init__(
        self,
        path: Path,
        known: Collection[str],
        columns: Mapping[str, str] | None = None,
        form: Form | None = None,
        also: Collection[str] = (),
        largest: int = LARGEST_TABLE,
        lines: Callable[[Sequence[str]], Sequence[str]] = lambda names: (),
        fit: Callable[[Sequence[str]], bool] = lambda names: False,
        values: Collection[str] = (),
    ) -> None:
        check_size(path, largest)
        self.lines, self.fit, self.values, self.skipped = lines, fit, values, 0
        self.path, self.known, self.also, self.form = path, known, also, form or Form()
        self.columns = None if columns is None else {ours: plain(theirs) for ours, theirs in columns.items()}
        self.signs = tuple(filter(None, (*SIGNS, self.form.comment)))
        self.sheet, self.sheet_rows, self.encoding, self.igor, self.width = "", list[Row](), "", False, 0
        if path.suffix.lower() in SPREADSHEETS:
            self.sheet, self.sheet_rows = read_sheet(path, self.form)
        else:
            self.encoding = self.form.encoding or find_encoding(path)
        self.layout = self._find()
        self.places = self._places()

    def read(self) -> dict[str, np.ndarray]:
        """All rows, (T,) each, of a table of at most `MOST_ROWS`."""
        pieces, count = [], 0
        for piece in self.pieces():
            pieces.append(piece)
            count += len(next(iter(piece.values()), ()))
            if count > MOST_ROWS:
                raise violation(str(self.path), f"more than {MOST_ROWS} rows", f"at most {MOST_ROWS}")
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in self.places}

    def pieces(self) -> Iterator[dict[str, np.ndarray]]:
        """Columns of numbers, block by block."""
        if self.sheet:
            yield self._cell_by_cell((row.number, row.cells) for row in self.sheet_rows)
            return
        for first, block in blocks(self.path, self.encoding):
            found = self._at_once(block) if first > self.layout.first else None
            yield self._cell_by_cell(self._rows(first, block)) if found is None else found
            if self.igor and f"\n{_END}\n" in block:
                return

    def largest(self, ours: str) -> float:
        """The greatest number in a column, 0 where none is positive; what is no number is passed over."""
        place, blocked = self.places[ours], [] if self.sheet else blocks(self.path, self.encoding)
        lines = [(row.number, row.cells) for row in self.sheet_rows]
        rows = chain(lines, *(self._rows(first, block) for first, block in blocked))
        cells = [cells[place] for line, cells in rows if line >= self.layout.first and len(cells) > place]
        numbers = [value for cell in cells if (value := number(cell, self.layout.decimal)) is not None]
        return max(filter(np.isfinite, numbers), default=0.0)

    def unit(self, ours: str, target: str) -> tuple[str, str]:
        """The unit in the name of a column, if it is another one than `target`, and what to tell of it; else "", ""."""
        named = ours in self.places and self.layout.names
        unit = unit_in(self.layout.names[self.places[ours]], target) if named else ""
        return unit, f"{ours} in {unit}, as the name of its column says" if unit else ""

    @property
    def note(self) -> str:
        """What was found of its form, where that is not the plain one, and was not said."""
        found, said, layout = [], self.form, self.layout
        default = DEFAULT_SEPARATORS.get(self.path.suffix.lower(), ",")
        if self.sheet and not said.sheet:
            found.append(f"sheet {self.sheet!r}")
        elif not self.sheet and not said.separator and layout.separator != default:
            found.append(f"cells separated by {_SEPARATORS[layout.separator]}")
        if layout.decimal != "." and not said.decimal:
            found.append("decimal commas")
        at = layout.header or layout.first
        if at != self.plain_first and said.skip_rows < 0:
            found.append(f"{'names in' if layout.header else 'numbers from'} {self._line} {at}")
        if layout.passed_over:
            found.append(f"{self._line} {', '.join(map(str, layout.passed_over))} skipped")
        if not said.encoding and (
            self.encoding.startswith("utf-16") or (self.encoding == "cp1252" and not "".join(layout.names).isascii())
        ):
            found.append(f"text in {self.encoding}")
        return f"{self.path.name}: found {', '.join(found)}" if found else ""

    @property
    def _line(self) -> str:
        return "row" if self.sheet else "line"

    def _find(self) -> Layout:
        start, lines = 1, list[str]()
        if not self.sheet:
            for at, text in blocks(self.path, self.encoding):
                self.igor = self.igor or (at == 1 and text.startswith(f"{_IGOR}\n"))
                above = max(self.form.skip_rows + 1 - at, 0)
                start, lines = at + above, text.split("\n")[above:][:_MOST_LINES]
                if any(lines):
                    break

        @cache
        def rows(separator: str) -> list[Row]:
            if not self.sheet:
                return rows_of(lines, start, separator, self.signs)
            return [row for row in self.sheet_rows if row.number > self.form.skip_rows][:_MOST_LINES]

        default = DEFAULT_SEPARATORS.get(self.path.suffix.lower(), ",")
        separators = [self.form.separator or default] if self.form.separator or self.sheet else [default, *_SEPARATORS]
        if len(separators) > 1 and not self.igor and 2 * sum("\t" in line for line in lines) > len(lines):
            separators.remove(BLANKS)  # of tabulators none may be lost: there are empty cells between them
        forms = [(separator, decimal) for separator in dict.fromkeys(separators)
                 for decimal in (self.form.decimal or (".," if separator != "," or self.sheet else "."))]  # fmt: skip
        theirs = list(self.known if self.columns is None else self.columns.values())
        asked = [name for name in theirs if self.columns is None or numbered(name) is None]
        places = [] if self.columns is None else [numbered(name) or 0 for name in theirs]
        first = rows(forms[0][0])
        self.plain_first = next((row.number for row in first if row.comment is None), 0)
        if not first:
            expected = "a header line with " + ", ".join(self.columns or self.known)
            raise violation(str(self.path), "an empty file", expected)
        layout = find_layout(rows, forms, asked, max(places, default=0))
        cells = [str(cell) for row in rows(layout.separator) for cell in row.cells if row.number >= layout.first]
        commas = [cell for cell in cells if "," in cell]
        if layout.decimal == "," and not self.form.decimal and all(_THOUSANDS.fullmatch(cell) for cell in commas):
            expected = "the line decimal = ',' in its [[series]] if these are decimals, or no thousands separators"
            raise violation(str(self.path), f"numbers such as {commas[0].strip()}", expected)
        return layout

    def _places(self) -> dict[str, int]:
        """Our name → the column."""
        layout, names = self.layout, self.layout.names
        where = f"{self.path}: {self._line} {layout.header or layout.first}"
        self.width = layout.width
        columns = self.columns
        if not names and (columns is None or any(numbered(theirs) is None for theirs in columns.values())):
            for line, words in layout.longer:
                if columns is None and self.fit(words):
                    found = f"a comment with more words than the {self.width} columns"
                    said = f"a name per column; or lines that take the first {self.width} for names, such as"
                    raise violation(f"{self.path}: {self._line} {line}", found, said, self.lines(words))
            lines = self.lines([f"#{k}" for k in range(1, self.width + 1)])
            said = f"a header line first: columns {', '.join(columns or self.known)}{_ELSEWHERE}"
            raise violation(where, "numbers", f"{said}{'; or without one, by number' if lines else ''}", lines)
        if columns is not None:
            places = {ours: self._place(where, theirs) for ours, theirs in columns.items()}
            return {one: names.index(one) for one in self.also if one not in places and names.count(one) == 1} | places
        for name in names:
            at = f"{where}: column {name!r}"
            if name not in self.known:
                lines = self.lines(names)
                said = f"columns {', '.join(self.known)}{'; or lines that name yours, such as' if lines else ''}"
                raise violation(f"{at}{nearest(name, self.known)}", "an unknown column", said, lines)
            if names.count(name) > 1:
                raise violation(at, "the column twice", "each column once")
        return {name: k for k, name in enumerate(names)}

    def _place(self, where: str, theirs: str) -> int:
        """Where the column called `theirs` (or `#k`) is."""
        names, place = self.layout.names, numbered(theirs)
        if place is not None:
            if not 0 < place <= self.width:
                raise violation(f"{where}: column {theirs}", f"{self.width} columns", "one of them")
            return place - 1
        if names.count(theirs) != 1:
            found = "the column twice" if theirs in names else f"no such column{nearest(theirs, names)}"
            lines = self.lines(names)
            expected = f"one of {', '.join(names)}{_ELSEWHERE}{'; or such as' if lines else ''}"
            raise violation(f"{where}: column {theirs!r}", found, expected, lines)
        return names.index(theirs)

    def _rows(self, first: int, block: str) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Number and cells of the lines of a block of text that begins with line number `first`."""
        for line, text in enumerate(block.split("\n"), first):
            if line < self.layout.first or text.startswith(self.signs):
                continue
            if self.igor and text == _END:
                return
            try:
                yield line, split(text, self.layout.separator)
            except csv.Error as error:
                expected = "cells of one line, with pairs of quotation marks"
                raise violation(f"{self.path}: line {line}", f"{error}", expected) from error

    def _cell_by_cell(self, rows: Iterator[tuple[int, Sequence[Cell]]]) -> dict[str, np.ndarray]:
        """The numbers of all rows of cells from the first row of numbers on."""
        found = []
        for k, row in rows:
            if k < self.layout.first or all_empty(row):
                continue
            if self._not_measured(row):
                self.skipped += 1
            else:
                found.append(self._numbers(f"{self.path}: {self._line} {k}", row))
        return dict(zip(self.places, np.array(found, float).reshape(len(found), len(self.places)).T, strict=True))

    def _at_once(self, block: str) -> dict[str, np.ndarray] | None:
        """The same by Arrow, several times as fast; None for what only `_cell_by_cell` can read or complain of."""
        content, separator = block, self.layout.separator
        if any(sign in block for sign in self.signs):
            content = re.sub(f"^(?:{'|'.join(map(re.escape, self.signs))}).*\n?", "", block, flags=re.MULTILINE)
        if separator == BLANKS:
            content = "\n".join(BLANKS.join(line.split()) for line in content.split("\n"))
        return finite_columns(content, self.width, self.places, separator, self.layout.decimal)

    def _not_measured(self, row: Sequence[Cell]) -> bool:
        """Whether a whole row has no value yet: there are numbers in its other cells, or nothing."""
        places, more = [self.places[name] for name in self.values if name in self.places], row[self.width :]
        if not places or len(row) < self.width or any(str(row[k]).strip() for k in places) or not all_empty(more):
            return False
        others = [row[k] for k in self.places.values() if str(row[k]).strip()]
        return bool(others) and all(number(cell, self.layout.decimal) is not None for cell in others)

    def _numbers(self, where: str, row: Sequence[Cell]) -> list[float]:
        """The cells of a row that are asked for."""
        if len(row) < self.width or not all_empty(row[self.width :]):
            points = ", with decimal points" if len(row) == 2 * self.width else ""
            points += about_remark(row, self.layout.decimal, bool(self.sheet))
            raise violation(where, f"{len(row)} cells", f"{self.width}: {', '.join(self.places)}{points}")
        numbers = []
        for name, place in self.places.items():
            value = number(row[place], self.layout.decimal)
            if value is None:
                found = repr(row[place]) if str(row[place]).strip() else "an empty cell"
                raise violation(
                    f"{where}: column {name!r}",
                    found,
                    expected_number(row, str(row[place]), self.layout.decimal, bool(self.sheet)),
                )
            if not np.isfinite(value):
                more = ", also in an excluded row: remove the row" if "exclude" in self.places else ""
                raise violation(f"{where}: column {name!r}", str(row[place]).strip(), f"a finite number{more}")
            numbers.append(value)
        return numbers
