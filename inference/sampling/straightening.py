"""The triangular map of a posterior: from points about its mode, then from draws in the coordinates found so far."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..engine import NativeDensity
from ..model import SamplerSettings
from ..parallel import available_cores, in_threads
from . import nutpie as nutpie_sampler
from .mapped_density import MappedDensity
from .modes import MANY, Density, Mode, SparseHessian, starting_point
from .score_regression import fitted_map, ordered
from .triangular_map import Naturals, TriangularMap

_POINTS, _FOR_EACH = 400, 15
"""Of the first regression, about the mode: so many, or so many for each coordinate."""
_NEAR = 0.01
"""Beside a mode: there no second derivative is zero by chance."""
_LOOSEST = 10.0
"""Standard deviation that a coordinate without curvature at the mode is given."""
_ROUNDS = 3
"""So many regressions before the first draws: each from points scattered in the coordinates that the last one found."""
_GOOD, _GOOD_OF_MANY = 1.5, 3.0
"""The first of the trial runs is left out where the log-density there and that of a standard normal distribution differ
by a number that varies, from quartile to quartile, by less than this; of MANY coordinates each adds to it."""
_TRIALS, _TRIALS_OF_MANY = ((0.3, 0.2), (0.3, 0.4)), ((0.3, 0.2), (0.3, 0.66))
"""For each trial run, in units of the tuning asked for: draws to tune and draws to learn from (where many act on
each other more, in proportion); at least:"""
_LEAST, _LEAST_OF_MANY = ((100, 100), (100, 200)), ((60, 80), (60, 120))
_ENOUGH_FOR = 50
"""So many coordinates."""
_FARTHER = 1.4
"""Points so many times as far from the middle as the draws show what the tails are like, where few draws are."""
_DEEP = 1.5
"""Points so far below the median of the log-density, in units of the dimension, are no guide to where draws are; but no
draws are left out, and of scattered points at most a quarter."""
_SAME = 3.0
"""Modes are one where they differ by less than so many standard deviations in each direction."""
LARGEST, LARGEST_PART = 640, 100
"""Posteriors of more coordinates, or with a part of more, are sampled in those that the model has. With 306, of 100
experiments, 1800 to 3300 of 4000 draws were effective in 50 s of CPU; with 606 1300 in 150 s, two thirds of them for
modes and the map."""


def straightened(
    density: NativeDensity, data: np.ndarray, naturals: Naturals, found: list[Mode], settings: SamplerSettings
) -> MappedDensity | None:
    """The density in coordinates in which it is nearly normal; None for several modes, too many coordinates, a bad map.

    found : its modes;  settings : those of the run that follows
    """
    highest = max(found, key=lambda mode: mode.weight)
    if density.dimension > LARGEST or not all(_same(highest, mode) for mode in found):
        return None

    there = available_cores()
    cores = min(settings.cores or there, there) if density.dimension >= MANY else 1

    one_by_one = partial(density, data=data)

    def log_density(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, scores = zip(*in_threads(one_by_one, np.array_split(points, cores), cores), strict=True)
        return np.concatenate(values), np.concatenate(scores)

    parts = parts_of(one_by_one, highest.place)
    together = _together(parts)
    if together > LARGEST_PART:
        return None

    begun, spread = _about(highest, log_density, naturals, parts, settings.seed)
    mapped = MappedDensity(density, data, begun)
    if not np.isfinite(mapped(np.zeros(mapped.dimension))[0]):
        return None
    good, trials, least = _GOOD, _TRIALS, _LEAST
    if density.dimension >= MANY:
        good, trials, least = _GOOD_OF_MANY, _TRIALS_OF_MANY, _LEAST_OF_MANY
    earlier, more, first = np.empty((0, density.dimension)), max(1.0, together / _ENOUGH_FOR), int(spread < good)
    for (tune, draws), (least_tune, least_draws) in zip(trials[first:], least[first:], strict=True):
        trial = replace(
            settings,
            tune=max(least_tune, int(tune * settings.tune)),
            draws=int(more * max(least_draws, int(draws * settings.tune))),
        )
        _, statistics = nutpie_sampler.nuts(near_middle(mapped), trial, None, adaptation(mapped), keep_points=True)
        w = statistics["point"].reshape(-1, density.dimension)
        points = mapped.map.forward(np.concatenate([w, _FARTHER * w]))[0]
        points = np.concatenate([points, earlier])
        mapped = replace(mapped, map=_from(points, log_density(points), naturals, parts, draws=len(w)))
        earlier = points
    return mapped


def adaptation(mapped: MappedDensity) -> str:
    """What nutpie learns besides the step: of many coordinates the map knows more than a few hundred draws tell."""
    return "low_rank" if mapped.dimension < MANY else "diag"


def near_middle(mapped: MappedDensity) -> Any:
    """The model for nutpie; its chains start as wide about the middle as a standard normal distribution is."""
    n = mapped.dimension
    middle = [Mode(np.zeros(n), mapped(np.zeros(n))[0], np.ones(n), np.eye(n))]
    return nutpie_sampler.machine_code_model(mapped, mapped.table, lambda seed: starting_point(mapped, middle, seed))


def _same(one: Mode, other: Mode) -> bool:
    away = one.directions.T @ (other.place - one.place)
    return bool((abs(away) * np.sqrt(np.maximum(one.curvature, 1.0)) < _SAME).all())


def parts_of(density: Density, place: np.ndarray) -> list[np.ndarray]:
    """Coordinates that act on all others, then parts that do not act on each other, as those of joint experiments.

    A posterior of few coordinates is one part.
    """
    n = len(place)
    if n < MANY:
        return [np.arange(n)]
    from scipy.sparse.csgraph import connected_components

    hessian = SparseHessian.of(density, place + np.array([[0.0], [_NEAR]]))
    own = np.flatnonzero(~hessian.common)
    count, part_of = connected_components(hessian.pattern[np.ix_(own, own)])
    return [np.flatnonzero(hessian.common), *(own[part_of == k] for k in range(count))]


def _together(parts: list[np.ndarray]) -> int:
    """The most coordinates that act on each other."""
    return max(len({*parts[0], *part}) for part in parts)


def _about(
    mode: Mode, density: Density, naturals: Naturals, parts: list[np.ndarray], seed: int
) -> tuple[TriangularMap, float]:
    """From points that are scattered about a mode as widely as its curvature lets them, then in the coordinates found.

    The best map of the rounds; and how much, from quartile to quartile, its log-density minus that of a standard normal
    distribution varies: not at all if the map is right.
    """
    widths = 1 / np.sqrt(np.maximum(mode.curvature, _LOOSEST**-2))
    covariance = (mode.directions * widths**2) @ mode.directions.T
    order = ordered(covariance, parts, naturals)
    one_by_one, scale = np.concatenate(order), np.empty(len(widths))
    scale[one_by_one] = np.diag(np.linalg.cholesky(covariance[np.ix_(one_by_one, one_by_one)]))
    count, rng, found = max(_POINTS, _FOR_EACH * _together(parts)), np.random.default_rng(seed), []
    points = mode.place + (rng.standard_normal((count, len(widths))) * widths) @ mode.directions.T
    there = density(points)
    for _ in range(_ROUNDS):
        made = _from(points, there, naturals, parts, order, scale)
        w = rng.standard_normal(points.shape)
        points, volume = made.forward(w)
        there = density(points)
        weights = _or_lowest(there[0] + volume + 0.5 * (w**2).sum(axis=1))
        lower, upper = np.quantile(weights, [0.25, 0.75], method="lower")
        found.append((made, float(upper - lower) if np.isfinite(lower) else np.inf))
    return min(found, key=lambda one: one[1])


def _from(
    points: np.ndarray,
    values: tuple[np.ndarray, np.ndarray],
    naturals: Naturals,
    parts: list[np.ndarray],
    order: list[np.ndarray] | None = None,
    scale: np.ndarray | None = None,
    draws: int | None = None,
) -> TriangularMap:
    """From the log-density (N,) and the scores (N, n) at these points; those where there are none do not count."""
    heights, scores = _or_lowest(values[0]), values[1]
    certain = np.quantile(heights, 0.25, method="lower") if draws is None else heights[:draws].min()
    lowest = min(np.median(heights) - _DEEP * points.shape[1], certain)
    usable = np.isfinite(scores).all(axis=1) & (heights >= lowest)
    count = None if draws is None else int(usable[:draws].sum())
    points, scores = points[usable], scores[usable]
    order = order or ordered(np.cov(points[:count].T), parts, naturals)
    return fitted_map(points, scores, naturals, order, scale, draws=count)


def _or_lowest(heights: np.ndarray) -> np.ndarray:
    return np.asarray(np.nan_to_num(heights, nan=-np.inf, posinf=-np.inf, neginf=-np.inf))
