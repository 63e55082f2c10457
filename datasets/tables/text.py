"""Text on disk: its encoding, its lines in pieces; and tables of numbers, written."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import violation
from ..files import write_bytes

BLOCK = 1 << 20
"""Characters that are read together."""
SAMPLE = BLOCK >> 4
"""Those at the beginning, in which the form of a table is looked for."""
_LONGEST_LINE = 1 << 24
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def find_encoding(path: Path) -> str:
    """UTF-8, UTF-16 by its mark or its zeros, else Windows' Western one; ExperimentError for what is no text."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    if b"\0" in start:
        even, odd = start[::2].count(0), start[1::2].count(0)
        if max(even, odd) < len(start) / 4 or min(even, odd) > max(even, odd) / 8:
            raise violation(str(path), "bytes that are not text", "a text file, such as CSV")
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def blocks(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that end with a line, and the number of the first line of each; the first one is short."""
    number, rest, size = 1, "", SAMPLE
    with path.open(encoding=encoding, errors="surrogateescape") as file:
        try:
            while block := file.read(size):
                size = BLOCK
                lines, newline, rest = (rest + block).rpartition("\n")
                if len(rest) > _LONGEST_LINE:
                    raise violation(str(path), f"a line of more than {_LONGEST_LINE >> 20} MB", "a row per line")
                if newline:
                    yield number, lines + newline
                    number += lines.count("\n") + 1
        except UnicodeError as error:
            raise violation(
                str(path), f"bytes that are not {encoding}", "text in the encoding that is given"
            ) from error
    if rest:
        yield number, rest


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
