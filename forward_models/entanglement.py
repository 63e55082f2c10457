"""Derived quantities of a run: minimum of ξ and its time, entanglement duration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .observables import entanglement_margin
from .spin_variance import Closure
from .stages import InitialState, Stage
from .trajectory import Trajectory, evolve


@dataclass(frozen=True)
class Entanglement:
    """Per draw (the shape of the rates; a 0-d array for numbers).

    xi_minimum : the least ξ within the stages
    xi_minimum_time : when, ms
    entanglement_duration : the last time with ξ < 1, ms; 0 where there is none; infinite where ξ < 1 at the end
    """

    xi_minimum: np.ndarray
    xi_minimum_time: np.ndarray
    entanglement_duration: np.ndarray


def entanglement(
    stages: Sequence[Stage],
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure = "microscopic",
    *,
    resolution: int = 2001,
    accuracy: float = 1e-12,
) -> Entanglement:
    """Minimum of ξ and the duration of entanglement, from `resolution` points and interpolation between them.

    Between points the minimum is that of a parabola through three of them, the crossing that of a cubic through
    p − Σ at four of them (ξ < 1 ⟺ Σ < p): relative errors fall as resolution⁻³ and faster.
    """
    total = float(sum(stage.duration for stage in stages))
    times = np.linspace(0.0, total, resolution)
    trajectory = evolve(stages, times, initial, closure, accuracy=accuracy)
    minimum, when = _minimum(times, trajectory.xi)
    return Entanglement(minimum, when, _last_crossing(times, trajectory))


def _minimum(times: np.ndarray, xi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    step = times[1]
    lowest = np.argmin(xi, axis=-1)
    middle = np.clip(lowest, 1, len(times) - 2)
    before, at, after = (_pick(xi, middle + k) for k in (-1, 0, 1))
    slope, curvature = 0.5 * (after - before), after - 2 * at + before
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(curvature > 0, -slope / curvature, 0.0)
    inside = (middle == lowest) & (abs(shift) <= 1)
    shift = np.where(inside, shift, 0.0)
    value = np.where(inside, at + shift * (slope + 0.5 * shift * curvature), _pick(xi, lowest))
    return value, times[lowest] + shift * step


def _last_crossing(times: np.ndarray, trajectory: Trajectory) -> np.ndarray:
    margin = entanglement_margin(trajectory.p, trajectory.spin_variance)
    entangled = margin > 0
    last = len(times) - 1 - np.argmax(entangled[..., ::-1], axis=-1)
    never, always = ~entangled.any(axis=-1), entangled[..., -1]
    base = np.clip(last - 1, 0, len(times) - 4)
    y0, y1, y2, y3 = (_pick(margin, base + k) for k in range(4))
    d1, d2, d3 = y1 - y0, y2 - 2 * y1 + y0, y3 - 3 * y2 + 3 * y1 - y0
    low = (last - base).astype(float)
    high = low + 1
    for _ in range(45):
        x = 0.5 * (low + high)
        positive = y0 + x * (d1 + (x - 1) * (d2 / 2 + (x - 2) * d3 / 6)) > 0
        low, high = np.where(positive, x, low), np.where(positive, high, x)
    crossing = (base + low) * times[1]
    return np.where(never, 0.0, np.where(always, np.inf, crossing))


def _pick(values: Any, index: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, np.asarray(index)[..., None], axis=-1)[..., 0]
