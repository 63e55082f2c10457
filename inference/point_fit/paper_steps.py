"""The single steps of the paper's fit, on the closed-form model; their order and choices: see `paper_fit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets import ExperimentError, StageEntry
from ...datasets.experiment import Label
from ...forward_models import InitialState, Rates, Stage, evolve, polarization, transitions
from .profile import Interval, least_squares_from_zero

START = InitialState(n3=0.01, nh=0.0)
"""The paper's initial populations."""
_CENTRES = {"radiative_rate": 0.002, "collision_rate": 0.003, "pump_rate": 0.15}
"""Where the search for the rates of P(t) starts, ms⁻¹."""
Points = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Times (ms), values, standard deviations; each (T,)."""
_SLOWEST, _FASTEST = 0.1, 100.0
"""Bounds of k, over the duration of the series: a slower relaxation is a straight line, a faster one is not seen."""
_WINDOW = 6.0
"""Relaxation times 1/k within which a curve that relaxes to something slow may be taken as relaxing to a line."""


@dataclass(frozen=True)
class InitialSlope:
    """Slope at t = 0 and its error bar, ms⁻¹; χ² and degrees of freedom of the curve."""

    slope: float
    error: float
    chi2: float
    dof: int


def initial_slope(name: str, times: np.ndarray, values: np.ndarray, sigma: np.ndarray) -> InitialSlope:
    """The slope s at t = 0 of a series (T,) that is normalised to 1 there, times in ms.

    Weighted least squares of 1 + s (1 − e^{−kt})/k through all points, k ≥ 0 unknown. A polynomial would do worse:
    one that follows the points within the noise has a slope at the end of its range that is off by two
    of its error bars.

    Raises ExperimentError for fewer than three points.
    """
    from scipy.optimize import least_squares

    _require(name, times, 3)
    last = times.max()

    def residuals(x: np.ndarray) -> np.ndarray:
        return np.asarray((1 - x[0] * np.expm1(-x[1] * times / last) / x[1] - values) / sigma)

    bounds = ([-np.inf, _SLOWEST], [np.inf, _FASTEST])
    tries = [
        least_squares(residuals, [(values[-1] - 1) * k, k], bounds=bounds, x_scale="jac") for k in (1.0, 3.0, 15.0)
    ]
    best: Any = min(tries, key=lambda found: float(found.cost))
    covariance = np.linalg.pinv(best.jac.T @ best.jac)
    error = float(np.sqrt(covariance[0, 0]) / last)
    return InitialSlope(float(best.x[0] / last), error, float(2 * best.cost), len(times) - 2)


def slope_of_relaxation(
    name: str, times: np.ndarray, values: np.ndarray, sigma: np.ndarray, rate: float
) -> InitialSlope:
    """The slope s at t = 0 of a series (T,) that relaxes at a known rate k (ms⁻¹) to something slow; times in ms.

    Weighted least squares of f + (s − b) (1 − e^{−kt})/k + b t with f and b unknown (f, since the scale of the series
    is unsure; b, since its end value drifts), through the points of the first 6/k.

    Raises ExperimentError for fewer than four points in that time.
    """
    use = times <= _WINDOW / rate
    _require(f"{name} in the first {_WINDOW / rate:.3g} ms", times[use], 4)
    t, risen = times[use], -np.expm1(-rate * times[use]) / rate
    design = np.stack([risen, np.ones_like(t), t - risen], axis=1) / sigma[use, None]
    target = values[use] / sigma[use]
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    chi2 = float(((design @ coefficients - target) ** 2).sum())
    error = float(np.sqrt(np.linalg.pinv(design.T @ design)[0, 0]))
    return InitialSlope(float(coefficients[0]), error, chi2, len(t) - 3)


def _require(name: str, times: np.ndarray, least: int) -> None:
    if len(times) < least:
        raise ExperimentError(f"{name}: found {len(times)} points to take a slope from, expected at least {least}")


@dataclass(frozen=True)
class PopulationFit:
    """What P(t) gives: the rates (dΓ and Γ̃ still 0), values and error bars by label, `labels` of those
    fitted to P(t), χ².

    intervals : by label, of those without an error bar
    """

    rates: Rates
    labels: tuple[str, ...]
    values: dict[str, float]
    errors: dict[str, float]
    chi2: float
    warnings: tuple[str, ...]
    intervals: dict[str, Interval]


def fit_populations(spin: Points, slope: InitialSlope, stage: StageEntry, limit: float) -> PopulationFit:
    """Γ, Γcol (and Γpump) from P(t), with Γout_L from the slope of P at t = 0 and Z = `limit`.

    The rates are bounded by 0, in natural units (trust region reflective). The error bar of Γout_L is that of
    the slope alone.
    """
    names = ["radiative_rate", "collision_rate", *(["pump_rate"] if "pump" in stage.lights else [])]
    times, values, sigma = spin

    def rates_at(found: np.ndarray) -> Rates:
        return _with_loss(dict(zip(names, found, strict=True)), slope.slope, limit)

    def residuals(found: np.ndarray) -> np.ndarray:
        return np.asarray((polarization(rates_at(found), times, START) - values) / sigma)

    found, errors, chi2, ranges = least_squares_from_zero(residuals, np.array([_CENTRES[name] for name in names]))
    rates = rates_at(found)
    labels = tuple(str(Label(name, stage.label if name == "pump_rate" else "")) for name in names)
    warnings = []
    without = [label for label, error in zip(labels, errors, strict=True) if np.isnan(error)]
    if without:
        warnings.append(
            f"no error bar for {', '.join(without)}: next to the bound 0, or χ² is not parabolic; the interval is where"
            " χ², minimised over the other rates, rises by less than 1"
        )
    if rates.light_loss_rate == 0:
        warnings.append("light_loss_rate is at its bound 0: collisions alone would make P fall faster than it does")
    by_label = dict(zip(labels, map(float, found), strict=True)) | {"light_loss_rate": float(rates.light_loss_rate)}
    errors_by_label = dict(zip(labels, map(float, errors), strict=True)) | {"light_loss_rate": slope.error}
    intervals = {label: one for label, one in zip(labels, ranges, strict=True) if one is not None}
    return PopulationFit(rates, labels, by_label, errors_by_label, chi2, tuple(warnings), intervals)


def _with_loss(given: dict[str, float], slope: float, limit: float) -> Rates:
    """The rates with the Γout_L ≥ 0 that makes Ṗ(0) = [−(Γ43+4Γout) n4 + (Γ34−3Γout) n3]/(4n4+3n3) equal `slope`."""
    n3 = START.n3
    n4 = 1 - n3
    none = dict.fromkeys(("collective_rate", "light_loss_rate", "repump_rate", "dephasing_rate", "pump_rate"), 0.0)
    rates = Rates(squeezing_limit=limit, **(none | given))
    t = transitions(rates)
    loss = -slope + (t.cooling * n3 - t.heating * n4) / START.jx
    return replace(rates, light_loss_rate=max(loss - rates.collision_rate, 0.0))


def variance_series(xi: Points, epr_variance: Points, stage: StageEntry, rates: Rates) -> Points:
    """ΣJ(t)/2⟨Jx(0)⟩ as measured, and from ξ(t) by the fitted P(t), since ξ is normalised to the current ⟨Jx⟩."""
    times, values, sigma = xi
    if len(times):
        fitted = evolve([Stage(stage.duration, rates)], times, START, "fixed-number").polarization
        values, sigma = values * fitted, sigma * fitted
    joined = [np.concatenate(pair) for pair in zip((times, values, sigma), epr_variance, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return joined[0][order], joined[1][order], joined[2][order]


def collective_rate(slope: float, rates: Rates) -> tuple[float, float]:
    """dΓ from the slope of ΣJ/2⟨Jx(0)⟩ at t = 0, and |ddΓ/dslope|; fixed-number closure, as the paper has it.

    slope (4n4+3n3) = −4dΓ p(1−Zp) + 7[Γ43 p − (Γout+Γ34−Γ43) n3]
    """
    t, p = transitions(rates), START.p
    per_rate = 4 * p * (1 - rates.squeezing_limit * p)
    others = 7 * (t.heating * p - (t.loss + t.cooling - t.heating) * START.n3)
    return float((others - slope * START.jx) / per_rate), float(START.jx / per_rate)


def fit_dephasing(
    decay: Points, stage: StageEntry, rates: Rates, collective: float
) -> tuple[float, float, float, Interval | None]:
    """Γ̃ ≥ 0 from Jy(t)/Jy(0) = exp(−½∫(Γ̃ + dΓ p)dt) at the fitted populations, its error bar, χ², and its interval."""
    times, values, sigma = decay
    known = Stage(stage.duration, replace(rates, collective_rate=collective))
    collective_part = evolve([known], times, START, "fixed-number").transverse_spin

    def residuals(dephasing: np.ndarray) -> np.ndarray:
        return np.asarray((collective_part * np.exp(-0.5 * dephasing[0] * times) - values) / sigma)

    found, errors, chi2, ranges = least_squares_from_zero(residuals, np.array([0.2]))
    return float(found[0]), float(errors[0]), chi2, ranges[0]
