"""The members of a joint experiment, each as if it were alone: what differs in values only has the same graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..experiment import Experiment, Label

ONE = "member"
"""What every member is called when it is alone."""
_NAMES = ("name", "day", "label", "shared_scale")
"""Of series and of published numbers, which labels of parameters have."""
_KNOWN = ("detection_efficiency", "common_time_offset")
"""What predictions take from the apparatus; everything else of it is the prior of a parameter."""


@dataclass(frozen=True)
class Member:
    """What belongs to one member, as far as predictions depend on it.

    experiment : a joint one of this member only, which is called `ONE`
    names : of its runs, series, days and published numbers: there → in the whole experiment
    others : what the other members' are called: which labels are not its own
    """

    experiment: Experiment
    names: dict[str, str]
    others: frozenset[str]

    def own(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Of values by label in the whole experiment those of this member, and those that are common to all."""
        here = {there: name for name, there in self.names.items()}
        found = {}
        for text, value in values.items():
            label = Label.parse(text)
            head, colon, rest = label.entry.partition(": ")
            if head not in self.others:
                found[str(Label(label.name, f"{here.get(head, head)}{colon}{rest}"))] = value
        return found


def members_of(experiment: Experiment) -> list[Member]:
    """The members of a joint experiment, in order."""
    found = {name: _alone(experiment, name) for name in experiment.members}
    everything = {there for _, names in found.values() for there in names.values()}
    return [Member(one, names, frozenset(everything - set(names.values()))) for one, names in found.values()]


def _alone(experiment: Experiment, member: str) -> tuple[Experiment, dict[str, str]]:
    runs = [run for run, of in experiment.member.items() if of == member]
    new = {run: f"{ONE}{run.removeprefix(member)}" for run in runs}
    series = [s for s in experiment.series if s.run in new]
    numbers = [o for o in experiment.observations if o.run in new]
    own = experiment.known_of.get(member, {})
    alone = Experiment(
        title="",
        simulated=True,
        stages=tuple(replace(stage, run=new[stage.run]) for stage in experiment.stages if stage.run in new),
        series=tuple(replace(s, name=_of(s.name, member), run=new[s.run], day=_of(s.day, member)) for s in series),
        observations=tuple(replace(o, run=new[o.run], shared_scale=_of(o.shared_scale, member)) for o in numbers),
        apparatus=experiment.apparatus,
        run_depth={new[run]: depth for run, depth in experiment.run_depth.items() if run in new},
        constant={new[run]: constant for run, constant in experiment.constant.items() if run in new},
        member=dict.fromkeys(new.values(), ONE),
        known_of={ONE: {name: own[name] for name in _KNOWN if name in own}},
    )
    names = {ONE: member} | {there: run for run, there in new.items()}
    for part, whole in zip((*alone.series, *alone.observations), (*series, *numbers), strict=True):
        pairs = [(getattr(part, name, ""), getattr(whole, name, "")) for name in _NAMES]
        names |= {there: here for there, here in pairs if there}
    return alone, names


def _of(name: str, member: str) -> str:
    return f"{ONE}{name.removeprefix(member)}" if name else ""
