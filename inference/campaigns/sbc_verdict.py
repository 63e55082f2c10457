"""The verdict of a simulation-based calibration in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .uniformity import FIRST, SECOND

UNHEALTHY = 0.05
"""Share of the samplings that may be unhealthy: a wrong gradient leaves ranks as they are, and spoils the sampling."""
_ENOUGH = 100
"""Simulations below which only gross errors show."""


def many_problems(problems: list[str], count: int) -> bool:
    """Whether so many of `count` samplings were unhealthy that it is no calibration."""
    return len(problems) > max(1, UNHEALTHY * count)


def opening(calibrated: bool, count: int) -> str:
    """Of the whole."""
    few = ", which show only gross errors" if count < _ENOUGH else ""
    return f"{'Calibrated' if calibrated else 'Not calibrated'} over {count} simulations{few}:"


def of_ranks(suspects: Mapping[str, np.ndarray], quantities: int) -> str:
    """What is said of the first seed; `suspects`: fractional ranks of the quantities that leave the band."""
    band = f"{100 * (1 - FIRST):.0f} % band that they share"
    if not suspects:
        return f"the ranks of all {quantities} quantities stay in the {band}."
    faults = ", ".join(f"{name} ({_fault(ranks)})" for name, ranks in suspects.items())
    return f"{len(suspects)} of {quantities} quantities leave the {band}: {faults}."


def of_second_seed(confirmed: list[str], count: int) -> str:
    """What is said of the second; `confirmed`: those that leave the band again."""
    begin = f"Over {count} simulations with another seed"
    if not confirmed:
        return f"{begin} none of these leaves its {100 * (1 - SECOND):.0f} % band: they left it by chance."
    return (
        f"{begin} again: {', '.join(confirmed)} ({100 * (1 - SECOND):.0f} % band; a right model fails twice in"
        f" {100 * FIRST * SECOND:.0f} % of calibrations)."
    )


def of_sampling(problems: list[str], failures: list[str], count: int) -> list[str]:
    """What is said of samplings that were unhealthy, and of fits that failed."""
    sentences = []
    if problems:
        many = ", more than one in twenty" if many_problems(problems, count) else ""
        sentences.append(f"The sampling was unhealthy in {len(problems)} of them{many}. The first: {problems[0]}")
    if failures:
        sentences.append(f"{len(failures)} simulations could not be fitted, which alone can bias ranks: {failures[0]}.")
    return sentences


def _fault(ranks: np.ndarray) -> str:
    """What is wrong with a posterior whose true values have these ranks, from 0 to 1."""
    shift = (ranks.mean() - 0.5) * np.sqrt(12 * len(ranks))
    width = (ranks.var() - 1 / 12) * np.sqrt(180 * len(ranks))
    if abs(shift) > abs(width):
        return "posterior too low" if shift > 0 else "posterior too high"
    return "posterior too narrow" if width > 0 else "posterior too wide"
