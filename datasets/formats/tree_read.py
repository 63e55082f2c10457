"""An experiment from an xarray.DataTree in the layout of `tree`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...forward_models import LIGHTS, NOISES, PARAMETERS
from ..errors import ExperimentError, violation
from ..experiment import (
    APPARATUS,
    QUADRATURES,
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
from ..kinds import KINDS
from .calibration import check_correlation
from .tree import FORMAT_VERSION, MOVING


def from_tree(tree: Any, where: str = "experiment") -> Experiment:
    """The experiment in a DataTree of the layout of `to_tree`, checked; `where`: what to call it in errors.

    Raises ExperimentError for another layout, a damaged one, or an invalid experiment.
    """
    return from_groups(tree.to_dict(relative=True) if hasattr(tree, "subtree") else {".": tree}, where)


def from_groups(groups: Mapping[str, Any], where: str = "experiment") -> Experiment:
    """The same from the groups of that tree by path, "." the outermost: variables by name, with attributes."""
    said = groups["."].attrs
    version = said.get("format_version")
    if version is None:
        raise violation(where, "no attribute format_version", "an experiment as this package writes it")
    if np.ndim(version) or version != FORMAT_VERSION:
        raise violation(f"{where}: format_version", version, f"{FORMAT_VERSION}")
    simulated = said.get("simulated")
    if np.ndim(simulated) or isinstance(simulated, str) or simulated not in (0, 1):
        raise violation(f"{where}: simulated", simulated, "0 (measured) or 1 (simulated)")
    try:
        experiment = _from_groups(groups, said)
    except ExperimentError:
        raise
    except (LookupError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise violation(where, f"{type(error).__name__}: {error}", "the layout of an experiment") from error
    return check_experiment(experiment, where)


def _numbers(data: Any, name: str, unit: str | None = None, dimensions: int = 1) -> np.ndarray:
    """A column of real numbers (a matrix: two dimensions), in the unit it must have."""
    column = data[name]
    found = column.attrs.get("units", unit)
    if found != unit:
        raise violation(f"{name}: units", repr(found), repr(unit))
    values = column.values
    if values.ndim != dimensions or values.dtype.kind not in "iuf":
        expected = "one dimension of real numbers" if dimensions == 1 else "two dimensions of real numbers"
        raise violation(name, f"{values.ndim} dimensions of {values.dtype}", expected)
    return np.asarray(values, float)


def _real(value: Any, where: str) -> float:
    """A single number, of a damaged file too."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "iufb":
        raise violation(where, value, "a real number")
    return float(value)


