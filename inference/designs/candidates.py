"""What could be measured: series at points that may have shots, and what a shot costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError, RecordSeries, Series, SeriesPlan
from ...datasets.errors import violation
from ...datasets.experiment import check_choice, check_series
from ...datasets.kinds import KINDS
from ...forward_models import NOISES
from ..model import ModelSettings, rival
from .allocation import Costs

GRID = 60
"""Points between the ends of a range."""
SHOT = 0.01
"""Seconds of pumping, probe and dead time of a shot, where nothing is said."""
FEWEST = 30
"""Shots of a variance: its distribution is then nearly the one that a design assumes."""
_OF_ALL_TIMES = ("gain_drift_uncertainty", "offset_drift_uncertainty", "discrepancy_uncertainty")
"""Errors of a point that depend on the first and the last time of its series."""


@dataclass(frozen=True)
class Candidate:
    """A series that could be measured, one shot at a time.

    series : its points are the grid, its spread (T,) the σ of one shot, or 1 where the noise counts repetitions; one
        that has the name of a series of the experiment adds points to it and shares its errors of scale and offset
    free : whether values between the points of the grid are possible
    shot : seconds that a shot takes besides the time in the run;  delay : whether that time counts, too
    setting, change : of the apparatus, and the seconds that it takes to change to it, once;  least : fewest shots
    """

    series: Series
    free: bool = True
    shot: float = SHOT
    delay: bool = True
    setting: str = ""
    change: float = 0.0
    least: int = 1

    @property
    def x(self) -> np.ndarray:
        """(T,): abscissas of its points."""
        return self.series.x

    @property
    def counts(self) -> bool:
        """Whether its noise follows from the number of repetitions."""
        return NOISES[self.series.noise].spread == "repetitions"

    @property
    def fewest(self) -> int:
        """Shots below which a point is not worth having."""
        return max(self.least, FEWEST) if self.counts else self.least

    @property
    def per_shot(self) -> np.ndarray:
        """(T,): seconds."""
        in_run = self.series.x if self.series.about.abscissa == "time" else np.full(len(self.series.x), 0.0)
        return np.asarray(self.shot + 1e-3 * self.series.probe_duration + 1e-3 * in_run * self.delay)

    def sigma(self, mean: np.ndarray) -> np.ndarray:
        """Standard deviation of one shot, at its mean (…, T)."""
        spread = 2.0 if self.counts else self.series.spread  # two repetitions have one degree of freedom
        return np.asarray(np.broadcast_to(NOISES[self.series.noise].scatter(mean, spread), np.shape(mean)))

    def spread(self, shots: np.ndarray) -> np.ndarray:
        """What a series with so many shots at each point says of its noise: repetitions, or σ."""
        return shots + 1.0 if self.counts else self.series.spread / np.sqrt(shots)

    def at(self, x: np.ndarray) -> Candidate:
        """With other points (…,)."""
        spread = np.interp(x, self.series.x, self.series.spread)
        none = np.full(len(x), np.nan)
        return replace(self, series=replace(self.series, x=x, value=none, spread=spread))


@dataclass(frozen=True)
class RecordCandidate:
    """Records of the light of one run: a record is a shot.

    record : name, run, bins and beginning of one of them;  x : durations (T,) that they may have, ms
    shot, delay, setting, change, least : as of a `Candidate`;  the time in the run is that of the end of a record
    """

    record: RecordSeries
    x: np.ndarray
    shot: float = SHOT
    delay: bool = True
    setting: str = ""
    change: float = 0.0
    least: int = 1
    known: dict[Any, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    """Information that was worked out before."""

    @property
    def fewest(self) -> int:
        """Records below which they are not worth having: their mean is subtracted."""
        return max(self.least, 2)

    @property
    def per_shot(self) -> np.ndarray:
        """(T,): seconds."""
        return np.asarray(self.shot + 1e-3 * (self.record.start + self.x) * self.delay)

    def at(self, x: np.ndarray) -> RecordCandidate:
        """With other durations (…,)."""
        return replace(self, x=x)

    def planned(self, x: float, number: int = 1) -> RecordSeries:
        """Records of a duration, ms, whose samples are NaN."""
        bins = round(x / self.record.interval)
        name = self.record.name if len(self.x) == 1 else f"{self.record.name}-{x:g}ms"
        return replace(self.record, name=name, samples=np.broadcast_to(np.float32(np.nan), (2, number, bins)))


def is_planned(record: RecordSeries) -> bool:
    """Whether records are not measured yet."""
    return bool(np.isnan(record.samples[0, 0, 0]))


@dataclass(frozen=True)
class Choices:
    """All that could be measured, with the runs for it that the experiment does not have.

    experiment : what was measured, with the stages of further runs;  candidates, records : in which order points are
        counted
    repetitions : shots of which a measured point that has a σ is taken for the mean; 0 where that is not assumed
    """

    experiment: Experiment
    candidates: tuple[Candidate, ...]
    repetitions: float = 0.0
    records: tuple[RecordCandidate, ...] = ()

    @property
    def every(self) -> tuple[Candidate | RecordCandidate, ...]:
        """Series and records."""
        return (*self.candidates, *self.records)

    @cached_property
    def whole(self) -> Experiment:
        """The experiment with all candidates that are no series of it: it has every parameter."""
        there = {series.name for series in self.experiment.series}
        new = tuple(c.series for c in self.candidates if c.series.name not in there)
        records = tuple(c.planned(c.x[-1]) for c in self.records)
        return replace(self.experiment, series=self.experiment.series + new, records=self.experiment.records + records)

    @cached_property
    def placed(self) -> dict[str, tuple[Series, np.ndarray]]:
        """Each candidate as it is evaluated, and which of its points are its own.

        Among the measured ones where an error, such as a drift, depends on the times of all.
        """
        there = {series.name: series for series in self.experiment.series}
        among = {c.series.name for c in self.candidates if any(getattr(c.series, one) for one in _OF_ALL_TIMES)}
        return {
            c.series.name: joined(there.get(c.series.name) if c.series.name in among else None, c.series)
            for c in self.candidates
        }

    @cached_property
    def alone(self) -> Experiment:
        """The candidates without the data."""
        series = tuple(series for series, _ in self.placed.values())
        return replace(self.experiment, series=series, records=(), observations=())

    def seen_by(self, settings: ModelSettings, model: str) -> tuple[Choices, ModelSettings]:
        """The choices and the settings as a rival model sees them, which may change runs, errors and noise.

        Raises ExperimentError for a model with correlated noise, in which a shot depends on all others.
        """
        there = {series.name for series in self.experiment.series}
        blank = [s if s.name in there else replace(s, value=np.ones(len(s.x)), spread=np.full(len(s.x), 2.0))
                 for s in self.whole.series]  # fmt: skip
        whole = replace(self.whole, series=tuple(blank), records=self.experiment.records)
        changed, settings = rival(whole, settings, model)
        seen = {series.name: series for series in changed.series}
        candidates = tuple(replace(c, series=_with_points(seen[c.series.name], c.series)) for c in self.candidates)
        for one in (c.series for c in candidates):
            if one.correlated:
                expected = "a model of independent noise: what a shot tells must not depend on all others"
                raise violation(f"model {model}", f"correlated noise of {one.name}", expected)
        measured = tuple(series for series in changed.series if series.name in there)
        return replace(self, experiment=replace(changed, series=measured), candidates=candidates), settings

    @property
    def group(self) -> np.ndarray:
        """(K,): to which candidate each point belongs."""
        return np.repeat(np.arange(len(self.every)), [len(c.x) for c in self.every])

    @property
    def x(self) -> np.ndarray:
        """(K,): abscissas."""
        return np.concatenate([c.x for c in self.every])

    @property
    def least(self) -> np.ndarray:
        """(K,): fewest shots."""
        return np.asarray(np.array([c.fewest for c in self.every])[self.group])

    @property
    def spacing(self) -> np.ndarray:
        """(K,): of the grid, 0 where only its points are possible."""
        steps = [float(np.diff(c.x).min()) * c.free if len(c.x) > 1 else 0.0 for c in self.candidates]
        steps += [0.0] * len(self.records)
        return np.asarray(np.array(steps)[self.group])

    @property
    def costs(self) -> Costs:
        """Of all points."""
        per_shot = np.concatenate([c.per_shot for c in self.every])
        change: dict[str, float] = {}
        for c in self.every:
            change[c.setting] = max(change.get(c.setting, 0.0), c.change)
        return Costs(per_shot, np.array([c.setting for c in self.every])[self.group], change)

    def at(self, points: Sequence[np.ndarray]) -> Choices:
        """With these points of each candidate; those that have none are left out."""
        kept = [c.at(x) for c, x in zip(self.every, points, strict=True) if len(x)]
        series = tuple(c for c in kept if isinstance(c, Candidate))
        return replace(self, candidates=series, records=tuple(c for c in kept if isinstance(c, RecordCandidate)))


def candidate(experiment: Experiment, kind: str, run: str, x: np.ndarray, said: Mapping[str, Any], sigma: float | None,
              where: str, **costs: Any) -> Candidate:  # fmt: skip
    """A candidate of one kind in one run; it shares the errors of a series of the experiment, where there is one.

    said : fields of a `Series`, with which it is one of its own;  sigma : of one shot, None: by repetitions
    costs : fields of `Candidate`

    Raises ExperimentError, which names the place `where`.
    """
    check_choice(f"{where}: kind", kind, tuple(KINDS))
    check_choice(f"{where}: run", run, experiment.runs)
    about = KINDS[kind]
    if experiment.populations(run) not in about.populations:
        raise ExperimentError(f"{where}: found {kind} in run {run!r}, expected a run where it can be measured")
    fitting = [n for n in about.noises if NOISES[n].spread == ("repetitions" if sigma is None else "sigma")]
    if not fitting or NOISES[fitting[0]].components > 1 or len(about.components) > 1:
        expected = "a line sigma = …, of one shot" if sigma is None and not fitting else "another kind"
        raise ExperimentError(f"{where}: found {kind} of which one shot is no single number, expected {expected}")
    alike = [s for s in experiment.series if (s.kind, s.run) == (kind, run) and not s.correlated]
    alike = [s for s in alike if NOISES[s.noise].spread == NOISES[fitting[0]].spread]
    if alike and not said:
        old = alike[0]
        series = replace(_without_points(old), x=x, value=np.full(len(x), np.nan), spread=np.full(len(x), sigma or 1.0))
    else:
        name = said.get("name") or free_name(f"{kind} {run}" if run != "main" else f"next {kind}", experiment)
        rest = {key: value for key, value in said.items() if key != "name"} or _errors(experiment, kind)
        series = SeriesPlan(kind, x, sigma or 1.0, fitting[0], name, run=run, **rest)
    keep = series.fitted  # not what is 1 by normalisation
    series = replace(series, x=series.x[keep], value=series.value[keep], spread=series.spread[keep])
    ones = np.ones(len(series.x))
    check_series(replace(series, value=ones, spread=(sigma or 2.0) * ones), experiment, where)
    return Candidate(series, **costs)


def _without_points(series: Series) -> Series:
    """Without what is said of single points."""
    return replace(series, excluded=None, taken=None, left_out=None, component=None)


def _with_points(series: Series, of: Series) -> Series:
    """With the points of another one."""
    return replace(_without_points(series), x=of.x, value=of.value, spread=of.spread)


def joined(old: Series | None, planned: Series) -> tuple[Series, np.ndarray]:
    """Measured and planned points in order of abscissa, and which are planned."""
    if old is None:
        return planned, np.ones(len(planned.x), bool)
    is_new = np.repeat([False, True], [len(old.x), len(planned.x)])
    order = np.argsort(np.concatenate([old.x, planned.x]), kind="stable")
    columns: dict[str, Any] = {name: np.concatenate([getattr(old, name), getattr(planned, name)])[order]
               for name in ("x", "value", "spread")}  # fmt: skip
    if old.excluded is not None:
        columns["excluded"] = np.concatenate([old.excluded, np.zeros(len(planned.x), bool)])[order]
    return replace(old, **columns, taken=None), is_new[order]


def _errors(experiment: Experiment, kind: str) -> dict[str, float]:
    """The sizes of the errors of scale, offset, … that series of a kind have in this experiment."""
    alike = next((s for s in experiment.series if s.kind == kind), None)
    return {} if alike is None else {f"{name}_uncertainty": size for name, size in alike.errors.items()}


def free_name(name: str, experiment: Experiment) -> str:
    """A name that no series has, from one that it may have."""
    taken = {part.name for part in experiment.parts}
    return next(n for n in (name, *(f"{name} {k}" for k in range(2, 99))) if n not in taken)
