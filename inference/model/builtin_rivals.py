"""The rival models that come with the package; users add theirs with `rival_model`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ...datasets import Experiment, ExperimentError, Known, Series
from ...datasets.experiment import Label
from ...forward_models.noise import sibling
from .defaults import DEFAULTS
from .needed import entries, parameter_names
from .rivals import RIVAL_MODELS, Change, RivalModel, rival_model, with_priors
from .settings import ModelSettings

CLOCK = 0.2
"""ms: by how much times may be off in the models that say so, one standard deviation."""


def _add(name: str, about: str, change: Change) -> None:
    RIVAL_MODELS[name] = RivalModel(name, about, change)


def _with_settings(name: str, about: str, **settings: Any) -> None:
    """A model that sets some of the settings."""
    _add(name, about, lambda experiment, given: (experiment, replace(given, **settings)))


def _with_fixed(name: str, about: str, **values: float) -> None:
    """A model that fixes some parameters."""
    priors = {parameter: f"fixed({value:g})" for parameter, value in values.items()}
    _add(name, about, lambda experiment, given: (experiment, with_priors(given, **priors)))


def _with_default(name: str, about: str, parameter: str) -> None:
    """A model with a parameter that others do not have; its default prior gives way to one that is given."""

    def change(experiment: Experiment, given: ModelSettings) -> tuple[Experiment, ModelSettings]:
        return experiment, replace(given, priors={parameter: DEFAULTS[parameter]} | dict(given.priors))

    _add(name, about, change)


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
_with_settings("microscopic", "An atom that is lost takes its projection noise along.", closure="microscopic")
_with_settings("fixed-number", "Spin variance as implied by the paper's slope formula.", closure="fixed-number")
_with_fixed("three-state", "Atoms are lost to F = 3 by light and collisions, and come back.", collisional_loss=1)


@rival_model
def sixteen_level(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """All levels of caesium, rates from first principles; collisions randomise the electron's spin, more with light."""
    changed = replace(settings, atoms="sixteen-level")
    names = parameter_names(experiment, changed)
    kept = {label: text for label, text in experiment.priors.items() if Label.parse(label).name in names}
    return replace(experiment, priors=kept) if len(kept) < len(experiment.priors) else experiment, changed


def _of_sixteen_levels(name: str, about: str, **settings: Any) -> None:
    """A model that adds to `sixteen-level`, named or not: a setting, or a parameter with its default prior."""

    def change(experiment: Experiment, given: ModelSettings) -> tuple[Experiment, ModelSettings]:
        experiment, given = sixteen_level(experiment, given)
        priors = {parameter: text for parameter, text in settings.items() if parameter in DEFAULTS}
        fields = {setting: value for setting, value in settings.items() if setting not in priors}
        return experiment, replace(given, priors=priors | dict(given.priors), **fields)

    _add(name, about, change)


_of_sixteen_levels(
    "excess-loss", "The drive causes an unexplained loss to F = 3; collisions are as in the dark.",
    excess_loss_rate=DEFAULTS["excess_loss_rate"],
)  # fmt: skip
_of_sixteen_levels(
    "free-radiative-rate", "Γ does not follow from dΓ and d; collisions are as in the dark.",
    radiative_ratio=DEFAULTS["radiative_ratio"],
)  # fmt: skip
_of_sixteen_levels(
    "uniform-collisions", "Collisions lead from each of the sixteen levels to every other one.", collisions="uniform"
)
_of_sixteen_levels("cold-atoms", "The rates of atoms at rest: without Doppler shifts.", temperature="fixed(0)")


