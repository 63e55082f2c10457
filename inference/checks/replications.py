"""The data of each series beside those that the fitted model would produce: posterior predictive replications.

Residuals of the data are about a model that was fitted to them, and so smaller, and less alike from point to point,
than the noise. Those of a replication are made so too: one Gauss–Newton step, on the scale on which each prior is
standard normal, takes the parameters from the posterior mean to what a fit of the replication would give.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ...datasets.prediction import fitted_observations, whitened
from ...forward_models import NOISES
from ..fits import Fit
from .information import scaled_jacobians, transposed, values_at

_MOST_NUMBERS = 4_000_000
"""Of the replications that are looked at: all draws up to about a thousand points."""
PUBLISHED = "observations"


@dataclass(frozen=True)
class Replicated:
    """A series as it was fitted, points in order of abscissa, one component after the other; R replications.

    kind, abscissa, unit : of the series and of its abscissa; "" for the published numbers
    x (T,);  observed (T,);  replicated (R, T)
    spread (T,) : standard deviation of the noise (of Student's t the scale)
    residuals (T,), replicated_residuals (R, T) : value − what the model expects after a fit to these values; of
        correlated noise also less what the point before leads to expect, over the share of σ that this leaves
    """

    name: str
    kind: str
    abscissa: str
    unit: str
    x: np.ndarray
    observed: np.ndarray
    replicated: np.ndarray
    spread: np.ndarray
    residuals: np.ndarray
    replicated_residuals: np.ndarray

    def both(self, of: str) -> tuple[np.ndarray, np.ndarray]:
        """Data and replications: their "values", or their "residuals"."""
        if of == "values":
            return self.observed, self.replicated
        return self.residuals, self.replicated_residuals


@dataclass(frozen=True)
class _Source:
    """What a series, or the published numbers, bring with them, in the order of the fit.

    degrees_of_freedom : ν of Student's t noise;  described : kind, abscissa, unit
    correlated : whether the noise of a point knows that of the one before
    """

    noise: str
    degrees_of_freedom: float
    spread: np.ndarray
    x: np.ndarray
    component: np.ndarray
    described: tuple[str, str, str]
    correlated: bool = False


def replications(fitted: Fit) -> list[Replicated]:
    """Of each series that was fitted, and of the published numbers, in the order of the fit.

    As many replications as posterior draws, fewer where these would be more than four million numbers.
    """
    data, observed = fitted.tree["posterior_predictive"].dataset, fitted.tree["observed_data"].dataset
    draws = {str(name): np.asarray(v.values).reshape(-1, v.shape[-1]) for name, v in data.data_vars.items()}
    step = max(1, sum(array.size for array in draws.values()) // _MOST_NUMBERS)
    draws = {name: array[::step] for name, array in draws.items()}
    sources = {name: _source(fitted, name) for name in draws}
    middles = {name: (np.median if s.noise == "student-t" else np.nanmean)(draws[name], axis=0)
               for name, s in sources.items()}  # fmt: skip
    if not sources:
        return []
    spreads = {name: NOISES[s.noise].scatter(middles[name], s.spread) for name, s in sources.items()}
    scaled = {name: (draws[name] - middles[name]) / spreads[name] for name in draws}
    drawn = fitted.by_label()
    centre = np.array([np.mean(u.prior.z_score(drawn[u.label])) for u in fitted.problem.free])
    whiten = partial(whitened, fitted.experiment, values=values_at(fitted.problem, centre))
    left = refitted(
        whiten(scaled),
        transposed(whiten(transposed(scaled_jacobians(fitted.problem, centre)))),
        {n: s.degrees_of_freedom for n, s in sources.items() if s.noise == "student-t"},
    )
    found = []
    for name, source in sources.items():
        order = np.lexsort((source.x, source.component))
        values, spread = np.asarray(observed[name].values), np.asarray(spreads[name])
        own = values - middles[name]
        if source.correlated:
            own = whiten({name: own / spread})[name] * spread
        arrays = (values, draws[name], spread, own, left[name] * spread)
        found.append(Replicated(name, *source.described, source.x[order], *(array[..., order] for array in arrays)))
    return found


def _source(fitted: Fit, name: str) -> _Source:
    for series in fitted.experiment.series:
        if series.name == name:
            use = series.fitted
            described = (series.kind, series.about.abscissa, series.about.unit)
            return _Source(
                series.noise, series.tail, series.spread[use], series.x[use], series.component_numbers[use], described,
                series.correlated,
            )  # fmt: skip
    sigma = np.array([o.sigma for o in fitted_observations(fitted.experiment)])
    return _Source("gaussian", 0.0, sigma, np.arange(float(len(sigma))), np.zeros(len(sigma)), ("", "", ""))


def refitted(
    scaled: dict[str, np.ndarray], jacobians: dict[str, np.ndarray], degrees_of_freedom: dict[str, float]
) -> dict[str, np.ndarray]:
    """What is left of residuals over their spread, (R, T) each, after a Gauss–Newton step of the parameters.

    jacobians : (T, n), over the spread, on the scale on which the priors of the n free parameters are standard normal
    degrees_of_freedom : ν of the series with Student's t noise, whose far points pull less
    """
    count = next(iter(jacobians.values())).shape[1]
    precision, pull = np.eye(count), np.zeros((1, count))
    for name, j in jacobians.items():
        if name not in scaled:  # records: what they say of the parameters stays as it is
            precision = precision + j.T @ j
            continue
        z, nu = scaled[name], degrees_of_freedom.get(name, np.inf)
        told = 1.0 if np.isinf(nu) else (nu + 1) / (nu + 3)
        force = z if np.isinf(nu) else (nu + 1) * z / (nu + z**2)
        precision = precision + told * j.T @ j
        pull = pull + np.nan_to_num(force) @ j
    step = np.linalg.solve(precision, pull.T).T
    return {name: z - step @ jacobians[name].T for name, z in scaled.items()}
