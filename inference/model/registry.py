"""The registry of rival models, which users extend with a plain function: (experiment, settings) → the same pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps
from inspect import getsource
from typing import Any

from ...datasets import Experiment, ExperimentError
from ...datasets.experiment import Label
from ...forward_models import PARAMETERS, Parameter, add_forward_model
from ...forward_models.user_models import FORWARD_MODELS
from .defaults import DEFAULTS
from .fingerprint import fingerprint
from .priors import parse_prior
from .settings import ModelSettings

Change = Callable[[Experiment, ModelSettings], tuple[Experiment, ModelSettings]]


@dataclass(frozen=True)
class RivalModel:
    """A named model; `about` says in a line what it assumes."""

    name: str
    about: str
    change: Change


RIVAL_MODELS: dict[str, RivalModel] = {}
VERSIONS: dict[str, str] = {}
"""Hash of the source and the priors of each forward model that was added: a fit by another version is no fit by it."""


def rival_model(change: Change) -> Change:
    """Decorator: make a model known by the name of its function (`-` for `_`) and the first line of its docstring.

    The function gets the experiment and the settings of the fit (frozen dataclasses) and returns what the model makes
    of them: `replace(settings, …)`, `with_priors(settings, collision_rate="fixed(0)")`, another experiment.
    """
    name = change.__name__.replace("_", "-")
    about = (change.__doc__ or "").strip().splitlines()
    if not about:
        raise ExperimentError(f"rival model {name}: found no docstring, expected a line that says what it assumes")
    RIVAL_MODELS[name] = RivalModel(name, about[0], change)
    return change


def forward_model(*parameters: Parameter, priors: dict[str, str] | None = None) -> Callable[[Any], Any]:
    """Decorator: a rival model that has its own forward model, a function as in `forward_models.ForwardModel`.

    parameters : those it has beyond the rates, with names that the table of parameters does not have
    priors : of them, by name, as text
    """

    def add(function: Any) -> Any:
        name = function.__name__.replace("_", "-")
        for parameter in parameters:
            add_parameter(parameter, (priors or {}).get(parameter.name, ""))
        add_forward_model(name, function, [parameter.name for parameter in parameters])
        VERSIONS[name] = fingerprint(_source(function), {p.name: DEFAULTS[p.name] for p in parameters})

        @rival_model
        @wraps(function)
        def change(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
            return experiment, replace(settings, forward_model=name, forward_model_version=VERSIONS[name])

        return function

    return add


def processes_for(forward_models: Iterable[str], cores: int | None) -> int | None:
    """How many processes may work: this one alone where a forward model is a user's, which others do not know."""
    return 1 if any(name in FORWARD_MODELS for name in forward_models) else cores


def _source(function: Any) -> str:
    """What a function does: its source, or its byte code where there is no file."""
    try:
        if function.__code__.co_filename != "<string>":  # for Python 3.13 that is what `python -c` was given
            return getsource(function)
    except (OSError, TypeError):
        pass
    return f"{function.__code__.co_code!r} {function.__code__.co_consts!r}"


def add_parameter(parameter: Parameter, prior: str) -> None:
    """A new row of the table of parameters, with its default prior; PriorError for a prior that cannot be read."""
    old = PARAMETERS.get(parameter.name)
    if old is not None and old != parameter:
        raise ExperimentError(
            f"parameter {parameter.name}: found a name that is taken ({old.meaning}), expected a new one"
        )
    PARAMETERS[parameter.name] = parameter
    try:
        parse_prior(parameter.name, prior)
    except ValueError:
        del PARAMETERS[parameter.name]
        raise
    DEFAULTS[parameter.name] = prior


def with_priors(settings: ModelSettings, **priors: str) -> ModelSettings:
    """The settings with these priors, which take the place of others of the same parameters."""
    others = {key: text for key, text in settings.priors.items() if Label.parse(key).name not in priors}
    return replace(settings, priors=others | priors)
