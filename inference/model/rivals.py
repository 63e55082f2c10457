"""Rival models as values: each is a named change of an experiment's theory; names are joined by +.

    dissentangle compare my-run --models microscopic,fixed-number,fixed-number+student-t

Those of the package are in `builtin_rivals`; users add theirs with a plain function: (experiment, settings) → both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from importlib.util import module_from_spec, spec_from_file_location
from inspect import getsource
from pathlib import Path
from typing import Any

from ...datasets import Experiment, ExperimentError
from ...datasets.errors import nearest
from ...datasets.experiment import Label, check_experiment
from ...forward_models import PARAMETERS, InvalidValue, Parameter, add_forward_model
from ...forward_models.user_models import FORWARD_MODELS
from .defaults import DEFAULTS
from .fingerprint import fingerprint
from .needed import parameter_names
from .priors import PriorError, parse_prior
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
    forgotten = name if sys.flags.optimize > 1 else ""  # python -OO takes docstrings away
    about = (change.__doc__ or forgotten).strip().splitlines()
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
    """The settings with these priors (texts by parameter name), which replace others of the same parameters."""
    others = {key: text for key, text in settings.priors.items() if Label.parse(key).name not in priors}
    return replace(settings, priors=others | priors)


def rival(experiment: Experiment, settings: ModelSettings, names: str) -> tuple[Experiment, ModelSettings]:
    """The experiment and the settings as the models `names`, joined by +, see them.

    Raises ExperimentError for an unknown name, and for what a model cannot be applied to.
    """
    given, asked, single = (experiment, settings), settings.priors, require_models(names)
    experiment, settings = _changed(single, *given)
    for k, name in enumerate(single[:-1]):
        _require_effect(name, [*single[:k], *single[k + 1 :]], given, (experiment, settings), names)
    for label, text in asked.items():
        if settings.priors.get(label) != text:
            raise PriorError(f"model {names}: found a prior given for {label} ({text}), which the model sets itself")
    _require_parameters(experiment, settings, names, set(asked))
    if experiment is not given[0]:
        check_experiment(experiment, f"model {names}: {experiment.title}")
    return experiment, replace(settings, name="+".join(filter(None, [settings.name, names])))


def _changed(names: Sequence[str], experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """What models make of an experiment and settings, one after the other."""
    for name in names:
        try:
            changed = RIVAL_MODELS[name].change(experiment, settings)
        except (ExperimentError, InvalidValue):
            raise
        except Exception as error:
            raise ExperimentError(f"model {name}: {type(error).__name__}: {error}") from error
        if not (isinstance(changed, tuple) and len(changed) == 2 and isinstance(changed[1], ModelSettings)):
            raise ExperimentError(
                f"model {name}: found {type(changed).__name__}, expected (experiment, settings) returned"
            )
        experiment, settings = changed
    return experiment, settings


def _require_effect(
    name: str,
    others: Sequence[str],
    given: tuple[Experiment, ModelSettings],
    made: tuple[Experiment, ModelSettings],
    names: str,
) -> None:
    """Raise ExperimentError where the others undo all that a model changes: `microscopic+fixed-number`."""
    if fingerprint(*_changed([name], *made)) != fingerprint(*made) == fingerprint(*_changed(others, *given)):
        raise ExperimentError(f"model {names}: found {name!r}, which the others undo, expected models that go together")


def _require_parameters(experiment: Experiment, settings: ModelSettings, names: str, asked: set[str]) -> None:
    """Raise ExperimentError where a model sets a parameter that the experiment does not have."""
    present = parameter_names(experiment, settings)
    for label in settings.priors:
        if label not in asked and Label.parse(label).name not in present:
            raise ExperimentError(
                f"model {names}: found nothing in {experiment.title!r} that depends on {label}, expected another model"
            )


def require_models(names: str | None) -> list[str]:
    """Single names of the models `names`, joined by +; ExperimentError for one that is unknown."""
    single = [] if names is None else [name.strip() for name in names.split("+")]
    for name in single:
        if name not in RIVAL_MODELS:
            raise ExperimentError(
                f"model {name!r}: unknown{nearest(name, RIVAL_MODELS)}, expected one of {', '.join(RIVAL_MODELS)},"
                " or several joined by +"
            )
    return single


def load_models(path: str | Path) -> None:
    """Run a Python file that adds models; ExperimentError where it fails."""
    file = Path(path)
    name = f"dissentangle_models_{file.stem}"
    spec = spec_from_file_location(name, file)
    if not file.is_file():
        raise ExperimentError(f"{path}: found no such file, expected a Python file that adds models")
    if spec is None or spec.loader is None:
        raise ExperimentError(f"{path}: expected a Python file, whose name ends in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module  # what dataclasses and pickles look for
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ExperimentError(f"{path}: {type(error).__name__}: {error}") from error
