"""Square matrices of numbers, such as covariances."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ExperimentError, violation
from .table import read_table


def read_matrix(path: Path, count: int) -> np.ndarray:
    """count × count numbers, a row per line, with or without a line of names."""
    names = [str(k) for k in range(1, count + 1)]
    expected = f"{count} × {count} numbers: a row and a column for each point of the series"
    try:
        columns = read_table(path, names, {name: f"#{name}" for name in names})
    except ExperimentError as error:
        raise ExperimentError(f"{error}, in {expected}") from error
    matrix = np.stack([columns[name] for name in names], axis=-1)
    if len(matrix) != count:
        raise violation(str(path), f"{len(matrix)} rows", expected)
    return matrix
