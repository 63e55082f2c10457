"""Numbers with uncertainties, rounded as a paper prints them: 0.1125(75)."""

from __future__ import annotations

import math


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
        return f"{mean:.{decimals}f}({error})"
    return f"{round(mean, decimals):.0f}({round(sd, decimals):.0f})"
