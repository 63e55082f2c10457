"""Units at the boundary: strings with a unit become numbers in the units used inside (ms, 1/ms, deg, 1)."""

from __future__ import annotations

from functools import cache
from typing import Any

from .errors import violation


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


def factor(unit: str, target: str, where: str) -> float:
    """The number by which a value in `unit` is multiplied to be in `target`.

    Raises ExperimentError for an unknown unit or one of another dimension.
    """
    if unit == target:
        return 1.0
    import pint

    try:
        return float(_registry().Quantity(1.0, unit).to("" if target == "1" else target).magnitude)
    except pint.DimensionalityError as error:
        raise violation(where, f"the unit {unit!r}", f"a unit like {target!r}") from error
    except Exception as error:
        raise violation(where, f"the unknown unit {unit!r}", f"a unit like {target!r}") from error


def quantity(value: Any, target: str, where: str) -> float:
    """A number in units of `target` from 'number unit' or, for pure numbers, from a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise violation(where, value, _expected(target))
    if isinstance(value, (int, float)):
        if target != "1":
            raise violation(where, f"{value!r} without a unit", _expected(target))
        return float(value)
    number, _, unit = value.strip().partition(" ")
    try:
        magnitude = float(number)
    except ValueError as error:
        raise violation(where, value, _expected(target)) from error
    if not unit.strip() and target != "1":
        raise violation(where, f"{value!r} without a unit", _expected(target))
    return magnitude * factor(unit.strip() or "1", target, where)


def _expected(target: str) -> str:
    return "a number" if target == "1" else f"a number with a unit, such as '1.0 {target}'"
