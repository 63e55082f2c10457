"""Rival models as values: each is a named change of an experiment's theory; names are joined by +.

    dissentangle compare my-run --models microscopic,fixed-number,fixed-number+student-t

A model is a plain function (experiment, settings) → (experiment, settings), and users add theirs with `rival_model`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from inspect import getsource
from pathlib import Path
from typing import Any

from ..datasets import Experiment, ExperimentError
from ..datasets.checks import check_experiment
from ..datasets.errors import nearest
from ..datasets.experiment import StageEntry
from ..forward_models import PARAMETERS, InvalidValue, Parameter, add_forward_model
from ..forward_models.noise import sibling
from .fingerprint import fingerprint
from .model_settings import ModelSettings
from .priors import DEFAULTS, PriorError, parse_prior
from .unknowns import entries

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

        def change(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
            return experiment, replace(settings, forward_model=name, forward_model_version=VERSIONS[name])

        change.__name__, change.__doc__ = function.__name__, function.__doc__
        rival_model(change)
        return function

    return add


def _source(function: Any) -> str:
    """What a function does: its source, or its byte code where there is no file."""
    try:
        return getsource(function)
    except (OSError, TypeError):
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
    others = {key: text for key, text in settings.priors.items() if key.partition("[")[0] not in priors}
    return replace(settings, priors=others | priors)


def rival(experiment: Experiment, settings: ModelSettings, names: str) -> tuple[Experiment, ModelSettings]:
    """The experiment and the settings as the models `names`, joined by +, see them.

    Raises ExperimentError for an unknown name, and for what a model cannot be applied to.
    """
    given, asked = experiment, settings.priors
    for name in require_models(names):
        try:
            changed = RIVAL_MODELS[name].change(experiment, settings)
        except (ExperimentError, PriorError, InvalidValue):
            raise
        except Exception as error:
            raise ExperimentError(f"model {name}: {type(error).__name__}: {error}") from error
        if not (isinstance(changed, tuple) and len(changed) == 2 and isinstance(changed[1], ModelSettings)):
            raise ExperimentError(
                f"model {name}: found {type(changed).__name__}, expected (experiment, settings) returned"
            )
        experiment, settings = changed
    for label, text in asked.items():
        if settings.priors.get(label) != text:
            raise PriorError(f"model {names}: found a prior given for {label} ({text}), which the model sets itself")
    _require_parameters(experiment, settings, names, set(asked))
    if experiment is not given:
        check_experiment(experiment, f"model {names}: {experiment.title}")
    return experiment, replace(settings, name="+".join(filter(None, [settings.name, names])))


def _require_parameters(experiment: Experiment, settings: ModelSettings, names: str, asked: set[str]) -> None:
    """Raise ExperimentError where a model sets a parameter that the experiment does not have."""
    present = _names(experiment, settings)
    for label in settings.priors:
        if label not in asked and label.partition("[")[0] not in present:
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
        raise ExperimentError(f"{path}: found no name of a Python file, expected one ending in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module  # what dataclasses and pickles look for
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ExperimentError(f"{path}: {type(error).__name__}: {error}") from error


@rival_model
def as_given(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The model of the other options and of the experiment's file, unchanged."""
    return experiment, settings


