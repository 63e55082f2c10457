"""Are posteriors calibrated? Simulation-based calibration of every bundled protocol, closure and kind of noise.

python benchmarks/calibration.py FOLDER [SIMULATIONS] [NAME ...]     resumable: what is in the folder is not done again

Where quantities leave the band that all share (of right models in 5 %), `sbc` simulates twice as many with
another seed, and that decides. FOLDER/calibration.png shows all that is in the folder.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr

from dissentangle import datasets, inference

CLOSURES, NOISES = ("microscopic", "fixed-number"), ("gamma", "gaussian")


def models_of(name: str) -> list[str]:
    """The models of a protocol: without moving populations there are no closures, without variances one noise."""
    experiment = datasets.read(name)
    moving = [run for run in experiment.runs if run not in experiment.constant]
    able = any("gamma" in noise for series in experiment.series for noise in series.about.noises)
    closures, noises = CLOSURES if moving else ("microscopic",), NOISES if able else ("",)
    return [f"{closure}+{noise}".rstrip("+") for closure in closures for noise in noises]


def calibrated(name: str, model: str, folder: Path, simulations: int, seed: int = 1) -> None:
    """Print a row: the quantities outside the band, those that are again with the second seed marked."""
    begin = time.perf_counter()
    where = folder / f"{name} {model} seed {seed}"
    # 4 × 1000 draws: with a few hundred the ranks of slow parameters are correlated, which the band takes for a fault
    found = inference.sbc(name, where, simulations=simulations, seed=seed, model=model, draws=1000, tune=500)
    outside = [str(q) for q in found["quantity"].values[found["inside"].values == 0]]
    if "suspect" in found.coords:
        again = found["suspect"].values[found["inside_again"].values == 0]
        outside = [f"{name} (again)" if name in again else name for name in outside]
    coverage = found["coverage"].values
    cells = (
        name, model, found.sizes["simulation"], found.sizes["quantity"], ", ".join(outside) or "none",
        f"{100 * coverage.min():.1f}–{100 * coverage.max():.1f} ({100 * np.mean(coverage):.1f})",
        int((found["healthy"] == 0).sum()), len(json.loads(found.attrs["failures"])),
        f"{time.perf_counter() - begin:.0f}",
    )  # fmt: skip
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def draw(folder: Path) -> None:
    """A panel for each finished calibration: all quantities' ECDF of ranks minus the uniform one, and the band."""
    from matplotlib.figure import Figure

    files = sorted(folder.glob("*/sbc.nc"))
    columns = min(4, len(files))
    rows = -(-len(files) // columns)
    figure = Figure(figsize=(2.7 * columns, 1.9 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axis, file in zip(axes, files, strict=False):
        with xr.open_dataset(file, engine="h5netcdf") as found:
            p, count = found["probability"].values, found.sizes["simulation"]
            band = (found[side].values - p for side in ("lower", "upper"))
            axis.fill_between(p, *band, color="0.85", lw=0, step="mid")
            for ecdf, inside in zip(found["ecdf"].values, found["inside"].values, strict=True):
                axis.step(p, ecdf - p, color="#1f5fa8" if inside else "#c0392b", lw=0.7, where="mid")
        name, model = file.parent.name.rsplit(" seed", 1)[0].split(" ", 1)
        axis.set_title(f"{name}\n{model}, {count}", fontsize=8)
        axis.tick_params(labelsize=7)
    for axis in axes[len(files) :]:
        axis.set_axis_off()
    figure.suptitle(
        "Simulated experiments: ECDF of ranks − uniform, each quantity a line, their 95 % band", fontsize=10
    )
    figure.supxlabel("fractional rank of the true value", fontsize=9)
    figure.savefig(folder / "calibration.png", dpi=110)


if __name__ == "__main__":
    target, number = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500
    columns = ("protocol", "model", "simulations", "quantities", "outside the common band",
               "coverage of 94 % intervals, % (mean)", "sampling unhealthy", "failed", "s")  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for protocol in sys.argv[3:] or datasets.names():
        for model in models_of(protocol):
            calibrated(protocol, model, target, number)
    draw(target)
