"""Models made ready for sampling: kept in memory for the next data of the same form, on disk for the same data.

From disk, another process that fits the same data again needs neither PyMC nor a compiler. There is one file for each
model, of which the newest are kept, in the user's folder for such things or in DISSENTANGLE_CACHE (empty: nothing is
kept). Its name tells of all that the code depends on, so nothing can be stale: the form of the problem, its data, the
source files of this package, the versions of what made the code, and the processor.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from functools import cache, partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from threading import RLock
from zipfile import BadZipFile

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
_SUFFIX = ".dissentangle"
_SOURCES = (".py", ".ll")
_OF_MODELS = ("datasets/experiment", "datasets/kinds", "datasets/prediction", "inference/engine", "inference/model",
              "inference/sampling")  # fmt: skip
"""With the forward models, the folders on whose sources the code of a model depends."""
KEPT_FILES = 100
"""Some megabytes: 0.1 for each experiment that is fitted."""


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
            if path and isinstance(KEPT[key], FastSampler):
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

    folder = os.environ.get(FOLDER, user_cache_dir("dissentangle", appauthor=False))
    if not folder or problem.settings.forward_model:
        return None
    return Path(folder) / f"{fingerprint(problem.form, data_of(problem.experiment), *_makers())}{_SUFFIX}"


@cache
def _makers() -> tuple[str, ...]:
    """Source files by size and date, versions and the processor."""
    here = Path(__file__).parents[2]
    folders = (*(here / "forward_models").iterdir(), *(here / folder for folder in _OF_MODELS))
    files = (one for folder in (here / "forward_models", *folders) if folder.is_dir() for one in os.scandir(folder))
    sources = [
        (one.path, (about := one.stat()).st_size, about.st_mtime_ns) for one in files if one.name.endswith(_SOURCES)
    ]
    made_by = ("numpy", "pymc", "pytensor", "casadi", "llvmlite")
    return fingerprint(sorted(sources)), *(version(name) for name in made_by), processor()


def stored(path: Path) -> FastSampler | None:
    """The model in a file; None where there is none, or a damaged one."""
    try:
        with np.load(BytesIO(path.read_bytes())) as file:
            parts = dict(file)
        about = json.loads(str(parts["about"]))
        code = partial(loaded, parts["code"].tobytes())
        density = NativeDensity(about["dimension"], about["expanded"], code, parts["data"])
        shapes = [tuple(shape) for shape in about["shapes"]]
        compiled = CompiledModel(density, about["names"], shapes, parts["data"])
        naturals = Naturals(parts["slope"], parts["bend"], parts["growth"]) if "slope" in parts else None
        os.utime(path)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None
    return FastSampler(compiled, naturals)


def store(path: Path, made: FastSampler) -> None:
    """Write a model, whole or not at all; where that is not possible, nothing is kept."""
    compiled, density = made.compiled, made.compiled.density
    about = {"names": compiled.names, "shapes": compiled.shapes}
    about |= {"dimension": density.dimension, "expanded": density.expanded}
    parts = {} if made.naturals is None else asdict(made.naturals)
    parts |= {"code": np.frombuffer(density.object_file, np.uint8), "data": compiled.data, "about": json.dumps(about)}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        np.savez(content := BytesIO(), **parts)
        write_bytes(content.getvalue(), path)
        for old in sorted(path.parent.glob(f"*{_SUFFIX}"), key=lambda one: -one.stat().st_mtime)[KEPT_FILES:]:
            old.unlink(missing_ok=True)
    except (OSError, ExperimentError):
        return
