"""Models made ready for sampling: kept in memory and on disk for the next data of the same form.

From disk, another process that fits such data needs neither PyMC nor a compiler. There is one file for each model, of
which the newest are kept, in the user's folder for such things or in DISSENTANGLE_CACHE (empty: nothing is kept). Its
name tells of all that the code depends on: the form of the problem, the content of the source files of this package,
the versions of what made the code, and the processor. Who can write there can run code as the user: it is machine code.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import RLock

from cachetools import LRUCache

from ...datasets import ExperimentError
from ...datasets.files import write_bytes
from ..engine import CompiledModel, NativeDensity, loaded, processor, start_of
from ..model import Problem, data_of, fingerprint, model_of
from .coordinates import coordinates, naturals
from .sample import FastSampler, GeneralSampler, prepare

KEPT: LRUCache[tuple[str, str | None], FastSampler | GeneralSampler] = LRUCache(16)
_LOCK = RLock()
FOLDER = "DISSENTANGLE_CACHE"
"""Environment variable."""
_SUFFIX, _DIGEST = ".dissentangle", 32
_SOURCES = ("datasets", "datasets/experiment", "datasets/kinds", "datasets/prediction",
            "forward_models", "forward_models/light", "forward_models/noise", "forward_models/sixteen_level",
            "forward_models/three_state",
            "inference", "inference/engine", "inference/model", "inference/sampling")  # fmt: skip
"""Folders on whose files the code of a model depends."""
KEPT_FILES = 100
"""Some megabytes."""


def _sources() -> str:
    """SHA-256 of the source files; "" where they cannot be read."""
    digest, here = sha256(), Path(__file__).parents[2]
    try:
        for folder in _SOURCES:
            for file in sorted([*(here / folder).glob("[!.]*.py"), *(here / folder).glob("[!.]*.ll")]):
                digest.update(f"{folder}/{file.name}\n".encode() + file.read_bytes())
    except OSError:
        return ""
    return digest.hexdigest()


_IMPORTED = _sources()
"""As this process runs them; what is on disk may change."""


def prepared(problem: Problem, engine: str | None = None) -> FastSampler | GeneralSampler:
    """The model of a problem, ready to be sampled; from memory or disk where its form was there before.

    engine : "fast", "general", or None: the fast one where it can translate the model

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    key = problem.form, engine
    with _LOCK:  # another thread may be making the same one
        if key not in KEPT:
            path = path_of(problem) if engine != "general" else None
            found = stored(path) if path else None
            KEPT[key] = found or _made(problem, engine)
            if path and not found and isinstance(KEPT[key], FastSampler) and _sources() == _IMPORTED:
                store(path, KEPT[key])
        ready: FastSampler | GeneralSampler = KEPT[key]
    return ready.with_data(data_of(problem.experiment))


def _made(problem: Problem, engine: str | None) -> FastSampler | GeneralSampler:
    model = model_of(problem)
    start = start_of(model)
    labels, centre = start.labels, start.centre
    chosen = coordinates(problem, labels, centre)
    return prepare(model, engine, start, chosen, naturals(problem, labels, centre))


def path_of(problem: Problem) -> Path | None:
    """The file for the machine code of a problem; None where nothing is kept, as of users' forward models."""
    from platformdirs import user_cache_dir

    try:
        folder = os.environ.get(FOLDER)
        folder = user_cache_dir("dissentangle", appauthor=False) if folder is None else folder
        if not (folder and _IMPORTED) or problem.settings.forward_model:
            return None
        name = fingerprint(problem.form, _IMPORTED, *_makers())
        return Path(folder).expanduser() / f"{name}{_SUFFIX}"
    except (RuntimeError, PackageNotFoundError):  # no home, no versions
        return None


@cache
def _makers() -> tuple[str, ...]:
    """What made the code: versions and the processor."""
    return *(version(name) for name in ("numpy", "scipy", "pymc", "pytensor", "casadi", "llvmlite")), processor()


def stored(path: Path) -> FastSampler | None:
    """The model in a file; None where there is none, or a damaged one."""
    try:
        content = path.read_bytes()
        if sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            return None
    except OSError:
        return None
    with suppress(OSError):  # the newest are kept
        os.utime(path)
    dimension, expanded, object_file, numbers, names, shapes, naturals = pickle.loads(content[_DIGEST:])
    density = NativeDensity(dimension, expanded, partial(loaded, object_file), numbers)
    return FastSampler(CompiledModel(density, names, shapes, density.data), naturals)


def store(path: Path, made: FastSampler) -> None:
    """Write a model, whole or not at all; where that is not possible, nothing is kept."""
    compiled, density = made.compiled, made.compiled.density
    if not density.numbers.portable:
        return
    code = density.dimension, density.expanded, density.object_file, density.numbers
    content = pickle.dumps((*code, compiled.names, compiled.shapes, made.naturals))
    with suppress(OSError, ExperimentError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(sha256(content).digest() + content, path)
        files = [one for one in path.parent.glob(f"{'?' * len(path.stem)}{_SUFFIX}") if one.is_file()]
        for old in sorted(files, key=lambda one: -one.stat().st_mtime)[KEPT_FILES:]:
            old.unlink(missing_ok=True)
