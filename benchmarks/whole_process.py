"""`dissentangle fit fig2b-d55` as a whole process, and where its time goes; `--help` and a bad argument.

python benchmarks/whole_process.py [RUNS]        (with Python bytecode present: run it twice)
python benchmarks/whole_process.py RUNS MEMBERS [OPTION ...]
    so many experiments in one joint fit, 4 × (200 + 200) draws; options of `fit`, such as
    --share pure_dephasing_rate=population

Also by ratio to importing pymc and nutpie, least of the runs of each in turns: wall and CPU seconds; for data that no
process has fitted before, and again, with the machine code that the first one kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PARTS = """
import time
marks = [("interpreter", time.perf_counter())]
def mark(name): marks.append((name, time.perf_counter()))
import numpy; mark("import numpy")
import xarray, h5netcdf; mark("import xarray, h5netcdf")
import pymc; mark("import pymc")
import nutpie; mark("import nutpie (and arviz)")
import casadi, llvmlite.binding, scipy.optimize, arviz_stats.base; mark("import casadi, llvmlite, the rest")
from dissentangle.datasets import read
from dissentangle.datasets.files import write_tree
from dissentangle.inference.fits import fit_problem
from dissentangle.inference.model import SamplerSettings
from dissentangle.inference.model import ModelSettings, Problem
experiment = read("fig2b-d55"); mark("read the experiment")
tree = fit_problem(Problem(experiment), SamplerSettings(1)); mark("fit")
import json, pathlib, sys; write_tree(tree, pathlib.Path(sys.argv[1])); mark("write NetCDF")
spent = json.loads(tree.attrs["timings"])
for (_, a), (name, b) in zip(marks, marks[1:]):
    if name != "fit": print(f"{name:40} {b - a:6.2f} s")
    else:
        print(f"{'model, translate and compile':40} {spent['prepare']:6.2f} s")
        print(f"{'sample':40} {spent['sample']:6.2f} s")
        print(f"{'predictions, derived, diagnostics':40} {b - a - spent['sample'] - spent['prepare']:6.2f} s")
"""


def run(command: list[str], environment: dict[str, str]) -> float:
    """Wall seconds of one process."""
    start = time.perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=False)
    return time.perf_counter() - start


def ratio(command: list[str], environment: dict[str, str], runs: int) -> None:
    """Print the least wall and CPU seconds of a command over those of the imports, both in turns."""
    commands, least = ([sys.executable, "-c", "import pymc, nutpie"], command), np.full((2, 2), np.inf)
    for _ in range(runs):
        for k, one in enumerate(commands):
            before = os.times()
            wall = run(one, environment)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            least[k] = np.minimum(least[k], (wall, spent))
    (wall, spent), (imports, imports_spent) = least[1], least[0]
    print(f"{wall:.2f} s, {wall / imports:.2f} × the imports; CPU {spent:.2f} s, {spent / imports_spent:.2f} ×")


def joint(folder: Path, members: int) -> list[str]:
    """The arguments for a joint fit of simulated experiments like fig2b-d55."""
    from dissentangle import datasets

    like = datasets.read("fig2b-d55")
    files = [folder / f"e{k:03d}.nc" for k in range(members)]
    for k, file in enumerate(files):
        datasets.save(datasets.simulate_like(like, seed=k), file)
    return ["fit", *map(str, files), "--draws", "200", "--tune", "200"]


def main() -> None:
    """Medians, then the parts."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    program = [sys.executable, "-m", "dissentangle.inference"]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "fit.nc")
        several = [*joint(Path(folder), int(sys.argv[2])), *sys.argv[3:]] if len(sys.argv) > 2 else ["fit", "fig2b-d55"]
        for name, kept in (("first", ""), ("again", str(Path(folder) / "kept"))):
            environment["DISSENTANGLE_CACHE"] = kept
            print(name, end=": ")
            ratio([*program, *several, "-o", out], environment, runs + bool(kept))
        if len(sys.argv) > 2:
            return
        for name, arguments in (
            ("fit fig2b-d55", ["fit", "fig2b-d55", "-o", out]),
            ("--help", ["--help"]),
            ("a bad argument", ["fit", "nothing"]),
        ):
            times = [run([*program, *arguments], environment) for _ in range(runs + 1)][1:]
            print(
                f"{name:40} {np.median(times):6.2f} s  (median of {runs}; {min(times):.2f} to {max(times):.2f})",
                flush=True,
            )
        print()
        subprocess.run([sys.executable, "-c", PARTS, out], env=environment, check=True)


if __name__ == "__main__":
    main()
