"""Residuals of all fitted data and of what is known beforehand, in standard deviations; rates that follow."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...datasets.prediction import expected, fitted_observations
from ...forward_models import NOISES
from ..model import Prior, Problem

_STEP = 1e-4
"""Of the differences that make derivatives, relative to the starting value of each parameter."""
_START = 0.1
"""z-score in its prior at which a real amplitude starts: at 0 a beat has no derivative by its frequency."""


@dataclass(frozen=True)
class Residuals:
    """(model − measured)/σ of all fitted data, then the penalties, as a function of the free parameters x (n,).

    penalised : names of parameters whose prior is a residual each, the z-score of the value in it
    """

    problem: Problem
    penalised: Container[str] = ()

    @cached_property
    def start(self) -> np.ndarray:
        """The medians of the priors."""
        return np.array([float(p.prior.from_z_score(0.0) or p.prior.from_z_score(_START)) for p in self.problem.free])

    @cached_property
    def ends(self) -> np.ndarray:
        """Where the domains begin and where they end, (2, n)."""
        return np.array([(p.prior.low, p.prior.high) for p in self.problem.free]).T

    @cached_property
    def _data(self) -> tuple[np.ndarray, np.ndarray]:
        """Measured values and their standard deviations; of variances, √(2/dof) times the measured value."""
        values, sigmas = [], []
        for series in self.problem.experiment.series:
            use = series.fitted
            sigma = NOISES[series.noise].scatter(series.value[use], series.spread[use])
            values.append(series.value[use])
            sigmas.append(np.broadcast_to(sigma, series.value[use].shape))
        observations = fitted_observations(self.problem.experiment)
        values.append(np.array([o.value for o in observations]))
        sigmas.append(np.array([o.sigma for o in observations]))
        return np.concatenate(values), np.concatenate(sigmas)

    @cached_property
    def penalties(self) -> dict[int, Prior]:
        """The priors that are residuals, by the place of their parameter in x; a uniform one prefers no value."""
        free = self.problem.experiment.free
        named = {
            k: p.prior
            for k, p in enumerate(self.problem.free)
            if p.name in self.penalised and (p.name, p.index) not in free
        }
        return {k: prior for k, prior in named.items() if prior.form != "uniform"}

    def count(self) -> int:
        """How many residuals there are."""
        return len(self._data[0]) + len(self.penalties)

    def values(self, x: np.ndarray) -> dict[str, Any]:
        """Parameters by label, fixed ones included; x (n,), or (draws, n)."""
        return self.problem.complete({p.label: x[..., k] for k, p in enumerate(self.problem.free)})

    def at(self, x: np.ndarray) -> np.ndarray:
        """(residuals,), or (draws, residuals) for x (draws, n)."""
        experiment, dynamics = self.problem.experiment, self.problem.dynamics
        points = {series.name: series.fitted_x for series in experiment.series}
        means = expected(experiment, self.values(x), dynamics, points=points, accuracy=1e-11)
        shape = x.shape[:-1]
        columns = [np.broadcast_to(m, (*shape, np.shape(m)[-1])) for m in means.series.values()]
        columns += [np.broadcast_to(m, shape)[..., None] for m in means.observations]
        measured, sigma = self._data
        scores = [prior.z_score(x[..., k, None]) for k, prior in self.penalties.items()]
        return np.concatenate([(np.concatenate(columns, axis=-1) - measured) / sigma, *scores], axis=-1)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """(residuals, n)."""
        return self._derivative(x, self.at)

    def derived(self, x: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        """Rates that follow (Γ̃, Γ, …) by label, and their derivatives (rates, n)."""
        formulas = {
            label: formula
            for variable in self.problem.variables
            for label, formula in zip(variable.labels, variable.formulas, strict=False)
        }
        if not formulas:
            return {}, np.zeros((0, len(x)))

        def rates(at: np.ndarray) -> np.ndarray:
            values = self.values(at)
            return np.stack([np.broadcast_to(f(values), at.shape[:-1]) for f in formulas.values()], axis=-1)

        return dict(zip(formulas, map(float, rates(x)), strict=True)), self._derivative(x, rates)

    def _derivative(self, x: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """By differences, all at once, so that one integration grid serves them; inside the domains."""
        step, (low, high) = _STEP * abs(self.start), self.ends
        above = np.where(x + step < high, x + step, 0.5 * (x + high))
        below = np.where(x - step > low, x - step, 0.5 * (x + low))
        moved = np.stack([np.where(np.eye(len(x), dtype=bool), end, x) for end in (above, below)])
        up, down = np.split(function(moved.reshape(-1, len(x))), 2)
        return np.asarray((up - down).T / (above - below))
