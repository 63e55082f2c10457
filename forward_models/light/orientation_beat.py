"""The orientation test: the free evolution of the transverse spin after an RF pulse (supplement, Fig. S.3).

The eight coherences m ↔ m−1 of F = 4 precess at frequencies that the second-order Zeeman effect splits; their
weights tell the populations of the sub-levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

SUBLEVELS = tuple(range(4, -5, -1))
"""m of F = 4, from the one that is pumped into on."""


@dataclass(frozen=True)
class Precession:
    """How the transverse spin precesses in the frame of the lock-in amplifier; each field a number, array or symbol.

    in_phase, quadrature : real and imaginary part, at t = 0, of the signal of the coherence 4 ↔ 3 alone
    detuning : δ₀ of the coherence 4 ↔ 3, ms⁻¹ (kHz)
    quadratic_zeeman : ν₂, distance of neighbouring coherences, ms⁻¹ (kHz); 0.0226 at 322 kHz (Breit–Rabi)
    coherence_time : T2 of the coherences, ms
    """

    in_phase: Any
    quadrature: Any
    detuning: Any
    quadratic_zeeman: Any
    coherence_time: Any


def sublevel_populations(ratios: Sequence[Any]) -> list[Any]:
    """Populations p₄, p₃, …, p₋₄ within F = 4 (sum 1) from the eight ratios p₃/p₄, p₂/p₃, …, p₋₄/p₋₃.

    Each ratio is a number, an array or symbolic; so is then each population.
    """
    relative = [1.0]
    for ratio in ratios:
        relative.append(relative[-1] * ratio)
    total = sum(relative[1:], relative[0])
    return [entry / total for entry in relative]


def sublevel_orientation(populations: Sequence[Any]) -> Any:
    """o = Σ m p_m / 4 of the nine populations within F = 4, m = 4, …, −4 (supplement, orientation)."""
    terms = [m * population for m, population in zip(SUBLEVELS, populations, strict=True)]
    return sum(terms[1:], terms[0]) / 4


def orientation_beat(
    times: Any, populations: Sequence[Any], precession: Precession, *, xp: Any = np
) -> tuple[Any, Any]:
    """The signal in phase and in quadrature at `times` (ms after the pulse).

    S(t) = S₀ e^{2πiδ₀t} Σ_m w_m/w₄ e^{2πi(4−m)ν₂t − t/T2},  w_m = (20 − m(m−1)) (p_m − p_{m−1}),  m = 4, …, −3

    S₀ belongs to the strongest line, which the data fix whatever the populations are. Needs p₄ > p₃.

    populations : p₄, …, p₋₄;  each and the fields of `precession` broadcast with `times`
    Ensemble II: m and the sign mirrored; the same signal.
    """
    phase, step = 2 * pi * precession.detuning * times, 2 * pi * precession.quadratic_zeeman * times
    turn_real, turn_imaginary = xp.cos(step), xp.sin(step)
    real, imaginary, strongest = 0.0, 0.0, populations[0] - populations[1]
    for m, upper, lower in reversed(list(zip(SUBLEVELS, populations, populations[1:], strict=False))):
        weight = (20 - m * (m - 1)) / 8 * (upper - lower) / strongest  # Horner's scheme in e^{2πiν₂t}
        real, imaginary = (
            weight + turn_real * real - turn_imaginary * imaginary,
            turn_real * imaginary + turn_imaginary * real,
        )
    decay = xp.exp(-times / precession.coherence_time)
    start_real = decay * (precession.in_phase * xp.cos(phase) - precession.quadrature * xp.sin(phase))
    start_imaginary = decay * (precession.in_phase * xp.sin(phase) + precession.quadrature * xp.cos(phase))
    return start_real * real - start_imaginary * imaginary, start_real * imaginary + start_imaginary * real
