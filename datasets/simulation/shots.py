"""Simulated shots: a series of variances as the file of single shots that reduces to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import violation
from ..experiment import Series
from ..kinds import SHOTS
from ..tables import write_table


def write_shots(series: Series, path: str | Path, *, seed: int) -> None:
    """Write Gaussian shots (CSV: time or number, cos, sin) whose variances at each time are those of the series.

    To try out the reading of shots (`kind = "quadratures"`); the numbers of repetitions are those of the series.
    Raises ExperimentError for a kind that has no shots.
    """
    if series.kind not in SHOTS:
        raise violation(f"series {series.name!r}", series.kind, f"one of {', '.join(SHOTS)}")
    rng = np.random.default_rng(seed)
    parts = []
    for x, variances, repetitions in zip(
        series.x[::2], series.value.reshape(-1, 2), series.spread[::2].astype(int), strict=True
    ):
        shots = rng.standard_normal((repetitions, 2))
        shots = (shots - shots.mean(axis=0)) / shots.std(axis=0, ddof=1) * np.sqrt(variances)
        parts.append(np.column_stack([np.full(repetitions, x), shots]))
    rows = np.concatenate(parts)
    write_table(Path(path), dict(zip((SHOTS[series.kind], "cos", "sin"), rows.T, strict=True)))
