"""Simulated experiments: the model's own data with noise, always marked as simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...forward_models import NOISES, Closure, Dynamics
from ..errors import ExperimentError, check_keys
from ..experiment import MAIN_RUN, Experiment, Known, Label, Series, StageEntry, Truth, check_choice, check_experiment
from ..kinds import KINDS
from ..prediction import PROBE, expected
from .records import simulated_like

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
    "quadratic_zeeman": 0.0226,
    "projection_noise_slope": 0.1,
    "shot_noise_level": 1.0,
}
"""The paper's fitted values (captions of Fig. 2; Γout_L from T1 = 34 ms; T2 = 40 ms in the dark) and calibrations.

The paper gives no value for Γrepump, nor for Γ̃ with the repump light, nor the units of its noise measurements: those
are round numbers.
"""
_DECIMALS = 6  # so that a last bit of a library's exp() does not make other bytes on another machine


@dataclass(frozen=True)
class SeriesPlan:
    """What to measure: where and how noisily.

    times : times (ms), or angles (deg), or running numbers: what the kind is measured against
    spread : standard deviation, or repetitions R for Gamma noise; one number or one a point
    noise : the kind's own by default;  probe_duration, pulse_time (ms), slope_used: as in `Series`
    """

    kind: str
    times: np.ndarray
    spread: float | np.ndarray
    noise: str = ""
    name: str = ""
    scale_uncertainty: float = 0.0
    offset_uncertainty: float = 0.0
    tail: float = 4.0
    probe_duration: float = 0.0
    pulse_time: float = 0.0
    slope_used: float = 0.0

    def series(self) -> Series:
        """The series before it is measured: all values are 1."""
        check_choice("series: kind", self.kind, tuple(KINDS))
        about = KINDS[self.kind]
        count, name = len(about.components), self.name or self.kind
        noise = self.noise or about.noises[0]
        check_choice("series: noise", noise, tuple(NOISES))
        x = np.asarray(self.times, float)
        spread = np.broadcast_to(np.asarray(self.spread, float), x.shape)
        if not (np.isfinite(spread) & (spread > 0)).all():
            raise ExperimentError(f"series {name!r}: spread: found {spread.min():g}, expected positive numbers")
        return Series(
            name=name,
            kind=self.kind,
            x=np.repeat(x, count),
            value=np.ones(len(x) * count),
            spread=np.repeat(spread, count),
            noise=noise,
            component=np.tile(np.arange(count, dtype=np.int8), len(x)) if count > 1 else None,
            scale_uncertainty=self.scale_uncertainty,
            offset_uncertainty=self.offset_uncertainty,
            tail=self.tail,
            probe_duration=self.probe_duration,
            pulse_time=self.pulse_time,
            slope_used=self.slope_used,
        )


def simulate(
    stages: Sequence[StageEntry],
    series: Sequence[SeriesPlan],
    parameters: Mapping[str, float] | None = None,
    *,
    closure: Closure = "microscopic",
    seed: int,
    title: str = "simulated experiment",
    apparatus: Mapping[str, Known] | None = None,
    description: str = "",
) -> Any:
    """A simulated experiment as an xarray.DataTree; the same arguments give the same bytes.

    Parameters
    ----------
    stages : the stages of the run `main`
    series : what is measured, when, and how noisily
    parameters : true values by label, over the paper's own (`PAPER`); rates in ms⁻¹
    closure : of the truth
    seed : of the noise and of the common scale and offset errors, which are drawn once a series
    apparatus : what the lab knows beforehand; by default d ± 5 % and Z ± 0.005

    Raises
    ------
    ExperimentError : for an unknown parameter, kind or noise, times outside the stages
    InvalidValue : for values that the physics does not allow
    """
    from ..formats import to_tree

    planned = tuple(plan.series() for plan in series)
    values = _truth(stages, planned, dict(parameters or {}))
    known = apparatus
    if known is None:
        known = {}
        if "optical_depth" in values:
            known["optical_depth"] = Known(values["optical_depth"], 0.05 * values["optical_depth"])
            known["squeezing_limit"] = Known(values["squeezing_limit"], 0.005)
    experiment = Experiment(
        title=title,
        simulated=True,
        stages=tuple(replace(stage, run=MAIN_RUN) for stage in stages),
        series=planned,
        apparatus=dict(known),
        description=description,
    )
    return to_tree(measured(experiment, values, closure, seed))


def measured(experiment: Experiment, values: Mapping[str, float], closure: Closure, seed: int) -> Experiment:
    """A planned experiment as it comes out at these true values (all of them, by label): series, then records."""
    check_experiment(replace(experiment, records=()), "simulate")  # records hold nothing yet
    values, rng = dict(values), np.random.default_rng(seed)
    series = tuple(_measured(one, experiment, values, closure, rng) for one in experiment.series)
    records = tuple(simulated_like(record, experiment, values, rng) for record in experiment.records)
    done = replace(experiment, series=series, records=records, truth=Truth(values, closure, seed), simulated=True)
    return check_experiment(done, "simulate")


def _measured(
    series: Series, experiment: Experiment, values: dict[str, float], closure: Closure, rng: np.random.Generator
) -> Series:
    """The series as it comes out; its calibration errors are drawn, and put into `values`."""
    if series.scale_uncertainty and f"scale[{series.name}]" not in values:
        values[f"scale[{series.name}]"] = float(rng.normal(1.0, series.scale_uncertainty))
    if series.offset_uncertainty and f"offset[{series.name}]" not in values:
        values[f"offset[{series.name}]"] = float(rng.normal(0.0, series.offset_uncertainty))
    alone = replace(experiment, series=(series,))
    mean = np.broadcast_to(
        expected(alone, values, Dynamics(closure), accuracy=1e-12).series[series.name], series.x.shape
    )
    drawn = NOISES[series.noise].draw(rng, mean, series.spread, series.tail)
    return replace(series, value=np.round(drawn, _DECIMALS))


def _truth(stages: Sequence[StageEntry], series: Sequence[Series], given: dict[str, float]) -> dict[str, float]:
    """The true values: those given over the paper's, without what the stages and series do not depend on."""
    kinds = _kinds_of_stage(stages, series)
    labels = truth_labels(stages, series)
    check_keys("parameters", given, labels)
    values = {name: value for name, value in PAPER.items() if name in labels}
    for one in series:
        values |= {str(Label(*key)): value for key, value in one.about.own_parameters(one).items()}
    for label, other in _alternatives(kinds):
        if label in given and other in given:
            raise ExperimentError(f"parameters: found both {label} and {other}, expected one of the two")
        if label in given:
            values.pop(other, None)
    values |= given
    if "radiative_rate" in values and "collective_rate" in values:
        values["optical_depth"] = values["collective_rate"] / values["radiative_rate"]
    if "initial_excess_variance" in given:
        values.pop("classical_noise", None)
    return values


