"""The DataTree of a fit: ArviZ groups, derived quantities, the posterior table, the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from cachetools import LRUCache

from ...datasets import Experiment, Observation, to_groups
from ...datasets.prediction import fitted_observations, reconstructed_xi
from ...forward_models import PARAMETERS
from ..model import Problem, fingerprint, without_values
from ..sampling import Draws
from .derived import derived_quantities, excluded_observations
from .predictive import KeptDraws, kept_draws, predicted, prior_draws
from .record_checks import GROUP as CHECKS
from .record_checks import checks_dataset
from .summary import SUMMARY, ParameterSummary

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

PRIORS: LRUCache[str, dict[str, Dataset]] = LRUCache(4)
_LOCK = RLock()
PRIOR_DRAWS = 1000
POSTERIOR_ACCURACY, PRIOR_ACCURACY = 1e-6, 1e-4
"""Relative errors of Σ that the integration may make in predictions: far below the noise of any measurement."""


def fit_tree(
    problem: Problem, seed: int, drawn: Draws, values: dict[str, Any], rows: list[ParameterSummary]
) -> DataTree:
    """All groups of a fit; see docs/formats.md. `values`: draws by label, flat; `rows`: the posterior table."""
    import xarray as xr

    experiment = problem.experiment
    shape = next(iter(drawn.statistics.values())).shape[:2]
    others = excluded_observations(experiment, values)
    kept, rng = kept_draws(experiment, *shape), np.random.default_rng([seed, 3])
    posterior_of = predicted(problem, kept.of(values), rng, accuracy=POSTERIOR_ACCURACY, unfitted=others)
    priors = _prior_groups(problem, seed)
    groups: dict[str, Any] = {
        "posterior": _dataset(problem, drawn.variables),
        "prior": priors["prior"].copy(deep=True),
        "posterior_predictive": _data(experiment, posterior_of.noisy, kept),
        "prior_predictive": priors["prior_predictive"].copy(deep=True),
        "log_likelihood": _data(experiment, posterior_of.log_likelihood, kept),
        "observed_data": _data(experiment, _observed(experiment), None),
        "sample_stats": xr.Dataset({n: (("chain", "draw"), a) for n, a in drawn.statistics.items()}),
        "derived": _derived(problem, values, shape),
        "summary": _summary(rows),
    }
    if any(series.about.reconstructs_xi and series.fitted.any() for series in experiment.series):
        groups["reconstructed"] = _reconstructed(problem, kept.of(values), kept, rng)
    if experiment.records:
        groups[CHECKS] = checks_dataset(experiment, _likeliest(kept.of(values), posterior_of.log_likelihood))
    if others:
        groups["predictions"] = _unfitted(others, posterior_of.unfitted, kept)
    groups |= {f"experiment{path.rstrip('/')}": group for path, group in to_groups(experiment).items()}
    return xr.DataTree.from_dict(groups)


def _likeliest(values: Mapping[str, Any], log_likelihood: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The draw at which all data together are likeliest."""
    best = int(np.argmax(sum(array.sum(axis=-1) for array in log_likelihood.values())))
    return {label: v[best] if np.ndim(v) else v for label, v in values.items()}


def _prior_groups(problem: Problem, seed: int) -> dict[str, Dataset]:
    """Draws from the prior, and of data that it predicts: the same for all experiments of one form and noise."""
    key = fingerprint(without_values(problem.experiment), problem.parameters, problem.dynamics, seed)
    with _LOCK:
        if key not in PRIORS:
            PRIORS[key] = _drawn_from_the_prior(problem, np.random.default_rng([seed, 1]))
        groups: dict[str, Dataset] = PRIORS[key]
    return groups


def _drawn_from_the_prior(problem: Problem, rng: np.random.Generator) -> dict[str, Dataset]:
    kept = kept_draws(problem.experiment, 1, PRIOR_DRAWS)
    draws = prior_draws(problem, PRIOR_DRAWS, rng)
    data = predicted(problem, kept.of(draws), rng, accuracy=PRIOR_ACCURACY, likelihood=False).noisy
    by_chain = {label: values.reshape(1, PRIOR_DRAWS) for label, values in draws.items()}
    variables = {v.name: v.stacked(by_chain) for v in problem.variables if not v.formulas}
    return {"prior": _dataset(problem, variables), "prior_predictive": _data(problem.experiment, data, kept)}


