"""The verbs `campaign`, `sbc` and `watch`: many fits, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
import signal
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from ...datasets.errors import ExperimentError
from .options import CLUSTER, MODEL, RIVAL, experiments, modelled, positive, sampler, sampler_of, settings_of
from .output import Count, Output, resumable
from .paths import writable_folder
from .verb import option, verb

if TYPE_CHECKING:
    from concurrent.futures import Executor

HEALTHY, NOT_HEALTHY = 0, 1


@verb("campaign", "fit all experiments of a folder, with a summary and an index. Fits in the output folder that have"
      " the same data and settings are kept", """
campaign my-runs -o fits --draws 500
campaign 'data/2026-*.csv' --template experiment.toml -o fits     tables that one experiment.toml describes
report fits                          a page for each fit, and the index with links to them""",
      option("experiments", nargs="+", metavar="FOLDER",
             help="a folder of experiments (folders with experiment.toml, or .nc files), or single experiments"),
      option("--template", default=None, metavar="FILE",
             help="one experiment.toml for all. FOLDER then contains folders with the files that it names, or tables"
             " that replace its only file; a pattern also works"),
      option("-o", "--output", default="campaign", help="folder for fits and summary (%(default)s)"),
      *MODEL, RIVAL, *sampler(draws=1000), CLUSTER)  # fmt: skip
def campaign(given: Namespace) -> int:
    """Fit all experiments of a folder; 0 if the sampling of every one is healthy, 1 if not."""
    output, folder = Output(given), writable_folder(given.output)
    settings = settings_of(given)

    from ..campaigns import run_campaign, sources
    from ..text import campaign_text

    several = given.experiments if len(given.experiments) > 1 else given.experiments[0]
    found, made = sources(several, given.template), sampler_of(given, cores=1)
    with _cluster(given.cluster) as executor, resumable(folder), Count("data sets", given.quiet) as progress:
        summary = run_campaign(
            found, folder, settings, made, model=given.model, cores=given.cores, executor=executor, progress=progress
        )
    statuses = [str(status) for status in summary["status"].values]
    output.text(f"{campaign_text(summary)}\n")
    rows = list(zip(summary["dataset"].values, statuses, summary["verdict"].values, strict=True))
    output.written(folder / "index.html")
    output.text(f"(with summary.csv, summary.nc, fits/; a page for each: dissentangle report {folder})")
    output.facts({"fits": [{"name": n, "status": s, "verdict": w} for n, s, w in rows]})
    return NOT_HEALTHY if {"unhealthy", "failed"} & set(statuses) else HEALTHY


@verb("sbc", "simulation-based calibration: can posteriors of such data be trusted? Exit code 0: calibrated, 1: not"
      " calibrated (by chance, one right model in a hundred). If ranks leave their band, twice as many simulations"
      " with another seed decide",
      "sbc my-run -o sbc --simulations 200",
      *experiments(),
      option("-o", "--output", default="sbc", help="folder for ranks, figure and verdict (%(default)s)"),
      option("--simulations", type=positive, default=100, help="simulated experiments (%(default)s)"),
      *MODEL, RIVAL, *sampler(draws=250), CLUSTER)  # fmt: skip
def sbc(given: Namespace) -> int:
    """Simulation-based calibration of experiments of this form; 0 if calibrated, 1 if not."""
    from ..model import Problem, require_data

    output = Output(given)
    experiment, settings = modelled(given)
    require_data(experiment, experiment.title)
    problem = Problem(experiment, settings).check()
    folder = writable_folder(given.output)

    from ..campaigns import run_sbc

    sampler = sampler_of(given, cores=1)
    with _cluster(given.cluster) as executor, resumable(folder), Count("simulations", given.quiet) as progress:
        result = run_sbc(
            problem, sampler, given.simulations, folder, cores=given.cores, executor=executor, progress=progress
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


@verb("watch", "fit again whenever files change, while the measurement runs, until Ctrl-C or SIGTERM. Files that"
      " cannot be read are reported, and read again when they change", """
watch my-run -o live --page live.html       a page that loads itself again
watch my-run -o live --json                 a JSON object per fit, as in live/watch.jsonl""",
      *experiments(),
      option("-o", "--output", default="live", help="folder for every fit and watch.jsonl (%(default)s)"),
      option("--page", default=None, metavar="FILE", help="HTML file with the report of the newest fit"),
      *MODEL, RIVAL, *sampler(draws=1000))  # fmt: skip
def watch(given: Namespace) -> int:
    """Fit, and fit again after each change, until Ctrl-C; 0."""
    from pathlib import Path

    from ...datasets.experiment import Label
    from ..model import Problem
    from .paths import writable

    output, folder = Output(given), writable_folder(given.output)
    page = None if given.page is None else writable(given.page)

    from ..campaigns import watch
    from ..text import with_error

    def told(line: dict[str, Any]) -> None:
        rates = [
            f"{Label.parse(label).symbol} {with_error(**one)} ms⁻¹" for label, one in line.get("rates", {}).items()
        ]
        found = f"{line['file']}: {line['headline']} {', '.join(rates)}" if "file" in line else line["error"]
        found += "".join(f" ({words})" for words in line.get("not_measured", ()))
        output.text(f"{datetime.fromisoformat(line['time']).astimezone():%H:%M:%S} {found}")
        output.facts(line)

    with _ended_by_sigterm(), contextlib.suppress(KeyboardInterrupt):
        watch([Path(one) for one in given.experiments], folder, lambda: Problem(*modelled(given)).check(),
              sampler_of(given, cores=given.cores), told, page=page)  # fmt: skip
    return HEALTHY


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM counts as Ctrl-C, which shells switch off for what they run in the background."""
    if current_thread() is not main_thread():  # which alone may say so
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
