"""The fit: from an experiment to one DataTree with posterior, predictions, diagnostics and all settings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...forward_models import Closure
from ..model import Problem, SamplerSettings, data_hash, pose, require_data, require_time_scale, words_for
from ..parallel import beside
from ..sampling import Draws, prepared, sample
from .derived import coherences
from .file import stored_sampler
from .groups import fit_tree, prior_groups
from .predictive import quadrature_error
from .summary import QUADRATURE_LIMIT, ParameterSummary, Verdict, summarise, verdict

if TYPE_CHECKING:
    from xarray import DataTree

    from ..results import FitTree

_RESOLUTIONS = (1.0, 4.0, 16.0)
"""Factors on the resolved rates: the next one is taken where the draws show that the grid is too coarse."""


def fit(
    experiment: Any,
    *,
    sharing: Mapping[str, str] | str | Path | None = None,
    seed: int = 1,
    closure: Closure = "open",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
    draws: int = 1000,
    tune: int = 300,
    chains: int = 4,
    cores: int | None = None,
    engine: str | None = None,
    progress: Callable[[Any], None] | None = None,
) -> FitTree:
    """Fit an experiment, or several jointly: the posterior of rates, calibration constants and derived quantities.

    Parameters
    ----------
    experiment : a bundled name, a folder, a .nc file, a DataTree, or an Experiment; a list of them, or a dict by name,
        for a joint fit
    sharing : of a joint fit: parameter → "shared", "separate", "population" or (optical_depth) "tied", or a TOML file
        with a table [sharing]; see `datasets.joint` for what is shared by default
    seed : the same seed gives the same draws, on any number of cores
    closure : "microscopic", "fixed-number" or "open": the share of its projection noise that a lost atom takes along is
        1, 0, or an unknown between, `loss_noise_share`
    free_dephasing : Γ̃ itself is the unknown (the paper's choice); else Γdeph ≥ 0 above its floor
    priors : text by parameter: {"collective_rate": "lognormal(0.1, 1)"}, rates in ms⁻¹; "fixed(0.002)" fixes it
    model : names of rival models, joined by +, e.g. "two-level+student-t"; `dissentangle models` lists them
    draws, tune, chains, cores : of the sampler; cores None: all of the machine
    engine : "fast" (compiled by CasADi and LLVM), "general" (PyMC's own); None takes the fast one where it can
    progress : called from time to time with nutpie's progress of the chains

    Returns
    -------
    FitTree, an xarray.DataTree in the ArviZ schema: posterior, prior, posterior_predictive, prior_predictive,
    log_likelihood, observed_data, sample_stats; and ours: derived, predictions (of published numbers that were not
    fitted), summary, experiment. Attributes: status, verdict, settings, versions. Notebooks display it; it
    has `summary()`, `covariance()`, `curve(times)` and `plot()`

    Raises
    ------
    ExperimentError, PriorError : for what cannot be fitted
    """
    from ..results import FitTree

    with words_for(experiment):
        problem = pose(experiment, sharing, closure, free_dephasing, priors, model)
        require_data(problem.experiment, problem.experiment.title)
        made = SamplerSettings(seed, draws, tune, chains, cores, engine=engine)
        return FitTree.of(fit_problem(problem, made, progress))


def fit_problem(
    problem: Problem,
    sampler: SamplerSettings,
    progress: Callable[[Any], None] | None = None,
    *,
    alone: bool = False,
) -> DataTree:
    """The fit of a problem, as `fit` returns it, as a plain tree without its status; see there.

    alone : whether nothing else goes on in this process, of which a copy may then work beside it
    """
    problem = problem.measured
    require_time_scale(problem)
    cores = sampler.cores if alone and problem.experiment.members else 1  # of one experiment a copy would cost more
    priors = beside(partial(prior_groups, problem, sampler.seed), cores)
    found = sample_posterior(problem, sampler, progress)
    tree = fit_tree(found.problem, sampler.seed, found.drawn, found.values, found.summary, priors(), cores)
    tree.attrs.update(_attributes(found, sampler))
    return tree


@dataclass(frozen=True)
class Sampled:
    """The posterior of a problem.

    problem : with the resolution that the draws needed
    by_label : draws of every scalar that varies, label → (chain, draw);  values : all, flat, with the fixed parameters
    quadrature_error : of the model's integration grid, in standard deviations of the data
    """

    problem: Problem
    drawn: Draws
    by_label: dict[str, np.ndarray]
    values: dict[str, Any]
    quadrature_error: float

    @cached_property
    def summary(self) -> list[ParameterSummary]:
        """The posterior table, with 94 % intervals of highest density."""
        return summarise(self.by_label, self.problem.free, diagnostics=self.problem.by_label(self.drawn.diagnostics))

    def verdict(self, needed: int | None = None) -> Verdict:
        """Whether the sampling is healthy; `needed`: effective draws, where not 100 per chain."""
        drawn = self.drawn
        return verdict(self.summary, drawn.statistics, self.quadrature_error, bfmi=drawn.bfmi, needed=needed)


def sample_posterior(
    problem: Problem, sampler: SamplerSettings, progress: Callable[[Any], None] | None = None
) -> Sampled:
    """Draws from the posterior, on an integration grid fine enough for them.

    Raises ExperimentError where the sampler cannot start, and where data pull a parameter out of its domain.
    """
    for resolution in _RESOLUTIONS:
        problem = problem.at_resolution(resolution)
        drawn = _drawn(problem, sampler, progress)
        by_label = problem.by_label(drawn.variables)
        _require_possible(problem, by_label)
        values = problem.fixed | {label: array.reshape(-1) for label, array in by_label.items()}
        error = quadrature_error(problem, values)
        if error <= QUADRATURE_LIMIT:
            break
    return Sampled(problem, drawn, by_label, values, error)


def _drawn(problem: Problem, sampler: SamplerSettings, progress: Callable[[Any], None] | None) -> Draws:
    start = time.perf_counter()
    ready = prepared(problem, sampler.engine)
    preparing = time.perf_counter() - start
    try:
        return sample(ready, sampler, progress, {"prepare": preparing})
    except (RuntimeError, ValueError) as failure:
        reason = " ".join(str(failure).partition("Stack backtrace")[0].split())  # else a page of addresses
        raise ExperimentError(
            f"{problem.experiment.title}: the sampler cannot start ({reason}); check priors and data"
        ) from failure


def _require_possible(problem: Problem, by_label: dict[str, np.ndarray]) -> None:
    """Raise where data pull a parameter beyond an end of its domain, which a prior far away from it does not have."""
    for u in problem.free:
        lowest, highest = by_label[u.label].min(), by_label[u.label].max()
        if u.prior.low <= lowest and highest <= u.prior.high:
            continue
        beyond = (highest, f"exceeds its upper bound of {u.prior.high:g}")
        if lowest < u.prior.low:
            beyond = (lowest, f"falls below its lower bound of {u.prior.low:g}")
        raise ExperimentError(
            f"{problem.experiment.title}: the posterior of {u.label} reaches {beyond[0]:.2g} and {beyond[1]}: the model"
            " does not describe these data. Check units (also those of what is known beforehand) and normalisation (xi"
            " is 1 for uncorrelated spins), outliers and errors"
        )


def _attributes(found: Sampled, sampler: SamplerSettings) -> dict[str, Any]:
    experiment, drawn, judged = found.problem.experiment, found.drawn, found.verdict()
    settings = {"model": asdict(found.problem.settings), "sampler": stored_sampler(sampler)}
    medians = {label: float(np.median(values)) for label, values in found.values.items()}
    left_out = {run: asdict(one) for run, one in coherences(found.problem, medians).items()}
    return ({"eight_coherences": json.dumps(left_out)} if left_out else {}) | {
        "inference_library": "dissentangle",
        "title": experiment.title,
        "simulated": int(experiment.simulated),
        "settings": json.dumps(settings, ensure_ascii=False),
        "versions": json.dumps(versions()),
        "data_sha256": data_hash(experiment),
        "engine": drawn.engine,
        "engine_reason": drawn.reason,
        "attempts": drawn.attempts,
        "thinning": drawn.thinning,
        "bfmi": drawn.bfmi,
        "quadrature_error": found.quadrature_error,
        "healthy": int(judged.healthy),
        "verdict": judged.text,
        "timings": json.dumps(drawn.timings),
    }


@cache
def versions() -> dict[str, str]:
    """Versions of what the numbers depend on; looked up once per process."""
    from importlib.metadata import version

    names = ("dissentangle", "numpy", "scipy", "pymc", "pytensor", "nutpie", "casadi", "llvmlite", "arviz", "xarray")
    return {name: version(name) for name in names}
