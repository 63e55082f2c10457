"""Which parameters an experiment has, with which prior: free ones, fixed ones, one entry each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..datasets import Experiment, ExperimentError, Series
from ..datasets.errors import nearest
from ..datasets.experiment import TIMELESS
from ..datasets.predictions import moving_runs, ratio_entry
from ..datasets.run_state import PROBE
from ..forward_models import PARAMETERS
from ..forward_models.orientation_beat import SUBLEVELS
from .model_settings import ModelSettings
from .priors import DEFAULTS, Prior, PriorError, known_prior, parse_prior

_NEARLY_CERTAIN, _HALF = 1 - 1e-6, 0.5
DEPTH_PER_DEGREE = 4.0
DEPTH_UNCERTAINTY = 0.05


@dataclass(frozen=True)
class Unknown:
    """One scalar parameter. `index` is its entry of the dim `lights` or `calibrated`; None for scalars."""

    name: str
    index: str | None
    prior: Prior

    @property
    def label(self) -> str:
        """`collective_rate`, `dephasing_rate[drive]`."""
        return self.name if self.index is None else f"{self.name}[{self.index}]"


def unknowns(experiment: Experiment, settings: ModelSettings) -> list[Unknown]:
    """All parameters of the model, those with a fixed value included.

    A parameter that nothing in the experiment depends on (Γpump without pump light, dΓ without the drive) is
    not among them. Raises PriorError for priors that cannot be read, of unknown parameters, or of unused ones.
    """
    _check_constant_runs(experiment, settings)
    given = _given_priors(experiment, settings)
    calibrated = read_priors(experiment.calibrated, "calibration: prior")
    used: set[str] = set()
    result = []
    for name, index, member in entries(experiment, settings):
        label = name if index is None else f"{name}[{index}]"
        chosen = next((key for key in (label, name) if key in given), None)
        if chosen is not None:
            used |= {label, name}
            prior = given[chosen]
        else:
            measured = calibrated.get(label, calibrated.get(name))
            prior = _default(experiment, name, index, member) if measured is None else measured
        result.append(Unknown(name, index, prior))
    for key in given:
        if key not in used:
            labels = [unknown.label for unknown in result]
            raise PriorError(
                f"prior {key}: this experiment has no such parameter{nearest(key, labels)}; it has {', '.join(labels)}"
            )
    _check_together(result)
    return result


def _check_constant_runs(experiment: Experiment, settings: ModelSettings) -> None:
    """Raise for what a run with constant rates has no place for."""
    if not experiment.constant:
        return
    where = f"run {next(iter(experiment.constant))!r} with constant rates"
    if settings.forward_model:
        raise ExperimentError(f"{where}: found the forward model {settings.forward_model!r}, expected none of your own")
    named = {*_prior_names(settings.priors), *_prior_names(experiment.priors)}
    if "larmor_mismatch" in named or experiment.knows("larmor_mismatch"):
        raise ExperimentError(f"{where}: found larmor_mismatch, expected none: its model has equal Larmor frequencies")


def _check_together(parameters: list[Unknown]) -> None:
    """Raise PriorError for what single priors cannot show."""
    if not free(parameters):
        raise PriorError("all parameters are fixed; expected at least one unknown")
    for name in dict.fromkeys(u.name for u in free(parameters)):
        forms = sorted({u.prior.form for u in free(parameters) if u.name == name})
        if len(forms) > 1:
            raise PriorError(f"priors of {name}: found {' and '.join(forms)}, expected one form for all its entries")
    ends: dict[tuple[str, float], float] = {}
    for u in parameters:
        for end in (1 - _NEARLY_CERTAIN, _NEARLY_CERTAIN):
            reached, worst = float(u.prior.quantile(end)), max if end > _HALF else min
            ends[u.name, end] = worst(reached, ends.get((u.name, end), reached))
    populations = sum(ends.get((name, _NEARLY_CERTAIN), 0.0) for name in ("initial_n3", "initial_nh"))
    if populations > 1:
        raise PriorError(
            f"priors of initial_n3 and initial_nh: found a sum up to {populations:.3g}, expected at most 1"
        )
    excess = ends.get(("initial_excess_variance", 1 - _NEARLY_CERTAIN), 0.0)
    if excess < -0.9:
        raise PriorError(f"prior of initial_excess_variance: found values down to {excess:.3g}, expected above -0.9")
    classical = ends.get(("classical_noise", 1 - _NEARLY_CERTAIN), 0.0) * ends.get(
        ("faraday_angle", _NEARLY_CERTAIN), 0.0
    )
    if classical < -0.9:
        raise PriorError(
            f"prior of classical_noise: found c₂Θ down to {classical:.3g}, expected above -0.9: a narrower prior"
        )


def unused_knowledge(experiment: Experiment, parameters: list[Unknown]) -> list[str]:
    """What the apparatus table says and no parameter of the model uses."""
    used = {u.name for u in parameters}
    if "optical_depth" in used and not all(experiment.knows("optical_depth", m) for m in experiment.members or [""]):
        used.add("faraday_angle")
    known = [*experiment.apparatus, *(name for names in experiment.known_of.values() for name in names)]
    return [name for name in dict.fromkeys(known) if name not in used]


def _given_priors(experiment: Experiment, settings: ModelSettings) -> dict[str, Prior]:
    return read_priors(experiment.priors, "experiment: prior") | read_priors(settings.priors)


def _prior_names(texts: Mapping[str, str]) -> set[str]:
    """Parameters that priors are given for, by label."""
    return {_name_of(key) for key in texts}


def _name_of(label: str) -> str:
    return re.sub(r"\[.*\]$", "", label)


def read_priors(texts: Mapping[str, str], where: str = "prior") -> dict[str, Prior]:
    """Priors by parameter or label; PriorError for a text that cannot be read and for an unknown parameter."""
    given = {}
    for key, text in texts.items():
        name = _name_of(key)
        if name not in PARAMETERS:
            raise PriorError(
                f"{where} {key}: unknown parameter{nearest(name, list(PARAMETERS))};"
                f" expected one of {', '.join(PARAMETERS)}"
            )
        given[key] = parse_prior(name, text, where)
    return given


Entry = tuple[str, str | None, str]
"""Name of a parameter, its index (None for a scalar), and the member of a joint experiment whose own it is ("")."""


def entries(experiment: Experiment, settings: ModelSettings) -> list[Entry]:
    """The parameters that the experiment's likelihood depends on; those of one name together."""
    found: dict[Entry, None] = {}
    for member in experiment.members or [""]:
        for name, lights in _of_member(experiment, settings, member):
            found |= dict.fromkeys(_shared(experiment.sharing.get(name, "shared"), name, lights, member))
    for name, index, _ in calibrations(experiment):
        found[name, index, ""] = None
    for series in experiment.series:
        if series.kind == "orientation_beat" and series.modelled.any():
            found |= {(name, series.name, ""): None for name in _BEAT}
            found |= {("population_ratio", ratio_entry(series, m), ""): None for m in SUBLEVELS[2:]}
    names = list(dict.fromkeys(name for name, _, _ in found))
    return sorted(found, key=lambda entry: names.index(entry[0]))


