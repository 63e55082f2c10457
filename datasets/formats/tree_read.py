"""An experiment from an xarray.DataTree in the layout of `tree`."""

from __future__ import annotations

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
    Observation,
    RecordSeries,
    Series,
    StageEntry,
    Truth,
    check_choice,
    check_experiment,
)
from ..kinds import KINDS
from .calibration import check_correlation
from .tree import (
    FORMAT_VERSION,
    MOVING,
    OBSERVATION_NUMBERS,
    OBSERVATION_TEXT,
    OTHER_ATTRIBUTES,
    SERIES_ATTRIBUTES,
    SERIES_TEXTS,
)


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
    except (LookupError, AttributeError, TypeError, ValueError, OverflowError) as error:
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


def _real(value: Any, where: str) -> float:
    """A single number, of a damaged file too."""
    if np.ndim(value) or np.asarray(value).dtype.kind not in "iufb":
        raise violation(where, value, "a real number")
    return float(value)


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
            str(run): _real(depth, f"run {run!r}: relative_depth")
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
    return {str(run): ConstantRun(str(how), str(begin)) for run, how, begin in rows if how != MOVING.populations}


def _record(name: str, data: Any) -> RecordSeries:
    samples, excluded, where = data["samples"], data["excluded"], f"records {name!r}"
    if samples.dims != ("quadrature", "record", "sample") or samples.dtype.kind != "f":
        found = f"{samples.dtype} with dimensions {', '.join(map(str, samples.dims))}"
        raise violation(f"{where}: samples", found, "floating-point numbers by quadrature, record, sample")
    if tuple(str(word) for word in data["quadrature"].values) != QUADRATURES:
        raise violation(f"{where}: quadrature", str(data["quadrature"].values), " and ".join(QUADRATURES))
    if excluded.dims != ("record",) or not np.isin(excluded.values, (0, 1)).all():
        raise violation(f"{where}: excluded", "other values", "0 or 1 for each record")
    return RecordSeries(
        name=name,
        samples=np.asarray(samples.values, np.float32),
        interval=_real(data.attrs["interval"], f"{where}: interval"),
        start=_real(data.attrs["start"], f"{where}: start"),
        run=str(data.attrs["run"]),
        excluded=excluded.values.astype(bool) if excluded.values.any() else None,
        note=str(data.attrs.get("note", "")),
        simulated=bool(int(data.attrs["simulated"])),
    )


def _truth(group: Any) -> Truth | None:
    if group is None:
        return None
    values = {str(name): _real(value.values, f"truth: {name}") for name, value in group.dataset.items()}
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
        str(name): Known(
            _real(known.values, f"apparatus: {name}"), _real(known.attrs["sigma"], f"apparatus: {name}: sigma")
        )
        for name, known in data.items()
        if _unit_is(str(name), known)
    }


def _unit_is(name: str, known: Any) -> bool:
    check_choice("apparatus", name, APPARATUS)
    if known.attrs.get("units") != PARAMETERS[name].unit:
        raise violation(f"apparatus: {name}: units", known.attrs.get("units"), repr(PARAMETERS[name].unit))
    return True


def _series(name: str, data: Any) -> Series:
    attributes: dict[str, Any] = {}
    for key in (*SERIES_ATTRIBUTES, *OTHER_ATTRIBUTES):
        value = data.attrs.get(key, OTHER_ATTRIBUTES[key]) if key in OTHER_ATTRIBUTES else data.attrs[key]
        attributes[key] = str(value) if key in SERIES_TEXTS else _real(value, f"series {name!r}: {key}")
    check_choice(f"series {name!r}: kind", attributes["kind"], tuple(KINDS))
    about = KINDS[attributes["kind"]]
    for column in ("excluded", "component"):
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
        row: dict[str, Any] = {name: str(data[name].values[k]) for name in OBSERVATION_TEXT}
        row |= {name: _real(data[name].values[k], f"observation {k + 1}: {name}") for name in OBSERVATION_NUMBERS}
        rows.append(Observation(**row))
    return tuple(rows)
