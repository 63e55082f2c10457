"""The fitted data point by point, and the units in which they can be left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...datasets import Experiment, ExperimentError, RecordSeries
from ...datasets.prediction import fitted_observations
from ...forward_models import OBSERVABLES
from ..choices import UNITS


@dataclass(frozen=True)
class DataPoint:
    """One fitted value.

    series : its variable in the log-likelihood (`observations` for published numbers);  number : its place there
    place : abscissa or label;  moment : equal for what was measured at the same time of the same run
    value : of records, which are told apart in groups, the sum of all squares
    row : its place among all values of the series, or among all published numbers, those not fitted included
    """

    series: str
    number: int
    place: str
    moment: str
    member: str
    value: float
    row: int


@dataclass(frozen=True)
class DataUnit:
    """Points that are left out together; `series` and `place` say which, `columns` where they are among all points."""

    series: str
    place: str
    columns: tuple[int, ...]

    @property
    def label(self) -> str:
        """'xi at 3.5', 'main at 3.5', 'xi'."""
        return f"{self.series} at {self.place}" if self.place else self.series


def data_points(experiment: Experiment) -> list[DataPoint]:
    """All fitted values, series by series, then the published numbers."""
    found = []
    for s in experiment.series:
        member = experiment.member.get(s.run, "")
        for number, row in enumerate(np.flatnonzero(s.fitted).tolist()):
            x = f"{s.x[row]:g}"
            moment = f"{s.run} at {x}" if s.about.abscissa == "time" else f"{s.name} at {x}"
            place = x if s.component is None else f"{x} ({s.about.components[s.component[row]]})"
            found.append(DataPoint(s.name, number, place, moment, member, float(s.value[row]), row))
    for record in experiment.records:
        member = experiment.member.get(record.run, "")
        for number, label in enumerate(record.group_labels):
            row = int(np.flatnonzero([group[0] <= record.fitted_groups[number][0] for group in record.groups])[-1])
            place = f"records {label}"
            value = float(record.group_sums[number].products[0])
            found.append(DataPoint(record.name, number, place, f"{record.name} at {place}", member, value, row))
    fitted = fitted_observations(experiment)
    for number, o in enumerate(fitted):
        moment = f"{o.run} at {o.time:g}" if o.quantity in OBSERVABLES else o.label
        member, row = experiment.member.get(o.run, ""), experiment.observations.index(o)
        found.append(DataPoint("observations", number, o.label, moment, member, o.value, row))
    return found


def data_units(experiment: Experiment, unit: str) -> list[DataUnit]:
    """The fitted points of an experiment in units that can be left out.

    unit : "point" (a value), "time" (all of a moment), "series", or "experiment" (a member of a joint fit)

    Raises
    ------
    ExperimentError : for an unknown unit, and for one of which there is but one
    """
    if unit not in UNITS:
        raise ExperimentError(f"unit: found {unit!r}, expected one of {', '.join(UNITS)}")
    groups: dict[Hashable, list[int]] = {}
    points = data_points(experiment)
    for k, point in enumerate(points):
        groups.setdefault(k if unit == "point" else _key(point, unit), []).append(k)
    if len(groups) < 2:
        what = "this is not a joint fit" if unit == "experiment" else f"there is only one {unit}"
        raise ExperimentError(f"unit: found {unit!r} where {what}, expected several to leave out")
    return [DataUnit(*_key(points[columns[0]], unit), tuple(columns)) for columns in groups.values()]


def _key(point: DataPoint, unit: str) -> tuple[str, str]:
    if unit == "point":
        return point.series, point.place
    if unit == "time":
        run, _, at = point.moment.partition(" at ")
        return run, at
    if unit == "series":
        return (point.series, "") if point.series != "observations" else (point.place, "")
    return point.member, ""


def without(experiment: Experiment, left_out: Sequence[DataPoint]) -> Experiment:
    """The experiment with some points left out, whose model keeps the form that all points give it."""

    def records_of(record: RecordSeries) -> np.ndarray:
        return np.isin(np.arange(record.repetitions), np.concatenate([record.groups[k] for k in rows[record.name]]))

    rows: dict[str, list[int]] = {}
    for point in left_out:
        rows.setdefault(point.series, []).append(point.row)
    series = tuple(
        replace(s, left_out=np.isin(np.arange(len(s.x)), rows[s.name])) if s.name in rows else s
        for s in experiment.series
    )
    records = tuple(replace(r, left_out=records_of(r)) if r.name in rows else r for r in experiment.records)
    observations = tuple(
        replace(o, left_out=k in rows.get("observations", [])) for k, o in enumerate(experiment.observations)
    )
    return replace(experiment, series=series, records=records, observations=observations)
