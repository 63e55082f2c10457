"""A series from what is in memory: a pandas DataFrame, an xarray Dataset, a dict of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import check_keys, nearest, violation
from ..experiment import Series, check_choice
from ..kinds import KINDS, Kind
from ..units import plain_number
from .columns import table_of


def series_of(
    data: Any,
    kind: str,
    *,
    columns: Mapping[str, str | float] | None = None,
    units: Mapping[str, str] | None = None,
    name: str = "",
    noise: str = "",
    **more: Any,
) -> Series:
    """A series for an `Experiment`.

    Parameters
    ----------
    data : whatever gives columns by name: pandas.DataFrame, xarray.Dataset, dict of arrays
    kind : of the series, see `KINDS`
    columns : our column (time, value, sigma, …) → its name in `data`, or a number for all rows; by default our names
    units : our column → unit, where it is not ms or deg; xarray's own attribute `units` counts too
    name : by default that of the kind;  noise : by default that of the column sigma or repetitions
    more : other fields of `Series`: run, scale_uncertainty, probe_duration (ms), …

    Raises
    ------
    ExperimentError : for unknown kinds and missing columns; what the values must be is checked with the experiment
    """
    check_choice("kind", kind, tuple(KINDS))
    check_keys("series", more, [f.name for f in fields(Series) if f.name not in _GIVEN])
    for key, value in more.items():
        if isinstance(value, str) and key not in ("run", "note"):
            raise violation(f"series: {key}", repr(value), "a number, times in ms")
    about = KINDS[kind]
    known = about.columns
    check_keys("columns", dict(columns or {}), known)
    check_keys("units", dict(units or {}), known)
    found, stated = _mapped(data, about, columns, units)
    table = table_of(found, about, "data", stated)
    return table.series(name or kind, about, noise, "data", **more)


def _mapped(
    data: Any, about: Kind, columns: Mapping[str, Any] | None, units: Mapping[str, str] | None
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Columns by our names, constant ones filled in, and their units."""
    known = about.columns
    there = _columns_of(data)
    names: Mapping[Any, Any] = columns or {ours: ours for ours in known if ours in there}
    found: dict[str, np.ndarray] = {}
    stated = dict(units or {})
    for ours, theirs in names.items():
        if isinstance(theirs, str) or theirs in there:
            if theirs not in there:
                some = [str(name) for name in there]
                raise violation(f"column {theirs!r}{nearest(theirs, some)}", "no such column", ", ".join(some))
            found[ours] = _numbers(str(theirs), there[theirs])
            unit = getattr(there[theirs], "attrs", {}).get("units")
            if ours == about.abscissa and isinstance(unit, str) and stated.setdefault(ours, unit) != unit:
                raise violation(f"units: {ours}", repr(stated[ours]), f"{unit!r}, as the data say")
    if not found:
        raise violation("data", "no column in use", f"columns {', '.join(known)}, or names for them")
    rows = len(next(iter(found.values())))
    for ours, number in names.items():
        if ours not in found:
            found[ours] = np.full(rows, plain_number(number, f"columns: {ours}"))
    return found, stated


_GIVEN = ("name", "kind", "x", "value", "spread", "noise", "excluded", "component")


def _columns_of(data: Any) -> dict[Any, Any]:
    """Columns by name; an index or coordinate with a name is one too."""
    if hasattr(data, "columns") and hasattr(data, "index"):  # pandas
        names = list(data.columns)
        for name in names:
            if names.count(name) > 1:
                raise violation(f"column {name!r}", "the column twice", "each column once")
        index = {} if data.index.name is None else {data.index.name: data.index}
        return index | {name: data[name] for name in names}
    if hasattr(data, "data_vars"):  # xarray
        return {name: data[name] for name in data.variables}
    return dict(data)


def _numbers(name: str, column: Any) -> np.ndarray:
    """A column of real numbers."""
    values = np.ma.asanyarray(column) if isinstance(column, np.ma.MaskedArray) else np.asarray(column)
    if np.ma.is_masked(values):
        raise violation(f"column {name!r}", "masked entries", "a number in each")
    if values.dtype.kind not in "iufb" or values.ndim != 1:
        found = f"{values.ndim} dimensions of {values.dtype}"
        raise violation(f"column {name!r}", found, "one dimension of real numbers (times in ms, or with `units`)")
    return np.asarray(values, float)
