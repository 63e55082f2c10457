"""Fits of one experiment by several rival models; in a folder, what is there already is not fitted again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import Experiment, ExperimentError
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
    planned, tell = _planned(problem, models), progress or (lambda text: None)
    files = {} if folder is None else {name: folder / f"{file_name(name)}.nc" for name in models}
    fits = {} if folder is None else _there(folder, files, planned, sampler, tell)
    missing = [name for name in models if name not in fits]
    wanted = (sampler.cores or available_cores()) if len(missing) >= _WORTH_PROCESSES else 1
    cores = processes_for([each.settings.forward_model for each in planned.values()], wanted)
    errors: list[Exception] = []

    def finished(task: Task, fit: DataTree | None, error: Exception | None) -> None:
        if fit is None:
            errors.append(error or RuntimeError(task.name))
            return
        tell(f"fitted: {task.name}")
        if task.name in files:
            write_bytes(to_bytes(fit), files[task.name])
        fits[task.name] = fit

    run_tasks([Task(name, fit_problem, (planned[name], sampler)) for name in missing], finished, cores=cores)
    if errors:
        raise errors[0]
    return {name: fits[name] for name in models}


def _there(
    folder: Path, files: Mapping[str, Path], planned: Mapping[str, Problem], sampler: SamplerSettings, tell: Said
) -> dict[str, DataTree]:
    """The fits of these problems that a folder holds; it is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    _require_same_data(folder, planned)
    fits: dict[str, DataTree] = {}
    for name, path in files.items():
        if is_fit_of(path, planned[name], sampler):
            fits[name] = read_fit(path)
        elif path.exists():
            tell(f"{path}: has other settings: fitted again")
    return fits


def _planned(problem: Problem, models: Sequence[str]) -> dict[str, Problem]:
    """The problem as each model poses it; ExperimentError for two that are the same."""
    if len(dict.fromkeys(models)) != len(models):
        raise ExperimentError(f"models: found one twice ({', '.join(models)}), expected different ones")
    planned: dict[str, Problem] = {}
    for name in models:
        new = Problem(*rival(problem.experiment, problem.settings, name)).check()
        same = next((other for other, posed in planned.items() if posed.form == new.form), None)
        if same is not None:
            raise ExperimentError(
                f"models: found {same} and {name}, which are the same for {problem.experiment.title!r}, expected"
                " different ones"
            )
        planned[name] = new
    return planned


def _require_same_data(folder: Path, planned: Mapping[str, Problem]) -> None:
    """Raise ExperimentError where a folder holds fits of other data."""
    own = _values(next(iter(planned.values())).experiment)
    for path in sorted(folder.glob("*.nc")):
        try:
            found = _values(Fit(read_fit(path)).experiment)
        except ExperimentError:
            continue  # damaged, or by a forward model that is not loaded
        if found != own:
            raise ExperimentError(f"{path}: found a fit of other data, expected another folder for these")


def _values(experiment: Experiment) -> list[tuple[str, str, float]]:
    return [(point.series, point.place, point.value) for point in data_points(experiment)]


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
