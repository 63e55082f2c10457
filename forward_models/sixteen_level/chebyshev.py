"""exp(Lt) of a matrix by Chebyshev polynomials, with coefficients that depend on times alone.

    exp(Lt) v = Σ_k W_k(t) v_k,   v_k = T_k(I + L/q) v,   W_k(t) = (2 − δ_k0) e^{−qt} I_k(qt)

for eigenvalues of L near [−2q, 0]: 20 terms for qt = 2, 190 for qt = 400. W is a constant matrix with no gradient. It
comes from values of e^{−qt(1−x)} at Chebyshev's nodes, and so do its integrals. Rounding errors grow with qt, where
eigenvectors are nearly parallel: a long time is cut into pieces of `REACH`, good to 2e-12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..validation import InvalidValue

REACH = 400.0
"""The fastest decay rate times the duration of a piece."""
MOST_PIECES = 1000
"""Beyond it times or rates have another unit."""
WIDER, _COMPLEX = 1.2, 0.05
"""2q over the sum of the fastest decays of all processes, and the growth of T_k per order where eigenvalues are not
quite real. In 6000 combinations of the tables, light of both hands included, errors are below 5e-8 for an accuracy of
1e-6, below 1e-9 for 1e-12 (rounding, over long times)."""
_MOST, _SPARE = 400, 8
"""More nodes than terms: what they do not resolve falls on the last of them."""


@dataclass(frozen=True)
class Expansion:
    """Terms of the expansion. `half_range` : q, ms⁻¹; `terms` : how many, K."""

    half_range: float
    terms: int

    @staticmethod
    def of(fastest: float, duration: float, accuracy: float) -> Expansion:
        """For decay rates up to `fastest` (ms⁻¹) and times up to `duration` (ms) ≤ `REACH`/fastest; absolute error."""
        q = max(0.5 * WIDER * fastest, 1e-6 / duration)
        k, x = np.arange(1.0, _MOST), q * duration
        size = np.exp(np.sqrt(x * x + k * k) - x - k * (np.arcsinh(k / x) - _COMPLEX))  # > e^{−x} I_k(x) e^{0.1k}
        return Expansion(q, max(int(k[np.argmax(size < 0.01 * accuracy)]), 3))

    def at(self, times: np.ndarray) -> np.ndarray:
        """W (T, K) at times (T,), ms."""
        return np.asarray(np.exp(-times[:, None] * self._decay) @ self._transform)

    def integral(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """∫ W dt (T, K) from `begin` to `end`, (T,) each, ms; ends that are close lose no digits."""
        within = -np.expm1(-(end - begin)[:, None] * self._decay) / self._decay
        return np.asarray((np.exp(-begin[:, None] * self._decay) * within) @ self._transform)

    @cached_property
    def _decay(self) -> np.ndarray:
        """q(1 − x) at the nodes (J,), ms⁻¹."""
        count = self.terms + _SPARE
        return np.asarray(2 * self.half_range * np.sin(np.pi * (np.arange(count) + 0.5) / (2 * count)) ** 2)

    @cached_property
    def _transform(self) -> np.ndarray:
        """From values at the nodes to Chebyshev coefficients (J, K)."""
        count = self.terms + _SPARE
        angles = np.pi * np.outer(np.arange(count) + 0.5, np.arange(self.terms)) / count
        return np.asarray(np.cos(angles) * np.where(np.arange(self.terms) == 0, 1, 2) / count)

    def vectors(self, apply: Callable[[Any], Any], start: Any, *, xp: Any = np) -> Any:
        """v_k as rows (…, K, n) from v (…, n) and what makes L v of v."""
        scale = 2 / self.half_range
        found = [start, start + 0.5 * scale * apply(start)]
        while len(found) < self.terms:
            found.append(2 * found[-1] + scale * apply(found[-1]) - found[-2])
        return xp.stack(np.broadcast_arrays(*found) if xp is np else found, axis=-2 if xp is np else 0)


def pieces_of(fastest: float, duration: float) -> int:
    """Into how many pieces of `REACH` a duration (ms) is cut; InvalidValue for more than `MOST_PIECES`."""
    count = max(int(np.ceil(fastest * duration / REACH - 1e-9)), 1)
    if count > MOST_PIECES:
        found = f"rates of the levels up to {fastest:.3g} 1/ms over {duration:g} ms"
        raise InvalidValue(f"{found}: expected slower ones, or shorter times: narrower priors? times in another unit?")
    return count
