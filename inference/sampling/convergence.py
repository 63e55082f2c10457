"""Effective draws, R-hat and highest-density intervals of all parameters at once.

The definitions are ArviZ's (Vehtari et al., Bayesian Anal. 16, 667, arXiv:1903.08008), and a test holds the numbers to
ArviZ's. They stand here again because importing ArviZ takes longer than the sampling, and a campaign computes them
hundreds of times. Arrays: (parameters, chains, draws).
"""

from __future__ import annotations

import numpy as np

RHAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
TAILS = (0.05, 0.95)
_CONSTANT = 1e-15


def diagnostics(values: np.ndarray) -> np.ndarray:
    """(3, parameters): bulk ESS, tail ESS and R-hat of draws (parameters, chains, draws)."""
    bulk, rhat = bulk_ess_and_rhat(values)
    return np.stack([bulk, tail_ess(values), rhat])


def converged(values: np.ndarray, found: np.ndarray) -> bool:
    """Whether R-hat is below 1.01 and bulk and tail ESS beyond 100 per chain, for all that varies.

    values : (parameters, chains, draws);  found : their `diagnostics`
    """
    bulk, tail, rhat = found[:, np.ptp(values, axis=(1, 2)) > 0]
    needed = ESS_PER_CHAIN * values.shape[1]
    return bool((rhat < RHAT_LIMIT).all() and (bulk > needed).all() and (tail > needed).all())


def bfmi(energy: np.ndarray) -> np.ndarray:
    """E-BFMI of each chain, (chains,): mean squared change of the energy (chains, draws) over its variance.

    Betancourt, arXiv:1604.00695, Eq. (6): below 0.3 the sampler moves too slowly between energies.
    """
    return np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1)


def bulk_ess_and_rhat(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bulk ESS, and the greater of R-hat and R-hat of the folded draws, both from ranks of split chains.

    values : (parameters, chains, draws);  both results : (parameters,)
    """
    halves = _halves(values)
    z_scores = _normal_scores(halves)
    folded = _normal_scores(abs(halves - np.median(halves, axis=(1, 2), keepdims=True)))
    return _effective(z_scores), np.maximum(_rhat(z_scores), _rhat(folded))


def tail_ess(values: np.ndarray) -> np.ndarray:
    """Tail ESS, (parameters,): the lesser of those of the 5 % and the 95 % quantile.

    values : (parameters, chains, draws)
    """
    ends = np.quantile(values, TAILS, axis=(1, 2))
    low, high = (_effective(_halves((values <= end[:, None, None]).astype(float))) for end in ends)
    return np.asarray(np.minimum(low, high))


def highest_density(values: np.ndarray, probability: float) -> tuple[np.ndarray, np.ndarray]:
    """The ends, each (parameters,), of the shortest interval that holds so much of the draws of each parameter.

    values : (parameters, chains, draws), of a posterior with one mode;  probability : 0.94, say
    """
    ordered = np.sort(values.reshape(len(values), -1), axis=1)
    count = ordered.shape[1]
    inside = min(int(probability * count), count - 1)
    first = np.argmin(ordered[:, inside:] - ordered[:, : count - inside], axis=1)
    rows = np.arange(len(ordered))
    return ordered[rows, first], ordered[rows, first + inside]


def _halves(values: np.ndarray) -> np.ndarray:
    """Each chain as two."""
    half = values.shape[-1] // 2
    return np.concatenate([values[..., :half], values[..., -half:]], axis=1)


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """Ranks, ties in the middle, as quantiles of the normal distribution (Eq. 14)."""
    from scipy.special import ndtri

    flat = values.reshape(len(values), -1)
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    begins = np.ones(flat.shape, bool)  # stretches of equal values
    begins[:, 1:] = (ordered[:, 1:] != ordered[:, :-1]) & ~np.isnan(ordered[:, :-1])
    first = np.flatnonzero(begins)
    length = np.diff(first, append=begins.size)
    middle, ranks = first % flat.shape[1] + 0.5 * (length + 1), np.empty_like(flat)
    np.put_along_axis(ranks, order, np.repeat(middle, length).reshape(flat.shape), axis=1)
    scores: np.ndarray = ndtri((ranks - 0.375) / (flat.shape[-1] + 0.25))
    return scores.reshape(values.shape)


def _rhat(values: np.ndarray) -> np.ndarray:
    draws = values.shape[-1]
    between = np.var(values.mean(axis=2), axis=1, ddof=1)
    within = np.var(values, axis=2, ddof=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(between / within + (draws - 1) / draws))


def _effective(values: np.ndarray) -> np.ndarray:
    """ESS of the mean, by Geyer's initial monotone sequence of pairs of autocorrelations (Eqs. 10 to 13)."""
    _, chains, draws = values.shape
    covariance = _autocovariance(values).mean(axis=1)
    within = covariance[:, :1] * draws / (draws - 1)
    total = within * (draws - 1) / draws + np.var(values.mean(axis=2), axis=1, ddof=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = 1 - (within - covariance) / total
    correlation[:, 0] = 1
    pairs = correlation[:, : draws - draws % 2].reshape(len(values), -1, 2).sum(axis=2)
    most = max(0, (draws - 3) // 2)
    ended = np.where((pairs <= 0).any(axis=1), np.argmax(pairs <= 0, axis=1), most)
    ended = np.minimum(ended, most)
    kept = np.arange(pairs.shape[1]) < ended[:, None]
    rows = np.arange(len(values))
    last = correlation[rows, 2 * ended]
    last = np.where(pairs[rows, ended] < 0, np.maximum(last, 0), last)  # at the end of the chain it may be negative
    time = -1 + 2 * np.sum(np.minimum.accumulate(pairs, axis=1), axis=1, where=kept) + last
    size = chains * draws
    effective = size / np.maximum(time, 1 / np.log10(size))
    return np.where(np.ptp(values, axis=(1, 2)) < _CONSTANT, float(size), effective)


def _autocovariance(values: np.ndarray) -> np.ndarray:
    draws = values.shape[-1]
    spectrum = np.fft.rfft(values - values.mean(axis=-1, keepdims=True), n=2 * draws)
    return np.asarray(np.fft.irfft(abs(spectrum) ** 2, n=2 * draws)[..., :draws] / draws)
