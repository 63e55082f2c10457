"""Values of a TOML table by key, of the right type; every violation names the key."""

from __future__ import annotations

import contextlib
import re
import tomllib
from pathlib import Path
from typing import Any

from ..errors import violation
from ..units import plain_number
from .atomic import check_size

_LARGEST = 1 << 20
_AT_LINE = re.compile(r"at line (\d+)(?:, column (\d+))?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_.-]+|\".*\"|'.*'")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_NUMBER = re.compile(r"([-+]?\d+(?:\.\d+)?)( ?%)?")
_EXPECTED = "text in UTF-8: lines like key = value, texts and '20 ms' in quotation marks"
_TRUTH = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file of at most 1 MB; ExperimentError where it is none."""
    check_size(path, _LARGEST)
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise violation(str(path), "bytes that are not text", "TOML in UTF-8: save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        place = _AT_LINE.search(str(error))
        line = text.split("\n")[int(place[1]) - 1] if place else ""
        column = int(place[2]) - 1 if place and place[2] else 0
        expected = _filled_in(line, column) or _corrected(line) or _EXPECTED
        found = f"invalid TOML ({error})"
        raise violation(str(path), found + (f" in: {line.strip()}" if line else ""), expected) from error


def _filled_in(line: str, column: int) -> str:
    """What to write where a line has … in place of a value at a column; '' for other lines."""
    if not line[column:].startswith(("…", "...")):
        return ""
    key = line[:column].rpartition("=")[0].rpartition(",")[2].rpartition("{")[2].strip() or "key"
    if key in ("sigma", "repetitions"):
        number = "0.01" if key == "sigma" else "3000"
        return f'a column or a number in place of …: {key} = "NAME", of a column of your file, or {key} = {number}'
    return f'a value in place of …: {key} = "…" is a text, such as the name of a column, {key} = 0.01 a number'


def _corrected(line: str) -> str:
    """'the line KEY = VALUE' for what is often written in its place; '' for other lines."""
    key, value = (part.strip() for part in line.partition("#")[0].partition("=")[::2])
    if not key or not value:
        return ""
    with contextlib.suppress(ValueError):
        tomllib.loads(line)
        return ""  # by itself it is right
    bare = _BARE_KEY.fullmatch(key)
    key = key if bare else f'"{key}"'
    if _DECIMAL_COMMA.fullmatch(value):
        value = value.replace(",", ".")
    elif value.lower() in ("true", "false"):
        value = value.lower()
    elif value.startswith('"') and value.endswith('"') and "\\" in value:
        value = f"'{value[1:-1]}'"
    elif value[0] not in "\"'[{":
        value = f'"{value}"'
    elif bare:
        return ""
    return f"the line {key} = {value}"


def required(where: str, table: dict[str, Any], key: str, kind: type) -> Any:
    """The value of a key that must be there, of type str, bool, int, float or dict; ExperimentError names the key."""
    if key not in table:
        raise violation(f"{where}: {key}", "nothing", f"a line like {key} = {_EXAMPLES[kind]} ({_name(kind)})")
    return optional(where, table, key, kind, None)


def optional(where: str, table: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    """The value of a key, or `default`; a whole number counts as a number. Raises as `required` does."""
    value = table.get(key, default)
    if key in table:
        wrong = isinstance(value, bool) and kind is not bool
        accepted = (int, float) if kind is float else kind
        if wrong or not isinstance(value, accepted):
            meant = _meant(value, kind)
            raise violation(f"{where}: {key}", value, _name(kind) + (f": {key} = {meant}" if meant else ""))
    return plain_number(value, f"{where}: {key}") if kind is float and value is not None else value


_EXAMPLES = {str: '"…"', bool: "false", int: "1", float: "0.1", dict: "{ … }"}


def _meant(value: Any, kind: type) -> str:
    """A value of another type as it should have been written; '' where that is not to be guessed."""
    text = str(value).strip().replace(",", ".")
    if kind is str and type(value) in (int, float):
        return f'"{value}"'
    if kind is bool:
        return _TRUTH.get(text.lower(), "")
    number = _NUMBER.fullmatch(text) if kind in (int, float) else None
    return f"{float(number[1]) / (100 if number[2] else 1):g}" if number else ""


def _name(kind: type) -> str:
    return {str: "a text", bool: "true or false", int: "a whole number", float: "a number", dict: "a table"}.get(
        kind, kind.__name__
    )


def rows_of(where: str, table: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """The tables headed [[key]], each with its place for errors; ExperimentError where the key holds something else."""
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise violation(f"{where}: {key}", rows, f"tables, each headed [[{key}]]")
    return [(f"{where}: {key} {k}", row) for k, row in enumerate(rows, 1)]