_BEAT = ("beat_in_phase", "beat_quadrature", "beat_detuning", "coherence_time")


def _shared(how: str, name: str, lights: str | None, member: str) -> list[Entry]:
    """The entries that stand for a parameter of a member, by the way in which members share it."""
    own = member if lights is None else f"{member}: {lights}"
    if how == "separate":
        return [(name, own, member)]
    if how == "population":
        label = name if lights is None else f"{name}[{lights}]"
        return [(name, lights, ""), ("population_spread", label, ""), ("population_score", f"{name}[{own}]", member)]
    return [(name, lights, "")]


def _of_member(experiment: Experiment, settings: ModelSettings, member: str) -> list[tuple[str, str | None]]:
    """The parameters (name, kind of stage where it depends on that) that the data of a member depend on."""
    own = [run for run in experiment.runs if experiment.member.get(run, "") == member]
    constant = _of_constant_runs(experiment, own, member)
    runs = [run for run in own if run not in experiment.unmodelled]
    if constant and not fitted_lights(experiment, runs):
        return constant
    found: list[tuple[str, str | None]] = []
    kinds = {s.kind for s in experiment.series if s.run in runs and s.modelled.any()}
    lights = fitted_lights(experiment, runs)
    on = {light for label in lights for light in label.split("+")}
    named = {*_prior_names(settings.priors), *_prior_names(experiment.priors)}
    if settings.free_dephasing and not set(runs) & set(moving_runs(experiment)):
        if "drive" in on:  # κ² depends on dΓ, Γ̃ and Z alone
            found += [_coupled_rates(experiment, member)[0], ("squeezing_limit", None)]
    else:
        if "drive" in on:
            found += [*_coupled_rates(experiment, member), ("squeezing_limit", None), ("light_loss_rate", None)]
        found.append(("collision_rate", None))
    found += [("pump_rate", label) for label in lights if "pump" in label.split("+")]
    if "repump" in on:
        found.append(("repump_rate", None))
    dephasing = "dephasing_rate" if settings.free_dephasing else "pure_dephasing_rate"
    found += [(dephasing, label) for label in lights]
    moving = not set(runs) <= set(experiment.constant)
    if moving:
        found += [("initial_n3", None), ("initial_nh", None)]
    optional = ("collisional_loss", *(("larmor_mismatch",) if "drive" in on else ()))
    found += [(name, None) for name in optional if name in named or _stated(experiment, name, member)]
    found += [(name, None) for name in settings.dynamics.parameters]
    classical = "projection_noise" in kinds or _stated(experiment, "classical_noise", member)
    classical = classical or ("classical_noise" in named and experiment.knows("faraday_angle", member))
    if experiment.members and "classical_noise" not in experiment.sharing:  # what one member measures holds for all
        measured = classical or any(s.kind == "projection_noise" and s.modelled.any() for s in experiment.series)
        classical = measured and experiment.knows("faraday_angle", member)
    if moving or classical:
        found.append(("classical_noise" if classical else "initial_excess_variance", None))
    if classical or "coupling" in kinds:
        found.append(("faraday_angle", None))
    found += _of_readout(experiment, [s for s in experiment.series if s.run in runs], kinds, member)
    return [*found, *constant]


