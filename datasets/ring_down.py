"""The mean signal after an RF pulse: one or two decaying complex exponentials, fitted to the mean of records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_PADDING = 8
_RATES = np.array([0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0])
"""Starts of decay rates, in units of 2π/(length of a record)."""


Shapes = Callable[[np.ndarray, np.ndarray], list[np.ndarray]]
"""Columns that amplitudes multiply, from parameters and times."""


@dataclass(frozen=True)
class Fit:
    """Values and standard errors (P,), the sum of squares that is left, |amplitude| over its standard error of each."""

    value: np.ndarray
    error: np.ndarray
    left: float
    strengths: np.ndarray


def one_line(records: np.ndarray, time: np.ndarray) -> Fit:
    """Frequency and decay rate (rad/ms, 1/ms) of a e^{(iω−γ)t}. `records` complex (R, K); `time` (K,), ms."""
    return fit(records, time, [_start(records.mean(axis=0), time)], single)


def two_lines(records: np.ndarray, time: np.ndarray, one: Fit, shapes: Shapes) -> Fit:
    """The better of two fits of `equal` or `free` lines: from one line split, and with what `one` leaves as the second.

    Frequency in the middle, decay rate, and q or difference.
    """
    mean, (frequency, rate) = records.mean(axis=0), one.value
    shape = _line(frequency, rate, time)
    other = _peak(mean - shape * np.vdot(shape, mean) / np.vdot(shape, shape), time)
    apart = other - frequency
    small = 1 / (time[-1] + time[1])
    starts = [(frequency, small**2 if shapes is free else 0.0), (frequency + apart / 2, apart)]
    if shapes is equal:
        starts[1] = (starts[1][0], apart**2)
    return fit(records, time, [np.array([middle, rate, last]) for middle, last in starts], shapes)


def single(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """E^{(iω−γ)t} of parameters (ω, γ)."""
    return [_line(p[0], p[1], time)]


def equal(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """Two lines of equal strength, √q apart, of parameters (ω, γ, q): e^{(iω−γ)t} cos(√q t/2).

    q (rad²/ms²) may come out negative, where it is compatible with 0 (cosh): that makes its standard error a bound.
    """
    half = np.sqrt(p[2] + 0j) / 2
    return [(_line(p[0] + half, p[1], time) + _line(p[0] - half, p[1], time)) / 2]


def free(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """Two lines of any strengths, of parameters (ω in the middle, γ, difference in rad/ms)."""
    return [_line(p[0] + sign * p[2] / 2, p[1], time) for sign in (-1, 1)]


def _line(frequency: complex, rate: float, time: np.ndarray) -> np.ndarray:
    """E^{(iω−γ)t}; a trial that grows beyond measure is cut, for it fits nothing."""
    exponent = (1j * frequency - rate) * time
    return np.asarray(np.exp(np.minimum(exponent.real, 100.0) + 1j * exponent.imag))


def _peak(values: np.ndarray, time: np.ndarray) -> float:
    """Frequency of the maximum of the spectrum, rad/ms."""
    size = _PADDING * len(values)
    frequencies = 2 * np.pi * np.fft.fftfreq(size, time[1] - time[0])
    return float(frequencies[np.argmax(abs(np.fft.fft(values, size)))])


def _start(mean: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Frequency of the spectrum's maximum, and the decay rate that then fits best."""
    frequency = _peak(mean, time)
    rates = _RATES * 2 * np.pi / (time[-1] + time[1])
    shapes = [_line(frequency, rate, time) for rate in rates]
    explained = [abs(np.vdot(shape, mean)) ** 2 / np.vdot(shape, shape).real for shape in shapes]
    return np.array([frequency, rates[np.argmax(explained)]])


def fit(records: np.ndarray, time: np.ndarray, starts: list[np.ndarray], shapes: Shapes) -> Fit:
    """Least squares by variable projection: amplitudes are solved for at each step; the best from several starts.

    The standard errors are those of the records' scatter about the mean, through the linearised fit; nothing is
    assumed about the noise, whose neighbouring bins the atoms correlate.
    """
    from scipy.optimize import least_squares

    mean = records.mean(axis=0)

    def residuals(p: np.ndarray) -> np.ndarray:
        basis = np.stack(shapes(p, time), axis=1)
        return _real(mean - basis @ np.linalg.lstsq(basis, mean, rcond=None)[0])

    found = min(
        (least_squares(residuals, start, x_scale=np.maximum(abs(start), 0.01), jac="3-point") for start in starts),
        key=lambda one: one.cost,
    )
    basis = np.stack(shapes(found.x, time), axis=1)
    columns, inverse = np.linalg.qr(basis)[0], np.linalg.pinv(basis)
    rest, count = records - mean, len(records)
    amplitudes = rest @ inverse.T
    rest = rest - (rest @ columns.conj()) @ columns.T
    deviations = np.array([_real(row) for row in rest]) @ np.linalg.pinv(-np.asarray(found.jac, float)).T
    scatter = np.sqrt((abs(amplitudes) ** 2).sum(axis=0) / (count - 1) / 2 / count)
    return Fit(
        np.asarray(found.x),
        deviations.std(axis=0, ddof=1) / np.sqrt(count),
        2 * float(found.cost),
        abs(inverse @ mean) / scatter,
    )


def _real(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values.real, values.imag])
