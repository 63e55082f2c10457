"""Columns of Parquet files, as pandas and Polars write them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .sliced import Sliced


def open_parquet(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Columns by name; one is read whole when it is sliced for the first time. Missing values are NaN."""
    import pyarrow.parquet as pq

    file = stack.enter_context(pq.ParquetFile(path))

    def reader(name: str) -> Callable[[Any], np.ndarray]:
        whole = cache(lambda: file.read(columns=[name]).column(name).to_numpy())
        return lambda rows: np.asarray(whole()[rows])

    def kind(field: Any) -> np.dtype:
        try:
            return np.dtype(field.type.to_pandas_dtype())  # type: ignore[no-any-return]
        except (NotImplementedError, TypeError):
            return np.dtype("V")

    rows = file.metadata.num_rows
    return {field.name: Sliced((rows,), kind(field), reader(field.name)) for field in file.schema_arrow}
