"""The triangular map of a posterior: from points about its mode, then from draws in the coordinates found so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine import NativeDensity
from ..model import SamplerSettings
from . import nutpie as nutpie_sampler
from .mapped_density import MappedDensity
from .modes import MANY, Density, Mode, SparseHessian, lowest_start, starting_point
from .score_regression import fitted_map, ordered
from .triangular_map import Naturals, TriangularMap

Scores = Callable[[np.ndarray], np.ndarray]
"""Gradients of the log-density at points, both (N, n); NaN where no draw is."""
_POINTS, _FOR_EACH = 400, 15
"""Of the first regression, about the mode: so many, or so many for each coordinate."""
_NEAR = 0.01
"""Beside a mode: there no second derivative is zero by chance."""
_LOOSEST = 10.0
"""Standard deviation that a coordinate without curvature at the mode is given."""
_ROUNDS = 3
"""Regressions before the first draws: each from points scattered in the coordinates that the one before it found."""
_TRIAL, _LEAST = (0.3, 0.4), (100, 200)
"""For the trial run, in units of the tuning asked for: draws to tune and draws to learn from (where many act on
each other more, in proportion); at least so many."""
_ENOUGH_FOR = 50
"""So many coordinates."""
_FARTHER = 1.4
"""Points so many times as far from the middle as the draws show what the tails are like, where few draws are."""
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
    parts = parts_of(lambda x: density(x, data), highest.place)
    together = _together(parts)
    if together > LARGEST_PART:
        return None

    def scores(points: np.ndarray) -> np.ndarray:
        heights, gradients = density(points, data)
        return np.where(np.asarray(heights)[:, None] > lowest_start(highest), gradients, np.nan)

    mapped = MappedDensity(density, data, _about(highest, scores, naturals, parts, settings.seed))
    if not np.isfinite(mapped(np.zeros(mapped.dimension))[0]):
        return None
    more = max(1.0, together / _ENOUGH_FOR)
    tune, draws = (max(least, int(part * settings.tune)) for part, least in zip(_TRIAL, _LEAST, strict=True))
    trial = replace(settings, tune=tune, draws=int(more * draws))
    _, statistics = nutpie_sampler.nuts(near_middle(mapped), trial, None, adaptation(mapped), keep_points=True)
    w = statistics["point"].reshape(-1, density.dimension)
    points = mapped.map.forward(np.concatenate([w, _FARTHER * w]))[0]
    return replace(mapped, map=_from(points, scores, naturals, parts, draws=len(w)))


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


def _about(mode: Mode, scores: Scores, naturals: Naturals, parts: list[np.ndarray], seed: int) -> TriangularMap:
    """From points that are scattered about a mode as widely as its curvature lets them."""
    widths = 1 / np.sqrt(np.maximum(mode.curvature, _LOOSEST**-2))
    covariance = (mode.directions * widths**2) @ mode.directions.T
    order = ordered(covariance, parts, naturals)
    one_by_one, scale = np.concatenate(order), np.empty(len(widths))
    scale[one_by_one] = np.diag(np.linalg.cholesky(covariance[np.ix_(one_by_one, one_by_one)]))
    count, rng = max(_POINTS, _FOR_EACH * _together(parts)), np.random.default_rng(seed)
    points = mode.place + (rng.standard_normal((count, len(widths))) * widths) @ mode.directions.T
    found = _from(points, scores, naturals, parts, order, scale)
    for _ in range(_ROUNDS - 1):
        points = found.forward(rng.standard_normal(points.shape))[0]
        found = _from(points, scores, naturals, parts, order, scale)
    return found


def _from(
    points: np.ndarray,
    scores: Scores,
    naturals: Naturals,
    parts: list[np.ndarray],
    order: list[np.ndarray] | None = None,
    scale: np.ndarray | None = None,
    draws: int | None = None,
) -> TriangularMap:
    """From the scores at these points; where there are none, NaN, the points do not count."""
    found = scores(points)
    usable = np.isfinite(found).all(axis=1)
    count = None if draws is None else int(usable[:draws].sum())
    points, found = points[usable], found[usable]
    order = order or ordered(np.cov(points[:count].T), parts, naturals)
    return fitted_map(points, found, naturals, order, scale, draws=count)
