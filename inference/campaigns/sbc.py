"""Simulation-based calibration: experiments with parameters from the prior, and where their posteriors put them.

If simulator, model and sampler are right, the rank of the true value among posterior draws is uniform (Talts et al.,
arXiv:1804.06788). The verdict rests on the ECDFs of the ranks and a band that is simultaneous over all quantities
(`uniformity`). Where one leaves it, twice as many simulations with another seed decide, so that a right model is called
wrong once in a hundred times.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...datasets.experiment import Label
from ...datasets.files import to_bytes, write_bytes
from ...forward_models import Closure
from ..model import Problem, SamplerSettings, fingerprint, pose, processes_for, require_data, without_values
from ..parallel import Done, Task, run_tasks
from .sbc_verdict import many_problems, of_ranks, of_sampling, of_second_seed, opening
from .simulated_ranks import RANKS, Ranked, simulate_and_rank
from .uniformity import FIRST, SECOND, Band, common_band

if TYPE_CHECKING:
    from xarray import Dataset

_AGAIN, _TIMES = "again", 2
"""Folder of what is simulated with another seed where some quantities are suspect, and how many times as many."""
FEWEST = 2
"""Simulations below which there is nothing to compare."""


def sbc(
    experiment: Any,
    output: str | Path,
    *,
    sharing: Mapping[str, str] | str | Path | None = None,
    simulations: int = 100,
    seed: int = 1,
    closure: Closure = "open",
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
    output : a separate folder: one small file per simulation, so that an interrupted run can continue, and sbc.nc,
        sbc.png; simulations with a second seed, where they are needed, are in its folder `again`
    simulations : how many experiments; 100 show gross errors, 500 finer ones
    seed, closure, free_dephasing, priors, model, draws, tune, chains, cores, executor, progress : as for `campaign`

    Returns
    -------
    xarray.Dataset: rank (simulation, quantity), from 0 to `ranks` (an attribute), of every unknown and derived
    quantity; ecdf (quantity, probability), lower and upper (probability); inside (quantity): 1 where the ECDF stays
    in the band, in which all do in 95 % of calibrations of a right model; coverage (parameter): how often the 94 %
    interval contains the true value; healthy (simulation): 1 where the sampling was. Where some are not inside, twice
    as many simulations follow with the next seed: rank_again, ecdf_again, lower_again, upper_again and inside_again of
    these quantities (suspect), in whose band all do in 80 %. Attributes: calibrated (0 or 1: none outside both times,
    which a right model is in 1 %; all simulations fitted; at most one sampling, or one in twenty, unhealthy:
    divergences, R-hat, energy, fewer effective draws than ranks), verdict.

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
    given = {*problem.settings.priors, *problem.experiment.priors}
    for label in (str(Label(*one)) for one in problem.experiment.free):
        if label not in given:
            expected = f"a prior to draw it from: --prior '{label}=…'"
            raise ExperimentError(f"sbc: found {label}, of which nothing is known, expected {expected}")
    if simulations < FEWEST:
        raise ExperimentError(f"simulations: found {simulations}, expected at least {FEWEST}")
    workers: dict[str, Any] = {"cores": cores, "executor": executor, "progress": progress}
    found, failures = _simulated(problem, sampler, simulations, folder, **workers)
    result = calibration_of(found, failures, problem, sampler)
    decided = bool(failures) or many_problems([row.problem for row in found if not row.healthy], len(found))
    if not result["inside"].values.all() and not decided:
        again = _simulated(problem, _second(sampler), _TIMES * simulations, folder / _AGAIN, **workers)
        result = calibration_of(found, failures, problem, sampler, again)
    _write(result, folder)
    return result


def _second(sampler: SamplerSettings) -> SamplerSettings:
    """The same with the next seed."""
    return replace(sampler, seed=sampler.seed + 1)


def _simulated(
    problem: Problem,
    sampler: SamplerSettings,
    simulations: int,
    folder: Path,
    *,
    cores: int | None,
    executor: Executor | None,
    progress: Done | None,
) -> tuple[list[Ranked], list[str]]:
    """Ranks of the simulations, those in the folder included, and why others have none."""
    known = _identity(problem, sampler)
    ranks = _finished_before(folder, simulations, known)
    (folder / "simulations").mkdir(parents=True, exist_ok=True)
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
    return [ranks[k] for k in sorted(ranks)], list(failed.values())


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


def calibration_of(
    found: list[Ranked],
    failures: list[str],
    problem: Problem,
    sampler: SamplerSettings,
    again: tuple[list[Ranked], list[str]] | None = None,
) -> Dataset:
    """ECDFs, bands and the verdict, from the ranks of each simulation by quantity.

    again : ranks and failures with the second seed, where the first one made some quantities suspect
    """
    import xarray as xr

    names, labels = list(found[0].ranks), list(found[0].covered)
    ranks = _fractional(found, names, sampler.seed)
    band = common_band(ranks, FIRST, np.random.default_rng(214))
    inside = band.holds(ranks)
    suspects = [name for name, is_inside in zip(names, inside, strict=True) if not is_inside]
    table = xr.Dataset(
        {
            "rank": (("simulation", "quantity"), _table(found, names)),
            **_of_band(band, ranks, inside, "quantity"),
            "coverage": ("parameter", np.mean([[row.covered[label] for label in labels] for row in found], axis=0)),
            "healthy": ("simulation", np.array([row.healthy for row in found], np.int8)),
        },
        coords={"quantity": np.array(names, object), "probability": band.points, "parameter": np.array(labels, object)},
    )
    confirmed, every, failed = suspects, found, failures
    if again is not None:
        second = _second_look(again[0], suspects, _second(sampler).seed)
        once = second["inside_again"].values
        confirmed = [name for name, is_inside in zip(suspects, once, strict=True) if not is_inside]
        table, every, failed = table.merge(second), found + again[0], failures + again[1]
    problems = [row.problem for row in every if not row.healthy]
    calibrated = not confirmed and not failed and not many_problems(problems, len(every))
    words = [
        opening(calibrated, len(found)),
        of_ranks({name: ranks[:, names.index(name)] for name in suspects}, len(names)),
        of_second_seed(confirmed, len(again[0])) if again is not None else "",
        *of_sampling(problems, failed, len(every)),
    ]
    said = {"calibrated": int(calibrated), "verdict": " ".join(word for word in words if word)}
    return table.assign_attrs(_attributes(problem, sampler) | {"failures": json.dumps(failed)} | said)


def _attributes(problem: Problem, sampler: SamplerSettings) -> dict[str, Any]:
    """What was calibrated, and how."""
    settings = json.dumps({"model": asdict(problem.settings), "sampler": asdict(sampler)})
    return {"ranks": RANKS, "band": 1 - FIRST, "title": problem.experiment.title, "settings": settings}


def _second_look(found: list[Ranked], suspects: list[str], seed: int) -> Dataset:
    """What the second seed says of the suspects: variables that end in `_again`."""
    import xarray as xr

    ranks = _fractional(found, suspects, seed)
    band = common_band(ranks, SECOND, np.random.default_rng(215))
    return xr.Dataset(
        {
            "rank_again": (("simulation_again", "suspect"), _table(found, suspects)),
            **_of_band(band, ranks, band.holds(ranks), "suspect", "_again"),
        },
        coords={"suspect": np.array(suspects, object), "probability_again": band.points},
    )


def _of_band(band: Band, ranks: np.ndarray, inside: np.ndarray, dim: str, again: str = "") -> dict[str, Any]:
    """The ECDFs of ranks, a band, and which of them it holds."""
    probability = f"probability{again}"
    return {
        f"ecdf{again}": ((dim, probability), band.ecdf(ranks)),
        f"lower{again}": (probability, band.lower),
        f"upper{again}": (probability, band.upper),
        f"inside{again}": (dim, inside.astype(np.int8)),
    }


def _table(found: list[Ranked], names: list[str]) -> np.ndarray:
    """Ranks, (simulations, quantities)."""
    return np.array([[row.ranks[name] for name in names] for row in found])


def _fractional(found: list[Ranked], names: list[str], seed: int) -> np.ndarray:
    """Ranks (simulations, quantities) as numbers from 0 to 1, uniform where the ranks are."""
    table = _table(found, names)
    return np.asarray((table + np.random.default_rng([seed, 2]).uniform(size=table.shape)) / (RANKS + 1))


def _write(result: Dataset, folder: Path) -> None:
    from xarray import DataTree

    from ..figures import plot_calibration

    write_bytes(to_bytes(DataTree(result)), folder / "sbc.nc")
    plot_calibration(result, folder / "sbc.png")
