"""The mean signal after an RF pulse: one or two decaying complex exponentials, fitted to the mean of records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .pick_up import SURE, undecayed, without

_PADDING = 8
_RATES = np.array([0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0])
"""Starts of decay rates, in units of 2π/(length of a record)."""


Shapes = Callable[[np.ndarray, np.ndarray], list[np.ndarray]]
"""Columns that amplitudes multiply, from parameters and times."""


@dataclass(frozen=True)
class Fit:
    """Values and standard errors (P,), |amplitude| over its standard error of each, the mean record that was fitted."""

    value: np.ndarray
    error: np.ndarray
    strengths: np.ndarray
    model: np.ndarray


def one_line(records: np.ndarray, time: np.ndarray, beside: np.ndarray) -> Fit:
    """Frequency and decay rate (rad/ms, 1/ms) of a e^{(iω−γ)t}. `records` complex (R, K); `time` (K,), ms.

    beside : orthonormal columns (K, C) that are fitted, too
    """
    return fit(records, time, [_start(without(records.mean(axis=0), beside), time)], single, beside)


def two_lines(records: np.ndarray, time: np.ndarray, one: Fit, shapes: Shapes, beside: np.ndarray) -> Fit:
    """The better of two fits of `equal` or `free` lines: from one line split, and with what `one` leaves as the second.

    Frequency in the middle, decay rate, and q or difference.
    """
    frequency, rate = one.value
    apart = _peak(without(records.mean(axis=0), beside) - one.model, time) - frequency
    small = 1 / (time[-1] + time[1])
    starts = [(frequency, small**2 if shapes is free else 0.0), (frequency + apart / 2, apart)]
    if shapes is equal:
        starts[1] = (starts[1][0], apart**2)
    return fit(records, time, [np.array([middle, rate, last]) for middle, last in starts], shapes, beside)


def undecayed_beside(records: np.ndarray, time: np.ndarray, one: Fit, beside: np.ndarray) -> float | None:
    """Frequency of a line that does not decay beside `one`, further from it than 1/length, or that `one` contains."""
    length = float(time[-1] + time[1])
    other = _peak(without(records.mean(axis=0), beside) - one.model, time)
    both = fit(records, time, [np.array([*one.value, other, 0.01 / length])], unlike, beside)
    if abs(both.value[0] - both.value[2]) < 2 * np.pi / length or both.strengths.min() < SURE:
        return None
    for place in (0, 2):
        if undecayed(both.value[place + 1], both.error[place + 1], length):
            return float(both.value[place])
    return None


def decisive(records: np.ndarray, better: Fit, simpler: Fit, beside: np.ndarray) -> float:
    """Standard errors by which the mean record prefers one fit to another.

    Along the difference d of the two: ⟨d, mean record − simpler⟩ over the scatter of ⟨d, record⟩. With white noise its
    square is the likelihood ratio, χ² of as many degrees of freedom as there are parameters more; with noise that is
    correlated from bin to bin, as the atoms' is, the sum of squares would be taken for too much.
    """
    along = better.model - simpler.model
    values = (without(records, beside) - simpler.model) @ along.conj()
    scatter = float(values.real.std(ddof=1)) / np.sqrt(len(records))
    return float(values.real.mean()) / scatter if scatter > 0 else 0.0


def single(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """e^{(iω−γ)t} of parameters (ω, γ)."""
    return [_line(p[0], p[1], time)]


def equal(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """Two lines of equal strength, √q apart, of parameters (ω, γ, q): e^{(iω−γ)t} cos(√q t/2), in phase at t = 0.

    A bin shows them at its middle.
    q (rad²/ms²) may come out negative, where it is compatible with 0 (cosh): that makes its standard error a bound.
    """
    half, time = np.sqrt(p[2] + 0j) / 2, time + (time[1] - time[0]) / 2
    return [(_line(p[0] + half, p[1], time) + _line(p[0] - half, p[1], time)) / 2]


def unlike(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """Two lines of any strengths and decay rates, of parameters (ω, γ, ω', γ')."""
    return [_line(p[0], p[1], time), _line(p[2], p[3], time)]


def free(p: np.ndarray, time: np.ndarray) -> list[np.ndarray]:
    """Two lines of any strengths, of parameters (ω in the middle, γ, difference in rad/ms)."""
    return [_line(p[0] + sign * p[2] / 2, p[1], time) for sign in (-1, 1)]


def _line(frequency: complex, rate: float, time: np.ndarray) -> np.ndarray:
    """e^{(iω−γ)t}; a trial that grows beyond measure is cut, for it fits nothing."""
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


def fit(records: np.ndarray, time: np.ndarray, starts: list[np.ndarray], shapes: Shapes, beside: np.ndarray) -> Fit:
    """Least squares by variable projection: amplitudes are solved for at each step; the best from several starts.

    The standard errors are those of the records' scatter about the mean, through the linearised fit; nothing is
    assumed about the noise, whose neighbouring bins the atoms correlate.
    """
    from scipy.optimize import least_squares

    records = without(records, beside)
    mean = records.mean(axis=0)

    def basis_of(p: np.ndarray) -> np.ndarray:
        return without(np.stack(shapes(p, time)), beside).T

    def residuals(p: np.ndarray) -> np.ndarray:
        basis = basis_of(p)
        return _real(mean - basis @ np.linalg.lstsq(basis, mean, rcond=None)[0])

    found = min(
        (least_squares(residuals, start, x_scale=np.maximum(abs(start), 0.01), jac="3-point") for start in starts),
        key=lambda one: one.cost,
    )
    basis = basis_of(found.x)
    columns, inverse = np.linalg.qr(basis)[0], np.linalg.pinv(basis)
    rest, count = records - mean, len(records)
    amplitudes = rest @ inverse.T
    rest = rest - (rest @ columns.conj()) @ columns.T
    deviations = np.array([_real(row) for row in rest]) @ np.linalg.pinv(-np.asarray(found.jac, float)).T
    scatter = np.sqrt((abs(amplitudes) ** 2).sum(axis=0) / (count - 1) / 2 / count)
    return Fit(
        np.asarray(found.x),
        deviations.std(axis=0, ddof=1) / np.sqrt(count),
        abs(inverse @ mean) / scatter,
        basis @ (inverse @ mean),
    )


def _real(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values.real, values.imag])
