"""The verbs `compare` and `models`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import ExperimentError
from ..choices import UNITS
from .options import MODEL, experiment_of, experiments, sampler, sampler_of, settings_of
from .output import Output, resumable, steps
from .paths import writable_folder
from .verb import option, verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from xarray import DataTree


@verb("compare", "compare rival models of the same data: prediction (LOO), weights, evidence", """
compare my-run --models microscopic,fixed-number,fixed-number+student-t -o compared
compare one.nc other.nc --unit time
compare my-run --models microscopic,two-level --smc --json""",
      *experiments("an experiment (several: joint) with --models, or the files of fits of the same data"),
      option("--models", default=None, metavar="A,B,C",
             help="rival models; each can be several joined by + (list: dissentangle models)"),
      option("-o", "--output", default=None, metavar="FOLDER",
             help="folder for fits, comparison.json and comparison.html; existing fits are used"),
      option("--unit", choices=UNITS, default=UNITS[0], help="what is left out at a time (%(default)s)"),
      option("--no-refit", action="store_true", help="do not refit where importance weights fail"),
      option("--smc", action="store_true", help="check each evidence by sequential Monte Carlo"),
      *MODEL, *sampler(draws=1000))  # fmt: skip
def compare(given: Namespace) -> int:
    """Fit what is missing, compare; 0 if the sampling of every fit is healthy, 1 if not."""
    output, folder = Output(given), None if given.output is None else writable_folder(given.output)
    say = steps(given.quiet)
    with resumable(folder):
        fits = _read(given) if given.models is None else _fitted(given, folder, say)
        from ..comparison import compare as comparison_of
        from ..text import comparison_facts, comparison_text

        found = comparison_of(fits, unit=given.unit, refit=not given.no_refit, smc=given.smc, progress=say)
        output.text(comparison_text(found))
        if folder is not None:
            from ..reports import write_comparison

            output.text("")
            for path in write_comparison(found, folder):
                output.written(path)
    output.facts(comparison_facts(found))
    return 0 if all(model.healthy for model in found.models) else 1


@verb("models", "list the rival models that --model and --models take", "models")
def models(given: Namespace) -> int:
    """The rival models and what they assume."""
    from ..model import RIVAL_MODELS

    output = Output(given)
    output.text("\n".join(f"{m.name:24s}{m.about}" for m in RIVAL_MODELS.values()))
    output.facts({"models": [{"name": m.name, "assumes": m.about} for m in RIVAL_MODELS.values()]})
    return 0


def _fitted(given: Namespace, folder: Path | None, say: Callable[[str], None]) -> dict[str, DataTree]:
    from ..comparison import data_units, fit_rivals
    from ..model import Problem, require_data, rival

    experiment, settings = experiment_of(given), settings_of(given)
    require_data(experiment, experiment.title)
    names = [name.strip() for name in given.models.split(",")]
    if len(names) < 2:
        raise ExperimentError(f"--models {given.models}: found one, expected several, such as microscopic,fixed-number")
    data_units(experiment, given.unit)  # a unit that this experiment does not have
    for name in names:
        Problem(*rival(experiment, settings, name)).check()  # what is wrong is said before the slow imports

    made = sampler_of(given, cores=given.cores)
    return fit_rivals(Problem(experiment, settings), names, made, folder=folder, progress=say)


def _read(given: Namespace) -> dict[str, Any]:
    """The fits in files; ExperimentError for options that belong to fits yet to be made."""
    files = given.experiments
    unused = [option for option, value in (("--prior", given.prior), ("--fix", given.fix), ("--share", given.share),
                                           ("--sharing", given.sharing), ("--range", given.range),
                                           ("--free-dephasing", given.free_dephasing))
              if value]  # fmt: skip
    if unused:
        raise ExperimentError(f"compare: found {', '.join(unused)} without --models, expected it where fits are made")
    from ...datasets import names as bundled_names
    from ..fits import read_fit

    for file in files:
        if Path(file).is_dir() or (len(files) < 2 and Path(file).suffix != ".nc") or file in bundled_names():
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
