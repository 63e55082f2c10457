"""The DataTree of a fit: ArviZ groups, derived quantities, the posterior table, the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from cachetools import LRUCache

from ...datasets import Experiment, to_groups
from ...datasets.prediction import fitted_data, reconstructed_xi
from ...forward_models import PARAMETERS
from ..model import Problem, fingerprint, without_values
from ..parallel import beside
from ..sampling import Draws
from .derived import Derived, derived_quantities, excluded_observations
from .predictive import KeptDraws, kept_draws, predicted, prior_draws
from .record_checks import GROUP as CHECKS
from .record_checks import checks_dataset
from .summary import SUMMARY, ParameterSummary, influences

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

PRIORS: LRUCache[str, dict[str, Dataset]] = LRUCache(4)
_LOCK = RLock()
PRIOR_DRAWS = 1000
POSTERIOR_ACCURACY, PRIOR_ACCURACY = 1e-6, 1e-4
"""Relative errors of Σ that the integration may make in predictions: far below the noise of any measurement."""


def fit_tree(
    problem: Problem,
    seed: int,
    drawn: Draws,
    values: dict[str, Any],
    rows: list[ParameterSummary],
    priors: Mapping[str, Dataset],
    cores: int | None = 1,
) -> DataTree:
    """All groups of a fit (docs/reference/fit-file.md).

    values : draws by label, flat;  rows : the posterior table;  priors : see `prior_groups`;  cores : see `beside`
    """
    import xarray as xr

    experiment = problem.experiment
    shape = next(iter(drawn.statistics.values())).shape[:2]
    derived = beside(partial(derived_quantities, problem, values), cores)
    others = excluded_observations(experiment, values)
    kept, rng = kept_draws(experiment, *shape), np.random.default_rng([seed, 3])
    posterior_of = predicted(problem, kept.of(values), rng, accuracy=POSTERIOR_ACCURACY, unfitted=others)
    groups: dict[str, Any] = {
        "posterior": _dataset(problem, drawn.variables),
        "prior": priors["prior"],
        "posterior_predictive": _data(experiment, posterior_of.noisy, kept),
        "prior_predictive": priors["prior_predictive"],
        "log_likelihood": _data(experiment, posterior_of.log_likelihood, kept),
        "observed_data": _data(experiment, {data.name: data.value for data in fitted_data(experiment)}, None),
        "sample_stats": xr.Dataset({n: (("chain", "draw"), a) for n, a in drawn.statistics.items()}),
        "derived": _derived(derived(), shape),
        "summary": _summary(rows),
    }
    if any(series.about.reconstructs_xi and series.fitted.any() for series in experiment.series):
        groups["reconstructed"] = _reconstructed(problem, kept.of(values), kept, rng)
    if experiment.records:
        groups[CHECKS] = checks_dataset(experiment, _likeliest(kept.of(values), posterior_of.log_likelihood))
    if others:
        column = {"excluded_observations": ("excluded", posterior_of.unfitted)}
        groups["predictions"] = _of_kept(column, {"excluded": [o.label for o in others]}, kept)
    groups |= {f"experiment{path.rstrip('/')}": group for path, group in to_groups(experiment).items()}
    return xr.DataTree.from_dict(groups)


def _likeliest(values: Mapping[str, Any], log_likelihood: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The draw at which all data together are likeliest."""
    best = int(np.argmax(sum(array.sum(axis=-1) for array in log_likelihood.values())))
    return {label: v[best] if np.ndim(v) else v for label, v in values.items()}


def prior_groups(problem: Problem, seed: int) -> dict[str, Dataset]:
    """Draws from the prior, and of data that it predicts: the same for all experiments of one form and noise."""
    key = fingerprint(without_values(problem.experiment), problem.parameters, problem.dynamics, seed)
    with _LOCK:
        if key not in PRIORS:
            PRIORS[key] = _drawn_from_the_prior(problem, np.random.default_rng([seed, 1]))
        return {name: group.copy(deep=True) for name, group in PRIORS[key].items()}


def _drawn_from_the_prior(problem: Problem, rng: np.random.Generator) -> dict[str, Dataset]:
    kept = kept_draws(problem.experiment, 1, PRIOR_DRAWS)
    draws = prior_draws(problem, PRIOR_DRAWS, rng)
    data = predicted(problem, kept.of(draws), rng, accuracy=PRIOR_ACCURACY, likelihood=False).noisy
    by_chain = {label: values.reshape(1, PRIOR_DRAWS) for label, values in draws.items()}
    variables = {v.name: v.stacked(by_chain) for v in problem.variables if not v.formulas}
    return {"prior": _dataset(problem, variables), "prior_predictive": _data(problem.experiment, data, kept)}


