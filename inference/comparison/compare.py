"""Which model do the data want? Predictive accuracy, stacking weights and evidence of fits of the same data."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...datasets.experiment import Label
from ..checks import assess
from ..fits import Fit, fit_id, read_fit, summary_rows
from ..shown import Shown
from .averaged import Draws, ModelAverage, averages
from .data_points import data_points
from .evidence import Evidence, bridge_evidence, smc_evidence
from .leave_one_out import LeaveOneOut, leave_one_out, refitted
from .prior_price import PriorPrice, prior_prices

SMALL_DIFFERENCE = 4.0
"""Difference of elpd below which models predict alike and its error is not to be trusted (arXiv:2008.10296)."""
FEW_UNITS = 30
"""Units left out below which the standard error of a difference is too small (same source: below a hundred, beware)."""
MOST_REFITS = 40
"""A model that needs more of them is not compared exactly: its importance weights fail nearly everywhere."""
_SHOWN = 5
_ALIKE = 0.1
"""Difference of two ln evidences that is none."""


@dataclass(frozen=True)
class ComparedModel:
    """One model among others.

    left_out : its predictive accuracy
    difference, difference_se : elpd less the best model's, nats, with its standard error
    weight : of stacking, 0 to 1;  evidence : by bridge sampling;  check : by SMC, where asked for
    status : of the fit, see `checks.STATUS`: an "unhealthy" one is not ranked, a "misfit" does not describe the data
    rates : mean and sd of every inferred rate by label, ms⁻¹
    draws : of every rate by label, (chain, draw), ms⁻¹; a number where it is fixed
    fit : identifies the fit, see `fit_id`;  prices : of its priors by label, see `prior_prices`
    """

    name: str
    left_out: LeaveOneOut
    difference: float
    difference_se: float
    weight: float
    evidence: Evidence
    check: Evidence | None
    status: str
    rates: Mapping[str, tuple[float, float]]
    draws: Draws
    fit: str
    prices: Mapping[str, PriorPrice] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether its sampling is."""
        return self.status != "unhealthy"

    @property
    def sure(self) -> bool:
        """Whether its elpd is a number to rely on: weights that hold, or exact fits that reach what was left out."""
        return not self.left_out.failing and not self.left_out.unsure

    @property
    def contradicted(self) -> bool:
        """Whether SMC finds another evidence, beyond three standard errors of both."""
        if self.check is None:
            return False
        difference = abs(self.evidence.log_evidence - self.check.log_evidence)
        return difference > max(3 * float(np.hypot(self.evidence.error, self.check.error)), _ALIKE)


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Models in the order of their predictive accuracy, the best first, those whose sampling failed at the end.

    unit : what was left out at a time;  versions : of what made it
    data_hash : SHA-256 of what the first model was fitted to
    """

    kind = "comparison"
    title: str
    simulated: bool
    unit: str
    models: tuple[ComparedModel, ...]
    data_hash: str
    versions: Mapping[str, str]

    @property
    def ranked(self) -> tuple[ComparedModel, ...]:
        """The models whose sampling is healthy, the best first; all, where none is."""
        return tuple(model for model in self.models if model.healthy) or self.models

    @property
    def with_evidence(self) -> tuple[ComparedModel, ...]:
        """Healthy models whose evidence is a number that SMC does not contradict, the greatest evidence first."""
        having = [m for m in self.models if m.healthy and not m.contradicted and np.isfinite(m.evidence.log_evidence)]
        return tuple(sorted(having, key=lambda model: -model.evidence.log_evidence))

    @cached_property
    def averages(self) -> tuple[ModelAverage, ...]:
        """The rates averaged over the models, by stacking weights and by evidence, see `averaged.averages`."""
        return averages(self)

    def log_bayes_factor(self, model: ComparedModel) -> tuple[float, float]:
        """ln of its evidence over the greatest one, and its standard error; 0 for that one itself."""
        having = [each for each in self.ranked if np.isfinite(each.evidence.log_evidence)]
        if not having or not np.isfinite(model.evidence.log_evidence):
            return float("nan"), float("nan")
        best = self.with_evidence[0] if self.with_evidence else max(having, key=lambda m: m.evidence.log_evidence)
        if model is best:
            return 0.0, 0.0
        error = float(np.hypot(model.evidence.error, best.evidence.error))
        return model.evidence.log_evidence - best.evidence.log_evidence, error


def compare(
    fits: Mapping[str, Any],
    *,
    unit: str = "point",
    refit: bool = True,
    smc: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare fits of the same data: elpd by PSIS-LOO (arXiv:1507.04544), stacking (arXiv:1704.02030), evidence.

    Parameters
    ----------
    fits : name → what `fit` returned, or its file
    unit : what is left out at a time: "point" (a value), "time" (all of a moment), "series", "experiment"
    refit : fit again without each unit where the importance weights fail (Pareto k̂), instead of only saying so; up to
        `MOST_REFITS` per model
    smc : compute each evidence a second time, by sequential Monte Carlo
    progress : told what is being done

    Raises
    ------
    ExperimentError : for fewer than two fits, fits of different data (it says which points differ), an unknown unit
    """
    tell = progress or (lambda text: None)
    given = {name: Fit.of(read_fit(fit) if isinstance(fit, (str, Path)) else fit) for name, fit in fits.items()}
    require_same_data(given)
    found = {name: leave_one_out(fit, unit) for name, fit in given.items()}
    for name, one in found.items():
        if refit and len(one.failing) <= MOST_REFITS:
            found[name] = refitted(given[name], one, lambda text, name=name: tell(f"{name}: {text}"))  # type: ignore[misc]
    status = {name: assess(fit).status for name, fit in given.items()}
    models = []
    for name, place in _in_order(found, status).items():
        tell(f"evidence of {name}")
        fit = given[name]
        check, evidence = smc_evidence(fit) if smc else None, bridge_evidence(fit)
        models.append(ComparedModel(name, found[name], *place, evidence, check, status[name], _rates(fit),
                                    _draws(fit), fit_id(fit.tree), _prices(fit)))  # fmt: skip
    said = given[models[0].name].tree.attrs
    versions = json.loads(said["versions"])
    return Comparison(said["title"], bool(said["simulated"]), unit, tuple(models), said["data_sha256"], versions)


