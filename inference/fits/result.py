"""A fit and what follows from it: its problem, its draws by label, its posterior table."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment
from ...datasets.prediction import Predictions, expected
from ...forward_models import NOISES
from ..model import ModelParameter, ModelSettings, Problem, SamplerSettings
from .derived import Coherences, coherences
from .file import arrays_of, problem_of
from .summary import ParameterSummary, summary_rows

if TYPE_CHECKING:
    from xarray import DataTree

DRAWS = 400
"""Posterior draws that bands and probabilities are made of: quantiles to a few per cent of their width."""
_ACCURACY = 1e-6


class Fit:
    """A fit and what follows from it, each worked out once: its problem, its draws by label, what they expect.

    tree : the fit as `fit` returns it and `read_fit` reads it
    """

    def __init__(self, tree: DataTree) -> None:
        self.tree = tree

    @classmethod
    def of(cls, fit: DataTree | Fit) -> Fit:
        """A fit itself, or that of a tree: who has one hands it on, and nothing is worked out twice."""
        return fit if isinstance(fit, Fit) else cls(fit)

    @cached_property
    def problem(self) -> Problem:
        """The experiment that was fitted, and the settings of its model."""
        return problem_of(self.tree)

    @property
    def experiment(self) -> Experiment:
        """The experiment that was fitted."""
        return self.problem.experiment

    @property
    def settings(self) -> ModelSettings:
        """The model's settings."""
        return self.problem.settings

    @property
    def sampler(self) -> SamplerSettings:
        """The settings of the sampler that made it, but for the cores."""
        return SamplerSettings(**json.loads(self.tree.attrs["settings"])["sampler"])

    @property
    def parameters(self) -> list[ModelParameter]:
        """All parameters, fixed ones included."""
        return self.problem.parameters

    @cached_property
    def values(self) -> dict[str, Any]:
        """About `DRAWS` posterior draws by label, fixed parameters and members of populations included."""
        return self.thinned(DRAWS)

    def thinned(self, most: int) -> dict[str, Any]:
        """Posterior draws by label, (draws,), at most about `most` of them; fixed parameters are numbers."""
        flat = {label: draws.reshape(-1) for label, draws in self.by_label().items()}
        few = {label: draws[:: max(1, len(draws) // most)] for label, draws in flat.items()}
        return self.problem.complete(few)

    def by_label(self, group: str = "posterior", *, derived: bool = False) -> dict[str, np.ndarray]:
        """Draws of every scalar of a group, label → (chain, draw); the rates that follow only if `derived`."""
        return self.problem.by_label(arrays_of(self.tree[group].dataset), derived=derived)

    @cached_property
    def coherences(self) -> dict[str, Coherences]:
        """What all eight coherences of F = 4 would do to ξ, by run, at the medians; {} where the model has them not."""
        if "eight_coherences" in self.tree.attrs:
            return {run: Coherences(**one) for run, one in json.loads(self.tree.attrs["eight_coherences"]).items()}
        if self.settings.atoms == "three-state":
            return {}
        return coherences(self.problem, {label: float(np.median(draws)) for label, draws in self.values.items()})

    @cached_property
    def expected(self) -> Predictions:
        """What the draws of `values` expect of the data, (draws, points) per series, those not fitted included."""
        return expected(self.experiment, self.values, self.problem.dynamics, accuracy=_ACCURACY)

    def residuals(self, name: str) -> np.ndarray:
        """(value − posterior mean of the model)/σ of each point of a series (T,), those not fitted included.

        σ is the standard deviation of the noise at that mean (for Student's t its scale).
        """
        series = next(s for s in self.experiment.series if s.name == name)
        mean = np.atleast_2d(self.expected.series[name]).mean(axis=0)
        return np.asarray((series.value - mean) / NOISES[series.noise].scatter(mean, series.spread))

    @cached_property
    def summary(self) -> list[ParameterSummary]:
        """The posterior table, as it was computed with the fit."""
        return summary_rows(self.tree)

    @property
    def efficiency(self) -> float:
        """Effective draws over draws, at most 1, on the average of the parameters."""
        number = self.tree["posterior"].sizes["chain"] * self.tree["posterior"].sizes["draw"]
        return float(min(1.0, np.nanmean([row.ess_bulk for row in self.summary]) / number))

    @property
    def driven_runs(self) -> list[str]:
        """Runs with the drive whose rates are parameters of the fit."""
        coords = self.tree["derived"].dataset.coords
        return [str(name) for name in coords["run"].values] if "run" in coords else []
