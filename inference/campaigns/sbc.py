"""Simulation-based calibration: experiments with parameters from the prior, and where their posteriors put them.

If simulator, model and sampler are right, the rank of the true value among posterior draws is uniform (Talts et al.,
arXiv:1804.06788). The verdict rests on the ECDF of the ranks and its simultaneous band (Säilynoja, Bürkner & Vehtari,
Stat. Comput. 32, 32), as ArviZ computes it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...datasets.files import to_bytes, write_bytes
from ...forward_models import Closure
from ..model import Problem, SamplerSettings, fingerprint, pose, processes_for, require_data, without_values
from ..parallel import Done, Task, run_tasks
from .simulated_ranks import RANKS, Ranked, simulate_and_rank

if TYPE_CHECKING:
    from xarray import Dataset

BAND = 0.99
UNHEALTHY = 0.05
"""Share of the samplings that may be unhealthy: a wrong gradient leaves ranks as they are, and spoils the sampling."""
FEWEST = 2
"""Simulations below which there is nothing to compare."""
_BAND_TRIALS = 2000
_ENOUGH = 100
"""Simulations below which only gross errors show."""


def sbc(
    experiment: Any,
    output: str | Path,
    *,
    sharing: Mapping[str, str] | str | Path | None = None,
    simulations: int = 100,
    seed: int = 1,
    closure: Closure = "microscopic",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
    draws: int = 250,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    executor: Executor | None = None,
    progress: Done | None = None,
) -> Dataset:
    """Whether the posteriors of experiments of this form can be trusted: simulate from the prior, fit, rank.

    Parameters
    ----------
    experiment, sharing : what `fit` takes; its stages, times, apparatus and noise are used, its values are not
    output : a folder of its own: one small file per simulation, so that an interrupted run goes on, and sbc.nc, sbc.png
    simulations : how many experiments; 100 show gross errors, 500 finer ones
    seed, closure, free_dephasing, priors, model, draws, tune, chains, cores, executor, progress : as for `campaign`

    Returns
    -------
    xarray.Dataset: rank (simulation, quantity), from 0 to `ranks` (an attribute), of every unknown and derived
    quantity; ecdf (quantity, probability), lower and upper (probability); inside (quantity): 1 where the ECDF stays
    in the 99 % band; coverage (parameter): how often the 94 % interval contains the true value; healthy (simulation):
    1 where the sampling was. Attributes: calibrated (0 or 1: all ranks inside, all simulations
    fitted, at most one sampling, or one in twenty, unhealthy: divergences, R-hat, energy, fewer effective draws than
    ranks), verdict.

    Raises
    ------
    ExperimentError : for what cannot be simulated or fitted, and where the folder holds another calibration
    """
    problem = pose(experiment, sharing, closure, free_dephasing, priors, model)
    sampler = SamplerSettings(seed, draws, tune, chains, cores=1)
    return run_sbc(problem, sampler, simulations, Path(output), cores=cores, executor=executor, progress=progress)


def run_sbc(
    problem: Problem,
    sampler: SamplerSettings,
    simulations: int,
    folder: Path,
    *,
    cores: int | None = None,
    executor: Executor | None = None,
    progress: Done | None = None,
) -> Dataset:
    """The calibration of a problem and a sampler, whose seed is that of the simulations; see `sbc`."""
    require_data(problem.experiment, problem.experiment.title)
    if (draws := sampler.draws * sampler.chains) < RANKS:
        raise ExperimentError(f"{draws} draws: expected at least {RANKS} to rank in")
    if simulations < FEWEST:
        raise ExperimentError(f"simulations: found {simulations}, expected at least {FEWEST}")
    (folder / "simulations").mkdir(parents=True, exist_ok=True)
    known = _identity(problem, sampler)
    ranks = _finished_before(folder, simulations, known)
    failed: dict[int, str] = {}

    def finished(task: Task, answer: Ranked | None, error: Exception | None) -> None:
        k = int(task.name)
        if answer is None:
            failed[k] = f"{type(error).__name__}: {error}"
        else:
            ranks[k] = answer
            write_bytes(json.dumps({"plan": known} | asdict(answer)).encode(), _file(folder, k))
        if progress is not None:
            progress(len(ranks) + len(failed), len(failed), simulations)

    missing = [k for k in range(simulations) if k not in ranks]
    tasks = [Task(f"{k:05d}", simulate_and_rank, (problem, sampler, k)) for k in missing]
    run_tasks(tasks, finished, executor=executor, cores=processes_for([problem.settings.forward_model], cores))
    if len(ranks) < FEWEST:
        few, reason = "none" if not ranks else "one alone", next(iter(failed.values()))
        raise ExperimentError(f"{few} of {simulations} simulated experiments could be fitted: {reason}")
    result = calibration_of([ranks[k] for k in sorted(ranks)], list(failed.values()), problem, sampler)
    _write(result, folder)
    return result


def _file(folder: Path, k: int) -> Path:
    return folder / "simulations" / f"{k:05d}.json"


def _identity(problem: Problem, sampler: SamplerSettings) -> str:
    """Of all that simulations depend on, this package's version included, not the measured values."""
    from importlib.metadata import version

    of = without_values(problem.experiment), problem.settings, replace(sampler, cores=None), sampler.seed
    return fingerprint(*of, RANKS, version("dissentangle"))


