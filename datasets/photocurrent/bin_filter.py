"""The filter of a demodulated bin: a low pass that keeps everything away but what lies near the Larmor line, then ∫.

Two stages with one set of taps: a linear-phase FIR low pass (Kaiser window), and the integral over the bin (a box).
A low pass of cutoff f_c makes the noise of neighbouring bins correlated by about 1/(2π² f_c Δ), so that the cutoff must
be far above 1/Δ; and it must be far below the Larmor frequency, or the detector's offset and drift come through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import violation

REJECTION = 80.0
"""dB, of what lies outside the stop band's edge."""
CORRELATION = 0.003
"""Of the shot noise in neighbouring bins that the low pass may make; `independent` takes it out."""
_STEEPNESS = 1.2  # edge of the stop band over cutoff
_MARGIN = 0.95  # of the stop band's edge to the nearest thing to keep away


@dataclass(frozen=True)
class BinFilter:
    """Weights of the samples in one bin.

    taps : (samples + 2·margin,), symmetric, with the sum `samples`;  samples : raw samples in a bin
    margin : samples that are needed before and after a bin;  passband, stopband : edges, Hz from the Larmor frequency
    noise : (3,), autocovariance of white noise of variance 1 at lags of 0, 1, 2 bins, in units of `samples`
    """

    taps: np.ndarray
    samples: int
    margin: int
    passband: float
    stopband: float
    noise: np.ndarray

    @property
    def neighbour_correlation(self) -> float:
        """Of the shot noise in neighbouring bins as the filter makes them, from the taps."""
        return float(self.noise[1] / self.noise[0])

    def independent(self, bins: np.ndarray) -> np.ndarray:
        """Bins (records, bins) less half of that correlation times each neighbour: noise is white, but for its square.

        A fit of the atoms would take the correlation for theirs: 0.3 % of it make γ 1 % larger. What is slower than a
        bin loses by this what it gained on the noise by the low pass.
        """
        half = 0.5 * self.neighbour_correlation
        found = bins.astype(float)
        found[:, 1:] -= half * bins[:, :-1]
        found[:, :-1] -= half * bins[:, 1:]
        return np.asarray(found)

    @property
    def remaining_correlation(self) -> float:
        """Of the shot noise in neighbouring bins after that."""
        kernel = np.array([-0.5 * self.neighbour_correlation, 1.0, -0.5 * self.neighbour_correlation])
        lags = np.concatenate([self.noise[:0:-1], self.noise]) / self.noise[0]
        made = np.convolve(np.convolve(lags, kernel), kernel[::-1])
        middle = len(made) // 2
        return float(made[middle + 1] / made[middle])


def bin_filter(sample_rate: float, larmor_frequency: float, samples: int, where: str) -> BinFilter:
    """The filter for bins of `samples` raw samples; frequencies in Hz.

    Raises ExperimentError where the Larmor line is too close to what must be kept away: 0, or its own mirror image.
    """
    from scipy.signal import firwin, kaiser_beta, kaiserord

    if not 0 < larmor_frequency < sample_rate / 2:
        expected = f"one between 0 and half the sample rate, {sample_rate / 2:g} Hz"
        raise violation(where, f"a Larmor frequency of {larmor_frequency:g} Hz", expected)
    free = _MARGIN * min(larmor_frequency, sample_rate - 2 * larmor_frequency)
    interval = samples / sample_rate
    cutoff = min(1.05 / (2 * np.pi**2 * CORRELATION * interval), free / _STEEPNESS)
    if cutoff * interval < 2:
        expected = f"an interval of at least {1e3 * 2 * _STEEPNESS / free:.2g} ms, or another sample rate"
        raise violation(where, f"an interval of {1e3 * interval:g} ms at {sample_rate:g} samples/s", expected)
    width = 2 * (_STEEPNESS - 1) * cutoff
    count, _ = kaiserord(REJECTION, width / (sample_rate / 2))
    low_pass = firwin(count | 1, cutoff, window=("kaiser", kaiser_beta(REJECTION)), fs=sample_rate)
    taps = np.convolve(low_pass, np.ones(samples))
    noise = np.array([taps[: max(len(taps) - k, 0)] @ taps[k:] for k in (0, samples, 2 * samples)]) / samples
    return BinFilter(taps, samples, len(low_pass) // 2, cutoff - width / 2, cutoff + width / 2, noise)
