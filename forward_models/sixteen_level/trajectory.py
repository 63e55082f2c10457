"""Evolution of the observables of atoms with sixteen levels: ξ(t), P(t), Jy(t), o(t), ΣJ(t), and all populations.

    ξ = (Σ_m p_m (20 − m²) + 4C)/Σ_m m p_m,   P = Σ m p_m/(Σ m p_m)(0),   Jy/Jy(0) = e^{−K/2}
    o = Σ m p_m/(4 Σ p_m),   ΣJ/2⟨Jx(0)⟩ = (Σ p_m (20 − m²) + 4C)/(Σ m p_m)(0)

Sums over F = 4. Approximations: pair correlations of the coherence |4,4⟩ ↔ |4,3⟩ alone (all eight together lower ξ by
0.02 to 0.04 after 6 to 15 ms); Jy follows that coherence; rates are linear in the intensity of the light. With |4,4⟩,
|4,3⟩ and one level of F = 3 these are the equations of the three-state model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, override

import numpy as np

from ..choices import Closure
from ..three_state import InitialState, RateBounds, Stage, Trajectory, column
from .levels import SUMS
from .path import SixteenLevelPath, path_of


@dataclass(frozen=True)
class SixteenLevelTrajectory(Trajectory):
    """Observables as in `Trajectory`, n2 and p being those of |4,4⟩ and |4,3⟩, and what only sixteen levels have.

    correlation : C (…, T)
    path : the populations, computed on demand
    """

    correlation: Any
    path: SixteenLevelPath

    @property
    @override
    def entangled(self) -> Any:
        """Whether ξ < 1, (…, T)."""
        return self.xi < 1

    @property
    @override
    def two_level_share(self) -> Any:
        """The share of ΣJ that comes from |4,4⟩ and |4,3⟩, (…, T)."""
        return 4 * self.spin_variance / (self.path.of_populations("variance") + 4 * self.correlation)

    @property
    @override
    def populations(self) -> Any:
        """Of all levels, (…, T, 16), in the order of `LEVELS`."""
        return self.path.populations


def evolve_sixteen(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-12,
    xp: Any = np,
) -> SixteenLevelTrajectory:
    """The observables at `times` (T,), ms; arguments as for the three states, rates are `SixteenLevelRates`.

    initial : n3 in |4,3⟩, nh in |3,3⟩, all others in |4,4⟩
    rate_bounds : needed where rates are symbolic: `fastest` of `fastest_rate`, `populations` of `fastest_decay`, and
        `largest`, rates at which those of the populations (not Γ̃) are cut off: beyond, symbolic results mean nothing

    Raises
    ------
    InvalidValue : for times as `evolve`, an unknown closure, concrete rates beyond `rate_bounds`, and rates so fast
        that the populations would need more than a thousand pieces of the Chebyshev expansion
    """
    path = path_of(stages, times, initial, closure, rate_bounds=rate_bounds, accuracy=accuracy, xp=xp)
    n2, p, spin, noise, upper = map(path.of_populations, SUMS)
    variance, start = noise + 4 * path.correlation, column(initial.jx)
    values = (
        n2, p, n2 + path.correlation, variance / spin, spin / start, xp.exp(-0.5 * path.exponent),
        spin / (4 * upper), variance / start, path.correlation,
    )  # fmt: skip
    rows: Sequence[Any] = np.broadcast_arrays(*values) if xp is np else values
    return SixteenLevelTrajectory(*(*rows, path))
