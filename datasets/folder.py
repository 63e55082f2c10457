"""The folder format: `experiment.toml` and one CSV a series."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

from ..forward_models import CLOSURES, LIGHTS, PARAMETERS
from .calibration_file import read_calibration, with_calibration
from .check_parts import check_choice
from .checks import check_experiment
from .columns import Mapping, read_columns, read_quadratures
from .csv_table import check_size
from .errors import check_keys, violation
from .experiment import APPARATUS, TIMELESS, Experiment, Known, Observation, Series, StageEntry, Truth
from .kinds import KINDS, SHOTS, Kind
from .record_file import read_record
from .record_series import KIND as RECORD
from .record_series import RecordSeries
from .runs import BEGINNINGS, MAIN_RUN, POPULATIONS, ConstantRun
from .tree import FORMAT_VERSION
from .units import plain_number, quantity

FILE = "experiment.toml"
_LARGEST = 1 << 20
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
    "calibration",
    "truth",
)
_SERIES = (
    "kind",
    "file",
    "name",
    "run",
    "noise",
    "tail",
    "time_unit",
    "scale_uncertainty",
    "offset_uncertainty",
    "efficiency_in_scale",
    "columns",
    "units",
    "separator",
    "shots",
    "probe_duration",
    "pulse_time",
    "slope_used",
    "mode_rate",
    "note",
)
_RECORD = ("kind", "file", "name", "run", "interval", "start", "columns", "note")
_OBSERVATION = (
    "quantity",
    "time",
    "value",
    "sigma",
    "run",
    "exclude",
    "source",
    "scale_uncertainty",
    "shared_scale",
)


def read_folder(folder: Path) -> Experiment:
    """The experiment in `folder`; ExperimentError names file and line or key of the first violation."""
    path = folder / FILE
    check_size(path, _LARGEST)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise violation(str(path), "bytes that are not text", "TOML in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise violation(str(path), f"no valid TOML ({error})", "TOML") from error
    where = str(path)
    check_keys(where, table, _TOP)
    if "format_version" not in table:
        raise violation(f"{where}: format_version", "nothing", f"the line format_version = {FORMAT_VERSION}")
    if _required(where, table, "format_version", int) != FORMAT_VERSION:
        raise violation(f"{where}: format_version", table["format_version"], f"{FORMAT_VERSION}")
    experiment = Experiment(
        title=_required(where, table, "title", str),
        simulated=_required(where, table, "simulated", bool),
        description=_optional(where, table, "description", str, ""),
        stages=tuple(_stage(f"{where}: stage {k}", row) for k, row in _rows(where, table, "stage")),
        **_runs(where, table),
        apparatus=_apparatus(where, table),
        priors=_strings(where, table, "prior"),
        observations=tuple(
            _observation(f"{where}: observation {k}", row) for k, row in _rows(where, table, "observation")
        ),
        truth=_truth(where, table),
    )
    rows = _rows(where, table, "series")
    series = tuple(_series(f"{where}: series {k}", row, folder) for k, row in rows if row.get("kind") != RECORD)
    records = tuple(
        _record(f"{where}: series {k}", row, folder, experiment.simulated)
        for k, row in rows
        if row.get("kind") == RECORD
    )
    experiment = replace(experiment, series=series, records=records)
    files = [row["file"] for _, row in rows if row["kind"] != RECORD]
    if "calibration" in table:
        file = _inside(where, _required(where, table, "calibration", str), folder, "calibration")
        experiment = with_calibration(experiment, read_calibration(file))
        files += [file.name] * (len(experiment.series) - len(files))
    return check_experiment(experiment, where, files)


def _required(where: str, table: dict[str, Any], key: str, kind: type) -> Any:
    if key not in table:
        raise violation(f"{where}: {key}", "nothing", f"the key {key} ({_name(kind)})")
    return _optional(where, table, key, kind, None)


def _optional(where: str, table: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    value = table.get(key, default)
    if key in table:
        wrong = isinstance(value, bool) and kind is not bool
        accepted = (int, float) if kind is float else kind
        if wrong or not isinstance(value, accepted):
            raise violation(f"{where}: {key}", value, _name(kind))
    return plain_number(value, f"{where}: {key}") if kind is float and value is not None else value


def _name(kind: type) -> str:
    return {str: "a text", bool: "true or false", int: "a whole number", float: "a number", dict: "a table"}.get(
        kind, kind.__name__
    )


def _rows(where: str, table: dict[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise violation(f"{where}: {key}", rows, f"tables, each headed [[{key}]]")
    return list(enumerate(rows, 1))


def _stage(where: str, row: dict[str, Any]) -> StageEntry:
    check_keys(where, row, ("duration", *LIGHTS, "run"))
    if "duration" not in row:
        raise violation(f"{where}: duration", "nothing", "a time, such as '20 ms'")
    on = frozenset(light for light in LIGHTS if _optional(where, row, light, bool, False))
    return StageEntry(
        quantity(row["duration"], "ms", f"{where}: duration"), on, _optional(where, row, "run", str, MAIN_RUN)
    )


def _runs(where: str, table: dict[str, Any]) -> dict[str, Any]:
    """What is said of single runs."""
    depths: dict[str, float] = {}
    constant: dict[str, ConstantRun] = {}
    names = []
    for k, row in _rows(where, table, "run"):
        at = f"{where}: run {k}"
        check_keys(at, row, ("name", "relative_depth", "populations", "begins"))
        names.append(_required(at, row, "name", str))
        if names.count(names[-1]) > 1:
            raise violation(f"{at}: name", repr(names[-1]), "each run once")
        if len(row) == 1:
            raise violation(f"{at}: relative_depth", "nothing", "the key relative_depth (a number), or populations")
        if "relative_depth" in row:
            depths[names[-1]] = _required(at, row, "relative_depth", float)
        populations = _optional(at, row, "populations", str, POPULATIONS[0])
        check_choice(f"{at}: populations", populations, POPULATIONS)
        if populations != POPULATIONS[0]:
            constant[names[-1]] = ConstantRun(populations, _optional(at, row, "begins", str, BEGINNINGS[0]))
        elif "begins" in row:
            raise violation(f"{at}: begins", repr(row["begins"]), "populations = 'steady' or 'unmodelled' beside it")
    return {"run_depth": depths, "constant": constant}


def _apparatus(where: str, table: dict[str, Any]) -> dict[str, Known]:
    rows = _optional(where, table, "apparatus", dict, {})
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


def _strings(where: str, table: dict[str, Any], key: str) -> dict[str, str]:
    rows = _optional(where, table, key, dict, {})
    for name, value in rows.items():
        if not isinstance(value, str):
            raise violation(f"{where}: {key}: {name}", value, "a text such as 'lognormal(0.1, 1)'")
    return dict(rows)


def _observation(where: str, row: dict[str, Any]) -> Observation:
    check_keys(where, row, _OBSERVATION)
    name = _required(where, row, "quantity", str)
    unit = TIMELESS.get(name, "1")
    for key in ("value", "sigma"):
        if key not in row:
            raise violation(f"{where}: {key}", "nothing", f"the key {key}")
    if "time" not in row and name not in TIMELESS:
        raise violation(f"{where}: time", "nothing", "a time, such as '15 ms'")
    return Observation(
        quantity=name,
        value=quantity(row["value"], unit, f"{where}: value"),
        sigma=quantity(row["sigma"], unit, f"{where}: sigma"),
        time=0.0 if name in TIMELESS else quantity(row["time"], "ms", f"{where}: time"),
        run=_optional(where, row, "run", str, MAIN_RUN),
        excluded=_optional(where, row, "exclude", str, ""),
        source=_optional(where, row, "source", str, ""),
        scale_uncertainty=_optional(where, row, "scale_uncertainty", float, 0.0),
        shared_scale=_optional(where, row, "shared_scale", str, ""),
    )


def _truth(where: str, table: dict[str, Any]) -> Truth | None:
    if "truth" not in table:
        return None
    row = _required(where, table, "truth", dict)
    at = f"{where}: truth"
    check_keys(at, row, ("closure", "seed", "parameters"))
    closure = _required(at, row, "closure", str)
    check_choice(f"{at}: closure", closure, CLOSURES)
    parameters = _required(at, row, "parameters", dict)
    return Truth(
        {name: _required(f"{at}: parameters", parameters, name, float) for name in parameters},
        closure,
        _required(at, row, "seed", int),
    )


def _series(where: str, row: dict[str, Any], folder: Path) -> Series:
    check_keys(where, row, _SERIES)
    kind, shots = _required(where, row, "kind", str), _optional(where, row, "shots", bool, False)
    if kind == "quadratures":
        kind, shots = "light_variance", True
    check_choice(f"{where}: kind", kind, (*KINDS, "quadratures", RECORD))
    if shots and kind not in SHOTS:
        raise violation(f"{where}: shots", "true", f"false for {kind}: shots are those of {', '.join(SHOTS)}")
    path = _inside(where, _required(where, row, "file", str), folder)
    name = _optional(where, row, "name", str, kind)
    table = (read_quadratures if shots else read_columns)(path, KINDS[kind], _mapping(where, row, KINDS[kind]))
    return table.series(
        name,
        KINDS[kind],
        _optional(where, row, "noise", str, ""),
        str(path),
        note=table.note or _optional(where, row, "note", str, ""),
        run=_optional(where, row, "run", str, MAIN_RUN),
        scale_uncertainty=_optional(where, row, "scale_uncertainty", float, 0.0),
        offset_uncertainty=_optional(where, row, "offset_uncertainty", float, 0.0),
        efficiency_in_scale=_optional(where, row, "efficiency_in_scale", bool, True),
        tail=_optional(where, row, "tail", float, 4.0),
        probe_duration=_time(where, row, "probe_duration"),
        pulse_time=_time(where, row, "pulse_time"),
        slope_used=_optional(where, row, "slope_used", float, 0.0),
        mode_rate=quantity(row["mode_rate"], "1/ms", f"{where}: mode_rate") if "mode_rate" in row else 0.0,
    )


def _record(where: str, row: dict[str, Any], folder: Path, simulated: bool) -> RecordSeries:
    check_keys(where, row, _RECORD)
    path = _inside(where, _required(where, row, "file", str), folder)
    names = _optional(where, row, "columns", dict, {})
    found = read_record(path, names, simulated, where)
    interval = found.interval
    if "interval" in row:
        interval = quantity(row["interval"], "ms", f"{where}: interval")
        if found.interval and not isclose(interval, found.interval, rel_tol=1e-6):
            raise violation(f"{where}: interval", f"{interval:g} ms", f"{found.interval:g} ms, as in {path}")
    if not interval:
        raise violation(f"{where}: interval", "nothing", "the duration of a bin, such as '0.1 ms'")
    return replace(
        found,
        name=_optional(where, row, "name", str, RECORD),
        run=_optional(where, row, "run", str, MAIN_RUN),
        interval=interval,
        start=_time(where, row, "start"),
        note=_optional(where, row, "note", str, ""),
    )


def _time(where: str, row: dict[str, Any], key: str) -> float:
    return quantity(row[key], "ms", f"{where}: {key}") if key in row else 0.0


def _inside(where: str, file: str, folder: Path, key: str = "file") -> Path:
    """The path of a file of the experiment, which must lie in its folder."""
    if not file.isprintable() or len(file.encode()) > LONGEST_NAME:
        raise violation(f"{where}: {key}", repr(file), "the name of a file")
    if folder.resolve() not in (folder / file).resolve().parents:
        raise violation(f"{where}: {key}", repr(file), "a file inside the folder of the experiment")
    return folder / file


def _mapping(where: str, row: dict[str, Any], about: Kind) -> Mapping:
    """How the columns, paths or channels of a lab's file are called, and in which units they are."""
    names = _optional(where, row, "columns", dict, {})
    for ours, theirs in names.items():
        number = isinstance(theirs, (int, float)) and not isinstance(theirs, bool)
        if not number and not isinstance(theirs, str):
            raise violation(f"{where}: columns: {ours}", theirs, "the name of a column, or a number for all rows")
    units = dict(_optional(where, row, "units", dict, {}))
    if "time_unit" in row:
        if {"time", "delay"} & set(units):
            raise violation(f"{where}: time_unit", "a second unit of the time", "one: time_unit, or units")
        units |= dict.fromkeys({"time", "delay"} & {about.abscissa}, _required(where, row, "time_unit", str))
    for ours, unit in units.items():
        if not isinstance(unit, str):
            raise violation(f"{where}: units: {ours}", unit, "a unit, such as 'us'")
    separator = _optional(where, row, "separator", str, "")
    if len(separator) > 1 or separator in ('"', "\n", "\r", "#") or not separator.isascii():
        raise violation(f"{where}: separator", repr(separator), "one character")
    return Mapping(dict(names), units, separator or None, where)
