"""Models made ready for sampling, kept in memory for the next data set of the same form.

Nothing is kept on disk, so nothing can be stale: a process makes its machine code itself, in about a second per form.
"""

from __future__ import annotations

from threading import RLock

from cachetools import LRUCache

from ..engine import start_of
from ..model import Problem, data_of, model_of
from .coordinates import coordinates, naturals
from .sample import FastSampler, GeneralSampler, prepare

KEPT: LRUCache[tuple[str, str | None], FastSampler | GeneralSampler] = LRUCache(16)
_LOCK = RLock()


def prepared(problem: Problem, engine: str | None = None) -> FastSampler | GeneralSampler:
    """The model of a problem, ready to be sampled; from memory where its form was there before.

    engine : "fast", "general", or None: the fast one where it can translate the model

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    key = problem.form, engine
    with _LOCK:  # another thread may be making the same one
        if key not in KEPT:
            KEPT[key] = _made(problem, engine)
        ready: FastSampler | GeneralSampler = KEPT[key]
    return ready.with_data(data_of(problem.experiment))


def _made(problem: Problem, engine: str | None) -> FastSampler | GeneralSampler:
    model = model_of(problem)
    start = start_of(model)
    labels, centre = start.labels, start.centre
    chosen = coordinates(problem, labels, centre)
    return prepare(model, engine, start, chosen, naturals(problem, labels, centre))
