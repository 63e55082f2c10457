"""Draws of a fit as a table for other programs: CSV, Parquet, NetCDF."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import ExperimentError
from ...datasets.files import write_bytes, write_tree
from ..choices import GROUPS

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

FORMATS = (".csv", ".parquet", ".nc")


def export(fit: DataTree, path: str | Path, *, group: str = "posterior") -> Path:
    """Write the draws of one group: a row per draw; columns chain, draw, and one for each scalar.

    Parameters
    ----------
    path : .csv, .parquet, or .nc (the group as it is, with its dimensions)
    group : "posterior", "prior", "derived", "posterior_predictive", "prior_predictive" or "log_likelihood"

    Raises
    ------
    ExperimentError : for an unknown group, or a name that ends otherwise
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise ExperimentError(f"{path}: found an unknown kind of table, expected a name ending in {', '.join(FORMATS)}")
    if group not in GROUPS or group not in fit.children:
        present = [name for name in GROUPS if name in fit.children]
        raise ExperimentError(f"export: found no group {group!r}, expected one of {', '.join(present)}")
    data = fit[group].dataset
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() == ".nc":
        from xarray import DataTree

        write_tree(DataTree(data), target)
    else:
        write_bytes(_as_bytes(columns_of(data), target.suffix.lower()), target)
    return target


def columns_of(data: Dataset) -> dict[str, np.ndarray]:
    """Columns of a group by name: chain, draw, then `name` or `name[entry]`, (chain × draw,) each."""
    chains, draws = data["chain"].values, data["draw"].values
    columns = {"chain": np.repeat(chains, len(draws)), "draw": np.tile(draws, len(chains))}
    for name, variable in data.data_vars.items():
        values = np.asarray(variable.values).reshape(len(chains) * len(draws), -1)
        if variable.ndim == 2:
            columns[str(name)] = values[:, 0]
            continue
        entries = [entry if isinstance(entry, str) else f"{entry:g}" for entry in variable[variable.dims[-1]].values]
        repeated = len(set(entries)) < len(entries)
        for k, entry in enumerate(entries):
            columns[f"{name}[{entry}{f' #{k}' if repeated else ''}]"] = values[:, k]
    return columns


def _as_bytes(columns: dict[str, np.ndarray], suffix: str) -> bytes:
    import pyarrow as pa
    from pyarrow import csv, parquet

    table = pa.table(columns)
    stream = io.BytesIO()
    if suffix == ".csv":
        csv.write_csv(table, stream)
    else:
        parquet.write_table(table, stream)
    return stream.getvalue()
