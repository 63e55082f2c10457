"""The verbs `fit` and `show`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets import Experiment, ExperimentError, from_tree, read
from . import printable
from .options import model_settings
from .progress import Progress

if TYPE_CHECKING:
    from xarray import DataTree


FIGURES = (".png", ".pdf", ".svg")
LONGEST_NAME = 200


def fit(given: argparse.Namespace) -> int:
    """Fit an experiment, write the file, print the tables; 0 healthy, 1 not."""
    from ..unknowns import unknowns

    experiment = read(given.experiment)
    settings = model_settings(given)
    require_data(experiment, given.experiment)
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


def report(result: DataTree) -> str:
    """Verdict, posterior table, derived quantities, published numbers."""
    from ..text_table import PUBLISHED, derived_table, posterior_table, published_table, summary_rows

    experiment = from_tree(result["experiment"])
    rows = summary_rows(result)
    beside, title = (PUBLISHED, "paper") if experiment.truth is None else (truth_of(experiment), "truth")
    parts = [
        f"{experiment.title}" + (" [simulated]" if experiment.simulated else ""),
        result.attrs["verdict"],
        posterior_table(rows, beside, title),
        derived_table(result),
        published_table(result),
        _remarks(result, [row.label for row in rows if row.informed == "prior"]),
    ]
    return printable("\n\n".join(part for part in parts if part))


def _remarks(result: DataTree, from_prior: list[str]) -> str:
    lines = []
    if from_prior:
        lines.append(f"Known from the prior, not from these data: {', '.join(from_prior)}.")
    if result.attrs["attempts"] > 1:
        diverged = bool(result["sample_stats"]["diverging"].any())
        end = "; some transitions diverged all the same" if diverged else ", until no transition diverged"
        lines.append(f"Sampled {result.attrs['attempts']} times, with smaller steps{end}.")
    why = f" ({result.attrs['engine_reason']})" if result.attrs["engine_reason"] else ""
    lines.append(f"Engine: {result.attrs['engine']}{why}.")
    return "\n".join(lines)


def truth_of(experiment: Experiment) -> dict[str, float]:
    """True values by label, those of derived rates included."""
    from ...datasets.stage_rates import rates_of
    from ...forward_models import dephasing_floor

    if experiment.truth is None:
        return {}
    values = dict(experiment.truth.parameters)
    for stage in experiment.stages:
        try:
            rates = rates_of(values, stage)
        except (KeyError, ZeroDivisionError):
            continue  # a truth that somebody wrote by hand and left incomplete
        values[f"dephasing_rate[{stage.label}]"] = rates.dephasing_rate
        values[f"pure_dephasing_rate[{stage.label}]"] = rates.dephasing_rate - dephasing_floor(rates)
        if "pump" in stage.lights:
            values[f"pump_rate[{stage.label}]"] = rates.pump_rate
        if "drive" in stage.lights:
            values["radiative_rate"] = rates.radiative_rate
    return values


def require_data(experiment: Experiment, source: str) -> None:
    """Raise ExperimentError where there is nothing to fit."""
    fitted = any(series.fitted.any() for series in experiment.series)
    if not fitted and all(o.excluded for o in experiment.observations):
        raise ExperimentError(f"{source}: found no data to fit, expected a series or an observation")


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
