"""Evidence of a model, ∫ likelihood × prior: by bridge sampling from the draws of a fit, by SMC as a check.

Both work where every prior is a standard normal distribution (z-scores): there posteriors are near to normal ones.
Bridge sampling: Meng & Wong, Stat. Sinica 6, 831 (1996); Gronau et al., J. Math. Psychol. 81, 80 (2017). SMC: PyMC's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..fits import Fit, total_log_likelihood
from ..model import Problem
from ..sampling import bulk_ess_and_rhat

if TYPE_CHECKING:
    from xarray import DataTree

LogDensity = Callable[[np.ndarray], np.ndarray]
"""Log of an unnormalised density at points (n, dimensions), (n,)."""
_ITERATIONS = 200
_CLOSE = 1e-8
_ACCURACY = 1e-6
SMC_DRAWS, SMC_RUNS, SMC_THRESHOLD = 4000, 4, 0.8
"""Threshold: share of the draws that count after each step of the tempering; small steps scatter less."""


@dataclass(frozen=True)
class Evidence:
    """The evidence of a model.

    log_evidence : ln ∫ likelihood × prior, nats, NaN if it could not be computed;  error : its standard error
    method : "bridge" or "smc"
    """

    log_evidence: float
    error: float
    method: str


def bridge_evidence(fit: DataTree | Fit, seed: int = 1) -> Evidence:
    """The evidence of the model of a fit from its draws, by bridge sampling.

    Meng & Wong, Stat. Sinica 6, 831 (1996); Gronau et al., J. Math. Psychol. 81, 80 (2017). Nothing is fitted again.

    fit : what `fit` returned;  seed : of the draws of the normal distribution to which the posterior is bridged

    Returns
    -------
    Evidence: ln ∫ likelihood × prior and its standard error, nats
    """
    fitted = Fit.of(fit)
    return evidence_of_draws(fitted.problem, fitted.by_label(), seed)


def evidence_of_draws(problem: Problem, by_label: Mapping[str, np.ndarray], seed: int = 1) -> Evidence:
    """The evidence of a model from draws of its posterior, label → (chain, draw); NaN where it cannot be had."""
    priors = {u.label: u.prior for u in problem.free}
    z_scores = np.stack([priors[label].z_score(by_label[label]) for label in priors], axis=-1)
    if not np.isfinite(z_scores).all():
        return Evidence(np.nan, np.nan, "bridge")
    return bridge(log_posterior(problem), z_scores, seed)


def log_posterior(problem: Problem) -> LogDensity:
    """Log of likelihood × prior as a function of the z-scores (n, parameters), in the order of the free parameters."""
    priors = {u.label: u.prior for u in problem.free}
    together = problem.correlated

    def density(z_scores: np.ndarray) -> np.ndarray:
        values = {label: prior.from_z_score(z_scores[:, k]) for k, (label, prior) in enumerate(priors.items())}
        possible = np.all([prior.possible(values[label]) for label, prior in priors.items()], axis=0)
        some = {label: v[possible] for label, v in values.items()}
        whole = problem.complete(some)
        total = np.full(len(z_scores), -np.inf)
        if possible.any():
            total[possible] = total_log_likelihood(problem, whole, accuracy=_ACCURACY)
        total = total - 0.5 * (z_scores**2).sum(axis=1) - 0.5 * z_scores.shape[1] * np.log(2 * np.pi)
        return total if together is None else np.asarray(total + together.log_density(values, np))

    return density


def bridge(density: LogDensity, draws: np.ndarray, seed: int = 1) -> Evidence:
    """ln ∫ density from draws of it (chains, draws, dimensions), by the optimal bridge to a normal distribution.

    Each half of every chain is bridged to the normal distribution that the other half suggests; the result is the
    mean of both. The error is that of the averages over draws (with their autocorrelation) and over the normal one, or
    half the difference of the two results where that is larger.
    """
    half = draws.shape[1] // 2
    parts = (draws[:, :half], draws[:, half : 2 * half])
    rng = np.random.default_rng([seed, 7])
    found = [_half_bridge(density, *pair, rng) for pair in (parts, parts[::-1])]
    values, errors = np.array(found).T
    error = max(float(np.sqrt((errors**2).sum()) / 2), abs(float(values[0] - values[1])) / 2)
    return Evidence(float(values.mean()), error, "bridge")


def _half_bridge(
    density: LogDensity, shaping: np.ndarray, bridged: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    from scipy.stats import multivariate_normal

    dimensions = shaping.shape[-1]
    flat = shaping.reshape(-1, dimensions)
    normal = multivariate_normal(flat.mean(axis=0), np.atleast_2d(np.cov(flat.T)))
    points = bridged.reshape(-1, dimensions)
    proposed = np.reshape(normal.rvs(len(points), random_state=rng), (-1, dimensions))
    ours = density(points) - normal.logpdf(points)
    theirs = np.nan_to_num(density(proposed) - normal.logpdf(proposed), nan=-np.inf)
    start = float(np.median(ours))
    autocorrelated = bulk_ess_and_rhat(ours.reshape(1, *bridged.shape[:2]))[0][0]
    n1, n2 = min(float(autocorrelated), len(points)), float(len(proposed))
    log_s1, log_s2 = np.log(n1 / (n1 + n2)), np.log(n2 / (n1 + n2))
    value = 0.0
    for _ in range(_ITERATIONS):
        above = theirs - start - np.logaddexp(log_s1 + theirs - start, log_s2 + value)
        below = -np.logaddexp(log_s1 + ours - start, log_s2 + value)
        new = _log_mean(above) - _log_mean(below)
        if abs(new - value) < _CLOSE:
            break
        value = new
    upper, lower = np.exp(above - above.max()), np.exp(below - below.max())
    square = upper.var() / upper.mean() ** 2 / n2 + lower.var() / lower.mean() ** 2 / n1
    return start + new, float(np.sqrt(square))


def _log_mean(logs: np.ndarray) -> float:
    top = logs.max()
    return float(top + np.log(np.mean(np.exp(logs - top))))


def smc_evidence(fit: DataTree | Fit, seed: int = 1, draws: int = SMC_DRAWS, runs: int = SMC_RUNS) -> Evidence:
    """The evidence of the model of a fit, nats, by PyMC's sequential Monte Carlo, to check `bridge_evidence`; minutes.

    fit : what `fit` returned;  seed : of the runs
    draws, runs : particles of each run, and independent runs, whose scatter gives the error
    """
    from ..model import model_of

    fitted = Fit.of(fit)
    return smc(model_of(fitted.problem), seed, draws, runs)


def smc(model: object, seed: int = 1, draws: int = SMC_DRAWS, runs: int = SMC_RUNS) -> Evidence:
    """The evidence of a PyMC model: mean and standard error of the log evidence over the runs."""
    import logging

    import pymc as pm

    logger = logging.getLogger("pymc")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        found = pm.sample_smc(
            draws=draws, chains=runs, cores=1, model=model, random_seed=seed, progressbar=False,
            compute_convergence_checks=False, threshold=SMC_THRESHOLD,
        )  # fmt: skip
    finally:
        logger.setLevel(level)
    last = last_of_each(found["sample_stats"]["log_marginal_likelihood"].values)
    return Evidence(float(last.mean()), float(last.std(ddof=1) / np.sqrt(runs)), "smc")


def last_of_each(stages: np.ndarray) -> np.ndarray:
    """The last number of each run: an array padded with NaN, or, where runs have different lengths, one of lists."""
    rows = [np.concatenate([np.ravel(np.asarray(entry, float)) for entry in np.ravel(row)]) for row in stages]
    return np.array([row[np.isfinite(row)][-1] for row in rows])
