"""An experiment as an xarray.DataTree and back, without loss.

/            attributes: format_version, title, simulated (0/1), description, date (where there is one)
/apparatus   a scalar for each known parameter, with attributes units and sigma
/stages      dim stage: duration (ms), drive, pump, repump (0/1), run
/powers      where lights have not their full power: dim point: stage (counted from 0), light, time (ms), power
/runs        dim run: relative_depth; where rates are constant: populations, begins
/series/NAME dim time: value, sigma or repetitions, excluded (0/1); attributes kind, run, noise, …
/records/NAME dims quadrature, record, sample: samples; record: excluded (0/1); attributes run, interval and start (ms),
             simulated (0/1)
/observations dim observation: quantity, time (ms), value, sigma, run, …
/priors      attributes: parameter = specification
/truth       of a simulated experiment: a scalar for each parameter; attributes closure, seed
/calibration attributes: parameter = prior; correlation (label, column) of some of them
/sharing     attributes: parameter = way; of a joint experiment: member of each run; /known_of/MEMBER like apparatus

Series that are not measured against time have the dim `delay`, `faraday_angle` or `number` in place of `time`, and
where a point consists of several numbers, `component` names each. The attributes of series and records, and the
variables of observations, are the `entries` of their classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...forward_models import LIGHTS, NOISES, PARAMETERS
from ..experiment import (
    POPULATIONS,
    QUADRATURES,
    ConstantRun,
    Experiment,
    Known,
    Observation,
    RecordSeries,
    Series,
    StageEntry,
    entries,
)

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

FORMAT_VERSION = 1
MOVING = ConstantRun(POPULATIONS[0])


def to_tree(experiment: Experiment) -> DataTree:
    """The DataTree of an experiment, in the layout given in `tree.py` and docs/reference/experiment.md."""
    import xarray as xr

    return xr.DataTree.from_dict(to_groups(experiment))


def to_groups(experiment: Experiment) -> dict[str, Dataset]:
    """The datasets of that tree, by path: to be put into a larger tree without making one twice."""
    import xarray as xr

    said = {"format_version": FORMAT_VERSION, "title": experiment.title, "simulated": int(experiment.simulated)}
    said |= {"date": experiment.date} if experiment.date else {}
    groups: dict[str, Group] = {
        "/": {"attrs": said | {"description": experiment.description}},
        "/apparatus": _apparatus(experiment.apparatus),
        "/stages": _stages(experiment.stages),
        "/runs": _runs(experiment),
        "/priors": {"attrs": dict(experiment.priors)},
    }
    if any(stage.power for stage in experiment.stages):
        groups["/powers"] = _powers(experiment.stages)
    groups |= _knowledge(experiment)
    groups |= {f"/series/{series.name}": _series(series) for series in experiment.series}
    groups |= {f"/records/{record.name}": _record(record) for record in experiment.records}
    if experiment.observations:
        groups["/observations"] = _observations(experiment.observations)
    if experiment.truth is not None:
        truth = experiment.truth
        groups["/truth"] = {
            "data_vars": {name: ((), value) for name, value in truth.parameters.items()},
            "attrs": {"closure": truth.closure, "seed": truth.seed},
        }
    return {path: xr.Dataset(**group) for path, group in groups.items()}


Group = dict[str, Any]
"""Variables, coordinates and attributes, as xarray.Dataset takes them."""


def _knowledge(experiment: Experiment) -> dict[str, Group]:
    """What a calibration gave, and who the members of a joint experiment are."""
    groups: dict[str, Group] = {}
    if experiment.calibrated:
        groups["/calibration"] = {
            "data_vars": {"correlation": (("label", "column"), experiment.correlation)},
            "coords": {"label": np.array(experiment.correlated, object)},
            "attrs": experiment.calibrated,
        }
    if experiment.members:
        groups["/sharing"] = {
            "data_vars": {"member": ("run", np.array([experiment.member[run] for run in experiment.runs], object))},
            "coords": {"run": experiment.runs},
            "attrs": experiment.sharing,
        }
        for member in experiment.members:
            groups[f"/known_of/{member}"] = _apparatus(experiment.known_of.get(member, {}))
    elif experiment.sharing:
        groups["/sharing"] = {"attrs": experiment.sharing}
    return groups


def _apparatus(apparatus: Mapping[str, Known]) -> Group:
    rows = {n: ((), known.value, {"units": PARAMETERS[n].unit, "sigma": known.sigma}) for n, known in apparatus.items()}
    return {"data_vars": rows}


def _stages(stages: Sequence[StageEntry]) -> Group:
    columns: Group = {light: ("stage", np.array([light in one.lights for one in stages], np.int8)) for light in LIGHTS}
    columns["duration"] = ("stage", np.array([stage.duration for stage in stages]), {"units": "ms"})
    columns["run"] = ("stage", np.array([stage.run for stage in stages], dtype=object))
    return {"data_vars": columns}


def _powers(stages: Sequence[StageEntry]) -> Group:
    rows = [(k, p.light, *point) for k, stage in enumerate(stages) for p in stage.power
            for point in zip(p.times, p.values, strict=True)]  # fmt: skip
    stage, light, time, power = zip(*rows, strict=True)
    columns: Group = {"stage": ("point", np.array(stage, float)), "light": ("point", np.array(light, object))}
    columns |= {"time": ("point", np.array(time), {"units": "ms"}), "power": ("point", np.array(power))}
    return {"data_vars": columns}


def _runs(experiment: Experiment) -> Group:
    depths = np.array([experiment.run_depth.get(run, 1.0) for run in experiment.runs])
    columns: Group = {"relative_depth": ("run", depths)}
    if experiment.constant:
        rows = [experiment.constant.get(run, MOVING) for run in experiment.runs]
        columns |= {entry.name: ("run", _column(rows, entry)) for entry in entries(ConstantRun)}
    return {"data_vars": columns, "coords": {"run": experiment.runs}}


def _series(series: Series) -> Group:
    dim = series.about.abscissa
    columns: Group = {
        "value": (dim, series.value, {"units": "1"}),
        NOISES[series.noise].spread: (dim, series.spread),
        "excluded": (dim, _flags(series.excluded, len(series.x))),
    }
    if series.taken is not None:
        columns["taken"] = (dim, series.taken)
    if series.covariance is not None:
        columns["covariance"] = ((dim, f"{dim}_too"), series.covariance)
    if series.component is not None:
        columns["component"] = (dim, np.array(series.about.components, object)[series.component])
    coords = {dim: (dim, series.x, {"units": series.about.unit})}
    return {"data_vars": columns, "coords": coords, "attrs": _attributes(series)}


def _record(record: RecordSeries) -> Group:
    samples = (("quadrature", "record", "sample"), record.samples)
    excluded = ("record", _flags(record.excluded, record.repetitions))
    coords = {"quadrature": np.array(QUADRATURES, object)}
    return {"data_vars": {"samples": samples, "excluded": excluded}, "coords": coords, "attrs": _attributes(record)}


def _observations(observations: tuple[Observation, ...]) -> Group:
    rows = sorted(entries(Observation), key=lambda entry: entry.kind is not str)
    return {"data_vars": {entry.name: ("observation", _column(observations, entry)) for entry in rows}}


def _attributes(part: Series | RecordSeries) -> dict[str, Any]:
    """What is said of a part; flags as 0 or 1, which is what NetCDF can hold."""
    values = {entry: getattr(part, entry.name) for entry in entries(type(part)) if entry.name != "name"}
    written = {entry: value for entry, value in values.items() if entry.always or value != entry.default}
    return {entry.name: int(value) if entry.kind is bool else value for entry, value in written.items()}


def _column(parts: Any, entry: Any) -> np.ndarray:
    return np.array([getattr(part, entry.name) for part in parts], object if entry.kind is str else float)


def _flags(flags: np.ndarray | None, count: int) -> np.ndarray:
    return np.zeros(count, np.int8) if flags is None else flags.astype(np.int8)
