"""Rates averaged over models: the mixture of their posteriors, each with its weight, by stacking and by evidence.

Stacking weights are those of the mixture that predicts best (arXiv:1704.02030); weights by evidence are the posterior
probabilities of the models, with equal prior odds (Hoeting et al., Stat. Sci. 14, 382 (1999)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..sampling import bulk_ess_and_rhat

if TYPE_CHECKING:
    from .compare import Comparison
    from .evidence import Evidence

Draws = Mapping[str, np.ndarray | float]
"""Label → draws (chain, draw); a number where the model has it fixed."""
ENDS = (0.03, 0.97)


@dataclass(frozen=True)
class AveragedRate:
    """A rate by the mixture of the posteriors of several models, ms⁻¹.

    mean, sd : of the mixture;  low, high : ends of its central 94 % interval
    error : Monte Carlo standard error of the mean, by the draws of each model and by the weights where theirs is known
    fixed : model → value with which it counts, of models that have it fixed
    """

    mean: float
    sd: float
    low: float
    high: float
    error: float
    fixed: Mapping[str, float]


@dataclass(frozen=True)
class ModelAverage:
    """The rates that all of several models have, averaged over these.

    by : "stacking" or "evidence";  weights : of each model, with sum 1
    errors : Monte Carlo standard error of each weight; none for stacking
    rates : by label;  missing : labels of rates that only some of the models have
    """

    by: str
    weights: Mapping[str, float]
    errors: Mapping[str, float]
    rates: Mapping[str, AveragedRate]
    missing: tuple[str, ...]


def averages(found: Comparison) -> tuple[ModelAverage, ...]:
    """The averages over the models whose sampling is healthy: by stacking, and by evidence.

    Each only where there are two models to average over and its weights can be trusted (Pareto k̂; SMC); none where no
    model describes the data.
    """
    healthy = [model for model in found.models if model.healthy]
    if all(model.status == "misfit" for model in healthy):
        return ()
    draws = {model.name: model.draws for model in healthy}
    made = []
    if len(healthy) > 1 and not any(model.left_out.failing for model in healthy):
        made.append(average("stacking", draws, {model.name: model.weight for model in healthy}))
    evidences = {model.name: model.evidence for model in found.with_evidence}
    if len(evidences) > 1:
        probabilities = model_probabilities(evidences)
        made.append(average("evidence", draws, probabilities, {name: e.error for name, e in evidences.items()}))
    return tuple(made)


def model_probabilities(evidences: Mapping[str, Evidence]) -> dict[str, float]:
    """Posterior probability of each model by its evidence, with equal prior odds."""
    logs = np.array([evidence.log_evidence for evidence in evidences.values()])
    shares = np.exp(logs - logs.max())
    return dict(zip(evidences, (shares / shares.sum()).tolist(), strict=True))


def average(
    by: str, draws: Mapping[str, Draws], weights: Mapping[str, float], log_errors: Mapping[str, float] | None = None
) -> ModelAverage:
    """The average of every rate that all models with a weight have, at least one of them free.

    draws : of the rates of each model;  weights : of the models, with sum 1
    log_errors : standard error of the logarithm of each weight before they were made to sum to 1, independent
    """
    known = dict(log_errors or {})
    labels = dict.fromkeys(label for name in weights for label in draws[name])
    free = [label for label in labels if any(np.ndim(draws[name].get(label, 0.0)) for name in weights)]
    shared = [label for label in free if all(label in draws[name] for name in weights)]
    return ModelAverage(
        by=by,
        weights=dict(weights),
        errors={name: _error_of_weight(name, weights, known) for name in weights if known},
        rates={label: mixture({name: draws[name][label] for name in weights}, weights, known) for label in shared},
        missing=tuple(label for label in free if label not in shared),
    )


def _error_of_weight(name: str, weights: Mapping[str, float], log_errors: Mapping[str, float]) -> float:
    """d wₖ = wₖ (εₖ − Σⱼ wⱼ εⱼ)."""
    moves = [(float(other == name) - weight) * log_errors[other] for other, weight in weights.items()]
    return weights[name] * float(np.linalg.norm(moves))


def mixture(
    values: Mapping[str, np.ndarray | float], weights: Mapping[str, float], log_errors: Mapping[str, float]
) -> AveragedRate:
    """Moments and exact quantiles of the draws of all models, each draw with the share of its model's weight.

    values : draws (chain, draw) by model, or a number;  weights, log_errors : by model, see `average`; none: {}
    """
    arrays = {name: np.asarray(array, float) for name, array in values.items()}
    means = {name: float(array.mean()) for name, array in arrays.items()}
    spreads = {name: float(array.std(ddof=1)) if array.ndim else 0.0 for name, array in arrays.items()}
    mean = sum(weights[name] * means[name] for name in arrays)
    square = sum(weights[name] * (spreads[name] ** 2 + (means[name] - mean) ** 2) for name in arrays)
    counted = {name: array.ravel() for name, array in arrays.items() if weights[name] > 0}
    shares = np.concatenate([np.full(array.size, weights[name] / array.size) for name, array in counted.items()])
    low, high = np.quantile(np.concatenate(list(counted.values())), ENDS, weights=shares, method="inverted_cdf")
    moves = [weights[name] * _error_of_mean(arrays[name], spreads[name]) for name in arrays]
    moves += [weights[name] * (means[name] - mean) * error for name, error in log_errors.items()]
    fixed = {name: means[name] for name, array in arrays.items() if not array.ndim}
    return AveragedRate(mean, float(np.sqrt(square)), float(low), float(high), float(np.linalg.norm(moves)), fixed)


def _error_of_mean(draws: np.ndarray, sd: float) -> float:
    """Monte Carlo standard error of the mean of draws (chain, draw)."""
    return 0.0 if sd == 0 else sd / float(np.sqrt(bulk_ess_and_rhat(draws[None])[0][0]))
