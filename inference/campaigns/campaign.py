"""Fits of hundreds of data sets: one file each, a summary, an index; what is finished is not done again.

FOLDER/fits/NAME.nc      the fit, as `dissentangle fit` writes it
FOLDER/reports/NAME.txt  its tables in words; for a data set that could not be fitted, why
FOLDER/summary.nc, .csv  one row per data set
FOLDER/index.html        the same as a page, what needs attention first
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import Experiment, ExperimentError
from ...datasets.experiment import date_of
from ...datasets.files import read_attributes, to_bytes, write_bytes
from ...forward_models import Closure, InvalidValue
from ..fits import is_fit_of
from ..model import (
    ModelSettings,
    Problem,
    SamplerSettings,
    processes_for,
    read_checked,
    read_priors,
    require_data,
    require_models,
    rival,
)
from ..parallel import Done, Task, run_tasks
from ..reports import NOT_FITTED, SummaryRow, failed_row, row_of, write_index
from .sources import SUMMARY, sources
from .summary import summary_csv, summary_dataset

if TYPE_CHECKING:
    from ..results import CampaignSummary

_ROW = "campaign_row_2"
"""Attribute of a fit's file: its row, so that a campaign that goes on need not read the whole file. It has another
number where rows say something else than before: such fits are done again."""


@dataclass(frozen=True)
class Answer:
    """What a worker gives back: the fit as a file, its row of the summary, its tables in words."""

    file: bytes
    row: SummaryRow
    report: str


def campaign(
    experiments: str | Path | Mapping[str, Any] | Iterable[Any],
    output: str | Path,
    *,
    template: str | Path | None = None,
    seed: int = 1,
    closure: Closure = "open",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    executor: Executor | None = None,
    progress: Done | None = None,
) -> CampaignSummary:
    """Fit many experiments, each as `fit` would, and keep every fit in the folder `output`.

    Parameters
    ----------
    experiments : a folder that holds experiments (folders with experiment.toml, .nc files), or a pattern such as
        "runs/*.nc"; a list of what `fit` takes; or such by name
    output : the folder for fits, reports, summary and index. A fit that is there, of the same data with the same
        settings, is not done again
    template : an experiment.toml that describes all of them: `experiments` are then folders with the data files that it
        names, or tables that take the place of its only one: a folder of these, a pattern, or a list
    seed, closure, free_dephasing, priors, model, draws, tune, chains : as for `fit`, the same for all
    cores : processes; None: one per core
    executor : any executor of `concurrent.futures`' kind instead of processes on this machine, such as Dask's
        `Client.get_executor()`
    progress : called after each data set with the numbers of those finished, failed, and of all

    Returns
    -------
    CampaignSummary, an xarray.Dataset with one row per data set: date (of its experiment.toml or its name), status,
    verdict, effective draws, …; mean, sd, low and high (94 % HDI) of every parameter; median, low and high of every
    derived quantity. A notebook displays it; `plot()` shows the trend of the rates.

    Raises
    ------
    ExperimentError, PriorError : where nothing is found to fit, for priors that cannot be read, and for a template that
        describes none of the data sets. A single data set that cannot be read or fitted raises nothing: it is a row
        with the status "failed" and the reason
    """
    settings = ModelSettings(closure, free_dephasing, dict(priors or {}))
    sampler = SamplerSettings(seed, draws, tune, chains, cores=1)
    found, folder = sources(experiments, template), Path(output)
    return run_campaign(
        found, folder, settings, sampler, model=model, cores=cores, executor=executor, progress=progress
    )


def run_campaign(
    found: Mapping[str, Any],
    folder: Path,
    settings: ModelSettings,
    sampler: SamplerSettings,
    *,
    model: str | None = None,
    cores: int | None = None,
    executor: Executor | None = None,
    progress: Done | None = None,
) -> CampaignSummary:
    """The campaign over `found` (sources by name); see `campaign`. Whatever ends it, the summary is written."""
    if not found:
        raise ExperimentError("a campaign: found no experiments, expected at least one")
    read_priors(settings.priors)  # what is wrong for every data set is no matter of the single one
    cores = processes_for(require_models(model), cores)
    for part in ("fits", "reports"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rows, dates = dict[str, SummaryRow](), dict[str, str]()

    def finished(task: Task, answer: Answer | None, error: Exception | None) -> None:
        rows[task.name] = _kept(folder, task.name, answer, error)
        if progress is not None:
            progress(len(rows), sum(row.status == "failed" for row in rows.values()), len(found))

    try:
        tasks = _tasks(found, folder, settings, sampler, model, finished, rows, dates)
        run_tasks(tasks, finished, executor=executor, cores=cores)
    finally:
        summary = _write_summary(folder, [rows[name] for name in found if name in rows], dates)
    return summary


def _tasks(
    found: Mapping[str, Any],
    folder: Path,
    settings: ModelSettings,
    sampler: SamplerSettings,
    model: str | None,
    finished: Callable[[Task, Any, Exception | None], None],
    rows: dict[str, SummaryRow],
    dates: dict[str, str],
) -> list[Task]:
    """What is left to do; the rest is told to `finished` or, where its fit is there already, put to `rows`. `dates` is
    filled.
    """
    tasks = []
    for name, source in found.items():
        task = Task(name, fit_one, ())
        try:
            dates[name] = date_of(name)
            known = isinstance(source, Experiment)
            experiment = source if known else source() if callable(source) else read_checked(source)
            dates[name] = experiment.date or dates[name]
            problem = Problem(*(rival(experiment, settings, model) if model else (experiment, settings)))
        except (ExperimentError, InvalidValue, OSError) as error:
            finished(task, None, error)
            continue
        row = _finished_before(folder / "fits" / f"{name}.nc", name, problem, sampler)
        if row is not None:
            rows[name] = row
        else:
            tasks.append(replace(task, arguments=(name, problem, sampler)))
    return tasks


def fit_one(name: str, problem: Problem, sampler: SamplerSettings) -> Answer:
    """One fit of a campaign, in a worker: what there is to write, for the process that keeps the folder."""
    from ..fits import fit_problem
    from ..text import fit_text

    gc.collect(0)  # the fit before, whose trees refer to themselves: megabytes that no other collection sees for long
    require_data(problem.experiment, name)
    fit = fit_problem(problem, sampler)
    row = row_of(name, fit)
    fit.attrs["status"] = row.status
    fit.attrs[_ROW] = json.dumps(asdict(row))
    return Answer(to_bytes(fit), row, fit_text(fit))


def _kept(folder: Path, name: str, answer: Answer | None, error: Exception | None) -> SummaryRow:
    """Write what a task gave; its row."""
    report = folder / "reports" / f"{name}.txt"
    if answer is None:
        expected = isinstance(error, (ExperimentError, InvalidValue, OSError))
        text = f"{error}" if expected else f"{type(error).__name__}: {error}"
        write_bytes(f"{NOT_FITTED}{text}\n".encode(errors="replace"), report)
        return failed_row(name, " ".join(text.split()))
    write_bytes(answer.report.encode(errors="replace"), report)
    write_bytes(answer.file, folder / "fits" / f"{name}.nc")
    return answer.row


def _finished_before(path: Path, name: str, problem: Problem, sampler: SamplerSettings) -> SummaryRow | None:
    """The row of a fit that is there already, of the same data with the same settings."""
    if not is_fit_of(path, problem, sampler):
        return None
    try:
        return SummaryRow(**json.loads(read_attributes(path)[_ROW]) | {"name": name})
    except (KeyError, TypeError, ValueError, RecursionError):
        return None  # made by another command: done again


def _write_summary(folder: Path, rows: list[SummaryRow], dates: Mapping[str, str]) -> CampaignSummary:
    from xarray import DataTree

    summary = summary_dataset(rows, dates)
    write_bytes(to_bytes(DataTree(summary)), folder / SUMMARY)
    write_bytes(summary_csv(rows, dates).encode(errors="replace"), folder / "summary.csv")
    fits = {row.name: folder / "fits" / f"{row.name}.nc" for row in rows if row.status != "failed"}
    write_index(folder, rows, {name: path for name, path in fits.items() if path.is_file()})  # one may be taken away
    return summary
