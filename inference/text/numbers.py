"""Numbers as they are printed, with the digits that their uncertainty leaves; and as JSON has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_EXACT = 1e-9
_ROUND = 0.1


def decimals_of(sd: float) -> int:
    """Decimals with which a standard deviation has two significant digits; negative for hundreds."""
    if not math.isfinite(sd) or sd <= 0:
        return 0
    decimals = 1 - math.floor(math.log10(sd))
    return decimals - 1 if round(sd * 10**decimals) >= 100 else decimals  # 0.0996 is 0.10


def with_error(mean: float, sd: float) -> str:
    """1.234(56): the standard deviation with two digits, in units of the last digit of the mean.

    From 100 on both are rounded to whole numbers with the digits that count: 1230(110). Without a finite sd, the mean.
    """
    if not math.isfinite(mean) or not math.isfinite(sd) or sd <= 0:
        return f"{mean:g}"
    decimals = decimals_of(sd)
    if decimals >= 0:
        digits = round(sd * 10**decimals)
        error = f"{sd:.{decimals}f}" if decimals > 0 and sd >= 1 else str(digits)
        return f"{_fixed(mean, decimals)}({error})"
    return f"{round(mean, decimals):.0f}({round(sd, decimals):.0f})"


def plus_minus(mean: float, sd: float) -> str:
    """1.234 ± 0.056: both with the decimals with which the standard deviation has two digits."""
    decimals = max(0, decimals_of(sd))
    return f"{_fixed(mean, decimals)} ± {sd:.{decimals}f}"


def number(value: float, scale: float) -> str:
    """A number with as many decimals as its uncertainty `scale`, in the same unit, has with two significant digits.

    +∞ is "> horizon": a duration that ends beyond what was computed.
    """
    if not np.isfinite(value):
        return "> horizon" if value > 0 else str(value)
    if 0 < scale < _EXACT * abs(value):
        return f"{value:.6g}"
    decimals = 0 if scale <= 0 or not np.isfinite(scale) else max(0, 1 - int(np.floor(np.log10(scale))))
    return _fixed(value, decimals)


def _fixed(value: float, decimals: int) -> str:
    """With so many decimals; what is rounded to zero has no sign."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def interval(low: float, high: float, scale: float) -> str:
    """Two ends as [low, high], with the decimals of `number`."""
    return f"[{number(low, scale)}, {number(high, scale)}]"


def p_text(p: float) -> str:
    """A p-value with two digits."""
    return f"{p:.2f}" if p >= _ROUND else f"{p:.2g}"


def signed(shift: float, form: str = ".2f") -> str:
    """A shift with its sign, which is never left out."""
    return f"{'−' if shift < 0 else '+'}{abs(shift):{form}}"


def as_json(value: Any) -> Any:
    """Dicts, lists, numbers and texts as JSON has them: NaN and ±∞ become None, NumPy's scalars Python's, keys text."""
    if isinstance(value, dict):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
