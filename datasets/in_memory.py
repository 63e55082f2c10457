"""A series from what is in memory: a pandas DataFrame, an xarray Dataset, a dict of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .checks import check_choice
from .columns import table_of
from .errors import nearest, violation
from .experiment import Series
from .kinds import KINDS


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
    units : our column → unit, where it is not ms or deg
    name : by default that of the kind;  noise : by default that of the column sigma or repetitions
    more : other fields of `Series`: run, scale_uncertainty, probe_duration (ms), …

    Raises
    ------
    ExperimentError : for unknown kinds and missing columns; what the values must be is checked with the experiment
    """
    check_choice("kind", kind, tuple(KINDS))
    about = KINDS[kind]
    known = (about.abscissa, *about.components, "sigma", "repetitions", "exclude")
    there = [str(key) for key in (data.variables if hasattr(data, "variables") else data.keys())]
    names: Mapping[str, str | float] = columns or {ours: ours for ours in known if ours in there}
    found: dict[str, np.ndarray] = {}
    for ours, theirs in names.items():
        check_choice("columns", ours, known)
        if isinstance(theirs, str):
            if theirs not in there:
                raise violation(f"column {theirs!r}{nearest(theirs, there)}", "no such column", ", ".join(there))
            found[ours] = np.asarray(data[theirs], float)
    rows = len(next(iter(found.values()))) if found else 0
    found |= {ours: np.full(rows, float(n)) for ours, n in names.items() if not isinstance(n, str)}
    table = table_of(found, about, "data", dict(units or {}))
    return Series(
        name=name or kind,
        kind=kind,
        x=table.points.x,
        value=table.value,
        spread=table.spreads,
        noise=noise or about.default_noise(table.spread),
        excluded=table.excluded,
        component=table.points.component,
        **more,
    )
