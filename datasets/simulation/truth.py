"""The true values of a simulated experiment: those given, over those of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...forward_models import LOSS_NOISE_SHARE, PARAMETERS, Closure, dephasing_floor
from ..errors import ExperimentError, check_keys, nearest
from ..experiment import DAY_FACTORS, SERIES_ERRORS, ZEEMAN, Experiment, Label, Series, StageEntry, meant, other_days
from ..kinds import KINDS
from ..prediction import PROBE, coupled_rates, rates_of
from .sixteen_levels import ELECTRON, check_atoms, is_of_other_atoms, of_sixteen_levels

PAPER = {
    "collective_rate": 0.11,
    "optical_depth": 55.0,
    "squeezing_limit": 0.16,
    "collision_rate": 0.002,
    "light_loss_rate": 0.0264,
    "pump_rate": 0.168,
    "repump_rate": 0.1,
    "initial_n3": 0.01,
    "initial_nh": 0.0,
    "dephasing_rate[drive]": 0.193,
    "dephasing_rate[drive+pump]": 0.233,
    "dephasing_rate[drive+pump+repump]": 0.433,
    "dephasing_rate[dark]": 0.05,
    "detection_efficiency": 0.84,
    "faraday_angle": 14.0,
    "classical_noise": 0.004,
    "quadratic_zeeman": ZEEMAN[0],
    "projection_noise_slope": 0.1,
    "shot_noise_level": 1.0,
}
"""The paper's fitted values (captions of Fig. 2; Γout_L from T1 = 34 ms; T2 = 40 ms in the dark) and calibrations.

