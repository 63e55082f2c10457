"""Refits of one model to new data, files written: a campaign on all cores, and the stock way in one process.

python benchmarks/refits.py [DATA SETS] [DRAWS] [TUNE]

The campaign is `inference.campaign`: 4 chains a fit, every fit with predictions, summary, report and NetCDF file.
The rate counts from the first finished fit on; the start of the processes (imports, first compilation) is told apart.
The stock way: nutpie.compile_pymc_model once, then with_data, sample and to_netcdf of draws and statistics alone.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, read
from dissentangle.inference.model import data_of

STOCK_FITS = 8


def data_sets(count: int) -> dict[str, Experiment]:
    """Simulated experiments like fig2b-d55."""
    like = read("fig2b-d55")
    return {f"{k:04d}": datasets.from_tree(datasets.simulate_like(like, seed=k)) for k in range(count)}


def campaign(found: dict[str, Experiment], draws: int, tune: int) -> None:
    """Rate and least ESS of a campaign."""
    times: list[float] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        summary = inference.campaign(
            found, folder, draws=draws, tune=tune, progress=lambda *_: times.append(time.perf_counter())
        )
        size = np.mean([path.stat().st_size for path in (Path(folder) / "fits").iterdir()])
    least, rhat = summary["min_ess"].values, summary["max_rhat"].values
    healthy, again = int((summary["status"] == "healthy").sum()), int((summary["attempts"] > 1).sum())
    rate = 60 * (len(times) - 1) / (times[-1] - times[0])
    print(f"campaign, 4 × ({tune} + {draws}): {rate:.0f} fits per minute; {size / 1e3:.0f} kB per fit")
    print(f"  first fit after {times[0] - start:.1f} s, all {len(found)} after {times[-1] - start:.1f} s")
    print(f"  bulk or tail ESS: median {np.median(least):.0f}, least {least.min():.0f}; R-hat at most {rhat.max():.4f}")
    print(f"  {healthy} healthy, {again} sampled again after divergences", flush=True)


def stock(found: dict[str, Experiment], draws: int) -> None:
    """Rate and least ESS of nutpie with exchanged data."""
    import arviz as az
    import nutpie

    some = list(found.values())[:STOCK_FITS]
    start = time.perf_counter()
    model = inference.build_model(some[0])
    compiled = nutpie.compile_pymc_model(model, backend="numba", jitter_rvs=set())  # with jitter Z never comes back
    ready = time.perf_counter()
    least = []
    with tempfile.TemporaryDirectory() as folder:
        for k, experiment in enumerate(some):
            again = compiled.with_data(**data_of(replace(experiment, title="")))
            tree = nutpie.sample(
                again, draws=draws, tune=draws, chains=4, seed=k, save_warmup=False, progress_bar=False
            )
            tree.to_netcdf(Path(folder) / f"{k}.nc", engine="h5netcdf")
            least.append(tree)
    end = time.perf_counter()
    ess = [float(az.ess(tree["posterior"].dataset).to_array().min()) for tree in least]
    rate = 60 * len(some) / (end - ready)
    print(f"stock, 4 × ({draws} + {draws}): {rate:.0f} fits per minute, after {ready - start:.0f} s of compiling")
    print(f"  bulk ESS: median {np.median(ess):.0f}, least {min(ess):.0f}")


def main() -> None:
    """Both, in one run."""
    given = [int(text) for text in sys.argv[1:]]
    count, draws, tune = [*given, *(120, 500, 200)[len(given) :]]
    found = data_sets(count)
    campaign(found, draws, tune)
    stock(found, 1000)


if __name__ == "__main__":
    main()
