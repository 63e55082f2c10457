"""Nothing is lost: verbs that write are killed at random moments, and then go on.

python benchmarks/interruptions.py [KILLS] [VERB ...]     VERB: fit, campaign, compare, sbc; 50 kills each by default

After each kill the files are looked at: each must be whole, the old one or the new one. At the end the verb runs
undisturbed, and its numbers must be those of a run that was never killed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from dissentangle import datasets, inference

DISSENTANGLE = Path(sys.executable).with_name("dissentangle")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def numbers(path: Path) -> dict[str, np.ndarray]:
    """All arrays of numbers in a file: what must not depend on interruptions; times of work are no result."""
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
    for path in folder.rglob("*.nc"):
        if not path.name.startswith("."):
            with h5py.File(path, "r") as file:
                file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
    for path in folder.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text())


def killed(command: list[str], after: float, kind: signal.Signals) -> bool:
    """Run, and kill after so many seconds; whether it was still running. Children go with it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        if kind == signal.SIGKILL:
            os.killpg(process.pid, kind)
        else:
            process.send_signal(kind)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return True


def fit_command(folder: Path) -> list[str]:
    return ["fit", "fig2b-d55", "-o", str(folder / "fit.nc"), "--quiet"]


def campaign_command(folder: Path) -> list[str]:
    return ["campaign", str(folder.parent / "data"), "-o", str(folder), "--quiet"]


def compare_command(folder: Path) -> list[str]:
    return ["compare", "fig2b-d55", "--models", "microscopic,fixed-number,two-level", "-o", str(folder), "--quiet"]


def sbc_command(folder: Path) -> list[str]:
    return ["sbc", "fig2b-d55", "-o", str(folder), "--simulations", "24", "--draws", "200", "--quiet"]


VERBS: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "fit": (fit_command, "fit.nc"),
    "campaign": (campaign_command, "summary.nc"),
    "compare": (compare_command, "microscopic.nc"),
    "sbc": (sbc_command, "sbc.nc"),
}


def interrupted(verb: str, kills: int, base: Path, seed: int = 1) -> str:
    """Kill a verb so often, let it end, compare; a row of a table. AssertionError where something was lost."""
    command_of, result = VERBS[verb]
    undisturbed, disturbed = base / f"{verb} undisturbed", base / f"{verb} disturbed"
    undisturbed.mkdir(), disturbed.mkdir()
    rng, begin = random.Random(seed), time.perf_counter()
    subprocess.run([DISSENTANGLE, *command_of(undisturbed)], check=False, capture_output=True)
    took = time.perf_counter() - begin
    old = None
    if verb == "fit":  # over an older file, which must be there until the new one is
        old = base / "old.nc"
        inference.save_fit(inference.fit("fig2b-d55", seed=9, draws=100), old)
    running, states = 0, {"old": 0, "new": 0, "none": 0}
    for k in range(kills):
        if old is not None:
            shutil.copy(old, disturbed / "fit.nc")
        elif k % 5 == 4:  # now and then from the beginning
            shutil.rmtree(disturbed)
            disturbed.mkdir()
        running += killed(
            [str(DISSENTANGLE), *command_of(disturbed)], rng.uniform(0.2, 1.02 * took), rng.choice(SIGNALS)
        )
        whole(disturbed)
        if old is not None:
            states["old" if same(disturbed / "fit.nc", old) else "new"] += 1
            assert same(disturbed / "fit.nc", old) or same(disturbed / "fit.nc", undisturbed / "fit.nc")
    subprocess.run([DISSENTANGLE, *command_of(disturbed)], check=False, capture_output=True)
    assert same(disturbed / result, undisturbed / result), f"{verb}: other numbers after interruptions"
    left = sum(path.name.endswith(".part") for path in disturbed.rglob("*"))
    seen = f"{states['old']} old, {states['new']} new" if old is not None else "all whole"
    return f"| {verb} | {kills} | {running} | {seen} | the same | {left} | {took:.1f} |"


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for k in range(6):
            datasets.save(datasets.simulate_like(datasets.read("fig2b-d35"), seed=k), place / "data" / f"run{k}")
        print("| verb | kills | while it ran | files after a kill | numbers in the end | temporary files left |"
              " undisturbed, s |\n|---|---|---|---|---|---|---|")  # fmt: skip
        for verb in sys.argv[2:] or VERBS:
            print(interrupted(verb, count, place), flush=True)
