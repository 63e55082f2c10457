"""Evolution of the observables through the stages of an experiment: ξ(t) (S.3), P(t), Jy(t), o(t), ΣJ(t)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ..choices import Closure
from ..validation import InvalidValue
from .observables import epr_parameter, mean_spin, orientation, total_variance
from .path import Path, column, path_of
from .stages import InitialState, Stage
from .time_grid import RateBounds


@dataclass(frozen=True)
class Trajectory:
    """Observables at the asked times; each of the shape (…, T), … being the shape of the rates.

    n2, p : n4 + n3 and n4 − n3
    spin_variance : Σ, 1 for all atoms in |4,±4⟩, uncorrelated
    xi : ξ, normalised to the current ⟨Jx⟩ (S.3)
    polarization : P = ⟨Jx(t)⟩/⟨Jx(0)⟩
    transverse_spin : Jy(t)/Jy(0), exp(−½∫(Γ̃ + dΓ p)dt)
    orientation : o, within F = 4
    epr_variance : ΣJ/(2⟨Jx(0)⟩), normalised to the initial ⟨Jx⟩ (Fig. 2a)
    """

    n2: Any
    p: Any
    spin_variance: Any
    xi: Any
    polarization: Any
    transverse_spin: Any
    orientation: Any
    epr_variance: Any

    @property
    def entangled(self) -> Any:
        """Whether ξ < 1, which is Σ < p exactly."""
        return self.spin_variance < self.p

    @property
    def two_level_share(self) -> Any:
        """The share of ΣJ that is that of the two-level part, 8Σ in 8Σ + 14 n3."""
        return 8 * self.spin_variance / (8 * self.spin_variance + 7 * (self.n2 - self.p))

    @property
    def populations(self) -> Any:
        """Of |4,±4⟩, |4,±3⟩ and |3,±3⟩, (…, T, 3) (NumPy)."""
        return np.stack([0.5 * (self.n2 + self.p), 0.5 * (self.n2 - self.p), 1 - self.n2], axis=-1)


TransverseSpin = Literal["integrated", "quasi-static"]
"""Decay of Jy, see `evolve`."""
TRANSVERSE_SPINS: tuple[str, ...] = get_args(TransverseSpin)


def evolve(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    transverse_spin: TransverseSpin = "integrated",
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-12,
    xp: Any = np,
) -> Trajectory:
    """The observables at `times`.

    Parameters
    ----------
    stages : what acts, in order; their durations are concrete numbers
    times : (T,), ms, concrete, in order, inside the stages
    initial : populations and spin variance at t = 0
    closure : "microscopic", "fixed-number", or c, the share of its projection noise that a lost atom takes along, one
        number or one per draw; see `spin_variance`
    transverse_spin : decay of Jy "integrated", exp(−½∫(Γ̃ + dΓ p)dt), or "quasi-static", exp(−½(Γ̃ + dΓ p(t))t), as the
        paper prints it
    rate_bounds : needed where the rates are symbolic: bounds of the rates that the quadrature must resolve; the
        `evolve` that a forward model of a user is given has them; for concrete rates they follow from them
    accuracy : relative error of Σ that the quadrature may make at those bounds
    xp : numpy, or pytensor.tensor for a differentiable graph

    Raises
    ------
    InvalidValue
        for times that are unordered, not finite or outside the stages, and for an unknown closure or decay of Jy

    Source: supplement (theory), (S.3); closed form and quadrature: no step size, right for any rate and duration.

    >>> from dissentangle.forward_models import InitialState, Rates, Stage, evolve
    >>> rates = Rates(
    ...     collective_rate=0.11, radiative_rate=0.002, squeezing_limit=0.16, collision_rate=0.002,
    ...     light_loss_rate=0.0264, pump_rate=0.0, repump_rate=0.0, dephasing_rate=0.193,
    ... )  # ms⁻¹
    >>> run = evolve([Stage(20.0, rates)], [0.0, 5.0, 20.0], InitialState(n3=0.01))
    >>> [round(float(xi), 3) for xi in run.xi]
    [1.02, 0.831, 0.96]
    """
    if transverse_spin not in TRANSVERSE_SPINS:
        raise InvalidValue(
            f"transverse_spin = {transverse_spin!r}: expected {' or '.join(map(repr, TRANSVERSE_SPINS))}"
        )
    quasi_static = transverse_spin == "quasi-static"
    path = path_of(
        stages, times, initial, closure, quasi_static=quasi_static, rate_bounds=rate_bounds, accuracy=accuracy, xp=xp
    )
    return _observables(path, initial, xp)


def _observables(path: Path, initial: InitialState, xp: Any) -> Trajectory:
    """All observables, of one shape in NumPy."""
    n2, p, variance, jx = path.n2, path.p, path.spin_variance, column(initial.jx)
    values = (
        n2,
        p,
        variance,
        epr_parameter(n2, p, variance),
        mean_spin(n2, p) / jx,
        xp.exp(-0.5 * path.exponent),
        orientation(n2, p),
        total_variance(n2, p, variance) / (2 * jx),
    )
    return Trajectory(*(np.broadcast_arrays(*values) if xp is np else values))
