"""Simulated campaigns: how long until a goal, with plans made after every block of time, and with even spacing.

python benchmarks/adaptive.py rate [CAMPAIGNS]       dΓ to 3 % of its value, at the paper's parameters
python benchmarks/adaptive.py closure [CAMPAIGNS]    odds of 20 to 1 for the closure that made the data

ξ, P and Jy with the drive, 0 to 20 ms; a shot takes 10 ms and its delay. The first block is evenly spaced in both. A
block is 0.3 of the time before it, at least ten minutes; after each the data are fitted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from math import log

import numpy as np

from dissentangle.datasets import PAPER, Experiment, Known, Series, SeriesPlan, StageEntry
from dissentangle.inference.comparison import evidence_of_draws
from dissentangle.inference.designs.allocation import allocate, whole
from dissentangle.inference.designs.candidates import Candidate, Choices
from dissentangle.inference.designs.goals import Wish, goal_of
from dissentangle.inference.designs.linearised import state_of
from dissentangle.inference.fits import Sampled, predicted, sample_posterior
from dissentangle.inference.model import ModelSettings, Problem, SamplerSettings

BLOCK, GROWTH, LONGEST = 600.0, 0.3, 3e5
WANTED, ODDS = 0.03, log(20)
SHOT = {"xi": None, "polarization": 0.3, "transverse_spin": 0.55}
DELAYS = np.linspace(0.0, 20.0, 21)
FEW = 2
"""Shots that every point has, so that all campaigns have one form of model."""


def candidates() -> tuple[Candidate, ...]:
    """The three series, a shot at each delay."""
    made = []
    for kind, sigma in SHOT.items():
        delays = DELAYS if sigma is None else DELAYS[1:]
        said = {"scale_uncertainty": 0.04} if sigma is None else {}
        made.append(Candidate(SeriesPlan(kind, delays, sigma or 1.0, "" if sigma else "gamma", **said), free=False))
    return tuple(made)


def planned(shots: np.ndarray, choices: Choices) -> Experiment:
    """The experiment with so many shots at each point, without values."""
    series = [
        replace(c.series, spread=c.spread(np.maximum(shots[choices.group == k], FEW)))
        for k, c in enumerate(choices.candidates)
    ]
    return replace(choices.experiment, series=tuple(series))


def outcome(experiment: Experiment, scale: float, rng: np.random.Generator, settings: ModelSettings) -> Experiment:
    """Its values, drawn at the paper's parameters."""
    problem = Problem(experiment, settings)
    truth = {k: np.array([v]) for k, v in PAPER.items()} | {"scale[xi]": np.array([scale])}
    truth["pure_dephasing_rate[drive]"] = np.array([_pure()])
    values = problem.complete({p.label: truth[p.label] for p in problem.free})
    noisy = predicted(problem, values, rng, accuracy=1e-9, likelihood=False).noisy
    return replace(experiment, series=tuple(replace(s, value=noisy[s.name][0]) for s in experiment.series))


def _pure() -> float:
    """Γdeph of the paper's Γ̃: less the floor."""
    mu2, nu2 = 2.1025, 1.1025
    radiative = PAPER["collective_rate"] / PAPER["optical_depth"]
    lost = 2 * (PAPER["light_loss_rate"] + PAPER["collision_rate"])
    return PAPER["dephasing_rate[drive]"] - radiative * (mu2 + nu2) - 2 * PAPER["collision_rate"] - lost


def pooled(old: Series, new: Series) -> Series:
    """Two measurements of the same points as one."""
    if old.noise == "gamma":
        a, b = old.spread - 1, new.spread - 1
        return replace(old, value=(a * old.value + b * new.value) / (a + b), spread=a + b + 1)
    a, b = old.spread**-2, new.spread**-2
    return replace(old, value=(a * old.value + b * new.value) / (a + b), spread=(a + b) ** -0.5)


class Campaign:
    """One campaign: a scale error, noise, and how its blocks are planned."""

    def __init__(self, seed: int, goal: str, adaptive: bool) -> None:
        self.goal, self.adaptive, self.seed = goal, adaptive, seed
        self.rng = np.random.default_rng(seed)
        self.scale = float(self.rng.normal(1.0, 0.04))
        self.models = [ModelSettings("microscopic"), ModelSettings("fixed-number")][: 1 if goal != "closure" else 2]
        apparatus = {"optical_depth": Known(55.0, 2.75), "squeezing_limit": Known(0.16, 0.005)}
        empty = Experiment("campaign", True, (StageEntry(20.0, frozenset({"drive"})),), apparatus=apparatus)
        self.choices = Choices(empty, candidates())

    def time(self) -> float:
        """Seconds until the goal."""
        spent, data = 0.0, None
        fits: list[Sampled] = []
        while spent < LONGEST:
            block = max(BLOCK, GROWTH * spent)
            shots = self._adaptive(fits, block) if self.adaptive and fits else self._even(block)
            new = outcome(planned(shots, self.choices), self.scale, self.rng, self.models[0])
            merged = new if data is None else replace(
                data, series=tuple(pooled(a, b) for a, b in zip(data.series, new.series, strict=True)))  # fmt: skip
            data, spent = merged, spent + block
            sampler = SamplerSettings(self.seed, 500, 200, 2)
            fits = [sample_posterior(Problem(data, settings), sampler) for settings in self.models]
            if self._reached(fits):
                return spent
        return float("inf")

    def _reached(self, fits: list[Sampled]) -> bool:
        if self.goal == "closure":
            one, other = (evidence_of_draws(f.problem, f.by_label).log_evidence for f in fits)
            return one - other >= ODDS
        draws = fits[0].by_label["collective_rate"]
        return bool(draws.std() <= WANTED * draws.mean())

    def _even(self, block: float) -> np.ndarray:
        """The same number of shots at every point."""
        return np.full(len(self.choices.x), block / self.choices.costs.per_shot.sum())

    def _adaptive(self, fits: list[Sampled], block: float) -> np.ndarray:
        """What a design after these fits has."""
        states = []
        for fit in fits:
            flat = {label: a.reshape(-1) for label, a in fit.by_label.items()}
            states.append(state_of(Problem(self.choices.whole, fit.problem.settings), flat, self.seed))
        wish = Wish(goal_of("closure" if self.goal == "closure" else "collective_rate", states[0]), tuple(states))
        best = allocate(wish.criterion(self.choices, block), self.choices.costs, block)
        return whole(best.shots, self.choices.costs.per_shot, block, self.choices.least).astype(float)


def times(goal: str, count: int) -> Iterator[tuple[float, float]]:
    """Of each campaign the seconds with plans and with even spacing."""
    for seed in range(1, count + 1):
        yield Campaign(seed, goal, adaptive=True).time(), Campaign(seed, goal, adaptive=False).time()


def main() -> None:
    """A line per campaign, then medians."""
    goal, *rest = sys.argv[1:] or ["rate"]
    found = []
    for k, pair in enumerate(times(goal, int(rest[0]) if rest else 50), 1):
        found.append(pair)
        print(f"{k:3d}  planned {pair[0] / 60:7.0f} min  even {pair[1] / 60:7.0f} min", flush=True)
    planned_, even = np.array(found).T
    print(f"{len(found)} campaigns for {goal}: median {np.median(planned_) / 60:.0f} min planned,"
          f" {np.median(even) / 60:.0f} min evenly spaced; even/planned median {np.median(even / planned_):.1f},"
          f" from {np.min(even / planned_):.1f} to {np.max(even / planned_):.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
