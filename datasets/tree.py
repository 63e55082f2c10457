"""An experiment as an xarray.DataTree and back, without loss.

/            attributes: format_version, title, simulated (0/1), description
/apparatus   a scalar for each known parameter, with attributes units and sigma
/stages      dim stage: duration (ms), drive, pump, repump (0/1), run
/runs        dim run: relative_depth; where rates are constant: populations, begins
/series/NAME dim time: value, sigma or repetitions, excluded (0/1); attributes kind, run, noise, …
/records/NAME dims quadrature, record, sample: samples; record: excluded (0/1); attributes run, interval, start (ms)
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

from ..forward_models import LIGHTS, NOISES, PARAMETERS
from .calibration_file import check_correlation
from .check_parts import check_choice
from .checks import check_experiment
from .errors import ExperimentError, violation
from .experiment import APPARATUS, Experiment, Known, Observation, Series, StageEntry, Truth
from .kinds import KINDS
from .record_series import QUADRATURES, RecordSeries
from .runs import POPULATIONS, ConstantRun

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

FORMAT_VERSION = 1
_SERIES_ATTRIBUTES = ("kind", "run", "noise", "scale_uncertainty", "offset_uncertainty", "tail")
_OTHER_ATTRIBUTES = {"probe_duration": 0.0, "pulse_time": 0.0, "slope_used": 0.0, "mode_rate": 0.0, "note": ""}
"""Those that are written only where they say something, with the value that says nothing."""
_MOVING = ConstantRun(POPULATIONS[0])
_OBSERVATION_TEXT = ("quantity", "run", "excluded", "source", "shared_scale")
_OBSERVATION_NUMBERS = ("time", "value", "sigma", "scale_uncertainty")


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
        rows = [experiment.constant.get(run, _MOVING) for run in experiment.runs]
        columns["populations"] = ("run", np.array([row.populations for row in rows], object))
        columns["begins"] = ("run", np.array([row.begins for row in rows], object))
    return xr.Dataset(columns, coords={"run": experiment.runs})


def _record_dataset(record: RecordSeries) -> Any:
    import xarray as xr

    excluded = np.zeros(record.repetitions, np.int8) if record.excluded is None else record.excluded.astype(np.int8)
    attributes = {"run": record.run, "interval": record.interval, "start": record.start}
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
    attributes = {name: getattr(series, name) for name in _SERIES_ATTRIBUTES}
    attributes["efficiency_in_scale"] = int(series.efficiency_in_scale)
    attributes |= {n: getattr(series, n) for n, nothing in _OTHER_ATTRIBUTES.items() if getattr(series, n) != nothing}
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
        for name in _OBSERVATION_TEXT
    }
    for name in _OBSERVATION_NUMBERS:
        columns[name] = ("observation", np.array([getattr(o, name) for o in observations], dtype=float))
    return xr.Dataset(columns)


def from_tree(tree: Any, where: str = "experiment") -> Experiment:
    """The experiment in a DataTree of this layout; ExperimentError where it is not one."""
    version = tree.attrs.get("format_version")
    if version is None:
        raise violation(where, "no attribute format_version", "an experiment as this package writes it")
    if np.ndim(version) or version != FORMAT_VERSION:
        raise violation(f"{where}: format_version", version, f"{FORMAT_VERSION}")
    simulated = tree.attrs.get("simulated")
    if np.ndim(simulated) or isinstance(simulated, str) or simulated not in (0, 1):
        raise violation(f"{where}: simulated", simulated, "0 (measured) or 1 (simulated)")
    try:
        experiment = _from_tree(tree)
    except ExperimentError:
        raise
    except (KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise violation(where, f"{type(error).__name__}: {error}", "the layout of an experiment") from error
    return check_experiment(experiment, where)


def _numbers(data: Any, name: str, unit: str | None = None) -> np.ndarray:
    """A column of real numbers, in the unit it must have."""
    column = data[name]
    found = column.attrs.get("units", unit)
    if found != unit:
        raise violation(f"{name}: units", repr(found), repr(unit))
    if column.ndim != 1 or column.dtype.kind not in "iuf":
        raise violation(name, f"{column.ndim} dimensions of {column.dtype}", "one dimension of real numbers")
    return np.asarray(column.values, float)


def _from_tree(tree: Any) -> Experiment:
    stages = tree["stages"].dataset
    runs = tree["runs"].dataset
    series = tree.children["series"].children if "series" in tree.children else {}
    durations = _numbers(stages, "duration", "ms")
    sharing = tree.children.get("sharing")
    known_of = tree.children["known_of"].children if "known_of" in tree.children else {}
    return Experiment(
        title=str(tree.attrs["title"]),
        simulated=bool(tree.attrs["simulated"]),
        description=str(tree.attrs.get("description", "")),
        stages=tuple(
            StageEntry(
                float(durations[k]),
                frozenset(light for light in LIGHTS if stages[light].values[k]),
                str(stages.run.values[k]),
            )
            for k in range(stages.sizes["stage"])
        ),
        run_depth={
            str(run): float(depth)
            for run, depth in zip(runs.run.values, runs.relative_depth.values, strict=True)
            if depth != 1.0
        },
        constant=_constant(runs),
        apparatus=_apparatus(tree["apparatus"].dataset),
        series=tuple(_series(str(name), group.dataset) for name, group in series.items()),
        records=tuple(
            _record(str(name), group.dataset)
            for name, group in (tree.children["records"].children.items() if "records" in tree.children else ())
        ),
        observations=_observations(tree.children.get("observations")),
        priors={str(k): str(v) for k, v in tree["priors"].attrs.items()},
        truth=_truth(tree.children.get("truth")),
        member={}
        if sharing is None
        else {str(r): str(m) for r, m in zip(sharing["run"].values, sharing["member"].values, strict=True)},
        sharing={} if sharing is None else {str(k): str(v) for k, v in sharing.attrs.items()},
        known_of={str(name): _apparatus(group.dataset) for name, group in known_of.items()},
        **_calibration(tree.children.get("calibration")),
    )


def _constant(runs: Any) -> dict[str, ConstantRun]:
    if "populations" not in runs:
        return {}
    rows = zip(runs.run.values, runs["populations"].values, runs["begins"].values, strict=True)
    return {str(run): ConstantRun(str(how), str(begin)) for run, how, begin in rows if how != _MOVING.populations}


def _record(name: str, data: Any) -> RecordSeries:
    excluded = np.asarray(data["excluded"].values).astype(bool)
    return RecordSeries(
        name=name,
        samples=np.asarray(data["samples"].values, np.float32),
        interval=float(data.attrs["interval"]),
        start=float(data.attrs["start"]),
        run=str(data.attrs["run"]),
        excluded=excluded if excluded.any() else None,
        note=str(data.attrs.get("note", "")),
    )


def _truth(group: Any) -> Truth | None:
    if group is None:
        return None
    values = {str(name): float(value) for name, value in group.dataset.items()}
    return Truth(values, str(group.attrs["closure"]), int(group.attrs["seed"]))


def _calibration(group: Any) -> dict[str, Any]:
    if group is None:
        return {}
    labels = tuple(str(label) for label in group.dataset["label"].values)
    matrix = np.asarray(group.dataset["correlation"].values, float).reshape(len(labels), len(labels))
    check_correlation("calibration: correlation", matrix)
    priors = {str(label): str(text) for label, text in group.dataset.attrs.items()}
    return {"calibrated": priors, "correlated": labels, "correlation": matrix}


def _apparatus(data: Any) -> dict[str, Known]:
    return {
        str(name): Known(float(known), float(known.attrs["sigma"]))
        for name, known in data.items()
        if _unit_is(str(name), known)
    }


def _unit_is(name: str, known: Any) -> bool:
    check_choice("apparatus", name, APPARATUS)
    if known.attrs.get("units") != PARAMETERS[name].unit:
        raise violation(f"apparatus: {name}: units", known.attrs.get("units"), repr(PARAMETERS[name].unit))
    return True


def _series(name: str, data: Any) -> Series:
    attributes: dict[str, Any] = {
        key: str(value) if isinstance(value := data.attrs[key], str) else float(value) for key in _SERIES_ATTRIBUTES
    }
    for key, nothing in _OTHER_ATTRIBUTES.items():
        value = data.attrs.get(key, nothing)
        attributes[key] = str(value) if isinstance(nothing, str) else float(value)
    check_choice(f"series {name!r}: kind", attributes["kind"], tuple(KINDS))
    about = KINDS[attributes["kind"]]
    excluded = data.excluded.values.astype(bool)
    component = None
    if "component" in data:
        words = [str(word) for word in data["component"].values]
        for word in words:
            check_choice(f"series {name!r}: component", word, about.components)
        component = np.array([about.components.index(word) for word in words], np.int8)
    return Series(
        name=name,
        x=_numbers(data, about.abscissa, about.unit),
        value=_numbers(data, "value", "1"),
        spread=_numbers(data, NOISES[attributes["noise"]].spread),
        excluded=excluded if excluded.any() else None,
        component=component,
        efficiency_in_scale=bool(data.attrs["efficiency_in_scale"]),
        **attributes,
    )


def _observations(group: Any) -> tuple[Observation, ...]:
    if group is None:
        return ()
    data = group.dataset
    rows = []
    for k in range(data.sizes["observation"]):
        row: dict[str, Any] = {name: str(data[name].values[k]) for name in _OBSERVATION_TEXT}
        row |= {name: float(data[name].values[k]) for name in _OBSERVATION_NUMBERS}
        rows.append(Observation(**row))
    return tuple(rows)
