"""For those who write an `experiment.toml`: a folder to fill in, from a plan or not, and a JSON Schema for editors.

The schema is read off the tables by which `folder.py` reads the file. It is of draft 4, which Taplo (Even Better TOML)
and all others know.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...forward_models import CLOSURES, LIGHTS, NOISES, PARAMETERS
from ..errors import ExperimentError, violation
from ..experiment import (
    APPARATUS,
    DAY_FACTORS,
    WAYS_OF_DAYS,
    ConstantRun,
    Experiment,
    Observation,
    RecordSeries,
    Series,
    StageEntry,
    entries,
    shown_unit,
)
from ..experiment import KIND as RECORD
from ..files import read_toml, required, rows_of, write_bytes
from ..kinds import KINDS
from ..tables import Form
from .folder import FILE, FILE_KEYS, RECORD_KEYS, read_folder
from .folder_tables import said
from .folder_write import experiment_table, toml_text
from .tree import FORMAT_VERSION

type Schema = dict[str, Any]
SCHEMA_FILE = "experiment.schema.json"
"""Beside an `experiment.toml` that points to it."""
TABLES = {
    "xi.csv": b"time,value,repetitions\n",
    "polarization.csv": b"time,value,sigma\n",
    "transverse_spin.csv": b"time,value,sigma\n",
}
POINTS = "points"
"""Of a series in a plan: [[abscissa, repetitions or σ], …]; the table to fill in has a row for each."""

_TEXT, _NUMBER, _TRUTH = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
_WHOLE = {"type": "integer"}
_TEXTS, _NUMBERS = ({"type": "object", "additionalProperties": of} for of in (_TEXT, _NUMBER))
_EITHER: Schema = {"type": ["number", "string"]}
_TYPES: dict[type, Schema] = {
    str: _TEXT,
    bool: _TRUTH,
    int: _WHOLE,
    float: _NUMBER,
    dict: {"type": "object", "additionalProperties": _EITHER},
    list: {"type": "array", "items": _EITHER, "minItems": 2, "maxItems": 2},
    object: {},
}


def write_template(folder: str | Path) -> list[Path]:
    """Write a folder with an `experiment.toml` to fill in, its schema and empty tables; the paths of the files.

    Existing tables are kept. Raises ExperimentError where there is an `experiment.toml`.
    """
    target = Path(folder)
    if (target / FILE).exists():
        raise ExperimentError(f"{target / FILE}: already exists; expected a folder without it")
    toml = Path(__file__).with_name("template.toml").read_bytes()
    files = {FILE: f"#:schema ./{SCHEMA_FILE}\n".encode() + toml, SCHEMA_FILE: schema_file()} | TABLES
    target.mkdir(parents=True, exist_ok=True)
    paths = [target / name for name in files if name not in TABLES or not (target / name).exists()]
    for path in paths:
        write_bytes(files[path.name], path)
    return paths


def plan_file(planned: Experiment, said: str = "") -> bytes:
    """An experiment whose series have no values as a plan; `said`: comment lines of text above it."""
    table = experiment_table(planned, Path())
    rows = iter(table.get("series", ()))
    for series, row in zip(planned.series, rows, strict=False):
        row[POINTS] = [[float(f"{x:.6g}"), float(f"{s:.6g}")] for x, s in zip(series.x, series.spread, strict=True)]
    for record, row in zip(planned.records, rows, strict=True):
        row[POINTS] = [[float(f"{record.duration:.6g}"), record.repetitions]]
    comment = "".join(f"# {line}".rstrip() + "\n" for line in said.splitlines())
    return (comment + toml_text(table)).encode()


def read_plan(plan: str | Path) -> Experiment:
    """The experiment that a plan describes, whose series have no values (NaN), to be simulated.

    Raises ExperimentError for a file that is no plan.
    """
    with TemporaryDirectory() as place:
        write_planned(place, plan, value="1")
        table = read_toml(Path(place) / FILE)
        table["series"] = [row for row in table["series"] if row["kind"] != RECORD]
        filled = read_folder(Path(place), table=table)
    records = [_planned_record(*one) for one in rows_of(str(plan), read_toml(Path(plan)), "series")
               if one[1]["kind"] == RECORD]  # fmt: skip
    blank = tuple(replace(s, value=np.full(len(s.x), np.nan)) for s in filled.series)
    return replace(filled, series=blank, records=tuple(records))


def _is_pair(point: Any) -> bool:
    """Whether it is two numbers."""
    return isinstance(point, list) and len(point) == 2 and all(isinstance(one, (int, float)) for one in point)


def _planned_record(where: str, row: dict[str, Any]) -> RecordSeries:
    """Planned records, whose samples are NaN."""
    about = {"name": RECORD} | said(RecordSeries, where, row)
    if not about.get("interval", 0.0) > 0:
        raise violation(f"{where}: interval", about.get("interval"), "the duration of a bin, such as '0.1 ms'")
    [[duration, number]] = row[POINTS]
    shape = (2, number, round(duration / about["interval"]))
    return RecordSeries(samples=np.broadcast_to(np.float32(np.nan), shape), **about)


def write_planned(folder: str | Path, plan: str | Path, value: str = "") -> list[Path]:
    """Write the folder of a plan: experiment.toml, its schema, and a table per series whose values are to be filled in.

    value : in place of each of them

    Raises ExperimentError for a file that is no plan, and where there is an `experiment.toml`.
    """
    target, where = Path(folder), str(plan)
    if (target / FILE).exists():
        raise ExperimentError(f"{target / FILE}: already exists; expected a folder without it")
    table, files = read_toml(Path(plan)), {}
    if not rows_of(where, table, "series"):
        raise violation(where, "no series", "a plan that `dissentangle design -o` wrote")
    for at, row in rows_of(where, table, "series"):
        kind, file = required(at, row, "kind", str), required(at, row, "file", str)
        points = row.pop(POINTS, None)
        pairs = isinstance(points, list) and bool(points) and all(_is_pair(p) for p in points)
        if kind == RECORD:  # its file is what `demodulate` writes
            if not pairs or len(points) > 1 or not isinstance(points[0][1], int) or min(points[0]) <= 0:
                raise violation(f"{at}: {POINTS}", repr(points)[:80], "[[duration in ms, records]], as in a plan")
            continue
        noise = required(at, row, "noise", str)
        if not pairs or kind not in KINDS or noise not in NOISES or Path(file).name != file:
            raise violation(f"{at}: {POINTS}", repr(points)[:80], "[[abscissa, repetitions or sigma], …], as in a plan")
        text = io.StringIO()
        rows = [[f"{x:.10g}", value, f"{spread:.10g}"] for x, spread in points]
        header = [KINDS[kind].abscissa, "value", NOISES[noise].spread]
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        files[file] = text.getvalue().encode()
    files[SCHEMA_FILE] = schema_file()
    files[FILE] = f"#:schema ./{SCHEMA_FILE}\n{toml_text(table)}".encode()
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_bytes(content, target / name)
    return [target / name for name in files]


def schema_file() -> bytes:
    """The schema of `experiment.toml` as a file."""
    return json.dumps(experiment_schema(), ensure_ascii=False, indent=1).encode() + b"\n"


def experiment_schema() -> Schema:
    """The JSON Schema of an `experiment.toml`."""
    series, record = _of(Series, FILE_KEYS) | _of(Form), _of(RecordSeries, RECORD_KEYS)
    series["kind"]["enum"] = [*series["kind"]["enum"], "quadratures"]
    record["kind"]["enum"] = [RECORD]
    run = {
        "name": _TEXT | {"description": "of a run besides main"},
        "relative_depth": _NUMBER | {"description": "optical depth over that of the run main"},
    }
    points = {"type": "array", "items": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}}
    power = {
        "anyOf": [_TRUTH, _NUMBER, points, _table({"file": _TEXT}, "file")],
        "description": "on, or its power relative to that of the rates: a number, [[ms, power], …], { file = … }",
    }
    numbers = {
        "value": _EITHER | {"description": "the number; a decay time with its unit"},
        "sigma": _EITHER | {"description": "its standard deviation; of a decay time with its unit"},
    }
    truth = {"closure": {"enum": [*CLOSURES]}, "seed": _WHOLE, "parameters": _NUMBERS}
    top = {
        "format_version": {"enum": [FORMAT_VERSION]},
        "title": _TEXT | {"description": "of the experiment, for tables and figures"},
        "simulated": _TRUTH | {"description": "whether a model made the data, or some of them"},
        "description": _TEXT | {"description": "anything worth knowing"},
        "date": _TEXT | {"description": "the day of the measurement, 2026-11-03"},
        "apparatus": _table({name: _known(name) for name in APPARATUS}),
        "run": _tables(_table(run | _of(ConstantRun), "name")),
        "stage": _tables(_table(_of(StageEntry) | dict.fromkeys(LIGHTS, power), "duration")),
        "series": _tables({"anyOf": [_table(series, "kind", "file"), _table(record, "kind", "file")]}),
        "observation": _tables(_table(_of(Observation) | numbers, "quantity", "value", "sigma")),
        "prior": _TEXTS | {"properties": {name: _TEXT | _parameter(name) for name in PARAMETERS}},
        "sharing": _table({name: _parameter(name) | {"enum": [*WAYS_OF_DAYS]} for name in DAY_FACTORS}),
        "calibration": _TEXT | {"description": "a file that dissentangle calibrate wrote"},
        "truth": _table(truth, *truth),
    }  # fmt: skip
    return {"$schema": "http://json-schema.org/draft-04/schema#", "title": "experiment.toml of dissentangle",
            **_table(top, "format_version", "title", "simulated", "stage")}  # fmt: skip


def _table(properties: Schema, *required: str) -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": [*required]} if required else {})


def _tables(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _of(part: type, besides: dict[str, tuple[type, str]] | None = None) -> Schema:
    """What a table says of a part: the fields of its class, and `besides`, key → type and meaning."""
    found: Schema = {}
    for entry in entries(part):
        about = _quantity(entry.unit) if entry.unit else _TYPES[entry.kind]
        about = {"enum": [*entry.choices]} if entry.choices else about
        about = about | ({"description": entry.meaning} if entry.meaning else {})
        plain = entry.default not in (None, "", -1) and not entry.unit
        found[entry.key] = about | ({"default": entry.default} if plain else {})
    found.pop("", None)
    return found | {key: _TYPES[kind] | {"description": text} for key, (kind, text) in (besides or {}).items()}


def _quantity(unit: str) -> Schema:
    """A number with its unit in a text; of a pure number both."""
    return _EITHER if unit == "1" else _TEXT | {"pattern": r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*[^0-9\s].*$"}


def _known(name: str) -> Schema:
    value = _quantity(PARAMETERS[name].unit)
    return _parameter(name) | {"anyOf": [value, _table({"value": value, "sigma": value}, "value")]}


def _parameter(name: str) -> Schema:
    about = PARAMETERS[name]
    return {"description": ", ".join(filter(None, (f"{about.symbol}: {about.meaning}", shown_unit(about.unit))))}