@rival_model
def two_level(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """No atom leaves |4,±4⟩ and |4,±3⟩: no loss by light, none by collisions."""
    present = parameter_names(experiment, settings) & {"light_loss_rate", "repump_rate"}
    return experiment, with_priors(settings, **dict.fromkeys(("collisional_loss", *sorted(present)), "fixed(0)"))


_with_fixed("no-collisions", "Γcol = 0.", collision_rate=0)
_with_fixed("no-light-loss", "The drive loses no atoms: Γout_L = 0.", light_loss_rate=0)
_with_fixed("no-pump", "The pump light does not pump: Γpump = 0.", pump_rate=0)


@rival_model
def pump_leak(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Pump light is on in every stage that has the drive."""
    stages = tuple(
        replace(one, lights=one.lights | {"pump"}) if "drive" in one.lights else one for one in experiment.stages
    )
    return replace(experiment, stages=stages), settings


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
    for stage in experiment.stages:
        if len(stage.pieces) > 1:
            raise ExperimentError(
                f"model quasi-static: found {stage.power[0]} in {experiment.title!r}, expected a power that stays in"
                " a stage: (Γ̃ + dΓ p) t has the rates of one power"
            )
    return experiment, replace(settings, transverse_spin="quasi-static")


_with_settings("integrated", "Jy decays by exp(−½∫(Γ̃ + dΓ p) dt).", transverse_spin="integrated")
_with_settings(
    "two-level-readout", "A probe couples to the spin of |4,±4⟩ and |4,±3⟩ alone: 2γs = dΓ p.", coupled_spin="two-level"
)
_with_settings(
    "mean-spin-readout", "A probe couples to the mean spin that normalises ξ: 2γs = dΓ (7 n2 + p)/8.",
    coupled_spin="mean-spin",
)  # fmt: skip
_with_settings(
    "free-dephasing",
    "Γ̃ is free, as in the paper, even below the value that the other rates imply.",
    free_dephasing=True,
)
_with_settings("constrained-dephasing", "Γ̃ ≥ Γ34 + Γ43 + 2Γout: the excess is pure dephasing.", free_dephasing=False)


_with_default("larmor-mismatch", "The Larmor frequencies of the ensembles differ, by about 10 Hz.", "larmor_mismatch")
_with_default("pump-leak-rate", "Pump light leaks into the stages without it, by about 0.02 ms⁻¹.", "pump_leak_rate")


def _with_errors(name: str, about: str, errors: Callable[[Series], dict[str, float]]) -> None:
    """A model with errors of series: parameter → standard deviation; a series whose file says one keeps that."""

    def changed(series: Series) -> Series:
        there = {*series.errors, *(name for name, _ in series.free)}
        added = {error: size for error, size in errors(series).items() if error not in there}
        fields: dict[str, Any] = {f"{error}_uncertainty": size for error, size in added.items()}
        return replace(series, **fields) if series.modelled.any() else series

    def change(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
        if not any(errors(series) for series in experiment.modelled):
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


_with_errors("time-offset", f"The times of each series are off by about {CLOCK:g} ms, independently.", _of_clock)


@rival_model
def common_time_offset(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The times of all series of an experiment are off by the same amount, about 0.2 ms."""
    name, offset = "common_time_offset", Known(0.0, CLOCK)
    if any(experiment.knows(name, member) for member in experiment.members or [""]):
        return experiment, settings
    if not experiment.members:
        return replace(experiment, apparatus=experiment.apparatus | {name: offset}), settings
    own = {member: {**experiment.known_of.get(member, {}), name: offset} for member in experiment.members}
    return replace(experiment, known_of=own, sharing=experiment.sharing | {name: "separate"}), settings


@rival_model
def days(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """Each kind of series was taken on a different day: d and the loss by the drive differ by about 10 %."""
    first: dict[str, str] = {}

    def dated(series: Series) -> Series:
        member = experiment.member.get(series.run, "")
        if series.day or series.kind == first.setdefault(member, series.kind):
            return series
        return replace(series, day=f"{member}.{series.kind}" if member else series.kind)

    of_atoms = {s.name for s in experiment.modelled if not s.about.calibration}
    series = tuple(dated(s) if s.name in of_atoms else s for s in experiment.series)
    made = replace(experiment, series=series)
    if not any(s.day for s in experiment.series) and entries(made, settings) == entries(experiment, settings):
        raise ExperimentError(
            f"model days: found no second kind of series in {experiment.title!r} that the drive moves"
        )
    return made, settings


for name, about, errors in (
    ("gain-drift", "The gain of P and of Jy drifts by about 3 % from the first to the last point.",
     partial(_of_mean_spins, "gain_drift", 0.03)),
    ("background", "P and Jy have a background of about 0.01, which does not decay.",
     partial(_of_mean_spins, "offset", 0.01)),
    ("shot-noise-drift", "The shot noise of variances of the light is off by about 1 % at the last point.",
     _of_shot_noise),
):  # fmt: skip
    _with_errors(name, about, errors)
CURVE = 0.03
"""Standard deviation of the smooth curve by which ξ may differ from the model that says so."""
_FEWEST = 5
"""Points of a series whose noise may be correlated, or which may differ from the model by a smooth curve."""


@rival_model
def correlated_noise(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """The noise of neighbouring points is correlated, and Gaussian, in all series that can have it."""
    changed = {s.name: _with_correlation(s) for s in experiment.modelled}
    if all(one is None for one in changed.values()):
        raise ExperimentError(f"model correlated-noise: found no series in {experiment.title!r} that can have it")
    return replace(experiment, series=tuple(changed.get(s.name) or s for s in experiment.series)), settings


def _with_correlation(series: Series) -> Series | None:
    """With Gaussian noise in the order that is known; None where that cannot be."""
    noise, order = sibling(series.noise, "gaussian"), series.noise_correlation
    order = order or ("time" if series.taken is None else "taken")
    place = series.x if order == "time" or series.taken is None else series.taken
    places = place[:: len(series.about.components)].tolist()
    if noise not in series.about.noises or series.covariance is not None or len(places) < _FEWEST:
        return None
    if len(set(places)) < len(places) or (order == "time" and series.about.abscissa == "faraday_angle"):
        return None
    return replace(series, noise=noise, noise_correlation=order)


@rival_model
def discrepancy(experiment: Experiment, settings: ModelSettings) -> tuple[Experiment, ModelSettings]:
    """ξ differs from the model by an unexplained smooth curve, of about 0.03."""
    able = {s.name for s in experiment.series if s.about.spin_variance and s.modelled.sum() >= _FEWEST}
    able &= {s.name for s in experiment.series if len(s.about.components) == 1 and s.x.max() > s.x.min()}
    if not able:
        raise ExperimentError(f"model discrepancy: found no series in {experiment.title!r} that can have it")
    series = tuple(
        replace(s, discrepancy_uncertainty=s.discrepancy_uncertainty or CURVE) if s.name in able else s
        for s in experiment.series
    )
    return replace(experiment, series=series), settings


_with_noise("gaussian", "Gaussian noise in all series.")
_with_noise("student-t", "Noise with heavy tails (Student's t) in all series.")
_with_noise("gamma", "Noise of a variance (Gamma law) in all series of variances.")


def _start(experiment: Experiment, settings: ModelSettings, classical: str, excess: str) -> ModelSettings:
    """With these priors of c₂ and C₀, whichever of the two the model has for each member."""
    if not experiment.members and experiment.knows("faraday_angle"):
        return with_priors(settings, classical_noise=classical)
    present = parameter_names(experiment, settings)
    both = {"classical_noise": classical, "initial_excess_variance": excess}
    return with_priors(settings, **{name: text for name, text in both.items() if name in present})
