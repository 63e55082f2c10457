"""The verb `calibrate`: the calibration runs alone, and the file that later fits take as prior."""

from __future__ import annotations

import argparse

from ...datasets import read
from .fit import finished
from .options import prior_texts
from .output import Output
from .paths import calibration_target, figure_target, fit_target
from .progress import Progress


def calibrate(given: argparse.Namespace) -> int:
    """Fit the calibration runs, write the calibration file; 0 healthy, 1 not."""
    from ..model import Problem

    output, experiment = Output(given), read(given.experiment)
    priors = prior_texts(given)
    target = calibration_target(given.output)
    figure, file = figure_target(given.figure), fit_target(given.fit) if given.fit else None

    from ..fits import calibration_of_fit, calibration_runs, calibration_settings

    runs, settings = calibration_runs(experiment), calibration_settings(priors)
    Problem(runs, settings).check()

    from ...datasets.files import write_tree
    from ...datasets.formats import write_calibration
    from ..fits import fit_experiment
    from ..sampling import SamplerSettings

    progress = Progress(given.quiet)
    progress.step(f"fitting {runs.title!r}" + (" (simulated data)" if runs.simulated else ""))
    sampler = SamplerSettings(given.seed, given.draws, given.tune, given.chains, given.cores)
    result = fit_experiment(runs, settings, sampler, progress)
    progress.finish()
    output.fit(result)
    output.text("")
    write_calibration(calibration_of_fit(result), target)
    output.written(target)
    if file is not None:
        write_tree(result, file)
        output.written(file)
    output.text(f'To use it as prior: calibration = "{target.name}" in an experiment.toml beside it.')
    return finished(result, output, figure)
