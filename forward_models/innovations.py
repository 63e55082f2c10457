"""What a record holds beyond its prediction: innovations, white and of variance 1 where the model is right.

The checks are sums over the innovations that are nearly independent standard normal numbers if it is: their variance,
in all and in parts of the record; their products at growing lags, which a slow disturbance or a wrong γm makes
correlated; and the products of the two quadratures, which a wrong phase or Larmor frequency mixes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .conditional import ContinuousMeasurement
from .record_likelihood import binned_record

PARTS = 6
"""Parts of a record in which the variance is looked at."""


def innovations(
    records: np.ndarray, measurement: ContinuousMeasurement, interval: float, initial_xi: float, shot_noise: float = 1.0
) -> np.ndarray:
    """Of records (n, T) their innovations over their standard deviations, by the Kalman filter from `initial_xi` on.

    Parameters as for `record_likelihood.log_likelihood`, numbers; the gain is that of each bin, not the steady one.
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
    """One check. label : of what;  score : standard normal if the model is right;  words : for one that is far off"""

    label: str
    score: float
    words: str


def whiteness_checks(cos: np.ndarray, sin: np.ndarray, interval: float) -> list[WhitenessCheck]:
    """The checks of the innovations of both quadratures, (n, T) each; `interval` of a bin, ms."""
    both = np.concatenate([cos, sin])
    length = both.shape[1]
    found = []
    for part in np.array_split(np.arange(length), min(PARTS, length)):
        squares = both[:, part] ** 2
        score = (squares.mean() - 1) * np.sqrt(squares.size / 2)
        label = f"variance {part[0] * interval:.3g}–{(part[-1] + 1) * interval:.3g} ms"
        found.append(WhitenessCheck(label, float(score), _more(score, "noise than the model expects")))
    found.append(WhitenessCheck("cos × sin", _score(cos * sin), "the quadratures are correlated: phase or frequency"))
    for low, high in _lag_ranges(length):
        products = [both[:, lag:] * both[:, :-lag] for lag in range(low, high + 1)]
        score = sum(p.sum() for p in products) / np.sqrt(sum(p.size for p in products))
        at = f"{low * interval:.3g}" if low == high else f"{low * interval:.3g}–{high * interval:.3g}"
        words = _more(score, "correlation than the model expects: a slow disturbance, or wrong rates")
        found.append(WhitenessCheck(f"correlation at {at} ms", float(score), words))
    return found


def _lag_ranges(length: int) -> list[tuple[int, int]]:
    """1, 2, 3–4, 5–8, …: up to a half of the record."""
    ranges, low, high = [], 1, 1
    while high <= length // 2:
        ranges.append((low, high))
        low, high = high + 1, 2 * high
    return ranges


def _score(products: np.ndarray) -> float:
    return float(products.sum() / np.sqrt(products.size))


def _more(score: float, what: str) -> str:
    return f"{'more' if score > 0 else 'less'} {what}"
