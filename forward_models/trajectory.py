"""Evolution of the experiment's observables through its stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from .observables import epr_parameter, mean_spin, orientation, total_variance
from .populations import (
    PopulationRates,
    least_polarization,
    population_rates,
    populations,
    series_before,
    slopes,
)
from .rates import Rates
from .spin_variance import Closure, accumulate, check_closure, source
from .stages import InitialState, Stage, check_times
from .time_grid import RateBounds, TimeGrid, time_grid
from .validation import InvalidValue, concrete


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


OBSERVABLES = ("xi", "polarization", "transverse_spin", "orientation", "epr_variance")


def evolve(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState = InitialState(),  # noqa: B008 - frozen
    closure: Closure = "microscopic",
    *,
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
    closure : "microscopic" or "fixed-number", see `spin_variance`
    rate_bounds : needed where the rates are symbolic: bounds of the rates that the quadrature must resolve;
        for concrete rates they follow from them
    accuracy : relative error of Σ that the quadrature may make at those bounds
    xp : numpy, or pytensor.tensor for a differentiable graph

    Raises
    ------
    InvalidValue
        for times that are unordered, not finite or outside the stages, and for an unknown closure

    Source: supplement (theory), (S.3); closed form and quadrature: no step size, right for any rate and duration.
    """
    path = path_of(stages, times, initial, closure, rate_bounds=rate_bounds, accuracy=accuracy, xp=xp)
    return _observables(path, initial, xp)


@dataclass(frozen=True)
class Path:
    """n2, p, Σ and K = ∫(Γ̃ + dΓ p)dt at some times, each (…, T); from them follow all observables."""

    n2: Any
    p: Any
    spin_variance: Any
    exponent: Any


def path_of(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState,
    closure: Closure,
    *,
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-12,
    xp: Any = np,
) -> Path:
    """The state of the atoms at `times`; arguments as in `evolve`."""
    check_closure(closure)
    times = check_times(stages, times)
    durations = np.array([float(stage.duration) for stage in stages])
    columns = stage_columns(stages, xp)
    starts = _stage_starts(columns, durations, initial, xp)
    bounds = rate_bounds or _bounds(columns, starts, durations)
    grid = time_grid(durations, times, bounds, accuracy)

    n2, p = _at_points(columns, starts, grid, xp)
    growth, contributions = _over_panels(columns.at(grid.stage[1:]), n2, p, grid, closure, xp)
    exponent = (
        xp.concatenate([0 * growth[..., :1], xp.cumsum(growth, axis=-1)], axis=-1) if len(grid.widths) else 0 * n2
    )
    variance = accumulate(
        _column(initial.initial_variance),
        exponent,
        growth,
        contributions,
        points=len(grid.points),
        exponent_bound=float((bounds.fastest * durations).sum()),
        xp=xp,
    )
    return Path(*(values[..., grid.wanted] for values in (n2, p, variance, exponent)))


def _observables(path: Path, initial: InitialState, xp: Any) -> Trajectory:
    """All observables, of one shape in NumPy."""
    n2, p, variance, jx = path.n2, path.p, path.spin_variance, _column(initial.jx)
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


def _column(value: Any) -> Any:
    """An initial value for each draw, with an axis for the times."""
    return value[..., None] if np.ndim(value) else value


@dataclass(frozen=True)
class StageColumns:
    """Per-stage coefficients, each of shape (…, S)."""

    a: Any
    g: Any
    b: Any
    c: Any
    a_is_smaller: Any
    dephasing: Any
    collective: Any
    squeezing: Any

    def at(self, stage: np.ndarray) -> StageColumns:
        """The coefficients at points of the given stages; unchanged where there is only one stage."""
        return StageColumns(*(_gather(getattr(self, f.name), stage) for f in fields(self)))

    @property
    def population_rates(self) -> PopulationRates:
        """The coefficients of the population equations."""
        return self.each(lambda values: values)

    def each(self, take: Callable[[Any], Any]) -> PopulationRates:
        """The coefficients of the population equations, `take` applied to each array of them."""
        smaller = True if self.a_is_smaller is True else take(self.a_is_smaller)
        return PopulationRates(take(self.a), take(self.g), take(self.b), take(self.c), smaller)


def _entry(stage: int, values: Any) -> Any:
    return values[..., stage]


def _gather(values: Any, stage: np.ndarray) -> Any:
    """`values` (…, S) at points of the given stages; (…, 1) where all are in the first stage."""
    if values is True:
        return True
    return values[..., :1] if stage.max(initial=0) == 0 else values[..., stage]


