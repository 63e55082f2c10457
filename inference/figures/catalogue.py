"""The figures that can be asked for by name: the table `FIGURES` of `choices.py`."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets import ExperimentError
from ..choices import FIGURES, RESULTS
from ..fits import Fit
from ..shown import Shown
from .drawing import mark_simulated
from .style import FORMATS, WIDTHS, appearing, legible, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import DataTree


def plot(fit: DataTree, what: str, path: str | Path | None = None, *, width: str = "column",
         run: str | None = None) -> Figure:  # fmt: skip
    """A figure of a fit by its name, for a paper; written to `path` if given (.pdf with embedded fonts, .svg, .png).

    Parameters
    ----------
    what : "series", "fig2a", "fig2b", "fig2d", "entanglement", "populations", "levels", "posterior", "pairs", "ranks",
        "energy", "pit", "pareto-k", "criticism", "autocorrelation", "sensitivity", "left-out"
    width : "column" (8.6 cm) or "page" (17.8 cm)
    run : for "fig2a", "fig2b", "fig2d", "populations" and "levels": one run only

    Raises
    ------
    ExperimentError : for another name, width or ending, and for a run that the fit does not have
    """
    if what not in FIGURES:
        raise ExperimentError(f"plot: found {what!r}, expected one of {', '.join(FIGURES)}")
    if width not in WIDTHS:
        raise ExperimentError(f"plot: found the width {width!r}, expected one of {', '.join(WIDTHS)}")
    file, name = FIGURES[what].split(":")
    make = getattr(import_module(f".{file}", __package__), name)
    if run is not None and "run" not in signature(make).parameters:
        raise ExperimentError(f"plot: found a run for {what!r}, expected none: it shows all")
    _require_format(path)
    figure: Figure = make(Fit(fit), width=WIDTHS[width], **({} if run is None else {"run": run}))
    if "simulated" not in figure.get_suptitle():
        mark_simulated(figure, Fit(fit).experiment.simulated)
    if path is not None:
        write(figure, path)
    return appearing(legible(figure))


def plot_result(result: Shown, path: str | Path | None = None) -> Figure:
    """The figure of a result of any kind, see `RESULTS`; written to `path` if given.

    Raises ExperimentError for another ending than those of figures.
    """
    _require_format(path)
    figure = result_figure(result)
    if path is not None:
        write(figure, path)
    return appearing(figure)


def result_figure(result: Shown) -> Figure:
    """The same, for a page."""
    file, name = RESULTS[result.kind].split(":")
    made: Figure = getattr(import_module(f".{file}", __package__), name)(result)
    return made


def _require_format(path: str | Path | None) -> None:
    if path is not None and Path(path).suffix.lower() not in FORMATS:
        raise ExperimentError(
            f"{path}: found an unknown kind of figure, expected a name ending in {', '.join(FORMATS)}"
        )
