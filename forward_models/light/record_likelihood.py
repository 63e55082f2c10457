"""Exact likelihood of records in bins: the integral of y over each bin of length Δ, in units of its shot noise.

The integrals Y_k and the state x_k at the beginning of each bin (times √b, so that no root of a rate is needed) are

    x_{k+1} = a x_k + w_k,    Y_k = c x_k + u_k,    a = e^{−γΔ},    c = (1 − a)/(γ√Δ),

with Gaussian noises w, u that are correlated because the same light drives the atoms and is measured. If x_0 has the
variance that the Kalman filter ends up with, its gain is steady from the first bin on, and with φ = a − Kc the
innovations are e_k = Y_k − c Σ_{j<k} φ^{k−1−j} K Y_j, of variance D. Any other initial variance adds one random number
to each record, of which the innovations carry the pattern c φ^k: a correction of rank one, exact in the transient too.

So the data enter by sums of products that depend on φ as power series alone, and those are computed once (`reduce`):
a likelihood costs as many operations as one record has samples, however many records there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np

from ..three_state import divided_differences, first_difference
from .readout import ContinuousMeasurement


@dataclass(frozen=True)
class RecordSums:
    """Sums over n records of T samples, all that their likelihood needs.

    products (…, T): Σ Y_k Y_{k+l} by lag l
    from_start, from_end (…, 2T − 1): Σ Y_i Y_j over i + j = s, counted from the first and from the last sample
    count (…): n, independent records; quadratures count as records, a mean that was subtracted costs one
    samples : T
    """

    products: Any
    from_start: Any
    from_end: Any
    count: Any
    samples: int


SUMS = ("products", "from_start", "from_end", "count")
"""The fields that are sums."""


def grouped(groups: Sequence[RecordSums]) -> RecordSums:
    """Sums of several groups of records as one, with an axis for the groups in front; all of the same `samples`."""
    columns: dict[str, Any] = {name: np.stack([np.asarray(getattr(group, name)) for group in groups]) for name in SUMS}
    return RecordSums(**columns, samples=groups[0].samples)


_TOGETHER = 1 << 21
"""Numbers that are transformed together."""


def reduce(records: np.ndarray, count: float | None = None) -> RecordSums:
    """The sums of records (n, T) in units of the shot noise's standard deviation in a bin.

    count : how many of them are independent, where that is not n (a mean that was subtracted costs one)
    """
    number, samples = records.shape
    size = 2 * samples
    products, start, end = np.zeros(samples), np.zeros(2 * samples - 1), np.zeros(2 * samples - 1)
    for part in np.array_split(records, -(-number * size // _TOGETHER)):
        spectra = np.fft.rfft(np.asarray(part, float), size, axis=-1)
        backward = np.fft.rfft(np.asarray(part[:, ::-1], float), size, axis=-1)
        products += np.fft.irfft((abs(spectra) ** 2).sum(axis=0), size)[:samples]
        start += np.fft.irfft((spectra**2).sum(axis=0), size)[: 2 * samples - 1]
        end += np.fft.irfft((backward**2).sum(axis=0), size)[: 2 * samples - 1]
    return RecordSums(products, start, end, number if count is None else count, samples)


@dataclass(frozen=True)
class SteadyFilter:
    """The Kalman filter of records in bins, with its steady gain; x and the gain are scaled by √b.

    decay : a, of the state in a bin;  signal : c
    variance : P, of the state given all bins before;  gain : K
    innovation : D, variance of what a bin holds beyond its prediction, in units of the shot noise
    """

    decay: Any
    signal: Any
    variance: Any
    gain: Any
    innovation: Any

    @property
    def memory(self) -> Any:
        """φ = a − Kc, what is left of an old prediction's error after a bin; e^{−γmΔ} for short bins."""
        return self.decay - self.gain * self.signal


@dataclass(frozen=True)
class BinnedRecord:
    """State and bin of a record: see the text above. `process`, `noise`, `cross`: var(w), var(u), cov(w, u)."""

    decay: Any
    signal: Any
    process: Any
    noise: Any
    cross: Any


def binned_record(measurement: ContinuousMeasurement, interval: Any, *, xp: Any = np) -> BinnedRecord:
    """The exact discretisation of a measurement for bins of `interval` Δ, ms, > 0. Needs γ > 0."""
    m, b, limit = measurement, measurement.measurement_rate, measurement.squeezing_limit
    exponent = -m.decay_rate * interval
    decay, mean_decay = xp.exp(exponent), first_difference(exponent, xp=xp)  # (1 − a)/(γΔ)
    # ∫₀^Δ (Δ − s) e^{−γs} ds/Δ², half of the double integral of e^{−γ|t−s|}
    double = divided_differences(0.0 * exponent, exponent, True, xp=xp).d_0xy
    excess = m.unconditional_xi - limit
    process = (1 - decay**2) * m.unconditional_xi * b
    noise = 1 + b * interval * (2 * excess * double - m.unconditional_xi * mean_decay**2)
    cross = b * xp.sqrt(interval) * mean_decay * (excess - m.unconditional_xi * decay)
    return BinnedRecord(decay, xp.sqrt(interval) * mean_decay, process, noise, cross)


