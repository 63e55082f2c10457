"""The day of a measurement, as experiment.toml says it or a name has it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from ..errors import violation

_DAY = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")
_WEEK = re.compile(r"(?<!\d)(\d{4})[-_ ]?[Ww](\d{2})(?!\d)")


def date_in(where: str, table: dict[str, Any]) -> str:
    """The key `date` of a table as 2026-11-03, "" where it is absent; ExperimentError for what is no date."""
    found = table.get("date", "")
    try:
        return found and (found if isinstance(found, date) else date.fromisoformat(found)).isoformat()[:10]
    except (TypeError, ValueError) as error:
        raise violation(f"{where}: date", found, "a day, such as 2026-11-03") from error


def date_of(name: str) -> str:
    """The first day in a name, such as 2026-11-03, 20261103, or Monday of 2026-W45, as 2026-11-03; "" without one."""
    days = [f"{year}-{month}-{day}" for year, _, month, day in _DAY.findall(name)]
    for text in (*days, *(f"{year}-W{week}-1" for year, week in _WEEK.findall(name))):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            continue  # a number of other meaning
    return ""
