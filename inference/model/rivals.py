"""Rival models as values: each is a named change of an experiment's theory; names are joined by +.

    dissentangle compare my-run --models microscopic,fixed-number,fixed-number+student-t

Those that come with the package, and how models are applied; users add theirs with `model_registry.rival_model`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from ...datasets import Experiment, ExperimentError, Known, Series, StageEntry
from ...datasets.errors import nearest
from ...datasets.experiment import Label, check_experiment
from ...forward_models import InvalidValue
from ...forward_models.noise import sibling
from .defaults import DEFAULTS
from .fingerprint import fingerprint
from .needed import entries
from .priors import PriorError
from .registry import RIVAL_MODELS, Change, RivalModel, rival_model, with_priors
from .settings import ModelSettings

CLOCK = 0.2
"""ms: by how much times may be off in the models that say so, one standard deviation."""


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
        except (ExperimentError, PriorError, InvalidValue):
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
    present = _names(experiment, settings)
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
        raise ExperimentError(f"{path}: found no name of a Python file, expected one ending in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module  # what dataclasses and pickles look for
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ExperimentError(f"{path}: {type(error).__name__}: {error}") from error


def _add(name: str, about: str, change: Change) -> None:
    RIVAL_MODELS[name] = RivalModel(name, about, change)


def _with_settings(name: str, about: str, **settings: Any) -> None:
    """A model that sets some of the settings."""
    _add(name, about, lambda experiment, given: (experiment, replace(given, **settings)))


def _with_fixed(name: str, about: str, **values: float) -> None:
    """A model that fixes some parameters."""
    priors = {parameter: f"fixed({value:g})" for parameter, value in values.items()}
    _add(name, about, lambda experiment, given: (experiment, with_priors(given, **priors)))


def _with_noise(family: str, about: str) -> None:
    """A model with noise of another family in all series whose kind can have it, from the same spreads."""

    def change(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
        kinds = {s.name: sibling(s.noise, family) for s in experiment.series}
        able = {s.name for s in experiment.series if kinds[s.name] in s.about.noises}
        if not able:
            raise ExperimentError(
                f"model {family}: found no series in {experiment.title!r} that can have {family} noise"
            )
        series = tuple(replace(s, noise=kinds[s.name]) if s.name in able else s for s in experiment.series)
        return replace(experiment, series=series), settings

    _add(family, about, change)


_with_settings("as-given", "The model of the other options and of the experiment's file, unchanged.")
_with_settings("open", "The share of its projection noise that a lost atom takes along is unknown.", closure="open")
_with_settings(
    "microscopic", "Spin variance for many atoms: an atom that leaves takes its projection noise along.",
    closure="microscopic",
)  # fmt: skip
_with_settings("fixed-number", "Spin variance as the paper's slope formula implies it.", closure="fixed-number")
_with_fixed("three-state", "Atoms are lost to F = 3 by light and collisions, and come back.", collisional_loss=1)


@rival_model
def two_level(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """No atom leaves |4,±4⟩ and |4,±3⟩: no loss by light, none by collisions."""
    lost = {name: "fixed(0)" for name in ("light_loss_rate", "repump_rate") if name in _names(experiment, settings)}
    return experiment, with_priors(settings, collisional_loss="fixed(0)", **lost)


_with_fixed("no-collisions", "Γcol = 0.", collision_rate=0)
_with_fixed("no-light-loss", "The drive loses no atoms: Γout_L = 0.", light_loss_rate=0)
_with_fixed("no-pump", "The pump light does not pump: Γpump = 0.", pump_rate=0)


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


_with_settings(
    "quasi-static", "Jy decays as the paper prints it, exp(−½(Γ̃ + dΓ p(t)) t).", transverse_spin="quasi-static"
)
_with_settings("integrated", "Jy decays by exp(−½∫(Γ̃ + dΓ p) dt).", transverse_spin="integrated")
_with_settings(
    "two-level-readout", "A probe couples to the spin of |4,±4⟩ and |4,±3⟩ alone: 2γs = dΓ p.", coupled_spin="two-level"
)
_with_settings(
    "mean-spin-readout", "A probe couples to the mean spin that normalises ξ: 2γs = dΓ (7 n2 + p)/8.",
    coupled_spin="mean-spin",
)  # fmt: skip
_with_settings(
    "free-dephasing", "Γ̃ is free, as in the paper, also below what the other rates imply.", free_dephasing=True
)
_with_settings(
    "constrained-dephasing", "Γ̃ ≥ Γ34 + Γ43 + 2Γout: what is beyond is pure dephasing.", free_dephasing=False
)


@rival_model
def larmor_mismatch(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The Larmor frequencies of the ensembles differ, by about 10 Hz."""
    given = {"larmor_mismatch": DEFAULTS["larmor_mismatch"]} | dict(settings.priors)
    return experiment, replace(settings, priors=given)


