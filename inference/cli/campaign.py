"""The verbs `campaign` and `sbc`: many fits, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

from ...datasets import ExperimentError
from ..model import Problem, require_data
from ..reports import SUMMARY_STATUS
from .options import model_settings, modelled
from .output import Output
from .paths import writable_folder
from .progress import Count, resumable

HEALTHY, NOT_HEALTHY = 0, 1


def campaign(given: argparse.Namespace) -> int:
    """Fit all experiments of a folder; 0 if the sampling of every one is healthy, 1 if not."""
    output, folder = Output(given), writable_folder(given.output)
    settings = model_settings(given)

    from ..campaigns import run_campaign, sources
    from ..sampling import SamplerSettings

    found = sources(given.folder)
    sampler = SamplerSettings(given.seed, given.draws, given.tune, given.chains, cores=1)
    with _cluster(given.cluster) as executor, resumable(folder):
        summary = run_campaign(
            found,
            folder,
            settings,
            sampler,
            model=given.model,
            cores=given.cores,
            executor=executor,
            progress=Count("data sets", given.quiet),
        )
    statuses = [str(status) for status in summary["status"].values]
    for status in SUMMARY_STATUS:
        if status in statuses:
            output.text(f"{statuses.count(status):5d} {status}")
    rows = list(zip(summary["dataset"].values, statuses, summary["verdict"].values, strict=True))
    for name, status, words in rows:
        if status != "healthy":
            output.text(f"{name}: {status}: {words}")
    output.text("")
    output.written(folder / "index.html")
    output.text(f"(with summary.csv, summary.nc, fits/; a page for each: dissentangle report {folder})")
    output.facts({"fits": [{"name": n, "status": s, "verdict": w} for n, s, w in rows]})
    return NOT_HEALTHY if {"unhealthy", "failed"} & set(statuses) else HEALTHY


def sbc(given: argparse.Namespace) -> int:
    """Simulation-based calibration of experiments of this form; 0 if calibrated, 1 if not."""
    output = Output(given)
    experiment, settings = modelled(given)
    require_data(experiment, experiment.title)
    Problem(experiment, settings).check()
    folder = writable_folder(given.output)

    from ..campaigns import Plan, run_sbc
    from ..sampling import SamplerSettings

    plan = Plan(
        experiment, settings, SamplerSettings(given.seed, given.draws, given.tune, given.chains, cores=1), given.seed
    )
    with _cluster(given.cluster) as executor, resumable(folder):
        result = run_sbc(
            plan,
            given.simulations,
            folder,
            cores=given.cores,
            executor=executor,
            progress=Count("simulations", given.quiet),
        )
    shares = {str(p): float(s) for p, s in zip(result["parameter"].values, result["coverage"].values, strict=True)}
    output.text(f"{result.attrs['verdict']}\n\n94 % intervals that contain the true value:")
    for label, share in shares.items():
        output.text(f"{label:40} {100 * share:5.1f} %")
    output.text("")
    output.written(folder / "sbc.png")
    output.written(folder / "sbc.nc")
    calibrated = bool(result.attrs["calibrated"])
    output.facts({"calibrated": calibrated, "verdict": result.attrs["verdict"], "coverage": shares})
    return HEALTHY if result.attrs["calibrated"] else NOT_HEALTHY


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[Executor | None]:
    """The executor of an existing Dask cluster; None without an address."""
    if address is None:
        yield None
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ExperimentError("--cluster: found no Dask, expected: pip install 'dissentangle[cluster]'") from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ExperimentError(f"--cluster {address}: found no Dask scheduler there ({error})") from error
    with client:
        yield client.get_executor()
