"""Is the state entangled at a time? The posterior probability of ξ < 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..fits import Fit
from .curves import ExperimentDraws, observable
from .drawing import legend, panels, stages
from .style import INK, PAGE_WIDTH, RUNS, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TIMES = 241


def probability_of_entanglement(fitted: Fit, run: str, times: np.ndarray) -> np.ndarray:
    """P(ξ(t) < 1) given the data, (T,), for a run whose rates are parameters; ξ < 1 exactly where Σ < p."""
    draws = ExperimentDraws.of(fitted)
    sigma, p = (observable(draws, run, name, times) for name in ("spin_variance", "p"))
    return np.asarray((sigma < p).mean(axis=0))


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
