"""Which sign the quadrature of an orientation test has: the same signal turns one way or the other."""

from __future__ import annotations

from math import pi

import numpy as np

from .experiment import Experiment
from .light_power import ZEEMAN, known_by_power

_DETUNING, _COHERENCE = 0.005, (30.0, 0.7)
"""sd of δ₀, ms⁻¹; median of T2, ms, and sd of its logarithm: by the default priors the strongest line keeps apart."""
CLEAR = 16.0
"""Difference of χ² from which one sign is that of the data; 12 simulated tests and the bundled one had 94 to 160."""
_LINES = 3
"""4 ↔ 3 and the next two; the deeper ones are too weak to decide."""
_FEWEST = 5
"""Delays; the model has seven numbers."""
_START, _GRID = 0.02, np.linspace(-4 * _DETUNING, 4 * _DETUNING, 65)


def reversed_beats(experiment: Experiment) -> list[str]:
    """Names of the orientation tests whose quadrature has the opposite sign, as far as their data can tell."""
    found = []
    for series in experiment.series:
        if series.kind != "orientation_beat" or series.fitted.sum() < 2 * _FEWEST:
            continue
        member = experiment.member.get(series.run, "")
        zeeman = known_by_power(experiment, "quadratic_zeeman", member) or ZEEMAN
        if experiment.knows("quadratic_zeeman", member):
            known = experiment.known("quadratic_zeeman", member)
            zeeman = known.value, known.sigma or ZEEMAN[1]
        values, delays, sigma = (array[series.fitted] for array in (series.value, series.x, series.spread))
        signal = values[::2] + 1j * values[1::2]
        if opposite_sign(delays[::2], signal, sigma[::2], zeeman) > CLEAR:
            found.append(series.name)
    return found


def opposite_sign(
    delays: np.ndarray, signal: np.ndarray, sigma: np.ndarray, zeeman: tuple[float, float] = ZEEMAN
) -> float:
    """By how much χ² is smaller for the conjugate of the signal than for the signal itself; > 0: its sign is opposite.

    With the sign of this package the weaker lines precess faster than the strongest, in the sense in which the phase
    atan2(quadrature, in_phase) grows: S(t) = S₀ e^{2πiδ₀t − t/T2} (1 + Σ_k w_k e^{2πikν₂t}), w_k ≥ 0.

    delays (T,), ms;  signal (T,), complex, in_phase + i quadrature;  sigma (T,), of each of the two;  zeeman : ν₂ ± sd
    """
    return _least_square(delays, signal, sigma, zeeman) - _least_square(delays, signal.conj(), sigma, zeeman)


def _least_square(delays: np.ndarray, signal: np.ndarray, sigma: np.ndarray, zeeman: tuple[float, float]) -> float:
    """The least χ² of the model, with the priors of ν₂, δ₀ and T2."""
    from scipy.optimize import least_squares

    time, spread = np.log(_COHERENCE[0]), _COHERENCE[1]

    def residuals(at: np.ndarray) -> np.ndarray:
        detuning, splitting, log_time = at[_LINES + 1 :]
        turn = np.exp(2j * pi * splitting * delays)
        lines = 1 + sum(weight * turn**k for k, weight in enumerate(at[2 : _LINES + 1], 1))
        model = (at[0] + 1j * at[1]) * lines * np.exp((2j * pi * detuning - np.exp(-log_time)) * delays)
        apart = (signal - model) / sigma
        known = [detuning / _DETUNING, (splitting - zeeman[0]) / zeeman[1], (log_time - time) / spread]
        return np.concatenate([apart.real, apart.imag, known])

    single = np.exp((2j * pi * _GRID[:, None] - np.exp(-time)) * delays)  # the strongest line alone, at any detuning
    share = (single.conj() * signal / sigma**2).sum(axis=1)
    power = abs(share) ** 2 / (abs(single / sigma) ** 2).sum(axis=1)
    best = int(np.argmax(power))
    first = share[best] / (abs(single[best] / sigma) ** 2).sum()
    start = [first.real, first.imag, *[_START] * (_LINES - 1), _GRID[best], max(zeeman[0], 0.0), time]
    low, high = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    low[2 : _LINES + 1], low[-2] = 0.0, 0.0
    return float(2 * least_squares(residuals, start, bounds=(low, high), x_scale="jac", max_nfev=200).cost)
