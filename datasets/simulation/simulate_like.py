"""A simulated experiment with the stages, times and noise of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...forward_models import Closure
from ..errors import ExperimentError
from ..experiment import MAIN_RUN, Experiment, Known, Series
from ..formats import to_tree
from .simulate import PAPER, SeriesPlan, measured, simulate, truth_labels

if TYPE_CHECKING:
    from xarray import DataTree

_OTHER = {
    "dephasing_rate": "pure_dephasing_rate",
    "pure_dephasing_rate": "dephasing_rate",
    "optical_depth": "radiative_rate",
    "radiative_rate": "optical_depth",
}
"""Two ways to say the same: one that is given replaces the recorded other one."""


def simulate_like(
    experiment: Experiment,
    parameters: Mapping[str, float] | None = None,
    *,
    closure: Closure = "microscopic",
    seed: int,
) -> Any:
    """A simulated experiment as `experiment` would be if nature were the model at these parameters.

    parameters : true values by label, over the recorded truth (if `experiment` is simulated) and the paper's own
    Raises ExperimentError where there is no series to imitate, or one of a run other than `main`.
    """
    if experiment.constant:
        return _with_constant_rates(experiment, dict(parameters or {}), closure, seed)
    if not experiment.series:
        raise ExperimentError(f"{experiment.title!r}: found no series, expected one to imitate")
    if any(series.run != MAIN_RUN for series in experiment.series):
        raise ExperimentError(f"{experiment.title!r}: found series of several runs, expected those of 'main' only")
    given = dict(parameters or {})
    stages = experiment.run_stages(MAIN_RUN)
    possible = truth_labels(stages, experiment.series)
    known = {name: entry.value for name, entry in experiment.apparatus.items() if name in PAPER and name in possible}
    if experiment.truth is not None:
        known |= {k: v for k, v in experiment.truth.parameters.items() if not k.startswith(("scale", "offset"))}
    for label in given:
        known.pop(_OTHER.get(label.split("[")[0], "") + label[len(label.split("[")[0]) :], None)
    apparatus = dict(experiment.apparatus)
    if "optical_depth" in apparatus and {"optical_depth", "radiative_rate"} & set(given):
        merged = known | given
        depth = merged.get("optical_depth") or merged["collective_rate"] / merged["radiative_rate"]
        apparatus["optical_depth"] = Known(depth, apparatus["optical_depth"].sigma)
    title = experiment.title.removeprefix("simulated: ")
    return simulate(
        stages,
        [_plan(series) for series in experiment.series],
        known | given,
        closure=closure,
        seed=seed,
        title=f"simulated: like {title}"[:300],
        apparatus=apparatus or None,
        description=f"Made by the {closure} closure; not measured.",
    )


def _with_constant_rates(experiment: Experiment, parameters: dict[str, float], closure: Closure, seed: int) -> DataTree:
    """The same for experiments with runs in which populations do not move: all true values must be known."""
    calibration = ("scale", "offset")
    values = {name: entry.value for name, entry in experiment.apparatus.items()} | {"shot_noise_level": 1.0}
    if experiment.truth is not None:
        values |= {k: v for k, v in experiment.truth.parameters.items() if not k.startswith(calibration)}
    plain = tuple(replace(s, left_out=None) for s in experiment.series)
    title = f"simulated: like {experiment.title.removeprefix('simulated: ')}"[:300]
    description = f"Made by the {closure} closure; not measured."
    planned = replace(experiment, title=title, description=description, simulated=True, series=plain, truth=None)
    try:
        return to_tree(measured(planned, values | parameters, closure, seed))
    except (KeyError, TypeError) as error:
        known = ", ".join(values | parameters)
        raise ExperimentError(
            f"{experiment.title!r}: found true values of {known} only, expected one of each parameter of its model"
            " (dissentangle check lists them)"
        ) from error


def _plan(s: Series) -> SeriesPlan:
    each = len(s.about.components)
    return SeriesPlan(
        s.kind, s.x[::each], s.spread[::each], s.noise, s.name, s.scale_uncertainty, s.offset_uncertainty, s.tail,
        s.probe_duration, s.pulse_time, s.slope_used,
    )  # fmt: skip
