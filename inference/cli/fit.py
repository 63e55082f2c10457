"""The verbs `fit` and `show`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..model import require_data
from .options import modelled
from .output import Output
from .paths import figure_target, fit_target
from .progress import Progress


def fit(given: argparse.Namespace) -> int:
    """Fit an experiment, write the file, print the tables; 0 healthy, 1 not."""
    if given.method != "posterior":
        from .point_fit import point_fit

        return point_fit(given)
    from ..model import Problem

    output = Output(given)
    experiment, settings = modelled(given)
    require_data(experiment, experiment.title)
    Problem(experiment, settings).check()  # a wrong prior is reported before the slow imports
    target = fit_target(given.output or "fit.nc")
    figure = figure_target(given.figure)

    from ...datasets.files import write_tree
    from ..fits import fit_experiment
    from ..sampling import SamplerSettings

    progress = Progress(given.quiet)
    sampler = SamplerSettings(given.seed, given.draws, given.tune, given.chains, given.cores, engine=given.engine)
    progress.step(f"fitting {experiment.title!r}" + (" (simulated data)" if experiment.simulated else ""))
    result = fit_experiment(experiment, settings, sampler, progress)
    progress.finish()
    write_tree(result, target)
    output.fit(result)
    output.text("")
    output.written(target)
    return finished(result, output, figure)


def show(given: argparse.Namespace) -> int:
    """The tables of a fit again; 0 healthy, 1 not."""
    from ..fits import read_fit

    output, figure = Output(given), figure_target(given.figure)
    result = read_fit(given.fit)
    output.fit(result)
    return finished(result, output, figure)


def finished(result: Any, output: Output, figure: Path | None) -> int:
    """The figure, the facts, the exit code."""
    if figure is not None:
        from ..figures import plot_fit

        plot_fit(result, figure)
        output.written(figure)
    if output.json:
        from ..text import fit_facts

        output.facts(fit_facts(result))
    return 0 if result.attrs["healthy"] else 1
