"""Priors that a calibration made correlated: a Gaussian copula over the priors of single parameters.

Each prior keeps its form; the scores (on the scale on which a prior is standard normal) have the correlation R. Of
parameters whose prior was replaced, or is no plain normal or log-normal one, R keeps nothing: their rows are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets import Experiment
from .parameters import ModelParameter, free
from .priors import Prior
from .settings import ModelSettings


@dataclass(frozen=True)
class Correlated:
    """priors (n,) of the parameters `labels` (n,), and the correlation (n, n) of their scores."""

    labels: tuple[str, ...]
    priors: tuple[Prior, ...]
    matrix: np.ndarray

    def log_density(self, values: Mapping[str, Any], xp: Any) -> Any:
        """Log of the joint prior over the product of the single ones; `values` by label, numbers or symbols."""
        scores = [_score(prior, values[label], xp) for label, prior in zip(self.labels, self.priors, strict=True)]
        excess = np.linalg.inv(self.matrix) - np.eye(len(scores))
        total: Any = -0.5 * float(np.linalg.slogdet(self.matrix)[1])
        for k, row in enumerate(excess):
            for j in range(k + 1):
                total = total - (0.5 if j == k else 1.0) * float(row[j]) * scores[k] * scores[j]
        return total

    def scores(self, number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Correlated standard normal scores, label → (number,)."""
        drawn = rng.standard_normal((number, len(self.labels))) @ np.linalg.cholesky(self.matrix).T
        return dict(zip(self.labels, drawn.T, strict=True))


def _score(prior: Prior, value: Any, xp: Any) -> Any:
    centre, width = prior.numbers
    return xp.log(value / centre) / width if prior.form == "lognormal" else (value - centre) / width


def correlated(experiment: Experiment, settings: ModelSettings, parameters: list[ModelParameter]) -> Correlated | None:
    """The correlated priors of a model; None where there are fewer than two."""
    priors = {u.label: u.prior for u in free(parameters)}
    keep = [
        k
        for k, label in enumerate(experiment.correlated)
        if label in priors
        and label not in settings.priors
        and label.split("[")[0] not in settings.priors
        and (priors[label].form == "lognormal" or (priors[label].form == "normal" and not priors[label].truncated))
    ]
    if len(keep) < 2:
        return None
    labels = tuple(experiment.correlated[k] for k in keep)
    return Correlated(labels, tuple(priors[label] for label in labels), experiment.correlation[np.ix_(keep, keep)])