@rival_model
def microscopic(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Spin variance for many atoms: an atom that leaves takes its projection noise along."""
    return experiment, replace(settings, closure="microscopic")


@rival_model
def fixed_number(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Spin variance as the paper's slope formula implies it."""
    return experiment, replace(settings, closure="fixed-number")


@rival_model
def three_state(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Atoms are lost to F = 3 by light and collisions, and come back."""
    return experiment, with_priors(settings, collisional_loss="fixed(1)")


@rival_model
def two_level(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """No atom leaves |4,±4⟩ and |4,±3⟩: no loss by light, none by collisions."""
    lost = {name: "fixed(0)" for name in ("light_loss_rate", "repump_rate") if name in _names(experiment, settings)}
    return experiment, with_priors(settings, collisional_loss="fixed(0)", **lost)


@rival_model
def no_collisions(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Γcol = 0."""
    return experiment, with_priors(settings, collision_rate="fixed(0)")


@rival_model
def no_light_loss(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The drive loses no atoms: Γout_L = 0."""
    return experiment, with_priors(settings, light_loss_rate="fixed(0)")


@rival_model
def no_pump(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The pump light does not pump: Γpump = 0."""
    return experiment, with_priors(settings, pump_rate="fixed(0)")


@rival_model
def pump_leak(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Pump light is on in every stage that has the drive."""

    def lit(stage: StageEntry) -> StageEntry:
        return replace(stage, lights=stage.lights | {"pump"}) if "drive" in stage.lights else stage

    return replace(experiment, stages=tuple(lit(stage) for stage in experiment.stages)), settings


@rival_model
def classical_noise(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The atoms start with classical noise: c₂Θ where Θ is known (0.004 ± 0.003 per degree), else C₀ = 0 ± 0.06."""
    return experiment, _start(experiment, settings, "normal(0.004, 0.003)", "normal(0, 0.06)")


@rival_model
def no_classical_noise(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The atoms start uncorrelated."""
    return experiment, _start(experiment, settings, "fixed(0)", "fixed(0)")


@rival_model
def quasi_static(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Jy decays as the paper prints it, exp(−½(Γ̃ + dΓ p(t)) t)."""
    return experiment, replace(settings, transverse_spin="quasi-static")


@rival_model
def integrated(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Jy decays by exp(−½∫(Γ̃ + dΓ p) dt)."""
    return experiment, replace(settings, transverse_spin="integrated")


@rival_model
def free_dephasing(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Γ̃ is free, as in the paper, also below what the other rates imply."""
    return experiment, replace(settings, free_dephasing=True)


@rival_model
def constrained_dephasing(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Γ̃ ≥ Γ34 + Γ43 + 2Γout: what is beyond is pure dephasing."""
    return experiment, replace(settings, free_dephasing=False)


@rival_model
def larmor_mismatch(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The Larmor frequencies of the ensembles differ, by about 10 Hz."""
    given = {"larmor_mismatch": DEFAULTS["larmor_mismatch"]} | dict(settings.priors)
    return experiment, replace(settings, priors=given)


@rival_model
def gaussian(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Gaussian noise in all series."""
    return _with_noise(experiment, "gaussian"), settings


@rival_model
def student_t(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Noise with heavy tails (Student's t) in all series."""
    return _with_noise(experiment, "student-t"), settings


@rival_model
def gamma(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Noise of a variance (Gamma law) in all series of variances."""
    return _with_noise(experiment, "gamma"), settings


def _with_noise(experiment: Experiment, family: str) -> Experiment:
    """The same series with noise of another family, of the same scatter, where their kind can have it."""
    kinds = {s.name: sibling(s.noise, family) for s in experiment.series}
    able = [s for s in experiment.series if kinds[s.name] in s.about.noises]
    if not able:
        raise ExperimentError(f"model {family}: found no series in {experiment.title!r} that can have {family} noise")
    names = {s.name for s in able}
    series = tuple(replace(s, noise=kinds[s.name]) if s.name in names else s for s in experiment.series)
    return replace(experiment, series=series)


def _names(experiment: Experiment, settings: ModelSettings) -> set[str]:
    """Names of the parameters that a model has."""
    return {name for name, _, _ in entries(experiment, settings)}


def _start(experiment: Experiment, settings: ModelSettings, classical: str, excess: str) -> ModelSettings:
    """With these priors of c₂ and C₀, whichever of the two the model has for each member."""
    if not experiment.members and experiment.knows("faraday_angle"):
        return with_priors(settings, classical_noise=classical)
    present = _names(experiment, settings)
    both = {"classical_noise": classical, "initial_excess_variance": excess}
    return with_priors(settings, **{name: text for name, text in both.items() if name in present})
