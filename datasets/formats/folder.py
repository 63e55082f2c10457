"""The folder format: `experiment.toml` and one file per series, read. What it may say of each part: `entries`."""

from __future__ import annotations

from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

from ...forward_models import CLOSURES, LIGHTS, PARAMETERS
from ..errors import check_keys, violation
from ..experiment import (
    APPARATUS,
    BEGINNINGS,
    POPULATIONS,
    TIMELESS,
    ConstantRun,
    Experiment,
    Known,
    LightPower,
    Observation,
    RecordSeries,
    Series,
    StageEntry,
    Truth,
    check_choice,
    check_experiment,
    entries,
)
from ..experiment import KIND as RECORD
from ..files import optional, read_toml, required, rows_of
from ..kinds import KINDS, SHOTS, Kind
from ..tables import read_form, read_table
from ..units import quantity
from .calibration import read_calibration, with_calibration
from .column_values import FILE_KEYS, factors_and_average, with_values_as_said
from .columns import ColumnNames, read_columns, read_quadratures
from .record_file import read_record
from .tree import FORMAT_VERSION

FILE = "experiment.toml"
"""The file that makes a folder an experiment."""
LONGEST_NAME = 255
_TOP = (
    "format_version",
    "title",
    "simulated",
    "description",
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


def keys(kind: type) -> list[str]:
    """What a table of experiment.toml may say of a part of this class."""
    return [entry.key for entry in entries(kind) if entry.key]


def said(kind: type, where: str, row: dict[str, Any], besides: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a table says of a part, by the names of its fields, but for those `besides`."""
    found: dict[str, Any] = {}
    for entry in entries(kind):
        if entry.name in besides or entry.key not in row:
            continue
        if entry.unit:
            found[entry.name] = quantity(row[entry.key], entry.unit, f"{where}: {entry.key}")
        else:
            found[entry.name] = required(where, row, entry.key, entry.kind)
    return found


def read_folder(folder: Path) -> Experiment:
    """The experiment in `folder`; ExperimentError names file and line or key of the first violation."""
    path = folder / FILE
    table = read_toml(path)
    where = str(path)
    check_keys(where, table, _TOP)
    if "format_version" not in table:
        raise violation(f"{where}: format_version", "nothing", f"the line format_version = {FORMAT_VERSION}")
    if required(where, table, "format_version", int) != FORMAT_VERSION:
        raise violation(f"{where}: format_version", table["format_version"], f"{FORMAT_VERSION}")
    experiment = Experiment(
        title=required(where, table, "title", str),
        simulated=required(where, table, "simulated", bool),
        description=optional(where, table, "description", str, ""),
        stages=tuple(_stage(at, row, folder) for at, row in rows_of(where, table, "stage")),
        **_runs(where, table),
        apparatus=_apparatus(where, table),
        priors=_strings(where, table, "prior", "a text such as 'lognormal(0.1, 1)'"),
        sharing=_strings(where, table, "sharing", "shared, separate or population"),
        observations=tuple(_observation(at, row) for at, row in rows_of(where, table, "observation")),
        truth=_truth(where, table),
    )
    rows, simulated = rows_of(where, table, "series"), experiment.simulated
    series = tuple(_series(at, row, folder) for at, row in rows if row.get("kind") != RECORD)
    records = tuple(_records(at, row, folder, simulated) for at, row in rows if row.get("kind") == RECORD)
    experiment = replace(experiment, series=series, records=records)
    files = [row["file"] for _, row in rows if row.get("kind") != RECORD]
    if "calibration" in table:
        file = inside(where, required(where, table, "calibration", str), folder, "calibration")
        experiment = with_calibration(experiment, read_calibration(file), f"{where}: calibration: {file.name}")
        files += [file.name] * (len(experiment.series) - len(files))
    return check_experiment(experiment, where, files)


def _stage(where: str, row: dict[str, Any], folder: Path) -> StageEntry:
    first, *rest = keys(StageEntry)
    check_keys(where, row, (first, *LIGHTS, *rest))
    if "duration" not in row:
        raise violation(f"{where}: duration", "nothing", "a time, such as '20 ms'")
    powers = {light: _power(where, light, row[light], folder) for light in LIGHTS if row.get(light, False) is not False}
    changed = tuple(power for power in powers.values() if power is not None)
    return StageEntry(**said(StageEntry, where, row), lights=frozenset(powers), power=changed)


def _power(where: str, light: str, value: Any, folder: Path) -> LightPower | None:
    """The power of a light: a number, [[time in ms, power], …] or { file = … }; None for `true` and 1, full power."""
    at = f"{where}: {light}"
    if value is True:
        return None
    if isinstance(value, dict):
        check_keys(at, value, ("file",))
        columns = read_table(inside(at, required(at, value, "file", str), folder), ("time", "power"))
        if len(columns) < 2:
            raise violation(f"{at}: file", f"the columns {', '.join(columns)}", "time (ms) and power")
        return LightPower(light, tuple(columns["time"].tolist()), tuple(columns["power"].tolist()))
    rows = value if isinstance(value, list) else [[0.0, value]]
    for pair in rows:
        numbers = isinstance(pair, list) and len(pair) == 2 and all(type(x) in (int, float) for x in pair)
        if not numbers or (not isinstance(value, list) and value <= 0):
            expected = "true, false, a relative power > 0, [[time in ms, power], …] or { file = … }"
            raise violation(at, repr(value)[:80], expected)
    times, values = (tuple(float(x) for x in column) for column in zip(*rows, strict=True)) if rows else ((), ())
    return None if not isinstance(value, list) and values == (1.0,) else LightPower(light, times, values)


def _runs(where: str, table: dict[str, Any]) -> dict[str, Any]:
    """What is said of single runs."""
    depths: dict[str, float] = {}
    constant: dict[str, ConstantRun] = {}
    names = []
    for at, row in rows_of(where, table, "run"):
        check_keys(at, row, ("name", "relative_depth", *keys(ConstantRun)))
        names.append(required(at, row, "name", str))
        if names.count(names[-1]) > 1:
            raise violation(f"{at}: name", repr(names[-1]), "each run once")
        if len(row) == 1:
            raise violation(f"{at}: relative_depth", "nothing", "the key relative_depth (a number), or populations")
        if "relative_depth" in row:
            depths[names[-1]] = required(at, row, "relative_depth", float)
        populations = optional(at, row, "populations", str, POPULATIONS[0])
        check_choice(f"{at}: populations", populations, POPULATIONS)
        if populations != POPULATIONS[0]:
            constant[names[-1]] = ConstantRun(populations, optional(at, row, "begins", str, BEGINNINGS[0]))
        elif "begins" in row:
            expected = "the key populations beside it, 'steady' or 'unmodelled': the beginning of other runs is a state"
            raise violation(f"{at}: begins", repr(row["begins"]), expected)
    return {"run_depth": depths, "constant": constant}


def _apparatus(where: str, table: dict[str, Any]) -> dict[str, Known]:
    rows = optional(where, table, "apparatus", dict, {})
    known = {}
    for name, row in rows.items():
        at = f"{where}: apparatus: {name}"
        check_choice(f"{where}: apparatus", name, APPARATUS)
        unit = PARAMETERS[name].unit
        if isinstance(row, dict):
            check_keys(at, row, ("value", "sigma"))
            if "value" not in row:
                raise violation(at, "no value", "{ value = …, sigma = … }")
            known[name] = Known(
                quantity(row["value"], unit, f"{at}: value"),
                quantity(row["sigma"], unit, f"{at}: sigma") if "sigma" in row else 0.0,
            )
        else:
            known[name] = Known(quantity(row, unit, at))
    return known


def _strings(where: str, table: dict[str, Any], key: str, expected: str) -> dict[str, str]:
    rows = optional(where, table, key, dict, {})
    for name, value in rows.items():
        if not isinstance(value, str):
            raise violation(f"{where}: {key}: {name}", value, expected)
    return dict(rows)


def _observation(where: str, row: dict[str, Any]) -> Observation:
    check_keys(where, row, keys(Observation))
    name = required(where, row, "quantity", str)
    for key in ("value", "sigma"):
        if key not in row:
            raise violation(f"{where}: {key}", "nothing", f"the key {key}")
    if "time" not in row and name not in TIMELESS:
        raise violation(f"{where}: time", "nothing", "a time, such as '15 ms'")
    unit = TIMELESS.get(name, "1")
    numbers: dict[str, Any] = {key: quantity(row[key], unit, f"{where}: {key}") for key in ("value", "sigma")}
    timeless = ("time",) if name in TIMELESS else ()
    return Observation(**said(Observation, where, row, ("value", "sigma", *timeless)), **numbers)


def _truth(where: str, table: dict[str, Any]) -> Truth | None:
    if "truth" not in table:
        return None
    row = required(where, table, "truth", dict)
    at = f"{where}: truth"
    check_keys(at, row, ("closure", "seed", "parameters"))
    closure = required(at, row, "closure", str)
    check_choice(f"{at}: closure", closure, CLOSURES)
    parameters = required(at, row, "parameters", dict)
    return Truth(
        {name: required(f"{at}: parameters", parameters, name, float) for name in parameters},
        closure,
        required(at, row, "seed", int),
    )


def _series(where: str, row: dict[str, Any], folder: Path) -> Series:
    """The series of a table [[series]]; `folder`: of the experiment."""
    required(where, row, "kind", str)
    check_keys(where, row, [*keys(Series), *FILE_KEYS])
    kind, shots = required(where, row, "kind", str), optional(where, row, "shots", bool, False)
    if kind == "quadratures":
        kind, shots = "light_variance", True
    check_choice(f"{where}: kind", kind, (*KINDS, "quadratures", RECORD))
    if shots and kind not in SHOTS:
        raise violation(f"{where}: shots", "true", f"false for {kind}: shots are those of {', '.join(SHOTS)}")
    path = inside(where, required(where, row, "file", str), folder)
    name = optional(where, row, "name", str, kind)
    names = _column_names(where, row, KINDS[kind], path.suffix.lower())
    if "covariance" in row:
        if shots:
            raise violation(f"{where}: covariance", "one of shots", "none: their variances have Gamma noise")
        covariance = inside(where, required(where, row, "covariance", str), folder, "covariance")
        table = read_columns(path, KINDS[kind], names, covariance)
    else:
        table = (read_quadratures if shots else read_columns)(path, KINDS[kind], names)
    rest = said(Series, where, row, ("name", "kind", "noise"))
    if table.note:
        rest["note"] = "; ".join(filter(None, (rest.get("note"), table.note)))
    series = table.series(name, KINDS[kind], optional(where, row, "noise", str, ""), str(path), **rest)
    return with_values_as_said(series, row, where)


def _records(where: str, row: dict[str, Any], folder: Path, simulated: bool) -> RecordSeries:
    """The records of such a table of kind record; `simulated`: what the experiment says of itself."""
    check_keys(where, row, ["kind", "file", *keys(RecordSeries), "columns"])
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


def inside(where: str, file: str, folder: Path, key: str = "file") -> Path:
    """The path of a file of the experiment, which must lie in its folder."""
    if not file.isprintable() or len(file.encode()) > LONGEST_NAME:
        raise violation(f"{where}: {key}", repr(file), "the name of a file")
    try:
        target = (folder / file).resolve()
    except (OSError, RuntimeError) as error:  # links in a circle: before Python 3.13
        raise violation(f"{where}: {key}", repr(file), f"the name of a file ({error})") from error
    if folder.resolve() not in target.parents:
        raise violation(f"{where}: {key}", repr(file), "a file inside the folder of the experiment")
    return folder / file


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
