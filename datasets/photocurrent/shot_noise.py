"""The shot noise of demodulated bins, and whether cos and sin have the same.

A level is a one-sided power spectral density at the Larmor frequency, in the square of the photocurrent's unit per Hz:
it depends neither on the bins nor on the filter. For white samples of variance σ² it is 2σ²/(sample rate).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .bin_filter import BinFilter

PIECE = 400_000
"""Bins that are looked at together."""
_CHANCE = 1e-8
"""Of noise to make an ordinate of a mean spectrum that is taken for a line."""
_BESIDE = 3
"""Ordinates on either side of a line that it reaches through the window."""
_MOST_LINES = 1 / 3
"""Of the ordinates that lines may take; more are no lines."""
_FAR = 0.5  # of the bins' Nyquist frequency: where a record's own noise is taken to be shot noise


@dataclass(frozen=True)
class ShotNoise:
    """The shot noise at the Larmor frequency.

    level, error : one-sided power spectral density ± standard error, unit²/Hz, in the unit of the photocurrent
    origin : where it comes from, in words
    ratio, ratio_error : sin over cos of the variances that it was taken from; 1 ± 0 where they are not known
    warnings : about the stream without atoms
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
    """From bins without atoms, not normalised; a constant in a record is taken to be pick-up, and taken away.

    So are lines that stand out of the mean spectrum, which are then named.
    """
    lines = _Lines.of(records, count, length, weights, sample_rate, centre=False)
    if lines.found:
        return lines.level(origin)
    energies = []
    for start, end in row_pieces(count, length):
        bins = records(start, end)
        bins = bins - bins.mean(axis=1, keepdims=True)
        energies.append(np.stack([(bins.real**2).sum(axis=1), (bins.imag**2).sum(axis=1)]) / (bins.shape[1] - 1))
    variances = np.concatenate(energies, axis=1)
    level = _level(variances, 2 * bins.shape[1] - 2, 2 / sample_rate / weights.noise[0], origin)
    return replace(level, warnings=lines.warnings)


def level_of_wings(records: Slices, count: int, length: int, weights: BinFilter, sample_rate: float) -> ShotNoise:
    """From the bins with atoms themselves: their spectrum in the outer half, away from the Larmor line and from others.

    Correct as far as the atoms' line is narrow: (γ/π)·Δ ≪ 1.
    """
    lines = _Lines.of(records, count, length, weights, sample_rate, centre=True)
    origin = "the records' own noise away from the Larmor line"
    return replace(lines, energies=lines.energies.mean(axis=0, keepdims=True)).level(origin)


@dataclass(frozen=True)
class _Lines:
    """Spectra of records under a window, and what stands out of their mean.

    energies (2, R): of cos and sin, per record, over the ordinates that are used;  found : Hz from the reference
    """

    energies: np.ndarray
    freedom: float
    density: float
    found: tuple[float, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls, records: Slices, count: int, length: int, weights: BinFilter, sample_rate: float, *, centre: bool
    ) -> _Lines:
        """`centre`: leave out the inner half, where atoms are; otherwise the mean of each record."""
        window = np.hanning(length + 2)[1:-1]
        frequencies = np.fft.fftfreq(length)
        lags = np.cos(2 * np.pi * np.outer(frequencies, [0, 1, 2])) * [1, 2, 2]
        scale = 1 / (window @ window) / (lags @ weights.noise)
        used = abs(frequencies) >= (_FAR / 2 if centre else 1.5 / length)

        def spectra(start: int, end: int) -> np.ndarray:
            bins = records(start, end)
            return np.fft.fft((bins - (0 if centre else bins.mean(axis=1, keepdims=True))) * window, axis=1)

        pieces = row_pieces(count, length)
        mean = sum((abs(spectra(*rows)) ** 2).sum(axis=0) for rows in pieces) * scale / count
        out, found, warnings = _standing_out(mean, used, count), [], []
        if out.mean() > _MOST_LINES:
            warnings.append("its noise is not white about the reference: the level is that of all of it")
        elif out.any():
            to_hz = -sample_rate / weights.samples / length  # bins are Y_c + iY_s
            found = [to_hz * place for place in _tops(mean, out)]
            used &= ~_widened(out)
            warnings += [f"a line at {one:+.0f} Hz from the reference: left out of the shot noise" for one in found]
        overlap = float(length * (window**4).sum() / (window @ window) ** 2)  # neighbours are not independent
        energies = [_quadratures(spectra(*rows), used, scale) for rows in pieces]
        return cls(
            np.concatenate(energies, axis=1), 2 * int(used.sum()) / overlap, 2 / sample_rate, tuple(found),
            tuple(warnings),
        )  # fmt: skip

    def level(self, origin: str) -> ShotNoise:
        return replace(_level(self.energies, self.freedom, self.density, origin), warnings=self.warnings)


def _standing_out(mean: np.ndarray, used: np.ndarray, count: int) -> np.ndarray:
    """Ordinates of a mean of `count` spectra that noise does not make; its level is their median, whose bias is known.

    A mean of n exponential variates is a gamma variate of shape n over n.
    """
    if not used.any():
        return np.zeros(len(mean), bool)
    from scipy.special import gammainccinv, gammaincinv

    level = float(np.median(mean[used])) * count / gammaincinv(count, 0.5)
    return np.asarray(used & (mean > level * gammainccinv(count, _CHANCE) / count))


def _widened(out: np.ndarray) -> np.ndarray:
    """With the ordinates on either side, and the mirror images: cos alone, or sin, has a line at ± its frequency."""
    near = np.any([np.roll(out, shift) for shift in range(-_BESIDE, _BESIDE + 1)], axis=0)
    return np.asarray(near | np.roll(near[::-1], 1))


def _tops(mean: np.ndarray, out: np.ndarray) -> list[float]:
    """Where each line has its centre of mass, in ordinates; the largest line first."""
    left, reach = np.where(out, mean, 0.0), np.arange(-_BESIDE, _BESIDE + 1)
    found, bins = [], len(left)
    while left.any():
        top = int(np.argmax(left))
        near = (top + reach) % bins
        centre = top + float(left[near] @ reach / left[near].sum())
        found.append((centre + bins / 2) % bins - bins / 2)
        left[near] = 0
    return found


def _quadratures(spectra: np.ndarray, used: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Mean energies (2, R) of cos and sin over the ordinates that are used, from spectra of cos + i sin."""
    mirrored = np.roll(spectra[:, ::-1], 1, axis=1).conj()
    parts = (spectra + mirrored) / 2, (spectra - mirrored) / 2j
    return np.stack([(abs(part) ** 2 * scale)[:, used].mean(axis=1) for part in parts])


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
