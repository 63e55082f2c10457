"""Nothing is lost: the verbs that `interruptions.py` disturbs, and how their files are looked at."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from dissentangle import datasets

DISSENTANGLE = Path(sys.executable).with_name("dissentangle")


def numbers(path: Path) -> dict[str, np.ndarray]:
    """All arrays of numbers in a file: what must not depend on interruptions; times of work are no result."""
    if path.suffix not in (".nc", ".h5"):
        return {"bytes": np.frombuffer(path.read_bytes(), np.uint8)}
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: file[name][...] for name in file}
    with xr.open_datatree(path, engine="h5netcdf") as opened:  # left open, HDF5 would take the next file for this one
        tree = opened.load()
    return {
        f"{node.path}/{name}": np.asarray(v.values)
        for node in tree.subtree
        for name, v in node.dataset.data_vars.items()
        if v.dtype.kind in "if" and "seconds" not in str(name) and "time_" not in str(name)
    }


def same(one: Path, other: Path) -> bool:
    a, b = numbers(one), numbers(other)
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k], equal_nan=True) for k in a)


def whole(folder: Path) -> None:
    """Every file under its final name can be read to its end."""
    for path in [*folder.rglob("*.nc"), *folder.rglob("*.h5")]:
        if not path.name.startswith("."):
            with h5py.File(path, "r") as file:
                file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
    for path in folder.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text())
    for end, path in [(b"</html>", p) for p in folder.rglob("*.html")] + [(b"IEND", p) for p in folder.rglob("*.png")]:
        assert end in path.read_bytes()[-12:], f"{path}: not whole"
    for path in folder.rglob("simulated"):
        datasets.read(path)


def temporaries(folder: Path) -> int:
    return sum(path.name.endswith(".part") for path in folder.rglob("*"))


def names_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


SMALL = ("--draws", "200", "--tune", "200")


def fit_command(folder: Path) -> list[str]:
    return ["fit", "fig2b-d55", "-o", str(folder / "fit.nc")]


def campaign_command(folder: Path) -> list[str]:
    return ["campaign", str(folder.parent / "data"), "-o", str(folder), *SMALL]


def compare_command(folder: Path) -> list[str]:
    return ["compare", "fig2b-d55", "--models", "microscopic,two-level", "--no-refit", "-o", str(folder), *SMALL]


def sbc_command(folder: Path) -> list[str]:
    return ["sbc", "fig2b-d55", "-o", str(folder), "--simulations", "16", *SMALL]


def report_command(folder: Path) -> list[str]:
    return ["report", str(folder.parent / "fit of the report.nc"), "-o", str(folder / "fit.html")]


def simulate_command(folder: Path) -> list[str]:
    return ["simulate", "fig2b-d55", "-o", str(folder / "simulated")]


def demodulate_command(folder: Path) -> list[str]:
    return ["demodulate", "photocurrent-slice", "-o", str(folder / "records.h5"), "--shot-noise", "2e-10"]


VERBS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "fit": (fit_command, "fit.nc"),
    "campaign": (campaign_command, "summary.nc"),
    "compare": (compare_command, "microscopic.nc"),
    "sbc": (sbc_command, "sbc.nc"),
}
"""Command, and the file whose numbers count."""
QUICK_VERBS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "report": (report_command, "fit.html"),
    "simulate": (simulate_command, "simulated/xi.csv"),
    "demodulate": (demodulate_command, "records.h5"),
}
OLD = {
    "fit": ("--seed", "2"),
    "campaign": ("--seed", "2"),
    "compare": ("--seed", "2"),
    "sbc": ("--simulations", "8"),
}
"""Options that give old files, which the new run must replace."""


def prepare(base: Path, experiments: int) -> None:
    """What the verbs read."""
    for k in range(experiments):
        datasets.save(datasets.simulate_like(datasets.read("fig2b-d35"), seed=k), base / "data" / f"run{k}")


def arguments(command_of: Callable[[Path], list[str]], folder: Path, *more: str) -> list[str]:
    return [str(DISSENTANGLE), *command_of(folder), "--quiet", *more]
