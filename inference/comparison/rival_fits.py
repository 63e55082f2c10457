"""Fits of one experiment by several rival models; in a folder, what is there already is not fitted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import ExperimentError
from ...datasets.files import to_bytes, write_bytes
from ..fits import Fit, file_name, fit_problem, is_fit_of, read_fit
from ..model import Problem, SamplerSettings, pose, processes_for, rival
from ..parallel import Task, available_cores, run_tasks
from .compare import Comparison, compare
from .data_points import data_points

if TYPE_CHECKING:
    from xarray import DataTree

_WORTH_PROCESSES = 8
"""Fits from which on new processes save more time than their imports cost."""
Said = Callable[[str], None]


def fit_rivals(
    problem: Problem,
    models: Sequence[str],
    sampler: SamplerSettings,
    *,
    folder: Path | None = None,
    progress: Said | None = None,
) -> dict[str, DataTree]:
    """A fit of the problem by each model, by name.

    models : names of rival models, each joined by +;  folder : where the fits are written, and looked for

    Raises
    ------
    ExperimentError, PriorError : for a model that is unknown or does not fit the experiment, before any fit
    """
    planned = _planned(problem, models)
    files = {name: None if folder is None else folder / f"{file_name(name)}.nc" for name in models}
    fits = {} if folder is None else _there(folder, files, planned, sampler, progress)
    missing = [name for name in models if name not in fits]
    wanted = (sampler.cores or available_cores()) if len(missing) >= _WORTH_PROCESSES else 1
    cores = processes_for([each.settings.forward_model for each in planned.values()], wanted)
    errors: list[Exception] = []

    def finished(task: Task, fit: DataTree | None, error: Exception | None) -> None:
        if fit is None:
            errors.append(error or RuntimeError(task.name))
            return
        if progress is not None:
            progress(f"fitted: {task.name}")
        path = files[task.name]
        if path is not None:
            write_bytes(to_bytes(fit), path)
        fits[task.name] = fit

    run_tasks([Task(name, fit_problem, (planned[name], sampler)) for name in missing], finished, cores=cores)
    if errors:
        raise errors[0]
    return {name: fits[name] for name in models}


def _there(
    folder: Path,
    files: Mapping[str, Path | None],
    planned: Mapping[str, Problem],
    sampler: SamplerSettings,
    progress: Said | None,
) -> dict[str, DataTree]:
    """The fits of these problems that a folder holds; it is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    _require_same_data(folder, planned)
    fits = {}
    for name, path in files.items():
        if path is not None and is_fit_of(path, planned[name], sampler):
            fits[name] = read_fit(path)
        elif path is not None and path.exists() and progress is not None:
            progress(f"{path}: of other settings, fitted again")
    return fits


def _planned(problem: Problem, models: Sequence[str]) -> dict[str, Problem]:
    """The problem as each model poses it; ExperimentError for two that are the same."""
    if len(dict.fromkeys(models)) != len(models):
        raise ExperimentError(f"models: found one twice ({', '.join(models)}), expected different ones")
    planned: dict[str, Problem] = {}
    seen: dict[str, str] = {}
    for name in models:
        planned[name] = Problem(*rival(problem.experiment, problem.settings, name)).check()
        key = planned[name].form
        if key in seen:
            raise ExperimentError(
                f"models: found {seen[key]} and {name}, which are the same for {problem.experiment.title!r}, expected"
                " different ones"
            )
        seen[key] = name
    return planned


def _require_same_data(folder: Path, planned: Mapping[str, Problem]) -> None:
    """Raise ExperimentError where a folder holds fits of other data."""
    for path in sorted(folder.glob("*.nc")):
        try:
            points = data_points(Fit(read_fit(path)).experiment)
        except ExperimentError:
            continue  # damaged, or by a forward model that is not loaded
        own = data_points(next(iter(planned.values())).experiment)
        if [(p.series, p.place, p.value) for p in points] != [(p.series, p.place, p.value) for p in own]:
            raise ExperimentError(f"{path}: found a fit of other data, expected another folder for these")


def compare_models(
    experiment: Any,
    models: Sequence[str],
    *,
    seed: int = 1,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    folder: str | Path | None = None,
    **options: Any,
) -> Comparison:
    """Fit an experiment by several rival models and compare them.

    Parameters
    ----------
    experiment : as for `fit`;  models : e.g. ["microscopic", "fixed-number", "two-level+student-t"]
    seed, draws, tune, chains : as for `fit`;  folder : keeps the fits, and what is there is not fitted again
    options : unit, refit, smc, progress, as for `compare`

    Raises
    ------
    ExperimentError, PriorError : see `compare`; for models that are unknown or the same, before any fit
    """
    sampler = SamplerSettings(seed, draws, tune, chains)
    where = None if folder is None else Path(folder)
    fits = fit_rivals(pose(experiment), models, sampler, folder=where)
    return compare(fits, **options)
