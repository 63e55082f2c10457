"""The maps that coordinates are made of, each changing some entries of u in place. All but `narrowing` keep volumes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine import exponential, logarithm, softplus

TYPICAL_LIMIT = 0.16
"""Z, where it need not be exact."""
MEMBER_PRECISION = 0.1
"""σ: how well the data of one member of a population typically fix the logarithm of a parameter."""
_WIDTH = 2.0
"""Standard deviation of ln c/(1 − c) near its centre, by the curvature of the prior beta(½, ½) there."""
COLLISION_WEIGHT = 1.25
"""∂(−Ṗ)/∂Γcol over ∂(−Ṗ)/∂Γout_L at full polarisation: (Γ43 + 4Γout)' = 5 against 4."""
PUMP_DEPHASING = 3.0
"""∂Γ̃/∂Γpump with sixteen levels, where the pump scatters 1 : ¼ : 7/4 into |4,4⟩, |4,3⟩ and F = 3."""


def bath_shear(bath: int, rates: list[int], centre: np.ndarray) -> Callable[[list[Any]], None]:
    """log n_b from log v_u, v_u = n_b γextra/γ + Z γs/γ, as it is near v_u = 1."""

    def known(u: list[Any]) -> Any:
        ratio = u[rates[0]] - u[rates[1]]
        return softplus(ratio) + logarithm(1 - TYPICAL_LIMIT * exponential(ratio - softplus(ratio)))

    reference = known(list(centre))

    def step(u: list[Any]) -> None:
        u[bath] = u[bath] + known(u) - reference

    return step


def signal_shear(bath: int, rates: list[int], centre: np.ndarray) -> Callable[[list[Any]], None]:
    """log n_b from log of the signal in the records of a steady state, γs (v_u − Z) ≈ n_b γs γextra/γ."""

    def known(u: list[Any]) -> Any:
        ratio = u[rates[0]] - u[rates[1]]
        return softplus(ratio) - u[rates[0]]

    reference = known(list(centre))

    def step(u: list[Any]) -> None:
        u[bath] = u[bath] + known(u) - reference

    return step


def beginning_shear(initial: int, swap: int, centre: np.ndarray) -> Callable[[list[Any]], None]:
    """log ξ(0) from log γs ξ(0), the signal with which records begin."""

    def step(u: list[Any]) -> None:
        u[initial] = u[initial] - (u[swap] - centre[swap])

    return step


def coupling_shear(collective: int, dephasing: int, centre: np.ndarray, duration: float) -> Callable[[list[Any]], None]:
    """log dΓ from log κ², for pulses of this duration (ms)."""

    def decayed(log_rate: Any) -> Any:
        return logarithm((1 - exponential(-duration * exponential(log_rate))) / (duration * exponential(log_rate)))

    reference = decayed(centre[dephasing])

    def step(u: list[Any]) -> None:
        u[collective] = u[collective] - (decayed(u[dephasing]) - reference)

    return step


def sum_and_ratios(entries: list[int], weights: list[float], centre: np.ndarray) -> Callable[[list[Any]], None]:
    """log A, log B, log C from log(A + S), log(A/S), log(B/C) with S = B + C, and so on; Jacobian ±1."""
    logs, rests = _logs_and_rests(entries, weights, centre)

    def step(u: list[Any]) -> None:
        total = u[entries[0]] - centre[entries[0]] + rests[0]
        for k, (entry, following) in enumerate(pairwise(entries)):
            ratio = u[following] - centre[following] + (logs[k] - rests[k + 1])
            u[entry] = total - softplus(-ratio) - np.log(weights[k])
            total = total - softplus(ratio)
        u[entries[-1]] = total - np.log(weights[-1])

    return step


def log_ratios(entries: list[int], weights: list[float], centre: np.ndarray) -> np.ndarray:
    """log(A/S), log(B/C), … at the centre."""
    logs, rests = _logs_and_rests(entries, weights, centre)
    return np.asarray(logs[:-1] - rests[1:])


def _logs_and_rests(entries: list[int], weights: list[float], centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logs = np.array([centre[k] + np.log(weight) for k, weight in zip(entries, weights, strict=True)])
    return logs, np.array([np.logaddexp.reduce(logs[k:]) for k in range(len(entries))])


def narrowing(populations: list[tuple[int, list[int]]]) -> Callable[[list[Any]], None]:
    """Scores of members in units of how far their own data let them be; see `width`. Its Jacobian is `narrowed`."""

    def step(u: list[Any]) -> None:
        for spread, scores in populations:
            unit = width(u[spread])
            for k in scores:
                u[k] = u[k] * unit

    return step


def narrowed(populations: list[tuple[int, list[int]]]) -> Callable[[list[Any]], Any]:
    """From u the logarithm of the Jacobian of `narrowing`."""

    def log_volume(u: list[Any]) -> Any:
        return sum(len(scores) * logarithm(width(u[spread])) for spread, scores in populations)

    return log_volume


def width(log_spread: Any) -> Any:
    """How far a score can be from where a member's own data want it, for a spread τ: σ/√(σ² + τ²)."""
    return 1 / (1 + exponential(2 * log_spread) / MEMBER_PRECISION**2) ** 0.5


def stretching(share: int) -> Callable[[list[Any]], None]:
    """ln c/(1 − c) = x √(x² + 4): x is near to normal under beta(½, ½), whose tails are e^{−|u|/2}."""

    def step(u: list[Any]) -> None:
        u[share] = u[share] * (u[share] ** 2 + _WIDTH**2) ** 0.5

    return step


GROWTH = _WIDTH, 0.0, _WIDTH**-4
"""Slope, bend and growth of c as a function of that x, see `Naturals`."""


def stretched(share: int) -> Callable[[list[Any]], Any]:
    """From u the logarithm of the Jacobian of `stretching`."""

    def log_volume(u: list[Any]) -> Any:
        square = (_WIDTH**4 + 4 * u[share] ** 2) ** 0.5 / 2 - _WIDTH**2 / 2
        return logarithm(2 * square + _WIDTH**2) - 0.5 * logarithm(square + _WIDTH**2)

    return log_volume


def average(median: int, spread: int, scores: list[int]) -> Callable[[list[Any]], None]:
    """Log of the median from the average of the members' logarithms, which is what the data fix."""

    def step(u: list[Any]) -> None:
        total = u[scores[0]]
        for k in scores[1:]:
            total = total + u[k]
        u[median] = u[median] - exponential(u[spread]) * total / len(scores)

    return step
