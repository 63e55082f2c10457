"""The likelihood of each family of noise, and of records, as PyMC has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...datasets import RecordSeries, Series
from ...datasets.prediction import Values, record_log_likelihood
from ...forward_models import NOISES
from ...forward_models.light import SUMS, RecordSums
from ...forward_models.noise import log_density_of_triples, wishart_freedom
from .problem import Problem


def add_series(series: Series, mean: Any, data: Mapping[str, Any]) -> None:
    """The likelihood of a series, whose expected values are `mean` (T,), in the current model."""
    noise = NOISES[series.noise]
    LIKELIHOODS[noise.family](series, noise, mean, data[f"value[{series.name}]"], data[f"spread[{series.name}]"])


def _gaussian(series: Series, noise: Any, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm

    pm.Normal(series.name, mu=mean, sigma=noise.scatter(mean, spread), observed=value, dims=series.dim)


def _student_t(series: Series, noise: Any, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm

    sigma = noise.scatter(mean, spread)
    pm.StudentT(series.name, nu=series.tail, mu=mean, sigma=sigma, observed=value, dims=series.dim)


def _gamma(series: Series, noise: Any, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm

    shape = noise.shape(mean, spread)
    pm.Gamma(series.name, alpha=shape, beta=shape / mean, observed=value, dims=series.dim)


def _wishart(series: Series, noise: Any, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    observed, expected = ([column[k::3] for k in range(3)] for column in (value, mean))
    dof = wishart_freedom(spread[::3], noise.quadratures)
    parts = log_density_of_triples(observed, expected, dof, xp=pt, log_gamma=pt.gammaln)
    pm.Potential(series.name, pt.stack(parts).sum())


LIKELIHOODS: dict[str, Callable[[Series, Any, Any, Any, Any], None]] = {
    "gaussian": _gaussian,
    "student-t": _student_t,
    "gamma": _gamma,
    "wishart": _wishart,
}
"""By family: adds the observed variable (or potential) of a series to the current model.

Called with the series, its noise (of the class of the family), expected values, values and spreads, (T,) each.
"""


def add_record(problem: Problem, record: RecordSeries, values: Values, data: Mapping[str, Any]) -> None:
    """The likelihood of records, given their sums, in the current model."""
    import pymc as pm
    import pytensor.tensor as pt

    columns = {name: data[f"{name}[{record.name}]"] for name in SUMS}
    sums = RecordSums(**columns, samples=record.length)
    everything = problem.complete(values)
    density = record_log_likelihood(problem.experiment, record, everything, problem.dynamics, sums, xp=pt)
    pm.Potential(record.name, density.sum())
