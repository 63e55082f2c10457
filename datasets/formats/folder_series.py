"""The tables [[series]] of an experiment.toml, and the files that they name."""

from __future__ import annotations

from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

from ..errors import check_keys, violation
from ..experiment import KIND as RECORD
from ..experiment import MAIN_RUN, RecordSeries, Series, check_choice
from ..files import optional, required
from ..kinds import KINDS, SHOTS, Kind
from ..units import quantity
from .columns import Mapping, read_columns, read_quadratures
from .record_file import read_record

LONGEST_NAME = 255
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


def series_in(where: str, row: dict[str, Any], folder: Path) -> Series:
    """The series of a table [[series]]; `folder`: of the experiment."""
    required(where, row, "kind", str)
    check_keys(where, row, _SERIES)
    kind, shots = required(where, row, "kind", str), optional(where, row, "shots", bool, False)
    if kind == "quadratures":
        kind, shots = "light_variance", True
    check_choice(f"{where}: kind", kind, (*KINDS, "quadratures", RECORD))
    if shots and kind not in SHOTS:
        raise violation(f"{where}: shots", "true", f"false for {kind}: shots are those of {', '.join(SHOTS)}")
    path = inside(where, required(where, row, "file", str), folder)
    name = optional(where, row, "name", str, kind)
    table = (read_quadratures if shots else read_columns)(path, KINDS[kind], _mapping(where, row, KINDS[kind]))
    return table.series(
        name,
        KINDS[kind],
        optional(where, row, "noise", str, ""),
        str(path),
        note=table.note or optional(where, row, "note", str, ""),
        run=optional(where, row, "run", str, MAIN_RUN),
        scale_uncertainty=optional(where, row, "scale_uncertainty", float, 0.0),
        offset_uncertainty=optional(where, row, "offset_uncertainty", float, 0.0),
        efficiency_in_scale=optional(where, row, "efficiency_in_scale", bool, True),
        tail=optional(where, row, "tail", float, 4.0),
        probe_duration=_time(where, row, "probe_duration"),
        pulse_time=_time(where, row, "pulse_time"),
        slope_used=optional(where, row, "slope_used", float, 0.0),
        mode_rate=quantity(row["mode_rate"], "1/ms", f"{where}: mode_rate") if "mode_rate" in row else 0.0,
    )


def records_in(where: str, row: dict[str, Any], folder: Path, simulated: bool) -> RecordSeries:
    """The records of such a table of kind record; `simulated`: what the experiment says of itself."""
    check_keys(where, row, _RECORD)
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
    return replace(
        found,
        name=optional(where, row, "name", str, RECORD),
        run=optional(where, row, "run", str, MAIN_RUN),
        interval=interval,
        start=_time(where, row, "start"),
        note=optional(where, row, "note", str, found.note),
    )


def _time(where: str, row: dict[str, Any], key: str) -> float:
    return quantity(row[key], "ms", f"{where}: {key}") if key in row else 0.0


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


def _mapping(where: str, row: dict[str, Any], about: Kind) -> Mapping:
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
        units |= dict.fromkeys({"time", "delay"} & {about.abscissa}, required(where, row, "time_unit", str))
    for ours, unit in units.items():
        if not isinstance(unit, str):
            raise violation(f"{where}: units: {ours}", unit, "a unit, such as 'us'")
    separator = optional(where, row, "separator", str, "")
    if len(separator) > 1 or separator in ('"', "\n", "\r", "#") or not separator.isascii():
        raise violation(f"{where}: separator", repr(separator), "one character")
    return Mapping(dict(names), units, separator or None, where)
