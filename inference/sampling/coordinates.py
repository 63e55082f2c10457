"""Coordinates for the sampler: changes of the unconstrained parameters that straighten the posterior.

The priors stay as they are: each map has a constant Jacobian, but for the members of populations, whose widths depend
on the spread; there the logarithm of the Jacobian is added to the density.

What the data determine is not single rates but
combinations; in plain logarithms these are curved ridges. They follow from the physics:

- the initial slope of Jy fixes dΓ p + Γ̃, so dΓ + Γdeph + Γpump: logarithms of these → log of the sum, log of ratios
- the early slope of P fixes about Γout_L + (5/4) Γcol − n3/4 · 1/(1/Γpump + span): the same, weighted, and a shear
- ξ fixes dΓ + about c times the loss: with an unknown c, log(dΓ/rest) → the same without its part of the loss, and
  log(Γout_L/Γcol) likewise; ln c/(1 − c), whose prior beta(½, ½) has long tails, is stretched
- ξ(0) = s (8 + 14 n3)/(8 − 2 n3): the scale s of ξ → s + 2 n3
- of a continuous measurement they fix γ = γs + γextra and v_u ≈ n_b γextra/γ: log γs, log γextra → log γ and a ratio,
  and log n_b + log(γextra/γ) in place of log n_b; the steady state by itself γ and its signal, γs (v_u − Z); a
  beginning that nobody knows, γs ξ(0)
- of a population the data fix the members, so the average of their logarithms better than the median

A tightly known parameter is standardised with its prior; without that, chains that start one unit away (Z = 0.16 ± 1)
never come back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...datasets.experiment import Label
from ...datasets.prediction import PROBE, moving_runs
from ...forward_models import LOSS_NOISE_SHARE
from ..engine import Coordinates
from ..model import Prior, Problem
from .coordinate_steps import (
    COLLISION_WEIGHT,
    ELECTRON_LOSS,
    ELECTRON_SLOPE,
    LIGHT_LOSS,
    PUMP_DEPHASING,
    SPAN,
    average,
    bath_shear,
    beginning_shear,
    closure_shear,
    collision_shear,
    coupling_shear,
    electron_shear,
    loss_shear,
    narrowed,
    narrowing,
    scale_shear,
    signal_shear,
    stretched,
    stretching,
    sum_and_ratios,
)

LEAK = "pump_leak_rate"
_KNOWN = 0.2
"""Standard deviation of the logarithm of ξ(0) up to which its prior counts as knowledge."""


def _scale(prior: Prior) -> float:
    """Standard deviation of a normal prior where PyMC samples it; 1 for others."""
    if prior.form == "normal" and not prior.truncated:
        return prior.numbers[1]
    if prior.form == "normal" and np.isfinite(prior.high) and prior.low < prior.numbers[0] < prior.high:
        mean, sd = prior.numbers  # on PyMC's logit scale of the interval
        return min(1.0, sd * (prior.high - prior.low) / ((mean - prior.low) * (prior.high - mean)))
    return 1.0


def coordinates(problem: Problem, labels: list[str], centre: np.ndarray) -> Coordinates:
    """The coordinates for the models of this package.

    labels : label of each entry of u, (n,);  centre : PyMC's initial point, (n,)
    """
    experiment, by_label = problem.experiment, {p.label: p.prior for p in problem.free}
    scale = np.array([_scale(by_label[label]) for label in labels])
    logarithmic = {label for label in labels if by_label[label].form in ("lognormal", "halfnormal")}
    logarithmic |= {label for label in labels if Label.parse(label).name == LEAK and by_label[label].truncated}
    steps = _coupling_shears(experiment, labels, centre, logarithmic)
    if not steps:
        steps = [
            sum_and_ratios([labels.index(label) for label in group], weights, centre)
            for group, weights in _dephasing_groups(experiment, labels, centre, logarithmic)
            if set(group) <= logarithmic
        ]
    steps = _closure_shears(experiment, labels, centre, logarithmic) + steps
    if {"light_loss_rate", "collision_rate"} <= logarithmic:
        loss, collisions = labels.index("light_loss_rate"), labels.index("collision_rate")
        for pump, n3, longest in _pumped(experiment, labels):
            if {pump, n3} <= logarithmic:
                steps.append(loss_shear(loss, collisions, labels.index(pump), labels.index(n3), centre, SPAN * longest))
        steps.append(sum_and_ratios([loss, collisions], [1.0, COLLISION_WEIGHT], centre))
    steps += _electron_shears(experiment, labels, centre, logarithmic)
    steps += _measurement_steps(experiment, by_label, labels, centre, logarithmic)
    populations = []
    for spread in [label for label in labels if Label.parse(label).name == "population_spread"]:
        median = Label.parse(spread).entry
        scores = [k for k, label in enumerate(labels) if _median_of(Label.parse(label)) == median]
        if {spread, median} <= logarithmic:
            steps.append(average(labels.index(median), labels.index(spread), scores))
            populations.append((labels.index(spread), scores))
    for series in experiment.series:
        n3 = _label(labels, "initial_n3", experiment.member.get(series.run, ""))
        own = str(Label("scale", series.name))
        if series.about.spin_variance and own in labels and n3 in logarithmic:
            steps.append(scale_shear(labels.index(own), labels.index(n3), centre))
    first = [(narrowing(populations), narrowed(populations))] if populations else []
    if LOSS_NOISE_SHARE in labels and by_label[LOSS_NOISE_SHARE].form == "beta":
        share = labels.index(LOSS_NOISE_SHARE)
        first.append((stretching(share), stretched(share)))
    volume = (lambda u: sum(of(u) for _, of in first)) if first else None
    return Coordinates(np.asarray(centre, float), scale, (*(step for step, _ in first), *steps), log_volume=volume)


def _closure_shears(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """Where c is unknown: for each kind of stage with the drive."""
    losses = ("light_loss_rate", "collision_rate")
    if LOSS_NOISE_SHARE not in labels:
        return []
    if not set(losses) <= logarithmic:
        return _closure_shears_of_electrons(experiment, labels, centre, logarithmic)
    rates = dict(zip(labels, np.exp(centre), strict=True))
    lost = rates[losses[0]] + COLLISION_WEIGHT * rates[losses[1]]
    shears = []
    for group, weights in _dephasing_groups(experiment, labels, centre, logarithmic):
        if set(group) <= logarithmic:
            total = sum(weight * rates[label] for label, weight in zip(group, weights, strict=True))
            share, ratio, first, loss = (labels.index(one) for one in (LOSS_NOISE_SHARE, group[1], group[0], losses[0]))
            shears.append(closure_shear(share, ratio, first, loss, centre, lost / total))
    return [*shears, collision_shear(labels.index(LOSS_NOISE_SHARE), labels.index(losses[1]))] if shears else []


def _closure_shears_of_electrons(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """The same with sixteen levels, where R, and what dΓ makes of Γ, lose atoms."""
    rates = dict(zip(labels, np.exp(centre), strict=True))
    steps: list[Callable[[list[Any]], None]] = []
    for group, weights, collisions, depth in _electron_groups(experiment, labels, centre, logarithmic):
        lost = ELECTRON_LOSS * rates[collisions] + LIGHT_LOSS * rates[group[0]] / float(centre[labels.index(depth)])
        total = sum(weight * rates[label] for label, weight in zip(group, weights, strict=True))
        share, ratio, first, loss = (labels.index(one) for one in (LOSS_NOISE_SHARE, group[1], group[0], collisions))
        steps.append(closure_shear(share, ratio, first, loss, centre, lost / total))
    return steps


def _electron_shears(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """With sixteen levels: for each kind of stage with the drive, R as the slope of P fixes it."""
    found, taken = [], set()
    for group, _, collisions, depth in _electron_groups(experiment, labels, centre, logarithmic):
        if collisions not in taken:
            taken.add(collisions)
            first, second, third = (labels.index(label) for label in (collisions, group[0], depth))
            light = ELECTRON_SLOPE * np.exp(centre[second] - centre[first]) / centre[third]
            found.append(electron_shear(first, second, centre, float(light)))
    return found


def _electron_groups(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[tuple[list[str], list[float], str, str]]:
    """The dephasing groups that begin with dΓ, each with the labels of its R and of d; none of three states."""
    found = []
    for group, weights in _dephasing_groups(experiment, labels, centre, logarithmic):
        of = Label.parse(group[1])
        own = _label(labels, "electron_collision_rate", of.member, of.lights)
        collisions = own or _label(labels, "electron_collision_rate", of.member)
        depth = _label(labels, "optical_depth", of.member)
        if {*group, collisions} <= logarithmic and depth and group[0].startswith("collective_rate"):
            found.append((group, weights, collisions, depth))
    return found


def _measurement_steps(
    experiment: Experiment, by_label: dict[str, Prior], labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """The steps for each kind of stage with constant rates."""
    steps: list[Callable[[list[Any]], None]] = []
    for swap in (label for label in labels if Label.parse(label).name == "swap_rate"):
        of = Label.parse(swap)
        extra, bath = (str(Label(name, of.entry)) for name in ("extra_decay_rate", "bath_noise"))
        if not {swap, extra} <= logarithmic:
            continue
        rates = [labels.index(swap), labels.index(extra)]
        steps.append(sum_and_ratios(rates, [1.0, 1.0], centre))
        runs = _runs_of(experiment, of)
        if bath in logarithmic:
            shear = bath_shear if _xi_is_seen(experiment, by_label, runs) else signal_shear
            steps.append(shear(labels.index(bath), rates, centre))
        unknown = [label for run in runs if (label := str(Label("initial_xi", run))) in logarithmic]
        wide = [label for label in unknown if by_label[label].numbers[-1] > _KNOWN]
        steps += [beginning_shear(labels.index(label), rates[0], centre) for label in wide]
    return steps


def _runs_of(experiment: Experiment, label: Label) -> list[str]:
    """The runs whose γs, γextra and n_b are those of a label."""
    alike = [run for run in experiment.unmodelled if experiment.run_stages(run)[0].label == label.lights]
    return [run for run in alike if label.member in ("", experiment.member.get(run, ""))]


def _xi_is_seen(experiment: Experiment, by_label: dict[str, Prior], runs: list[str]) -> bool:
    """Whether data of these runs show ξ itself, not only b (ξ − Z), its signal in records."""
    known = [str(Label("initial_xi", run)) for run in runs if experiment.constant[run].begins == "unknown"]
    if any(label not in by_label or by_label[label].numbers[-1] <= _KNOWN for label in known):
        return True
    seen = {s.run for s in experiment.series if s.kind not in ("transverse_spin", "conditional_xi")}
    seen |= {o.run for o in experiment.observations if o.quantity == "xi" and not o.excluded}
    return bool(set(runs) & seen)


def _median_of(score: Label) -> str:
    """Of `population_score[pump_rate[A: drive]]` the label of the median, `pump_rate[drive]`; '' of other labels."""
    of = Label.parse(score.entry)
    return str(Label(of.name, of.lights if of.member else "")) if score.name == "population_score" else ""


def _label(labels: list[str], name: str, member: str = "", lights: str = "") -> str:
    """The label of a parameter as a member has it: its own, else the common one; '' where it is no unknown."""
    own, common = str(Label.of(name, member=member, lights=lights)), str(Label.of(name, lights=lights))
    return own if own in labels else common if common in labels else ""


def _dephasing_groups(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[tuple[list[str], list[float]]]:
    """Rates whose sum the decay of Jy fixes, with their weights, of each kind of stage with the drive or a pump leak.

    dΓ goes with the first one of a member; where it is d Γ, so does Γ with the weight d. No rate is in two groups.
    """
    taken: set[str] = set()
    groups = []
    sixteen = any(Label.parse(label).name == "electron_collision_rate" for label in labels)
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        names = ("dephasing_rate", "pure_dephasing_rate")
        own = [label for name in names if (label := _label(labels, name, member, stage.label))]
        leak = _label(labels, LEAK, member) if "pump" not in stage.lights else ""
        if not own or ("drive" not in stage.lights and leak not in logarithmic):
            continue
        rates = [(label, 1.0) for label in own]
        pump = leak if leak in logarithmic else _label(labels, "pump_rate", member, stage.label)
        if own[0].startswith("pure"):
            rates.append((pump, PUMP_DEPHASING if sixteen else 1.0))
        depth = _label(labels, "optical_depth", member)
        coupled = (_label(labels, "collective_rate", member), 1.0)
        if not coupled[0] and depth:
            coupled = (_label(labels, "radiative_rate", member), float(centre[labels.index(depth)]))
        if "drive" not in stage.lights:
            coupled = ("", 1.0)
        group = [(label, weight) for label, weight in (coupled, *rates) if label and label not in taken]
        taken |= {label for label, _ in group}
        if len(group) > 1:
            groups.append(([label for label, _ in group], [weight for _, weight in group]))
    return groups


def _coupling_shears(
    experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """Where nothing is followed in time, the data fix κ² ≈ (dΓ/Z) (1 − e^{−Γ̃T})/Γ̃: log dΓ → log κ²."""
    if moving_runs(experiment):
        return []
    shears = []
    for series in experiment.series:
        if series.kind == "coupling":
            pair = ["collective_rate", str(Label("dephasing_rate", PROBE))]
            if set(pair) <= logarithmic:
                collective, dephasing = (labels.index(label) for label in pair)
                shears.append(coupling_shear(collective, dephasing, centre, series.probe_duration))
    return shears[:1]


def _pumped(experiment: Experiment, labels: list[str]) -> list[tuple[str, str, float]]:
    """Labels of Γpump and n3(0), and the duration of the longest run: of the first run that is driven and pumped."""
    longest = max(experiment.duration(run) for run in experiment.runs)
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        pump = _label(labels, "pump_rate", member, stage.label)
        if {"drive", "pump"} <= stage.lights and pump:
            return [(pump, _label(labels, "initial_n3", member), longest)]
    return []
