"""The populations of sixteen levels along a time grid, and the pair correlations that they drive.

    dC/dt = −(Γ̃ + dΓ p) C − dΓ p (n2 − Z p) − (1 − c) dn2/dt,    dK/dt = Γ̃ + dΓ p

C : pair correlations of the coherence |4,4⟩ ↔ |4,3⟩; c : share of its projection noise that a lost atom takes along.
X = C + (1 − c) n2 obeys dX/dt = −(Γ̃ + dΓ p) X − c dΓ p (n2 − Z p) + (1 − c)(Γ̃ n2 + dΓ Z p²), without a derivative of
the populations. All of their values that this needs are a constant matrix times few Chebyshev coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..choices import Closure
from ..three_state import (
    InitialState,
    RateBounds,
    Stage,
    TimeGrid,
    accumulate,
    check_times,
    column,
    noise_share,
    time_grid,
)
from ..validation import BOUNDS_NEEDED, InvalidValue, concrete
from .chebyshev import Expansion, pieces_of
from .levels import LOST, LOWER, SUMS, UPPER
from .rates import SixteenLevelRates, cut_off, fastest_decay, fastest_rate, flow

_SUMS = np.stack(list(SUMS.values()), axis=-1)


@dataclass(frozen=True)
class Piece:
    """A part of a stage: its rates, Chebyshev vectors (…, K, 16) of its populations, and their `SUMS` (…, K, 5)."""

    rates: SixteenLevelRates
    expansion: Expansion
    vectors: Any
    sums: Any

    def values(self, name: str, weights: np.ndarray) -> Any:
        """One of the `SUMS` (…, T) for the weights (T, K) of times, or of integrals over time."""
        return self.sums[..., list(SUMS).index(name)] @ weights.T

    def populations(self, times: np.ndarray) -> Any:
        """(…, T, 16) at times (T,), ms, since the piece began."""
        return self.expansion.at(times) @ self.vectors


@dataclass(frozen=True)
class SixteenLevelPath:
    """The state at some times (T,): C and K, (…, T) each, and the pieces of the stages from which the rest follows.

    place (T,) : the piece of each time;  elapsed (T,) : ms since that began
    """

    pieces: list[Piece]
    place: np.ndarray
    elapsed: np.ndarray
    correlation: Any
    exponent: Any
    xp: Any

    def of_populations(self, name: str) -> Any:
        """One of the `SUMS` (…, T)."""
        return self.xp.concatenate(
            [piece.values(name, piece.expansion.at(elapsed)) for piece, elapsed in self._by_piece()], axis=-1
        )

    @property
    def populations(self) -> Any:
        """Of all levels, (…, T, 16)."""
        return self.xp.concatenate([piece.populations(elapsed) for piece, elapsed in self._by_piece()], axis=-2)

    def _by_piece(self) -> list[tuple[Piece, np.ndarray]]:
        places = np.unique(self.place) if len(self.place) else [0]
        return [(self.pieces[k], self.elapsed[self.place == k]) for k in places]


def path_of(
    stages: Sequence[Stage],
    times: Any,
    initial: InitialState,
    closure: Closure | Any,
    *,
    rate_bounds: RateBounds | None = None,
    accuracy: float = 1e-12,
    xp: Any = np,
) -> SixteenLevelPath:
    """The state of the atoms at `times`; arguments as in `evolve_sixteen`."""
    times = check_times(stages, times)
    durations = np.array([float(stage.duration) for stage in stages])
    rates = [stage.rates for stage in stages]
    bounds = _bounds(rates) if rate_bounds is None else rate_bounds
    if bounds.largest:
        rates = [cut_off(*pair, xp=xp) for pair in zip(rates, bounds.largest, strict=True)]
    fastest, decays = (np.broadcast_to(np.asarray(b, float), len(stages)) for b in (bounds.fastest, bounds.populations))
    _require_within(rates, decays)
    counts = [pieces_of(decay, duration) for decay, duration in zip(decays, durations, strict=True)]
    spans = np.repeat(durations / counts, counts)
    grid = time_grid(spans, times, RateBounds(np.repeat(fastest, counts), 0.0), accuracy)
    pieces = _pieces(rates, counts, spans, decays, initial, accuracy, xp)
    share = column(noise_share(closure))
    start = column(initial.initial_variance) - share * column(initial.n2)
    parts = [_panels(pieces[k], k, grid, share, xp) for k in np.unique(grid.stage[1:] if len(grid.widths) else 0)]
    growth, gained = (xp.concatenate(values, axis=-1) for values in zip(*parts, strict=True))
    begin = 0 * growth[..., :1] if len(grid.widths) else growth.sum(axis=-1, keepdims=True)
    exponent = xp.concatenate([begin, xp.cumsum(growth, axis=-1)], axis=-1)
    longest = float(fastest @ durations)
    summed = accumulate(start, exponent, growth, gained, points=len(grid.points), exponent_bound=longest, xp=xp)
    wanted = grid.wanted
    path = SixteenLevelPath(pieces, grid.stage[wanted], grid.elapsed[wanted], None, exponent[..., wanted], xp)
    return replace(path, correlation=summed[..., wanted] - (1 - share) * path.of_populations("n2"))


def _pieces(
    rates: Sequence[SixteenLevelRates], counts: Sequence[int], spans: np.ndarray, decays: np.ndarray,
    initial: InitialState, accuracy: float, xp: Any,
) -> list[Piece]:  # fmt: skip
    """The pieces of all stages, each of which begins as the one before it ends."""
    found: list[Piece] = []
    start, first = start_of(initial), np.cumsum([0, *counts])
    for k, one in enumerate(rates):
        expansion = Expansion.of(float(decays[k]), float(spans[first[k]]), accuracy)
        apply = flow(one)
        end = expansion.at(spans[first[k]][None])[0]
        for _ in range(counts[k]):
            vectors = expansion.vectors(apply, start, xp=xp)
            found.append(Piece(one, expansion, vectors, vectors @ _SUMS))
            start = end @ vectors
    return found


def start_of(initial: InitialState) -> Any:
    """Populations (…, 16): n3 in |4,3⟩, nh in |3,3⟩, the others in |4,4⟩."""
    upper, lower, lost = (np.eye(16)[k] for k in (UPPER, LOWER, LOST))
    return upper + column(initial.n3) * (lower - upper) + column(initial.nh) * (lost - upper)


def _panels(piece: Piece, number: int, grid: TimeGrid, share: Any, xp: Any) -> tuple[Any, Any]:
    """∫(Γ̃ + dΓ p) over each panel (…, N) of a piece, and what the sources add to X by its end."""
    panels = np.flatnonzero(grid.stage[1:] == number)
    widths, end, count = grid.widths[panels], grid.elapsed[1:][panels], len(panels)
    before = [node * widths for node in grid.nodes]
    begins, expansion = np.concatenate([end - back for back in (*before, widths)]), piece.expansion
    at = expansion.at(begins[:-count])
    p, n2 = piece.values("p", at), piece.values("n2", at)
    spin = piece.values("p", expansion.integral(begins, np.tile(end, len(before) + 1)))  # ∫p up to the end
    rates = (piece.rates.dephasing_rate, piece.rates.collective_rate, piece.rates.squeezing_limit)
    dephasing, collective, limit = map(column, rates)
    gains = _source(n2, p, dephasing, collective, limit, share)
    gained = 0.0
    for k, (back, weight) in enumerate(zip(before, grid.weights, strict=True)):
        part = slice(k * count, (k + 1) * count)
        gained = gained + weight * widths * xp.exp(-dephasing * back - collective * spin[..., part]) * gains[..., part]
    return dephasing * widths + collective * spin[..., -count:], gained


def _source(n2: Any, p: Any, dephasing: Any, collective: Any, limit: Any, share: Any) -> Any:
    """−c dΓ p (n2 − Z p) + (1 − c)(Γ̃ n2 + dΓ Z p²), ms⁻¹."""
    pairs = collective * p * (limit * p - n2)
    return (
        pairs if isinstance(share, float) and share == 1.0 else pairs + (1 - share) * n2 * (dephasing + collective * p)
    )


def _bounds(rates: Sequence[SixteenLevelRates]) -> RateBounds:
    """The bounds that follow from concrete rates."""
    decays, fastest = ([concrete(of(one)) for one in rates] for of in (fastest_decay, fastest_rate))
    if any(values is None for values in (*decays, *fastest)):
        raise InvalidValue(BOUNDS_NEEDED)
    return RateBounds(*(np.array([np.max(values) for values in rows]) for rows in (fastest, decays)))  # type: ignore


def _require_within(rates: Sequence[SixteenLevelRates], decays: np.ndarray) -> None:
    """InvalidValue where a concrete decay rate of the levels is beyond the range of the expansion."""
    for one, limit in zip(rates, decays, strict=True):
        decay = concrete(fastest_decay(one))
        if decay is not None and np.max(decay) > limit * (1 + 1e-9):
            raise InvalidValue(
                f"sixteen levels: populations decay at up to {np.max(decay):.3g} 1/ms, expected at most {limit:.3g},"
                " the bound given by rate_bounds"
            )
