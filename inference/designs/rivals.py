"""The expected log Bayes factor of two models, and what fits of simulated outcomes by both obtain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..comparison import evidence_of_draws
from ..fits import sample_posterior
from ..model import Problem, SamplerSettings
from .candidates import Choices
from .goals import RIVAL_DRAWS, confusion
from .linearised import values_at
from .outcomes import CHAINS, DRAWS, TUNE, simulated, with_plan
from .result import Expectation

if TYPE_CHECKING:
    from .planner import Asked, Progress


def log_bayes_factors(
    choices: Choices, shots: np.ndarray, asked: Asked, progress: Progress | None
) -> list[Expectation]:
    """Of the true model over the other one, for each of the two as the true one; what the data have is not counted."""
    (one, other), names = asked.wish.states, asked.wish.goal.rivals
    found = []
    for true, false, name in ((one, other, names[0]), (other, one, names[1])):
        number = min(max(asked.refits // 2, 0), len(true.draws))
        each = confusion(true, false, choices, asked.budget, shots.astype(float)).of_draws(shots.astype(float))
        draws = true.thinned(RIVAL_DRAWS).draws[:number]
        problems = [Problem(with_plan(choices, shots)[0], state.problem.settings) for state in (true, false)]
        refits = _refitted(problems, choices, shots, values_at(true.problem, draws), asked, progress) if number else []
        low, high = np.quantile(each, [0.03, 0.97])
        found.append(Expectation(f"log Bayes factor if {name}", float(each.mean()), 0.0, float(each.mean()),
                                 float(low), float(high), each[: len(refits)], np.array(refits)))  # fmt: skip
    return found


def _refitted(problems: list[Problem], choices: Choices, shots: np.ndarray, truths: dict[str, Any], asked: Asked,
              progress: Progress | None) -> list[float]:  # fmt: skip
    new = with_plan(choices, shots)[1]
    outcomes, found = simulated(problems[0], new, truths, asked.seed), []
    for k, outcome in enumerate(outcomes):
        logs = []
        for problem in problems:
            here = Problem(outcome, problem.settings)
            fit = sample_posterior(here, SamplerSettings(asked.seed + k, DRAWS, TUNE, CHAINS, asked.cores))
            logs.append(evidence_of_draws(fit.problem, fit.by_label).log_evidence)
        found.append(logs[0] - logs[1])
        if progress is not None:
            progress(k + 1, 0, len(outcomes))
    return found