The paper gives no value for Γrepump, nor for Γ̃ with the repump light, nor the units of its noise measurements: those
are round numbers.
"""
NUISANCES = ("pump_leak_rate", "common_time_offset")
"""What an experiment may have or not, as its apparatus says; 0 in the paper."""
_OTHER = {
    "dephasing_rate": "pure_dephasing_rate",
    "pure_dephasing_rate": "dephasing_rate",
    "optical_depth": "radiative_rate",
    "radiative_rate": "optical_depth",
}
"""Two ways to say the same: one that is given replaces the recorded other one."""
_OTHER_START = {"initial_excess_variance": "classical_noise", "classical_noise": "initial_excess_variance"}
"""Likewise for the state at the start, where a recorded other one is no other form of what is given."""


def true_values(experiment: Experiment, given: dict[str, float], closure: Closure) -> dict[str, float]:
    """The true values: those given over the paper's, without what the stages and series do not depend on.

    A temperature among them makes the atoms have sixteen levels.
    """
    sixteen = "temperature" in given
    check_atoms(given, sixteen=sixteen)
    labels = truth_labels(experiment, closure, sixteen=sixteen)
    if closure == "open" and LOSS_NOISE_SHARE not in given:
        expected = f"a number from 0 to 1 (--set {LOSS_NOISE_SHARE}=0.5)"
        raise ExperimentError(f"closure 'open': found no true {LOSS_NOISE_SHARE}, expected {expected}")
    if closure != "open" and LOSS_NOISE_SHARE in given:
        expected = "closure 'open' (--closure open), where it is a parameter"
        raise ExperimentError(f"parameters: {LOSS_NOISE_SHARE}: found closure {closure!r}, expected {expected}")
    for text in given:
        name = Label.parse(text).name
        if text not in labels and name not in PARAMETERS and not nearest(text, labels):
            found = f"the unknown parameter {text!r}{meant(name)}"
            raise ExperimentError(f"parameters: found {found}, expected one of {', '.join(labels)}")
    check_keys("parameters", given, labels)
    values = {name: value for name, value in PAPER.items() if name in labels}
    if sixteen:
        values = of_sixteen_levels(values, labels, given)
    for one in experiment.series:
        values |= {str(Label(*key)): value for key, value in one.about.own_parameters(one).items()}
    for label in (one for one in map(Label.parse, labels) if one.name in _OTHER | _OTHER_START and str(one) in given):
        other = str(Label((_OTHER | _OTHER_START)[label.name], label.entry))
        if other in given:
            raise ExperimentError(f"parameters: found both {label} and {other}, expected one of the two")
        values.pop(other, None)
    values |= given
    if "radiative_rate" in values and "collective_rate" in values:
        coupled = {text: value for text, value in values.items() if text != "radiative_rate"} | {"optical_depth": 1.0}
        values["optical_depth"] = coupled_rates(coupled)[1] / values["radiative_rate"]
    pure = other_days(experiment.series) or any(stage.power for stage in experiment.stages)
    return _as_pure(values) if pure else values


def _as_pure(values: dict[str, float]) -> dict[str, float]:
    """With the Γdeph that each Γ̃ stands for: it stays where other rates follow a power or a day, and Γ̃ does not."""
    found = {}
    for text, value in values.items():
        label = Label.parse(text)
        if label.name == "dephasing_rate":
            floor = dephasing_floor(rates_of(values, StageEntry.of(label.entry)))
            if value >= floor:
                text, value = str(Label("pure_dephasing_rate", label.entry)), value - floor  # noqa: PLW2901
        found[text] = value
    return found


def without_other_forms(values: Mapping[str, float], given: Mapping[str, float]) -> dict[str, float]:
    """The values but for those that say in another way what one of `given` says."""
    others = [Label.parse(label) for label in given]
    gone = {str(Label(_OTHER[label.name], label.entry)) for label in others if label.name in _OTHER}
    return {label: value for label, value in values.items() if label not in gone}


def _kinds_of_stage(stages: Sequence[StageEntry], series: Sequence[Series]) -> list[str]:
    """Labels of the kinds of stage, that of the probe included where one reads the atoms out."""
    probed = any(one.probe_duration for one in series)
    return list(dict.fromkeys([*(stage.label for stage in stages), *([PROBE] if probed else [])]))


def truth_labels(experiment: Experiment, closure: Closure, *, sixteen: bool) -> list[str]:
    """What the truth of such an experiment can contain; `sixteen`: its atoms have so many levels."""
    stages, series = experiment.stages, experiment.series
    stage_kinds, kinds = _kinds_of_stage(stages, series), {one.kind for one in series}
    measured_kinds = [kind for name, kind in KINDS.items() if name in kinds]
    constants = dict.fromkeys(name for kind in measured_kinds for name in (*kind.constants, *kind.if_known))
    on = {light for label in stage_kinds for light in label.split("+")}
    labels = ["collision_rate", "initial_n3", "initial_nh"]
    labels += [] if "classical_noise" in constants else ["initial_excess_variance"]
    if "drive" in on:
        labels += ["collective_rate", "optical_depth", "radiative_rate", "squeezing_limit", "light_loss_rate"]
        labels += ["larmor_mismatch", "drive_detuning", "excess_loss_rate", "radiative_ratio"]
    labels += ["temperature", ELECTRON, *(f"{ELECTRON}[{kind}]" for kind in stage_kinds)]
    labels += [f"{light}_impurity" for light in ("pump", "repump") if light in on]
    seen = kinds | {one.quantity for one in experiment.observations}
    labels += ["probe_weight"] if seen & {"polarization", "polarization_decay_time"} else []
    labels += ["collisional_loss", *([LOSS_NOISE_SHARE] if closure == "open" else [])]
    labels += [f"{light}_rate" for light in ("pump", "repump") if light in on]
    labels += [] if all("pump" in kind.split("+") for kind in stage_kinds) else ["pump_leak_rate"]
    labels += ["common_time_offset", *constants]
    if any(one.slope_used for one in series):
        labels.append("projection_noise_slope")
    if any(not one.efficiency_in_scale for one in series):
        labels.append("detection_efficiency")
    for one in series:
        labels += [str(Label(*key)) for key in one.about.own_parameters(one)]
        errors = [name for name in SERIES_ERRORS if name != "time_offset" or one.about.shifts_in_time]
        labels += [str(Label(name, one.name)) for name in errors]
        labels += [str(Label(*key)) for key in (*one.noise_parameters, *one.free)]
    labels += [str(Label(name, day)) for day in other_days(series) for name in DAY_FACTORS]
    labels += [f"{name}[{kind}]" for name in ("dephasing_rate", "pure_dephasing_rate") for kind in stage_kinds]
    return [label for label in labels if not is_of_other_atoms(Label.parse(label).name, sixteen=sixteen)]
