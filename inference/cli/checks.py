"""The verbs that question a fit: `criticize`, `sensitivity`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from .options import CORES, FIT, SEED, figure, positive
from .output import Output, steps
from .paths import figure_target
from .verb import option, verb

if TYPE_CHECKING:
    from ..fits import Fit


@verb("criticize", "could the fitted model have produced these data? Time of the minimum, late slope, autocorrelation,"
      " scatter, … of the data among those of replicated data", """
criticize my-run.nc --figure criticism.pdf
criticize my-run.nc --leave-out                each series predicted from all others, each time fitted again
criticize my-run.nc --given polarization       does P(t) alone predict the others?""",
      FIT,
      option("--leave-out", action="store_true", help="predict each series from the others in its place"),
      option("--given", action="append", default=[], metavar="SERIES",
             help="predict all other series from this one; repeatable"),
      option("--draws", type=positive, default=500, help="draws per chain of each new fit (%(default)s)"),
      CORES, SEED, figure())  # fmt: skip
def criticize(given: Namespace) -> int:
    """Posterior predictive checks, or the prediction of series from others; 0 whatever is found: it is said."""
    output, drawing = Output(given), figure_target(given.figure)
    from ..fits import Fit, read_fit

    fit = Fit(read_fit(given.fit))
    output.text(_title(fit) + "\n")
    if given.leave_out or given.given:
        return _left_out(given, fit, output, drawing)
    from ..checks import alarms
    from ..checks import criticize as criticism_of
    from ..figures import WIDTHS, plot_criticism
    from ..text import criticism_text, disturbance_table

    found, wrong = criticism_of(fit), alarms(fit)
    output.text(f"{criticism_text(found)}\n\n{disturbance_table(wrong).text()}")
    output.figure(drawing, lambda: plot_criticism(fit, WIDTHS["page"], found))
    could_be_wrong = [one.facts() for one in wrong.suspicions]
    output.facts({"title": str(fit.tree.attrs["title"]), **found.facts(), "could_be_wrong": could_be_wrong})
    return 0


def _left_out(given: Namespace, fit: Fit, output: Output, drawing: Path | None) -> int:
    from ..comparison import leave_one_series_out
    from ..figures import WIDTHS, plot_left_out
    from ..text import left_out_text

    say = steps(given.quiet)
    found = leave_one_series_out(
        fit, given=given.given or None, draws=given.draws, seed=given.seed, cores=given.cores,
        progress=lambda name: say(f"fitting without {name}"),
    )  # fmt: skip
    output.text(left_out_text(found))
    output.figure(drawing, lambda: plot_left_out(fit, WIDTHS["page"], found))
    output.facts({"title": found.title, **found.facts()})
    return 0


@verb("sensitivity", "how each rate moves when a calibration constant is off by one σ, and how it depends on each"
      " prior and each series", "sensitivity my-run.nc --figure sensitivity.pdf",
      FIT, CORES, figure())  # fmt: skip
def sensitivity(given: Namespace) -> int:
    """How rates move with the calibration, and what they owe to which prior and which series."""
    output, drawing = Output(given), figure_target(given.figure)
    from ..fits import Fit, read_fit

    fit = Fit(read_fit(given.fit))
    from ..checks import sensitivity as sensitivity_of
    from ..figures import WIDTHS, plot_sensitivity
    from ..text import sensitivity_text

    found = sensitivity_of(fit, cores=given.cores)
    output.text(f"{_title(fit)}\n\n{sensitivity_text(found)}")
    output.figure(drawing, lambda: plot_sensitivity(fit, WIDTHS["page"], found.calibration))
    output.facts({"title": str(fit.tree.attrs["title"]), **found.facts()})
    return 0


def _title(fit: Fit) -> str:
    return str(fit.tree.attrs["title"]) + (" [simulated]" if fit.tree.attrs["simulated"] else "")
