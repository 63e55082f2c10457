"""Values of a TOML table by key, of the right type; every violation names the key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..errors import violation
from ..units import plain_number
from .atomic import check_size

_LARGEST = 1 << 20


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file of at most 1 MB; ExperimentError where it is none."""
    check_size(path, _LARGEST)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise violation(str(path), "bytes that are not text", "TOML in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise violation(str(path), f"no valid TOML ({error})", "text in UTF-8") from error


def required(where: str, table: dict[str, Any], key: str, kind: type) -> Any:
    """The value of a key that must be there, of type str, bool, int, float or dict; ExperimentError names the key."""
    if key not in table:
        raise violation(f"{where}: {key}", "nothing", f"the key {key} ({_name(kind)})")
    return optional(where, table, key, kind, None)


def optional(where: str, table: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    """The value of a key, or `default`; a whole number counts as a number. Raises as `required` does."""
    value = table.get(key, default)
    if key in table:
        wrong = isinstance(value, bool) and kind is not bool
        accepted = (int, float) if kind is float else kind
        if wrong or not isinstance(value, accepted):
            raise violation(f"{where}: {key}", value, _name(kind))
    return plain_number(value, f"{where}: {key}") if kind is float and value is not None else value


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