def _finished_before(folder: Path, simulations: int, known: str) -> dict[int, Ranked]:
    """The simulations of this plan, without damaged ones; those of another one are no reason to overwrite them."""
    read = {k: _read(_file(folder, k), known) for k in range(simulations)}
    found = {k: ranked for k, ranked in read.items() if ranked is not None}
    names = {k: (*ranked.ranks, *ranked.covered) for k, ranked in found.items()}
    usual = Counter(names.values()).most_common(1)
    return {k: ranked for k, ranked in found.items() if names[k] == usual[0][0]}


def _read(path: Path, known: str) -> Ranked | None:
    """A simulation of this plan; None where there is none, or a damaged one."""
    try:
        stored = json.loads(path.read_text())
        plan = stored["plan"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if plan != known:
        raise ExperimentError(
            f"{path.parent.parent}: found the simulations of another calibration (of another experiment, model, seed"
            " or sampler, or by another version), expected a folder of its own for each"
        )
    try:
        return Ranked.read(stored)
    except (ValueError, KeyError, TypeError):
        return None


def calibration_of(found: list[Ranked], failures: list[str], problem: Problem, sampler: SamplerSettings) -> Dataset:
    """ECDFs, bands and the verdict, from the ranks of each simulation by quantity."""
    import xarray as xr
    from arviz_stats.ecdf_utils import compute_ecdf, ecdf_pit

    names, labels = list(found[0].ranks), list(found[0].covered)
    table = np.array([[row.ranks[name] for name in names] for row in found])
    coverage = np.mean([[row.covered[label] for label in labels] for row in found], axis=0)
    rng = np.random.default_rng([sampler.seed, 2])
    spread = (table + rng.uniform(size=table.shape)) / (RANKS + 1)
    points, _, lower, upper = ecdf_pit(spread[:, 0], BAND, _BAND_TRIALS, rng=np.random.default_rng(214))
    ecdf = np.array([compute_ecdf(column, points) for column in spread.T])
    inside = ((ecdf >= lower) & (ecdf <= upper)).all(axis=1)
    problems = [row.problem for row in found if not row.healthy]
    many = len(problems) > max(1, UNHEALTHY * len(found))
    calibrated = bool(inside.all()) and not failures and not many
    outside = {name: column for name, column, within in zip(names, spread.T, inside, strict=True) if not within}
    few = ", which show gross errors only" if len(found) < _ENOUGH else ""
    first = f"{'Calibrated' if calibrated else 'Not calibrated'} over {len(found)} simulations{few}:"
    return xr.Dataset(
        {
            "rank": (("simulation", "quantity"), table),
            "ecdf": (("quantity", "probability"), ecdf),
            "lower": ("probability", lower),
            "upper": ("probability", upper),
            "inside": ("quantity", inside.astype(np.int8)),
            "coverage": ("parameter", coverage),
            "healthy": ("simulation", np.array([row.healthy for row in found], np.int8)),
        },
        {"quantity": np.array(names, object), "probability": points, "parameter": np.array(labels, object)},
        {
            "ranks": RANKS,
            "band": BAND,
            "title": problem.experiment.title,
            "settings": json.dumps({"model": asdict(problem.settings), "sampler": asdict(sampler)}),
            "failures": json.dumps(failures),
            "calibrated": int(calibrated),
            "verdict": " ".join([first, *_sentences(outside, len(names), problems, many, failures)]),
        },
    )


def _sentences(
    outside: Mapping[str, np.ndarray], quantities: int, problems: list[str], many: bool, failures: list[str]
) -> Iterator[str]:
    """What was found. `outside`: ranks, from 0 to 1, of each quantity that leaves the band."""
    if outside:
        faults = ", ".join(f"{name} ({_fault(ranks)})" for name, ranks in outside.items())
        yield (
            f"{len(outside)} of {quantities} quantities leave the {100 * BAND:.0f} % band (by chance, one in a hundred"
            f" does): {faults}. Whether it is chance, twice as many simulations with another seed tell."
        )
    else:
        yield f"the ranks of all {quantities} quantities stay in the {100 * BAND:.0f} % band."
    if problems:
        share = ", more than one in twenty" if many else ""
        yield f"The sampling was unhealthy in {len(problems)} of them{share}. The first: {problems[0]}"
    if failures:
        yield f"{len(failures)} simulations could not be fitted, which alone can bias ranks: {failures[0]}."


def _fault(ranks: np.ndarray) -> str:
    """What is wrong with a posterior whose true values have these ranks, from 0 to 1."""
    shift = (ranks.mean() - 0.5) * np.sqrt(12 * len(ranks))
    width = (ranks.var() - 1 / 12) * np.sqrt(180 * len(ranks))
    if abs(shift) > abs(width):
        return "posterior too low" if shift > 0 else "posterior too high"
    return "posterior too narrow" if width > 0 else "posterior too wide"


def _write(result: Dataset, folder: Path) -> None:
    from xarray import DataTree

    from ..figures import plot_calibration

    write_bytes(to_bytes(DataTree(result)), folder / "sbc.nc")
    plot_calibration(result, folder / "sbc.png")
