"""The design: from what is known to a plan, its expected result, and whether refits obtain it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...datasets import Experiment, ExperimentError
from ...datasets.errors import violation
from ...datasets.files import read_attributes
from ...forward_models import Closure
from ..comparison import evidence_of_draws
from ..fits import Fit, Sampled, is_fit, read_fit, sample_posterior
from ..model import RIVAL_MODELS, ModelSettings, Problem, SamplerSettings, experiment_of, fingerprint, rival
from .candidate_file import read_candidates, seconds, usual_choices
from .candidates import SHOT, Choices
from .goals import EVERYTHING, Wish, goal_of
from .linearised import State, has_data, state_of
from .planner import Asked, Progress, made_plan
from .result import Design

BUDGET = 3600.0
REFITS = 50


def design(
    source: Any = None,
    *,
    after: Any = None,
    goal: str | None = None,
    budget: str | float | None = None,
    target: str | float | None = None,
    candidates: str | Path | Choices | None = None,
    shot: str | float = SHOT,
    refits: int = REFITS,
    seed: int = 1,
    closure: Closure = "open",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
    sharing: Mapping[str, str] | str | Path | None = None,
    cores: int | None = None,
    progress: Progress | None = None,
    planned: Callable[[Design], None] | None = None,
) -> Design:
    """What to measure next for a goal, within a budget of time.

    Parameters
    ----------
    source : an experiment or several, as `fit` takes them, or a fit;  after : a fit, in place of it
    goal : label or symbol of a quantity ("dGamma", "xi_minimum"), whose sd counts; "everything", the expected
        information gain; "closure" or "ONE vs OTHER", the expected log Bayes factor of two models
    budget : time, s or a text such as "1 h"
    target : the sd that is wanted of the goal ("3 %", or a number in its unit), or nats: the budget is looked for
    candidates : a TOML file, see docs/howto/design.md; by default more of the series that there are
    shot : duration of pumping, probe and dead time of a shot, where the file says nothing
    refits : how many simulated outcomes are fitted to verify what is expected; 0: none, the plan alone
    closure, free_dephasing, priors, model, sharing : of the fit of experiments, as for `fit`
    progress : told how many outcomes are fitted, 0, and of how many;  planned : given the plan before they are

    Raises
    ------
    ExperimentError : for what cannot be read, and a goal or candidates that the experiment cannot have
    """
    sampler = SamplerSettings(seed, cores=cores)
    given = ModelSettings(closure, free_dephasing, dict(priors or {}))
    fit = _fit_of(source, after)
    if fit is None:
        experiment, settings = experiment_of(source, sharing), given
    else:
        _require_same_model(fit, sharing is not None or given != ModelSettings() or model is not None)
        experiment, settings = fit.experiment, fit.settings
    said: dict[str, Any] = {}
    if isinstance(candidates, (str, Path)):
        choices, said = read_candidates(candidates, experiment)
    else:
        choices = candidates or usual_choices(experiment, _seconds(shot, "shot"))
    planned_of = choices.whole
    if model:
        choices, settings = choices.seen_by(given, model)
        experiment = choices.experiment
    problem, draws = _known(experiment, settings, fit, sampler)
    state = state_of(Problem(choices.whole, settings), draws, seed)
    wish = _wish(goal or said.get("goal", EVERYTHING), state, problem, choices, seed, cores)
    time = _seconds(budget, "budget") if budget is not None else said.get("budget", BUDGET)
    return made_plan(Asked(wish, state, choices, planned_of, time, target, refits, seed, cores), progress, planned)


def _seconds(value: str | float, where: str) -> float:
    return seconds(f"{value} s" if isinstance(value, (int, float)) else value, where)


def _fit_of(source: Any, after: Any) -> Fit | None:
    """The fit after which to design; None where an experiment is given."""
    if (source is None) == (after is None):
        raise ExperimentError("design: found both an experiment and a fit, or none of them, expected one")
    given = source if after is None else after
    if isinstance(given, (str, Path)) and Path(given).suffix == ".nc" and is_fit(read_attributes(Path(given))):
        given = read_fit(given)
    if is_fit(getattr(given, "attrs", {})):
        return Fit.of(given)
    if after is not None:
        raise ExperimentError(f"design: found {given!r} after which to design, expected a fit")
    return None


def _require_same_model(fit: Fit, asked: bool) -> None:
    """Raise ExperimentError where another model is asked for than that of a fit, or that changed the experiment."""
    if asked:
        found = "a model, priors or sharing beside a fit, which has its own"
        raise violation("design", found, "a fit alone, or an experiment")
    for name in filter(None, fit.settings.name.split("+")):
        change = RIVAL_MODELS[name].change if name in RIVAL_MODELS else lambda *same: same
        if not _same_data(change(fit.experiment, fit.settings)[0], fit.experiment):
            found = f"a fit by {name}, which changes the experiment: its plan would not be for the one you have"
            raise violation("design", found, f"the experiment, and model {fit.settings.name!r}")


def _same_data(one: Experiment, other: Experiment) -> bool:
    """Whether two experiments differ at most in their priors."""
    return all(getattr(one, f.name) is getattr(other, f.name) for f in fields(one) if f.name != "priors")


def _known(
    experiment: Experiment, settings: ModelSettings, fit: Fit | None, sampler: SamplerSettings
) -> tuple[Problem, dict[str, Any]]:
    """The problem that was measured, and flat draws of its posterior by label; none where nothing was measured."""
    if fit is not None:
        return fit.problem, {label: a.reshape(-1) for label, a in fit.by_label().items()}
    problem = Problem(experiment, settings).measured
    return problem, _posterior(problem, sampler)[0]


def _posterior(problem: Problem, sampler: SamplerSettings) -> tuple[dict[str, Any], Sampled | None]:
    """Flat draws by label, and the fit; none where nothing was measured."""
    if not has_data(problem.experiment):
        return {}, None
    found = sample_posterior(problem, sampler)
    return {label: a.reshape(-1) for label, a in found.by_label.items()}, found


def _wish(goal: str, state: State, problem: Problem, choices: Choices, seed: int, cores: int | None) -> Wish:
    """The goal with the states that it needs: of two rivals, fits by both."""
    meant = goal_of(goal, state)
    if not meant.rivals:
        return Wish(meant, (state,))
    if choices.records:
        raise violation("goal", f"{goal!r} with records of the light as candidates", "a goal of one model")
    rivals = {name: Problem(*rival(problem.experiment, problem.settings, name)) for name in meant.rivals}
    for name, one in rivals.items():
        if not _same_data(one.experiment, problem.experiment):  # noise or errors that the plan would not have
            raise ExperimentError(f"goal: {name} changes the experiment, expected a model of the same data and errors")
    first, second = (fingerprint(one.parameters, one.dynamics, one.settings.atoms, one.settings.collisions)
                     for one in rivals.values())  # fmt: skip
    if first == second:
        raise violation("goal", f"{' and '.join(rivals)}, which are the same model here", "two that differ")
    states, evidences = [], []
    for name, one in rivals.items():
        draws, fit = _posterior(one, SamplerSettings(seed, cores=cores))
        states.append(state_of(Problem(*rival(choices.whole, problem.settings, name)), draws, seed))
        evidences.append(0.0 if fit is None else evidence_of_draws(one, fit.by_label).log_evidence)
    return Wish(meant, tuple(states), tuple(evidences))
