"""A triangular map from points near a posterior and the slopes of its logarithm there (the scores).

Where v_i is normal about f_i(v before it), with the standard deviation σ_i, the score by it is −(v_i − f_i)/σ_i²: a
linear regression of v_i on functions of those before it and on the score gives f_i almost without noise, from points
that need not be draws. Begun with the tightest one, whose part of the scores of the others is then taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np

from .triangular_map import Naturals, TriangularMap, between, log_steepness, straight

KNEE = 4.0
"""A rate acts linearly up to so many times its median, beyond it less."""
MOST_IN_PRODUCTS = 20
"""Products are tried of the so many coordinates that are loosest."""
MOST_IN_TRIPLES = 5
_WIDE = 0.4
"""Standard deviation, given all others, from which on a logarithm or log ratio is not as good as its parameter."""
_PENALTY = 1.0
"""A term counts where it reduces the logarithm of the squares by more than so many times ln(N)/N: as in the BIC."""
_MOST_WIDENING = 0.3
_SKEWS = np.linspace(-0.5, 0.5, 11)
_MOST, _WORTH = 4.0, 0.9
"""A coordinate is skewed where that makes the squares of what the scores have too much so many times smaller; each
counts for at most 4."""
_DEPENDENT = 1e-8
"""Of its squares, what must be left of a column that is not a sum of others."""


def ordered(covariance: np.ndarray, parts: Sequence[np.ndarray], naturals: Naturals) -> list[np.ndarray]:
    """Each part from loose to tight: the last coordinate is that which all others determine best, and so on.

    Those whose parameter has an end, and that all others leave wide, come before all that have none: data fix sums of
    parameters, where one that is given fixes another without end, but leaves one with an end cut off there.

    parts : those of the first act on all others; those of any other part on that part alone
    """
    found, common, ends = [], parts[0], ~np.isnan(naturals.bend)
    for part in parts:
        before, left, last = ([] if part is common else common.tolist()), part.tolist(), []
        while left:
            precision = np.diag(np.linalg.inv(covariance[np.ix_(before + left, before + left)]))[len(before) :]
            early = ends[left] & (precision < _WIDE**-2)
            last.append(left.pop(int(np.argmax(np.where(early, 0.0, precision) if not early.all() else precision))))
        found.append(np.array(last[::-1], int))
    return found


def fitted_map(
    points: np.ndarray,
    scores: np.ndarray,
    naturals: Naturals,
    order: Sequence[np.ndarray],
    scale: np.ndarray | None = None,
    *,
    draws: int | None = None,
) -> TriangularMap:
    """The map that a regression finds.

    points, scores : (N, n);  order : see `ordered`
    scale : where it is known better than from the points, see `TriangularMap`
    draws : so many points, the first, are draws from the posterior, which tell how wide it is; by default all
    """
    count, n = points.shape
    drawn = points[:draws]
    slope, bend, growth = _bends(drawn, naturals)
    value, steepness = between(slope * (points - bend), growth)
    shift, stretch = value[:draws].mean(axis=0), 1 / (value[:draws].std(axis=0) + 1e-12)
    functions = _by_column([(value - shift) * stretch, np.ones(count), points])
    slopes = _by_column([steepness * slope * stretch, np.zeros(count), np.ones((count, n))])
    scores, widths, skew = np.array(scores, order="F"), np.empty(n), np.zeros(n)
    found: list[_Part] = []
    for own in reversed(order):
        together = own if own is order[0] else np.concatenate([order[0], own])
        # scores of what all parts share are the noise of all parts: no better than draws, far out much worse
        used = slice(draws if own is order[0] and len(order) > 1 else None)
        products = _Products(together, functions[used])
        for position in reversed(range(len(together) - len(own), len(together))):
            i = together[position]
            part = _part(together[:position], products, points[used, i], scores[used, i])
            if scale is None:
                part, widths[i], skew[i] = _shaped(part, scores[used, i], draws)
            _take_out(part, functions[used], slopes[used], scores[used], i)
            found.insert(0, part)
    return TriangularMap(
        np.concatenate(order),
        _rounded(widths if scale is None else scale),
        _rounded(skew),
        _begins([part.coefficients for part in found]),
        np.concatenate([part.factors for part in found]),
        _rounded(np.concatenate([part.coefficients for part in found])),
        _begins([part.widenings for part in found]),
        np.concatenate([part.width_of for part in found]),
        _rounded(np.concatenate([part.widenings for part in found])),
        *(_rounded(array) for array in (slope, bend, growth, shift, stretch)),
    )


@dataclass(frozen=True)
class _Part:
    """What belongs to one coordinate, see `TriangularMap`; its own part, σ w, and e^{Σ q φ}, both (points,)."""

    factors: np.ndarray
    coefficients: np.ndarray
    width_of: np.ndarray
    widenings: np.ndarray
    own: np.ndarray
    width: np.ndarray


def _part(before: np.ndarray, products: _Products, values: np.ndarray, score: np.ndarray) -> _Part:
    """From v = f − σ² (1 + 2 Σ q φ) score, as (σ e^{Σ q φ})² is to first order."""
    functions, n = products.functions, products.functions.shape[1] // 2
    allowed = np.flatnonzero(np.isin(products.factors, [*before, n, *(n + 1 + before)]).all(axis=1))
    spread = score[:, None] * np.column_stack([np.ones(len(values)), functions[:, before]])
    terms, wide = products.selected(allowed, spread, values)
    explaining = np.column_stack([products.columns[:, terms], spread[:, wide]])
    numbers, *_ = np.linalg.lstsq(explaining, values, rcond=None)
    coefficients, (own_slope, *widenings) = numbers[: len(terms)], -numbers[len(terms) :]
    wide = wide[1:] if own_slope > 0 else wide[:0]
    clipped = np.clip(np.array(widenings[: len(wide)]) / (2 * abs(own_slope)), -_MOST_WIDENING, _MOST_WIDENING)
    width_of = before[wide - 1]
    width = np.exp(functions[:, width_of] @ clipped)
    own = (values - products.columns[:, terms] @ coefficients) / width
    return _Part(products.factors[terms], coefficients, width_of, clipped, own, width)


def _shaped(part: _Part, score: np.ndarray, draws: int | None) -> tuple[_Part, float, float]:
    """The part with σ T(w) for its own one, σ and g: so that the score by w is −w, as far as g can make it so."""
    drawn, pull = part.own[:draws], (score * part.width)[:draws]
    middle, spread = float(drawn.mean()), float(drawn.std())
    tried = []
    for g in _SKEWS:
        mean = np.expm1(g**2 / 2) / g if g else 0.0
        scale = spread * (abs(g) / np.sqrt(np.exp(g**2) * np.expm1(g**2)) if g else 1.0)
        w = straight((drawn - middle + scale * mean) / scale, g)
        left = pull * (scale * np.exp(log_steepness(w, g))) + g + w
        tried.append((float(np.minimum(left**2, _MOST).mean()), scale, g, mean))
    best, plain = min(tried, key=lambda one: one[0]), tried[len(tried) // 2]
    _, scale, g, mean = best if best[0] < _WORTH * plain[0] else plain
    coefficients = part.coefficients.copy()
    coefficients[0] += middle - scale * mean
    return replace(part, coefficients=coefficients, own=part.own - middle + scale * mean), scale, float(g)


def _take_out(part: _Part, functions: np.ndarray, slopes: np.ndarray, scores: np.ndarray, i: int) -> None:
    """From the scores at fixed v_i those at fixed w_i: what the coordinates before i do through it is added."""
    n = functions.shape[1] // 2
    for factors, number in zip(part.factors.tolist(), part.coefficients, strict=True):
        own = scores[:, i] * number
        for k, one in enumerate(factors):
            if one != n:
                others = functions[:, factors[k - 1]] * functions[:, factors[k - 2]]
                scores[:, one if one < n else one - n - 1] += own * slopes[:, one] * others
    for one, widening in zip(part.width_of, part.widenings, strict=True):
        scores[:, one] += (scores[:, i] * part.own * part.width + 1) * widening * slopes[:, one]


def _begins(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts])])


def _by_column(arrays: list[np.ndarray]) -> np.ndarray:
    """Beside each other, (points, …), so that each column lies in one piece."""
    return np.asfortranarray(np.column_stack(arrays))


def _rounded(array: np.ndarray) -> np.ndarray:
    """To single precision: linear algebra differs in the last bits between processors and numbers of threads."""
    return array.astype(np.float32).astype(float)


def _bends(points: np.ndarray, naturals: Naturals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    middle, width = points.mean(axis=0), points.std(axis=0)
    own = np.isnan(naturals.bend)
    slope = np.where(own, 1 / (2 * width), naturals.slope)
    bend = np.where(np.isinf(naturals.bend), middle + np.log(KNEE) / naturals.slope, naturals.bend)
    return slope, np.where(own, middle, bend), naturals.growth


class _Products:
    """Products of functions that may be terms: 1, each one and each v alone, products of two and three.

    order : of the coordinates that have some;  functions : φ, 1 and v, (points, 2 n + 1)
    factors : (products, 3);  columns : (points, products)
    """

    def __init__(self, order: np.ndarray, functions: np.ndarray) -> None:
        n = functions.shape[1] // 2
        pairs = [(*pair, n) for pair in combinations_with_replacement(order[:MOST_IN_PRODUCTS], 2)]
        triples = combinations_with_replacement(order[:MOST_IN_TRIPLES], 3)
        self.functions = functions
        self.factors = np.array(
            [(n, n, n), *((j, n, n) for j in order), *((n + 1 + j, n, n) for j in order), *pairs, *triples], int
        )
        self.columns = functions[:, self.factors].prod(axis=2)
        self._gram = self.columns.T @ self.columns

    def selected(self, allowed: np.ndarray, others: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the allowed products and of the other columns explain the values; the first of both in any case.

        Forward selection: the one is added that explains most of what is left, as long as it counts. By the rows of
        a Cholesky decomposition.
        """
        more = np.column_stack([others, values])
        cross = self.columns[:, allowed].T @ more
        gram = np.block([[self._gram[np.ix_(allowed, allowed)], cross], [cross.T, more.T @ more]])
        count, size = len(values), np.diag(gram).copy()
        left, forced, least = size.copy(), [0, len(allowed)], _DEPENDENT * size[:-1]
        chosen: list[int] = []
        rows = np.empty((min(count // 4, len(gram) - 1), len(gram)))
        rest = gram[:, -1].copy()
        while len(chosen) < len(rows):
            gain = np.divide(rest[:-1] ** 2, left[:-1], out=np.zeros(len(rest) - 1), where=left[:-1] > least)
            best = forced.pop(0) if forced else int(np.argmax(gain))
            if len(chosen) > 1 and gain[best] < rest[-1] * -np.expm1(-_PENALTY * np.log(count) / count):
                break
            known = rows[: len(chosen)]
            row = (gram[best] - known[:, best] @ known) / np.sqrt(max(left[best], least[best]))
            row[:-1][left[:-1] <= least] = 0.0  # of sums of others only rounding is left, which would grow
            rows[len(chosen)] = row
            chosen.append(best)
            left -= row**2
            rest -= row * row[-1]
        found = np.array(chosen)
        return allowed[found[found < len(allowed)]], found[found >= len(allowed)] - len(allowed)
