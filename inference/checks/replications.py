"""The data of each series beside those that the fitted model would produce: posterior predictive replications.

Residuals of the data are about a model that was fitted to them, and so smaller, and less alike from point to point,
than the noise. Those of a replication are made so too: one Gauss–Newton step, on the scale on which each prior is
standard normal, takes the parameters from the posterior mean to what a fit of the replication would give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from ...datasets.prediction import Predictions, expected, fitted_data, whitened
from ...forward_models import NOISES
from ..fits import DRAWS, POSTERIOR_ACCURACY, Fit, arrays_of
from .information import scaled_jacobians, transposed, values_at

MOST_NUMBERS = 4_000_000
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
    further : more of what `both` has, for a generator and a number N: (N, T)
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
    further: Callable[[str, np.random.Generator, int], np.ndarray] = field(repr=False, compare=False)

    def both(self, of: str) -> tuple[np.ndarray, np.ndarray]:
        """Data and replications: their "values", or their "residuals"."""
        if of == "values":
            return self.observed, self.replicated
        return self.residuals, self.replicated_residuals


@dataclass(frozen=True)
class Step:
    """The Gauss–Newton step to a fit of residuals z (R, T) over their spread.

    jacobians : (T, n), over the spread, on the scale on which the priors of the n free parameters are standard normal
    degrees_of_freedom : ν of the series with Student's t noise, whose far points pull less
    """

    jacobians: Mapping[str, np.ndarray]
    degrees_of_freedom: Mapping[str, float]

    @cached_property
    def _own(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The parameters that a series tells of, few of those of many experiments, and its derivatives by them."""
        told = {name: np.flatnonzero(j.any(axis=0)) for name, j in self.jacobians.items()}
        return {name: (own, self.jacobians[name][:, own]) for name, own in told.items()}

    @cached_property
    def _covariance(self) -> np.ndarray:
        precision = np.eye(next(iter(self.jacobians.values())).shape[1])
        for name, (own, j) in self._own.items():
            nu = self.degrees_of_freedom.get(name)
            precision[np.ix_(own, own)] += (1.0 if nu is None else (nu + 1) / (nu + 3)) * j.T @ j
        return np.linalg.inv(precision)

    def left(self, z: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What the step leaves of the residuals of all series, (R, T) each."""
        number, found = max(map(len, z.values()), default=0), dict[str, np.ndarray]()
        pull = np.zeros((number, len(self._covariance)))
        for name, of_series in z.items():
            own, j = self._own[name]
            pull[:, own] += self._force(name, of_series) @ j
        for name, of_series in z.items():
            own, j = self._own[name]
            found[name] = of_series - pull @ (self._covariance[:, own] @ j.T)
        return found

    def taken(self, name: str, z: np.ndarray) -> np.ndarray:
        """What the pull of the series itself takes out of its residuals, (R, T)."""
        own, j = self._own[name]
        return np.asarray(self._force(name, z) @ (j @ self._covariance[np.ix_(own, own)] @ j.T))

    def _force(self, name: str, z: np.ndarray) -> np.ndarray:
        nu = self.degrees_of_freedom.get(name)
        return np.asarray(np.nan_to_num(z if nu is None else (nu + 1) * z / (nu + z**2)))


class _Replications:
    """All series of a fit with its replications.

    values, z : of the replications, and their residuals over their spread, whitened, (R, T) by series
    parameters : the draws of the replications, (R,) by label
    left : what a fit leaves of `z`, (R, T) by series
    """

    def __init__(self, fitted: Fit) -> None:
        self.fitted = fitted
        predictive, free = fitted.tree["posterior_predictive"].dataset, fitted.problem.free
        draws = {name: array.reshape(-1, array.shape[-1]) for name, array in arrays_of(predictive).items()}
        every = max(1, sum(array.size for array in draws.values()) // MOST_NUMBERS)
        self.data = {data.name: data for data in fitted_data(fitted.experiment) if data.name in draws}
        self.values = {name: draws[name][::every] for name in self.data}
        tails = {name: d.degrees_of_freedom for name, d in self.data.items() if d.noise is NOISES["student-t"]}
        self.middle = {name: (np.median if name in tails else np.nanmean)(v, axis=0) for name, v in self.values.items()}
        self.spread = {n: np.asarray(d.noise.scatter(self.middle[n], d.spread)) for n, d in self.data.items()}
        drawn = fitted.by_label()
        centre = np.array([np.mean(u.prior.z_score(drawn[u.label])) for u in free])
        kept = np.isin(fitted.tree["posterior"]["draw"], predictive["draw"])
        self.parameters = {label: array[:, kept].reshape(-1)[::every] for label, array in drawn.items()}
        self.whiten = partial(whitened, fitted.experiment, values=values_at(fitted.problem, centre))
        jacobians = scaled_jacobians(fitted.problem, centre)
        self.step = Step(transposed(self.whiten(transposed(jacobians))), tails)
        self.z = {name: self.scaled(name, values) for name, values in self.values.items()}
        self.left = self.step.left(self.z)

    def scaled(self, name: str, values: np.ndarray) -> np.ndarray:
        return np.asarray(self.whiten({name: (values - self.middle[name]) / self.spread[name]})[name])

    @cached_property
    def expected(self) -> tuple[np.ndarray, dict[str, Any], Predictions]:
        """Which replications are drawn again, their parameters, and what the model expects there."""
        number = len(next(iter(self.z.values())))
        which = np.arange(0, number, max(1, number // DRAWS))
        problem = self.fitted.problem
        values = problem.complete({label: array[which] for label, array in self.parameters.items()})
        return which, values, expected(problem.experiment, values, problem.dynamics, accuracy=POSTERIOR_ACCURACY)

    def further(self, name: str, order: np.ndarray, of: str, rng: np.random.Generator, number: int) -> np.ndarray:
        data, (which, parameters, means) = self.data[name], self.expected
        again = rng.integers(len(which), size=number)
        mean = np.broadcast_to(data.mean(means), (len(which), len(data.value)))[again]
        values = data.draw(rng, mean, {label: v[again] if np.ndim(v) else v for label, v in parameters.items()})
        if of == "residuals":
            z, before = self.scaled(name, values), self.z[name][which]
            others = self.left[name][which] - before + self.step.taken(name, before)  # minus what those take out
            values = (z - self.step.taken(name, z) + others[again]) * self.spread[name]
        return values[:, order]

    def of(self, name: str) -> Replicated:
        data, spread, series = self.data[name], self.spread[name], self.data[name].series
        left = self.left[name] * spread
        own = data.value - self.middle[name] if data.correlation is None else self.scaled(name, data.value) * spread
        described, x, component = ("", "", ""), np.arange(float(len(spread))), np.zeros(len(spread))
        if series is not None:
            described = series.kind, series.about.abscissa, series.about.unit
            x, component = series.x[series.fitted], series.component_numbers[series.fitted]
        order = np.lexsort((x, component))
        observed, values = data.value[order], self.values[name][:, order]
        residuals = spread[order], own[order], left[:, order]
        return Replicated(name, *described, x[order], observed, values, *residuals, partial(self.further, name, order))


def replications(fitted: Fit) -> list[Replicated]:
    """Of each series that was fitted, and of the published numbers, in the order of the fit.

    As many replications as posterior draws, fewer where these would be more than four million numbers.
    """
    found = _Replications(fitted)
    return [found.of(name) for name in found.data]
