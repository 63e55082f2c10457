"""How a budget is shared out among points: convex optimisation of shares, exchange of settings, whole shots.

An approximate design (shares of the budget, Kiefer & Wolfowitz) is optimal where no point gains more per second than
those that have a share: the equivalence theorem, whose gap bounds what could still be gained. Shares are optimised by
SLSQP on the points that count, and the point that gains most is added until the gap is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...datasets.errors import violation
from .criteria import Criterion

GAP = 3e-5
"""What better shares could still gain, of a variance as a share of it, of a gain in nats or as a share of it."""
_ROUNDS, _ADDED, _WARM_UP = 60, 3, 30
_NONE = 1e-6
_SUM_IS_ONE: Any = {"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like}


@dataclass(frozen=True)
class Costs:
    """Of K points.

    per_shot (K,) : seconds;  setting (K,) : name of the setting of the apparatus that each needs
    change : setting → seconds to change to it, once
    """

    per_shot: np.ndarray
    setting: np.ndarray
    change: dict[str, float]

    def one_point(self, least: np.ndarray) -> float:
        """Seconds that the fewest shots (K,) at any one point take, of the settings that take least to change."""
        changes = np.array([self.change[name] for name in self.setting])
        return 1.001 * float((least * self.per_shot + changes)[changes == changes.min()].max())  # so that they fit


@dataclass(frozen=True)
class Allocation:
    """Shots (K,), not whole ones; the criterion there; the settings that are used."""

    shots: np.ndarray
    value: float
    settings: tuple[str, ...]


def optimal_shares(criterion: Criterion, shots_of_all: np.ndarray) -> tuple[np.ndarray, float]:
    """Shares (K,) of a budget that make a criterion least, and its value.

    shots_of_all (K,) : at each point, if it had the whole budget
    """
    from scipy.optimize import minimize

    count = len(shots_of_all)
    shares = np.full(count, 1 / count)
    for _ in range(_WARM_UP):
        gain = -criterion.value(shares * shots_of_all)[1] * shots_of_all
        shares = shares * np.sqrt(np.maximum(gain, 0.0)) + 1e-300
        shares /= shares.sum()
    keep = np.flatnonzero(shares > 1 / count)
    shares = _only(shares, keep if len(keep) else np.array([shares.argmax()]))
    for _ in range(_ROUNDS):
        support = np.flatnonzero(shares > 0)
        few, scale = criterion.at(support), shots_of_all[support]
        size = few.value(shares[support] * scale)[0]

        found = minimize(
            partial(_of_shares, few, scale, max(1.0, abs(size))), shares[support], jac=True, method="SLSQP",
            bounds=[(0.0, 1.0)] * len(support), constraints=_SUM_IS_ONE, options={"ftol": 1e-11},
        )  # fmt: skip
        better = np.zeros(count)
        better[support] = np.where(found.x > _NONE, found.x, 0.0)
        better /= better.sum()
        if criterion.value(better * shots_of_all)[0] <= criterion.value(shares * shots_of_all)[0]:
            shares = better
        value, gradient = criterion.value(shares * shots_of_all)
        gain = -gradient * shots_of_all
        if gain.max() - shares @ gain < GAP * max(1.0, abs(value)):
            break
        best = np.argsort(-gain)[:_ADDED]
        shares = shares * (1 - 0.01) + _only(np.zeros(count), best, 0.01 / len(best))
    return shares, value


def _of_shares(criterion: Criterion, scale: np.ndarray, size: float, shares: np.ndarray) -> tuple[float, np.ndarray]:
    value, gradient = criterion.value(np.maximum(shares, 0.0) * scale)
    return value / size, gradient * scale / size


def _only(shares: np.ndarray, points: np.ndarray, each: float | None = None) -> np.ndarray:
    """Shares at some points alone, of sum 1; or `each` at them."""
    found = np.zeros(len(shares))
    found[points] = shares[points] if each is None else each
    return found / found.sum() if each is None else found


def allocate(criterion: Criterion, costs: Costs, budget: float) -> Allocation:
    """The best allocation of a budget (s), and of the settings that are worth their change.

    Settings without a cost of change are always open; of the others one at a time is added, taken out or exchanged
    while that makes the criterion smaller. Raises ExperimentError where none can be afforded.
    """
    free = {str(s) for s in costs.setting if not costs.change.get(str(s), 0.0)}
    dear = [s for s in dict.fromkeys(map(str, costs.setting)) if s not in free]
    if not dear:
        return _within(criterion, costs, budget, sorted(free))
    best = _within(criterion, costs, budget, sorted(free)) if free else None
    chosen: list[str] = []
    while True:
        trials = [[*chosen, s] for s in dear if s not in chosen]
        trials += [[c for c in chosen if c != out] for out in chosen if free or len(chosen) > 1]
        trials += [[s if c == out else c for c in chosen] for out in chosen for s in dear if s not in chosen]
        affordable = [t for t in trials if sum(costs.change[s] for s in t) < budget]
        found = [(_within(criterion, costs, budget, [*sorted(free), *t]), t) for t in affordable]
        found = [pair for pair in found if best is None or pair[0].value < best.value - GAP]
        if not found:
            break
        best, chosen = min(found, key=lambda pair: pair[0].value)
    if best is None:
        raise violation("budget", f"{budget:g} s", "a longer one: every setting takes longer to change to")
    return best


def _within(criterion: Criterion, costs: Costs, budget: float, settings: Sequence[str]) -> Allocation:
    """The best allocation among the points of some settings; a setting of which no point is used costs nothing."""
    points = np.flatnonzero(np.isin(costs.setting, settings))
    left = budget - sum(costs.change.get(s, 0.0) for s in settings)
    shares, value = optimal_shares(criterion.at(points), left / costs.per_shot[points])
    shots = np.zeros(len(costs.per_shot))
    shots[points] = shares * left / costs.per_shot[points]
    return Allocation(shots, value, tuple(s for s in settings if shots[costs.setting == s].any()))


def clusters(shots: np.ndarray, x: np.ndarray, group: np.ndarray, spacing: np.ndarray) -> list[np.ndarray]:
    """Points with shots (numbers) that are neighbours on the grid of their group: they stand for one in between."""
    found: list[list[int]] = []
    for k in np.flatnonzero(shots > 0).tolist():
        last = found[-1][-1] if found else -1
        near = found and group[last] == group[k] and x[k] - x[last] <= 1.5 * spacing[k]
        found[-1].append(k) if near else found.append([k])
    return [np.array(one) for one in found]


def whole(shots: np.ndarray, per_shot: np.ndarray, budget: float, least: np.ndarray) -> np.ndarray:
    """Whole shots (K,) within a budget (s), proportional to `shots`; 0 where they are fewer than `least` (K,)."""
    shots = np.where(shots < least, 0.0, shots)
    spent = float(shots @ per_shot)
    return np.floor(shots * min(1.0, budget / spent) + 1e-9).astype(int) if spent else np.zeros(len(shots), int)
