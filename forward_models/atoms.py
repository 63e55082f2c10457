"""Questions to three and to sixteen levels alike: which equations answer is a matter of the rates of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import sixteen_level, three_state
from .choices import Closure
from .sixteen_level import SixteenLevelRates
from .three_state import Entanglement, InitialState, RateBounds, Stage, SteadyState, Trajectory, TransverseSpin
from .validation import InvalidValue


def has_sixteen_levels(rates: Any) -> bool:
    """Whether rates are those of the sixteen-level model."""
    return isinstance(rates, SixteenLevelRates)


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
    """The observables at `times`: three states for `Rates`, sixteen levels for `SixteenLevelRates`.

    Parameters
    ----------
    stages : stages in order; durations in ms, rates in ms⁻¹: numbers, arrays (…,) or symbolic
    times : (T,), ms, in order, inside the stages
    initial : populations and spin variance at t = 0
    closure : "microscopic", "fixed-number", or a number c from 0 to 1, or one per draw (…,)
    transverse_spin : decay of Jy, "integrated" or "quasi-static" (three states only)
    rate_bounds : bounds of the rates, ms⁻¹; required for symbolic rates
    accuracy : relative error of Σ that the quadrature may make
    xp : numpy, or pytensor.tensor for a differentiable graph

    Returns
    -------
    Trajectory, whose observables have the shape (…, T)

    Raises
    ------
    InvalidValue : for times that are not in order, not finite or outside the stages; for an unknown closure or decay
        of Jy

    Source: Krauter et al., supplement (theory), (S.3).
    """
    if stages and has_sixteen_levels(stages[0].rates):
        if transverse_spin != "integrated":
            raise InvalidValue(f"transverse_spin = {transverse_spin!r}: expected 'integrated' with sixteen levels")
        return sixteen_level.evolve_sixteen(
            stages, times, initial, closure, rate_bounds=rate_bounds, accuracy=accuracy, xp=xp
        )
    return three_state.evolve(
        stages, times, initial, closure, transverse_spin=transverse_spin, rate_bounds=rate_bounds, accuracy=accuracy,
        xp=xp,
    )  # fmt: skip


def entanglement(
    stages: Sequence[Stage],
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure | Any = "microscopic",
    *,
    resolution: int = 2001,
    accuracy: float = 1e-12,
) -> Entanglement:
    """Minimum of ξ, its time and the duration of entanglement (ms), of the shape of the rates (…,).

    stages, initial, closure : as for `evolve`, with concrete rates, ms⁻¹
    resolution : number of times that are searched;  accuracy : relative error of Σ that the quadrature may make

    Raises
    ------
    InvalidValue : for an unknown closure
    """
    found = (
        sixteen_level.sixteen_level_entanglement if has_sixteen_levels(stages[0].rates) else three_state.entanglement
    )
    return found(stages, initial, closure, resolution=resolution, accuracy=accuracy)


def dephasing_floor(rates: Any) -> Any:
    """Γ̃ without pure dephasing, ms⁻¹, of the shape of the rates; see `three_state.dephasing_floor`."""
    return sixteen_level.sixteen_level_floor(rates) if has_sixteen_levels(rates) else three_state.dephasing_floor(rates)


def polarization_decay_time(rates: Any, initial: InitialState, probe_weight: Any = None) -> Any:
    """T1 ≡ −P/Ṗ at t = 0, ms, of the shape of the rates; see `three_state.polarization_decay_time`.

    probe_weight : of the spin of F = 3 in P, with sixteen levels
    """
    if has_sixteen_levels(rates):
        return sixteen_level.sixteen_level_decay_time(rates, initial, probe_weight)
    return three_state.polarization_decay_time(rates, initial)


def steady_state(rates: Any, initial: InitialState = InitialState()) -> SteadyState:  # noqa: B008 - frozen
    """The steady state under `rates` (NumPy), reached from `initial`; see `three_state.steady_state`."""
    if has_sixteen_levels(rates):
        return sixteen_level.sixteen_level_steady_state(rates, initial)
    return three_state.steady_state(rates, initial)


def speed(stages: Sequence[Stage]) -> np.ndarray:
    """For each draw (…) the panels that the quadrature needs, up to a factor; see `three_state.speed`."""
    if has_sixteen_levels(stages[0].rates):
        return np.asarray(sum(sixteen_level.fastest_rate(stage.rates) * stage.duration for stage in stages))
    return three_state.speed(stages)


def fastest_of(stages: Sequence[Stage]) -> tuple[np.ndarray, np.ndarray]:
    """The fastest rate of all and that of the populations, of each stage (S,), ms⁻¹: the largest of the draws."""
    rates = [stage.rates for stage in stages]
    if has_sixteen_levels(rates[0]):
        fastest, decay = (
            np.array([np.max(of(r)) for r in rates], float)
            for of in (sixteen_level.fastest_rate, sixteen_level.fastest_decay)
        )
        return fastest, decay
    coefficients = [three_state.population_rates(r) for r in rates]
    fastest = three_state.fastest_rates(three_state.stage_columns(stages))
    return fastest, np.array([np.max(np.maximum(k.a, k.b)) for k in coefficients], float)


def bounds_of(
    usual: Sequence[Sequence[Stage]], largest: Sequence[Sequence[Stage]], resolution: float = 1.0
) -> RateBounds:
    """The bounds that a graph needs: `resolution` × the rates (numbers) of stages as they may be, on any of some days.

    usual : with rates that the quadrature must resolve;  largest : at which populations of sixteen levels are cut off
    """
    fast, slow = (np.max(rates, axis=0) for rates in zip(*(fastest_of(stages) for stages in usual), strict=True))
    if not has_sixteen_levels(usual[0][0].rates):
        return RateBounds(resolution * fast, resolution * slow)
    each = zip(*largest, strict=True)
    rates = tuple(sixteen_level.largest_rates([day.rates for day in days], resolution) for days in each)
    return RateBounds(resolution * fast, np.array([sixteen_level.fastest_decay(r) for r in rates]), largest=rates)
