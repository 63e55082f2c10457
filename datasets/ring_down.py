"""The mean signal after an RF pulse: one or two decaying complex exponentials, fitted to the mean of records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_PADDING = 8
_RATES = np.array([0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0])
"""Starts of decay rates, in units of 2π/(length of a record)."""


@dataclass(frozen=True)
class Fit:
    """Values and standard errors (P,), and the sum of squares that is left, (mean record)²."""

    value: np.ndarray
    error: np.ndarray
    left: float


def one_line(records: np.ndarray, time: np.ndarray) -> Fit:
    """Frequency and decay rate (rad/ms, 1/ms) of a e^{(iω−γ)t}. `records` complex (R, K); `time` (K,), ms."""
    return _fit(records, time, _start(records.mean(axis=0), time), lambda p, t: [_line(p[0], p[1], t)])


def equal_lines(records: np.ndarray, time: np.ndarray, start: np.ndarray, square: float = 0.0) -> Fit:
    """Frequency, decay rate, q of two lines of equal strength, √q apart: a e^{(iω−γ)t} cos(√q t/2).

    q (rad²/ms²) may come out negative, where it is compatible with 0: what makes its standard error a bound.
    """
    return _fit(records, time, np.append(start, square), lambda p, t: [_line(p[0], p[1], t) * _beat(p[2], t)])


def free_lines(records: np.ndarray, time: np.ndarray, start: np.ndarray, apart: float) -> Fit:
    """Mean frequency, decay rate, difference (rad/ms) of two lines of any strengths."""

    def lines(p: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        return [_line(p[0] + sign * p[2] / 2, p[1], t) for sign in (-1, 1)]

    return _fit(records, time, np.append(start, apart), lines)


def _line(frequency: float, rate: float, time: np.ndarray) -> np.ndarray:
    return np.exp((1j * frequency - rate) * time)


def _beat(square: float, time: np.ndarray) -> np.ndarray:
    """cos(√q t/2), and cosh where q < 0."""
    return np.asarray(np.cos(np.sqrt(square + 0j) * time / 2).real)


def _start(mean: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Frequency of the spectrum's maximum, and the decay rate that then fits best."""
    size, step = _PADDING * len(mean), time[1] - time[0]
    frequency = 2 * np.pi * np.fft.fftfreq(size, step)[np.argmax(abs(np.fft.fft(mean, size)))]
    rates = _RATES * 2 * np.pi / (len(time) * step)
    shapes = [_line(frequency, rate, time) for rate in rates]
    explained = [abs(np.vdot(shape, mean)) ** 2 / np.vdot(shape, shape).real for shape in shapes]
    return np.array([frequency, rates[np.argmax(explained)]])


def _fit(records: np.ndarray, time: np.ndarray, start: np.ndarray, shapes: object) -> Fit:
    """Least squares by variable projection: amplitudes are solved for at each step.

    The standard errors are those of the records' scatter about the mean, through the linearised fit; nothing is
    assumed about the noise, whose neighbouring bins the atoms correlate.
    """
    from scipy.optimize import least_squares

    mean = records.mean(axis=0)

    def residuals(p: np.ndarray) -> np.ndarray:
        basis = np.stack(shapes(p, time), axis=1)  # type: ignore[operator]
        amplitudes = np.linalg.lstsq(basis, mean, rcond=None)[0]
        return _real(mean - basis @ amplitudes)

    found = least_squares(residuals, start, x_scale=np.maximum(abs(start), 0.01), jac="3-point")
    basis = np.stack(shapes(found.x, time), axis=1)  # type: ignore[operator]
    columns = np.linalg.qr(basis)[0]
    rest = records - mean
    rest = rest - (rest @ columns.conj()) @ columns.T
    deviations = np.array([_real(row) for row in rest]) @ np.linalg.pinv(-np.asarray(found.jac, float)).T
    error = deviations.std(axis=0, ddof=1) / np.sqrt(len(records))
    return Fit(found.x, error, 2 * float(found.cost))


def _real(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values.real, values.imag])
