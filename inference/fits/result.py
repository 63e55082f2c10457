"""A fit read again: its experiment, its model, its draws by label."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment, from_tree
from ...datasets.prediction import Predictions, predict
from ...forward_models import NOISES
from ..model import ModelSettings, Unknown, complete, layout, unknowns
from .file import settings_of

if TYPE_CHECKING:
    from xarray import DataTree

DRAWS = 400
"""Posterior draws that bands and probabilities are made of: quantiles to a few per cent of their width."""
_ACCURACY = 1e-6


class Fitted:
    """What tables and figures ask of a fit; each is worked out once."""

    def __init__(self, tree: DataTree) -> None:
        self.tree = tree

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment that was fitted."""
        return from_tree(self.tree["experiment"])

    @cached_property
    def settings(self) -> ModelSettings:
        """The model's settings."""
        return settings_of(self.tree)

    @cached_property
    def parameters(self) -> list[Unknown]:
        """All parameters, fixed ones included."""
        return unknowns(self.experiment, self.settings)

    @cached_property
    def values(self) -> dict[str, Any]:
        """About `DRAWS` posterior draws by label, fixed parameters and members of populations included."""
        return self.thinned(DRAWS)

    def thinned(self, most: int) -> dict[str, Any]:
        """Posterior draws by label, at most about `most` of them."""
        flat = {label: draws.reshape(-1) for label, draws in self.by_label().items()}
        few = {label: draws[:: max(1, len(draws) // most)] for label, draws in flat.items()}
        return complete(self.experiment, self.parameters, few)

    def by_label(self, group: str = "posterior", *, derived: bool = False) -> dict[str, np.ndarray]:
        """Draws of every scalar of a group, label → (chain, draw); the rates that follow only if `derived`."""
        data = self.tree[group].dataset
        found: dict[str, np.ndarray] = {}
        for v in layout(self.experiment, self.parameters):
            if v.name in data and (derived or not v.formulas):
                array = data[v.name].values
                columns = [array] if v.dim is None else [array[..., k] for k in range(len(v.labels))]
                found |= dict(zip(v.labels, columns, strict=True))
        return found

    @cached_property
    def expected(self) -> Predictions:
        """What the draws expect of the data, (draws, points) a series, those not fitted included."""
        return predict(self.experiment, self.values, self.settings.dynamics, accuracy=_ACCURACY)

    def residuals(self, name: str) -> np.ndarray:
        """(value − posterior mean of the model)/σ of each point of a series (T,), those not fitted included.

        σ is the standard deviation of the noise at that mean (for Student's t its scale).
        """
        series = next(s for s in self.experiment.series if s.name == name)
        mean = np.atleast_2d(self.expected.series[name]).mean(axis=0)
        return np.asarray((series.value - mean) / NOISES[series.noise].scatter(mean, series.spread))


def driven_runs(fitted: Fitted) -> list[str]:
    """Runs with the drive whose rates are parameters of the fit."""
    coords = fitted.tree["derived"].dataset.coords
    return [str(name) for name in coords["run"].values] if "run" in coords else []
