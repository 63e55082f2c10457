"""Honest under stress: what is said of data that the model cannot describe, and of data that say little.

python benchmarks/stress.py [SEEDS] [CASE ...]     20 simulated experiments of each case by default

All data are simulated like fig2b-d55; then they are spoilt. The table counts verdicts; "says so": how often what a
fit prints, without its advice, (or the refusal) contains the words that name what is wrong; of what nothing can see,
which rate is farthest off.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from which_closure import simulated
from xarray import DataTree

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, ExperimentError, Series
from dissentangle.datasets.experiment import Label
from dissentangle.datasets.prediction import stages_of
from dissentangle.forward_models import NOISES, Stage, evolve, sliced
from dissentangle.inference.checks import assess
from dissentangle.inference.fits import summary_rows
from dissentangle.inference.text import fit_text, truth_of

LIKE = "fig2b-d55"
DRIFT = 0.3
"""Share of its power that the drive loses in the course of a run."""


def like(seed: int, plan: Experiment | None = None) -> Experiment:
    """As the plan (the bundled one), other noise and scale; what is known of d and Z is as uncertain."""
    plan = plan or datasets.read(LIKE)
    return replace(datasets.read(datasets.simulate_like(plan, seed=seed)), apparatus=plan.apparatus)


def changed(experiment: Experiment, name: str, change: Callable[[Series], Series]) -> Experiment:
    return replace(experiment, series=tuple(change(s) if s.name == name else s for s in experiment.series))


def drive_loses_power(seed: int) -> Experiment:
    """dΓ, Γ̃ and the loss by light fall together, linearly in time."""
    whole = like(seed)
    stages = []
    for stage, middle in sliced(stages_of(whole, "main", dict(whole.truth.parameters)), width=0.5):
        power, rates = 1 - DRIFT * middle / whole.duration("main"), stage.rates
        names = ("collective_rate", "dephasing_rate", "light_loss_rate")
        stages.append(Stage(stage.duration, replace(rates, **{n: power * getattr(rates, n) for n in names})))
    rng = np.random.default_rng([seed, 5])

    def measured(s: Series) -> Series:
        mean = getattr(evolve(stages, s.x), s.kind) * whole.truth.parameters.get(f"scale[{s.name}]", 1.0)
        return replace(s, value=NOISES[s.noise].draw(rng, mean, s.spread, s.tail))

    return replace(whole, series=tuple(measured(s) for s in whole.series))


def gain_wanders(seed: int) -> Experiment:
    return changed(like(seed), "polarization", lambda s: replace(s, value=s.value + 0.01 * np.sin(s.x)))


def values_by(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[int], Experiment]:
    return lambda seed: changed(like(seed), name, lambda s: replace(s, value=change(s.value)))


def gain_falls(seed: int) -> Experiment:
    """By 5 % in a straight line: as a loss of atoms would look."""
    return changed(like(seed), "polarization", lambda s: replace(s, value=s.value * (1 - 0.05 * s.x / s.x[-1])))


def errors_by(name: str, factor: float) -> Callable[[int], Experiment]:
    return lambda seed: changed(like(seed), name, lambda s: replace(s, spread=factor * s.spread))


def one_value_each(seed: int) -> Experiment:
    """The one in the middle of each series."""

    def middle(s: Series) -> Series:
        k = slice(len(s.x) // 2, len(s.x) // 2 + 1)
        return replace(s, x=s.x[k], value=s.value[k], spread=s.spread[k])

    whole = like(seed)
    return replace(whole, series=tuple(middle(s) for s in whole.series))


def outliers(name: str, count: int, factor: float) -> Callable[[int], Experiment]:
    def make(seed: int) -> Experiment:
        def spoilt(s: Series) -> Series:
            value, at = s.value.copy(), np.random.default_rng([seed, 7]).choice(len(s.x) - 1, count, replace=False) + 1
            value[at] *= factor
            return replace(s, value=value)

        return changed(like(seed), name, spoilt)

    return make


def swapped(seed: int) -> Experiment:
    other = {"polarization": "transverse_spin", "transverse_spin": "polarization"}
    whole = like(seed)
    return replace(
        whole,
        series=tuple(replace(s, name=other.get(s.name, s.name), kind=other.get(s.kind, s.kind)) for s in whole.series),
    )


def times_by(factor: float) -> Callable[[int], Experiment]:
    def make(seed: int) -> Experiment:
        whole = like(seed)
        stages = tuple(replace(stage, duration=factor * stage.duration) for stage in whole.stages)
        return replace(whole, stages=stages, series=tuple(replace(s, x=factor * s.x) for s in whole.series))

    return make


def xi_of_initial_spin(seed: int) -> Experiment:
    """Normalised to ⟨Jx(0)⟩, as Fig. 2a is, instead of to ⟨Jx(t)⟩."""
    whole = like(seed)
    polarization = next(s for s in whole.series if s.kind == "polarization")
    fall = np.poly1d(np.polyfit(polarization.x, polarization.value, 3))
    return changed(whole, "xi", lambda s: replace(s, value=s.value * fall(s.x)))


def alone(kind: str) -> Callable[[int], Experiment]:
    def make(seed: int) -> Experiment:
        whole = like(seed)
        return replace(whole, series=tuple(s for s in whole.series if s.kind == kind))

    return make


def xi_only(points: int, repetitions: float) -> Callable[[int], Experiment]:
    """So many points of ξ alone, each from so many repetitions."""

    def make(seed: int) -> Experiment:
        plan = datasets.read(LIKE)

        def fewer(s: Series) -> Series:
            keep = np.linspace(1, len(s.x) - 1, points).round().astype(int)
            return replace(s, x=s.x[keep], value=s.value[keep], spread=np.full(points, repetitions))

        return like(seed, replace(plan, series=tuple(fewer(s) for s in plan.series if s.kind == "xi")))

    return make


@dataclass(frozen=True)
class Case:
    """make : an experiment of a seed;  words : what must be said of it;  never : the verdicts that would be wrong"""

    make: Callable[[int], Experiment]
    words: str
    never: tuple[str, ...] = ("healthy",)
    options: Mapping[str, str] = field(default_factory=dict)


DRIFTS = "does not describe|are correlated|keep their sign|scatter more|pulled|Pulled"
PULLED = r"Pulled away from the prior: .*s \[xi\]"
WEAK = "Of little use: most rates owe more to the prior"
FAILED = ("misfit", "unhealthy")
FROM_PRIOR = "Known from the prior, not from these data: "
CASES: dict[str, Case] = {
    "right model": Case(like, "Usable|Look closer", never=FAILED),
    "other closure, a tenth of the noise": Case(
        lambda k: simulated("fixed-number", k, 0.1, 0.1), "does not describe", options={"closure": "microscopic"}
    ),
    "the reverse": Case(
        lambda k: simulated("microscopic", k, 0.1, 0.1), "does not describe", options={"closure": "fixed-number"}
    ),
    "drive loses 30 % of its power": Case(drive_loses_power, DRIFTS),
    "gain of P falls by 5 % (a blind spot)": Case(gain_falls, "", never=FAILED),
    "P on a background of 3 % (a blind spot)": Case(
        values_by("polarization", lambda v: 0.97 * v + 0.03), "", never=FAILED
    ),
    "Jy too large by 0.03 (a blind spot)": Case(values_by("transverse_spin", lambda v: v + 0.03), "", never=FAILED),
    "gain of P wanders by 1 %": Case(gain_wanders, "does not describe these data, do not use its rates: polarization"),
    "three outliers of P, 8 %": Case(outliers("polarization", 3, 1.08), "polarization .*without those at .* ms"),
    "one outlier of xi, 50 %": Case(outliers("xi", 1, 1.5), "xi .*without the value at .* ms"),
    "errors of Jy five times too large": Case(errors_by("transverse_spin", 5.0), "errors given are too large"),
    "R a hundredth of what it is": Case(errors_by("xi", 0.01), "errors given are too large"),
    "P and Jy swapped": Case(swapped, "do not use its rates: .*polarization|bound of 1: the model does not describe"),
    "ms taken for s": Case(times_by(1000), "Are its times in .*ms that were called s"),
    "s taken for ms": Case(times_by(0.001), "Are its times in s"),
    "xi twice as large": Case(values_by("xi", lambda v: 2 * v), PULLED),
    "xi half as large": Case(values_by("xi", lambda v: v / 2), PULLED),
    "xi as a standard deviation (not always seen)": Case(values_by("xi", np.sqrt), "", never=FAILED),
    "xi normalised to the initial spin": Case(xi_of_initial_spin, PULLED),
    "one value of each series": Case(one_value_each, "which tests no model|Of little use", never=FAILED),
    "five points of xi, R = 20": Case(xi_only(5, 20), WEAK, never=("healthy", "doubtful")),
    "xi from three repetitions": Case(xi_only(29, 3), WEAK, never=("healthy", "doubtful")),
    "xi alone": Case(alone("xi"), FROM_PRIOR + "optical_depth", never=FAILED),
    "P alone": Case(alone("polarization"), FROM_PRIOR + ".*pure_dephasing_rate", never=FAILED),
    "Jy alone": Case(alone("transverse_spin"), FROM_PRIOR + ".*squeezing_limit", never=FAILED),
}  # fmt: skip


def fitted(case: Case, seed: int) -> DataTree:
    return inference.fit(case.make(seed), seed=seed, **case.options)


def said(case: Case, seed: int) -> tuple[str, str]:
    """The verdict, "refused" where it is not fitted, and what is printed but advice: that names what could be wrong."""
    try:
        fit = fitted(case, seed)
    except ExperimentError as error:
        return "refused", str(error)
    return assess(fit).status, fit_text(fit).partition("What to do next:")[0]


def farthest_off(case: Case, seeds: Iterable[int]) -> str:
    """The rate that is wrong by most, in standard deviations of its posterior, on average."""
    scores: dict[str, list[float]] = {}
    for seed in seeds:
        fit = fitted(case, seed)
        truth = truth_of(datasets.from_tree(fit["experiment"]))
        for row in summary_rows(fit):
            if Label.parse(row.label).is_rate:
                scores.setdefault(row.label, []).append((row.mean - truth[row.label]) / row.sd)
    means = {label: float(np.mean(found)) for label, found in scores.items()}
    worst = max(means, key=lambda label: abs(means[label]))
    return f"{Label.parse(worst).symbol} {means[worst]:+.1f} sd"


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("| case | verdicts | reported |\n|---|---|---|")
    for name in sys.argv[2:] or CASES:
        found = [said(CASES[name], seed) for seed in range(1, number + 1)]
        counts = Counter(status for status, _ in found)
        right = sum(bool(re.search(CASES[name].words, text)) for _, text in found)
        blind = not CASES[name].words
        says = farthest_off(CASES[name], range(1, number + 1)) if blind else f"{right} of {number}"
        print(f"| {name} | {', '.join(f'{n} {s}' for s, n in counts.most_common())} | {says} |", flush=True)
