"""The verbs that read a fit and write something: `report`, `plot`, `table`, `export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...datasets import ExperimentError
from .output import Output
from .paths import figure_target, writable, writable_folder


def report(given: argparse.Namespace) -> int:
    """Write the report of a fit, or those of a folder; 0 also where the fit is bad: the report says so."""
    output = Output(given)
    if Path(given.fit).is_dir():
        return _folder(given, output)
    target = writable(given.output or str(Path(given.fit).with_suffix(".html")))
    if target.suffix.lower() not in (".html", ".htm"):
        raise ExperimentError(f"{target}: found no name of a page, expected one ending in .html")
    from ..fits import read_fit

    fit = read_fit(given.fit)
    from ..checks import assess
    from ..reports import write_report

    write_report(fit, target, Path(given.fit))
    judged = assess(fit)
    output.text(judged.headline)
    output.written(target)
    output.facts({"status": judged.status, "headline": judged.headline})
    return 0


def _folder(given: argparse.Namespace, output: Output) -> int:
    folder = writable_folder(given.output or given.fit)

    from ..reports import report_folder
    from .progress import Count, resumable

    with resumable(folder):
        index = report_folder(given.fit, folder, cores=given.cores, progress=Count("reports", given.quiet))
    output.written(index)
    output.facts({})
    return 0


def plot(given: argparse.Namespace) -> int:
    """Write one figure."""
    output, target = Output(given), figure_target(given.output)
    from ..fits import read_fit

    fit = read_fit(given.fit)
    from ..figures import plot as draw

    draw(fit, given.what, target, width=given.width, run=given.of_run)
    output.written(str(target))
    output.facts({"what": given.what})
    return 0


def table(given: argparse.Namespace) -> int:
    """Print or write the posterior table."""
    output = Output(given)
    target = writable(given.output, given.fit) if given.output else None
    from ...datasets.files import write_bytes
    from ..fits import read_fit
    from ..text import posterior_as

    text = posterior_as(read_fit(given.fit), given.format)
    if target is None:
        output.text(text.rstrip("\n"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(text.encode(errors="replace"), target)
        output.written(target)
    output.facts({"format": given.format, "table": text})
    return 0


def export(given: argparse.Namespace) -> int:
    """Write the draws of a group."""
    output, target = Output(given), writable(given.output, given.fit)
    from ..fits import read_fit
    from ..text import export as write_draws

    write_draws(read_fit(given.fit), target, group=given.group)
    output.written(target)
    output.facts({"group": given.group})
    return 0
