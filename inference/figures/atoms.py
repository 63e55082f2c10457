"""What the atoms do: populations of their levels, flows between them, and the posterior probability of ξ < 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...datasets.prediction import rates_of
from ...forward_models import has_sixteen_levels, transitions
from ...forward_models.sixteen_level import LEVELS, LOST, flows
from ...forward_models.sixteen_level import NAMES as LEVEL_NAMES
from ..fits import Fit
from .curves import ExperimentDraws, observable
from .drawing import MOST_NAMED, legend, legend_below, panels, stages
from .paper import moving_run
from .style import CYCLE, INK, LIGHTS, MUTED, PAGE_WIDTH, RUNS, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...forward_models import Rates

_TIMES = 241
_POPULATION_TIMES, _ENDS, _LEAST = 121, (0.03, 0.5, 0.97), 1e-6
THREE_NAMES = ("|4,4⟩", "|4,3⟩", "|3,3⟩")
_SMALLEST_FLOW = 0.01
_PROCESSES = {
    "all": ("light and collisions", RUNS[0]),
    "radiative_rate": ("drive", LIGHTS["drive"]),
    "excess_loss_rate": ("excess loss", RUNS[1]),
    "pump_rate": ("pump", LIGHTS["pump"]),
    "repump_rate": ("repump", LIGHTS["repump"]),
    "collision_rate": ("collisions", MUTED),
}
"""Name and colour of each process."""
_ARROW = {
    "arrowstyle": "-|>,head_width=0.15",
    "connectionstyle": "arc3,rad=0.25",
    "shrinkA": 5,
    "shrinkB": 5,
    "alpha": 0.8,
}


def probability_of_entanglement(fitted: Fit, run: str, times: np.ndarray) -> np.ndarray:
    """P(ξ(t) < 1) given the data, (T,), for a run whose rates are parameters."""
    return np.asarray(observable(ExperimentDraws.of(fitted), run, "entangled", times).mean(axis=0))


def plot_populations(fitted: Fit, width: float = PAGE_WIDTH, run: str | None = None) -> Figure:
    """Populations of the levels against time (ms) in a driven run, logarithmic: median and 94 % of the draws.

    Three levels, or with the sixteen-level model F = 4 and F = 3 in a panel each, |F,m⟩ at the end of each line.
    ExperimentError for a run that the fit does not have, or of constant rates.
    """
    name = moving_run(fitted, run)
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


def plot_levels(fitted: Fit, width: float = PAGE_WIDTH, run: str | None = None) -> Figure:
    """Levels as discs, their area the population, and flows between them as arrows, their width atoms per ms; medians.

    At the end of the last stage with the drive (without any: of the last), at the power that its lights have then.
    Flows below 1 % of the largest are left out. ExperimentError as of `plot_populations`.
    """
    name = moving_run(fitted, run)
    entries = fitted.experiment.run_stages(name)
    last = max((k for k, entry in enumerate(entries) if "drive" in entry.lights), default=len(entries) - 1)
    end = np.array([sum(entry.duration for entry in entries[: last + 1])])
    populations = np.median(observable(ExperimentDraws.of(fitted), name, "populations", end), axis=0).ravel()
    medians = {label: float(np.median(draws)) for label, draws in fitted.values.items()}
    member, depth = fitted.experiment.member.get(name, ""), fitted.experiment.run_depth.get(name, 1.0)
    rates = rates_of(medians, entries[last].at_its_end, depth, member)
    sixteen = has_sixteen_levels(rates)
    levels = LEVELS if sixteen else [LEVELS[k] for k in (0, 1, LOST)]
    moved = flows(rates, populations) if sixteen else {"all": _flows_of_three(rates, populations)}
    largest = max(float(np.max(flow)) for flow in moved.values())
    with style():
        figure, (axis,) = panels(1, 1, width, 0.5 * width)
        lowest = 3
        for k, (process, flow) in enumerate(moved.items()):
            for f, i in np.argwhere(flow > _SMALLEST_FLOW * largest):
                lowest = min(lowest, levels[f][1], levels[i][1])
                start, stop = levels[i][::-1], levels[f][::-1]
                thickness, colour = 0.3 + 4 * flow[f, i] / largest, _PROCESSES[process][1]
                look = _ARROW | {"lw": thickness, "color": colour, "connectionstyle": f"arc3,rad={0.15 + 0.07 * k}"}
                axis.annotate("", stop, start, arrowprops=look)
        axis.scatter(*np.array(levels)[:, ::-1].T, s=400 * populations + 2, color=INK, zorder=3)
        for process in (p for p, flow in moved.items() if np.any(flow)):
            axis.plot([], [], color=_PROCESSES[process][1], lw=3, label=_PROCESSES[process][0])
        axis.set_xticks(range(lowest, 5))
        axis.set_xlim(lowest - 0.7, 4.5)
        axis.set_yticks((3, 4), ("F = 3", "F = 4"))
        axis.set_ylim(1.9, 4.6)
        axis.set_xlabel(f"m\nthickest, at {end[0]:g} ms: {largest:.2g} of all per ms")
        legend(axis, loc="lower left", ncols=2)
    return figure


def _flows_of_three(rates: Rates, populations: np.ndarray) -> np.ndarray:
    """Likewise between |4,4⟩, |4,3⟩ and |3,3⟩, (3, 3)."""
    t = transitions(rates)
    table = [[0.0, t.cooling, t.recovery], [t.heating, 0.0, t.recovery], [t.loss, t.loss, 0.0]]
    return np.asarray(np.array(table, float) * populations)


def plot_probability(fitted: Fit, width: float = PAGE_WIDTH) -> Figure:
    """Posterior probability of entanglement, P(ξ(t) < 1), of each driven run against time (ms)."""
    runs = fitted.driven_runs
    with style():
        figure, (axis,) = panels(1, 1, width, 0.6 * width)
        for k, run in enumerate(runs):
            times = np.linspace(0.0, fitted.experiment.duration(run), _TIMES)
            chance = probability_of_entanglement(fitted, run, times)
            label = one_line(run, 30) if len(runs) <= MOST_NAMED else f"{len(runs)} runs"
            axis.plot(times, chance, color=RUNS[k % len(RUNS)], ls=("-", "--", "-.", ":")[k % 4], label=label)
        for level in (0.03, 0.97):
            axis.axhline(level, color=INK, lw=0.6, ls=":")
        axis.set_ylim(-0.03, 1.03)
        axis.set_xlabel("t (ms)")
        axis.set_ylabel("P(ξ(t) < 1 | data)")
        if len(runs) == 1:
            stages(axis, fitted.experiment.run_stages(runs[0]))
        else:
            legend_below(figure, axis)
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