@rival_model
def pump_leak_rate(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Pump light leaks into the stages without it, by about 0.02 ms⁻¹."""
    given = {"pump_leak_rate": DEFAULTS["pump_leak_rate"]} | dict(settings.priors)
    return experiment, replace(settings, priors=given)


def _with_errors(name: str, about: str, errors: Callable[[Series], dict[str, float]]) -> None:
    """A model with errors of series: parameter → standard deviation; a series whose file says one keeps that."""

    def changed(series: Series) -> Series:
        added = {error: size for error, size in errors(series).items() if error not in series.errors}
        fields: dict[str, Any] = {f"{error}_uncertainty": size for error, size in added.items()}
        return replace(series, **fields) if series.modelled.any() else series

    def change(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
        if not any(errors(series) for series in experiment.series if series.modelled.any()):
            raise ExperimentError(f"model {name}: found no series in {experiment.title!r} that can have this error")
        return replace(experiment, series=tuple(changed(series) for series in experiment.series)), settings

    _add(name, about, change)


def _of_mean_spins(error: str, size: float, series: Series) -> dict[str, float]:
    several = series.x.max() > series.x.min()
    return {error: size} if series.about.normalised_to_start and several else {}


def _of_clock(series: Series) -> dict[str, float]:
    return {"time_offset": CLOCK} if series.about.shifts_in_time else {}


def _of_shot_noise(series: Series) -> dict[str, float]:
    """1 % of the shot noise, which is about 0.03 of ξ."""
    if not series.about.shifts_in_time or series.x.max() == series.x.min():
        return {}
    return {"offset_drift": 0.03} if series.about.spin_variance else {"gain_drift": 0.01} if series.about.probed else {}


_with_errors("time-offset", f"The times of each series are off, by about {CLOCK:g} ms, each by its own.", _of_clock)


@rival_model
def common_time_offset(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The times of all series of an experiment are off, by about 0.2 ms, all by the same."""
    name, offset = "common_time_offset", Known(0.0, CLOCK)
    if any(experiment.knows(name, member) for member in experiment.members or [""]):
        return experiment, settings
    if not experiment.members:
        return replace(experiment, apparatus=experiment.apparatus | {name: offset}), settings
    own = {member: {**experiment.known_of.get(member, {}), name: offset} for member in experiment.members}
    return replace(experiment, known_of=own, sharing=experiment.sharing | {name: "separate"}), settings


_with_errors(
    "gain-drift", "The gain of P and of Jy drifts by about 3 % from the first to the last point.",
    partial(_of_mean_spins, "gain_drift", 0.03),
)  # fmt: skip
_with_errors(
    "background",
    "P and Jy have a background of about 0.01, which does not decay.",
    partial(_of_mean_spins, "offset", 0.01),
)
_with_errors(
    "shot-noise-drift",
    "The shot noise of variances of the light is off by about 1 % at the last point.",
    _of_shot_noise,
)
_with_noise("gaussian", "Gaussian noise in all series.")
_with_noise("student-t", "Noise with heavy tails (Student's t) in all series.")
_with_noise("gamma", "Noise of a variance (Gamma law) in all series of variances.")


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
