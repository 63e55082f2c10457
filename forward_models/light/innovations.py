"""What a record holds beyond its prediction: innovations, white and of variance 1 where the model is right.

Each check is a sum over the innovations of cos and sin, whose law is known where the model is right, as a z-score
(standard normal). Checked are: the variance in parts of the record, of cos against sin, and of early against late
records; the correlation at growing lags, which a slow disturbance or a wrong γm causes; and the rotation of cos into
sin, which a Larmor frequency off the reference causes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .readout import ContinuousMeasurement
from .record_likelihood import binned_record

PARTS = 6
"""Parts of a record whose variances are checked."""
_EXACT = 6.0
"""z-score up to which a variance is judged by its own law, χ²; beyond, its probability underflows."""
_TOGETHER = 1 << 21


def innovations(
    records: np.ndarray, measurement: ContinuousMeasurement, interval: float, initial_xi: float, shot_noise: float = 1.0
) -> np.ndarray:
    """Of records (n, T) their innovations (n, T) over their standard deviations, by the Kalman filter.

    interval : Δ of the bins, ms;  initial_xi : ξ at the beginning of the records, where the filter starts
    shot_noise : variance of a bin without atoms, in the unit of the records squared
    The gain is that of each bin, not the steady one.
    """
    r = binned_record(measurement, interval)
    variance, state = measurement.measurement_rate * initial_xi, np.zeros(len(records))
    found = np.empty(records.shape)
    for k, sample in enumerate(np.asarray(records, float).T / np.sqrt(shot_noise)):
        spread = r.signal**2 * variance + r.noise
        gain = (r.decay * r.signal * variance + r.cross) / spread
        surprise = sample - r.signal * state
        found[:, k] = surprise / np.sqrt(spread)
        state = r.decay * state + gain * surprise
        variance = r.decay**2 * variance + r.process - gain**2 * spread
    return found


@dataclass(frozen=True)
class WhitenessCheck:
    """One check of the innovations.

    label : what was checked
    z_score : standard normal if the model is right
    words : what it means where it is far off
    """

    label: str
    z_score: float
    words: str


def whiteness_checks(cos: np.ndarray, sin: np.ndarray, interval: float, *, centred: bool) -> list[WhitenessCheck]:
    """The checks of the innovations of both quadratures, (n, T) each; `interval` of a bin, ms.

    centred : whether the mean over the n records was subtracted, which leaves n − 1 of them independent
    """
    number, length = cos.shape
    share = 1 - 1 / number if centred and number > 1 else 1.0
    squares = np.stack([cos, sin]) ** 2
    found = []
    for part in np.array_split(np.arange(length), min(PARTS, length)):
        z_score = _of_variance(float(squares[..., part].sum()), share * 2 * number * len(part))
        label = f"variance {part[0] * interval:.3g}–{(part[-1] + 1) * interval:.3g} ms"
        found.append(WhitenessCheck(label, z_score, f"{_more(z_score)} noise than the model expects"))
    z_score = float((squares[0] - squares[1]).sum() / np.sqrt(4 * share * cos.size))
    found.append(WhitenessCheck("cos against sin", z_score, f"{_more(z_score)} noise in cos than in sin"))
    half, apart = number // 2, 1 - 2 / number if centred else 1.0  # a mean makes early and late records alike
    if half and apart > 0:
        early, late = squares[:, :half].sum(), squares[:, number - half :].sum()
        z_score = float((early - late) / np.sqrt(8 * apart * half * length))
        found.append(WhitenessCheck("early against late", z_score, f"{_more(z_score)} noise in the first records"))
    z_score = float((cos * sin).sum() / np.sqrt(share * cos.size))
    found.append(WhitenessCheck("cos × sin", z_score, "cos and sin are correlated: not demodulated in quadrature"))
    return found + _of_lags(cos, sin, interval, share)


def _of_lags(cos: np.ndarray, sin: np.ndarray, interval: float, share: float) -> list[WhitenessCheck]:
    """The correlation at growing lags, and the rotation of cos into sin."""
    number, length = cos.shape
    products = _lag_products(cos, sin)
    pairs = number * (length - np.arange(length))
    found = []
    for low, high in _lag_ranges(length):
        lags = slice(low, high + 1)
        z_score = float(products.real[lags].sum() / np.sqrt(2 * share * pairs[lags].sum()))
        at = f"{low * interval:.3g}" if low == high else f"{low * interval:.3g}–{high * interval:.3g}"
        words = f"{_more(z_score)} correlation than the model expects: a slow disturbance, or wrong rates"
        found.append(WhitenessCheck(f"correlation at {at} ms", z_score, words))
    lags = slice(1, max(2, length // 2))
    z_score = float(products.imag[lags].sum() / np.sqrt(2 * share * pairs[lags].sum()))
    words = "cos rotates into sin: the Larmor frequency differs from the reference"
    found.append(WhitenessCheck("rotation of cos into sin", z_score, words))
    return found


def _lag_products(cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """By lag l (T,): Σ c_k c_{k+l} + s_k s_{k+l} + i(c_k s_{k+l} − s_k c_{k+l}), over all records."""
    number, length = cos.shape
    size, total = 2 * length, np.zeros(2 * length)
    for rows in np.array_split(np.arange(number), min(number, -(-number * size // _TOGETHER))):
        total += (abs(np.fft.fft(cos[rows] + 1j * sin[rows], size, axis=-1)) ** 2).sum(axis=0)
    return np.asarray(np.fft.ifft(total)[:length])


def _lag_ranges(length: int) -> list[tuple[int, int]]:
    """1, 2, 3–4, 5–8, …: up to a half of the record."""
    ranges, low, high = [], 1, 1
    while high <= length // 2:
        ranges.append((low, high))
        low, high = high + 1, 2 * high
    return ranges


def _of_variance(squares: float, freedom: float) -> float:
    """z-score of a sum of squares: χ² of so many degrees of freedom."""
    from scipy.special import gammainc, gammaincc, ndtri

    plain = (squares - freedom) / np.sqrt(2 * freedom)
    if abs(plain) > _EXACT:
        return float(plain)
    half = 0.5 * freedom, 0.5 * squares
    return float(ndtri(gammainc(*half)) if plain < 0 else -ndtri(gammaincc(*half)))


def _more(z_score: float) -> str:
    return "more" if z_score > 0 else "less"
