"""Where the names and the numbers of a table stand, and by what its cells are separated, found from its beginning.

The names that are asked for, all in one line, tell all of it. Where none are asked for by name, or none is found, the
longest stretch of lines with the same number of cells, most of them numbers, is the table.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from unicodedata import normalize

Cell = str | float
BLANKS = " "
SIGNS = ("#", "%", "!", "//")
"""Lines that begin with one of them are comments."""
_NAMES = re.compile(r"[,;\s]+")
_WITH_UNITS = re.compile(r"[^,;\s]+(?:\s+[(\[]\s*(?:[munµμ]?(?:s|V)|dB|%|1|deg|°|a\.?u\.?|arb\.? ?u\w*\.?)\s*[)\]])?")
_SIGN = re.compile(r"[^\w\s\"']{1,3}")
_NOTHING_BELOW = 1e-9
"""Of a name without numbers below it, as far as a table without that name goes: less than any numbers."""
_IGOR = re.compile(r"WAVES(/\S+)?\s+")


@dataclass(frozen=True)
class Row:
    """A line: its number, its cells, and what it says behind the sign of a comment; None where it is none."""

    number: int
    cells: Sequence[Cell]
    comment: str | None = None


@dataclass(frozen=True)
class Layout:
    """What was found.

    names : of the columns, none where they have none;  header : number of their line, 0 without names
    first : number of the first line of numbers;  width : cells of each line
    score : the greater the better, for tables read with one separator or another
    longer : number and first words of the comments above that have more words than there are columns
    """

    separator: str
    decimal: str
    names: list[str]
    header: int
    first: int
    width: int
    passed_over: tuple[int, ...]
    score: tuple[float, float] = field(repr=False, default=(0, 0))
    longer: tuple[tuple[int, list[str]], ...] = ()


def number(cell: Cell, decimal: str) -> float | None:
    """The number in a cell; None where there is none."""
    if not isinstance(cell, str):
        return float(cell) if isinstance(cell, (int, float)) else None
    if "_" in cell or (decimal == "," and ("." in cell or cell.endswith(","))):
        return None
    try:
        return float(cell.replace(",", ".") if decimal == "," else cell)
    except ValueError:
        return None


def plain(name: str) -> str:
    """A name without what cannot be seen: blanks around it, and which of the two letters µ it has."""
    return normalize("NFKC", name).strip()


def split(text: str, separator: str) -> list[str]:
    """The cells of one line; csv.Error for what is none."""
    if separator == BLANKS:
        text = text.strip().replace("\t", BLANKS)
    return next(csv.reader([text], skipinitialspace=True, delimiter=separator, strict=True), [])


def _loosely(text: str, separator: str) -> list[str]:
    """The same, with any quotation marks."""
    try:
        return split(text, separator)
    except csv.Error:
        return text.split(separator)


def rows_of(lines: Sequence[str], start: int, separator: str, signs: Sequence[str]) -> list[Row]:
    """The lines that are not empty, from number `start` on, as cells."""
    found = []
    for k, line in enumerate(lines, start):
        text = line.strip("\r\n")
        igor = _IGOR.match(text)
        sign = igor[0] if igor else next((sign for sign in signs if text.startswith(sign)), None)
        if text.strip():
            found.append(Row(k, _loosely(text, separator), None if sign is None else text[len(sign) :].strip()))
    return [row for row in found if row.comment is not None or any(str(cell).strip() for cell in row.cells)]


def find_layout(
    rows: Callable[[str], list[Row]],
    forms: Sequence[tuple[str, str]],
    asked: Collection[str],
    least: int,
) -> Layout:
    """The best of the layouts by each pair of separator and decimal sign; the first of equally good ones.

    rows : separator → the lines;  asked : names that are looked for;  least : columns that there must be
    """
    found = []
    for separator, decimal in forms:
        found.append(_layout(rows(separator), separator, decimal, asked, least))
        named, rate = found[-1].score
        if named and rate == 1 and named >= min(len(asked), len(found[-1].names)):
            return found[-1]
    return max(found, key=lambda layout: layout.score)


def _layout(rows: list[Row], separator: str, decimal: str, asked: Collection[str], least: int) -> Layout:
    named = [(len(set(asked) & set(names)), row.comment is None, row, names) for row in rows
             for names in _possible_names(row, separator)]  # fmt: skip
    count, _, header, names = max(named, key=lambda one: one[:2], default=(0, True, Row(1, []), []))
    if not count:
        return _by_numbers(rows, separator, decimal, least)
    places = [k for k, name in enumerate(names) if name in asked]
    below = [row for row in rows if row.number > header.number and row.comment is None]
    amounts = [_numbers(row, decimal, places) for row in below]
    start = next((k for k, amount in enumerate(amounts) if amount), len(below))
    width = len(names)
    rate = sum(amounts) / (len(places) * max(len(below) - start, 1))
    widths = {len(row.cells) for row in below[start:]}
    if len(widths) == 1 and max(places) < min(widths) < width:
        width = min(widths)  # a column of comments that is there by name alone, as in LabVIEW's files
    return Layout(
        separator,
        decimal,
        names,
        header.number,
        below[start].number if start < len(below) else header.number + 1,
        width,
        tuple(row.number for row in below[:start]),
        (count, rate) if rate or count == len(names) else (0, _NOTHING_BELOW * count),  # of 'time (ms),xi'
    )


def _by_numbers(rows: list[Row], separator: str, decimal: str, least: int) -> Layout:
    """The best stretch of lines of one width, with the line of names above it if there is one."""
    bare = [row for row in rows if row.comment is None]
    stretches: list[tuple[float, list[Row]]] = []
    for (width, some), group in groupby(bare, lambda row: (len(row.cells), _numbers(row, decimal) > 0)):
        lines = list(group)
        if some and width >= least:
            stretches.append((sum(_numbers(row, decimal) ** 3 / width**2 for row in lines), lines))
    if not stretches:
        names = _possible_names(bare[0], separator)[0] if bare else []
        header = bare[0].number if bare else 0
        return Layout(separator, decimal, names, header, header + 1, len(names), ())
    score, lines = max(stretches, key=lambda one: one[0])
    width, fewest = len(lines[0].cells), min(_numbers(row, decimal) for row in lines)
    alike = (row for row in bare if len(row.cells) == width and _numbers(row, decimal) >= fewest)
    first = next(alike).number  # of an interruption the reader complains
    above = [row for row in rows if row.number < first]
    plain_above = [row for row in above if row.comment is None][-1:]
    header, names = 0, []
    for row in (*[row for row in above if row.comment is not None], *plain_above):  # the last one that fits
        for possible in _possible_names(row, separator):
            fits = len(possible) == width or not (least or names or row.comment)  # to name what there is
            if fits and all(number(name, decimal) is None for name in possible):
                header, names = row.number, possible
    longer = [(row.number, words[:width]) for row in above if row.comment is not None
              for words in _possible_names(row, separator) if len(words) > width]  # fmt: skip
    return Layout(separator, decimal, names, header, first, width, (), (0, score), tuple(longer))


def _possible_names(row: Row, separator: str) -> list[list[str]]:
    """The names that a line would give, if it is a header: as it stands, or behind the sign of a comment."""
    cells = [plain(str(cell)) for cell in row.cells]
    if row.comment is None:
        return [cells]
    behind = [plain(name) for name in _loosely(row.comment, separator)]
    comment = plain(row.comment)
    return [behind, _NAMES.split(comment), cells, _WITH_UNITS.findall(comment)] if comment else []


def about_remark(cells: Sequence[Cell], decimal: str, sheet: bool) -> str:
    """What to do about a line of words among those of numbers; "" for other lines."""
    words = any(str(cell).strip() for cell in cells)
    if not words or any(number(cell, decimal) is not None for cell in cells):
        return ""
    if sheet:
        return "; the row of a remark has to be left out"
    sign = _SIGN.match(str(cells[0]))
    return f"; of a remark, a # before it{f', or the line comment = {sign[0]!r}' if sign else ''}"


def expected_number(row: Sequence[Cell], cell: str, decimal: str, sheet: bool) -> str:
    """What should stand in place of a cell that is no number, in a row."""
    if remark := about_remark(row, decimal, sheet):
        return f"a number{remark}"
    sign, other = ("point", ",") if decimal == "." else ("comma", ".")
    return f"a number, with a decimal {sign}, or the line decimal = {other!r}" if other in cell else "a number"


def all_empty(cells: Sequence[Cell]) -> bool:
    """Whether nothing stands in any of them."""
    return all(cell == "" for cell in cells)


def numbered(name: str) -> int | None:
    """3 of `#3`; None for other names."""
    return int(name[1:]) if name.startswith("#") and name[1:].isdecimal() else None


def _numbers(row: Row, decimal: str, places: Sequence[int] | None = None) -> int:
    """How many of its cells, or of those at some places, are numbers."""
    cells = row.cells if places is None else [row.cells[k] for k in places if k < len(row.cells)]
    return sum(number(cell, decimal) is not None for cell in cells)