def _rates(fit: Fit) -> dict[str, tuple[float, float]]:
    return {row.label: (row.mean, row.sd) for row in summary_rows(fit.tree) if Label.parse(row.label).is_rate}


def _prices(fit: Fit) -> dict[str, PriorPrice]:
    return prior_prices({p.label: p.prior for p in fit.problem.free}, fit.by_label())


def _draws(fit: Fit) -> dict[str, np.ndarray | float]:
    known = fit.problem.complete(fit.by_label(derived=True))
    return {label: values for label, values in known.items() if Label.parse(label).is_rate}


def _in_order(found: Mapping[str, LeaveOneOut], status: Mapping[str, str]) -> dict[str, tuple[float, float, float]]:
    """The ranking of healthy fits, then the others with their difference from the best and no weight."""
    healthy = {name: one for name, one in found.items() if status[name] != "unhealthy"}
    healthy = healthy or dict(found)
    ranked = _ranked(healthy) if len(healthy) > 1 else dict.fromkeys(healthy, (0.0, 0.0, 1.0))
    best = found[next(iter(ranked))].pointwise
    for name, one in found.items():
        if name not in ranked:
            apart = one.pointwise - best
            ranked[name] = (float(apart.sum()), float(np.sqrt(len(apart)) * apart.std()), 0.0)
    return ranked


def require_same_data(fits: Mapping[str, Fit]) -> None:
    """Raise ExperimentError for fits that were made of different data, saying which points differ."""
    if len(fits) < 2:
        raise ExperimentError(f"compare: found {len(fits)} fit, expected several")
    values = {name: _values(fit.experiment) for name, fit in fits.items()}
    (first, reference), *others = values.items()
    for name, own in others:
        said = [f"{_at(key)} only in {first}" for key in reference if key not in own]
        said += [f"{_at(key)} only in {name}" for key in own if key not in reference]
        said += [
            f"{_at(key)}: {reference[key]:g} in {first}, {own[key]:g} in {name}"
            for key in reference
            if key in own and reference[key] != own[key]
        ]
        if said:
            more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
            raise ExperimentError(
                f"compare: found fits of different data: {'; '.join(said[:_SHOWN])}{more}; expected the same points"
            )


def _values(experiment: Experiment) -> dict[tuple[str, str, int], float]:
    """Series, place, how many points before have the same (a time may be measured twice) → value."""
    found: dict[tuple[str, str, int], float] = {}
    before: Counter[tuple[str, str]] = Counter()
    for p in data_points(experiment):
        found[p.series, p.place, before[p.series, p.place]] = p.value
        before[p.series, p.place] += 1
    return found


def _at(key: tuple[str, str, int]) -> str:
    return key[1] if key[0] == "observations" else f"{key[0]} at {key[1]}"


def _ranked(found: Mapping[str, LeaveOneOut]) -> dict[str, tuple[float, float, float]]:
    """Difference of elpd from the best, its standard error and the weight of stacking by model, the best first."""
    import arviz_stats as azs
    from arviz_stats.utils import ELPDDataLOO
    from xarray import DataArray

    results = {
        name: ELPDDataLOO(elpd=one.elpd, se=one.se, p=one.p_loo, n_samples=1, n_data_points=len(one.units), scale="log",
                          warning=False, good_k=one.limit, elpd_i=DataArray(one.pointwise, dims="unit"))
        for name, one in found.items()
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is said by `comparison_words`
        table = azs.compare(results, method="stacking", round_to="none")
    return {
        str(name): (0.0 - abs(float(row["elpd_diff"])), float(row["dse"]), float(row["weight"]))
        for name, row in table.iterrows()
    }
