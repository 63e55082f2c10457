"""An experiment as an xarray.DataTree and back, without loss.

/            attributes: format_version, title, simulated (0/1), description
/apparatus   a scalar for each known parameter, with attributes units and sigma
/stages      dim stage: duration (ms), drive, pump, repump (0/1), run
/runs        dim run: relative_depth; where rates are constant: populations, begins
/series/NAME dim time: value, sigma or repetitions, excluded (0/1); attributes kind, run, noise, …
/records/NAME dims quadrature, record, sample: samples; record: excluded (0/1); attributes run, interval and start (ms),
             simulated (0/1)
/observations dim observation: quantity, time (ms), value, sigma, run, …
/priors      attributes: parameter = specification
/truth       of a simulated experiment: a scalar for each parameter; attributes closure, seed
/calibration attributes: parameter = prior; correlation (label, column) of some of them
/sharing     of a joint experiment: member of each run; attributes: parameter = way; /known_of/MEMBER like apparatus

Series that are not measured against time have the dim `delay`, `faraday_angle` or `number` in place of `time`, and
where a point consists of several numbers, `component` names each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...forward_models import LIGHTS, NOISES, PARAMETERS
from ..experiment import POPULATIONS, QUADRATURES, ConstantRun, Experiment, Known, Observation, RecordSeries, Series

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

FORMAT_VERSION = 1
SERIES_ATTRIBUTES = ("kind", "run", "noise", "scale_uncertainty", "offset_uncertainty", "tail")
OTHER_ATTRIBUTES = {"probe_duration": 0.0, "pulse_time": 0.0, "slope_used": 0.0, "mode_rate": 0.0, "note": ""}
"""Those that are written only where they say something, with the value that says nothing."""
SERIES_TEXTS = ("kind", "run", "noise", "note")
MOVING = ConstantRun(POPULATIONS[0])
OBSERVATION_TEXT = ("quantity", "run", "excluded", "source", "shared_scale")
OBSERVATION_NUMBERS = ("time", "value", "sigma", "scale_uncertainty")


def to_tree(experiment: Experiment) -> DataTree:
    """The DataTree of an experiment, in the layout given above."""
    import xarray as xr

    return xr.DataTree.from_dict(to_groups(experiment))


def to_groups(experiment: Experiment) -> dict[str, Dataset]:
    """The datasets of that tree, by path: to be put into a larger tree without making one twice."""
    import xarray as xr

    groups: dict[str, Any] = {
        "/": xr.Dataset(
            attrs={
                "format_version": FORMAT_VERSION,
                "title": experiment.title,
                "simulated": int(experiment.simulated),
                "description": experiment.description,
            }
        ),
        "/apparatus": _apparatus_dataset(experiment.apparatus),
        "/stages": _stages_dataset(experiment),
        "/runs": _runs_dataset(experiment),
        "/priors": xr.Dataset(attrs=dict(experiment.priors)),
    }
    groups |= _knowledge_groups(experiment)
    for series in experiment.series:
        groups[f"/series/{series.name}"] = _series_dataset(series)
    for record in experiment.records:
        groups[f"/records/{record.name}"] = _record_dataset(record)
    if experiment.observations:
        groups["/observations"] = _observations_dataset(experiment.observations)
    if experiment.truth is not None:
        truth = experiment.truth
        groups["/truth"] = xr.Dataset(
            {name: ((), value) for name, value in truth.parameters.items()},
            attrs={"closure": truth.closure, "seed": truth.seed},
        )
    return groups


def _knowledge_groups(experiment: Experiment) -> dict[str, Dataset]:
    """What a calibration gave, and who the members of a joint experiment are."""
    import xarray as xr

    groups: dict[str, Any] = {}
    if experiment.calibrated:
        groups["/calibration"] = xr.Dataset(
            {"correlation": (("label", "column"), experiment.correlation)},
            coords={"label": np.array(experiment.correlated, object)},
            attrs=experiment.calibrated,
        )
    if experiment.members:
        groups["/sharing"] = xr.Dataset(
            {"member": ("run", np.array([experiment.member[run] for run in experiment.runs], object))},
            coords={"run": experiment.runs},
            attrs=experiment.sharing,
        )
        for member in experiment.members:
            known = experiment.known_of.get(member, {})
            groups[f"/known_of/{member}"] = _apparatus_dataset(known)
    return groups


def _runs_dataset(experiment: Experiment) -> Any:
    import xarray as xr

    depths = np.array([experiment.run_depth.get(run, 1.0) for run in experiment.runs])
    columns: dict[str, Any] = {"relative_depth": ("run", depths)}
    if experiment.constant:
        rows = [experiment.constant.get(run, MOVING) for run in experiment.runs]
        columns["populations"] = ("run", np.array([row.populations for row in rows], object))
        columns["begins"] = ("run", np.array([row.begins for row in rows], object))
    return xr.Dataset(columns, coords={"run": experiment.runs})


def _record_dataset(record: RecordSeries) -> Any:
    import xarray as xr

    excluded = np.zeros(record.repetitions, np.int8) if record.excluded is None else record.excluded.astype(np.int8)
    attributes: dict[str, Any] = {"run": record.run, "interval": record.interval, "start": record.start}
    attributes["simulated"] = int(record.simulated)
    return xr.Dataset(
        {"samples": (("quadrature", "record", "sample"), record.samples), "excluded": ("record", excluded)},
        coords={"quadrature": np.array(QUADRATURES, object)},
        attrs=attributes | ({"note": record.note} if record.note else {}),
    )


def _apparatus_dataset(apparatus: Mapping[str, Known]) -> Any:
    import xarray as xr

    rows = {n: ((), known.value, {"units": PARAMETERS[n].unit, "sigma": known.sigma}) for n, known in apparatus.items()}
    return xr.Dataset(rows)


def _stages_dataset(experiment: Experiment) -> Any:
    import xarray as xr

    stages = experiment.stages
    columns: dict[str, Any] = {
        light: ("stage", np.array([light in stage.lights for stage in stages], dtype=np.int8)) for light in LIGHTS
    }
    columns["duration"] = ("stage", np.array([stage.duration for stage in stages]), {"units": "ms"})
    columns["run"] = ("stage", np.array([stage.run for stage in stages], dtype=object))
    return xr.Dataset(columns)


def _series_dataset(series: Series) -> Any:
    import xarray as xr

    excluded = np.zeros(len(series.x), bool) if series.excluded is None else series.excluded
    attributes = {name: getattr(series, name) for name in SERIES_ATTRIBUTES}
    attributes["efficiency_in_scale"] = int(series.efficiency_in_scale)
    attributes |= {n: getattr(series, n) for n, nothing in OTHER_ATTRIBUTES.items() if getattr(series, n) != nothing}
    dim = series.about.abscissa
    columns: dict[str, Any] = {
        "value": (dim, series.value, {"units": "1"}),
        NOISES[series.noise].spread: (dim, series.spread),
        "excluded": (dim, excluded.astype(np.int8)),
    }
    if series.component is not None:
        columns["component"] = (dim, np.array(series.about.components, object)[series.component])
    return xr.Dataset(columns, coords={dim: (dim, series.x, {"units": series.about.unit})}, attrs=attributes)


def _observations_dataset(observations: tuple[Observation, ...]) -> Any:
    import xarray as xr

    columns: dict[str, Any] = {
        name: ("observation", np.array([getattr(o, name) for o in observations], dtype=object))
        for name in OBSERVATION_TEXT
    }
    for name in OBSERVATION_NUMBERS:
        columns[name] = ("observation", np.array([getattr(o, name) for o in observations], dtype=float))
    return xr.Dataset(columns)
