"""The single steps of the paper's fit, on the closed-form model; their order and choices: see `paper_fitting`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..datasets import StageEntry
from ..forward_models import InitialState, Rates, Stage, evolve, transitions
from .initial_slope import InitialSlope

START = InitialState(n3=0.01, nh=0.0)
"""The paper's initial populations."""
_CENTRES = {"radiative_rate": 0.002, "collision_rate": 0.003, "pump_rate": 0.15}
"""Where the search for the rates of P(t) starts, ms⁻¹."""
_SINGULAR = 1e8
Points = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class PopulationFit:
    """What P(t) gives: the rates (dΓ and Γ̃ still 0), values and ± by label, `labels` of those fitted to P(t), χ²."""

    rates: Rates
    labels: tuple[str, ...]
    values: dict[str, float]
    errors: dict[str, float]
    chi2: float
    warnings: tuple[str, ...]


def fit_populations(spin: Points, slope: InitialSlope, stage: StageEntry, limit: float) -> PopulationFit:
    """Γ, Γcol (and Γpump) from P(t), with Γout_L from the slope of P at t = 0 and Z = `limit`.

    The rates are bounded by 0, in natural units (trust region reflective). The ± of Γout_L is that of the slope alone.
    """
    from scipy.optimize import least_squares

    names = ["radiative_rate", "collision_rate", *(["pump_rate"] if "pump" in stage.lights else [])]
    times, values, sigma = spin

    def rates_at(rates: np.ndarray) -> Rates:
        return _with_loss(dict(zip(names, rates, strict=True)), slope.slope, limit)

    def residuals(rates: np.ndarray) -> np.ndarray:
        model = evolve([Stage(stage.duration, rates_at(rates))], times, START, "fixed-number").polarization
        return np.asarray((model - values) / sigma)

    start = np.array([_CENTRES[name] for name in names])
    found = least_squares(residuals, start, bounds=(0, np.inf), x_scale=start, diff_step=1e-5)
    labels = tuple(f"{name}[{stage.label}]" if name == "pump_rate" else name for name in names)
    rates, warnings = rates_at(found.x), []
    errors = np.full(len(names), np.nan)
    scaled = found.jac * start
    if np.linalg.cond(scaled) < _SINGULAR:
        errors = start * np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled)))
    else:
        warnings.append(f"P(t) does not determine {', '.join(labels)}: their covariance is singular, there is no ±")
    if rates.light_loss_rate == 0:
        warnings.append("light_loss_rate is at its bound 0: collisions alone would make P fall faster than it does")
    by_label = dict(zip(labels, map(float, found.x), strict=True)) | {"light_loss_rate": float(rates.light_loss_rate)}
    errors_by_label = dict(zip(labels, map(float, errors), strict=True)) | {"light_loss_rate": slope.error}
    return PopulationFit(rates, labels, by_label, errors_by_label, float(2 * found.cost), tuple(warnings))


def _with_loss(given: dict[str, float], slope: float, limit: float) -> Rates:
    """The rates with the Γout_L ≥ 0 that makes Ṗ(0) = [−(Γ43+4Γout) n4 + (Γ34−3Γout) n3]/(4n4+3n3) equal `slope`."""
    n3 = START.n3
    n4 = 1 - n3
    rates = Rates(
        collective_rate=0.0,
        squeezing_limit=limit,
        light_loss_rate=0.0,
        repump_rate=0.0,
        dephasing_rate=0.0,
        **({"pump_rate": 0.0} | given),
    )
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


def fit_dephasing(decay: Points, stage: StageEntry, rates: Rates, collective: float) -> tuple[float, float, float]:
    """Γ̃ ≥ 0 from Jy(t)/Jy(0) = exp(−½∫(Γ̃ + dΓ p)dt) at the fitted populations, its ±, and χ²."""
    from scipy.optimize import least_squares

    times, values, sigma = decay
    known = Stage(stage.duration, replace(rates, collective_rate=collective))
    collective_part = evolve([known], times, START, "fixed-number").transverse_spin

    def residuals(dephasing: np.ndarray) -> np.ndarray:
        return np.asarray((collective_part * np.exp(-0.5 * dephasing[0] * times) - values) / sigma)

    found = least_squares(residuals, [0.2], bounds=(0, np.inf), diff_step=1e-5)
    return float(found.x[0]), float(1 / np.sqrt((found.jac**2).sum())), float(2 * found.cost)
