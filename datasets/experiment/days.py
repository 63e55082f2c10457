"""Days: that of an experiment; series of different ones, what they do not share, which are compared with which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Protocol

from ..errors import violation

DAY_FACTORS = {
    "day_depth": ("collective_rate", "optical_depth", "depth_per_degree", "swap_rate"),
    "day_loss": ("light_loss_rate", "excess_loss_rate"),
}
"""Parameter of a day, relative to the first day: the parameters that it multiplies. dΓ goes with d, Γ stays."""


class Dated(Protocol):
    """What is read of a series."""

    # fmt: off
    @property
    def run(self) -> str: ...  # noqa: D102
    @property
    def day(self) -> str: ...  # noqa: D102
    # fmt: on


def other_days(series: Iterable[Dated], member: Mapping[str, str] | None = None) -> list[str]:
    """The days that have factors: all but the first one, of each member of a joint experiment.

    The first day is that of the series which say none, or else that of the first series.
    member : run → member
    """
    days: dict[str, dict[str, None]] = {}
    for one in series:
        days.setdefault((member or {}).get(one.run, ""), {})[one.day] = None
    return [day for of in days.values() for day in of if day != ("" if "" in of else next(iter(of)))]


def require_days(
    sharing: Iterable[str], series: Iterable[Dated], where: str, member: Mapping[str, str] | None = None
) -> None:
    """Raise ExperimentError where it is said how days share something and there is but one day."""
    said = [name for name in sharing if name in DAY_FACTORS]
    if said and not other_days(series, member):
        expected = 'series of several days: a line like day = "2026-03-01" in each [[series]]'
        raise violation(f"{where}: {said[0]}", "series of one day", expected)


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
