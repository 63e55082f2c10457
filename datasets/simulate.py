"""Simulated experiments: the model's own data with noise, always marked as simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..forward_models import NOISES, OBSERVABLES, Closure, InitialState, Stage, evolve
from .checks import check_choice, check_experiment
from .errors import ExperimentError, check_keys
from .experiment import MAIN_RUN, Experiment, Known, Series, StageEntry, Truth
from .stage_rates import initial_of, rates_of

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
}
"""The paper's fitted values (captions of Fig. 2; Γout_L from T1 = 34 ms; T2 = 40 ms in the dark), ms⁻¹.

The paper gives no value for Γrepump, nor for Γ̃ with the repump light: those two are round numbers.
"""


_DECIMALS = 6  # so that a last bit of a library's exp() does not make other bytes on another machine


@dataclass(frozen=True)
class SeriesPlan:
    """What to measure: times (ms) and noise of one series.

    spread : standard deviation, or repetitions R for Gamma noise; one number or one a time
    """

    kind: str
    times: np.ndarray
    spread: float | np.ndarray
    noise: str = "gaussian"
    name: str = ""
    scale_uncertainty: float = 0.0
    offset_uncertainty: float = 0.0
    tail: float = 4.0


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
    from .tree import to_tree

    values = _truth(stages, dict(parameters or {}))
    rng = np.random.default_rng(seed)
    compiled = [Stage(stage.duration, rates_of(values, stage)) for stage in stages]
    truth = dict(values)
    measured = []
    for plan in series:
        check_choice("series: kind", plan.kind, OBSERVABLES)
        check_choice("series: noise", plan.noise, tuple(NOISES))
        one, errors = _measure(plan, compiled, initial_of(values), closure, rng)
        measured.append(one)
        truth |= errors
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
        series=tuple(measured),
        apparatus=dict(known),
        description=description,
        truth=Truth(truth, closure, seed),
    )
    return to_tree(check_experiment(experiment, "simulate"))


def _truth(stages: Sequence[StageEntry], given: dict[str, float]) -> dict[str, float]:
    """The true values: those given over the paper's, without what the stages do not depend on."""
    labels = _labels(stages)
    check_keys("parameters", given, labels)
    values = {name: value for name, value in PAPER.items() if name in labels}
    for one, other in _alternatives(stages):
        if one in given and other in given:
            raise ExperimentError(f"parameters: found both {one} and {other}, expected one of the two")
        if one in given:
            values.pop(other, None)
    values |= given
    if "radiative_rate" in values and "collective_rate" in values:
        values["optical_depth"] = values["collective_rate"] / values["radiative_rate"]
    return values


def _alternatives(stages: Sequence[StageEntry]) -> list[tuple[str, str]]:
    """Pairs of labels that say the same thing in two ways, each pair in both orders."""
    kinds = dict.fromkeys(stage.label for stage in stages)
    pairs = [(f"dephasing_rate[{kind}]", f"pure_dephasing_rate[{kind}]") for kind in kinds]
    pairs.append(("optical_depth", "radiative_rate"))
    return pairs + [(other, one) for one, other in pairs]


def _labels(stages: Sequence[StageEntry]) -> list[str]:
    """What the truth of these stages can contain."""
    on = {light for stage in stages for light in stage.lights}
    labels = ["collision_rate", "initial_n3", "initial_nh", "initial_excess_variance"]
    if "drive" in on:
        labels += ["collective_rate", "optical_depth", "radiative_rate", "squeezing_limit", "light_loss_rate"]
    labels += [f"{light}_rate" for light in ("pump", "repump") if light in on]
    kinds = dict.fromkeys(stage.label for stage in stages)
    return labels + [f"{name}[{kind}]" for name in ("dephasing_rate", "pure_dephasing_rate") for kind in kinds]


def _measure(
    plan: SeriesPlan, stages: list[Stage], initial: InitialState, closure: Closure, rng: np.random.Generator
) -> tuple[Series, dict[str, float]]:
    name = plan.name or plan.kind
    times = np.asarray(plan.times, float)
    mean = getattr(evolve(stages, times, initial, closure), plan.kind)
    errors = {}
    if plan.scale_uncertainty:
        errors[f"scale[{name}]"] = float(rng.normal(1.0, plan.scale_uncertainty))
    if plan.offset_uncertainty:
        errors[f"offset[{name}]"] = float(rng.normal(0.0, plan.offset_uncertainty))
    mean = errors.get(f"scale[{name}]", 1.0) * mean + errors.get(f"offset[{name}]", 0.0)
    spread = np.broadcast_to(np.asarray(plan.spread, float), times.shape).copy()
    if not (np.isfinite(spread) & (spread > 0)).all():
        raise ExperimentError(f"series {name!r}: spread: found {spread.min():g}, expected positive numbers")
    value = NOISES[plan.noise].draw(rng, mean, spread, plan.tail)
    series = Series(
        name=name,
        kind=plan.kind,
        time=times,
        value=np.round(value, _DECIMALS),
        spread=spread,
        noise=plan.noise,
        scale_uncertainty=plan.scale_uncertainty,
        offset_uncertainty=plan.offset_uncertainty,
        tail=plan.tail,
    )
    return series, errors