def _said(kind: type, data: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """What is said of a part of this class, from attributes; KeyError where one is missing that every file has."""
    found: dict[str, Any] = {}
    for entry in entries(kind):
        if entry.name != "name" and (entry.always or entry.name in data):
            value = data[entry.name]
            found[entry.name] = str(value) if entry.kind is str else entry.kind(_real(value, f"{where}: {entry.name}"))
    return found


def _from_groups(groups: Mapping[str, Any], said: Mapping[Any, Any]) -> Experiment:
    runs = groups["runs"]

    def inside(name: str) -> list[tuple[str, Any]]:
        parts = [(path.rpartition("/"), group) for path, group in groups.items()]
        return [(one, group) for (above, _, one), group in parts if above == name]

    return Experiment(
        title=str(said["title"]),
        simulated=bool(said["simulated"]),
        description=str(said.get("description", "")),
        date=str(said.get("date", "")),
        stages=_stages(groups["stages"], groups.get("powers")),
        run_depth={
            str(run): _real(depth, f"run {run!r}: relative_depth")
            for run, depth in zip(runs["run"].values, runs["relative_depth"].values, strict=True)
            if depth != 1.0
        },
        constant=_constant(runs),
        apparatus=_apparatus(groups["apparatus"]),
        series=tuple(_series(name, data) for name, data in inside("series")),
        records=tuple(_record(name, data) for name, data in inside("records")),
        observations=_observations(groups.get("observations")),
        priors={str(k): str(v) for k, v in groups["priors"].attrs.items()},
        truth=_truth(groups.get("truth")),
        known_of={name: _apparatus(data) for name, data in inside("known_of")},
        **_sharing(groups.get("sharing")),
        **_calibration(groups.get("calibration")),
    )


def _stages(data: Any, powers: Any) -> tuple[StageEntry, ...]:
    durations, runs = _numbers(data, "duration", "ms"), data["run"].values
    on = [frozenset(light for light in LIGHTS if data[light].values[k]) for k in range(len(durations))]
    power = _powers(powers, len(durations))
    return tuple(StageEntry(float(durations[k]), on[k], str(runs[k]), power[k]) for k in range(len(durations)))


def _powers(group: Any, count: int) -> list[tuple[LightPower, ...]]:
    """Of each stage."""
    if group is None:
        return [()] * count
    stage, time, value = _numbers(group, "stage"), _numbers(group, "time", "ms"), _numbers(group, "power")
    light = np.array([str(word) for word in group["light"].values])
    if not np.isin(stage, np.arange(count)).all() or not np.isin(light, list(LIGHTS)).all():
        raise violation("powers", "another stage or light", f"stages 0 to {count - 1}, and {', '.join(LIGHTS)}")
    found = []
    for k in range(count):
        rows = {one: (stage == k) & (light == one) for one in LIGHTS}
        of = {one: (tuple(time[row].tolist()), tuple(value[row].tolist())) for one, row in rows.items() if row.any()}
        found.append(tuple(LightPower(one, *numbers) for one, numbers in of.items()))
    return found


def _sharing(group: Any) -> dict[str, Any]:
    if group is None:
        return {}
    sharing = {str(k): str(v) for k, v in group.attrs.items()}
    if "member" not in group:
        return {"sharing": sharing}
    member = {str(r): str(m) for r, m in zip(group["run"].values, group["member"].values, strict=True)}
    return {"member": member, "sharing": sharing}


def _constant(runs: Any) -> dict[str, ConstantRun]:
    if "populations" not in runs:
        return {}
    rows = {str(run): _row(ConstantRun, runs, k) for k, run in enumerate(runs["run"].values)}
    return {run: row for run, row in rows.items() if row.populations != MOVING.populations}


def _record(name: str, data: Any) -> RecordSeries:
    samples, excluded, where = data["samples"], data["excluded"], f"records {name!r}"
    if samples.dims != ("quadrature", "record", "sample") or samples.values.dtype.kind != "f":
        found = f"{samples.values.dtype} with dimensions {', '.join(map(str, samples.dims))}"
        raise violation(f"{where}: samples", found, "floating-point numbers by quadrature, record, sample")
    if tuple(str(word) for word in data["quadrature"].values) != QUADRATURES:
        raise violation(f"{where}: quadrature", str(data["quadrature"].values), " and ".join(QUADRATURES))
    if excluded.dims != ("record",) or not np.isin(excluded.values, (0, 1)).all():
        raise violation(f"{where}: excluded", "other values", "0 or 1 for each record")
    return RecordSeries(
        name=name,
        samples=np.asarray(samples.values, np.float32),
        excluded=excluded.values.astype(bool) if excluded.values.any() else None,
        **_said(RecordSeries, data.attrs, where),
    )


def _truth(group: Any) -> Truth | None:
    if group is None:
        return None
    values = {str(name): _real(value.values, f"truth: {name}") for name, value in group.items()}
    return Truth(values, str(group.attrs["closure"]), int(group.attrs["seed"]))


def _calibration(group: Any) -> dict[str, Any]:
    if group is None:
        return {}
    labels = tuple(str(label) for label in group["label"].values)
    matrix = np.asarray(group["correlation"].values, float).reshape(len(labels), len(labels))
    check_correlation("calibration: correlation", matrix)
    priors = {str(label): str(text) for label, text in group.attrs.items()}
    return {"calibrated": priors, "correlated": labels, "correlation": matrix}


def _apparatus(data: Any) -> dict[str, Known]:
    found = {}
    for name, known in data.items():
        where = f"apparatus: {name}"
        check_choice("apparatus", name, APPARATUS)
        if known.attrs.get("units") != PARAMETERS[name].unit:
            raise violation(f"{where}: units", known.attrs.get("units"), repr(PARAMETERS[name].unit))
        found[str(name)] = Known(_real(known.values, where), _real(known.attrs["sigma"], f"{where}: sigma"))
    return found


def _series(name: str, data: Any) -> Series:
    said = _said(Series, data.attrs, f"series {name!r}")
    check_choice(f"series {name!r}: kind", said["kind"], tuple(KINDS))
    about = KINDS[said["kind"]]
    for column in ("excluded", "component", "taken"):
        if column in data and data[column].dims != data["value"].dims:
            found = ", ".join(map(str, data[column].dims))
            raise violation(f"series {name!r}: {column}", f"dimensions {found}", "those of value")
    if not np.isin(data["excluded"].values, (0, 1)).all():
        raise violation(f"series {name!r}: excluded", "other values", "0 or 1 for each point")
    excluded = data["excluded"].values.astype(bool)
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
        spread=_numbers(data, NOISES[said["noise"]].spread),
        excluded=excluded if excluded.any() else None,
        component=component,
        taken=_numbers(data, "taken") if "taken" in data else None,
        covariance=_numbers(data, "covariance", dimensions=2) if "covariance" in data else None,
        **said,
    )


def _observations(group: Any) -> tuple[Observation, ...]:
    if group is None:
        return ()
    return tuple(_row(Observation, group, k) for k in range(group.sizes["observation"]))


def _row(kind: Any, data: Any, k: int) -> Any:
    """What is said of the k-th part of this class, from variables."""
    return kind(**_said(kind, {name: data[name].values[k] for name in data}, f"{kind.__name__.lower()} {k + 1}"))
