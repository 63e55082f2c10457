"""Models made ready for sampling, kept in memory for the next data set of the same form.

Nothing is kept on disk, so nothing can be stale: a process makes its machine code itself, in about a second a form.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...datasets import Experiment
from ..engine import start_of
from ..model import ModelSettings, Problem, data_of, fingerprint, model_of, without_values
from .coordinates import coordinates
from .recent import Recent
from .sample import FastSampler, GeneralSampler, prepare

KEPT: Recent[FastSampler | GeneralSampler] = Recent(16)


def form_of(experiment: Experiment, settings: ModelSettings, engine: str | None = None) -> str:
    """Equal for experiments that differ in measured values, their errors and texts only: one model serves them all.

    Everything else counts, also what this function does not know of: times, stages, apparatus, priors, noise, …
    """
    bare, nothing = without_values(experiment), np.empty(0)
    form = replace(
        bare,
        series=tuple(replace(series, spread=nothing) for series in bare.series),
        observations=tuple(replace(o, sigma=1.0) for o in bare.observations),
    )
    return fingerprint(form, replace(settings, name=""), engine)


def prepared(
    experiment: Experiment, settings: ModelSettings, engine: str | None = None
) -> FastSampler | GeneralSampler:
    """The model of an experiment, ready to be sampled; from memory where its form was there before.

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    ready = KEPT.get(form_of(experiment, settings, engine), lambda: _made(experiment, settings, engine))
    return ready.with_data(data_of(experiment))


def _made(experiment: Experiment, settings: ModelSettings, engine: str | None) -> Any:
    model = model_of(experiment, settings)
    start = start_of(model)
    chosen = coordinates(experiment, Problem(experiment, settings).free, start.labels, start.centre)
    return prepare(model, engine, start, chosen)
