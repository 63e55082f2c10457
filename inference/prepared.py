"""Models made ready for sampling, kept in memory for the next data set of the same form.

Nothing is kept on disk, so nothing can be stale: a process makes its machine code itself, in half a second a form.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np

from ..datasets import Experiment
from .compiling import start_of
from .coordinates import coordinates
from .fingerprint import fingerprint, without_texts
from .model import data_of, model_of
from .sampling import FastSampler, GeneralSampler, prepare
from .unknowns import ModelSettings, free, unknowns

_MOST = 16
_kept: OrderedDict[str, FastSampler | GeneralSampler] = OrderedDict()
_lock = Lock()


def form_of(experiment: Experiment, settings: ModelSettings, engine: str | None = None) -> str:
    """Equal for experiments that differ in measured values, their errors and texts only: one model serves them all.

    Everything else counts, also what this function does not know of: times, stages, apparatus, priors, noise, …
    """
    nothing, bare = np.empty(0), without_texts(experiment)
    form = replace(
        bare,
        series=tuple(replace(series, value=nothing, spread=nothing) for series in bare.series),
        observations=tuple(replace(o, value=0.0, sigma=1.0) for o in bare.observations),
    )
    return fingerprint(form, settings, engine)


def prepared(
    experiment: Experiment, settings: ModelSettings, engine: str | None = None
) -> FastSampler | GeneralSampler:
    """The model of an experiment, ready to be sampled; from memory where its form was there before.

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    form = form_of(experiment, settings, engine)
    with _lock:
        if form not in _kept:
            _kept[form] = _made(experiment, settings, engine)
            while len(_kept) > _MOST:
                _kept.popitem(last=False)
        _kept.move_to_end(form)
        return _kept[form].with_data(data_of(experiment))


def _made(experiment: Experiment, settings: ModelSettings, engine: str | None) -> Any:
    model = model_of(experiment, settings)
    start = start_of(model)
    chosen = coordinates(experiment, free(unknowns(experiment, settings)), start.labels, start.centre)
    return prepare(model, engine, start, chosen)
