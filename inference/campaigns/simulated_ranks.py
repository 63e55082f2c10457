"""One simulation of simulation-based calibration: an experiment with parameters from the prior, fitted and ranked."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...datasets.experiment import Label
from ...datasets.prediction import fitted_observations
from ...datasets.simulation import simulated_like
from ..fits import ParameterSummary, derived_quantities, predicted, prior_draws
from ..model import Problem, SamplerSettings

RANKS = 100
"""Posterior draws among which a true value is ranked: few enough of all that they are nearly independent."""
_MOST_TRIES = 100


@dataclass(frozen=True)
class Ranked:
    """Of one simulation: ranks of the true values, 1 for each parameter whose 94 % interval covers it, and whether
    the sampling was healthy (0 or 1) or else what was wrong.
    """

    ranks: dict[str, int]
    covered: dict[str, int]
    healthy: int = 1
    problem: str = ""

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Ranked:
        """From the table of a file; KeyError, TypeError or ValueError for a damaged one."""
        healthy, problem = stored["healthy"], stored["problem"]
        ranks, covered = (dict(stored[name]) for name in ("ranks", "covered"))
        whole = all(type(rank) is int and 0 <= rank <= RANKS for rank in ranks.values())
        whole &= all(yes in (0, 1) for yes in (*covered.values(), healthy)) and isinstance(problem, str)
        if not whole:
            raise ValueError("no ranks")
        return cls(ranks, covered, healthy, problem)


def simulate_and_rank(problem: Problem, sampler: SamplerSettings, k: int) -> Ranked:
    """The k-th simulation: the rank of every true value among draws of its posterior, and whether it is covered.

    problem : of whose form experiments are simulated, and by whose model they are fitted
    sampler : of each fit; its seed is that of the simulations, from which those of the fits follow
    """
    from ..fits import sample_posterior

    gc.collect(0)  # what the simulation before left: see `campaign.fit_one`
    rng = np.random.default_rng([sampler.seed, k])
    experiment, truth = simulated_experiment(problem, rng)
    problem = replace(problem, experiment=experiment)
    sampled = sample_posterior(problem, replace(sampler, seed=int(rng.integers(2**62))))
    few = np.linspace(0, sampler.draws * sampler.chains - 1, RANKS).round().astype(int)
    posterior = {label: v[few] if isinstance(v, np.ndarray) else v for label, v in sampled.values.items()}
    ranks = {u.label: _rank(truth[u.label][0], posterior[u.label], rng) for u in problem.free}
    true = derived_quantities(problem, truth)
    for name, (_, entries, array) in derived_quantities(problem, posterior).items():
        for column, entry in enumerate(entries):
            ranks[str(Label(name, entry))] = _rank(true[name][2][0, column], array[:, column], rng)
    judged = sampled.verdict(needed=RANKS)
    fault = "" if judged.healthy else judged.sentences[1]
    return Ranked(ranks, _covered(problem, truth, sampled.summary), int(judged.healthy), fault)


def _covered(problem: Problem, truth: Mapping[str, np.ndarray], rows: list[ParameterSummary]) -> dict[str, int]:
    """1 where the 94 % interval (highest density) of an unknown or of a derived rate contains the true value."""
    found = {row.label: row for row in rows}
    inside = {}
    for v in problem.variables:
        for label, formula in zip(v.labels, v.formulas or [None] * len(v.labels), strict=True):
            value = float(np.ravel(truth[label] if formula is None else formula(truth))[0])
            inside[label] = int(found[label].low <= value <= found[label].high)
    return inside


def simulated_experiment(problem: Problem, rng: np.random.Generator) -> tuple[Experiment, dict[str, np.ndarray]]:
    """An experiment of the model's own, and the parameters that made it: label → (1,).

    Parameters whose predictions are no possible data (a free Γ̃ below its floor can make ξ negative) have no
    posterior density either, and are drawn again.
    """
    experiment = problem.experiment
    for _ in range(_MOST_TRIES):
        truth = prior_draws(problem, 1, rng)
        data = predicted(problem, truth, rng, accuracy=1e-9, likelihood=False).noisy
        if all(np.isfinite(values).all() for values in data.values()):
            break
    else:
        raise ExperimentError(f"{_MOST_TRIES} draws from the prior: found none that predicts possible data")
    records = [simulated_like(record, experiment, truth, rng) for record in experiment.records]
    series = []
    for old in experiment.series:
        value = old.value.copy()
        if old.fitted.any():
            value[old.fitted] = data[old.name][0]
        series.append(replace(old, value=value))
    numbers = iter(data["observations"][0]) if "observations" in data else iter(())
    fitted = fitted_observations(experiment)
    observations = [replace(o, value=float(next(numbers))) if o in fitted else o for o in experiment.observations]
    made = replace(experiment, series=tuple(series), records=tuple(records), observations=tuple(observations))
    return replace(made, simulated=True, title="simulated", truth=None), truth


def _rank(truth: float, draws: np.ndarray, rng: np.random.Generator) -> int:
    """How many draws are smaller; among equal ones (an entanglement that never ends) by lot."""
    equal = int(np.sum(draws == truth))
    return int(np.sum(draws < truth)) + int(rng.integers(equal + 1))
