"""Sheets of .xlsx files as rows of cells, read by calamine."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from ..errors import ExperimentError, nearest, violation
from .form import CELLS, Form
from .layout import Row

_LARGEST_UNPACKED = 1 << 28
_MOST_CELLS = 1 << 24
"""Of a sheet, from A1 to its last row and column: calamine makes room for all of them."""
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')

_NO_RESULT = re.compile(
    rb'<c (?![^>]*t="str")[^>]*?r="([A-Z]+\d+)"[^>]*>\s*<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v ?/>|<v></v>)?\s*</c>'
)
"""A cell with a formula of which no number or text is stored; a text that is empty is one."""


def read_sheet(path: Path, form: Form) -> tuple[str, list[Row]]:
    """The sheet that is read, and its rows that are not empty; all cells but those of `form.cells` are empty.

    Raises ExperimentError: a file that is none, too large, without such a sheet, or with several, none of them named.
    """
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    try:
        _check_extent(path)
        with CalamineWorkbook.from_path(str(path)) as book:
            names = [one.name for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]  # no charts
            names = [form.sheet] if form.sheet in names else names
            sheets = {name: book.get_sheet_by_name(name) for name in names}
            tables = {name: sheet.to_python(skip_empty_area=False) for name, sheet in sheets.items() if sheet.height}
    except ExperimentError:
        raise
    except Exception as error:  # what a reader makes of a file that is something else is its own affair
        raise violation(str(path), f"{type(error).__name__}: {error}", "an Excel file (.xlsx)") from error
    name = form.sheet or (next(iter(tables)) if len(tables) == 1 else "")
    if name not in tables:
        found = f"sheets with cells: {', '.join(tables) or 'none'}"
        wanted = nearest(name, tables) if name else ""
        example = next(iter(tables), "Sheet1")
        raise violation(f"{path}{wanted}", found, f"sheet = {example!r} in its [[series]], or another of them")
    rows = [Row(k, cells) for k, cells in enumerate(_inside(tables[name], form.cells), 1)]
    return name, [row for row in rows if any(cell != "" for cell in row.cells)]


def require_results(path: Path) -> None:
    """Raise ExperimentError for formulas without results, whose cells look empty: of a program that calculates none."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and (found := _NO_RESULT.search(archive.read(name))):
                expected = "a workbook that Excel or LibreOffice has calculated and saved"
                raise violation(f"{path}: cell {found[1].decode()}", "a formula without a result", expected)


def _inside(table: list[list[Any]], cells: str) -> list[list[Any]]:
    match = CELLS.fullmatch(cells)
    if match is None:
        return table
    left, top, right, bottom = match.groups()
    top, bottom = int(top or 1), int(bottom or len(table))
    columns = slice(_column(left), _column(right) + 1)
    return [row[columns] if top <= k <= bottom else [] for k, row in enumerate(table, 1)]


def _column(letters: str) -> int:
    """0 for A."""
    place = 0
    for letter in letters:
        place = 26 * place + ord(letter) - ord("A") + 1
    return place - 1


def _check_extent(path: Path) -> None:
    """Raise ExperimentError for what would take more memory than a table does."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        if size > _LARGEST_UNPACKED:
            raise violation(str(path), f"{size >> 20} MB unpacked", f"at most {_LARGEST_UNPACKED >> 20} MB")
        for part in parts:
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                places = _PLACE.findall(archive.read(part))
                extent = max((_column(column.decode()) + 1 for column, _ in places), default=0)
                extent *= max((int(row) for _, row in places), default=0)
                if extent > _MOST_CELLS:
                    raise violation(f"{path}: {part.filename}", f"{extent} cells", f"at most {_MOST_CELLS}")