def steady_filter(record: BinnedRecord, *, xp: Any = np) -> SteadyFilter:
    """The filter that all filters of these records end up as: the positive root of the algebraic Riccati equation."""
    r = record
    both = r.noise * r.process - r.cross**2
    linear = 2 * r.decay * r.signal * r.cross + r.noise * (1 - r.decay**2) - r.signal**2 * r.process
    variance = 2 * both / (linear + xp.sqrt(linear**2 + 4 * r.signal**2 * both))
    innovation = r.signal**2 * variance + r.noise
    gain = (r.decay * r.signal * variance + r.cross) / innovation
    return SteadyFilter(r.decay, r.signal, variance, gain, innovation)


def log_likelihood(
    sums: RecordSums,
    measurement: ContinuousMeasurement,
    interval: Any,
    initial_xi: Any,
    shot_noise: Any = 1.0,
    *,
    xp: Any = np,
) -> Any:
    """Log-density of all samples of the records, exact.

    measurement, initial_xi, shot_noise : scalars, symbolic, or arrays (draws, 1)
    interval : Δ of the bins, ms;  initial_xi : ξ at the beginning of the records, unconditional
    shot_noise : variance of a bin without atoms, in the unit of the records squared

    Returns: a scalar; for sums of several groups of records (groups, T), of each (…, groups).
    """
    if xp is np and np.ndim(sums.products) == 1:
        return log_likelihood(grouped([sums]), measurement, interval, initial_xi, shot_noise)[..., 0]

    def total(powers: Any, sums: Any) -> Any:
        return powers @ np.moveaxis(sums, -1, 0) if xp is np else (powers * sums).sum()

    f = steady_filter(binned_record(measurement, interval, xp=xp), xp=xp)
    number, phi, ck = sums.samples, f.memory, f.signal * f.gain
    powers = _powers(phi, np.arange(2 * number - 1), xp)
    last = _powers(phi, np.array(number), xp)
    rest = 1 - phi**2
    squares, products = sums.products[..., 0], sums.products[..., 1:]
    ahead = total(powers[..., : number - 1], products)  # Σ Y_k m_k / K
    at_end = total(powers, sums.from_end)  # Σ m_T² / K²
    at_start = total(powers, sums.from_start)
    states = (2 * phi * ahead + squares - at_end) / rest  # Σ m_k² / K²
    innovations = squares - 2 * ck * ahead + ck**2 * states
    # G = Σ φ^k e_k = α Σ φ^j Y_j + β Σ φ^{T−1−j} Y_j, squared and summed over the records
    alpha, beta = 1 - ck * phi / rest, ck * last / rest
    reverse, onward = powers[..., : number - 1][..., ::-1], powers[..., number:]
    across = _powers(phi, np.array(number - 1), xp) * squares + total(reverse + onward, products)
    pattern = alpha**2 * at_start + 2 * alpha * beta * across + beta**2 * at_end
    excess = measurement.measurement_rate * initial_xi - f.variance
    weight = f.signal**2 * (1 - last**2) / (rest * f.innovation)
    spread = 1 + excess * weight
    quadratic = (innovations - excess * f.signal**2 / (f.innovation * spread) * pattern) / (f.innovation * shot_noise)
    constant = number * (log(2 * pi) + xp.log(f.innovation * shot_noise)) + xp.log(spread)
    return -0.5 * (sums.count * constant + quadratic)


def _powers(phi: Any, lags: np.ndarray, xp: Any) -> Any:
    """φ^l; φ is negative where bins are long and the signal is strong."""
    even = 1.0 - lags % 2
    return xp.exp(lags * xp.log(abs(phi))) * (even + (1.0 - even) * xp.sign(phi))


def expected_sums(
    measurement: ContinuousMeasurement, interval: float, initial_xi: float, count: float, samples: int
) -> RecordSums:
    """The sums that `count` records of `samples` bins have on average, in units of the shot noise.

    interval : Δ of the bins, ms;  initial_xi : ξ at the beginning of the records; all are numbers
    """
    r, m = binned_record(measurement, interval), measurement
    b, steady, a = m.measurement_rate, m.unconditional_xi, r.decay
    index = np.arange(samples)
    own = r.signal**2 * b * (steady + (initial_xi - steady) * a ** (2.0 * index)) + r.noise
    # cov(Y_i, Y_{i+d}) = α a^{d−1} + β a^{2i+d−1}
    alpha = r.signal * (a * r.signal * b * steady + r.cross)
    beta = a * r.signal**2 * b * (initial_xi - steady)
    lags = index[1:]
    later = np.cumsum(alpha + beta * a ** (2.0 * index))
    products = np.concatenate([[own.sum()], later[samples - 1 - lags] * a ** (lags - 1.0)])
    start = np.empty(2 * samples - 1)
    for s in (0, 1):  # i + j = s, s + 2, …: i − j is even or odd
        total = np.arange(s, 2 * samples - 1, 2)
        pairs = (np.minimum(total, 2 * (samples - 1) - total) + (s == 1)) // 2  # with i < j
        steps = np.concatenate([[0.0], np.cumsum(a ** (2.0 * np.arange(samples) + (s == 0)))])
        start[s::2] = 2 * (alpha * steps[pairs] + beta * pairs * a ** np.maximum(total - 1.0, 0.0))
    start[::2] += own
    return RecordSums(count * products, count * start, count * start[::-1], count, samples)
