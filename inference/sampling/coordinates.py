"""Coordinates for the sampler: changes of the unconstrained parameters, known before there are data.

The priors stay as they are: each map has a constant Jacobian, but for the members of populations, whose widths depend
on the spread, and for the share c; there the logarithm of the Jacobian is added to the density.

What the data determine is not single rates but sums; in plain logarithms these are ridges with a corner. What else the
posterior of the data at hand has of ridges, the sampler learns by itself, see `straightening`.

- the initial slope of Jy fixes dΓ p + Γ̃, so dΓ + Γdeph + Γpump: logarithms of these → log of the sum, log of ratios
- the early slope of P fixes about Γout_L + (5/4) Γcol: the same, weighted
- calibration runs alone fix κ² ≈ (dΓ/Z) (1 − e^{−Γ̃T})/Γ̃: log dΓ → log κ²
- ln c/(1 − c), whose prior beta(½, ½) has long tails, is stretched
- of a continuous measurement they fix γ = γs + γextra and v_u ≈ n_b γextra/γ: log γs, log γextra → log γ and a ratio,
  and log n_b + log(γextra/γ) in place of log n_b; the steady state by itself γ and its signal, γs (v_u − Z); a
  beginning that only records show, γs ξ(0)
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
    GROWTH,
    PUMP_DEPHASING,
    average,
    bath_shear,
    beginning_shear,
    coupling_shear,
    log_ratios,
    narrowed,
    narrowing,
    signal_shear,
    stretched,
    stretching,
    sum_and_ratios,
)
from .modes import MANY
from .triangular_map import Naturals

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


Sum = tuple[list[int], list[float]]
"""Positions of rates whose weighted sum the data fix, and the weights."""


def coordinates(problem: Problem, labels: list[str], centre: np.ndarray) -> Coordinates:
    """The coordinates for the models of this package.

    labels : label of each entry of u, (n,);  centre : PyMC's initial point, (n,)
    """
    experiment, by_label = problem.experiment, {p.label: p.prior for p in problem.free}
    scale = np.array([_scale(by_label[label]) for label in labels])
    logarithmic = _logarithmic(by_label, labels)
    steps = _coupling_shears(experiment, labels, centre, logarithmic)
    steps += [sum_and_ratios(*one, centre) for one in _sums(experiment, labels, centre, logarithmic)]
    steps += _measurement_steps(experiment, by_label, labels, centre, logarithmic)
    populations = []
    for spread in [label for label in labels if Label.parse(label).name == "population_spread"]:
        median = Label.parse(spread).entry
        scores = [k for k, label in enumerate(labels) if _median_of(Label.parse(label)) == median]
        if {spread, median} <= logarithmic:
            if len(labels) < MANY:  # it makes each score act on all members
                steps.append(average(labels.index(median), labels.index(spread), scores))
            populations.append((labels.index(spread), scores))
    first = [(narrowing(populations), narrowed(populations))] if populations else []
    if _is_share(by_label):
        share = labels.index(LOSS_NOISE_SHARE)
        first.append((stretching(share), stretched(share)))
    volume = (lambda u: sum(of(u) for _, of in first)) if first else None
    return Coordinates(np.asarray(centre, float), scale, (*(step for step, _ in first), *steps), log_volume=volume)


def naturals(problem: Problem, labels: list[str], centre: np.ndarray) -> Naturals:
    """How rates, shares of sums, c and what lies between two ends follow the coordinates; arguments as above."""
    by_label = {p.label: p.prior for p in problem.free}
    logarithmic = _logarithmic(by_label, labels)
    bend = np.where([label in logarithmic for label in labels], np.inf, np.nan)
    slope, growth = np.ones(len(labels)), np.zeros(len(labels))
    for k, prior in enumerate(by_label[label] for label in labels):
        if prior.truncated and not np.isfinite(prior.high):
            bend[k] = np.inf  # PyMC samples the logarithm of the distance from the end
        elif prior.truncated or prior.form in ("uniform", "beta"):  # the log ratio of the distances from both ends
            slope[k] = _scale(prior)
            bend[k] = -centre[k] / slope[k]
    for entries, weights in _sums(problem.experiment, labels, centre, logarithmic):
        bend[entries[1:]] = -log_ratios(entries, weights, centre)
    if _is_share(by_label):
        share = labels.index(LOSS_NOISE_SHARE)
        slope[share], bend[share], growth[share] = GROWTH
    return Naturals(slope, bend, growth)


def _is_share(by_label: dict[str, Prior]) -> bool:
    return LOSS_NOISE_SHARE in by_label and by_label[LOSS_NOISE_SHARE].form == "beta"


def _logarithmic(by_label: dict[str, Prior], labels: list[str]) -> set[str]:
    """Labels of what is sampled as a logarithm."""
    found = {label for label in labels if by_label[label].form in ("lognormal", "halfnormal")}
    return found | {label for label in labels if Label.parse(label).name == LEAK and by_label[label].truncated}


def _sums(experiment: Experiment, labels: list[str], centre: np.ndarray, logarithmic: set[str]) -> list[Sum]:
    """The sums that the decays of Jy and P fix, and the rates of runs with constant ones."""
    groups = []
    if not _coupling_shears(experiment, labels, centre, logarithmic):
        groups = [g for g in _dephasing_groups(experiment, labels, centre, logarithmic) if set(g[0]) <= logarithmic]
    if {"light_loss_rate", "collision_rate"} <= logarithmic:
        groups.append((["light_loss_rate", "collision_rate"], [1.0, COLLISION_WEIGHT]))
    groups += [(pair, [1.0, 1.0]) for pair, _ in _swaps(labels, logarithmic)]
    return [([labels.index(label) for label in group], weights) for group, weights in groups]


def _swaps(labels: list[str], logarithmic: set[str]) -> list[tuple[list[str], Label]]:
    """Labels of γs and γextra of each kind of stage with constant rates, and the label of the former, parsed."""
    found = []
    for swap in (label for label in labels if Label.parse(label).name == "swap_rate"):
        extra = str(Label("extra_decay_rate", Label.parse(swap).entry))
        if {swap, extra} <= logarithmic:
            found.append(([swap, extra], Label.parse(swap)))
    return found


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


def _measurement_steps(
    experiment: Experiment, by_label: dict[str, Prior], labels: list[str], centre: np.ndarray, logarithmic: set[str]
) -> list[Callable[[list[Any]], None]]:
    """The steps for each kind of stage with constant rates."""
    steps: list[Callable[[list[Any]], None]] = []
    for pair, of in _swaps(labels, logarithmic):
        rates = [labels.index(label) for label in pair]
        bath = str(Label("bath_noise", of.entry))
        runs = _runs_of(experiment, of)
        seen = _xi_is_seen(experiment, by_label, runs)
        if bath in logarithmic:
            steps.append((bath_shear if seen else signal_shear)(labels.index(bath), rates, centre))
        unknown = [label for run in runs if (label := str(Label("initial_xi", run))) in logarithmic]
        wide = [label for label in unknown if by_label[label].numbers[-1] > _KNOWN and not seen]
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
