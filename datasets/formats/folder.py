"""The folder format: `experiment.toml` and one file per series, read. What it may say of each part: `entries`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

from ..bundled_files import FILE
from ..errors import ExperimentError, Faults, check_keys, violation
from ..experiment import KIND as RECORD
from ..experiment import (
    MAIN_RUN,
    Experiment,
    RecordSeries,
    Series,
    check_choice,
    check_experiment,
    date_in,
    require_days,
)
from ..files import optional, read_toml, required, rows_of
from ..kinds import KINDS, SHOTS, Around, Kind
from ..tables import Form, read_form
from ..units import quantity
from .calibration import read_calibration, with_calibration
from .column_values import factors_and_average, measured, with_values_as_said
from .columns import ColumnNames, read_columns, read_quadratures
from .folder_tables import (
    inside,
    keys,
    read_apparatus,
    read_observation,
    read_runs,
    read_stage,
    read_truth,
    said,
    texts_of,
)
from .record_file import read_record
from .tree import FORMAT_VERSION

"""The file that makes a folder an experiment."""
TOP = (
    "format_version",
    "title",
    "simulated",
    "description",
    "date",
    "apparatus",
    "run",
    "stage",
    "series",
    "observation",
    "prior",
    "sharing",
    "calibration",
    "truth",
)
"""Keys and tables of the file."""
FILE_KEYS: dict[str, tuple[type, str]] = {
    "file": (str, "in the folder: text, a spreadsheet, or arrays (docs: howto/files.html)"),
    "time_unit": (str, "the unit of its times, if it is not ms: us, s, …"),
    "columns": (dict, "our column = the name of yours, or a number for all rows: { time = 'T', sigma = 0.01 }"),
    "units": (dict, "our column = its unit: { time = 'us' }"),
    "factor": (dict, "our column = number by which it is multiplied: { value = 0.5 }"),
    "projection_noise": (
        object,
        "variance of uncorrelated spins by which values are divided: a number, or value and sigma",
    ),
    "average": (int, "so many rows are averaged into one point"),
    "range": (list, "first and last abscissa that are fitted: ['0.5 ms', '12 ms']"),
    "shots": (bool, "true: one row is one shot, not a variance of many"),
    "covariance": (str, "a file with the covariance of all values, in place of a column of errors"),
}
"""What a table [[series]] says of its file besides the fields of `Series` and `Form`: key, type, meaning."""
RECORD_KEYS: dict[str, tuple[type, str]] = {
    "kind": (str, "record"),
    "file": (str, "a file of arrays: .h5, .nc, .mat, .npy, .tdms"),
    "columns": (dict, "cos, sin, time or excluded = the name of your array"),
}
"""The same of records."""


CheckPriors = Callable[[Mapping[str, str], str], object]
"""Raises ExperimentError for texts by parameter that are no priors; the place, for errors. `inference` knows them."""


def read_folder(
    folder: Path,
    template: Path | None = None,
    table: dict[str, Any] | None = None,
    check_priors: CheckPriors | None = None,
) -> Experiment:
    """The experiment in `folder`; ExperimentError names file and line or key of all that is wrong.

    template, table : an experiment.toml from elsewhere, and what it says of the data in the folder
    check_priors : checks the texts of [prior], so that what is wrong with them is said with the rest
    """
    where = str(template or folder / FILE)
    table = read_toml(Path(where)) if table is None else table
    if table.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:  # of which nothing else is known
        raise violation(f"{where}: format_version", table["format_version"], f"{FORMAT_VERSION}")
    runs, rest = Faults(), Faults()
    with rest:
        check_keys(where, table, TOP)
    with rest:
        required(where, table, "format_version", int)
    parts: dict[str, Any] = {"title": "", "simulated": True}
    for name, function in _readers(where, table, rest).items():
        with rest:
            parts[name] = function()
    if check_priors is not None and parts.get("priors"):
        with rest:
            check_priors(parts["priors"], f"{where}: prior")
    parts["stages"] = _each(rest, where, table, "stage", lambda at, row: read_stage(at, row, folder, rest))
    with runs:
        parts |= read_runs(where, table)
    experiment, files = _with_series(Experiment(**parts), where, table, folder, rest, template is not None)
    if not runs.found:  # what is measured in them can be checked
        with rest:
            check_experiment(experiment, where, files)
    if not rest.found:
        with rest:
            require_days(experiment.sharing, experiment.series, f"{where}: sharing")
    rest.found += runs.found
    rest.settle()
    return experiment


def _readers(where: str, table: dict[str, Any], faults: Faults) -> dict[str, Callable[[], Any]]:
    """Field of an `Experiment` → what reads it from the table; `faults` keeps what is wrong in its parts."""
    return {
        "title": lambda: required(where, table, "title", str),
        "simulated": lambda: required(where, table, "simulated", bool),
        "description": lambda: optional(where, table, "description", str, ""),
        "date": lambda: date_in(where, table),
        "apparatus": lambda: read_apparatus(where, table, faults),
        "priors": lambda: texts_of(where, table, "prior", "a text such as 'lognormal(0.1, 1)'"),
        "sharing": lambda: texts_of(where, table, "sharing", "shared, separate or population"),
        "observations": lambda: _each(faults, where, table, "observation", read_observation),
        "truth": lambda: read_truth(where, table),
    }


def _each(
    faults: Faults, where: str, table: dict[str, Any], key: str, read: Callable[[str, dict[str, Any]], Any]
) -> tuple[Any, ...]:
    """What the tables [[key]] stand for, as far as they can be read; `faults` keeps what is wrong with the others."""
    found = []
    with faults:
        for at, row in rows_of(where, table, key):
            with faults:
                found.append(read(at, row))
    return tuple(found)


def _with_series(
    experiment: Experiment, where: str, table: dict[str, Any], folder: Path, faults: Faults, template: bool
) -> tuple[Experiment, list[str]]:
    """The experiment with series, records and calibration, and the file of each series."""

    def read(at: str, row: dict[str, Any]) -> tuple[Series | RecordSeries, str]:
        if row.get("kind") == RECORD:
            return _records(at, row, folder, experiment.simulated), row["file"]
        of_file = by_file[str(row.get("file"))]
        duration = experiment.duration(str(row.get("run", MAIN_RUN)))
        return _series(at, row, folder, Around(duration, of_file.index(at), len(of_file), template)), row["file"]

    by_file: dict[str, list[str]] = {}
    with suppress(ExperimentError):  # which is told below
        for at, row in rows_of(where, table, "series"):
            by_file.setdefault(str(row.get("file")), []).append(at)

    found = measured(_each(faults, where, table, "series", read))
    series = [(part, file) for part, file in found if isinstance(part, Series)]
    experiment = replace(
        experiment,
        series=tuple(part for part, _ in series),
        records=tuple(part for part, _ in found if isinstance(part, RecordSeries)),
    )
    files = [file for _, file in series]
    with faults:
        if "calibration" in table:
            file = inside(where, required(where, table, "calibration", str), Path(where).parent, "calibration")
            experiment = with_calibration(experiment, read_calibration(file), f"{where}: calibration: {file.name}")
            files += [file.name] * (len(experiment.series) - len(files))
    return experiment, files


def _series(where: str, row: dict[str, Any], folder: Path, around: Around) -> Series:
    """The series of a table [[series]]; `folder`: of the experiment; `around`: what that says besides."""
    kind, shots = required(where, row, "kind", str), optional(where, row, "shots", bool, False)
    if kind == "quadratures":
        kind, shots = "light_variance", True
    check_choice(f"{where}: kind", kind, (*KINDS, "quadratures", RECORD))
    if shots and kind not in SHOTS:
        raise violation(f"{where}: shots", "true", f"false for {kind}: shots are those of {', '.join(SHOTS)}")
    faults = Faults()
    with faults:
        check_keys(where, row, [*keys(Series), *FILE_KEYS, *keys(Form)])
    with faults:
        rest = said(Series, where, row, ("name", "kind", "noise"))
    with faults:
        path = inside(where, required(where, row, "file", str), folder)
        name = optional(where, row, "name", str, kind)
        names = replace(_column_names(where, row, KINDS[kind], path.suffix.lower()), around=around)
        if "covariance" in row:
            if shots:
                raise violation(f"{where}: covariance", "one of shots", "none: their variances have Gamma noise")
            covariance = inside(where, required(where, row, "covariance", str), folder, "covariance")
            table = read_columns(path, KINDS[kind], names, covariance)
        else:
            table = (read_quadratures if shots else read_columns)(path, KINDS[kind], names)
    faults.settle()
    if table.note:
        rest["note"] = "; ".join(filter(None, (rest.get("note"), table.note)))
    series = table.series(name, KINDS[kind], optional(where, row, "noise", str, ""), str(path), **rest)
    return with_values_as_said(series, row, where) if len(series.x) else series


def _records(where: str, row: dict[str, Any], folder: Path, simulated: bool) -> RecordSeries:
    """The records of such a table of kind record; `simulated`: what the experiment says of itself."""
    check_keys(where, row, [*keys(RecordSeries), *RECORD_KEYS])
    path = inside(where, required(where, row, "file", str), folder)
    names = optional(where, row, "columns", dict, {})
    found = read_record(path, names, simulated, where)
    interval = found.interval
    if "interval" in row:
        interval = quantity(row["interval"], "ms", f"{where}: interval")
        if found.interval and not isclose(interval, found.interval, rel_tol=1e-6):
            raise violation(f"{where}: interval", f"{interval:g} ms", f"{found.interval:g} ms, as in {path}")
    if not interval:
        raise violation(f"{where}: interval", "nothing", "the duration of a bin, such as '0.1 ms'")
    rest = {"name": RECORD} | said(RecordSeries, where, row, ("interval",))
    return replace(found, interval=interval, **rest)


def _column_names(where: str, row: dict[str, Any], kind: Kind, suffix: str) -> ColumnNames:
    """How the columns, paths or channels of a lab's file are called, and in which units they are."""
    names = optional(where, row, "columns", dict, {})
    for ours, theirs in names.items():
        number = isinstance(theirs, (int, float)) and not isinstance(theirs, bool)
        if not number and not isinstance(theirs, str):
            raise violation(f"{where}: columns: {ours}", theirs, "the name of a column, or a number for all rows")
    units = dict(optional(where, row, "units", dict, {}))
    if "time_unit" in row:
        if {"time", "delay"} & set(units):
            raise violation(f"{where}: time_unit", "a second unit of the time", "one: time_unit, or units")
        units |= dict.fromkeys({"time", "delay"} & {kind.abscissa}, required(where, row, "time_unit", str))
    for ours, unit in units.items():
        if not isinstance(unit, str):
            raise violation(f"{where}: units: {ours}", unit, "a unit, such as 'us'")
    form, values = read_form(where, row, suffix), factors_and_average(row, kind, where)
    return ColumnNames(dict(names), units, form, where, *values)
