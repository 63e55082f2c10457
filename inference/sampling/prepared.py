"""Models made ready for sampling: kept in memory for the next data of the same form, on disk for the same data.

From disk, another process that fits the same data again needs neither PyMC nor a compiler. There is one file for each
model, of which the newest are kept, in the user's folder for such things or in DISSENTANGLE_CACHE (empty: nothing is
kept). Its name tells of all that the code depends on: the form of the problem, its data, the content of the source
files of this package, the versions of what made the code, and the processor.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from threading import RLock

import numpy as np
from cachetools import LRUCache

from ...datasets import ExperimentError
from ...datasets.files import write_bytes
from ..engine import CompiledModel, NativeDensity, loaded, processor, start_of
from ..model import Problem, data_of, fingerprint, model_of
from .coordinates import coordinates, naturals
from .sample import FastSampler, GeneralSampler, prepare
from .triangular_map import Naturals

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
    """The model of a problem, ready to be sampled; from memory where its form was there before.

    engine : "fast", "general", or None: the fast one where it can translate the model

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    key = problem.form, engine
    with _LOCK:  # another thread may be making the same one
        if key not in KEPT:
            path = path_of(problem) if engine != "general" else None
            if path and (found := stored(path)):
                return found
            KEPT[key] = _made(problem, engine)
            if path and isinstance(KEPT[key], FastSampler) and _sources() == _IMPORTED:
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
        name = fingerprint(problem.form, data_of(problem.experiment), _IMPORTED, *_makers())
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
    with np.load(BytesIO(content[_DIGEST:])) as file:
        parts = dict(file)
    about = json.loads(str(parts["about"]))
    code = partial(loaded, parts["code"].tobytes())
    density = NativeDensity(about["dimension"], about["expanded"], code, parts["data"])
    compiled = CompiledModel(density, about["names"], [tuple(shape) for shape in about["shapes"]], parts["data"])
    return FastSampler(compiled, Naturals(parts["slope"], parts["bend"], parts["growth"]) if "slope" in parts else None)


def store(path: Path, made: FastSampler) -> None:
    """Write a model, whole or not at all; where that is not possible, nothing is kept."""
    compiled, density = made.compiled, made.compiled.density
    about = {"names": compiled.names, "shapes": compiled.shapes}
    about |= {"dimension": density.dimension, "expanded": density.expanded}
    parts = {} if made.naturals is None else asdict(made.naturals)
    parts |= {"code": np.frombuffer(density.object_file, np.uint8), "data": compiled.data, "about": json.dumps(about)}
    np.savez(file := BytesIO(), **parts)
    content = file.getvalue()
    with suppress(OSError, ExperimentError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(sha256(content).digest() + content, path)
        files = [one for one in path.parent.glob(f"{'?' * len(path.stem)}{_SUFFIX}") if one.is_file()]
        for old in sorted(files, key=lambda one: -one.stat().st_mtime)[KEPT_FILES:]:
            old.unlink(missing_ok=True)
