"""Which parameters an experiment has, with which prior: free ones, fixed ones, one entry each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..datasets import Experiment, ExperimentError
from ..datasets.errors import nearest
from ..forward_models import PARAMETERS, Closure
from .priors import DEFAULTS, Prior, PriorError, known_prior, parse_prior

_NEARLY_CERTAIN = 1 - 1e-6
DEPTH_PER_DEGREE = 4.0
DEPTH_UNCERTAINTY = 0.05


@dataclass(frozen=True)
class ModelSettings:
    """What defines a model besides the experiment.

    closure : "microscopic" or "fixed-number"
    free_dephasing : Γ̃ itself unknown (the paper's choice) instead of Γdeph ≥ 0 above its floor
    priors : text by parameter or by label, over those of the experiment and the defaults
    resolution : factor on the rates that the integration grid must resolve
    """

    closure: Closure = "microscopic"
    free_dephasing: bool = False
    priors: Mapping[str, str] = field(default_factory=dict)
    resolution: float = 1.0


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
    given = _given_priors(experiment, settings)
    used: set[str] = set()
    result = []
    for name, index in _entries(experiment, settings):
        label = name if index is None else f"{name}[{index}]"
        chosen = next((key for key in (label, name) if key in given), None)
        if chosen is not None:
            used |= {label, name}
            prior = given[chosen]
        else:
            prior = _default(experiment, name, index)
        result.append(Unknown(name, index, prior))
    for key in given:
        if key not in used:
            labels = [unknown.label for unknown in result]
            raise PriorError(
                f"prior {key}: this experiment has no such parameter{nearest(key, labels)}; it has {', '.join(labels)}"
            )
    _check_together(result)
    return result


def _check_together(parameters: list[Unknown]) -> None:
    """Raise PriorError for what single priors cannot show."""
    if not free(parameters):
        raise PriorError("all parameters are fixed; expected at least one unknown")
    for name in dict.fromkeys(u.name for u in free(parameters)):
        forms = sorted({u.prior.form for u in free(parameters) if u.name == name})
        if len(forms) > 1:
            raise PriorError(f"priors of {name}: found {' and '.join(forms)}, expected one form for all its entries")
    by_name = {u.name: u.prior for u in parameters}
    populations = sum(float(by_name[name].quantile(_NEARLY_CERTAIN)) for name in ("initial_n3", "initial_nh"))
    if populations > 1:
        raise PriorError(
            f"priors of initial_n3 and initial_nh: found a sum up to {populations:.3g}, expected at most 1"
        )
    excess = float(by_name["initial_excess_variance"].quantile(1 - _NEARLY_CERTAIN))
    if excess < -0.9:
        raise PriorError(f"prior of initial_excess_variance: found values down to {excess:.3g}, expected above -0.9")


def unused_knowledge(experiment: Experiment, parameters: list[Unknown]) -> list[str]:
    """What the apparatus table says and no parameter of the model uses."""
    used = {u.name for u in parameters}
    if "optical_depth" in used and "optical_depth" not in experiment.apparatus:
        used.add("faraday_angle")
    return [name for name in experiment.apparatus if name not in used]


def _given_priors(experiment: Experiment, settings: ModelSettings) -> dict[str, Prior]:
    return read_priors(experiment.priors, "experiment: prior") | read_priors(settings.priors)


def read_priors(texts: Mapping[str, str], where: str = "prior") -> dict[str, Prior]:
    """Priors by parameter or label; PriorError for a text that cannot be read and for an unknown parameter."""
    given = {}
    for key, text in texts.items():
        name = re.sub(r"\[.*\]$", "", key)
        if name not in PARAMETERS:
            raise PriorError(
                f"{where} {key}: unknown parameter{nearest(name, list(PARAMETERS))};"
                f" expected one of {', '.join(PARAMETERS)}"
            )
        given[key] = parse_prior(name, text, where)
    return given


def _entries(experiment: Experiment, settings: ModelSettings) -> list[tuple[str, str | None]]:
    """Names and indices of the parameters that the experiment's likelihood depends on."""
    lights = fitted_lights(experiment)
    on = {light for label in lights for light in label.split("+")}
    entries: list[tuple[str, str | None]] = []
    if "drive" in on:
        has_depth = {"optical_depth", "faraday_angle"} & set(experiment.apparatus)
        entries += [("collective_rate", None), ("optical_depth" if has_depth else "radiative_rate", None)]
        entries += [("squeezing_limit", None), ("light_loss_rate", None)]
    entries.append(("collision_rate", None))
    entries += [("pump_rate", label) for label in lights if "pump" in label.split("+")]
    if "repump" in on:
        entries.append(("repump_rate", None))
    dephasing = "dephasing_rate" if settings.free_dephasing else "pure_dephasing_rate"
    entries += [(dephasing, label) for label in lights]
    entries += [("initial_n3", None), ("initial_nh", None), ("initial_excess_variance", None)]
    entries += [(name, index) for name, index, _ in calibrations(experiment)]
    if any(not series.efficiency_in_scale for series in experiment.series):
        entries.append(("detection_efficiency", None))
    return entries


def fitted_lights(experiment: Experiment) -> list[str]:
    """Labels of the kinds of stage in runs that are measured and fitted."""
    runs = {series.run for series in experiment.series if series.fitted.any()}
    runs |= {observation.run for observation in experiment.observations if not observation.excluded}
    if not runs:
        runs = set(experiment.runs)
    return list(dict.fromkeys(stage.label for stage in experiment.stages if stage.run in runs))


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


def _default(experiment: Experiment, name: str, index: str | None) -> Prior:
    for calibration, of, sigma in calibrations(experiment):
        if (calibration, of) == (name, index):
            return known_prior(name, 1.0 if name == "scale" else 0.0, sigma)
    known = experiment.apparatus.get(name)
    if name == "optical_depth":
        angle = experiment.apparatus.get("faraday_angle")
        if known is None and angle is not None:
            depth = DEPTH_PER_DEGREE * angle.value
            relative = float(np.hypot(angle.sigma / angle.value, DEPTH_UNCERTAINTY))
            return known_prior(name, depth, relative * depth)
        if known is not None and known.sigma == 0:
            return known_prior(name, known.value, DEPTH_UNCERTAINTY * known.value)
    if known is not None:
        return known_prior(name, known.value, known.sigma)
    return parse_prior(name, DEFAULTS[name])


def fixed_values(parameters: list[Unknown]) -> dict[str, Any]:
    """Values by label of the parameters that are no unknowns."""
    return {u.label: u.prior.numbers[0] for u in parameters if u.prior.fixed}


def free(parameters: list[Unknown]) -> list[Unknown]:
    """The unknowns proper."""
    return [u for u in parameters if not u.prior.fixed]


def require_data(experiment: Experiment, source: str) -> None:
    """Raise ExperimentError where there is nothing to fit."""
    fitted = any(series.fitted.any() for series in experiment.series)
    if not fitted and all(o.excluded for o in experiment.observations):
        raise ExperimentError(f"{source}: found no data to fit, expected a series or an observation")
