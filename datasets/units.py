"""Units at the boundary: strings with a unit become numbers in the units used inside (ms, 1/ms, deg, 1)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .errors import ExperimentError, violation

_UNIT = re.compile(r"(1/)?[A-Za-zµμ°%]{1,24}((\^|\*\*)-?1)?|ms⁻¹")
_ANGLE = re.compile(r"°|deg|degrees?|m?rad|(milli)?radians?")
_ENDING = re.compile(r"(?:_| in | )(s|ms|us|µs|μs|ns)$")
_NAMED = re.compile(r"[(\[/]\s*([^\s()\[\]/]+)\s*[)\]]?$")
_QUANTITY = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?(?:inf|nan))\s*(.*)")
_DECIMAL_COMMA = re.compile(r"(\d),(\d)")


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
    if zero:  # of decibels, or degrees Celsius
        kind = "unit of another zero" if target == "K" else "logarithmic unit"
        raise violation(where, f"the {kind} {unit!r}", expected)
    return one


def text_of(value: Any, where: str) -> str | None:
    """An attribute that is a text, in whatever type a program stored it: h5py's, of fixed length, in an array of one,
    or a unit of Pint. None for an empty one; ExperimentError for what is no text.
    """
    import numpy as np

    while isinstance(value, (np.ndarray, np.generic)) and not isinstance(value, (bytes, str)):
        if value.size != 1 or isinstance(value, (np.number, np.bool_)):
            raise violation(where, repr(value), "a text")
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or isinstance(value, (bool, int, float)) or type(value).__name__ == "Empty":
        raise violation(where, repr(value), "a text")
    return str(value).strip("\x00 ") or None


def unit_of(column: Any, where: str) -> str | None:
    """What a column in memory says of its unit: as xarray's attribute, or as quantities of Pint and Astropy do."""
    of_quantity = getattr(column, "units" if hasattr(column, "magnitude") else "unit", None)
    said = getattr(column, "attrs", {}).get("units", of_quantity if hasattr(column, "to") else None)
    return None if said is None else text_of(said, where)


def unit_in(name: str, target: str) -> str:
    """The unit of `T (µs)`, `T [µs]`, `T / µs` or `t_us`, if it is another one than `target` and of its dimension.

    Else "". Of a path, which begins with `/`, the last part counts.
    """
    name = name.rpartition("/")[2] if name.startswith("/") else name
    match = _NAMED.search(name) or (_ENDING.search(name) if target == "ms" else None)
    unit = match[1] if match else target
    try:
        return unit if target != "1" and factor(unit, target, name) != 1.0 else ""
    except ExperimentError:
        return ""


def quantity(value: Any, target: str, where: str) -> float:
    """A number in units of `target` from a text 'number unit' or, where `target` is "1", from a number.

    Raises ExperimentError, which names the place `where`.
    """
    expected = "a number" if target == "1" else f'a number with a unit, such as "1.0 {target}"'
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise violation(where, value, expected)
    if isinstance(value, str) and _DECIMAL_COMMA.search(value):
        raise violation(where, repr(value), '"{}"'.format(_DECIMAL_COMMA.sub(r"\1.\2", value)))
    value = value.strip() if isinstance(value, str) else value
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None and isinstance(value, str):
        raise violation(where, repr(value), expected)
    if target != "1" and not (match and match[2]):
        raise violation(where, f"{value!r} without a unit", f'a number with a unit, such as "{value} {target}"')
    return float(match[1]) * factor(match[2] or "1", target, where) if match else plain_number(value, where)


def plain_number(value: Any, where: str) -> float:
    """A number as float; ExperimentError where it is too large for one."""
    try:
        return float(value)
    except OverflowError as error:
        raise violation(where, "a number too large", "a number below 1e308") from error
