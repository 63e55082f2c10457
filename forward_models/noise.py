"""Kinds of measurement noise, declared once for the simulator and for the likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import pi
from typing import Any

import numpy as np

from .validation import InvalidValue


@dataclass(frozen=True)
class Noise:
    """One kind of noise around a mean m; `spread` is what the data file gives for each point.

    spread : "sigma" (standard deviation) or "repetitions" (number R of repetitions of a variance measurement)
    draw : (rng, m, spread, tail) -> a noisy value
    log_density : (value, m, spread, tail) -> log density, in NumPy
    scatter : (m, spread) -> standard deviation (for Student's t its scale)
    quadratures : for variances: how many quadratures are pooled in one value; else 0
    The argument tail: degrees of freedom of Student's t; not used by the others.
    """

    name: str
    spread: str
    draw: Callable[[np.random.Generator, Any, Any, float], np.ndarray]
    log_density: Callable[[Any, Any, Any, float], np.ndarray]
    scatter: Callable[[Any, Any], Any]
    quadratures: int = 0


def gamma_shape(repetitions: Any, quadratures: int = 2) -> Any:
    """Shape of the Gamma law of a variance from R repetitions of one quadrature, or of two that are pooled.

    Half of its R−1 or 2(R−1) degrees of freedom: relative standard deviation √(2/dof). `repetitions` may be symbolic.
    """
    return 0.5 * quadratures * (repetitions - 1)


def _gaussian(value: Any, mean: Any, sigma: Any, tail: float) -> np.ndarray:
    return np.asarray(-0.5 * ((value - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * pi))


def _student_t(value: Any, mean: Any, sigma: Any, tail: float) -> np.ndarray:
    from scipy.special import gammaln

    constant = gammaln((tail + 1) / 2) - gammaln(tail / 2) - 0.5 * np.log(tail * pi) - np.log(sigma)
    return np.asarray(constant - (tail + 1) / 2 * np.log1p(((value - mean) / sigma) ** 2 / tail))


def _gamma(value: Any, mean: Any, repetitions: Any, tail: float, quadratures: int = 2) -> np.ndarray:
    """No density where the mean is no variance."""
    from scipy.special import gammaln

    shape = gamma_shape(repetitions, quadratures)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = shape * np.log(shape / mean) + (shape - 1) * np.log(value) - shape * value / mean - gammaln(shape)
    return np.where(np.asarray(mean) > 0, density, -np.inf)


def _draw_gamma(rng: np.random.Generator, mean: Any, repetitions: Any, tail: float, quadratures: int = 2) -> np.ndarray:
    """NaN where the mean is no variance: a free Γ̃ below its microscopic floor can make ξ negative."""
    shape = gamma_shape(repetitions, quadratures)
    relative = rng.standard_gamma(np.broadcast_to(shape, np.shape(mean))) / shape
    return np.where(np.asarray(mean) > 0, relative * mean, np.nan)


def _gamma_noise(name: str, quadratures: int) -> Noise:
    return Noise(
        name,
        "repetitions",
        partial(_draw_gamma, quadratures=quadratures),
        partial(_gamma, quadratures=quadratures),
        lambda mean, repetitions: mean / np.sqrt(gamma_shape(repetitions, quadratures)),
        quadratures,
    )


NOISES: dict[str, Noise] = {
    noise.name: noise
    for noise in (
        Noise(
            "gaussian",
            "sigma",
            lambda rng, mean, sigma, tail: mean + sigma * rng.standard_normal(np.shape(mean)),
            _gaussian,
            lambda mean, sigma: sigma,
        ),
        Noise(
            "student-t",
            "sigma",
            lambda rng, mean, sigma, tail: mean + sigma * rng.standard_t(tail, np.shape(mean)),
            _student_t,
            lambda mean, sigma: sigma,
        ),
        _gamma_noise("gamma", 2),
        _gamma_noise("gamma-single", 1),
    )
}


def noise_kind(name: str) -> Noise:
    """The kind of noise called `name`; InvalidValue for an unknown one."""
    if name not in NOISES:
        raise InvalidValue(f"noise = {name!r}: expected one of {', '.join(NOISES)}")
    return NOISES[name]