def _alternatives(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of labels that say the same thing in two ways, each pair in both orders."""
    pairs = [(f"dephasing_rate[{kind}]", f"pure_dephasing_rate[{kind}]") for kind in kinds]
    pairs += [("optical_depth", "radiative_rate"), ("initial_excess_variance", "classical_noise")]
    return pairs + [(other, one) for one, other in pairs]


def _kinds_of_stage(stages: Sequence[StageEntry], series: Sequence[Series]) -> list[str]:
    """Labels of the kinds of stage, that of the probe included where one reads the atoms out."""
    probed = any(one.probe_duration for one in series)
    return list(dict.fromkeys([*(stage.label for stage in stages), *([PROBE] if probed else [])]))


def truth_labels(stages: Sequence[StageEntry], series: Sequence[Series]) -> list[str]:
    """What the truth of such an experiment can contain."""
    stage_kinds, kinds = _kinds_of_stage(stages, series), {one.kind for one in series}
    on = {light for label in stage_kinds for light in label.split("+")}
    labels = ["collision_rate", "initial_n3", "initial_nh", "initial_excess_variance"]
    if "drive" in on:
        labels += ["collective_rate", "optical_depth", "radiative_rate", "squeezing_limit", "light_loss_rate"]
        labels += ["larmor_mismatch"]
    labels += ["collisional_loss"]
    labels += [f"{light}_rate" for light in ("pump", "repump") if light in on]
    measured_kinds = [kind for name, kind in KINDS.items() if name in kinds]
    labels += dict.fromkeys(name for kind in measured_kinds for name in (*kind.constants, *kind.if_known))
    if any(one.slope_used for one in series):
        labels.append("projection_noise_slope")
    for one in series:
        labels += [str(Label(*key)) for key in one.about.own_parameters(one)]
    return labels + [f"{name}[{kind}]" for name in ("dephasing_rate", "pure_dephasing_rate") for kind in stage_kinds]
