"""What could be measured: by default more of what was, or what a TOML file says, with what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError, RecordSeries, Series
from ...datasets.errors import Faults, check_keys, violation
from ...datasets.experiment import KIND as RECORD
from ...datasets.experiment import MAIN_RUN, check_choice, check_record, entries
from ...datasets.files import optional, read_toml, required, rows_of
from ...datasets.formats import read_runs, read_stage
from ...datasets.kinds import KINDS
from ...datasets.units import quantity
from ...forward_models import NOISES
from .candidates import GRID, SHOT, Candidate, Choices, RecordCandidate, candidate, free_name

_TOP = ("goal", "budget", "shot", "delay", "run", "stage", "candidate")
_OWN = ("kind", "run", "at", "sigma", "shot", "delay", "setting", "change", "least")
_NOT_SAID = (
    "kind",
    "run",
    "noise",
    "tail",
    "note",
    "noise_correlation",
    "discrepancy_uncertainty",
    "amplitude",
    "offset",
)
_OF_RECORDS = ("kind", "run", "at", "shot", "delay", "setting", "change", "least", "name", "interval", "start")
_DURATIONS, _FEWEST_BINS = 6, 4
"""Durations of records, each twice the one before, where nothing else is said; bins that a record has at least."""
_OF_A_POINT = 1000
"""Repetitions behind a point that has a σ, where no other series of the experiment says it."""
_POSSIBLE = ("xi", "polarization", "transverse_spin")
_SAID = tuple(e.key for e in entries(Series) if e.key and e.name not in _NOT_SAID)


def read_candidates(path: str | Path, experiment: Experiment) -> tuple[Choices, dict[str, Any]]:
    """The choices in a file for an experiment, and what it says of "goal" (text) and "budget" (s).

    Raises ExperimentError, which names file and key.
    """
    where, table, faults = str(path), read_toml(Path(path)), Faults()
    with faults:
        check_keys(where, table, _TOP)
    said: dict[str, Any] = {}
    with faults:
        said = {"goal": required(where, table, "goal", str)} if "goal" in table else {}
        said |= {"budget": seconds(table["budget"], f"{where}: budget")} if "budget" in table else {}
    stages = [read_stage(at, row, Path(path).parent, faults) for at, row in rows_of(where, table, "stage")]
    there = set(experiment.runs)
    for stage in stages:
        if stage.run in there:
            with faults:
                raise violation(f"{where}: stage", f"the run {stage.run!r}, which the experiment has", "another name")
    runs = read_runs(where, table)
    experiment = replace(
        experiment,
        stages=(*experiment.stages, *stages),
        run_depth=experiment.run_depth | runs["run_depth"],
        constant=experiment.constant | runs["constant"],
        member=_members(f"{where}: stage", [stage.run for stage in stages], experiment),
    )
    found: list[Candidate] = []
    records: list[RecordCandidate] = []
    for at, row in rows_of(where, table, "candidate"):
        with faults:
            if row.get("kind") == RECORD:
                records.append(_record_candidate(at, row, experiment, table))
            else:
                found.append(_candidate(at, row, experiment, table))
    faults.settle()
    if not (found or records):
        raise violation(where, "no candidate", "tables, each headed [[candidate]], with kind and at")
    names = [*(c.series.name for c in found), *(c.record.name for c in records)]
    for name in names:
        if names.count(name) > 1:
            raise violation(where, f"two candidates for {name!r}", 'one, or a line name = "…" in one of them')
    return Choices(experiment, tuple(found), records=tuple(records)), said


def _members(where: str, runs: list[str], experiment: Experiment) -> dict[str, str]:
    """To which member of a joint experiment each run belongs, with further runs, "MEMBER.RUN"."""
    found = dict(experiment.member)
    for run in runs if found else ():
        owners = [member for member in experiment.members if run.startswith(f"{member}.")]
        if not owners:
            expected = f"a member of the joint experiment before it, such as '{experiment.members[0]}.{run}'"
            raise violation(where, f"the run {run!r}", expected)
        found[run] = owners[0]
    return found


def _candidate(where: str, row: dict[str, Any], experiment: Experiment, table: dict[str, Any]) -> Candidate:
    """A table [[candidate]]."""
    check_keys(where, row, (*_OWN, *_SAID))
    kind = required(where, row, "kind", str)
    if kind not in KINDS:
        raise violation(f"{where}: kind", repr(kind), "one of " + ", ".join(KINDS))
    at, unit = row.get("at"), KINDS[kind].unit
    if not isinstance(at, list) or not at:
        expected = f'at = ["0 {unit}", "20 {unit}"]: two ends, or more values'
        raise violation(f"{where}: at", at, expected.replace(' 1"', '"') if unit == "1" else expected)
    x = np.sort([quantity(value, unit, f"{where}: at") for value in at])
    free = len(x) == 2
    grid = np.linspace(x[0], x[1], GRID + 1) if free else x
    said: dict[str, Any] = {}
    for entry in entries(Series):
        if entry.key in _SAID and entry.key in row:
            value = required(where, row, entry.key, str if entry.unit else entry.kind)
            said[entry.name] = quantity(value, entry.unit, f"{where}: {entry.key}") if entry.unit else value
    return candidate(
        experiment, kind, optional(where, row, "run", str, MAIN_RUN), grid, said,
        optional(where, row, "sigma", float, None), where, free=free, **_costs(where, row, table),
    )  # fmt: skip


def _costs(where: str, row: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """What a shot takes and needs, as its own table or the whole file says."""
    costs: dict[str, Any] = {key: seconds(row[key], f"{where}: {key}") for key in ("shot", "change") if key in row}
    if "shot" not in costs:
        costs["shot"] = seconds(table["shot"], f"{where}: shot") if "shot" in table else SHOT
    costs["delay"] = optional(where, row, "delay", bool, optional(where, table, "delay", bool, True))
    return costs | {"setting": optional(where, row, "setting", str, ""), "least": optional(where, row, "least", int, 1)}


def _record_candidate(
    where: str, row: dict[str, Any], experiment: Experiment, table: dict[str, Any]
) -> RecordCandidate:
    """A table [[candidate]] of records of the light."""
    check_keys(where, row, _OF_RECORDS)
    run = optional(where, row, "run", str, MAIN_RUN)
    check_choice(f"{where}: run", run, experiment.runs)
    said: dict[str, Any] = {
        key: quantity(row[key], "ms", f"{where}: {key}") for key in ("interval", "start") if key in row
    }
    if not said.get("interval", 0.0) > 0:
        raise violation(f"{where}: interval", row.get("interval"), "the duration of a bin, such as '0.1 ms'")
    at = row.get("at")
    if not isinstance(at, list) or not at:
        raise violation(f"{where}: at", at, 'at = ["5 ms", "20 ms"]: durations of a record')
    name = optional(where, row, "name", str, free_name(f"next-{RECORD}", experiment))
    like = RecordSeries(name, np.zeros((2, 1, 2), np.float32), run=run, **said)
    found = _record(
        like, np.array([quantity(value, "ms", f"{where}: at") for value in at]), **_costs(where, row, table)
    )
    if len(found.x) < len(at):
        raise violation(f"{where}: at", at, f"different durations of {_FEWEST_BINS} bins or more")
    ones = np.random.default_rng(1).standard_normal((2, 1, round(found.x[-1] / like.interval))).astype(np.float32)
    check_record(replace(like, samples=ones), experiment, where)
    return found


def seconds(value: Any, where: str) -> float:
    """A duration such as "10 min" in seconds, > 0."""
    found = quantity(value, "s", where)
    if not 0 < found < 1e9:
        raise ExperimentError(f"{where}: found {value!r}, expected a duration > 0 such as '10 min'")
    return found


def usual_choices(experiment: Experiment, shot: float = SHOT, delay: bool = True) -> Choices:
    """More of what was measured: each series at any time of its run, records of up to its end; ξ, P and Jy if nothing.

    A shot of a series with σ has σ √R, R the repetitions of the series that have some, or else 1000.
    """
    found: list[Candidate] = []
    costs: dict[str, Any] = {"shot": shot, "delay": delay}
    repeated = [s.spread for s in experiment.series if NOISES[s.noise].spread == "repetitions"]
    repetitions = float(np.median(np.concatenate(repeated))) if repeated else _OF_A_POINT
    for series in experiment.series:
        noise = NOISES[series.noise]
        if series.correlated or noise.components > 1 or len(series.about.components) > 1 or not series.fitted.any():
            continue
        sigma = None if noise.spread == "repetitions" else float(np.median(series.spread)) * repetitions**0.5
        x, free = (_range(experiment, series.run), True) if series.about.abscissa == "time" else (series.x, False)
        one = candidate(experiment, series.kind, series.run, x, {}, sigma, series.name, free=free, **costs)
        if one.series.name not in {c.series.name for c in found}:
            found.append(one)
    for run in () if found or experiment.records else experiment.runs:
        if run not in experiment.constant:
            for kind, sigma in zip(_POSSIBLE, (None, 0.3, 0.5), strict=True):
                found.append(candidate(experiment, kind, run, _range(experiment, run), {}, sigma, kind, **costs))
    records = usual_records(experiment, costs)
    if not (found or records):
        raise ExperimentError(
            f"{experiment.title!r}: found no series to measure more of, expected a table of candidates"
        )
    assumed = any(not one.counts for one in found) and any(s.fitted.any() for s in experiment.series)
    return Choices(experiment, tuple(found), repetitions if assumed else 0.0, records)


def _range(experiment: Experiment, run: str) -> np.ndarray:
    return np.linspace(0.0, experiment.duration(run), GRID + 1)


def usual_records(experiment: Experiment, costs: Mapping[str, Any]) -> tuple[RecordCandidate, ...]:
    """More records of each run that has some, of durations up to the end of the run."""
    found: dict[str, RecordCandidate] = {}
    for old in experiment.records:
        member = f"{experiment.member[old.run]}." if old.run in experiment.member else ""
        name = free_name(f"{member}next-{old.name.removeprefix(member)}", experiment)
        longest = experiment.duration(old.run) - old.start
        found.setdefault(old.run, _record(replace(old, name=name), longest / 2 ** np.arange(_DURATIONS), **costs))
    return tuple(one for one in found.values() if len(one.x))


def _record(like: RecordSeries, durations: np.ndarray, **costs: Any) -> RecordCandidate:
    """A candidate of the durations that are whole bins."""
    bins = np.unique(np.floor(durations / like.interval + 1e-6).astype(int))
    bare = replace(like, samples=np.full((2, 1, 2), np.nan, np.float32), excluded=None, left_out=None, note="")
    return RecordCandidate(bare, bins[bins >= _FEWEST_BINS] * like.interval, **costs)
