"""What the tables of `experiment.toml` say of runs, stages, apparatus, numbers and truth; their keys: `entries`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...forward_models import CLOSURES, LIGHTS, PARAMETERS
from ..errors import Faults, check_keys, violation
from ..experiment import (
    APPARATUS,
    BEGINNINGS,
    POPULATIONS,
    TIMELESS,
    ConstantRun,
    Known,
    LightPower,
    Observation,
    StageEntry,
    Truth,
    by_label,
    check_choice,
    entries,
)
from ..files import optional, required, rows_of
from ..tables import read_table
from ..units import quantity

LONGEST_NAME = 255
UNREAD = Known(0.5)
"""In place of knowledge that cannot be read, so that the rest can be checked."""
_UNREAD_DURATION = 1e9
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WITH_ERROR = re.compile(rf"\(?(?P<value>{_NUMBER})[^±+]*(?:±|\+/?-)\s*(?P<sigma>{_NUMBER})\s*\)?\s*(?P<unit>.*)")
"""A value and its error in one text: 1.0 ± 0.5 %, (1.0 ± 0.5) %, 5.6 mW ± 0.3 mW, or with +- or +/-."""


def keys(kind: type) -> list[str]:
    """What a table of experiment.toml may say of a part of this class."""
    return [entry.key for entry in entries(kind) if entry.key]


def said(kind: type, where: str, row: dict[str, Any], besides: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a table says of a part, by the names of its fields, but for those `besides`."""
    found, faults = {}, Faults()
    for entry in entries(kind):
        if entry.name in besides or entry.key not in row:
            continue
        with faults:
            if entry.unit:
                found[entry.name] = quantity(row[entry.key], entry.unit, f"{where}: {entry.key}")
            else:
                found[entry.name] = required(where, row, entry.key, entry.kind)
    faults.settle()
    return found


def read_stage(where: str, row: dict[str, Any], folder: Path, faults: Faults) -> StageEntry:
    """A table [[stage]]; `folder`: of the experiment. Of what cannot be read, which `faults` keeps, something stands in
    for which whatever is measured is possible.
    """
    first, *rest = keys(StageEntry)
    with faults:
        check_keys(where, row, (first, *LIGHTS, *rest))
    about: dict[str, Any] = {"duration": _UNREAD_DURATION}
    with faults:
        if "duration" not in row:
            raise violation(f"{where}: duration", "nothing", 'a line like duration = "20 ms"')
        about |= said(StageEntry, where, row)
    lights, changed = [light for light in LIGHTS if row.get(light, False) is not False], []
    for light in lights:
        with faults:
            power = _power(where, light, row[light], folder)
            changed += [] if power is None else [power]
    return StageEntry(**about, lights=frozenset(lights), power=tuple(changed))


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


def read_runs(where: str, table: dict[str, Any]) -> dict[str, Any]:
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
            expected = 'a line like relative_depth = 0.6, or populations = "steady"'
            raise violation(f"{at}: relative_depth", "nothing", expected)
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


def read_apparatus(where: str, table: dict[str, Any], faults: Faults) -> dict[str, Known]:
    """What the table [apparatus] says, as far as it can be read; `faults` keeps the rest."""
    known = {}
    for name, row in by_label(optional(where, table, "apparatus", dict, {}), f"{where}: apparatus").items():
        with faults:
            if name in APPARATUS:
                known[name] = UNREAD
            known[name] = _known(where, name, row)
    return known


def _known(where: str, name: str, row: Any) -> Known:
    at = f"{where}: apparatus: {name}"
    check_choice(f"{where}: apparatus", name, APPARATUS)
    unit = PARAMETERS[name].unit
    if isinstance(row, str) and (both := _WITH_ERROR.fullmatch(row.strip())):
        of = f" {both['unit']}".rstrip()
        said = f'"{{}}{of}"' if of else "{}"
        line = f"{name} = {{ value = {said.format(both['value'])}, sigma = {said.format(both['sigma'])} }}"
        raise violation(at, repr(row), f"the number and its error apart: {line}")
    if not isinstance(row, dict):
        return Known(quantity(row, unit, at))
    check_keys(at, row, ("value", "sigma"))
    if "value" not in row:
        raise violation(at, "no value", f"a line like {name} = {{ value = …, sigma = … }}")
    sigma = quantity(row["sigma"], unit, f"{at}: sigma") if "sigma" in row else 0.0
    return Known(quantity(row["value"], unit, f"{at}: value"), sigma)


def texts_of(where: str, table: dict[str, Any], key: str, expected: str) -> dict[str, str]:
    """A table of texts by parameter; `expected`: of each."""
    rows, faults = by_label(optional(where, table, key, dict, {}), f"{where}: {key}"), Faults()
    for name, value in rows.items():
        with faults:
            if not isinstance(value, str):
                raise violation(f"{where}: {key}: {name}", value, expected)
    faults.settle()
    return rows


def read_observation(where: str, row: dict[str, Any]) -> Observation:
    """A table [[observation]]."""
    check_keys(where, row, keys(Observation))
    name = required(where, row, "quantity", str)
    for key in ("value", "sigma"):
        if key not in row:
            raise violation(f"{where}: {key}", "nothing", f"a line like {key} = 0.98")
    if "time" not in row and name not in TIMELESS:
        raise violation(f"{where}: time", "nothing", 'a time: a line like time = "15 ms"')
    unit = TIMELESS.get(name, "1")
    numbers: dict[str, Any] = {key: quantity(row[key], unit, f"{where}: {key}") for key in ("value", "sigma")}
    timeless = ("time",) if name in TIMELESS else ()
    return Observation(**said(Observation, where, row, ("value", "sigma", *timeless)), **numbers)


def read_truth(where: str, table: dict[str, Any]) -> Truth | None:
    """The table [truth]; None where there is none."""
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