def _of_readout(
    experiment: Experiment, series: Sequence[Series], kinds: set[str], member: str
) -> list[tuple[str, str | None]]:
    """Constants of the readout and of calibration runs; `kinds` of the series that are modelled."""
    found: list[tuple[str, str | None]] = []
    if "light_variance" in kinds or any(not s.efficiency_in_scale for s in series):
        found.append(("detection_efficiency", None))
    if "shot_noise" in kinds or ("light_variance" in kinds and _stated(experiment, "shot_noise_level", member)):
        found.append(("shot_noise_level", None))
    if "projection_noise" in kinds or any(s.slope_used for s in series):
        found.append(("projection_noise_slope", None))
    if "orientation_beat" in kinds:
        found.append(("quadratic_zeeman", None))
    return found


def _of_constant_runs(experiment: Experiment, runs: Sequence[str], member: str) -> list[tuple[str, str | None]]:
    """What data in runs with constant rates depend on beyond the rates of moving populations."""
    found: list[tuple[str, str | None]] = []
    series = [s for s in experiment.series if s.run in runs and s.modelled.any() and not s.about.calibration]
    records = [r for r in experiment.records if r.run in runs]
    observed = [o for o in experiment.observations if o.run in runs and not o.excluded]
    measured = {s.run for s in series} | {r.run for r in records} | {o.run for o in observed}
    fitted = measured & set(experiment.constant)
    lights = list(dict.fromkeys(s.label for s in experiment.stages if s.run in fitted & set(experiment.unmodelled)))
    found += [(name, label) for name in ("swap_rate", "extra_decay_rate", "bath_noise") for label in lights]
    if lights:
        found.append(("squeezing_limit", None))
    kinds = {s.kind for s in series if s.run in fitted} | {o.quantity for o in observed if o.run in fitted}
    if records or kinds & {"conditional_xi", "feedback", "light_variance", "optimal_mode_rate"}:
        found.append(("detection_efficiency", None))
    if records or ("feedback" in kinds and _stated(experiment, "shot_noise_level", member)):
        found.append(("shot_noise_level", None))
    unknown = [run for run in runs if run in fitted and experiment.constant[run].begins == "unknown"]
    needed = {s.run for s in series if s.kind != "transverse_spin"} | {r.run for r in records}
    needed |= {o.run for o in observed if o.quantity not in ("transverse_spin", *TIMELESS)}
    return found + [("initial_xi", run) for run in unknown if run in needed]


