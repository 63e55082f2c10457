"""Rate tables that depend on unknowns: sums of tables, each times a weight.

    M(T + x, Δ + y) = M(T, Δ) + Σ c_ab (x/h)ᵃ (y/h')ᵇ, 1 ≤ a + b ≤ 3;   light that is σ+ and a little σ−: M₊ + ε M₋

The first is a cubic through tables at offsets of up to ±h, by least squares: as far it moves ξ by 1e-6 at most. The
second is exact: what light of σ+ and of σ− emits with the same polarisation leads to different levels. Where tables end
(`drive`), h is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ..validation import InvalidValue
from .tables import FARTHEST, HOTTEST, RateTable, nearest_detuning

REACH = (40.0, 20.0)
"""h of the detuning, MHz, and of the temperature, K."""
_UNITS = ("MHz", "K")
_SHARES = tuple(np.linspace(1.0, 0.0, 41).tolist())
"""Of h, where a detuning is near the least one."""
_NODES = (0.0, -1.0, -0.5, 0.5, 1.0)
_DEGREE = 3


@dataclass(frozen=True, eq=False)
class Mixture:
    """Σ weight × table. The weights are numbers, arrays (one per draw), or symbolic; the first is 1.

    fastest : of the largest tables between which it interpolates, and of light of both hands the sum
    """

    parts: tuple[tuple[Any, RateTable], ...]
    fastest: Any


def near(
    table_of: Callable[..., RateTable], settings: tuple[float, ...], offsets: Sequence[Any]
) -> RateTable | Mixture:
    """The table at settings (detuning in MHz and temperature in K, or the temperature alone) plus offsets from them.

    offsets : of each setting; None where it is known

    InvalidValue for an offset from a setting at which the tables end.
    """
    centre, unsure = table_of(*settings), [k for k, offset in enumerate(offsets) if offset is not None]
    if not unsure:
        return centre
    sizes = reach(settings, unsure)
    if not all(sizes[k] for k in unsure):
        at = " and ".join(f"{value:g} {unit}" for value, unit in zip(settings, _UNITS[-len(settings) :], strict=True))
        raise InvalidValue(f"rate tables at {at}: found an offset from it, expected none where they end")
    powers, tables, fastest = _cubic(table_of, settings, tuple(unsure))
    steps = [offsets[k] / sizes[k] for k in unsure]
    weights = [prod(step**a for step, a in zip(steps, power, strict=True) if a) for power in powers]
    return Mixture(((1.0, centre), *zip(weights, tables, strict=True)), fastest)


def reach(settings: tuple[float, ...], unsure: Sequence[int]) -> tuple[float, ...]:
    """h of each setting, by which it may differ: `REACH`, less where tables end; 0 of settings that are known.

    settings : as of `near`, valid ones;  unsure : places of those that are not known
    """
    temperature = settings[-1]
    ends = [min(FARTHEST - settings[0], REACH[0]), min(temperature, HOTTEST - temperature, REACH[1])]
    sizes = [end if k in unsure else 0.0 for k, end in enumerate(ends[-len(settings) :])]
    if len(settings) == 1:
        return tuple(sizes)

    def inside(share: float) -> bool:
        return settings[0] - share * sizes[0] >= nearest_detuning(temperature + share * sizes[1])

    share = next((share for share in _SHARES if inside(share)), 0.0)
    return tuple(share * size for size in sizes)


def mixed(first: RateTable | Mixture, share: Any, second: RateTable | Mixture) -> Mixture:
    """first + share × second."""
    others = tuple((share * weight, table) for weight, table in second.parts)
    return Mixture((*first.parts, *others), first.fastest + share * second.fastest)


@cache
def _cubic(
    table_of: Callable[..., RateTable], settings: tuple[float, ...], unsure: tuple[int, ...]
) -> tuple[list[tuple[int, ...]], list[RateTable], float]:
    """Powers of the offsets over h, the table c of each, and the largest `fastest` of those that it comes from."""
    sizes = reach(settings, unsure)
    powers = [power for power in product(range(_DEGREE + 1), repeat=len(unsure)) if 1 <= sum(power) <= _DEGREE]
    points = np.array(list(product(_NODES, repeat=len(unsure))))
    at = np.tile(settings, (len(points), 1))
    at[:, list(unsure)] += points * [sizes[k] for k in unsure]
    tables = [table_of(*map(float, setting)) for setting in at]
    weights = np.linalg.pinv(np.stack([np.prod(points**power, axis=1) for power in powers], axis=1)[1:])
    combined = [_combination(row, tables[1:], tables[0]) for row in weights]
    return powers, combined, max(table.fastest for table in tables)


def _combination(weights: np.ndarray, tables: Sequence[RateTable], centre: RateTable) -> RateTable:
    """Σ weight × (table − centre), of all numbers that tables have."""
    names = [field.name for field in fields(centre)]
    rows = [np.stack([getattr(table, name) - getattr(centre, name) for table in tables], axis=-1) for name in names]
    return replace(centre, **{name: row @ weights for name, row in zip(names, rows, strict=True)})