def _dataset(problem: Problem, variables: Mapping[str, np.ndarray]) -> Dataset:
    import xarray as xr

    present = [v for v in problem.variables if v.name in variables]
    coords: dict[str, Any] = {v.dim: list(v.coordinate) for v in present if v.dim is not None}
    columns = {}
    for v in present:
        row = PARAMETERS[v.parameter]
        attributes = {"units": row.unit, "long_name": row.meaning, "symbol": row.symbol}
        columns[v.name] = (("chain", "draw", *filter(None, [v.dim])), variables[v.name], attributes)
    first = next(iter(variables.values()))
    coords |= {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    return xr.Dataset(columns, coords=coords)


def _data(experiment: Experiment, arrays: Mapping[str, np.ndarray], kept: KeptDraws | None) -> Dataset:
    """Numbers for each fitted value, or group of records: (points,), or (kept draws, points)."""
    import xarray as xr

    columns, coords = dict[str, Any](), dict[str, Any]()
    for data in fitted_data(experiment):
        columns[data.name], coords[data.dim] = (data.dim, arrays[data.name]), data.at
        if data.series is not None:
            about, component = data.series.about, data.series.component
            coords[data.dim] = (data.dim, data.at, {"units": about.unit})
            if component is not None:
                words = np.array(about.components, object)
                coords[f"{data.name}_component"] = (data.dim, words[component[data.series.fitted]])
    for record in experiment.records:
        if record.name in arrays:
            columns[record.name], coords[record.dim] = (record.dim, arrays[record.name]), record.group_labels
    return xr.Dataset(columns, coords=coords) if kept is None else _of_kept(columns, coords, kept)


def _of_kept(columns: Mapping[str, tuple[Any, ...]], coords: dict[str, Any], kept: KeptDraws) -> Dataset:
    """A Dataset of columns (dim, array (kept draws of all chains, points), perhaps attributes)."""
    import xarray as xr

    of_draws: dict[str, Any] = {"chain": np.arange(kept.chains), "draw": kept.numbers}
    by_chain = {
        name: (("chain", "draw", dim), kept.by_chain(array), *attributes)
        for name, (dim, array, *attributes) in columns.items()
    }
    return xr.Dataset(by_chain, coords=of_draws | coords, attrs={"thinning": kept.step})


def _reconstructed(problem: Problem, values: dict[str, Any], kept: KeptDraws, rng: np.random.Generator) -> Dataset:
    """ξ as the light tells it: NAME (chain, draw, NAME_probe) for each series of light variances."""
    experiment, columns, coords = problem.experiment, dict[str, Any](), dict[str, Any]()
    attributes = {"units": "1", "long_name": "ξ reconstructed from the light"}
    for series in experiment.series:
        if series.about.reconstructs_xi and series.fitted.any():
            times, xi = reconstructed_xi(experiment, series, values, problem.dynamics, rng, POSTERIOR_ACCURACY)
            dim = f"{series.name}_probe"
            columns[series.name], coords[dim] = (dim, xi, attributes), (dim, times, {"units": "ms"})
    return _of_kept(columns, coords, kept)


def _derived(derived: Derived, shape: tuple[int, int]) -> Dataset:
    import xarray as xr

    rates = dict.fromkeys(("transverse_decay_rate", "optimal_mode_rate"), "1/ms")
    units = {"xi_minimum_time": "ms", "entanglement_duration": "ms"} | rates
    columns = {
        name: (("chain", "draw", dim), array.reshape(*shape, -1), {"units": units.get(name, "1")})
        for name, (dim, _, array) in derived.items()
    }
    return xr.Dataset(columns, coords={dim: entries for dim, entries, _ in derived.values()})


def _summary(rows: list[ParameterSummary]) -> Dataset:
    import xarray as xr

    numbers = {name: np.array([getattr(row, name) for row in rows], float) for name in SUMMARY}  # NaN for None
    columns: dict[str, Any] = {name: ("parameter", column) for name, column in numbers.items()} | influences(rows)
    return xr.Dataset(columns, coords={"parameter": [r.label for r in rows]}, attrs={"interval": "94 % HDI"})
