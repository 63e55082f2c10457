"""The fit: from an experiment to one DataTree with posterior, predictions, diagnostics and all settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Experiment, ExperimentError, read
from ..forward_models import Closure
from .coordinates import Coordinates, coordinates
from .diagnostics import QUADRATURE_LIMIT, Verdict, summarise, verdict
from .draws import (
    quadrature_error,
)
from .fit_tree import fit_tree
from .model import ACCURACY, model_of, rate_bounds
from .sampling import Draws, SamplerSettings, sample, value_labels
from .unknowns import ModelSettings, Unknown, fixed_values, free, unknowns

if TYPE_CHECKING:
    from xarray import DataTree

_RESOLUTIONS = (1.0, 4.0, 16.0)
"""Factors on the resolved rates: the next one is taken where the draws show that the grid is too coarse."""


def fit(
    experiment: Any,
    *,
    seed: int = 1,
    closure: Closure = "microscopic",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    cores: int | None = None,
    engine: str | None = None,
    progress: Callable[[Any], None] | None = None,
) -> DataTree:
    """Fit an experiment: the posterior of its rates and calibration constants, and what follows from it.

    Parameters
    ----------
    experiment : a bundled name, a folder, a .nc file, a DataTree, or an Experiment
    seed : the same seed gives the same draws, on any number of cores
    closure, free_dephasing, priors : see `build_model`
    draws, tune, chains, cores : of the sampler; cores None takes those of the machine
    engine : None, "fast" or "general", see `sampling`
    progress : called now and then with nutpie's progress of the chains

    Returns
    -------
    xarray.DataTree in the ArviZ schema: posterior, prior, posterior_predictive, prior_predictive, log_likelihood,
    observed_data, sample_stats; and ours: derived, predictions (of published numbers that were not fitted),
    summary, experiment. Attributes: settings, versions, verdict.

    Raises
    ------
    ExperimentError, PriorError : for what cannot be fitted
    """
    data = experiment if isinstance(experiment, Experiment) else read(experiment)
    settings = ModelSettings(closure, free_dephasing, dict(priors or {}))
    sampler = SamplerSettings(seed, draws, tune, chains, cores, engine=engine)
    return fit_experiment(data, settings, sampler, progress)


def fit_experiment(
    experiment: Experiment,
    settings: ModelSettings,
    sampler: SamplerSettings,
    progress: Callable[[Any], None] | None = None,
) -> DataTree:
    """The fit of a checked experiment; see `fit`."""
    parameters = unknowns(experiment, settings)
    for resolution in _RESOLUTIONS:
        settings = replace(settings, resolution=resolution)
        model = model_of(experiment, settings)
        chosen = coordinates(experiment, free(parameters), *value_labels(model))
        drawn = _sampled(experiment, model, sampler, chosen, progress)
        by_label = draws_by_label(drawn, parameters)
        values = fixed_values(parameters) | {label: array.reshape(-1) for label, array in by_label.items()}
        bounds = rate_bounds(experiment, parameters, resolution)
        error = quadrature_error(experiment, values, settings.closure, bounds, ACCURACY)
        if error <= QUADRATURE_LIMIT:
            break
    rows = summarise(by_label, free(parameters))
    judged = verdict(rows, drawn.statistics, error)
    tree = fit_tree(experiment, settings, sampler, parameters, drawn, values, rows)
    tree.attrs.update(_attributes(experiment, settings, sampler, drawn, judged, error))
    return tree


def _sampled(
    experiment: Experiment,
    model: Any,
    sampler: SamplerSettings,
    chosen: Coordinates,
    progress: Callable[[Any], None] | None,
) -> Draws:
    try:
        return sample(model, sampler, chosen, progress)
    except (RuntimeError, ValueError) as failure:
        raise ExperimentError(
            f"{experiment.title}: the sampler cannot start ({failure}); check priors and data"
        ) from failure


def draws_by_label(drawn: Draws, parameters: list[Unknown]) -> dict[str, np.ndarray]:
    """Draws of every scalar, label → (chain, draw): the unknowns first, then the derived rates."""
    result = {}
    for name in dict.fromkeys([u.name for u in free(parameters)]):
        entries = [u for u in free(parameters) if u.name == name]
        array = drawn.variables[name]
        for k, unknown in enumerate(entries):
            result[unknown.label] = array if unknown.index is None else array[..., k]
    lights = [u.index for u in parameters if u.name == "pure_dephasing_rate"]
    if "dephasing_rate" in drawn.variables and lights:
        for k, index in enumerate(lights):
            result[f"dephasing_rate[{index}]"] = drawn.variables["dephasing_rate"][..., k]
    if "radiative_rate" in drawn.variables:
        result["radiative_rate"] = drawn.variables["radiative_rate"]
    return result


def _attributes(
    experiment: Experiment,
    settings: ModelSettings,
    sampler: SamplerSettings,
    drawn: Draws,
    judged: Verdict,
    error: float,
) -> dict[str, Any]:
    asked = asdict(sampler)
    asked.pop("cores")  # the draws do not depend on it
    return {
        "inference_library": "dissentangle",
        "title": experiment.title,
        "simulated": int(experiment.simulated),
        "settings": json.dumps({"model": asdict(settings), "sampler": asked}, ensure_ascii=False),
        "versions": json.dumps(versions()),
        "data_sha256": data_hash(experiment),
        "engine": drawn.engine,
        "engine_reason": drawn.reason,
        "attempts": drawn.attempts,
        "quadrature_error": error,
        "healthy": int(judged.healthy),
        "verdict": judged.text,
        "timings": json.dumps(drawn.timings),
    }


@cache
def versions() -> dict[str, str]:
    """Versions of what the numbers depend on; looked up once a process."""
    from importlib.metadata import version

    names = ("dissentangle", "numpy", "scipy", "pymc", "pytensor", "nutpie", "casadi", "llvmlite", "arviz", "xarray")
    return {name: version(name) for name in names}


def data_hash(experiment: Experiment) -> str:
    """SHA-256 of everything in the experiment that the likelihood depends on."""
    import hashlib

    digest = hashlib.sha256()
    parts = (experiment.stages, experiment.run_depth, experiment.observations, experiment.apparatus)
    digest.update(repr([_plain(part) for part in parts]).encode())
    for series in experiment.series:
        digest.update(repr([series.name, series.kind, series.run, series.noise]).encode())
        digest.update(repr([series.scale_uncertainty, series.offset_uncertainty, series.tail]).encode())
        for array in (series.time, series.value, series.spread, series.fitted.astype(float)):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def _plain(part: Any) -> Any:
    """A form whose text does not depend on the order of a set."""
    if isinstance(part, tuple):
        return [_plain(item) for item in part]
    if isinstance(part, dict):
        return sorted((key, repr(value)) for key, value in part.items())
    if hasattr(part, "lights"):
        return (part.duration, part.label, part.run)
    return repr(part)
