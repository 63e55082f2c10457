"""The folder format: `experiment.toml` and one CSV a series."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...forward_models import CLOSURES, LIGHTS, PARAMETERS
from ..errors import check_keys, violation
from ..experiment import (
    APPARATUS,
    BEGINNINGS,
    MAIN_RUN,
    POPULATIONS,
    TIMELESS,
    ConstantRun,
    Experiment,
    Known,
    Observation,
    StageEntry,
    Truth,
    check_choice,
    check_experiment,
)
from ..experiment import KIND as RECORD
from ..files import check_size, optional, required, rows_of
from ..units import quantity
from .calibration import read_calibration, with_calibration
from .folder_series import inside, records_in, series_in
from .tree import FORMAT_VERSION

FILE = "experiment.toml"
_LARGEST = 1 << 20
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
        raise violation(str(path), f"no valid TOML ({error})", "text in UTF-8") from error
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
        stages=tuple(_stage(f"{where}: stage {k}", row) for k, row in rows_of(where, table, "stage")),
        **_runs(where, table),
        apparatus=_apparatus(where, table),
        priors=_strings(where, table, "prior"),
        observations=tuple(
            _observation(f"{where}: observation {k}", row) for k, row in rows_of(where, table, "observation")
        ),
        truth=_truth(where, table),
    )
    rows = rows_of(where, table, "series")
    series = tuple(series_in(f"{where}: series {k}", row, folder) for k, row in rows if row.get("kind") != RECORD)
    records = tuple(
        records_in(f"{where}: series {k}", row, folder, experiment.simulated)
        for k, row in rows
        if row.get("kind") == RECORD
    )
    experiment = replace(experiment, series=series, records=records)
    files = [row["file"] for _, row in rows if row.get("kind") != RECORD]
    if "calibration" in table:
        file = inside(where, required(where, table, "calibration", str), folder, "calibration")
        experiment = with_calibration(experiment, read_calibration(file))
        files += [file.name] * (len(experiment.series) - len(files))
    return check_experiment(experiment, where, files)


def _stage(where: str, row: dict[str, Any]) -> StageEntry:
    check_keys(where, row, ("duration", *LIGHTS, "run"))
    if "duration" not in row:
        raise violation(f"{where}: duration", "nothing", "a time, such as '20 ms'")
    on = frozenset(light for light in LIGHTS if optional(where, row, light, bool, False))
    return StageEntry(
        quantity(row["duration"], "ms", f"{where}: duration"), on, optional(where, row, "run", str, MAIN_RUN)
    )


def _runs(where: str, table: dict[str, Any]) -> dict[str, Any]:
    """What is said of single runs."""
    depths: dict[str, float] = {}
    constant: dict[str, ConstantRun] = {}
    names = []
    for k, row in rows_of(where, table, "run"):
        at = f"{where}: run {k}"
        check_keys(at, row, ("name", "relative_depth", "populations", "begins"))
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


def _strings(where: str, table: dict[str, Any], key: str) -> dict[str, str]:
    rows = optional(where, table, key, dict, {})
    for name, value in rows.items():
        if not isinstance(value, str):
            raise violation(f"{where}: {key}: {name}", value, "a text such as 'lognormal(0.1, 1)'")
    return dict(rows)


def _observation(where: str, row: dict[str, Any]) -> Observation:
    check_keys(where, row, _OBSERVATION)
    name = required(where, row, "quantity", str)
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
        run=optional(where, row, "run", str, MAIN_RUN),
        excluded=optional(where, row, "exclude", str, ""),
        source=optional(where, row, "source", str, ""),
        scale_uncertainty=optional(where, row, "scale_uncertainty", float, 0.0),
        shared_scale=optional(where, row, "shared_scale", str, ""),
    )


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
