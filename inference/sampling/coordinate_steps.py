"""The maps that coordinates are made of, each changing some entries of u in place. All but `narrowing` keep volumes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine import exponential, logarithm, softplus

SPAN = 0.3
"""The part of a run over which P shows what the pump did to n3: longer than 1/Γpump for a strong pump."""
TYPICAL_LIMIT = 0.16
"""Z, where it need not be exact."""
MEMBER_PRECISION = 0.1
"""σ: how well the data of one member of a population typically fix the logarithm of a parameter."""
LOSS_WEIGHT = 4.4
"""−∂ log(dΓ/rest)/∂c over loss/(dΓ + rest), where both halves of the sum are alike: seen in posteriors."""
COLLISION_SLOPE = -0.75
"""∂ ln(Γout_L/Γcol)/∂c: seen in posteriors."""
_WIDTH = 2.0
"""Standard deviation of ln c/(1 − c) near its centre, by the curvature of the prior beta(½, ½) there."""
COLLISION_WEIGHT = 1.25
"""∂(−Ṗ)/∂Γcol over ∂(−Ṗ)/∂Γout_L at full polarisation: (Γ43 + 4Γout)' = 5 against 4."""
ELECTRON_LOSS, LIGHT_LOSS = 0.44, 4.0
"""−dn2/dt at full polarisation over R and over dΓ/d, with sixteen levels."""
PUMP_DEPHASING = 3.0
"""∂Γ̃/∂Γpump with sixteen levels, where the pump scatters 1 : ¼ : 7/4 into |4,4⟩, |4,3⟩ and F = 3."""
ELECTRON_SLOPE = 8.7
"""∂Ṗ/∂(dΓ/d) over ∂Ṗ/∂R at full polarisation, with sixteen levels at 300 K."""


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
    logs = np.array([centre[k] + np.log(weight) for k, weight in zip(entries, weights, strict=True)])
    rests = [np.logaddexp.reduce(logs[k:]) for k in range(len(entries))]

    def step(u: list[Any]) -> None:
        total = u[entries[0]] - centre[entries[0]] + rests[0]
        for k, (entry, following) in enumerate(pairwise(entries)):
            ratio = u[following] - centre[following] + (logs[k] - rests[k + 1])
            u[entry] = total - softplus(-ratio) - np.log(weights[k])
            total = total - softplus(ratio)
        u[entries[-1]] = total - np.log(weights[-1])

    return step


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


def closure_shear(
    share: int, ratio: int, total: int, loss: int, centre: np.ndarray, loss_over_total: float
) -> Callable[[list[Any]], None]:
    """log of dΓ over the rest of the decay of Jy, from what the data fix: more loss noise taken along, less of dΓ.

    Before `sum_and_ratios`: `total` is log(dΓ + rest), `ratio` log(dΓ/rest), `loss` the log of the loss.
    loss_over_total : at the centre
    """

    def step(u: list[Any]) -> None:
        taken = 1 / (1 + exponential(-u[share])) - 0.5
        loss_rate = exponential(u[loss] - centre[loss] - u[total] + centre[total])
        u[ratio] = u[ratio] - LOSS_WEIGHT * loss_over_total * loss_rate * taken

    return step


def electron_shear(
    collisions: int, collective: int, centre: np.ndarray, light_over_collisions: float
) -> Callable[[list[Any]], None]:
    """log R from what the slope of P fixes, R and what the light of Γ ∝ dΓ adds to it: more of dΓ, less of R.

    After `sum_and_ratios`: `collective` is log dΓ;  light_over_collisions : at the centre
    """

    def step(u: list[Any]) -> None:
        light = exponential(u[collective] - centre[collective])
        u[collisions] = u[collisions] - light_over_collisions * (light - 1)

    return step


def collision_shear(share: int, collisions: int) -> Callable[[list[Any]], None]:
    """log of Γout_L over Γcol from what the late ξ fixes: more loss noise taken along, more of Γcol.

    Before `sum_and_ratios`: `collisions` is that ratio.
    """

    def step(u: list[Any]) -> None:
        u[collisions] = u[collisions] + COLLISION_SLOPE * (1 / (1 + exponential(-u[share])) - 0.5)

    return step


def stretching(share: int) -> Callable[[list[Any]], None]:
    """ln c/(1 − c) = x √(x² + 4): x is near to normal under beta(½, ½), whose tails are e^{−|u|/2}."""

    def step(u: list[Any]) -> None:
        u[share] = u[share] * (u[share] ** 2 + _WIDTH**2) ** 0.5

    return step


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


def scale_shear(scale: int, n3: int, centre: np.ndarray) -> Callable[[list[Any]], None]:
    """The scale of ξ from ξ(0)."""
    reference = 2 * np.exp(centre[n3])

    def step(u: list[Any]) -> None:
        u[scale] = u[scale] - (2 * exponential(u[n3]) - reference)

    return step


def loss_shear(
    loss: int, collisions: int, pump: int, n3: int, centre: np.ndarray, span: float
) -> Callable[[list[Any]], None]:
    """What pumping n3 adds to P over a `span` of time (ms), after which a strong pump has nothing left to do."""
    total = np.exp(centre[loss]) + COLLISION_WEIGHT * np.exp(centre[collisions])

    def pumped(u: list[Any]) -> Any:
        return exponential(u[n3]) / (exponential(-u[pump]) + span)

    reference = pumped(list(centre))

    def step(u: list[Any]) -> None:
        u[loss] = u[loss] + (pumped(u) - reference) / (4 * total)

    return step
