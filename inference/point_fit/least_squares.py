"""Least squares, as a careful lab fits a model to its series: all at once, by SciPy.

Model and data are those of the posterior. What is different:

- rates have no priors: the medians of the posterior's priors are where the search starts, nothing more;
- the common errors of a series (scale, offset, …) and the populations at the start are parameters with a penalty: the
  z-score in their prior is one more residual each. Either alone can take up an error of the other;
- what else the lab knows is taken as exactly known: the entries of [apparatus], calibration files, d by the Faraday
  angle, Z, η and ν₂ (published ones where nothing is said), parameters fixed by hand. `--fix 'scale[xi]=1'` is the fit
  of a lab that forgets the error of the scale;
- every noise is Gaussian: of a variance from R repetitions σ = value × √(2/dof), of Student's t its scale.

Rates are fitted in natural units, bounded where their domain ends (≥ 0), by a trust region reflective search: in
logarithms a rate that the data do not see would run away to −∞. The error bar is one standard deviation from the
covariance (JᵀJ)⁻¹, not rescaled by χ²; rates that follow (Γ̃, Γ) have theirs by linear propagation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...datasets.experiment import DAY_FACTORS, SERIES_ERRORS
from ...forward_models import Closure
from ..model import ModelParameter, Prior, Problem, pose, require_data, words_for
from .point_fit import PointFit, Step, edge_warnings, misfits
from .residuals import Residuals

_CALIBRATIONS = (
    "squeezing_limit",
    "detection_efficiency",
    "quadratic_zeeman",
    "depth_per_degree",
    "discrepancy",
)
"""Constants that a lab takes from elsewhere, also where the experiment says nothing of them."""
_PENALISED = (*SERIES_ERRORS, *DAY_FACTORS, "initial_n3", "initial_nh")
"""Parameters that have their prior as a residual."""
_TOLERANCE = 1e-10
_SINGULAR = 1e8
_MOST_EVALUATIONS = 1000
"""Of the model; a search that ends takes a few dozen."""
_MEANING = (
    "one standard deviation from the covariance matrix of the fit, including the priors of scales, offsets and"
    " populations at the start; everything held fixed is taken as exact"
)


def least_squares(
    experiment: Any,
    *,
    sharing: Mapping[str, str] | str | Path | None = None,
    closure: Closure = "open",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
) -> PointFit:
    """The least-squares fit of an experiment, or of several; what is fitted and what is not: see this module.

    Parameters
    ----------
    experiment, sharing, closure, free_dephasing : as for `fit`
    priors : `fixed(value)` fixes a parameter; those of scales, offsets and populations at the start are penalties; of
        any other one the median is the start of the search

    Returns
    -------
    values and error bars by label, rates in ms⁻¹, with the covariance of the free parameters

    Raises
    ------
    ExperimentError : for data that cannot be fitted so: no ± (records, covariances), a population, nothing to fit,
        fewer data than parameters
    PriorError : for priors that cannot be read
    """
    with words_for(experiment):
        return fit_least_squares(
            pose(experiment, sharing=sharing, closure=closure, free_dephasing=free_dephasing, priors=priors)
        )


def fit_least_squares(problem: Problem) -> PointFit:
    """The least-squares fit of a problem; raises as `least_squares` does."""
    experiment = problem.experiment
    _require_known_noise(experiment)
    known = [p for p in problem.free if _is_known(experiment, p)]
    if all(p in known or p.name in _PENALISED for p in problem.free):
        raise ExperimentError("least squares: found every parameter known or fixed, expected at least one to fit")
    held = {p.label: f"fixed({_known_value(p.prior)!r})" for p in known}
    settings = replace(problem.settings, priors={**problem.settings.priors, **held})
    residuals = Residuals(Problem(experiment, settings), _PENALISED)
    varied = residuals.problem.free
    if residuals.count() < len(varied):
        penalties = len(residuals.penalties)
        raise ExperimentError(
            f"least squares: found {residuals.count() - penalties} data for {len(varied) - penalties} parameters,"
            " expected at least as many; fix some, or use --method posterior"
        )
    found, covariance, warnings = _minimum(residuals)
    values, errors = _with_derived(residuals, found.x, covariance)
    labels = tuple(p.label for p in varied)
    steps = (Step("all data", labels, float((found.fun**2).sum()), residuals.count() - len(labels)),)
    low = {p.label: p.prior.low for p in varied if np.isfinite(p.prior.low)}
    return PointFit(
        method="least-squares",
        experiment=experiment,
        dynamics=problem.dynamics,
        meaning=_MEANING,
        values=values,
        errors=errors,
        fixed={label: float(value) for label, value in residuals.problem.fixed.items()},
        steps=steps,
        labels=labels,
        matrix=covariance,
        warnings=(*warnings, *misfits(steps), *edge_warnings(values, errors, low), _ignored(known, residuals)),
        converged=bool(found.success),
    )


def _require_known_noise(experiment: Experiment) -> None:
    """Raise ExperimentError for data without an error bar, for none, and for parameters that only a prior relates."""
    require_data(experiment, experiment.title)
    without = [s.name for s in experiment.series if s.noise == "wishart"] + [r.name for r in experiment.records]
    if without:
        raise ExperimentError(
            f"least squares: found {', '.join(without)}, which need a likelihood of their noise, expected series with"
            " error bars; use --method posterior"
        )
    together = ", ".join(s.name for s in experiment.series if s.correlated)
    if together:
        raise ExperimentError(
            f"least squares: found {together} with correlated noise, expected independent noise; use --method posterior"
        )
    if "population" in experiment.sharing.values():
        of = ", ".join(name for name, way in experiment.sharing.items() if way == "population")
        raise ExperimentError(
            f"least squares: found a population ({of}), which needs a prior, expected shared or separate"
        )


def _is_known(experiment: Experiment, parameter: ModelParameter) -> bool:
    """Whether a lab has the value from elsewhere."""
    name, members = parameter.name, experiment.members or [""]
    if name in _PENALISED or (name, parameter.index) in experiment.free:
        return False
    stated = any(experiment.knows(name, member) for member in members)
    by_angle = name == "optical_depth" and any(experiment.knows("faraday_angle", member) for member in members)
    calibrated = parameter.label in experiment.calibrated or name in experiment.calibrated
    return stated or by_angle or calibrated or name in _CALIBRATIONS


def _known_value(prior: Prior) -> float:
    """The mean of a normal prior, the median of others."""
    return float(prior.numbers[0] if prior.form == "normal" else prior.quantile(0.5))


def _ignored(known: list[ModelParameter], residuals: Residuals) -> str:
    """What a lab's knowledge is not used for."""
    exact = ", ".join(p.label for p in known)
    text = f"no error bar includes the uncertainty of {exact}; " if exact else ""
    without = (p.label for k, p in enumerate(residuals.problem.free) if k not in residuals.penalties)
    return f"{text}no prior is used for {', '.join(without)}"


