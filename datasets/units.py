"""Units at the boundary: strings with a unit become numbers in the units used inside (ms, 1/ms, deg, 1)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .errors import ExperimentError, violation

_UNIT = re.compile(r"(1/)?[A-Za-zµμ°%]{1,24}((\^|\*\*)-?1)?|ms⁻¹")
_ANGLE = re.compile(r"°|deg|degrees?|m?rad|(milli)?radians?")
_QUANTITY = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|nan))\s*(.*)")


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
    if not _UNIT.fullmatch(unit) or (target == "deg" and not _ANGLE.fullmatch(unit)):
        raise violation(where, f"the unknown unit {unit!r}", f"a unit like {target!r}")
    import pint

    try:
        one, two = (
            float(_registry().Quantity(n, unit).to("" if target == "1" else target).magnitude) for n in (1.0, 2.0)
        )
        if abs(two - 2 * one) > 1e-9 * abs(two):  # decibels: no factor
            raise violation(where, f"the logarithmic unit {unit!r}", f"a unit like {target!r}")
        return one
    except ExperimentError:
        raise
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
        return plain_number(value, where)
    match = _QUANTITY.fullmatch(value.strip())
    if match is None:
        raise violation(where, repr(value), _expected(target))
    magnitude, unit = float(match[1]), match[2]
    if not unit and target != "1":
        raise violation(where, f"{value!r} without a unit", _expected(target))
    return magnitude * factor(unit or "1", target, where)


def plain_number(value: Any, where: str) -> float:
    """A number as float; ExperimentError where it is too large for one."""
    try:
        return float(value)
    except OverflowError as error:
        raise violation(where, "a number too large", "a number below 1e308") from error


def _expected(target: str) -> str:
    return "a number" if target == "1" else f"a number with a unit, such as '1.0 {target}'"
