"""Pick-up in records: lines that do not decay, unlike the atoms', and what is left of the records without them.

Atoms' noise is Gaussian, so that its periodogram scatters from record to record like an exponential variate; a line
from outside has the same strength in each record, whatever its phase.
"""

from __future__ import annotations

import numpy as np

MOST = 6
"""Lines that are looked for."""
SURE = 6.0
"""Standard errors of the strength of pick-up."""
_STEADY = 4.5
"""Standard errors by which the logarithm of a steady line's power scatters less than that of noise."""
_NARROW, _UNSURE, _RESOLVED = 0.05, 3.0, 0.5
"""Widths in units of 1/(length of a record): of no line, and of one that is resolved; errors of one that may be 0."""
_MASK = 2.0
"""Half the band around pick-up that is left out, in units of 1/(length of a record)."""


def undecayed(rate: float, error: float, length: float) -> bool:
    """Whether a line of this decay rate (1/ms, ± standard error) in records of `length` (ms) is pick-up.

    Its width γ/π is negative, or compatible with 0 and known to a part of 1/length.
    """
    width, deviation = rate * length / np.pi, error * length / np.pi
    small = width <= max(_UNSURE * deviation, _NARROW) and width + 2 * deviation < _RESOLVED
    return bool(width <= 0 or small)


def columns(tones: list[float], time: np.ndarray, order: int = 0) -> np.ndarray:
    """Orthonormal (K, C): e^{iωt} of each tone (rad/ms), and times t up to t^order."""
    if not tones:
        return np.zeros((len(time), 0), complex)
    slow = np.linspace(-1, 1, len(time))
    shapes = [slow**power * np.exp(1j * tone * time) for tone in tones for power in range(order + 1)]
    return np.asarray(np.linalg.qr(np.stack(shapes, axis=1))[0])


def without(records: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Records (R, K), or one (K,), less their projections on orthonormal columns (K, C)."""
    return np.asarray(records - (records @ beside.conj()) @ beside.T)


def away_from(tones: list[float], interval: float, bins: int, padding: int = 1) -> np.ndarray:
    """Which ordinates of a periodogram of `bins`, padded to a multiple of them, are not near a tone (rad/ms)."""
    places = np.arange(padding * bins) / padding  # in units of 1/(length of a record)
    distance = np.subtract.outer(places, np.array(tones) * interval * bins / (2 * np.pi))
    return np.asarray((abs((distance + bins / 2) % bins - bins / 2) > _MASK).all(axis=1))


def steady_tones(records: np.ndarray, time: np.ndarray) -> list[float]:
    """Frequencies (rad/ms) of lines of the same strength, but not the same phase, in records (R, K) without mean.

    For an exponential variate P, ⟨ln P⟩ − ln⟨P⟩ is −0.577 ± √(π²/6 − 1)/√R.
    """
    count, bins = records.shape
    interval = time[1] - time[0]
    window = np.hanning(bins + 2)[1:-1]
    found: list[float] = []
    sure = _STEADY * np.sqrt((np.pi**2 / 6 - 1) / count) - np.euler_gamma
    for _ in range(MOST):
        left = without(records - records.mean(axis=0), columns(found, time, 1)) * window
        power = abs(np.fft.fft(left, 2 * bins, axis=1)) ** 2
        mean = power.mean(axis=0)
        steady = np.log(np.maximum(power, 1e-300)).mean(axis=0) - np.log(np.maximum(mean, 1e-300)) > sure
        steady &= away_from(found, interval, bins, padding=2)
        if not steady.any():
            break
        peak = 2 * np.pi * np.fft.fftfreq(2 * bins, interval)[int(np.argmax(np.where(steady, mean, 0.0)))]
        found.append(_refined(left, time, float(peak)))
    return found


def _refined(records: np.ndarray, time: np.ndarray, peak: float) -> float:
    """Where the mean power is largest, within 1/length of `peak`."""
    step = 2 * np.pi / (time[-1] + time[1])
    for width in (1.0, 0.1):
        trial = peak + width * step * np.linspace(-1, 1, 21)
        peak = float(trial[np.argmax((abs(records @ np.exp(-1j * np.outer(time, trial))) ** 2).mean(axis=0))])
    return peak
