"""The verbs `campaign` and `sbc`: many fits, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

from ...datasets import ExperimentError
from ..fit_report import printable
from ..unknowns import require_data, unknowns
from .fit import writable_folder
from .options import experiment as experiment_given
from .options import model_settings

HEALTHY, NOT_HEALTHY = 0, 1


def campaign(given: argparse.Namespace) -> int:
    """Fit all experiments of a folder; 0 if every fit is healthy, 1 if not."""
    folder = writable_folder(given.output)
    settings = model_settings(given)

    from ..campaigning import run_campaign, sources
    from ..sampling import SamplerSettings

    found = sources(given.folder)
    sampler = SamplerSettings(given.seed, given.draws, given.tune, given.chains, cores=1)
    with _cluster(given.cluster) as executor, _resumable(folder):
        summary = run_campaign(
            found, folder, settings, sampler, cores=given.cores, executor=executor, progress=_Count("data sets")
        )
    statuses = [str(status) for status in summary["status"].values]
    for status in ("healthy", "unhealthy", "failed"):
        print(f"{statuses.count(status):5d} {status}")
    for name, status, words in zip(summary["dataset"].values, statuses, summary["verdict"].values, strict=True):
        if status != "healthy":
            print(printable(f"{name}: {status}: {words}"))
    print(f"\nwritten: {folder / 'index.html'}, summary.csv, summary.nc, fits/, reports/")
    return HEALTHY if set(statuses) == {"healthy"} else NOT_HEALTHY


def sbc(given: argparse.Namespace) -> int:
    """Simulation-based calibration of experiments of this form; 0 if calibrated, 1 if not."""
    experiment = experiment_given(given)
    settings = model_settings(given)
    require_data(experiment, experiment.title)
    unknowns(experiment, settings)
    folder = writable_folder(given.output)

    from ..sampling import SamplerSettings
    from ..simulated_ranks import Plan
    from ..simulation_based_calibration import run_sbc

    plan = Plan(
        experiment, settings, SamplerSettings(given.seed, given.draws, given.tune, given.chains, cores=1), given.seed
    )
    with _cluster(given.cluster) as executor, _resumable(folder):
        result = run_sbc(
            plan, given.simulations, folder, cores=given.cores, executor=executor, progress=_Count("simulations")
        )
    print(printable(result.attrs["verdict"]))
    shares = dict(zip(result["parameter"].values, result["coverage"].values, strict=True))
    print("\n94 % intervals that contain the true value:")
    for label, share in shares.items():
        print(printable(f"{label:40} {100 * share:5.1f} %"))
    print(f"\nwritten: {folder / 'sbc.png'}, sbc.nc, simulations/")
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


@contextlib.contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Ctrl-C says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            f"\ndissentangle: interrupted; what was finished is in {folder}: the same command goes on", file=sys.stderr
        )
        raise SystemExit(130) from None


class _Count:
    """A line that is rewritten on a terminal, a line every few seconds in a log."""

    EVERY = 10.0

    def __init__(self, what: str) -> None:
        self._what = what
        self._terminal = sys.stderr.isatty()
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, failed: int, total: int) -> None:
        """Told after each one."""
        now = time.monotonic()
        if done < total and now - self._last < (0.2 if self._terminal else self.EVERY):
            return
        self._last = now
        left = (now - self._start) / done * (total - done)
        text = f"{done} of {total} {self._what}, {failed} failed, {left:.0f} s left"
        end = "\n" if done == total or not self._terminal else ""
        print(f"\r{text:<70}" if self._terminal else text, end=end, file=sys.stderr, flush=True)
