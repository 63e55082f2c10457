"""Series of different days: what they do not share, and which days are compared with which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

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
