"""The figures that can be asked for by name. A new one is one function and one line here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets import ExperimentError
from ..fits import Fit
from .style import FORMATS, WIDTHS, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import DataTree


@dataclass(frozen=True)
class Entry:
    """A figure: what it shows, and the function of this room that makes it, as "file:function".

    The function takes a fit (`Fit`) and `width` in inches; where `takes_run`, the name of a `run`, too (None: all).
    """

    meaning: str
    function: str
    takes_run: bool = False

    def make(self, fitted: Fit, width: float, run: str | None) -> Figure:
        """The figure."""
        file, name = self.function.split(":")
        function = getattr(import_module(f".{file}", __package__), name)
        figure: Figure = function(fitted, width=width, **({"run": run} if self.takes_run else {}))
        return figure


FIGURES: dict[str, Entry] = {
    "series": Entry("all series with posterior bands (its own size)", "series:plot_series"),
    "fig2a": Entry("ΣJ(t) and ⟨Jx(t)⟩ as in the paper's Fig. 2a", "paper:figure_2a", takes_run=True),
    "fig2b": Entry("ξ(t) of all runs as in the paper's Fig. 2b", "paper:figure_2b", takes_run=True),
    "fig2d": Entry("ξ(t) with and without the record as in the paper's Fig. 2d", "continuous_measurement:figure_2d",
                   takes_run=True),
    "entanglement": Entry("probability of ξ < 1 against time", "entanglement:plot_probability"),
    "posterior": Entry("prior and posterior of every unknown", "arviz:plot_prior_posterior"),
    "pairs": Entry("pairs of parameters", "arviz:plot_pairs"),
    "ranks": Entry("ranks of the chains", "arviz:plot_ranks"),
    "energy": Entry("energy of the sampler", "arviz:plot_energy"),
    "pit": Entry("LOO-PIT of each series", "arviz:plot_pit"),
    "pareto-k": Entry("influence of single points", "arviz:plot_pareto_k"),
    "criticism": Entry("statistics of the data among those of replicated data", "checks:plot_criticism"),
    "autocorrelation": Entry("autocorrelation of the residuals of each series", "checks:plot_autocorrelation"),
    "sensitivity": Entry("shift of each rate when a calibration constant is off by 1 σ", "checks:plot_sensitivity"),
    "left-out": Entry("each series as the others predict it (fits again, without it)", "checks:plot_left_out"),
}  # fmt: skip


def plot(fit: DataTree, what: str, path: str | Path | None = None, *, width: str = "column",
         run: str | None = None) -> Figure:  # fmt: skip
    """A figure of a fit by its name, for a paper; written to `path` if given (.pdf with embedded fonts, .svg, .png).

    Parameters
    ----------
    what : "series", "fig2a", "fig2b", "fig2d", "entanglement", "posterior", "pairs", "ranks", "energy", "pit",
        "pareto-k", "criticism", "autocorrelation", "sensitivity", "left-out"
    width : "column" (8.6 cm) or "page" (17.8 cm)
    run : for "fig2a", "fig2b" and "fig2d": one run only

    Raises
    ------
    ExperimentError : for another name, width or ending, and for a run that the fit does not have
    """
    if what not in FIGURES:
        raise ExperimentError(f"plot: found {what!r}, expected one of {', '.join(FIGURES)}")
    if width not in WIDTHS:
        raise ExperimentError(f"plot: found the width {width!r}, expected one of {', '.join(WIDTHS)}")
    if run is not None and not FIGURES[what].takes_run:
        raise ExperimentError(f"plot: found a run for {what!r}, expected none: it shows all")
    if path is not None and Path(path).suffix.lower() not in FORMATS:
        raise ExperimentError(f"{path}: found no known kind of figure, expected a name ending in {', '.join(FORMATS)}")
    figure = FIGURES[what].make(Fit(fit), WIDTHS[width], run)
    if path is not None:
        write(figure, path)
    return figure
