"""What the levels, and coherences, that a model leaves out would do to the expected data at the posterior mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...datasets import ExperimentError, StageEntry
from ...datasets.experiment import Label, known_by_power
from ...datasets.kinds import KINDS
from ...datasets.prediction import find, fitted_observations, initial_of, moving_runs, rates_of
from ...forward_models import InvalidValue, dephasing_floor, polarization_decay_time
from ..fits import Coherences
from .disturbances import Disturbance, PosteriorMean
from .replications import PUBLISHED

SIXTEEN_LEVELS, COHERENCES = "sixteen-level", "discrepancy"
"""Names of the rival models that have the one, and allow for the other."""
_THREE_STATES = ("light_loss_rate", "collision_rate", "dephasing_rate", "pure_dephasing_rate", "collisional_loss",
                 "larmor_mismatch")  # fmt: skip
_DEFAULT = {"temperature": 300.0, "drive_detuning": 850.0}
_COLLISIONS = (0.005, 0.2)
"""ms⁻¹: rates R that atoms may have."""


def sixteen_levels(at: PosteriorMean) -> Disturbance | None:
    """Atoms with sixteen levels in place of three states, of the same Γ̃, and the same T1 as far as R can give it.

    None where the model has them already, where nothing follows the atoms of a run in time, and where there are no rate
    tables for such a detuning, or no populations for such rates.
    """
    experiment, settings = at.experiment, at.problem.settings
    if settings.atoms != "three-state" or settings.forward_model or experiment.constant or not moving_runs(experiment):
        return None
    try:
        there = at.means(_values(at))
    except (ExperimentError, InvalidValue):
        return None
    effect = {name: there[name] - mean for name, mean in at.at_mean.items()}
    return Disturbance(SIXTEEN_LEVELS, "the atoms have sixteen levels", "", 1.0, effect, most=1.0)


def _values(at: PosteriorMean) -> dict[str, Any]:
    """Parameters of atoms with sixteen levels: those of the fit, and of the apparatus, else usual ones."""
    experiment = at.experiment
    values = {label: value for label, value in at.values.items() if Label.parse(label).name not in _THREE_STATES}
    for member in experiment.members or [""]:
        for name in (*_DEFAULT, "pump_impurity", "repump_impurity", "probe_weight"):
            by_probe = known_by_power(experiment, name, member) if name == "probe_weight" else None
            if experiment.knows(name, member):
                values[str(Label(name, member))] = experiment.known(name, member).value
            elif by_probe is not None or name in _DEFAULT:
                values[str(Label(name, member))] = _DEFAULT[name] if by_probe is None else by_probe[0]
    moving = moving_runs(experiment)
    stages = {(s.label, experiment.member.get(s.run, "")): s for s in experiment.stages if s.run in moving}
    for (_, member), stage in stages.items():
        values |= _of_stage(at.values, values, stage.at_full_power, member)
    return values


def _of_stage(three: Mapping[str, Any], sixteen: Mapping[str, Any], stage: StageEntry, member: str) -> dict[str, Any]:
    """R and Γdeph (or Γ̃) of a kind of stage."""
    label, start = Label.of("electron_collision_rate", member=member, lights=stage.label), initial_of(three, member)
    pure, total = (str(Label(name, label.entry)) for name in ("pure_dephasing_rate", "dephasing_rate"))
    rates, weight = rates_of(three, stage, member=member), find(sixteen, "probe_weight", member)

    def rates_with(collisions: Any) -> Any:
        return rates_of({**sixteen, str(label): collisions, total: rates.dephasing_rate}, stage, member=member)

    without, each = (1 / polarization_decay_time(rates_with(r), start, weight) for r in (0.0, 1.0))
    wanted = (1 / polarization_decay_time(rates, start) - without) / (each - without)
    found = {str(label): np.clip(wanted, *_COLLISIONS)}
    excess = rates.dephasing_rate - dephasing_floor(rates_with(found[str(label)]))
    return found | ({pure: excess} if np.all(excess >= 0) else {total: rates.dephasing_rate})


def all_coherences(at: PosteriorMean, left_out: Mapping[str, Coherences]) -> list[Disturbance]:
    """All eight coherences of F = 4 in ξ and ΣJ, single numbers too, as at the medians of a fit with sixteen levels."""
    effect = {name: np.zeros_like(mean) for name, mean in at.at_mean.items()}
    for series in at.followed:
        if series.run in left_out and series.about.shows_xi and series.about.spin_variance:
            effect[series.name] = at.at_mean[series.name] * left_out[series.run].relative(series.fitted_x)
    for k, one in enumerate(fitted_observations(at.experiment)):
        about = KINDS.get(one.quantity)
        if one.run in left_out and about is not None and about.shows_xi and about.spin_variance:
            share = left_out[one.run].relative(np.array([one.time]))
            effect[PUBLISHED][k] = at.at_mean[PUBLISHED][k] * share[0]
    words = "all eight coherences of F = 4 count, not the strongest one alone"
    return [Disturbance(COHERENCES, words, "of it", 1.0, effect, most=1.0)] if any(map(np.any, effect.values())) else []
