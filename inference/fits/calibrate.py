"""Calibration runs alone: their fit, and what later fits take from it as prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment, ExperimentError, read
from ...datasets.formats import CALIBRATION_OF, CalibrationFile, Coupling, fingerprint_of, write_calibration
from ...datasets.prediction import expected
from ...forward_models import Dynamics
from ..model import ModelParameter, ModelSettings, Problem, SamplerSettings
from .result import Fit
from .summary import PRIOR_DOMINATED

if TYPE_CHECKING:
    from xarray import DataTree


CONSTANTS = (
    "shot_noise_level",
    "projection_noise_slope",
    "classical_noise",
    "quadratic_zeeman",
    "detection_efficiency",
    "initial_n3",
    "initial_nh",
)
"""What a calibration passes on as priors, where the data determine it."""
_ALL_DRAWS = 1_000_000


def calibrate(
    experiment: Any,
    output: str | Path | None = None,
    *,
    seed: int = 1,
    priors: Mapping[str, str] | None = None,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    progress: Callable[[Any], None] | None = None,
) -> DataTree:
    """Fit only the calibration runs of an experiment (coupling, projection noise, shot noise, orientation tests).

    Parameters
    ----------
    experiment : a bundled name, a folder, a .nc file, a DataTree, or an Experiment
    output : calibration file (TOML) to write, if given: `calibration = "FILE"` in an experiment.toml takes it as prior
    seed, priors, draws, tune, chains, cores, progress : as for `fit`

    Returns
    -------
    FitTree : the fit, as `fit` returns it

    Raises
    ------
    ExperimentError, PriorError : where there are no calibration runs, and for what cannot be fitted
    """
    from ..results import FitTree
    from .fit import fit_problem

    data = calibration_runs(experiment if isinstance(experiment, Experiment) else read(experiment))
    problem = Problem(data, calibration_settings(priors or {}))
    result = FitTree.of(fit_problem(problem, SamplerSettings(seed, draws, tune, chains, cores), progress))
    if output is not None:
        write_calibration(calibration_of_fit(result), output)
    return result


def calibration_settings(priors: Mapping[str, str]) -> ModelSettings:
    """Γ̃ itself is the unknown: κ² depends on it, not on what it consists of, and on no closure."""
    return ModelSettings(free_dephasing=True, priors=dict(priors))


def calibration_runs(experiment: Experiment) -> Experiment:
    """The experiment with its calibration runs only. ExperimentError where it has none."""
    series = tuple(s for s in experiment.series if s.about.calibration and not s.pulse_time)
    if not any(s.fitted.any() for s in series):
        raise ExperimentError(
            f"{experiment.title}: found no calibration runs, expected a series coupling, projection_noise, shot_noise"
            " or orientation_beat"
        )
    return replace(experiment, series=series, records=(), observations=(), title=CALIBRATION_OF + experiment.title)


def calibration_of_fit(fit: DataTree | Fit) -> CalibrationFile:
    """What a fit of calibration runs tells later fits: priors of calibration constants, their correlation, and κ².

    Each posterior is described by a log-normal distribution where its prior is on a logarithmic scale, else by a normal
    one; constants that stayed as the prior had them are left out. κ²(Θ) fixes no rate singly: what it says is kept as
    one measurement of κ² for each series, where its uncertainty is least.
    """
    fit = Fit.of(fit)
    experiment, values = fit.experiment, fit.thinned(_ALL_DRAWS)
    informed = {row.label for row in fit.summary if (row.contraction or 0.0) >= PRIOR_DOMINATED}
    kept = [u for u in fit.problem.free if u.label in informed and u.name in CONSTANTS]
    described = {u.label: _described(u, values[u.label]) for u in kept}
    couplings = _couplings(experiment, values, fit.problem.dynamics)
    if not kept and not couplings:
        raise ExperimentError(f"{experiment.title}: found nothing that these data determine, expected some precise")
    matrix = np.zeros((0, 0))
    if kept:
        matrix = np.atleast_2d(np.corrcoef(np.array([scores for _, scores in described.values()])))
    priors = {label: text for label, (text, _) in described.items()}
    sources = tuple(fingerprint_of(series) for series in experiment.series if series.fitted.any())
    return CalibrationFile(experiment.title, experiment.simulated, priors, tuple(priors), matrix, couplings, sources)


def _couplings(experiment: Experiment, values: dict[str, Any], dynamics: Dynamics) -> tuple[Coupling, ...]:
    found = []
    for series in experiment.series:
        if series.kind == "coupling" and series.fitted.any():
            at = {series.name: np.unique(series.fitted_x)}
            draws = expected(replace(experiment, series=(series,)), values, dynamics, points=at).series[series.name]
            relative = draws.std(axis=0) / draws.mean(axis=0)
            best = int(np.argmin(relative))
            row = (at[series.name][best], series.probe_duration, draws[:, best].mean(), draws[:, best].std())
            found.append(Coupling(*(float(f"{number:.6g}") for number in row)))
    return tuple(found)


def _described(unknown: ModelParameter, draws: np.ndarray) -> tuple[str, np.ndarray]:
    """A prior like these draws, and the draws on the scale on which it is normal."""
    if unknown.prior.form == "normal":
        return f"normal({draws.mean():.6g}, {draws.std():.4g})", draws
    logs = np.log(draws)
    return f"lognormal({np.exp(logs.mean()):.6g}, {logs.std():.4g})", logs