def _minimum(residuals: Residuals) -> tuple[Any, np.ndarray | None, list[str]]:
    """What SciPy found, (JᵀJ)⁻¹ there, None where it is singular, and warnings."""
    from scipy.optimize import least_squares

    found: Any = least_squares(
        residuals.at,
        residuals.start,
        jac=residuals.jacobian,
        bounds=(residuals.ends[0], residuals.ends[1]),
        x_scale="jac",
        max_nfev=_MOST_EVALUATIONS,
        ftol=_TOLERANCE, xtol=_TOLERANCE, gtol=_TOLERANCE,
    )  # fmt: skip
    ended = f"the search did not end at a minimum ({found.message}): the values are not valid"
    warnings = [] if found.success else [ended]
    length = np.linalg.norm(found.jac, axis=0)
    if length.all() and np.linalg.cond(found.jac / length) <= _SINGULAR:
        return found, np.linalg.inv(found.jac.T @ found.jac), warnings
    warnings.append("the covariance is singular: the data do not determine all parameters, so there are no error bars")
    return found, None, warnings


def _with_derived(
    residuals: Residuals, x: np.ndarray, covariance: np.ndarray | None
) -> tuple[dict[str, float], dict[str, float]]:
    """Values and error bars by label, of derived rates by linear propagation; NaN without a covariance."""
    rates, slopes = residuals.derived(x)
    values = {p.label: float(value) for p, value in zip(residuals.problem.free, x, strict=True)} | rates
    if covariance is None:
        return values, dict.fromkeys(values, float("nan"))
    variances = [*np.diag(covariance), *np.einsum("ri,ij,rj->r", slopes, covariance, slopes)]
    return values, dict(zip(values, map(float, np.sqrt(variances)), strict=True))
