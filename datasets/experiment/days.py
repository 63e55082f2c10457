"""Series of different days: what they do not share, and which days are compared with which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ..errors import violation

DAY_FACTORS = {
    "day_depth": ("collective_rate", "optical_depth", "depth_per_degree", "swap_rate"),
    "day_loss": ("light_loss_rate",),
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
