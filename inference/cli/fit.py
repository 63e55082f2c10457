"""The verbs `fit` and `show`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ...datasets import ExperimentError
from ..fit_report import printable, report
from ..unknowns import require_data
from .options import experiment as experiment_given
from .options import model_settings
from .progress import Progress

FIGURES = (".png", ".pdf", ".svg")
LONGEST_NAME = 200


def fit(given: argparse.Namespace) -> int:
    """Fit an experiment, write the file, print the tables; 0 healthy, 1 not."""
    from ..unknowns import unknowns

    experiment = experiment_given(given)
    settings = model_settings(given)
    require_data(experiment, experiment.title)
    unknowns(experiment, settings)  # a wrong prior is reported before the slow imports
    target = writable(given.output)
    figure = figure_target(given.figure)

    from ...datasets.netcdf import write_tree
    from ..fitting import fit_experiment
    from ..sampling import SamplerSettings

    progress = Progress()
    sampler = SamplerSettings(given.seed, given.draws, given.tune, given.chains, given.cores, engine=given.engine)
    progress.step(f"fitting {experiment.title!r}" + (" (simulated data)" if experiment.simulated else ""))
    result = fit_experiment(experiment, settings, sampler, progress)
    progress.finish()
    write_tree(result, target)
    print(report(result))
    print(f"\nwritten: {target}")
    if figure is not None:
        from ..figure import plot_fit

        plot_fit(result, figure)
        print(f"written: {figure}")
    return 0 if result.attrs["healthy"] else 1


def show(given: argparse.Namespace) -> int:
    """The tables of a fit again; 0 healthy, 1 not."""
    from ..settings_of import read_fit

    figure = figure_target(given.figure)
    result = read_fit(given.fit)
    print(report(result))
    if figure is not None:
        from ..figure import plot_fit

        plot_fit(result, figure)
        print(f"\nwritten: {figure}")
    return 0 if result.attrs["healthy"] else 1


def figure_target(path: str | None) -> Path | None:
    """Where the figure goes, checked, its folder made; None where none is wanted."""
    if path is None:
        return None
    if Path(path).suffix.lower() not in FIGURES:
        raise ExperimentError(f"{path}: found no known kind of figure, expected a name ending in {', '.join(FIGURES)}")
    target = writable(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def writable(path: str) -> Path:
    """The path, checked: its folder exists or can be made, and can be written to."""
    target = Path(path)
    if "\x00" in path or len(target.name.encode()) > LONGEST_NAME:
        raise ExperimentError(f"{printable(path[:60])}…: found a name no file can have, expected a shorter one")
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "something that is no regular file"
        raise ExperimentError(f"{path}: found {kind}, expected the name of a file to write")
    folder = target.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExperimentError(f"{path}: found a folder that cannot be written to ({folder}), expected a writable one")
    return target


def writable_folder(path: str) -> Path:
    """The folder, checked: it is one or can be made, and can be written to."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ExperimentError(f"{path}: found a file, expected a folder to write to")
    writable(str(folder / "index.html"))
    return folder
