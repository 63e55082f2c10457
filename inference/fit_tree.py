"""The DataTree of a fit: ArviZ groups, derived quantities, the posterior table, the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Experiment, Observation, to_groups
from ..forward_models import PARAMETERS
from .diagnostics import ParameterSummary
from .draws import derived_quantities, excluded_observations, predicted, prior_draws
from .fingerprint import fingerprint, without_values
from .kept_draws import KeptDraws, kept_draws
from .model import entry_dim
from .predictions import fitted_observations
from .recent import Recent
from .sampling import Draws, SamplerSettings
from .unknowns import ModelSettings, Unknown, free

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

PRIORS: Recent[dict[str, Dataset]] = Recent(4)
PRIOR_DRAWS = 1000
POSTERIOR_ACCURACY, PRIOR_ACCURACY = 1e-6, 1e-4
"""Relative errors of Σ that the integration may make in predictions: far below the noise of any measurement."""


def fit_tree(
    experiment: Experiment,
    settings: ModelSettings,
    sampler: SamplerSettings,
    parameters: list[Unknown],
    drawn: Draws,
    values: dict[str, Any],
    rows: list[ParameterSummary],
) -> DataTree:
    """All groups of a fit; see docs/formats.md. `values`: draws by label, flat; `rows`: the posterior table."""
    import xarray as xr

    shape = next(iter(drawn.statistics.values())).shape[:2]
    others = excluded_observations(experiment, values)
    kept, rng = kept_draws(experiment, *shape), np.random.default_rng([sampler.seed, 3])
    posterior_of = predicted(
        experiment, kept.of(values), settings.closure, rng, accuracy=POSTERIOR_ACCURACY, unfitted=others
    )
    priors = PRIORS.get(
        fingerprint(without_values(experiment), parameters, settings.closure, sampler.seed),
        lambda: _prior_groups(experiment, settings, sampler.seed, parameters),
    )
    groups: dict[str, Any] = {
        "posterior": _stacked_dataset(drawn.variables, parameters),
        "prior": priors["prior"].copy(deep=True),
        "posterior_predictive": _data(experiment, posterior_of.noisy, kept),
        "prior_predictive": priors["prior_predictive"].copy(deep=True),
        "log_likelihood": _data(experiment, posterior_of.log_likelihood, kept),
        "observed_data": _data(experiment, _observed(experiment), None),
        "sample_stats": xr.Dataset({n: (("chain", "draw"), a) for n, a in drawn.statistics.items()}),
        "derived": _derived(experiment, values, settings, shape),
        "summary": _summary(rows),
    }
    if others:
        groups["predictions"] = _unfitted(others, posterior_of.unfitted, kept)
    groups |= {f"experiment{path.rstrip('/')}": group for path, group in to_groups(experiment).items()}
    return xr.DataTree.from_dict(groups)


def _prior_groups(
    experiment: Experiment, settings: ModelSettings, seed: int, parameters: list[Unknown]
) -> dict[str, Dataset]:
    """Draws from the prior, and of data that it predicts: the same for all experiments of one form and noise."""
    rng = np.random.default_rng([seed, 1])
    kept, draws = kept_draws(experiment, 1, PRIOR_DRAWS), prior_draws(parameters, PRIOR_DRAWS, rng)
    data = predicted(experiment, kept.of(draws), settings.closure, rng, accuracy=PRIOR_ACCURACY, likelihood=False).noisy
    return {
        "prior": _stacked({u.label: draws[u.label] for u in free(parameters)}, parameters, (1, PRIOR_DRAWS)),
        "prior_predictive": _data(experiment, data, kept),
    }


def _stacked(draws: Mapping[str, np.ndarray], parameters: list[Unknown], shape: tuple[int, int]) -> Dataset:
    variables: dict[str, np.ndarray] = {}
    for name in dict.fromkeys(u.name for u in free(parameters)):
        entries = [u for u in free(parameters) if u.name == name]
        columns = [draws[u.label].reshape(shape) for u in entries]
        variables[name] = columns[0] if entries[0].index is None else np.stack(columns, axis=-1)
    return _stacked_dataset(variables, parameters)


def _stacked_dataset(variables: Mapping[str, np.ndarray], parameters: list[Unknown]) -> Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for name, array in variables.items():
        about = PARAMETERS[name]
        attributes = {"units": about.unit, "long_name": about.meaning, "symbol": about.symbol}
        if array.ndim == 2:
            columns[name] = (("chain", "draw"), array, attributes)
            continue
        dim = "lights" if name == "dephasing_rate" else entry_dim(name, parameters)
        source = "pure_dephasing_rate" if not any(u.name == name for u in parameters) else name
        coords[dim] = [u.index for u in parameters if u.name == source and not u.prior.fixed]
        columns[name] = (("chain", "draw", dim), array, attributes)
    first = next(iter(variables.values()))
    coords |= {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    return xr.Dataset(columns, coords=coords)


def _data(experiment: Experiment, arrays: Mapping[str, np.ndarray], kept: KeptDraws | None) -> Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    if kept is not None:
        coords = {"chain": np.arange(kept.chains), "draw": kept.numbers}
    for name, array in arrays.items():
        dim = "observation" if name == "observations" else f"{name}_time"
        if name == "observations":
            coords[dim] = [o.label for o in fitted_observations(experiment)]
        else:
            series = next(s for s in experiment.series if s.name == name)
            coords[dim] = (dim, series.time[series.fitted], {"units": "ms"})
        columns[name] = (dim, array) if kept is None else (("chain", "draw", dim), kept.by_chain(array))
    return xr.Dataset(columns, coords=coords, attrs=None if kept is None else {"thinning": kept.step})


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


def _derived(
    experiment: Experiment, values: dict[str, Any], settings: ModelSettings, shape: tuple[int, int]
) -> Dataset:
    import xarray as xr

    units = {"xi_minimum_time": "ms", "entanglement_duration": "ms"}
    derived = derived_quantities(experiment, values, settings.closure)
    columns = {
        name: (("chain", "draw", dim), array.reshape(*shape, -1), {"units": units.get(name, "1")})
        for name, (dim, _, array) in derived.items()
    }
    return xr.Dataset(columns, coords={dim: entries for dim, entries, _ in derived.values()})


def _summary(rows: list[ParameterSummary]) -> Dataset:
    import xarray as xr

    numbers = ("mean", "sd", "low", "high", "ess_bulk", "ess_tail", "rhat")
    columns: dict[str, Any] = {n: ("parameter", np.array([getattr(r, n) for r in rows])) for n in numbers}
    contraction = [np.nan if r.contraction is None else r.contraction for r in rows]
    columns["contraction"] = ("parameter", np.array(contraction))
    return xr.Dataset(columns, coords={"parameter": [r.label for r in rows]}, attrs={"interval": "94 % HDI"})
