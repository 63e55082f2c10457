"""A smooth curve by which a series may differ from the model: a Gaussian process, by its Karhunen–Loève expansion.

Its covariance is sd² exp(−Δ²/2ℓ²), ℓ a third of the length of the series. The curve is Σ w_k √λ_k φ_k, w_k standard
normal, λ_k and φ_k the eigenvalues and eigenfunctions of the covariance on the length of the series. As a part of the
mean it goes with noise of any family. Source: Rasmussen & Williams, Gaussian Processes for Machine Learning, 4.3.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..experiment import DISCREPANCY_TERMS, Series

LENGTH = 1 / 3
"""ℓ over the length of the series."""
_NODES = 30


def discrepancy_terms(series: Series, at: np.ndarray) -> np.ndarray:
    """sd √λ_k φ_k at some abscissas (T,): (terms, T)."""
    nodes, weights = _expansion()
    distance = series.ramp(at)[:, None] - nodes
    return np.asarray(series.discrepancy_uncertainty * (np.exp(-0.5 * (distance / LENGTH) ** 2) @ weights).T)


@cache
def _expansion() -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n,) on [0, 1], and the weights (n, terms) of the covariances with them: Nyström's method."""
    nodes, share = np.polynomial.legendre.leggauss(_NODES)
    nodes, root = 0.5 * (nodes + 1), np.sqrt(0.5 * share)
    covariance = np.exp(-0.5 * ((nodes[:, None] - nodes) / LENGTH) ** 2)
    sizes, vectors = np.linalg.eigh(root[:, None] * covariance * root)
    sizes, vectors = sizes[::-1][:DISCREPANCY_TERMS], vectors[:, ::-1][:, :DISCREPANCY_TERMS]
    return nodes, root[:, None] * vectors * np.sign(vectors[0]) / np.sqrt(sizes)
