"""The figures that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    """A figure: what it shows, and how it is made from a fit, a width in inches, and a run (None: the default)."""

    meaning: str
    make: Callable[[Fit, float, str | None], Figure]
    takes_run: bool = False


def _series(fitted: Fit, width: float, run: str | None) -> Figure:
    from .curves import Drawn
    from .series import plot_bands

    return plot_bands(Drawn.of(fitted), fitted.experiment.title)


def _fig2a(fitted: Fit, width: float, run: str | None) -> Figure:
    from .paper import figure_2a

    return figure_2a(fitted, run, width)


def _fig2b(fitted: Fit, width: float, run: str | None) -> Figure:
    from .paper import figure_2b

    return figure_2b(fitted, run, width)


def _fig2d(fitted: Fit, width: float, run: str | None) -> Figure:
    from .continuous_measurement import figure_2d

    return figure_2d(fitted, run, width)


def _entanglement(fitted: Fit, width: float, run: str | None) -> Figure:
    from .entanglement import plot_probability

    return plot_probability(fitted, width)


def _pareto(fitted: Fit, width: float, run: str | None) -> Figure:
    from ..comparison import leave_one_out
    from .arviz import plot_pareto_k

    return plot_pareto_k(leave_one_out(fitted), width)


def _criticism(fitted: Fit, width: float, run: str | None) -> Figure:
    from ..checks import criticize
    from .criticism import plot_criticism

    return plot_criticism(criticize(fitted), simulated=fitted.experiment.simulated, width=width)


def _autocorrelation(fitted: Fit, width: float, run: str | None) -> Figure:
    from .criticism import plot_autocorrelation

    return plot_autocorrelation(fitted, width)


def _sensitivity(fitted: Fit, width: float, run: str | None) -> Figure:
    from ..checks import calibration_sensitivity
    from .sensitivity import plot_sensitivity

    return plot_sensitivity(calibration_sensitivity(fitted), simulated=fitted.experiment.simulated, width=width)


def _left_out(fitted: Fit, width: float, run: str | None) -> Figure:
    from ..comparison import leave_one_series_out
    from .left_out import plot_left_out

    return plot_left_out(leave_one_series_out(fitted), width)


def _standard(name: str) -> Callable[[Fit, float, str | None], Figure]:
    def make(fitted: Fit, width: float, run: str | None) -> Figure:
        from . import arviz as standard

        figure: Figure = getattr(standard, name)(fitted, width=width)
        return figure

    return make


FIGURES: dict[str, Entry] = {
    "series": Entry("all series with posterior bands (its own size)", _series),
    "fig2a": Entry("ΣJ(t) and ⟨Jx(t)⟩ as in the paper's Fig. 2a", _fig2a, takes_run=True),
    "fig2b": Entry("ξ(t) of all runs as in the paper's Fig. 2b", _fig2b, takes_run=True),
    "fig2d": Entry("ξ(t) with and without the record as in the paper's Fig. 2d", _fig2d, takes_run=True),
    "entanglement": Entry("probability of ξ < 1 against time", _entanglement),
    "posterior": Entry("prior and posterior of every unknown", _standard("plot_prior_posterior")),
    "pairs": Entry("pairs of parameters", _standard("plot_pairs")),
    "ranks": Entry("ranks of the chains", _standard("plot_ranks")),
    "energy": Entry("energy of the sampler", _standard("plot_energy")),
    "pit": Entry("LOO-PIT of each series", _standard("plot_pit")),
    "pareto-k": Entry("influence of single points", _pareto),
    "criticism": Entry("statistics of the data among those of replicated data", _criticism),
    "autocorrelation": Entry("autocorrelation of the residuals of each series", _autocorrelation),
    "sensitivity": Entry("shift of each rate when a calibration constant is off by 1 σ", _sensitivity),
    "left-out": Entry("each series as the others predict it (fits again, without it)", _left_out),
}


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
