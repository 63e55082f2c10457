"""What the atoms do in time: populations of their levels, and the posterior probability of entanglement, ξ < 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...forward_models.sixteen_level import NAMES as LEVEL_NAMES
from ..fits import Fit
from .curves import ExperimentDraws, observable
from .drawing import legend, panels, stages
from .paper import driven_run
from .style import CYCLE, INK, PAGE_WIDTH, RUNS, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TIMES = 241
_POPULATION_TIMES, _ENDS, _LEAST = 121, (0.03, 0.5, 0.97), 1e-6
THREE_NAMES = ("|4,4⟩", "|4,3⟩", "|3,3⟩")


def probability_of_entanglement(fitted: Fit, run: str, times: np.ndarray) -> np.ndarray:
    """P(ξ(t) < 1) given the data, (T,), for a run whose rates are parameters."""
    return np.asarray(observable(ExperimentDraws.of(fitted), run, "entangled", times).mean(axis=0))


def plot_populations(fitted: Fit, width: float = PAGE_WIDTH, run: str | None = None) -> Figure:
    """Populations of the levels against time (ms) in a driven run, logarithmic: median and 94 % of the draws.

    Three levels, or with the sixteen-level model F = 4 and F = 3 in a panel each, |F,m⟩ at the end of each line.
    ExperimentError for a run that the fit does not have.
    """
    name = driven_run(fitted, run)
    times = np.linspace(0.0, fitted.experiment.duration(name), _POPULATION_TIMES)
    levels = observable(ExperimentDraws.of(fitted), name, "populations", times)
    names = LEVEL_NAMES if levels.shape[-1] == len(LEVEL_NAMES) else THREE_NAMES
    parts = [range(9), range(9, 16)] if names is LEVEL_NAMES else [range(3)]
    with style():
        figure, axes = panels(len(parts), 2, width, 0.75 * width, sharey=True)
        for axis, part in zip(axes, parts, strict=True):
            for k, level in enumerate(part):
                low, middle, high = np.quantile(levels[..., level], _ENDS, axis=0)
                colour, line = CYCLE[k % len(CYCLE)], "-" if k < len(CYCLE) else "--"
                axis.fill_between(times, low, high, color=colour, alpha=0.2, lw=0)
                axis.plot(times, np.where(middle > 0, middle, np.nan), color=colour, ls=line)
                if middle[-1] > _LEAST:
                    axis.annotate(names[level], (times[-1], middle[-1]), (3, 0), textcoords="offset points",
                                  va="center", color=colour)  # fmt: skip
            axis.set_yscale("log")
            axis.set_ylim(_LEAST, 1.5)
            axis.set_xlabel("t (ms)")
        axes[0].set_ylabel("population")
    return figure


def plot_probability(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Posterior probability of entanglement, P(ξ(t) < 1), of each driven run against time (ms)."""
    runs = fitted.driven_runs
    with style():
        figure, (axis,) = panels(1, 1, width, 0.6 * width)
        for k, run in enumerate(runs):
            times = np.linspace(0.0, fitted.experiment.duration(run), _TIMES)
            chance = probability_of_entanglement(fitted, run, times)
            axis.plot(
                times, chance, color=RUNS[k % len(RUNS)], ls=("-", "--", "-.", ":")[k % 4], label=one_line(run, 30)
            )
        for level in (0.03, 0.97):
            axis.axhline(level, color=INK, lw=0.6, ls=":")
        axis.set_ylim(-0.03, 1.03)
        axis.set_xlabel("t (ms)")
        axis.set_ylabel("P(ξ(t) < 1), given the data")
        if len(runs) == 1:
            stages(axis, fitted.experiment.run_stages(runs[0]))
        else:
            legend(axis)
    return figure


def entangled_when(fitted: Fit) -> list[str]:
    """'run main: from 0.9 to 20 ms' for each driven run: the times at which ξ < 1 has a probability of 97 % or more."""
    words = []
    for run in fitted.driven_runs:
        times = np.linspace(0.0, fitted.experiment.duration(run), 121)
        certain = times[probability_of_entanglement(fitted, run, times) >= 0.97]
        span = f"from {certain[0]:.3g} to {certain[-1]:.3g} ms" if len(certain) else "at no time"
        words.append(span if len(fitted.driven_runs) == 1 else f"run {run}: {span}")
    return words
