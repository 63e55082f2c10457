"""The table of candidates: a TOML file that says what could be measured, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError, Series
from ...datasets.errors import Faults, check_keys, violation
from ...datasets.experiment import MAIN_RUN, entries
from ...datasets.files import optional, read_toml, required, rows_of
from ...datasets.formats import read_runs, read_stage
from ...datasets.kinds import KINDS
from ...datasets.units import quantity
from .candidates import GRID, SHOT, Candidate, Choices, candidate

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
    for at, row in rows_of(where, table, "candidate"):
        with faults:
            found.append(_candidate(at, row, experiment, table))
    faults.settle()
    if not found:
        raise violation(where, "no candidate", "tables, each headed [[candidate]], with kind and at")
    names = [c.series.name for c in found]
    for name in names:
        if names.count(name) > 1:
            raise violation(where, f"two candidates for {name!r}", 'one, or a line name = "…" in one of them')
    return Choices(experiment, tuple(found)), said


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
    costs = {key: seconds(row[key], f"{where}: {key}") for key in ("shot", "change") if key in row}
    if "shot" not in costs:
        costs["shot"] = seconds(table["shot"], f"{where}: shot") if "shot" in table else SHOT
    return candidate(
        experiment, kind, optional(where, row, "run", str, MAIN_RUN), grid, said,
        optional(where, row, "sigma", float, None), where, free=free, **costs,
        delay=optional(where, row, "delay", bool, optional(where, table, "delay", bool, True)),
        setting=optional(where, row, "setting", str, ""), least=optional(where, row, "least", int, 1),
    )  # fmt: skip


def seconds(value: Any, where: str) -> float:
    """A duration such as "10 min" in seconds, > 0."""
    found = quantity(value, "s", where)
    if not 0 < found < 1e9:
        raise ExperimentError(f"{where}: found {value!r}, expected a duration > 0 such as '10 min'")
    return found
