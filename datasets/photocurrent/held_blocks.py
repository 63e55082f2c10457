"""Samples that a digitiser did not take: dropped blocks filled with a constant, held values, gaps that were bridged.

In noise the second difference x[k] − 2 x[k+1] + x[k+2] is hardly ever within two steps of the digitiser of 0, and not
for long: a run that chance does not make is a stretch in which samples stay equal or follow a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import erf, sqrt

import numpy as np

SHORTEST = 16
"""Samples of a run below which nobody speaks of one."""
_CHANCE = 1e-9
"""Of noise to make a run that is reported, anywhere in the stream."""
_STRIDE = (SHORTEST - 2) // 2
"""Of the second differences that are looked at first: a run holds two of these in a row."""
_STEPS, _STEPS_OF_COARSE, _COARSE = 2.5, 0.5, 5.0
"""Of the digitiser, within which a second difference counts as 0: a straight line is rounded. In noise of a few steps
(`_COARSE`) it must be exactly 0.
"""
_OFTEN = 0.3
"""Chance that a run goes on from which it is not well known: runs of a slow, coarse signal have no single law."""
_LEARNT = 200_000
"""Samples from which short runs are counted: slow noise makes more of them than white noise."""
_LONGEST_CHANCE = 0.999


@dataclass
class HeldBlocks:
    """Runs of equal or straight samples, collected while the samples pass by.

    runs : [start, end) in samples of the stream;  seen : samples;  short : how many runs of 1, 2, … second differences
    steps : of the digitiser that a second difference may have; 0 where it is not known yet
    """

    runs: list[tuple[int, int]] = field(default_factory=list)
    seen: int = 0
    steps: float = 0.0
    short: np.ndarray = field(default_factory=lambda: np.zeros(SHORTEST - 2, np.int64))

    def add(self, samples: np.ndarray, start: int, step: float, rounding: float) -> None:
        """Samples of which the first has the number `start`; `step` of the digitiser; `rounding` of one sample."""
        learning = self.seen < _LEARNT
        if step and not self.steps:
            self.steps = _STEPS if samples.std() > _COARSE * step else _STEPS_OF_COARSE
        width = max(self.steps * step, 8 * rounding)
        self.seen += len(samples)
        if learning or _may_hold_a_run(samples, width):
            begins, ends = _runs_of(abs(np.diff(samples, 2)) <= width)
            length = ends - begins
            if learning:
                self.short += np.bincount(length, minlength=SHORTEST - 1)[1 : SHORTEST - 1]
            long = length >= SHORTEST - 2
            self.runs += zip((begins[long] + start).tolist(), (ends[long] + start + 2).tolist(), strict=True)

    def found(self, step: float, spread: float) -> np.ndarray:
        """Those that noise of this spread does not make, (runs, 2): first sample, and the one after the last."""
        if not self.runs:
            return np.zeros((0, 2), np.int64)
        by_noise = erf(self.steps * step / (sqrt(2 * 6) * spread)) if spread > 0 else 0.0
        chance = min(max(by_noise, _persistence(self.short)), _LONGEST_CHANCE)
        if chance > _OFTEN:
            chance = 0.5 * (1 + chance)
        shortest = SHORTEST
        if chance > 0:
            shortest = max(SHORTEST, 3 + int(np.log(_CHANCE / self.seen) / np.log(chance)))
        merged = _merged(np.array(sorted(self.runs)))
        return np.asarray(merged[merged[:, 1] - merged[:, 0] >= shortest])


def touched(begins: np.ndarray, ends: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Which of the stretches [begins, ends) hold a part of one of the runs, which are in order."""
    if not len(runs):
        return np.zeros(len(begins), bool)
    next_run = np.searchsorted(runs[:, 1], begins, side="right")  # the first that ends after the beginning
    starts = np.append(runs[:, 0], np.iinfo(np.int64).max)
    return np.asarray(starts[next_run] < ends)


def in_words(runs: np.ndarray) -> str:
    """How many, how long, and where the longest is."""
    length = runs[:, 1] - runs[:, 0]
    longest = int(np.argmax(length))
    several = len(runs) > 1
    which = f"in {len(runs)} stretches, the longest" if several else "in one stretch,"
    return (
        f"{int(length.sum())} samples of the records stay equal or follow a straight line {which} of"
        f" {length[longest]} from sample {runs[longest, 0]} on: the digitiser dropped or held them"
    )


def _may_hold_a_run(samples: np.ndarray, width: float) -> bool:
    """Whether two second differences in a row, of every `_STRIDE`-th, are 0."""
    end = len(samples) - 2
    first, middle, last = (samples[k : end + k : _STRIDE] for k in range(3))
    second = first - 2 * middle + last
    straight = abs(second) <= width
    return bool((straight[1:] & straight[:-1]).any())


def _runs_of(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of True begin, and where they have ended."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _persistence(short: np.ndarray) -> float:
    """The chance p that a run goes on, from counts of runs of 1, 2, …, L: a geometric law cut off at L."""
    total = int(short.sum())
    if not total:
        return 0.0
    longest = len(short)
    mean = float(short @ np.arange(1, longest + 1)) / total
    low, high = 0.0, _LONGEST_CHANCE
    for _ in range(50):
        p = 0.5 * (low + high)
        expected = 1 / (1 - p) - longest * p**longest / (1 - p**longest)
        low, high = (p, high) if expected < mean else (low, p)
    return low


def _merged(runs: np.ndarray) -> np.ndarray:
    """Runs in order, those that overlap as one: pieces of a record have their margins in common."""
    ends = np.maximum.accumulate(runs[:, 1])
    first = np.concatenate([[True], runs[1:, 0] >= ends[:-1]])
    last = np.append(np.flatnonzero(first)[1:] - 1, len(runs) - 1)
    return np.asarray(np.stack([runs[first, 0], ends[last]], axis=1))
