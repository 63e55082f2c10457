"""The state of the atoms along a time grid: populations in closed form, the spin variance by quadrature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from ..choices import Closure
from ..validation import BOUNDS_NEEDED, InvalidValue, concrete
from .larmor_mismatch import CYCLE, number_gain, pair_gain, turned_variance
from .populations import PopulationRates, least_polarization, population_rates, populations, series_before, slopes
from .rates import Rates
from .spin_variance import accumulate, lost_noise, noise_share, source
from .stages import InitialState, Stage, check_times
from .time_grid import RateBounds, TimeGrid, time_grid


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
    closure: Closure | Any,
    *,
    quasi_static: bool = False,
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-12,
    xp: Any = np,
) -> Path:
    """The state of the atoms at `times`; arguments as in `evolve`. `quasi_static`: K is not ∫ but (Γ̃ + dΓ p(t)) t."""
    share = column(noise_share(closure))
    times = check_times(stages, times)
    durations = np.array([float(stage.duration) for stage in stages])
    columns = stage_columns(stages, xp)
    starts = _stage_starts(columns, durations, initial, xp)
    bounds = rate_bounds or _bounds(columns, starts, durations)
    grid = time_grid(durations, times, bounds, accuracy)

    rates = columns.at(grid.stage).population_rates
    n2, p = (_gather(start, grid.stage) for start in starts)
    n2, p, _ = populations(grid.elapsed, n2, p, rates, xp=xp)
    if isinstance(share, np.ndarray):
        n2, p = n2 + 0 * share, p + 0 * share  # of one shape, where only c has draws
    panels = columns.at(grid.stage[1:])
    phase = _phase(panels, grid, xp)
    growth, gained = _over_panels(panels, n2, p, grid, _sources(panels, share, phase, xp), xp)
    exponent = _running_sum(growth, xp) if len(grid.widths) else 0 * n2
    summed = partial(
        accumulate,
        exponent=exponent,
        growth=growth,
        points=len(grid.points),
        exponent_bound=float((bounds.fastest * durations).sum()),
        xp=xp,
    )
    variance = _variance(initial, n2, gained, phase, summed, xp)
    if quasi_static:
        exponent = _quasi_static(columns, starts[1], grid, p, durations, xp)
    return Path(*(values[..., grid.wanted] for values in (n2, p, variance, exponent)))


def _variance(
    initial: InitialState, n2: Any, gained: tuple[Any, ...], phase: Any, summed: Callable[..., Any], xp: Any
) -> Any:
    """Σ at the points from what each panel adds: to Σ itself, or to the parts of the pair correlations that turn."""
    start = column(initial.initial_variance)
    if phase is None:
        return summed(start, contributions=gained[0])
    starts = (start - column(initial.n2), 0.0, 0.0)
    number, in_phase, quadrature = (
        summed(first, contributions=each) for first, each in zip(starts, gained, strict=True)
    )
    return turned_variance(n2, number, in_phase, quadrature, phase, xp)


def _running_sum(values: Any, xp: Any) -> Any:
    """Sums up to each point, from 0 at the first."""
    return xp.concatenate([0 * values[..., :1], xp.cumsum(values, axis=-1)], axis=-1)


def _quasi_static(columns: StageColumns, started: Any, grid: TimeGrid, p: Any, durations: np.ndarray, xp: Any) -> Any:
    """(Γ̃ + dΓ p(t)) t, with p as it is at the end: what the paper prints for the decay of Jy, stage by stage.

    started : p at the start of each stage
    """
    ended = columns.dephasing[..., :-1] + columns.collective[..., :-1] * started[..., 1:]
    here = columns.at(grid.stage)
    exponent = (here.dephasing + here.collective * p) * grid.elapsed
    if len(durations) == 1:
        return exponent
    return exponent + _running_sum(ended * durations[:-1], xp)[..., grid.stage]


def _phase(panels: StageColumns, grid: TimeGrid, xp: Any) -> Any:
    """δt at the points, rad; None where the Larmor frequencies are equal."""
    if panels.mismatch is None:
        return None
    return _running_sum(CYCLE * panels.mismatch * grid.widths, xp) if len(grid.widths) else np.zeros(1)


def column(value: Any) -> Any:
    """A value for each draw, (…,), as (…, 1), to go with times (T,); single numbers and symbols as they are."""
    return value[..., None] if np.ndim(value) else value


@dataclass(frozen=True)
class StageColumns:
    """Per-stage coefficients, each of shape (…, S); `mismatch` None where there is none."""

    a: Any
    g: Any
    b: Any
    c: Any
    a_is_smaller: Any
    dephasing: Any
    collective: Any
    squeezing: Any
    mismatch: Any = None

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
    if values is True or values is None:
        return values
    return values[..., :1] if stage.max(initial=0) == 0 else values[..., stage]


def stage_columns(stages: Sequence[Stage], xp: Any = np) -> StageColumns:
    """The coefficients of the stages, side by side: arrays (…, S), … being the shape of the rates."""
    rows = []
    for stage in stages:
        r: Rates = stage.rates
        k = population_rates(r)
        row = (k.a, k.g, k.b, k.c, k.a_is_smaller, r.dephasing_rate, r.collective_rate, r.squeezing_limit)
        rows.append(row)
    mismatches = [stage.rates.larmor_mismatch for stage in stages]
    equal = all((number := concrete(each)) is not None and not number.any() for each in mismatches)
    columns = StageColumns(*(_stack(values, xp) for values in zip(*rows, strict=True)))
    return columns if equal else replace(columns, mismatch=_stack(mismatches, xp))


def _stack(values: Sequence[Any], xp: Any) -> Any:
    """One array with the stages as last axis; True where all are known to be true."""
    if all(value is True for value in values):
        return True
    if xp is np:
        return np.stack(np.broadcast_arrays(*values), axis=-1)
    return xp.stack([xp.as_tensor_variable(np.array(True) if value is True else value) for value in values], axis=-1)


def _stage_starts(columns: StageColumns, durations: np.ndarray, initial: InitialState, xp: Any) -> tuple[Any, Any]:
    """n2 and p at the start of each stage, each of shape (…, S)."""
    n2, p = initial.n2, initial.p
    rows = [(n2 + 0 * columns.a[..., 0], p + 0 * columns.a[..., 0])]
    for s, duration in enumerate(durations[:-1]):
        k = columns.each(partial(_entry, s))
        n2, p, _ = populations(duration, n2, p, k, xp=xp)
        rows.append((n2, p))
    n2, p = (_stack(values, xp) for values in zip(*rows, strict=True))
    return n2, p


Sources = Callable[[Any, Any, Any], tuple[Any, ...]]
"""From n2, p and the time before the end of each panel: what is integrated with the weight e^{−K}."""


def _sources(k: StageColumns, share: Any, phase: Any, xp: Any) -> Sources:
    def lost(n2: Any, p: Any) -> Any:
        return slopes(n2, p, k.population_rates)[0]

    def single(n2: Any, p: Any, before: Any) -> tuple[Any, ...]:
        gone = lost_noise(share, partial(lost, n2, p))
        return (source(n2, p, k.dephasing, k.collective, k.squeezing, gone),)

    def turning(n2: Any, p: Any, before: Any) -> tuple[Any, ...]:
        number = number_gain(n2, p, k.collective, k.squeezing) - lost_noise(1.0 - share, partial(lost, n2, p))
        pairs, angle = pair_gain(p, k.collective, k.squeezing), phase[..., 1:] - CYCLE * k.mismatch * before
        return number, pairs * xp.cos(angle), pairs * xp.sin(angle)

    return single if phase is None else turning


def _over_panels(
    k: StageColumns, n2: Any, p: Any, grid: TimeGrid, sources: Sources, xp: Any
) -> tuple[Any, tuple[Any, ...]]:
    """∫(Γ̃ + dΓ p) and each ∫ e^{−K} q over each panel, K counted from its end; `n2` and `p` at the points."""
    rates, n2_end, p_end = k.population_rates, n2[..., 1:], p[..., 1:]

    def lost(before: Any, integral: Any) -> Any:
        return k.dephasing * before + k.collective * integral

    series = series_before(n2_end, p_end, rates, grid.terms)
    gained: tuple[Any, ...] = ()
    for node, weight in zip(grid.nodes, grid.weights, strict=True):
        before = node * grid.remembered
        n2_node, p_node, integral = series.at(before)
        decayed = weight * grid.remembered * xp.exp(-lost(before, integral))
        now = tuple(decayed * q for q in sources(n2_node, p_node, before))
        gained = tuple(total + new for total, new in zip(gained, now, strict=True)) if gained else now
    if (grid.remembered == grid.widths).all():
        integral = series.integral_from(grid.widths)
    else:
        *_, integral = populations(grid.widths, n2[..., :-1], p[..., :-1], rates, xp=xp)
    return lost(grid.widths, integral), gained


def _bounds(columns: StageColumns, starts: tuple[Any, Any], durations: np.ndarray) -> RateBounds:
    """The bounds that follow from concrete rates."""
    if any(concrete(getattr(columns, name)) is None for name in ("a", "b", "dephasing", "collective")):
        raise InvalidValue(BOUNDS_NEEDED)
    p = least_polarization(durations, *starts, columns.population_rates)
    return RateBounds(
        fastest=fastest_rates(columns),
        populations=_over_draws(np.max, np.maximum(columns.a, columns.b)),
        slowest=np.maximum(_over_draws(np.min, columns.dephasing + columns.collective * p), 0.0),
    )


def fastest_rates(columns: StageColumns) -> np.ndarray:
    """Γ̃ + dΓ + 2b + a + δ of each stage (S,), ms⁻¹, the largest over the draws: no part of the integrand is faster."""
    return _over_draws(np.max, _resolved(columns))


def _resolved(columns: StageColumns) -> Any:
    resolved = columns.dephasing + columns.collective + 2 * columns.b + columns.a
    return resolved if columns.mismatch is None else resolved + CYCLE * columns.mismatch


def speed(stages: Sequence[Stage]) -> np.ndarray:
    """For each draw (…) the panels that the quadrature needs, up to a factor: the resolved rate times the duration.

    A pure number; rates are concrete. Draws of similar speed are best evaluated together.
    """
    durations = np.array([float(stage.duration) for stage in stages])
    return np.asarray((_resolved(stage_columns(stages)) * durations).sum(axis=-1))


def _over_draws(reduce: Callable[..., Any], values: np.ndarray) -> np.ndarray:
    """One value per stage from values of the shape (…, S)."""
    return np.asarray(reduce(values, axis=tuple(range(values.ndim - 1))))
