"""The verbs `compare` and `models`."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import datasets
from ...datasets import ExperimentError
from ..comparison import data_units
from ..model import require_data
from .options import experiment as experiment_given
from .options import model_settings
from .output import Output
from .paths import writable_folder
from .progress import Progress, resumable

if TYPE_CHECKING:
    from xarray import DataTree


def compare(given: argparse.Namespace) -> int:
    """Fit what is missing, compare; 0 if the sampling of every fit is healthy, 1 if not."""
    output, folder = Output(given), None if given.output is None else writable_folder(given.output)
    progress = Progress(given.quiet)
    with contextlib.nullcontext() if folder is None else resumable(folder):
        return _compared(given, output, folder, progress)


def _compared(given: argparse.Namespace, output: Output, folder: Path | None, progress: Progress) -> int:
    fits = _read(given) if given.models is None else _fitted(given, folder, progress)

    from ..comparison import compare as comparison_of
    from ..text import comparison_facts, comparison_text

    found = comparison_of(fits, unit=given.unit, refit=not given.no_refit, smc=given.smc, progress=progress.step)
    output.text(comparison_text(found))
    if folder is not None:
        from ..reports import write_comparison

        output.text("")
        for path in write_comparison(found, folder):
            output.written(path)
    output.facts(comparison_facts(found))
    return 0 if all(model.healthy for model in found.models) else 1


def models(given: argparse.Namespace) -> int:
    """The rival models and what they assume."""
    from ..model import RIVAL_MODELS
    from ..text import models_text

    output = Output(given)
    output.text(models_text())
    output.facts({"models": [{"name": m.name, "assumes": m.about} for m in RIVAL_MODELS.values()]})
    return 0


def _fitted(given: argparse.Namespace, folder: Path | None, progress: Progress) -> dict[str, DataTree]:
    from ..model import Problem, rival

    experiment, settings = experiment_given(given), model_settings(given)
    require_data(experiment, experiment.title)
    names = [name.strip() for name in given.models.split(",")]
    if len(names) < 2:
        raise ExperimentError(f"--models {given.models}: found one, expected several, such as microscopic,fixed-number")
    data_units(experiment, given.unit)  # a unit that this experiment does not have
    for name in names:
        Problem(*rival(experiment, settings, name)).check()  # what is wrong is said before the slow imports

    from ..comparison import fit_rivals
    from ..sampling import SamplerSettings

    sampler = SamplerSettings(given.seed, given.draws, given.tune, given.chains, given.cores)
    return fit_rivals(experiment, names, settings, sampler, folder=folder, progress=progress.step)


def _read(given: argparse.Namespace) -> dict[str, Any]:
    """The fits in files; ExperimentError for options that belong to fits yet to be made."""
    files = given.experiments
    unused = [option for option, value in (("--prior", given.prior), ("--fix", given.fix), ("--share", given.share),
                                           ("--sharing", given.sharing), ("--free-dephasing", given.free_dephasing))
              if value]  # fmt: skip
    if unused:
        raise ExperimentError(f"compare: found {', '.join(unused)} without --models, expected it where fits are made")
    from ..fits import read_fit

    for file in files:
        if Path(file).is_dir() or (len(files) < 2 and Path(file).suffix != ".nc") or file in datasets.names():
            raise ExperimentError(
                f"compare: found {file}, an experiment, expected files of fits, or --models microscopic,fixed-number"
                " (list: dissentangle models)"
            )
    if len(files) < 2:
        raise ExperimentError(f"compare: found {files[0]} alone, expected several fits")
    stems = [Path(file).stem for file in files]
    names = stems if len(set(stems)) == len(stems) else files
    if len({Path(file).resolve() for file in files}) < len(files):
        raise ExperimentError(f"compare: found one file twice ({', '.join(files)}), expected different fits")
    return {name: read_fit(file) for name, file in zip(names, files, strict=True)}
