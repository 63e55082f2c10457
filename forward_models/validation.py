"""Checks of concrete numbers; symbolic values (PyTensor variables, complex steps) pass unchecked."""

from __future__ import annotations

from typing import Any

import numpy as np

BOUNDS_NEEDED = (
    "rate_bounds: needed where the rates are symbolic; inside a forward model of your own call the `evolve` that it is"
    " given, which has them: evolve(stages, times, closure=…)"
)
"""Of a quadrature over rates that have no values yet."""


class InvalidValue(ValueError):
    """A value that the physics does not allow. The message says what was given and what is expected."""


def concrete(value: Any) -> np.ndarray | None:
    """`value` as a float array, or None where it is symbolic or complex (a complex step)."""
    if isinstance(value, str):
        raise InvalidValue(f"{value!r} is not a number")
    if isinstance(value, (int, float, np.ndarray, np.generic, list, tuple)):
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise InvalidValue(f"{value!r} is not a number or an array of numbers") from error
        if array.dtype.kind in "iufb":
            return array.astype(float, copy=False)
        if array.dtype.kind == "c":
            return None
        raise InvalidValue(f"{value!r} is not a number")
    return None


def require(name: str, value: Any, *, low: float = -np.inf, high: float = np.inf, low_open: bool = False) -> None:
    """Raise InvalidValue unless `value` is finite and inside [low, high] (or ]low, high])."""
    if type(value) is float and low <= value <= high and abs(value) < np.inf and not (low_open and value == low):
        return  # the usual case, without the cost of an array
    array = concrete(value)
    if array is None or not array.size:
        return
    least, most = float(array.min()), float(array.max())  # NaN where one is
    if -np.inf < least and most < np.inf and most <= high and (least > low if low_open else least >= low):
        return
    inside = np.isfinite(array) & (array <= high) & ((array > low) if low_open else (array >= low))
    offender = array[~inside].flat[0]
    raise InvalidValue(f"{name} = {offender:g}: expected {_interval(low, high, low_open)}")


def _interval(low: float, high: float, low_open: bool) -> str:
    if np.isinf(low) and np.isinf(high):
        return "a finite number"
    if np.isinf(high):
        return f"a finite number {'>' if low_open else '>='} {low:g}"
    return f"a number in {'(' if low_open else '['}{low:g}, {high:g}]"
