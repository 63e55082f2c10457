"""The fit: from an experiment to one DataTree with posterior, predictions, diagnostics and all settings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...forward_models import Closure
from ..model import (
    ACCURACY,
    ModelParameter,
    ModelSettings,
    Problem,
    data_hash,
    experiment_of,
    fixed_values,
    free,
    measured,
    rate_bounds,
    require_time_scale,
    rival,
    variables_of,
)
from ..sampling import Draws, SamplerSettings, prepared, sample
from .grid_error import quadrature_error
from .groups import fit_tree
from .summary import QUADRATURE_LIMIT, Verdict, summarise, verdict

if TYPE_CHECKING:
    from xarray import DataTree

_RESOLUTIONS = (1.0, 4.0, 16.0)
"""Factors on the resolved rates: the next one is taken where the draws show that the grid is too coarse."""


def fit(
    experiment: Any,
    *,
    sharing: Mapping[str, str] | str | Path | None = None,
    seed: int = 1,
    closure: Closure = "microscopic",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    engine: str | None = None,
    progress: Callable[[Any], None] | None = None,
) -> DataTree:
    """Fit an experiment, or several jointly: the posterior of rates and calibration constants, and what follows.

    Parameters
    ----------
    experiment : a bundled name, a folder, a .nc file, a DataTree, or an Experiment; a list of them, or a dict by name,
        for a joint fit
    sharing : of a joint fit: parameter → "shared", "separate", "population" or (optical_depth) "tied", or a TOML file
        with a table [sharing]; see `datasets.joint` for what is shared by default
    seed : the same seed gives the same draws, on any number of cores
    closure, free_dephasing, priors : see `build_model`
    model : names of rival models, joined by +, e.g. "two-level+student-t"; see `rival_models`
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
    data = experiment_of(experiment, sharing)
    settings = ModelSettings(closure, free_dephasing, dict(priors or {}))
    if model:
        data, settings = rival(data, settings, model)
    sampler = SamplerSettings(seed, draws, tune, chains, cores, engine=engine)
    return fit_experiment(data, settings, sampler, progress)


def fit_experiment(
    experiment: Experiment,
    settings: ModelSettings,
    sampler: SamplerSettings,
    progress: Callable[[Any], None] | None = None,
) -> DataTree:
    """The fit of a checked experiment; see `fit`."""
    used = measured(experiment)
    require_time_scale(used, Problem(used, settings).parameters)
    found = sample_posterior(used, settings, sampler, progress)
    rows = summarise(found.by_label, found.unknown)
    judged = verdict(rows, found.drawn.statistics, found.quadrature_error, bfmi=found.drawn.bfmi)
    parameters = Problem(used, found.settings).parameters
    tree = fit_tree(used, found.settings, sampler, parameters, found.drawn, found.values, rows)
    tree.attrs.update(_attributes(used, found.settings, sampler, found.drawn, judged, found.quadrature_error))
    return tree


@dataclass(frozen=True)
class Sampled:
    """The posterior of an experiment.

    settings : with the resolution that the draws needed;  unknown : the free parameters
    by_label : draws of every scalar, label → (chain, draw);  values : the same, flat, with the fixed parameters
    quadrature_error : of the model's integration grid, in standard deviations of the data
    """

    settings: ModelSettings
    drawn: Draws
    unknown: list[ModelParameter]
    by_label: dict[str, np.ndarray]
    values: dict[str, Any]
    quadrature_error: float


def sample_posterior(
    experiment: Experiment,
    settings: ModelSettings,
    sampler: SamplerSettings,
    progress: Callable[[Any], None] | None = None,
) -> Sampled:
    """Draws from the posterior, on an integration grid fine enough for them."""
    parameters = Problem(experiment, settings).parameters
    for resolution in _RESOLUTIONS:
        settings = replace(settings, resolution=resolution)
        drawn = _sampled(experiment, settings, sampler, progress)
        by_label = draws_by_label(experiment, drawn, parameters)
        _require_possible(experiment, free(parameters), by_label)
        values = fixed_values(parameters) | {label: array.reshape(-1) for label, array in by_label.items()}
        bounds = rate_bounds(experiment, parameters, resolution)
        error = quadrature_error(experiment, values, settings.dynamics, bounds, ACCURACY)
        if error <= QUADRATURE_LIMIT:
            break
    return Sampled(settings, drawn, free(parameters), by_label, values, error)


def _sampled(
    experiment: Experiment, settings: ModelSettings, sampler: SamplerSettings, progress: Callable[[Any], None] | None
) -> Draws:
    start = time.perf_counter()
    ready = prepared(experiment, settings, sampler.engine)
    preparing = time.perf_counter() - start
    try:
        drawn = sample(ready, sampler, progress)
    except (RuntimeError, ValueError) as failure:
        reason = " ".join(str(failure).partition("Stack backtrace")[0].split())  # else a page of addresses
        raise ExperimentError(
            f"{experiment.title}: the sampler cannot start ({reason}); check priors and data"
        ) from failure
    return replace(drawn, timings={"prepare": preparing, **drawn.timings})


def _require_possible(experiment: Experiment, unknown: list[ModelParameter], by_label: dict[str, np.ndarray]) -> None:
    """Raise where data pull a parameter above the end of its domain, which a log-normal prior does not have."""
    for u in unknown:
        highest, end = by_label[u.label].max(), u.prior.high
        if highest > end:
            raise ExperimentError(
                f"{experiment.title}: the data pull {u.label} to {highest:.2g}, and it cannot be above {end:g}: the"
                " model does not describe them. Look at units and normalisation (xi is 1 for uncorrelated spins), at"
                " values far off, at the errors"
            )


def draws_by_label(experiment: Experiment, drawn: Draws, parameters: list[ModelParameter]) -> dict[str, np.ndarray]:
    """Draws of every scalar, label → (chain, draw): the unknowns first, then the derived rates."""
    result: dict[str, np.ndarray] = {}
    for v in variables_of(experiment, parameters):
        array = drawn.variables[v.name]
        result |= {v.labels[0]: array} if v.dim is None else {label: array[..., k] for k, label in enumerate(v.labels)}
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
        "thinning": drawn.thinning,
        "bfmi": drawn.bfmi,
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