def stage_columns(stages: Sequence[Stage], xp: Any = np) -> StageColumns:
    """The coefficients of the stages, side by side."""
    rows = []
    for stage in stages:
        r: Rates = stage.rates
        k = population_rates(r)
        row = (k.a, k.g, k.b, k.c, k.a_is_smaller, r.dephasing_rate, r.collective_rate, r.squeezing_limit)
        rows.append(row)
    return StageColumns(*(_stack(column, xp) for column in zip(*rows, strict=True)))


def _stack(values: Sequence[Any], xp: Any) -> Any:
    """One array with the stages as last axis; True where all are known to be true."""
    if all(value is True for value in values):
        return True
    if xp is np:
        return np.stack(np.broadcast_arrays(*values), axis=-1)
    return xp.stack([xp.as_tensor_variable(np.array(True) if value is True else value) for value in values], axis=-1)


@dataclass(frozen=True)
class _Starts:
    """Populations at the start of each stage, each of shape (…, S)."""

    n2: Any
    p: Any


def _stage_starts(columns: StageColumns, durations: np.ndarray, initial: InitialState, xp: Any) -> _Starts:
    n2, p = initial.n2, initial.p
    rows = [(n2 + 0 * columns.a[..., 0], p + 0 * columns.a[..., 0])]
    for s, duration in enumerate(durations[:-1]):
        k = columns.each(partial(_entry, s))
        n2, p, _ = populations(duration, n2, p, k, xp=xp)
        rows.append((n2, p))
    return _Starts(*(_stack(column, xp) for column in zip(*rows, strict=True)))


def _at_points(columns: StageColumns, starts: _Starts, grid: TimeGrid, xp: Any) -> tuple[Any, Any]:
    """n2 and p at the points of the grid, in closed form."""
    rates = columns.at(grid.stage).population_rates
    n2, p = _gather(starts.n2, grid.stage), _gather(starts.p, grid.stage)
    return populations(grid.elapsed, n2, p, rates, xp=xp)[:2]


def _over_panels(k: StageColumns, n2: Any, p: Any, grid: TimeGrid, closure: Closure, xp: Any) -> tuple[Any, Any]:
    """∫(Γ̃ + dΓ p) and ∫ e^{−K} q over each panel, K counted from its end; `n2` and `p` at the points."""
    rates, n2_end, p_end = k.population_rates, n2[..., 1:], p[..., 1:]

    def lost(before: Any, integral: Any) -> Any:
        return k.dephasing * before + k.collective * integral

    series = series_before(n2_end, p_end, rates, grid.terms)
    contributions = 0.0
    for node, weight in zip(grid.nodes, grid.weights, strict=True):
        before = node * grid.remembered
        n2_node, p_node, integral = series.at(before)
        slope = slopes(n2_node, p_node, rates)[0] if closure == "microscopic" else 0.0
        q = source(n2_node, p_node, k.dephasing, k.collective, k.squeezing, slope)
        contributions = contributions + weight * grid.remembered * xp.exp(-lost(before, integral)) * q
    if (grid.remembered == grid.widths).all():
        integral = series.integral_from(grid.widths)
    else:
        *_, integral = populations(grid.widths, n2[..., :-1], p[..., :-1], rates, xp=xp)
    return lost(grid.widths, integral), contributions


def _bounds(columns: StageColumns, starts: _Starts, durations: np.ndarray) -> RateBounds:
    """The bounds that follow from concrete rates."""
    if any(concrete(getattr(columns, name)) is None for name in ("a", "b", "dephasing", "collective")):
        raise InvalidValue("rate_bounds: needed where the rates are symbolic")
    p = least_polarization(durations, starts.n2, starts.p, columns.population_rates)
    return RateBounds(
        fastest=fastest_rates(columns),
        populations=_over_draws(np.max, np.maximum(columns.a, columns.b)),
        slowest=np.maximum(_over_draws(np.min, columns.dephasing + columns.collective * p), 0.0),
    )


def fastest_rates(columns: StageColumns) -> np.ndarray:
    """Γ̃ + dΓ + 2b + a of each stage (S,), ms⁻¹, the largest over the draws: no part of the integrand is faster."""
    return _over_draws(np.max, _resolved(columns))


def _resolved(columns: StageColumns) -> Any:
    return columns.dephasing + columns.collective + 2 * columns.b + columns.a


def speed(stages: Sequence[Stage]) -> np.ndarray:
    """For each draw (…) the panels that the quadrature needs, up to a factor: the resolved rate times the duration.

    Draws of similar speed are best evaluated together.
    """
    durations = np.array([float(stage.duration) for stage in stages])
    return np.asarray((_resolved(stage_columns(stages)) * durations).sum(axis=-1))


def _over_draws(reduce: Callable[..., Any], values: np.ndarray) -> np.ndarray:
    """One value a stage from values of the shape (…, S)."""
    return np.asarray(reduce(values, axis=tuple(range(values.ndim - 1))))
