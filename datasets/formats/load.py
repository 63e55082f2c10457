"""Loading and saving: a bundled name, a folder or a NetCDF file in and out; series from what is in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bundled_files import BUNDLED, FILE, require_source
from ..errors import ExperimentError, check_keys, in_python, nearest, violation
from ..experiment import Experiment, Series, check_choice, date_of, entries
from ..files import check_size, open_groups, read_toml, write_tree
from ..kinds import KINDS, Kind, arguments_for
from ..units import unit_in, unit_of
from .column_values import factors_of
from .columns import ColumnNames, fill_in, table_of
from .folder import CheckPriors, read_folder
from .folder_write import write_folder
from .tree import to_tree
from .tree_read import from_groups, from_tree

if TYPE_CHECKING:
    from xarray import DataTree


_TABLES = (".csv", ".tsv", ".txt", ".dat", ".xlsx", ".mat", ".npy", ".npz", ".parquet", ".tdms", ".lvm")


def read(
    source: str | Path | DataTree,
    *,
    template: str | Path | None = None,
    check_priors: CheckPriors | None = None,
) -> Experiment:
    """The experiment behind a bundled name, a folder, an experiment.toml, a NetCDF file or a DataTree.

    template : an experiment.toml that describes the data in the folder, or the one table, `source`
    check_priors : checks the table [prior] of an experiment.toml, priors by parameter and its place; what it raises is
        said with all else that is wrong. `inference` checks it when the experiment is fitted

    Raises ExperimentError: what was found where, and what is expected.
    """
    if not isinstance(source, (str, Path)):
        return from_tree(source)
    if template is not None:
        return read_with(template, source, check_priors)
    path = Path(source)
    if path.is_dir():
        if not (path / FILE).is_file():
            inside = sorted(one.name for one in path.iterdir() if (one / FILE).is_file())
            several = f"one of its folders, or several for a joint fit: {', '.join(inside)}"
            expected = several if inside else f"one: `dissentangle init {path}` writes it"
            raise violation(f"{path}", f"a folder without {FILE}", expected)
        return read_folder(path, check_priors=check_priors)
    if path.is_file():
        return read_folder(path.parent, check_priors=check_priors) if path.name == FILE else _in_file(path)
    require_source(source)
    return read_folder(BUNDLED / str(source))


def read_with(template: str | Path, source: str | Path, check_priors: CheckPriors | None = None) -> Experiment:
    """The data of a folder, or of one file, as the experiment.toml `template` describes them.

    Title and date are completed by the name of the source. A calibration that the template names lies beside it.

    Raises
    ------
    ExperimentError : as `read` does; for a single file where the template names several
    """
    path, place = _template(template), Path(source)
    table = read_toml(path)
    if place.is_file():
        names = _files(table)
        if len(names) != 1:
            expected = f"one, which {place.name} replaces, or folders that contain all of them"
            raise violation(f"{path}: series", f"the files {', '.join(names)}", expected)
        table["series"] = [row | {"file": place.name} for row in table["series"]]
    elif not place.is_dir():
        raise violation(str(place), "no such folder or file", "a folder or a table of data")
    experiment = read_folder(place if place.is_dir() else place.parent, path, table, check_priors)
    name = place.name if place.is_dir() else place.stem
    return replace(experiment, title=f"{experiment.title}: {name}", date=date_of(name) or experiment.date)


def data_sets(template: str | Path, place: str | Path) -> list[Path]:
    """The data sets in a place: itself; the folders in it that hold files of the template; or else the files in it that
    end as the one of the template. Hidden ones are none.

    Raises ExperimentError where there are none.
    """
    path, names = Path(place), _files(read_toml(_template(template)))
    if path.is_file() or any((path / name).is_file() for name in names):
        return [path]
    if not path.is_dir():
        raise violation(str(path), "no such folder or file", "folders or tables of data")
    inside = [one for one in sorted(path.iterdir()) if not one.name.startswith(".")]
    folders = [one for one in inside if any((one / name).is_file() for name in names)]
    endings = {Path(name).suffix.lower() for name in names}
    found = folders or [one for one in inside if one.is_file() and one.suffix.lower() in endings]
    if not found:
        raise violation(str(path), "no data set", f"folders with {', '.join(names)}, or files ending so")
    return found


def _template(template: str | Path) -> Path:
    path = Path(template)
    return path / FILE if path.is_dir() else path


def _files(table: dict[str, Any]) -> list[str]:
    """Names of the data files of a template, each once."""
    rows = [row for row in table.get("series") or [] if isinstance(row, dict)]
    return list(dict.fromkeys(str(row["file"]) for row in rows if "file" in row))


def _in_file(path: Path) -> Experiment:
    """The experiment in a NetCDF file; that of a fit where the file is one."""
    check_size(path)
    if path.suffix.lower() in _TABLES:
        expected = f"the folder of an {FILE} that names it: `dissentangle init FOLDER` writes one"
        raise violation(f"{path}", "a table", expected)
    groups = open_groups(path)
    if "experiment" in groups and "posterior" in groups:
        inside = {name[11:]: one for name, one in groups.items() if name.startswith("experiment/")}
        return from_groups(inside | {".": groups["experiment"]}, f"{path}: experiment")
    return from_groups(groups, str(path))


def load(source: str | Path | DataTree) -> DataTree:
    """The experiment that `read` would return, as an xarray.DataTree; see `to_tree` for its layout.

    Raises ExperimentError, as `read` does.

    >>> from dissentangle import datasets
    >>> list(datasets.load("fig2b-d55")["series"].children)
    ['xi', 'polarization', 'transverse_spin']
    """
    return to_tree(read(source))


def save(experiment: Experiment | DataTree, path: str | Path) -> None:
    """Write an experiment so that `read` gives it back without loss: a NetCDF file (.nc), else a new folder.

    Raises ExperimentError where something is there already, for a tree that is no experiment, and for a joint
    experiment that is to be a folder.
    """
    checked = experiment if isinstance(experiment, Experiment) else from_tree(experiment)
    target = Path(path)
    if target.suffix == ".nc":
        if target.exists():
            raise ExperimentError(f"{target}: already exists; expected the name of a new file")
        write_tree(to_tree(checked), target)
    else:
        write_folder(checked, target)


@in_python()
def series_of(
    data: Any,
    kind: str,
    *,
    columns: Mapping[str, str | float] | None = None,
    units: Mapping[str, str] | None = None,
    factor: Mapping[str, float] | None = None,
    average: int = 0,
    name: str = "",
    noise: str = "",
    **more: Any,
) -> Series:
    """A series for an `Experiment`.

    Parameters
    ----------
    data : columns by name: pandas.DataFrame, xarray.Dataset or DataArray, Arrow table, structured array, dict of arrays
    kind : of the series: xi, polarization, light_variance, …; docs/reference/series.md has all
    columns : our column (time, value, sigma, …) → its name in `data`, or a number for all rows; by default our names
    units : our column → unit, where it is not ms or deg, and neither xarray's attribute `units` nor the name of the
        column ("T (µs)", "t_s") says so; "dB" of variances
    factor : our column → number by which it is multiplied; that of the values holds for sigma, too
    average : so many consecutive rows are averaged into one point, whose sigma follows from their scatter; 0: none
    name : by default that of the kind;  noise : by default that of the column sigma or repetitions
    more : other fields of `Series`: run, scale_uncertainty, probe_duration (ms), …

    Returns
    -------
    The series, with as many values as `data` has rows times the components of its kind.

    Raises
    ------
    ExperimentError : for unknown kinds and missing columns; what the values must be is checked with the experiment

    >>> from dissentangle import datasets
    >>> data = {"t": [1000.0, 2000.0], "xi": [0.95, 0.91]}
    >>> columns = {"time": "t", "value": "xi", "sigma": 0.02}
    >>> [float(t) for t in datasets.series_of(data, "xi", columns=columns, units={"time": "us"}).x]
    [1.0, 2.0]
    """
    check_choice("kind", kind, tuple(KINDS))
    kinds = {entry.name: entry.kind for entry in entries(Series) if entry.name not in ("name", "kind", "noise")}
    check_keys("series", more, kinds)
    for key, value in more.items():
        if isinstance(value, str) and kinds[key] is not str:
            raise violation(f"series: {key}", repr(value), "a number, times in ms")
    about = KINDS[kind]
    check_keys("columns", dict(columns or {}), about.columns)
    check_keys("units", dict(units or {}), about.columns)
    found, stated, told = _mapped(data, about, columns, units)
    if told:
        more["note"] = "; ".join(filter(None, (more.get("note"), told)))
    factors = factors_of(factor or {}, about, "factor")
    table = table_of(found, about, "data", ColumnNames({}, stated, where="series", factors=factors, average=average))
    return table.series(name or kind, about, noise, "data", **more)


def _mapped(
    data: Any, about: Kind, columns: Mapping[str, Any] | None, units: Mapping[str, str] | None
) -> tuple[dict[str, np.ndarray], dict[str, str], str]:
    """Columns by our names, constant ones filled in; their units; and what to tell of one in the name of a column."""
    known, there, stated = about.columns, _columns_of(data), dict(units or {})
    names = {ours: ours for ours in (("exclude",) if columns else known) if ours in there} | dict(columns or {})
    found: dict[str, np.ndarray] = {}
    some, told = [str(name) for name in there], ""
    right = {ours: name for ours, name in names.items() if not isinstance(name, str) or name in there}
    argument = arguments_for(about, some, right) if some else ""
    for ours, theirs in names.items():
        if isinstance(theirs, str) or theirs in there:
            if theirs not in there:
                expected = f"{', '.join(some)}{argument and f': such as {argument}'}"
                raise violation(f"column {theirs!r}{nearest(theirs, some)}", "no such column", expected)
            found[ours] = _numbers(str(theirs), there[theirs])
            unit = unit_of(there[theirs], f"units: {ours}") if ours == about.abscissa else None
            if unit is not None and stated.setdefault(ours, unit) != unit:
                raise violation(f"units: {ours}", repr(stated[ours]), f"{unit!r}, as the data say")
            if ours == about.abscissa and ours not in stated and (named := unit_in(str(theirs), about.unit)):
                stated[ours], told = named, f"{ours} in {named}, as the name of its column says"
    if not found:
        said = f"names for them, such as {argument}" if argument else "names for them"
        raise violation("data", "no column in use", f"columns {', '.join(known)}, or {said}")
    fill_in(found, names, "columns")
    return found, stated, told


def _columns_of(data: Any) -> dict[Any, Any]:
    """Columns by name; an index or coordinate with a name is one too."""
    data = data.to_pandas() if hasattr(data, "column_names") else data  # Arrow
    if hasattr(data, "columns") and hasattr(data, "index"):  # pandas
        names = list(data.columns)
        for name in (name for name in names if names.count(name) > 1):
            raise violation(f"column {name!r}", "the column twice", "each column once")
        index = {} if data.index.name is None else {data.index.name: data.index}
        return index | {name: data[name] for name in names}
    if hasattr(data, "dims"):  # xarray
        data = data if hasattr(data, "data_vars") else data.to_dataset(name=data.name or "value")
        return {name: data[name] for name in data.variables}
    if isinstance(data, np.ndarray) and data.dtype.names:
        return {name: data[name] for name in data.dtype.names}
    if not isinstance(data, Mapping):
        raise violation(
            "data", type(data).__name__, "columns by name: of pandas, xarray, Arrow, …, or a dict of arrays"
        )
    return dict(data)


def _numbers(name: str, column: Any) -> np.ndarray:
    """A column of real numbers."""
    column = getattr(column, "magnitude", column)  # of a quantity of Pint
    values = np.ma.asanyarray(column) if isinstance(column, np.ma.MaskedArray) else np.asarray(column)
    if np.ma.is_masked(values):
        raise violation(f"column {name!r}", "masked entries", "a number in each")
    if values.dtype.kind not in "iufb" or values.ndim != 1:
        expected = "one dimension of real numbers (times in ms, or with `units`)"
        raise violation(f"column {name!r}", f"{values.ndim} dimensions of {values.dtype}", expected)
    return np.asarray(values, float)