def _stated(experiment: Experiment, name: str, member: str) -> bool:
    """Whether the apparatus or a calibration says something of a parameter."""
    return experiment.knows(name, member) or name in experiment.calibrated


def _coupled_rates(experiment: Experiment, member: str) -> list[tuple[str, str | None]]:
    """Two of dΓ, Γ and d, from which the third follows; d by the Faraday angle where it is tied to that."""
    has_depth = any(experiment.knows(name, member) for name in ("optical_depth", "faraday_angle"))
    depth = [("optical_depth", None)]
    if experiment.sharing.get("optical_depth") == "tied":
        depth = [("depth_per_degree", None), ("faraday_angle", None)]
    if experiment.members and "collective_rate" not in experiment.sharing:
        return [("radiative_rate", None), *depth]
    return [("collective_rate", None), *(depth if has_depth else [("radiative_rate", None)])]


def fitted_lights(experiment: Experiment, among: Sequence[str] | None = None) -> list[str]:
    """Labels of the kinds of stage in runs (of `among`) that are measured and fitted, and of the probe."""
    series = [s for s in experiment.series if s.modelled.any()]
    runs = {s.run for s in series if not s.about.calibration or s.pulse_time}
    runs |= {observation.run for observation in experiment.observations if not observation.excluded}
    runs |= {record.run for record in experiment.records}
    runs -= set(experiment.unmodelled)
    probed = [s for s in series if s.kind in ("light_variance", "coupling")]
    if not runs and not series and not experiment.records:  # nothing is measured yet
        runs = set(experiment.runs) - set(experiment.unmodelled)
    if among is not None:
        runs &= set(among)
        probed = [s for s in probed if s.run in among]
    labels = [stage.label for stage in experiment.stages if stage.run in runs]
    return list(dict.fromkeys([*labels, *([PROBE] if probed else [])]))


def calibrations(experiment: Experiment) -> list[tuple[str, str, float]]:
    """(scale or offset, of which series or group of observations, its standard deviation)."""
    rows = []
    for series in experiment.series:
        if series.scale_uncertainty:
            rows.append(("scale", series.name, series.scale_uncertainty))
        if series.offset_uncertainty:
            rows.append(("offset", series.name, series.offset_uncertainty))
    for observation in experiment.observations:
        row = ("scale", observation.shared_scale or observation.label, observation.scale_uncertainty)
        if observation.scale_uncertainty and not observation.excluded and row not in rows:
            rows.append(row)
    return rows


def _default(experiment: Experiment, name: str, index: str | None, member: str) -> Prior:
    for calibration, of, sigma in calibrations(experiment):
        if (calibration, of) == (name, index):
            return known_prior(name, 1.0 if name == "scale" else 0.0, sigma)
    if name == "optical_depth" and not experiment.knows(name, member) and experiment.knows("faraday_angle", member):
        angle = experiment.known("faraday_angle", member)
        depth = DEPTH_PER_DEGREE * angle.value
        relative = float(np.hypot(angle.sigma / angle.value, DEPTH_UNCERTAINTY))
        return known_prior(name, depth, relative * depth)
    if experiment.knows(name, member):
        known = experiment.known(name, member)
        unsure = name == "optical_depth" and known.sigma == 0
        return known_prior(name, known.value, DEPTH_UNCERTAINTY * known.value if unsure else known.sigma)
    return parse_prior(name, DEFAULTS[name])


def fixed_values(parameters: list[Unknown]) -> dict[str, Any]:
    """Values by label of the parameters that are no unknowns."""
    return {u.label: u.prior.numbers[0] for u in parameters if u.prior.fixed}


def free(parameters: list[Unknown]) -> list[Unknown]:
    """The unknowns proper."""
    return [u for u in parameters if not u.prior.fixed]


def require_data(experiment: Experiment, source: str) -> None:
    """Raise ExperimentError where there is nothing to fit."""
    fitted = any(part.fitted.any() for part in experiment.parts)
    if not fitted and all(o.excluded for o in experiment.observations):
        raise ExperimentError(f"{source}: found no data to fit, expected a series or an observation")
