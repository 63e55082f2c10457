"""Writing the folder format: `experiment.toml` and one file per series, read back without loss by `folder`."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...forward_models import LIGHTS, NOISES, PARAMETERS
from ..errors import ExperimentError
from ..experiment import KIND as RECORD
from ..experiment import TIMELESS, Experiment, Known, LightPower, Observation, RecordSeries, Series, entries
from ..files import make_folder, write_bytes
from ..tables import write_table
from .calibration import CalibrationFile, write_calibration
from .folder import FILE
from .record_file import write_record
from .tree import FORMAT_VERSION

CALIBRATION = "calibration.toml"


def write_folder(experiment: Experiment, folder: Path) -> None:
    """Write the experiment so that `read_folder` gives it back without loss; experiment.toml comes last.

    The folder must not exist, or be empty.
    """
    if experiment.members:
        raise ExperimentError(f"{folder}: found a joint experiment, expected the name of a .nc file for it")
    if folder.exists() and (not folder.is_dir() or any(p.suffix != ".part" for p in folder.iterdir())):  # of a kill
        raise ExperimentError(f"{folder}: already exists; expected a new or empty folder")
    make_folder(folder, lambda temporary: _fill(experiment, temporary), FILE)


def _fill(experiment: Experiment, folder: Path) -> None:
    table = experiment_table(experiment, folder)
    for row, series in zip(table.get("series", ()), experiment.parts, strict=True):
        if isinstance(series, RecordSeries):
            write_record(folder / row["file"], series, experiment.simulated)
        else:
            _write_series(folder / row["file"], series)
    write_bytes(toml_text(table).encode(), folder / FILE)


def toml_text(table: dict[str, Any]) -> str:
    """The table of an experiment as TOML: what is said once, then the lists of runs, stages, series and numbers."""
    import tomli_w

    rows = {key: table[key] for key in ("run", "stage", "series", "observation") if key in table}
    text = tomli_w.dumps({key: value for key, value in table.items() if key not in rows})
    for key, tables in rows.items():
        text += "".join(f"\n[[{key}]]\n{tomli_w.dumps(one)}" for one in tables)
    return text


def experiment_table(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """What `experiment.toml` holds; a calibration goes into a file of its own."""
    table: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "title": experiment.title,
        "simulated": experiment.simulated,
    }
    if experiment.description:
        table["description"] = experiment.description
    if experiment.date:
        table["date"] = experiment.date
    if experiment.apparatus:
        table["apparatus"] = {name: _known_row(name, known) for name, known in experiment.apparatus.items()}
    if experiment.calibrated:
        table["calibration"] = _write_calibration(experiment, folder)
    if experiment.priors:
        table["prior"] = experiment.priors
    if experiment.sharing:
        table["sharing"] = experiment.sharing
    if experiment.truth is not None:
        truth = experiment.truth
        table["truth"] = {"closure": truth.closure, "seed": truth.seed, "parameters": truth.parameters}
    table |= _runs_and_stages(experiment)
    if experiment.parts:
        table["series"] = _series_rows(experiment)
    if experiment.observations:
        table["observation"] = [_observation_row(o) for o in experiment.observations]
    return table


def _write_calibration(experiment: Experiment, folder: Path) -> str:
    """The name of the calibration file, written. (What it said of κ² is a series by now.)"""
    calibration = CalibrationFile(
        experiment.title, experiment.simulated, experiment.calibrated, experiment.correlated, experiment.correlation
    )
    write_calibration(calibration, folder / CALIBRATION)
    return CALIBRATION


def _with_unit(value: float, unit: str) -> str | float:
    return value if unit in ("", "1") else f"{value!r} {unit}"


def _said(part: Any) -> dict[str, Any]:
    """What the table of a part says of it, by key: whatever is not the default."""
    rows = {entry: getattr(part, entry.name) for entry in entries(type(part)) if entry.key}
    return {entry.key: _with_unit(value, entry.unit) for entry, value in rows.items() if value != entry.default}


def _known_row(name: str, known: Known) -> Any:
    unit = PARAMETERS[name].unit
    if known.sigma == 0:
        return _with_unit(known.value, unit)
    return {"value": _with_unit(known.value, unit), "sigma": _with_unit(known.sigma, unit)}


def _runs_and_stages(experiment: Experiment) -> dict[str, Any]:
    stages = []
    for stage in experiment.stages:
        said = _said(stage)
        stages.append(
            {"duration": said.pop("duration")}
            | {light: True for light in LIGHTS if light in stage.lights}
            | {power.light: _power(power) for power in stage.power}
            | said
        )
    runs = [row for name in experiment.runs if len(row := _run_row(name, experiment)) > 1]
    return ({"run": runs} if runs else {}) | {"stage": stages}


def _power(power: LightPower) -> Any:
    """A number where it is constant, else points."""
    if power.times == (0.0,):
        return power.values[0]
    return [list(pair) for pair in zip(power.times, power.values, strict=True)]


def _run_row(name: str, experiment: Experiment) -> dict[str, Any]:
    """What is said of a run beyond its name."""
    row: dict[str, Any] = {"name": name}
    if name in experiment.run_depth:
        row["relative_depth"] = experiment.run_depth[name]
    return row | (asdict(experiment.constant[name]) if name in experiment.constant else {})


def _series_rows(experiment: Experiment) -> list[dict[str, Any]]:
    """The tables of the series and of the records; no two share a file, on no file system."""
    rows = [_series_row(k, one) for k, one in enumerate(experiment.series)]
    rows += [_record_row(k, one) for k, one in enumerate(experiment.records)]
    names = [row["file"].lower() for row in rows]
    for k, row in enumerate(rows):
        if names.count(row["file"].lower()) > 1:
            row["file"] = f"series {k}{Path(row['file']).suffix}"
    return rows


def _file_name(name: str, instead: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}", name) else instead


def _record_row(index: int, record: RecordSeries) -> dict[str, Any]:
    row = {"kind": RECORD, "file": f"{_file_name(record.name, f'record-{index}')}.h5"} | _said(record)
    return {key: value for key, value in row.items() if (key, value) != ("name", RECORD)}


def _series_row(index: int, series: Series) -> dict[str, Any]:
    row = {"kind": series.kind, "file": f"{_file_name(series.name, f'series-{index}')}.csv"} | _said(series)
    if series.covariance is not None:
        row["covariance"] = _covariance_file(row["file"])
    row["noise"] = row.pop("noise", series.noise)  # also the default: the one of a file depends on its columns
    return {key: value for key, value in row.items() if (key, value) != ("name", series.kind)}


def _covariance_file(file: str) -> str:
    return f"{Path(file).stem}.covariance.csv"


def _write_series(path: Path, series: Series) -> None:
    names = series.about.components
    columns = {series.about.abscissa: series.x[:: len(names)]}
    columns |= {name: series.value[k :: len(names)] for k, name in enumerate(names)}
    if series.covariance is None:
        columns[NOISES[series.noise].spread] = series.spread[:: len(names)]
    else:
        write_table(path.with_name(_covariance_file(path.name)), {f"c{k}": c for k, c in enumerate(series.covariance)})
    if series.excluded is not None:
        columns["exclude"] = series.excluded[:: len(names)].astype(float)
    if series.taken is not None:
        columns["taken"] = series.taken[:: len(names)]
    write_table(path, columns)


def _observation_row(observation: Observation) -> dict[str, Any]:
    said, row = _said(observation), {"quantity": observation.quantity}
    if observation.quantity not in TIMELESS:
        row["time"] = f"{observation.time!r} ms"
    said.pop("time", None)
    return row | said | {key: _with_unit(said[key], observation.unit) for key in ("value", "sigma")}
