"""What can be said of how a table is written. What is not said is found, where it is unambiguous (`layout.py`)."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, fields
from typing import Any

from ..errors import violation
from ..files import FORMATS, optional

SPREADSHEETS = (".xlsx", ".xlsm")
DEFAULT_SEPARATORS = {".tsv": "\t", ".tab": "\t"}
CELLS = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})?:([A-Z]{1,3})([1-9]\d{0,6})?")
"""A range of a spreadsheet: B4:E60, or whole columns, B:E."""
_NOT_BETWEEN_CELLS = set('"\n\r#.+-0123456789')


@dataclass(frozen=True)
class Form:
    """How a table is written.

    encoding : of a text file: utf-8, cp1252, utf-16, …
    separator : the character between cells, " " for any number of blanks;  decimal : "." or ","
    comment : one to three signs, besides #, with which lines begin that are left out
    skip_rows : how many lines (of a spreadsheet: rows) above the names, or above the numbers where there are none
    sheet : the name of a sheet of a spreadsheet;  cells : a range of a spreadsheet, such as B4:E60
    """

    encoding: str = ""
    separator: str = ""
    decimal: str = ""
    comment: str = ""
    skip_rows: int = -1  # not said
    sheet: str = ""
    cells: str = ""


FORM_KEYS = tuple(field.name for field in fields(Form))
_OF_SHEETS = ("sheet", "cells")


def read_form(where: str, row: dict[str, Any], suffix: str) -> Form:
    """What a table [[series]] says of a file whose name ends in `suffix`; ExperimentError names the key."""
    for key in FORM_KEYS:
        possible = (suffix in SPREADSHEETS and key in (*_OF_SHEETS, "decimal", "skip_rows")) or (
            suffix not in (*SPREADSHEETS, *FORMATS) and key not in _OF_SHEETS
        )
        if key in row and not possible:
            raise violation(f"{where}: {key}", repr(row[key]), f"no such key for a file that ends in {suffix!r}")
    said = {one.name: optional(where, row, one.name, type(one.default), one.default) for one in fields(Form)}
    form = Form(**said)
    if len(form.separator) > 1 or form.separator in _NOT_BETWEEN_CELLS or not form.separator.isascii():
        raise violation(f"{where}: separator", repr(form.separator), "one character")
    if form.decimal not in ("", ".", ",") or (form.decimal == form.separator != ""):
        raise violation(f"{where}: decimal", repr(form.decimal), "'.' or ',', another sign than the separator")
    if form.comment.strip() != form.comment or form.comment[:1].isalnum() or len(form.comment) > 3:
        raise violation(f"{where}: comment", repr(form.comment), "a sign, or up to three, such as '%' or '---'")
    if form.skip_rows < 0 and "skip_rows" in row:
        raise violation(f"{where}: skip_rows", form.skip_rows, "how many lines stand above the names of the columns")
    if form.cells and not CELLS.fullmatch(form.cells):
        raise violation(f"{where}: cells", repr(form.cells), "a range, such as 'B4:E60' or 'B:E'")
    try:
        known = not form.encoding or codecs.lookup(form.encoding)._is_text_encoding
    except LookupError:
        known = False
    if not known:
        raise violation(f"{where}: encoding", repr(form.encoding), "a name such as 'utf-8', 'cp1252', 'utf-16'")
    return form
