"""A simulated experiment with the stages, times and noise of another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..forward_models import Closure
from .errors import ExperimentError
from .experiment import MAIN_RUN, Experiment
from .simulate import SeriesPlan, simulate


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
    if not experiment.series:
        raise ExperimentError(f"{experiment.title!r}: found no series, expected one to imitate")
    if any(series.run != MAIN_RUN for series in experiment.series):
        raise ExperimentError(f"{experiment.title!r}: found series of several runs, expected those of 'main' only")
    known = {name: known.value for name, known in experiment.apparatus.items() if name != "faraday_angle"}
    if experiment.truth is not None:
        known |= {k: v for k, v in experiment.truth.parameters.items() if not k.startswith(("scale", "offset"))}
    known.pop("detection_efficiency", None)
    plans = [
        SeriesPlan(
            s.kind,
            np.asarray(s.time),
            s.spread,
            s.noise,
            s.name,
            s.scale_uncertainty,
            s.offset_uncertainty,
            s.tail,
        )
        for s in experiment.series
    ]
    title = experiment.title.removeprefix("simulated: ")
    return simulate(
        experiment.run_stages(MAIN_RUN),
        plans,
        known | dict(parameters or {}),
        closure=closure,
        seed=seed,
        title=f"simulated: like {title}"[:300],
        apparatus=experiment.apparatus or None,
        description=f"Made by the {closure} closure; not measured.",
    )
