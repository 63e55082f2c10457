"""The verbs that fit: `demo`, `fit`, `calibrate`, `rerun`."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import ExperimentError
from ..choices import ENGINES, METHODS
from .options import (
    EXPERIMENT,
    FIT,
    MODEL,
    PRIORS,
    RIVAL,
    SEED,
    experiments,
    figure,
    modelled,
    priors_of,
    sampler,
    sampler_of,
)
from .output import Output, SamplingProgress, steps
from .paths import calibration_target, figure_target, fit_target, writable, writable_folder
from .verb import option, verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from xarray import DataTree

    from ...datasets import Experiment
    from ..model import Problem, SamplerSettings

POSTERIOR = "posterior"
"""The method of a fit that is not in `METHODS`."""


@verb("demo", "fit the published numbers and a simulated series, with tables, a report and a figure",
      "demo\ndemo -o my-demo --seed 3",
      option("-o", "--output", default="dissentangle-demo", help="folder to write to (%(default)s)"),
      SEED)  # fmt: skip
def demo(given: Namespace) -> int:
    """Fit `krauter2011-published` and `fig2b-d55`; tables, fits, a report and a figure into the output folder."""
    output, folder = Output(given), writable_folder(given.output)
    folder.mkdir(parents=True, exist_ok=True)

    from ...datasets import read
    from ..model import Problem, SamplerSettings

    found = {}
    for name in ("krauter2011-published", "fig2b-d55"):
        experiment = read(name)
        what = f"{name} ({'simulated data' if experiment.simulated else 'published numbers'})"
        result = _fitted(given, what, Problem(experiment), SamplerSettings(given.seed))
        _save(result, folder / f"{name}.nc", output)
        output.text("")
        found[name] = result

    from ..figures import plot_fit
    from ..reports import write_report

    steps(given.quiet)("writing the report")
    last = found["fig2b-d55"]
    output.figure(folder / "fig2b-d55.png", lambda: plot_fit(last))
    write_report(last, folder / "fig2b-d55.html", folder / "fig2b-d55.nc")
    output.written(folder / "fig2b-d55.html")
    output.text(
        "The paper fitted dΓ = 0.11, Γ̃ = 0.193, Γcol = 0.002 ms⁻¹ (Fig. 2); the simulated data were made with these."
    )
    if output.json:
        from ..text import fit_facts

        output.facts({name: fit_facts(result) for name, result in found.items()})
    return 0 if all(result.attrs["healthy"] for result in found.values()) else 1


@verb("fit", "fit an experiment, or several jointly", """
fit my-run -o my-run.nc --figure my-run.png
fit my-run --prior 'pump_rate=lognormal(0.2, 0.3)' --fix collision_rate=0.002
fit monday tuesday --share optical_depth=separate -o both.nc
fit my-run --method least-squares -o my-run.json    for comparison: no posterior, one value and error bar per rate
fit my-run --json --quiet | jq .status""",
      *experiments(),
      option("-o", "--output", default=None,
             help="NetCDF file to write (fit.nc); with another --method: JSON (none)"),
      option("--method", choices=(POSTERIOR, *METHODS), default=POSTERIOR,
             help="posterior; or for comparison, one value and error bar per rate: paper (the paper's fit, step by"
             " step), least-squares (all data at once; priors only of scales, offsets and n3(0)) (%(default)s)"),
      *MODEL, RIVAL, *sampler(draws=1000),
      option("--engine", choices=ENGINES, default=None, help="engine (fast if it covers the model)"),
      figure())  # fmt: skip
def fit(given: Namespace) -> int:
    """Fit an experiment, write the file, print the tables; 0 healthy, 1 not."""
    if given.method != POSTERIOR:
        return _point_fit(given)
    output = Output(given)
    experiment, settings = modelled(given)
    from ...datasets.experiment import doubts
    from ..model import Problem, require_data, unused_entries

    require_data(experiment, experiment.title)
    problem = Problem(experiment, settings).check()  # a wrong prior is reported before the slow imports
    for line in doubts(experiment):
        steps(given.quiet)(f"look at: {line}")
    for name, model in unused_entries(problem).items():
        if model:
            steps(given.quiet)(f"not used: {name} of the apparatus (--model {model} uses it)")
    target, drawing = fit_target(given.output or "fit.nc"), figure_target(given.figure)
    made = sampler_of(given, cores=given.cores, engine=given.engine)
    result = _fitted(given, _named(experiment), problem, made)
    _save(result, target, output, given.cores if given.alone else 1)
    return finished(result, output, drawing)


def _fitted(given: Namespace, what: str, problem: Problem, made: SamplerSettings) -> DataTree:
    from ..fits import fit_problem

    with SamplingProgress(given.quiet) as progress:
        progress.step(f"fitting {what}")
        return fit_problem(problem, made, progress, alone=given.alone)


def _named(experiment: Experiment) -> str:
    return repr(experiment.title) + (" (simulated data)" if experiment.simulated else "")


def _save(result: DataTree, target: Path, output: Output, cores: int | None = 1) -> None:
    """The file first: tables can wait. cores : to judge the fit with."""
    from ...datasets.files import write_tree
    from ..checks import assess

    judged = assess(result, cores)
    result.attrs["status"] = judged.status
    write_tree(result, target)
    output.fit(result, judged=judged)
    output.text("")
    output.written(target)


def finished(result: DataTree, output: Output, drawing: Path | None, compared: Sequence[str] = ()) -> int:
    """The figure of a fit, its facts, its exit code; `compared`: what a comparison adds to its headline."""

    def drawn() -> Figure:
        from ..figures import plot_fit

        return plot_fit(result)

    output.figure(drawing, drawn)
    if output.json:
        from ..text import fit_facts

        output.facts(fit_facts(result, compared))
    return 0 if result.attrs["healthy"] else 1


def _point_fit(given: Namespace) -> int:
    """One value and error bar per rate; JSON where asked; 0, or 1 where the search did not end at a minimum."""
    output = Output(given)
    experiment, settings = modelled(given)
    target = _json_target(given)

    from ..model import Problem
    from ..point_fit import fit_least_squares, paper_fit
    from ..text import as_json, point_fit_facts, point_fit_text

    paper = given.method == "paper"
    result = paper_fit(experiment) if paper else fit_least_squares(Problem(experiment, settings))
    output.text(point_fit_text(result))
    facts = point_fit_facts(result)
    if target is not None:
        from ...datasets.files import write_bytes

        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(json.dumps(as_json(facts), ensure_ascii=False, indent=1).encode(), target)
        output.text("")
        output.written(target)
    output.facts(facts)
    return 0 if result.converged else 1


def _json_target(given: Namespace) -> Path | None:
    """Where the JSON goes; ExperimentError for options that belong to a posterior."""
    method = f"--method {given.method}"
    if given.figure is not None:
        raise ExperimentError(
            f"--figure {given.figure}: found {method}, expected --method posterior, which has figures"
        )
    if given.method == "paper" and (given.prior or given.fix or given.model):
        raise ExperimentError(
            f"--prior, --fix, --model: found {method}, which uses none of them, expected another method"
        )
    if given.output is None:
        return None
    if Path(given.output).suffix.lower() != ".json":
        raise ExperimentError(
            f"{given.output}: output must end in .json, because {method} makes no posterior for a NetCDF file"
        )
    return writable(given.output)


@verb("calibrate", "fit the calibration runs alone, and write a file that later fits use as prior",
      "calibrate my-run -o calibration.toml --figure calibration.png",
      EXPERIMENT,
      option("-o", "--output", default="calibration.toml", help="file to write (%(default)s)"),
      *PRIORS, *sampler(draws=1000),
      option("--fit", default=None, metavar="FILE", help="also write the fit (NetCDF)"),
      figure())  # fmt: skip
def calibrate(given: Namespace) -> int:
    """Fit the calibration runs, write the calibration file; 0 healthy, 1 not."""
    from ...datasets import read
    from ..model import Problem

    output, experiment = Output(given), read(given.experiment)
    priors = priors_of(given)
    target = calibration_target(given.output)
    drawing, file = figure_target(given.figure), fit_target(given.fit) if given.fit else None

    from ..fits import calibration_of_fit, calibration_runs, calibration_settings

    runs, settings = calibration_runs(experiment), calibration_settings(priors)
    problem = Problem(runs, settings).check()

    from ...datasets.files import write_tree
    from ...datasets.formats import write_calibration

    result = _fitted(given, _named(runs), problem, sampler_of(given, cores=given.cores))
    output.fit(result)
    output.text("")
    write_calibration(calibration_of_fit(result), target)
    output.written(target)
    if file is not None:
        write_tree(result, file)
        output.written(file)
    output.text(f'To use it as prior: calibration = "{target.name}" in an experiment.toml in the same folder.')
    return finished(result, output, drawing)


@verb("rerun", "repeat a fit from its file, and say whether the draws are the same",
      "rerun my-run.nc\nrerun my-run.nc -o again.nc     exit code 0: bit-identical, 1: not",
      FIT,
      option("-o", "--output", default=None, help="file for the new fit"))  # fmt: skip
def rerun(given: Namespace) -> int:
    """Fit again what is in a file; 0: the same draws, 1: others."""
    output = Output(given)
    target = fit_target(given.output) if given.output else None

    from ..fits import read_fit, save_fit
    from ..fits import rerun as fit_again

    found = fit_again(read_fit(given.fit))
    output.text(found.text)
    if target is not None:
        save_fit(found.fit, target)
        output.written(target)
    facts: dict[str, Any] = {
        "identical": found.identical,
        "versions": {name: list(pair) for name, pair in found.versions.items()},
        "largest_shift": found.shift,
        "shifted": found.shifted,
        "text": found.text,
    }
    output.facts(facts)
    return 0 if found.identical else 1
