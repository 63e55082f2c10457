"""Units at the boundary: strings with a unit become numbers in the units used inside (ms, 1/ms, deg, 1)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .errors import ExperimentError, violation

_UNIT = re.compile(r"(1/)?[A-Za-zµμ°%]{1,24}((\^|\*\*)-?1)?|ms⁻¹")
_ANGLE = re.compile(r"°|deg|degrees?|m?rad|(milli)?radians?")
_NAMED = re.compile(r"[(\[/]\s*([^\s()\[\]/]+)\s*[)\]]?$")
_QUANTITY = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|nan))\s*(.*)")


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


def factor(unit: str, target: str, where: str) -> float:
    """The number by which a value in `unit` is multiplied to be in `target`, "1" for a pure number.

    Raises ExperimentError, which names the place `where`, for an unknown unit or one of another dimension.
    """
    if unit == target:
        return 1.0
    expected = f"a unit like {target!r}"
    if not _UNIT.fullmatch(unit) or (target == "deg" and not _ANGLE.fullmatch(unit)):
        raise violation(where, f"the unknown unit {unit!r}", expected)
    import pint

    try:
        zero, one = (float(_registry().convert(n, unit, "" if target == "1" else target)) for n in (0.0, 1.0))
    except pint.DimensionalityError as error:
        raise violation(where, f"the unit {unit!r}", expected) from error
    except Exception as error:  # whatever pint's parser raises
        raise violation(where, f"the unknown unit {unit!r}", expected) from error
    if zero:  # decibels
        raise violation(where, f"the logarithmic unit {unit!r}", expected)
    return one


def unit_in(name: str, target: str) -> str:
    """The unit of `T (µs)`, `T [µs]` or `T / µs`, if it is another one than `target` and of its dimension; else ""."""
    match = _NAMED.search(name)
    unit = match[1] if match else target
    try:
        return unit if target != "1" and factor(unit, target, name) != 1.0 else ""
    except ExperimentError:
        return ""


def quantity(value: Any, target: str, where: str) -> float:
    """A number in units of `target` from a text 'number unit' or, where `target` is "1", from a number.

    Raises ExperimentError, which names the place `where`.
    """
    expected = "a number" if target == "1" else f"a number with a unit, such as '1.0 {target}'"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise violation(where, value, expected)
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None and isinstance(value, str):
        raise violation(where, repr(value), expected)
    if target != "1" and not (match and match[2]):
        raise violation(where, f"{value!r} without a unit", expected)
    return float(match[1]) * factor(match[2] or "1", target, where) if match else plain_number(value, where)


def plain_number(value: Any, where: str) -> float:
    """A number as float; ExperimentError where it is too large for one."""
    try:
        return float(value)
    except OverflowError as error:
        raise violation(where, "a number too large", "a number below 1e308") from error
