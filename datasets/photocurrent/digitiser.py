"""What the digitiser did to a photocurrent: clipping, offset, spread, blocks that it did not take; collected while the
samples pass by.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import violation
from .held_blocks import HeldBlocks

FEWEST_CLIPPED = 10
"""Equal samples at the end of the range below which nobody speaks of clipping."""
LARGEST_SAMPLE = 1e30
"""Of whatever unit. SCPI (1999, volume 1, section 7.2) writes 9.9e37 for infinity, 9.91e37 for no number."""
_END = 0.01  # of the range: what lies next to its end


@dataclass
class _End:
    """One end of the range of samples: how many are at it, how many close to it."""

    value: float = -np.inf
    at: int = 0
    near: int = 0

    def add(self, samples: np.ndarray, extreme: float, width: float) -> None:
        """Samples whose maximum is `extreme`."""
        if extreme < self.value:
            return
        if extreme > self.value:
            self.value, self.at, self.near = extreme, 0, 0
        at = int(np.count_nonzero(samples == extreme))
        self.at += at
        self.near += int(np.count_nonzero(samples >= extreme - width)) - at


@dataclass
class Digitisation:
    """Sums over the samples of the records that were read.

    step : smallest difference of different samples seen
    """

    dtype: np.dtype
    where: str
    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    step: float = 0.0
    ends: tuple[_End, _End] = field(default_factory=lambda: (_End(), _End()))
    blocks: HeldBlocks = field(default_factory=HeldBlocks)

    def add(self, samples: np.ndarray, start: int) -> None:
        """Samples as floats, of which the first has the number `start`; ExperimentError where one is not finite."""
        total = float(samples.sum())
        if not np.isfinite(total):
            place = int(np.argmin(np.isfinite(samples)))
            raise violation(f"{self.where}: sample {start + place}", f"{samples.flat[place]:g}", "a finite number")
        if not self.step:
            different = np.diff(np.unique(samples[:100_000]))
            self.step = float(different.min()) if len(different) else 0.0
        low, high = float(samples.min()), float(samples.max())
        if max(high, -low) > LARGEST_SAMPLE:
            place = int(np.argmax(abs(samples)))
            found = f"{samples.flat[place]:g}"
            expected = (
                f"a number below {LARGEST_SAMPLE:g}: instruments write 9.9e37 for overflow, 9.91e37 for no number"
            )
            raise violation(f"{self.where}: sample {start + place}", found, expected)
        self.count += samples.size
        self.total += total
        self.squares += float(np.dot(samples, samples))
        width = max(_END * (high - low), 1.5 * self.step)
        self.ends[0].add(samples, high, width)
        if -low >= self.ends[1].value:
            self.ends[1].add(-samples, -low, width)
        rounding = float(np.finfo(self.dtype).eps) * max(high, -low) if self.dtype.kind == "f" else 0.0
        self.blocks.add(samples, start, self.step, rounding)

    @property
    def held(self) -> np.ndarray:
        """Runs of samples that were not taken, (runs, 2): first sample of each, and the one after its last."""
        return self.blocks.found(self.step, self.spread)

    @property
    def mean(self) -> float:
        """As the samples are stored."""
        return self.total / max(self.count, 1)

    @property
    def spread(self) -> float:
        """Standard deviation, as the samples are stored."""
        return float(np.sqrt(max(self.squares / max(self.count, 1) - self.mean**2, 0.0)))

    @property
    def clipped(self) -> int:
        """Samples at an end of the range that pile up there: more than lie next to it, or at the end of the type."""
        rails = (np.iinfo(self.dtype).max, -np.iinfo(self.dtype).min) if self.dtype.kind in "iu" else (np.nan, np.nan)
        return sum(
            end.at
            for end, rail in zip(self.ends, rails, strict=True)
            if end.value == rail or (end.at >= FEWEST_CLIPPED and end.at > 1.5 * end.near)
        )

    def warnings(self) -> list[str]:
        """In words, what spoils the records."""
        found = []
        if self.clipped:
            rails = " and ".join(f"{sign * end.value:g}" for end, sign in zip(self.ends, (1, -1), strict=True))
            found.append(f"{self.clipped} of {self.count} samples are clipped (range {rails}): lower the gain")
        if self.spread < 2 * self.step:
            found.append(
                f"the spread of the samples is {self.spread / self.step:.2g} steps of the digitiser: raise the gain"
            )
        if abs(self.mean) > 10 * self.spread > 0:
            found.append(f"the offset is {abs(self.mean) / self.spread:.0f} times the spread of the samples")
        return found
