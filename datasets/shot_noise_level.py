"""The shot noise of demodulated bins, and whether cos and sin have the same.

A level is a one-sided power spectral density at the Larmor frequency, in the square of the photocurrent's unit per Hz:
it depends neither on the bins nor on the filter. For white samples of variance σ² it is 2σ²/(sample rate).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .bin_filter import BinFilter

PIECE = 400_000
"""Bins that are looked at together."""
_FAR = 0.5  # of the bins' Nyquist frequency: where a record's own noise is taken to be shot noise


@dataclass(frozen=True)
class ShotNoise:
    """Level ± standard error, unit²/Hz; the ratio sin over cos of the variances it came from; `origin` in words;
    `warnings` about the stream it came from.
    """

    level: float
    error: float
    origin: str
    ratio: float = 1.0
    ratio_error: float = 0.0
    warnings: tuple[str, ...] = ()

    def bin_variance(self, weights: BinFilter, sample_rate: float) -> float:
        """Of a bin that is not normalised yet."""
        return float(self.level * sample_rate / 2 * weights.noise[0])


def row_pieces(records: int, bins: int) -> list[tuple[int, int]]:
    """Slices of records that are looked at together."""
    step = max(PIECE // bins, 1)
    return [(start, min(start + step, records)) for start in range(0, records, step)]


Slices = Callable[[int, int], np.ndarray]
"""Records from one to before another, complex, cos + i sin, (records, bins)."""


def level_of_reference(
    records: Slices, count: int, length: int, weights: BinFilter, sample_rate: float, origin: str
) -> ShotNoise:
    """From bins without atoms, not normalised; a constant in a record is taken to be pick-up, and taken away."""
    energies = []
    for start, end in row_pieces(count, length):
        bins = records(start, end)
        bins = bins - bins.mean(axis=1, keepdims=True)
        energies.append(np.stack([(bins.real**2).sum(axis=1), (bins.imag**2).sum(axis=1)]) / (bins.shape[1] - 1))
    variances = np.concatenate(energies, axis=1)
    return _level(variances, 2 * bins.shape[1] - 2, 2 / sample_rate / weights.noise[0], origin)


def level_of_wings(records: Slices, count: int, length: int, weights: BinFilter, sample_rate: float) -> ShotNoise:
    """From the bins with atoms themselves: their spectrum in the outer half, away from the Larmor line.

    Correct as far as the atoms' line is narrow: (γ/π)·Δ ≪ 1.
    """
    energies = []
    for start, end in row_pieces(count, length):
        bins = records(start, end)
        window = np.hanning(bins.shape[1] + 2)[1:-1]
        frequencies = np.fft.fftfreq(bins.shape[1])
        far = abs(frequencies) >= _FAR / 2
        lags = np.cos(2 * np.pi * np.outer(frequencies[far], [0, 1, 2])) * [1, 2, 2]
        spectrum = abs(np.fft.fft(bins * window, axis=1)[:, far]) ** 2 / (window @ window) / (lags @ weights.noise)
        energies.append(spectrum.mean(axis=1) / 2)
    half = np.concatenate(energies)[None]
    overlap = float(len(window) * (window**4).sum() / (window @ window) ** 2)  # neighbours are not independent
    return _level(
        half, 2 * int(far.sum()) / overlap, 2 / sample_rate, "the records' own noise away from the Larmor line"
    )


def _level(variances: np.ndarray, freedom: float, density: float, origin: str) -> ShotNoise:
    """From variances (quadratures, records), each record of `freedom` degrees of freedom in all.

    The standard error is that of the records' scatter, or that of ideal Gaussian noise where this is larger.
    """
    of_record = variances.mean(axis=0)
    level, count = float(of_record.mean()), len(of_record)
    ideal = np.sqrt(2 / (freedom * count))
    scatter = of_record.std(ddof=1) / level / np.sqrt(count) if count > 1 and level > 0 else 0.0
    ratio, error = sin_over_cos(variances, freedom / 2) if len(variances) == 2 else (1.0, 0.0)
    return ShotNoise(float(level * density), float(level * density * max(ideal, scatter)), origin, ratio, error)


def sin_over_cos(variances: np.ndarray, freedom: float) -> tuple[float, float]:
    """Ratio of the means of variances (2, records), each of `freedom` degrees of freedom, and its standard error.

    That of the records' scatter, or of ideal Gaussian noise where this is larger; NaN ± 0 where there is no noise.
    """
    cos, sin = variances.mean(axis=1)
    if not min(sin, cos) > 0:
        return float("nan"), 0.0
    count = variances.shape[1]
    ideal = np.sqrt(4 / (freedom * count))
    scatter = (variances[1] / sin - variances[0] / cos).std(ddof=1) / np.sqrt(count) if count > 1 else 0.0
    return float(sin / cos), float(sin / cos * max(scatter, ideal))
