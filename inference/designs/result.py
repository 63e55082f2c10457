"""What a design comes out as: a plan, and what is expected of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.experiment import DAY_FACTORS, MAIN_RUN, Label
from ..model import ModelSettings, entries
from ..shown import Shown
from .candidates import is_planned
from .limits import Direction, Limit

_CLEAR = 2.0
"""Standard errors by which nats differ."""
DISAGREEMENT = 0.15
"""Of the sd that refits obtain from the predicted one, beyond which the refits are trusted."""


@dataclass(frozen=True)
class PlannedPoint:
    """Shots at one point of a series; x in `unit`;  noise : "repetitions" or σ of the mean of the shots."""

    series: str
    kind: str
    run: str
    x: float
    unit: str
    shots: int
    noise: str
    sigma: float
    seconds: float
    setting: str


def span(values: np.ndarray, typical: float) -> tuple[float, float]:
    """The 3 and 97 % quantiles of some values, about a typical one: a root of a mean may lie beyond them."""
    low, high = np.quantile(values, [0.03, 0.97])
    return min(float(low), typical), max(float(high), typical)


@dataclass(frozen=True)
class Expectation:
    """Of a quantity: its value and sd before, the sd expected after, with the 3 and 97 % quantiles over outcomes.

    predicted (n,) : the sd after outcomes at n posterior draws, as predicted;  refits (m,) : as obtained by fits of the
        first m of these, simulated; none where none were fitted
    nats : whether it is a log Bayes factor, whose mean takes the place of the sd; `value` is then what the data have,
        and `predicted` holds for the very outcomes, whose noise counts
    """

    label: str
    value: float
    before: float
    after: float
    low: float
    high: float
    predicted: np.ndarray
    refits: np.ndarray
    nats: bool = False

    @property
    def _fitted(self) -> np.ndarray:
        """What was predicted for the outcomes that were fitted, (m,)."""
        return self.predicted[: len(self.refits)]

    def _typical(self, values: np.ndarray) -> float:
        """Root of the mean variance; the mean of nats."""
        return float(values.mean() if self.nats else np.sqrt(np.mean(values**2)))

    @property
    def ratio(self) -> float:
        """Obtained over predicted; NaN without refits."""
        return self._typical(self.refits) / self._typical(self._fitted) if len(self.refits) else float("nan")

    @property
    def disagrees(self) -> bool:
        """Whether refits obtain something else than predicted, by more than the error of their mean."""
        if not len(self.refits) or abs(self.ratio - 1) <= DISAGREEMENT:
            return False
        differences = self.refits - self._fitted
        return bool(abs(differences.mean()) > _CLEAR * float(differences.std()) / len(differences) ** 0.5)

    @property
    def _shift(self) -> float:
        """Of nats, by what refits that disagree obtain more than predicted."""
        return float((self.refits - self._fitted).mean()) if self.nats and self.disagrees else 0.0

    @property
    def trusted(self) -> tuple[float, float, float]:
        """What is expected after, low, high: of the refits where these disagree."""
        if self.nats or not self.disagrees:
            return self.after + self._shift, self.low + self._shift, self.high + self._shift
        after = self._typical(self.refits)
        return after, *span(self.refits, after)

    def share_above(self, limit: float) -> float:
        """Share of the outcomes after which a log Bayes factor is above a limit."""
        return float(np.mean(self.predicted + self._shift > limit))


@dataclass(frozen=True)
class GainCurve:
    """Of a candidate: by what the whole budget at one point x (T,) alone would change the goal, T gains.

    Of a quantity the share of its variance that goes, else nats.
    """

    series: str
    label: str
    x: np.ndarray
    gain: np.ndarray


@dataclass(frozen=True, repr=False)
class Design(Shown):
    """A plan for what to measure next, see `design`.

    budget : s;  goal : text, and the label of the quantity, "" where it is a gain in nats
    target : the sd (or nats) that was asked for, NaN where none was;  possible : whether it can be had
    met : whether the sd is not larger now;  budget is then the one that was given
    gain : of the plan, nats; NaN where the goal is an sd
    even : how many times longer the same number of shots at every point would take for the same result
    limit : of the goal after any number of shots, and after this plan; None where the goal is a gain
    never, not_yet : directions without any information, and with less than the prior's after this plan
    shot : s that a shot takes, as candidates have it;  delay : whether its delay counts, too
    repetitions : see `Choices`
    planned : the experiment with the stages of the planned series alone, whose values are NaN
    left_out : what was said of series that have no value yet, and are no candidates by default
    """

    kind = "design"
    title: str
    simulated: bool
    goal: str
    label: str
    budget: float
    points: tuple[PlannedPoint, ...]
    expectations: tuple[Expectation, ...]
    gain: float
    target: float
    possible: bool
    met: bool
    even: float
    limit: Limit | None
    remaining: Limit | None
    never: tuple[Direction, ...]
    not_yet: tuple[Direction, ...]
    curves: tuple[GainCurve, ...]
    shot: tuple[float, ...]
    delay: bool
    repetitions: float
    planned: Experiment
    left_out: tuple[str, ...] = ()

    def expecting(self, expected: Sequence[Expectation]) -> Design:
        """With these, and the gain in nats that follows from them."""
        nats = [one.trusted[0] for one in expected if one.nats]
        return replace(self, expectations=tuple(expected), gain=float(np.mean(nats)) if nats else self.gain)

    def of(self, label: str) -> Expectation:
        """What is expected of a quantity; StopIteration where there is none."""
        return next(one for one in self.expectations if one.label == label)

    @property
    def plans(self) -> dict[str, Experiment]:
        """What is planned, for each member of a joint experiment that has some of it; "" : of a single experiment."""
        members = [m for m in self.planned.members if any(self.planned.member[s.run] == m for s in self.planned.parts)]
        return {name: _of_member(self.planned, name) for name in members} or {"": self.planned}

    @property
    def shots(self) -> int:
        """Of all points."""
        return sum(point.shots for point in self.points)

    @property
    def seconds(self) -> float:
        """Of all points, without changes of settings."""
        return sum(point.seconds for point in self.points)

    def facts(self) -> dict[str, Any]:
        """The same as plain values, for --json."""
        rows = []
        for one in self.expectations:
            after, low, high = one.trusted
            rows.append({"label": one.label, "value": one.value, "sd_before": one.before, "sd_after": after,
                         "low": low, "high": high, "predicted": one.after, "refits": len(one.refits),
                         "obtained_over_predicted": one.ratio})  # fmt: skip
        limits = {"limit": self.limit, "remaining": self.remaining}
        return {
            "goal": self.goal, "label": self.label, "budget_s": self.budget, "shots": self.shots,
            "points": [asdict(point) for point in self.points], "expected": rows, "gain_nats": self.gain,
            "target": self.target, "possible": self.possible, "met": self.met, "even_spacing_takes": self.even,
            "shot_s": list(self.shot), "repetitions_per_sigma": self.repetitions,
            **{k: None if v is None else asdict(v) | {"words": v.words} for k, v in limits.items()},
            "never": [asdict(d) for d in self.never], "not_yet": [asdict(d) for d in self.not_yet],
        }  # fmt: skip


def planned_experiment(
    given: Experiment, experiment: Experiment, new: dict[str, np.ndarray], settings: ModelSettings
) -> Experiment:
    """The planned points of an experiment alone, with the runs in which they are.

    given : with all candidates, as the laboratory describes it;  experiment : with the planned points
    new : series → which of its points are planned;  settings : of a model, of which a plan may not have all parameters
    """
    series, said = [], {one.name: one for one in given.series}
    for one in experiment.series:
        if one.name in new:
            keep = new[one.name]
            points = {name: getattr(one, name)[keep] for name in ("x", "value", "spread")}
            # without what is said of single points; a note is about what was measured
            bare = replace(said[one.name], excluded=None, taken=None, note="")
            series.append(replace(bare, **points))
    records = tuple(record for record in experiment.records if is_planned(record))
    runs = {one.run for one in series} | {one.run for one in records}
    planned = replace(
        given,
        title=f"next: {given.title}",
        description="",
        simulated=False,
        truth=None,
        stages=tuple(stage for stage in given.stages if stage.run in runs),
        series=tuple(series),
        records=records,
        observations=(),
        priors={},
        calibrated={},
        correlated=(),
        run_depth={run: depth for run, depth in given.run_depth.items() if run in runs},
        constant={run: about for run, about in given.constant.items() if run in runs},
    )
    return replace(planned, priors=_priors_left(given.calibrated | given.priors, planned, given, settings))


def _priors_left(
    known: dict[str, str], planned: Experiment, given: Experiment, settings: ModelSettings
) -> dict[str, str]:
    """Without those of parameters that an experiment has, and its plan has not, where they would be an error."""
    unstated = [replace(one, priors={}, calibrated={}, correlated=()) for one in (given, planned)]
    there, left = ({text for name, index, _ in entries(one, settings) for text in (name, str(Label(name, index or "")))}
                   for one in unstated)  # fmt: skip
    gone = there - left | {label for label in known if Label.parse(label).entry in set(given.runs) - set(planned.runs)}
    return {label: text for label, text in known.items() if label not in gone}


def _of_member(whole: Experiment, name: str) -> Experiment:
    """The plan for a member of a joint experiment by itself, under its own names, with what is known of it."""
    runs = {run: run.removeprefix(name).removeprefix(".") or MAIN_RUN for run, of in whole.member.items() if of == name}
    series = [replace(s, run=runs[s.run], name=s.name.removeprefix(f"{name}."), day=s.day.removeprefix(f"{name}."))
              for s in whole.series if s.run in runs]  # fmt: skip
    records = [
        replace(r, run=runs[r.run], name=r.name.removeprefix(f"{name}.")) for r in whole.records if r.run in runs
    ]
    return replace(
        whole,
        title=f"next: {name}",
        stages=tuple(replace(stage, run=runs[stage.run]) for stage in whole.stages if stage.run in runs),
        series=tuple(series),
        records=tuple(records),
        apparatus=whole.apparatus | whole.known_of.get(name, {}),
        priors=dict(_priors_of(whole, name)),
        run_depth={runs[run]: depth for run, depth in whole.run_depth.items() if run in runs},
        constant={runs[run]: about for run, about in whole.constant.items() if run in runs},
        member={},
        sharing={one: way for one, way in whole.sharing.items() if one in DAY_FACTORS},
        known_of={},
    )


def _priors_of(whole: Experiment, name: str) -> Iterator[tuple[str, str]]:
    """Labels and priors that hold for a member: those of parameters of all, and its own."""
    for text, prior in whole.priors.items():
        label = Label.parse(text)
        of = next((m for m in whole.members if re.match(rf"{re.escape(m)}(: |\.|$)", label.entry)), "")
        if label.name != "population_spread" and of in ("", name):
            yield str(Label(label.name, label.entry.removeprefix(of).lstrip(":. ") if of else label.entry)), prior
