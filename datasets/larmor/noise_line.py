"""The atoms' noise in records without mean signal: a Lorentzian above white noise, by debiased Whittle likelihood.

The periodogram of a record that is not much longer than the atoms' memory is smeared by its ends; its expectation is
that of the finite record (Sykulski, Olhede, Guillaumin, Lilly & Early, Biometrika 106, 251 (2019)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STARTS = (0.3, 2.0, 10.0)
"""Decay rates to start from, and half the distance of two lines, in units of 1/(length of a record)."""


@dataclass(frozen=True)
class NoiseLine:
    """Frequency (rad/ms), decay rate (1/ms), strength in units of the white noise's variance in a bin, ± se.

    square : q (rad²/ms²) of two lines of equal strength, √q apart; 0 ± 0 where one was fitted
    """

    frequency: float
    frequency_error: float
    rate: float
    rate_error: float
    strength: float
    strength_error: float
    square: float = 0.0
    square_error: float = 0.0


def noise_line(records: np.ndarray, interval: float, *, two: bool, used: np.ndarray) -> NoiseLine:
    """Fit white noise + a e^{(iω−γ)|τ|}, or a e^{(iω−γ)|τ|} cos(√q τ/2), to the autocovariance of records.

    `records` complex (R, K), their mean is taken away; `interval` of bins, ms; `used` (K,): ordinates that count.
    The standard errors are those of the records' scatter (sandwich): a start of the record that is not stationary is
    not counted as information.
    """
    from scipy.optimize import minimize

    count, bins = records.shape
    spectra = abs(np.fft.fft(records - records.mean(axis=0), axis=1)) ** 2 / bins * count / (count - 1)
    mean, lags = spectra.mean(axis=0), np.arange(bins) * interval

    def cost(p: np.ndarray) -> tuple[float, np.ndarray]:
        if two and p[4] < -4 * np.exp(2 * p[2]):  # grows with the lag: no autocovariance
            return 1e10, np.zeros(len(p))
        expected = _expected(p, lags)
        if not (expected > 0).all():
            return 1e10, np.zeros(len(p))
        value = float((np.log(expected) + mean / expected)[used].mean())
        return value, _slope(p, lags)[:, used] @ ((1 - mean / expected) / expected)[used] / used.sum()

    found = min(
        (minimize(cost, start, jac=True, method="BFGS") for start in _starts(mean, lags, two, used)),
        key=lambda one: one.fun,
    ).x
    expected, slope = _expected(found, lags)[used], _slope(found, lags)[:, used]
    inverse = np.linalg.pinv((slope / expected) @ (slope / expected).T)
    scores = (spectra[:, used] - expected) / expected**2 @ slope.T
    errors = np.sqrt(np.diag(inverse @ np.cov(scores.T) @ inverse) / count)
    strength, rate = np.exp(found[1] - found[0]), np.exp(found[2])
    pairs = [(found[3], errors[3]), (rate, rate * errors[2]), (strength, strength * errors[1])]
    pairs += [(found[4], errors[4])] if two else []
    return NoiseLine(*(float(number) for pair in pairs for number in pair))


def _starts(mean: np.ndarray, lags: np.ndarray, two: bool, used: np.ndarray) -> list[np.ndarray]:
    bins = len(lags)
    white = float(np.median(mean))
    mean = np.where(used, mean, white)
    excess = max(float(mean.mean()) - white, 1e-3 * white)
    spectrum = mean + np.roll(mean, 1) + np.roll(mean, -1)
    frequencies = 2 * np.pi * np.fft.fftfreq(bins, lags[1])
    peak = frequencies[int(np.argmax(spectrum))]
    above = np.maximum(mean - 1.5 * white, 0.0)
    centre = float(above @ frequencies / above.sum()) if above.any() else peak
    starts = []
    for start in _STARTS:
        common = [np.log(white), np.log(excess), np.log(start / lags[-1])]
        starts += [np.array([*common, peak])] if not two else []
        starts += [np.array([*common, centre, (2 * apart / lags[-1]) ** 2]) for apart in _STARTS] if two else []
    return starts


def _shape(p: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Autocovariance of the line. p: logarithms of variances (white, line) and decay rate; ω, rad/ms; q, rad²/ms²."""
    rate, half = np.exp(p[2]), np.sqrt(p[4] + 0j) / 2 if len(p) == 5 else 0.0
    lines = [np.exp((1j * (p[3] + sign * half) - rate) * lags) for sign in (-1, 1)]
    return np.asarray(np.exp(p[1]) * sum(lines) / 2)


def _expected(p: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Of the periodogram."""
    return np.asarray(np.exp(p[0]) + _periodogram(_shape(p, lags)))


def _periodogram(covariance: np.ndarray) -> np.ndarray:
    """Expected of a record with this autocovariance at lags of 0, 1, … bins."""
    bins = len(covariance)
    weighted = covariance * (1 - np.arange(bins) / bins)
    return np.asarray(2 * np.fft.fft(weighted).real - weighted[0].real)


def _slope(p: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Derivatives of `_expected`, (parameters, bins)."""
    line = _shape(p, lags)
    slopes = [np.full(len(lags), np.exp(p[0]))]
    slopes += [_periodogram(line), _periodogram(-np.exp(p[2]) * lags * line), _periodogram(1j * lags * line)]
    if len(p) == 5:  # d cos(√q t/2)/dq = −(t²/8) sin(√q t/2)/(√q t/2)
        root = np.sqrt(p[4] + 0j)
        ends = [np.exp(p[1] + (1j * (p[3] + sign * root / 2) - np.exp(p[2])) * lags) for sign in (1, -1)]
        small = abs(root) * lags < 1e-3
        ratio = np.where(small, (ends[0] + ends[1]) / 2, (ends[0] - ends[1]) / np.where(small, 1, 1j * root * lags))
        slopes.append(_periodogram(-(lags**2) / 8 * ratio))
    return np.stack(slopes)