def _dataset(problem: Problem, variables: Mapping[str, np.ndarray]) -> Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for v in problem.variables:
        if v.name not in variables:
            continue
        row = PARAMETERS[v.parameter]
        attributes = {"units": row.unit, "long_name": row.meaning, "symbol": row.symbol}
        dims = ("chain", "draw") if v.dim is None else ("chain", "draw", v.dim)
        columns[v.name] = (dims, variables[v.name], attributes)
        if v.dim is not None:
            coords[v.dim] = list(v.coordinate)
    first = next(iter(variables.values()))
    coords |= {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    return xr.Dataset(columns, coords=coords)


def _data(experiment: Experiment, arrays: Mapping[str, np.ndarray], kept: KeptDraws | None) -> Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    if kept is not None:
        coords = {"chain": np.arange(kept.chains), "draw": kept.numbers}
    records = {record.name: record for record in experiment.records}
    for name, array in arrays.items():
        if name == "observations":
            dim = "observation"
            coords[dim] = [o.label for o in fitted_observations(experiment)]
        elif name in records:
            dim = records[name].dim
            coords[dim] = records[name].group_labels
        else:
            series = next(s for s in experiment.series if s.name == name)
            dim = series.dim
            coords[dim] = (dim, series.fitted_x, {"units": series.about.unit})
            if series.component is not None:
                words = np.array(series.about.components, object)
                coords[f"{name}_component"] = (dim, words[series.component[series.fitted]])
        columns[name] = (dim, array) if kept is None else (("chain", "draw", dim), kept.by_chain(array))
    return xr.Dataset(columns, coords=coords, attrs=None if kept is None else {"thinning": kept.step})


def _reconstructed(problem: Problem, values: dict[str, Any], kept: KeptDraws, rng: np.random.Generator) -> Dataset:
    """ξ as the light tells it: NAME (chain, draw, NAME_probe) for each series of light variances."""
    import xarray as xr

    experiment, columns = problem.experiment, dict[str, Any]()
    coords: dict[str, Any] = {"chain": np.arange(kept.chains), "draw": kept.numbers}
    attributes = {"units": "1", "long_name": "ξ reconstructed from the light"}
    for series in experiment.series:
        if series.about.reconstructs_xi and series.fitted.any():
            times, xi = reconstructed_xi(experiment, series, values, problem.dynamics, rng, POSTERIOR_ACCURACY)
            dim = f"{series.name}_probe"
            columns[series.name] = (("chain", "draw", dim), kept.by_chain(xi), attributes)
            coords[dim] = (dim, times, {"units": "ms"})
    return xr.Dataset(columns, coords=coords, attrs={"thinning": kept.step})


def _unfitted(others: tuple[Observation, ...], means: np.ndarray, kept: KeptDraws) -> Dataset:
    import xarray as xr

    return xr.Dataset(
        {"excluded_observations": (("chain", "draw", "excluded"), kept.by_chain(means))},
        coords={"excluded": [o.label for o in others], "chain": np.arange(kept.chains), "draw": kept.numbers},
        attrs={"thinning": kept.step},
    )


def _observed(experiment: Experiment) -> dict[str, np.ndarray]:
    observed = {s.name: s.value[s.fitted] for s in experiment.series if s.fitted.any()}
    observations = fitted_observations(experiment)
    if observations:
        observed["observations"] = np.array([o.value for o in observations])
    return observed


def _derived(problem: Problem, values: dict[str, Any], shape: tuple[int, int]) -> Dataset:
    import xarray as xr

    rates = dict.fromkeys(("transverse_decay_rate", "optimal_mode_rate"), "1/ms")
    units = {"xi_minimum_time": "ms", "entanglement_duration": "ms"} | rates
    derived = derived_quantities(problem, values)
    columns = {
        name: (("chain", "draw", dim), array.reshape(*shape, -1), {"units": units.get(name, "1")})
        for name, (dim, _, array) in derived.items()
    }
    return xr.Dataset(columns, coords={dim: entries for dim, entries, _ in derived.values()})


def _summary(rows: list[ParameterSummary]) -> Dataset:
    import xarray as xr

    numbers = SUMMARY[:-1]  # contraction is not known of each
    columns: dict[str, Any] = {n: ("parameter", np.array([getattr(r, n) for r in rows])) for n in numbers}
    contraction = [np.nan if r.contraction is None else r.contraction for r in rows]
    columns["contraction"] = ("parameter", np.array(contraction))
    return xr.Dataset(columns, coords={"parameter": [r.label for r in rows]}, attrs={"interval": "94 % HDI"})
