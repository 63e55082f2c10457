"""Minimum of ξ and duration of entanglement from sampled observables, for models whose slopes are not known."""

from __future__ import annotations

import numpy as np

from .entanglement import Entanglement
from .observables import entanglement_margin
from .trajectory import Trajectory


def sampled_entanglement(times: np.ndarray, path: Trajectory) -> Entanglement:
    """From observables (…, T) at `times` (T,), ms: a parabola through the three lowest ξ, a line through p = Σ."""
    xi = np.asarray(path.xi)
    lowest = np.clip(np.argmin(xi, axis=-1), 1, len(times) - 2)
    at = [_pick(times, lowest + k) for k in (-1, 0, 1)]
    value = [_pick(xi, lowest + k) for k in (-1, 0, 1)]
    left, right = (value[1] - value[0]) / (at[1] - at[0]), (value[2] - value[1]) / (at[2] - at[1])
    curvature = (right - left) / (at[2] - at[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        vertex = 0.5 * (at[0] + at[1]) - left / (2 * curvature)
    inside = (curvature > 0) & (vertex > at[0]) & (vertex < at[2])
    depth = value[0] + (vertex - at[0]) * (left + curvature * (vertex - at[1]))
    first = np.argmin(xi, axis=-1)
    return Entanglement(
        np.where(inside, depth, xi.min(axis=-1)), np.where(inside, vertex, times[first]), _last_crossing(times, path)
    )


def _last_crossing(times: np.ndarray, path: Trajectory) -> np.ndarray:
    margin = np.asarray(entanglement_margin(path.p, path.spin_variance))
    entangled = margin > 0
    last = entangled.shape[-1] - 1 - np.argmax(entangled[..., ::-1], axis=-1)
    interval = np.minimum(last, len(times) - 2)
    above, below = _pick(margin, interval), _pick(margin, interval + 1)
    begin, end = _pick(times, interval), _pick(times, interval + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        crossing = begin + (end - begin) * above / (above - below)
    return np.where(~entangled.any(axis=-1), 0.0, np.where(entangled[..., -1], np.inf, crossing))


def _pick(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """values[…, index] with one index a draw."""
    if values.ndim == 1:
        return np.asarray(values[index])
    return np.asarray(np.take_along_axis(values, index[..., None], axis=-1)[..., 0])
