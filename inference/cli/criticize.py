"""The verbs that question a fit: `criticize`, `sensitivity`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .output import Output
from .paths import figure_target

if TYPE_CHECKING:
    from xarray import DataTree


def criticize(given: argparse.Namespace) -> int:
    """Posterior predictive checks, or the prediction of series from others; 0 whatever is found: it is said."""
    output, figure = Output(given), figure_target(given.figure)
    from ..fits import read_fit

    fit = read_fit(given.fit)
    output.text(_title(fit) + "\n")
    if given.leave_out or given.given:
        return _left_out(given, fit, output, figure)
    from ..checks import criticize as criticism_of
    from ..text import criticism_text

    found = criticism_of(fit)
    output.text(criticism_text(found))
    if figure is not None:
        from ..figures import WIDTHS, plot_criticism, write

        write(plot_criticism(found, simulated=bool(fit.attrs["simulated"]), width=WIDTHS["page"]), figure)
        output.written(figure)
    output.facts({"title": str(fit.attrs["title"]), **found.facts()})
    return 0


def _left_out(given: argparse.Namespace, fit: DataTree, output: Output, figure: Path | None) -> int:
    from ..comparison import leave_one_series_out
    from ..text import left_out_text

    def progress(name: str) -> None:
        if not given.quiet:
            print(f"fitting without {name}", file=sys.stderr, flush=True)

    found = leave_one_series_out(
        fit, given=given.given or None, draws=given.draws, seed=given.seed, cores=given.cores, progress=progress
    )
    output.text(left_out_text(found))
    if figure is not None:
        from ..figures import WIDTHS, plot_left_out, write

        write(plot_left_out(found, WIDTHS["page"]), figure)
        output.written(figure)
    output.facts({"title": found.title, **found.facts()})
    return 0


def sensitivity(given: argparse.Namespace) -> int:
    """How rates move with the calibration, and what they owe to which prior and which series."""
    output, figure = Output(given), figure_target(given.figure)
    from ..fits import read_fit

    fit = read_fit(given.fit)
    from ..checks import sensitivity as sensitivity_of
    from ..text import sensitivity_text

    found = sensitivity_of(fit, cores=given.cores)
    output.text(f"{_title(fit)}\n\n{sensitivity_text(found)}")
    if figure is not None:
        from ..figures import WIDTHS, plot_sensitivity, write

        drawn = plot_sensitivity(found.calibration, simulated=bool(fit.attrs["simulated"]), width=WIDTHS["page"])
        write(drawn, figure)
        output.written(figure)
    output.facts({"title": str(fit.attrs["title"]), **found.facts()})
    return 0


def _title(fit: DataTree) -> str:
    return str(fit.attrs["title"]) + (" [simulated]" if fit.attrs["simulated"] else "")
