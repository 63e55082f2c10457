"""Quadratures of temporal modes of records: y = Σ u_k Y_k with Σu² = 1, so that shot noise has variance 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...forward_models.light import mode_function
from ..errors import violation

_PIECE = 4096


class InBins(Protocol):
    """Records in bins: those of a demodulation, and those of an experiment."""

    @property
    def cos(self) -> Any: ...  # noqa: D102
    @property
    def time(self) -> np.ndarray: ...  # noqa: D102
    @property
    def interval(self) -> float: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102

    def complex(self, start: int = 0, end: int | None = None, step: int = 1) -> np.ndarray:
        """Of some records z = Y_c − iY_s."""


@dataclass(frozen=True)
class Mode:
    """A mode ∝ e^{±γt} over a window of the record: from `start` to `end` (ms from the trigger), rate ≥ 0 (ms⁻¹)."""

    start: float
    end: float
    rate: float
    falling: bool = True

    def weights(self, records: InBins) -> np.ndarray:
        """u (bins,) with Σu² = 1, zero outside the window; ExperimentError for a window that has no whole bin."""
        end = records.time + records.interval
        inside = (records.time >= self.start - 1e-9) & (end <= self.end + 1e-9)
        if not inside.any() or not 0 <= self.rate < np.inf:
            found = f"a mode of rate {self.rate:g} from {self.start:g} to {self.end:g} ms"
            expected = f"a rate ≥ 0, and a window with whole bins of {records.interval:g} ms up to {end[-1]:g} ms"
            raise violation(records.source, found, expected)
        weights = np.zeros(len(records.time))
        middle = records.time[inside] + records.interval / 2 - self.start
        weights[inside] = mode_function(middle, self.rate, self.end - self.start, falling=self.falling)
        return np.asarray(weights / np.linalg.norm(weights))


def quadratures(records: InBins, mode: Mode) -> np.ndarray:
    """Values (records, 2) of the cos and sin quadratures in a mode; shot noise has variance 1."""
    weights = mode.weights(records)
    pieces = []
    for start in range(0, records.cos.shape[0], _PIECE):
        part = records.complex(start, start + _PIECE) @ weights
        pieces.append(np.stack([part.real, -part.imag], axis=1))
    return np.concatenate(pieces)


@dataclass(frozen=True)
class TwoModes:
    """Second moments of readout and feedback mode, mean of the quadratures, means taken away, in shot-noise units.

    errors : of read, feed, covariance;  repetitions : records
    """

    read: float
    feed: float
    covariance: float
    errors: tuple[float, float, float]
    repetitions: int

    @property
    def conditional(self) -> float:
        """var(y_read) − cov²/var(y_feed)."""
        return self.read - self.covariance**2 / self.feed


def two_modes(records: InBins, read: Mode, feed: Mode) -> TwoModes:
    """Variances of y_read and y_feed and their covariance over the records, both quadratures pooled.

    The standard errors are those of Gaussian values with 2(R − 1) degrees of freedom. ExperimentError for one record.
    """
    count = records.cos.shape[0]
    if count < 2:
        raise violation(records.source, "one record", "at least two, for a variance")
    values = [quadratures(records, mode) for mode in (read, feed)]
    centred = [one - one.mean(axis=0) for one in values]
    freedom = 2 * (count - 1)
    a, b, c = (float((centred[i] * centred[j]).sum()) / freedom for i, j in ((0, 0), (1, 1), (0, 1)))
    errors = a * np.sqrt(2 / freedom), b * np.sqrt(2 / freedom), np.sqrt((a * b + c**2) / freedom)
    return TwoModes(a, b, c, (float(errors[0]), float(errors[1]), float(errors[2])), count)
