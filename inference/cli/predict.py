"""The verb `predict`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import ExperimentError
from ...datasets.units import quantity
from .options import number_pair
from .output import Output
from .paths import figure_target, writable

if TYPE_CHECKING:
    from xarray import Dataset

_QUANTILES = (0.03, 0.25, 0.5, 0.75, 0.97)
_PRINTED = 12


def predict(given: argparse.Namespace) -> int:
    """Quantiles of what the model predicts, as a table, a file, a figure."""
    output = Output(given)
    times = None if given.times is None else _times(given.times)
    stages = None if given.stage is None else [_stage(text) for text in given.stage]
    changes = dict(number_pair("--set", text) for text in given.set)
    target = writable(given.output, given.fit) if given.output else None
    if target is not None and target.suffix.lower() not in (".csv", ".nc"):
        raise ExperimentError(f"{target}: found no known kind of file, expected a name ending in .csv or .nc")
    figure = figure_target(given.figure)
    from ..fits import predict as predicted
    from ..fits import read_fit

    asked = None if given.what is None else [word.strip() for word in given.what.split(",")]
    result = predicted(read_fit(given.fit), times=times, stages=stages, run=given.of_run, changes=changes,
                       quantities=asked)  # fmt: skip
    quantities = [str(name) for name in result.data_vars if name != "stage_lights"]
    said = [part for part in (result.attrs["stages"], result.attrs["changes"]) if part]
    output.text(f"{result.attrs['title']}: {'; '.join(said)} (median, 94 % interval)\n")
    output.text(_table(result, quantities))
    if target is not None:
        _write(result, quantities, target)
        output.written(target)
    if figure is not None:
        from ..figures import plot_prediction, write

        write(plot_prediction(result), figure)
        output.written(figure)
    facts = {name: np.quantile(result[name].values, _QUANTILES, axis=0).tolist() for name in quantities}
    about = {"run": result.attrs["run"], "stages": result.attrs["stages"], "quantiles": list(_QUANTILES)}
    output.facts(about | {"time": result["time"].values.tolist(), **facts})
    return 0


def _times(text: str) -> np.ndarray:
    try:
        if ":" in text:
            first, last, count = text.split(":")
            if not 1 <= int(count) <= 100_000:
                raise ValueError(count)
            return np.linspace(float(first), float(last), int(count))
        return np.array([float(word) for word in text.split(",")])
    except ValueError as error:
        raise ExperimentError(
            f"--times: found {text[:60]!r}, expected FIRST:LAST:COUNT or numbers joined by commas, in ms"
        ) from error


def _stage(text: str) -> tuple[float, str]:
    """'15 ms drive+pump' as a duration in ms and its lights."""
    *duration, lights = text.split()
    return quantity(" ".join(duration), "ms", f"--stage {text[:60]!r}"), lights


def _table(result: Dataset, quantities: list[str]) -> str:
    from ..text import number, table

    times = result["time"].values
    rows = []
    for k in range(0, len(times), max(1, len(times) // _PRINTED)):
        cells = [f"{times[k]:g}", str(result["stage_lights"].values[k])]
        for name in quantities:
            low, middle, high = np.quantile(result[name].values[:, k], [0.03, 0.5, 0.97])
            scale = (high - low) / 4
            cells.append(f"{number(middle, scale)} [{number(low, scale)}, {number(high, scale)}]")
        rows.append(cells)
    return table(["t (ms)", "light", *quantities], rows)


def _write(result: Dataset, quantities: list[str], target: Path) -> None:
    from ...datasets.files import write_bytes, write_tree

    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() == ".nc":
        from xarray import DataTree

        write_tree(DataTree(result), target)
        return
    header = ["time (ms)", *(f"{name} {100 * q:g} %" for name in quantities for q in _QUANTILES)]
    columns = [np.quantile(result[name].values, _QUANTILES, axis=0) for name in quantities]
    body = np.concatenate([result["time"].values[None], *columns])
    lines = [",".join(header), *(",".join(f"{value:.8g}" for value in row) for row in body.T)]
    write_bytes(("\n".join(lines) + "\n").encode(), target)
