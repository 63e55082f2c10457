"""How the rates move when a calibration constant is off by one standard deviation of what was known of it.

The posterior draws are reweighted by the ratio of the shifted prior to the prior that was used (Pareto-smoothed
importance sampling, arXiv:1507.02646). On the scale s on which a prior is standard normal, a centre off by one standard
deviation makes it exp(s − ½). Where a calibration made priors correlated, this is the ratio for a calibration that is
off by one standard deviation in that constant and by what goes with it in the others. Where the draws cannot follow
(Pareto k̂ > 0.7), the shifted model is fitted.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets.experiment import SERIES_ERRORS, Label
from ...forward_models import PARAMETERS
from ..fits import Fit, sample_posterior
from ..model import ModelParameter, Prior, PriorError, Problem

RELIABLE = 0.7
"""Pareto k̂ above which reweighted draws are not to be trusted."""
NOTABLE_SHIFT = 0.1
"""Shifts of a posterior mean, in its standard deviations, that are named."""
_REFITTED, _REWEIGHTED, _UNRELIABLE = "refitted", "reweighted", "unreliable"


@dataclass(frozen=True)
class CalibrationShift:
    """What one calibration constant, off by one standard deviation, does to each rate.

    constant : its label;  off_by : how much that is, in its unit, from the centre of its prior
    shifts, absolute, errors (rates,) : of the posterior means, in posterior standard deviations, and in ms⁻¹; Monte
        Carlo errors of the first
    pareto_k : of the reweighting;  how : "reweighted", "refitted", or "unreliable" (k̂ > 0.7, and not fitted)
    """

    constant: str
    off_by: float
    shifts: np.ndarray
    absolute: np.ndarray
    errors: np.ndarray
    pareto_k: float
    how: str


@dataclass(frozen=True)
class CalibrationSensitivity:
    """Shifts of the rates `labels`, one column per constant."""

    labels: tuple[str, ...]
    columns: tuple[CalibrationShift, ...]

    @property
    def matrix(self) -> np.ndarray:
        """Shifts in posterior standard deviations, (labels, constants)."""
        return np.stack([column.shifts for column in self.columns], axis=-1)

    def facts(self) -> dict[str, Any]:
        """The same as plain values, for --json."""
        return {
            "rates": list(self.labels),
            "constants": [
                {
                    "constant": column.constant,
                    "off_by": column.off_by,
                    "unit": Label.parse(column.constant).parameter.unit,
                    "shift_in_sd": column.shifts.tolist(),
                    "shift": column.absolute.tolist(),
                    "error_in_sd": column.errors.tolist(),
                    "pareto_k": column.pareto_k,
                    "how": column.how,
                }
                for column in self.columns
            ],
        }


def calibration_sensitivity(
    fitted: Fit, *, refit: bool = True, cores: int | None = None, limit: float = RELIABLE
) -> CalibrationSensitivity:
    """Shift of each rate by each constant of the apparatus, of the start, and by scale and offset of each series.

    refit : whether to fit again where reweighting fails (k̂ above `limit`), with the sampler's settings of the fit
    cores : of those fits; None: all

    Raises
    ------
    ExperimentError : where such a fit cannot be made
    """
    draws = {label: a.reshape(-1) for label, a in fitted.by_label(derived=True).items()}
    rates = {label: a for label, a in draws.items() if Label.parse(label).is_rate and np.ptp(a) > 0}
    columns = []
    for constant in constants(fitted):
        shift = _reweighted(constant, draws[constant.label], rates, fitted.efficiency)
        if shift.pareto_k > limit:
            again = _refitted(fitted, constant, rates, cores) if refit and _can_be_refitted(fitted, constant) else None
            shift = replace(shift, how=_UNRELIABLE) if again is None else replace(again, pareto_k=shift.pareto_k)
        columns.append(shift)
    return CalibrationSensitivity(tuple(rates), tuple(columns))


def constants(fitted: Fit) -> list[ModelParameter]:
    """The free parameters that are known beforehand and are no rates: apparatus, start, errors of series."""
    return [
        u
        for u in fitted.problem.free
        if not Label.parse(u.label).is_rate
        and not u.name.startswith("population_")
        and (not PARAMETERS[u.name].per_series or u.name in SERIES_ERRORS)
        and (u.name, u.index) not in fitted.problem.experiment.free
    ]


def _reweighted(
    constant: ModelParameter, values: np.ndarray, rates: dict[str, np.ndarray], effective: float
) -> CalibrationShift:
    from arviz_stats.base import array_stats

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")  # said by `how`
        log_weights, k = array_stats.psislw(-constant.prior.z_score(values), r_eff=effective, axis=-1)
    weights = np.exp(log_weights - np.max(log_weights))
    weights = weights / weights.sum()
    rows = []
    for a in rates.values():
        shift, sd = weights @ a - a.mean(), a.std()
        error = np.sqrt(np.sum((weights - 1 / len(a)) ** 2 * (a - weights @ a) ** 2) / effective)
        rows.append((shift / sd, shift, error / sd))
    shifts, absolute, errors = np.array(rows).reshape(-1, 3).T
    return CalibrationShift(constant.label, _off_by(constant.prior), shifts, absolute, errors, float(k), _REWEIGHTED)


def _off_by(prior: Prior) -> float:
    return float(prior.from_z_score(1.0) - prior.from_z_score(0.0))


def _can_be_refitted(fitted: Fit, constant: ModelParameter) -> bool:
    """Whether the shifted prior is one that the model can have, and no correlation would be lost."""
    together = fitted.problem.correlated
    alone = together is None or constant.label not in together.labels
    if not alone or constant.prior.form not in ("normal", "lognormal") or constant.prior.truncated:
        return False
    try:
        _shifted(fitted, constant).check()
    except PriorError:  # beyond what the model is computed for
        return False
    return True


def _shifted(fitted: Fit, constant: ModelParameter) -> Problem:
    """The problem with the shifted prior."""
    centre, width = float(constant.prior.from_z_score(1.0)), constant.prior.numbers[1]
    prior = f"{constant.prior.form}({centre!r}, {width!r})"
    settings = replace(fitted.settings, priors={**fitted.settings.priors, constant.label: prior})
    return Problem(fitted.experiment, settings)


def _refitted(
    fitted: Fit, constant: ModelParameter, rates: dict[str, np.ndarray], cores: int | None
) -> CalibrationShift:
    """The shift by a fit with the shifted prior."""
    found = sample_posterior(_shifted(fitted, constant), replace(fitted.sampler, cores=cores)).by_label
    rows = []
    for label, a in rates.items():
        again = found[label]
        shift, sd = again.mean() - a.mean(), a.std()
        rows.append((shift / sd, shift, np.sqrt(2 / (fitted.efficiency * again.size))))
    shifts, absolute, errors = np.array(rows).T
    return CalibrationShift(constant.label, _off_by(constant.prior), shifts, absolute, errors, np.nan, _REFITTED)
