"""The likelihood of each family of noise, and of records, as PyMC has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...datasets import RecordSeries
from ...datasets.prediction import FittedData, Values, record_log_likelihood
from ...forward_models.light import SUMS, RecordSums
from ...forward_models.noise import log_density_of_triples, wishart_freedom
from .problem import Problem


def add_likelihood(fitted: FittedData, mean: Any, data: Mapping[str, Any], values: Values) -> None:
    """The likelihood of data, whose expected values are `mean` (T,), in the current model; parameters by label."""
    value, spread = data[f"value[{fitted.name}]"], data[f"spread[{fitted.name}]"]
    if fitted.correlation is None:
        LIKELIHOODS[fitted.noise.family](fitted, mean, value, spread)
    else:
        _correlated(fitted, mean, value, spread, values)


def _correlated(fitted: FittedData, mean: Any, value: Any, spread: Any, values: Values) -> None:
    """Gaussian: of each point given those before it."""
    import pymc as pm

    centre, width = fitted.conditional(value, mean, spread, values)
    pm.Normal(fitted.name, mu=centre, sigma=width, observed=value, dims=fitted.dim)


def _gaussian(fitted: FittedData, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm

    pm.Normal(fitted.name, mu=mean, sigma=fitted.noise.scatter(mean, spread), observed=value, dims=fitted.dim)


def _student_t(fitted: FittedData, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm

    nu, sigma = fitted.degrees_of_freedom, fitted.noise.scatter(mean, spread)
    pm.StudentT(fitted.name, nu=nu, mu=mean, sigma=sigma, observed=value, dims=fitted.dim)


def _gamma(fitted: FittedData, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm

    shape = fitted.noise.shape(mean, spread)
    pm.Gamma(fitted.name, alpha=shape, beta=shape / mean, observed=value, dims=fitted.dim)


def _wishart(fitted: FittedData, mean: Any, value: Any, spread: Any) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    observed, expected = ([column[k::3] for k in range(3)] for column in (value, mean))
    dof = wishart_freedom(spread[::3], fitted.noise.quadratures)
    parts = log_density_of_triples(observed, expected, dof, xp=pt, log_gamma=pt.gammaln)
    pm.Potential(fitted.name, pt.stack(parts).sum())


LIKELIHOODS: dict[str, Callable[[FittedData, Any, Any, Any], None]] = {
    "gaussian": _gaussian,
    "student-t": _student_t,
    "gamma": _gamma,
    "wishart": _wishart,
}
"""By family: adds the observed variable (or potential) of data to the current model.

Called with the data, their expected values, values and spreads, (T,) each.
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
