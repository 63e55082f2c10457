"""Records of the continuous measurement: the light's quadratures in bins, run after run of the same experiment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...forward_models.light import SUMS, RecordSums, reduce
from .fields import ALWAYS, FIRST
from .runs import MAIN_RUN

KIND = "record"
QUADRATURES = ("cos", "sin")
MOST_GROUPS = 20
"""Records are told apart in so many groups when it is asked how well each is predicted."""


@dataclass(frozen=True)
class RecordSeries:
    """R records of one run of T bins each, which belong to R repetitions of it.

    samples (2, R, T), float32: cos and sin quadrature of R records in T bins, each the integral of the light over the
        bin, in units in which shot noise has variance 1; the mean of all records is subtracted where there are several
    name : a different one for each series;  run : the run in which it is measured
    interval : Δ, duration of a bin, ms;  start : when in the run the first bin begins, ms
    excluded (R,): records that are kept but not fitted;  left_out (R,): taken out of one fit, to be predicted by it
    simulated : whether a model made them;  note : what demodulation found worth saying
    """

    name: str
    samples: np.ndarray
    interval: float = field(metadata={"unit": "ms"})
    start: float = field(default=0.0, metadata=ALWAYS | {"unit": "ms"})
    run: str = field(default=MAIN_RUN, metadata=FIRST | ALWAYS)
    excluded: np.ndarray | None = None
    left_out: np.ndarray | None = None
    simulated: bool = field(default=False, metadata=ALWAYS | {"key": ""})
    note: str = ""

    @property
    def repetitions(self) -> int:
        """R, how many records there are."""
        return int(self.samples.shape[1])

    @property
    def length(self) -> int:
        """T, bins of a record."""
        return int(self.samples.shape[2])

    @property
    def duration(self) -> float:
        """Of a record, ms."""
        return self.length * self.interval

    @property
    def time(self) -> np.ndarray:
        """(T,): beginnings of the bins, ms from the beginning of the record."""
        return self.interval * np.arange(self.length)

    @property
    def source(self) -> str:
        """For errors."""
        return self.name

    @property
    def cos(self) -> np.ndarray:
        """(records, T): the cos quadrature of those that are fitted."""
        return np.asarray(self.samples[0, self.fitted])

    def complex(self, start: int = 0, end: int | None = None, step: int = 1) -> np.ndarray:
        """Of some of the fitted records z = Y_c − iY_s, as `Records` has it."""
        cos, sin = self.samples[:, self.fitted][:, start:end:step].astype(float)
        return np.asarray(cos - 1j * sin)

    @property
    def dim(self) -> str:
        """The name of the dimension of its groups in a fit."""
        return f"{self.name}_group"

    @property
    def modelled(self) -> np.ndarray:
        """Which records give the model its form: those that are fitted, and those left out."""
        return np.ones(self.repetitions, bool) if self.excluded is None else ~self.excluded

    @property
    def fitted(self) -> np.ndarray:
        """Which records enter the likelihood."""
        return self.modelled if self.left_out is None else self.modelled & ~self.left_out

    @property
    def groups(self) -> list[np.ndarray]:
        """The modelled records in up to `MOST_GROUPS` groups: their numbers, from 0."""
        modelled = np.flatnonzero(self.modelled)
        return np.array_split(modelled, min(MOST_GROUPS, len(modelled)))

    @property
    def fitted_groups(self) -> list[np.ndarray]:
        """The groups without the records that are left out."""
        fitted = self.fitted
        return [some for group in self.groups if (some := group[fitted[group]]).size]

    @property
    def group_labels(self) -> list[str]:
        """'1–50', '51–100': of the fitted groups, the first and the last record, counted from 1."""
        return [f"{group[0] + 1}–{group[-1] + 1}" for group in self.fitted_groups]

    @property
    def has_mean(self) -> bool:
        """Whether there are several fitted records, of which the mean is subtracted."""
        return bool(self.fitted.sum() > 1)

    @cached_property
    def mean(self) -> np.ndarray:
        """(2, T): mean over all fitted records; zero where there is but one."""
        if not self.has_mean:
            return np.zeros((2, self.length))
        return np.asarray(self.samples[:, self.fitted].mean(axis=1, dtype=float))

    def centred(self, which: np.ndarray) -> np.ndarray:
        """(2 × len(which), T): both quadratures of some records without the mean."""
        return np.concatenate(self.samples[:, which] - self.mean[:, None, :])

    def sums_of(self, which: np.ndarray) -> RecordSums:
        """What the likelihood of some records needs; the mean costs each its share."""
        share = 1 - 1 / int(self.fitted.sum()) if self.has_mean else 1.0
        return reduce(self.centred(which), 2 * len(which) * share)

    @cached_property
    def group_sums(self) -> list[RecordSums]:
        """Those of the fitted groups."""
        return [self.sums_of(group) for group in self.fitted_groups]

    @property
    def sums(self) -> RecordSums:
        """Those of all fitted records together."""
        parts = self.group_sums
        columns: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in SUMS}
        return RecordSums(**columns, samples=self.length)
