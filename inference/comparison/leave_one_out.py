"""Leave-one-out prediction of all data together, by points, times, series or experiments: PSIS-LOO (arXiv:1507.04544).

Where the importance weights fail, a fit without the unit gives the number exactly (`refitted`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import ExperimentError
from ..fits import Fit
from .data_points import DataUnit, data_points, data_units

if TYPE_CHECKING:
    from xarray import DataTree

_SMALL = ("point", "time")
"""Units of which importance weights can hold; without a whole series a posterior is another one, whatever k̂ says."""
_FEWEST_DRAWS = 100


@dataclass(frozen=True)
class LeaveOneOut:
    """Expected log predictive density (elpd) of data, left out unit by unit.

    units : what is left out at a time;  pointwise, pareto_k (units,) : elpd (nats) and Pareto k̂ of each
    p_loo : effective parameters;  limit : k̂ above which the estimate of a unit fails; −∞ for whole series
    refits : columns of the units whose estimate is from a fit without them;  unsure : of these, those whose fit is
        not healthy
    """

    units: tuple[DataUnit, ...]
    pointwise: np.ndarray
    pareto_k: np.ndarray
    p_loo: float
    limit: float
    refits: tuple[int, ...] = ()
    unsure: tuple[int, ...] = ()

    @property
    def elpd(self) -> float:
        """Of all data."""
        return float(self.pointwise.sum())

    @property
    def se(self) -> float:
        """Its standard error, from the scatter over the units."""
        return float(np.sqrt(len(self.pointwise)) * self.pointwise.std())

    @property
    def failing(self) -> list[int]:
        """The units with k̂ beyond the limit that were not fitted again, the worst first."""
        order = np.argsort(-self.pareto_k)
        return [int(k) for k in order if self.pareto_k[k] > self.limit and int(k) not in self.refits]

    @property
    def failed(self) -> list[str]:
        """'xi at 3.5' of each of these."""
        return [self.units[k].label for k in self.failing]


def leave_one_out(fit: DataTree | Fit, unit: str = "point") -> LeaveOneOut:
    """PSIS-LOO over all series and published numbers together (arXiv:1507.04544).

    fit : what `fit` returned;  unit : left out at a time: "point", "time", "series" or "experiment"

    Raises
    ------
    ExperimentError : for an unknown unit, one of which there is but one, and for fewer than a hundred draws
    """
    import arviz_stats as azs
    import xarray as xr

    fit = Fit.of(fit)
    units, posterior = data_units(fit.experiment, unit), fit.tree["posterior"].dataset
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    if draws < _FEWEST_DRAWS:
        raise ExperimentError(f"leave one out: found {draws} draws, expected at least {_FEWEST_DRAWS}")
    density = fit.tree["log_likelihood"].dataset
    points = np.stack([density[p.series].values[..., p.number] for p in data_points(fit.experiment)], axis=-1)
    columns = np.stack([points[..., list(each.columns)].sum(axis=-1) for each in units], axis=-1)
    moves = np.ptp(columns, axis=(0, 1)) > 0  # a point that no parameter moves has one density, and leaves nothing out
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior.isel(draw=slice(0, columns.shape[1])),
            "log_likelihood": xr.Dataset({"all": (("chain", "draw", "unit"), columns[..., moves])}),
        }
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")  # said by `failed`
        found = azs.loo(tree, pointwise=True, var_name="all", reff=fit.efficiency)
    pointwise, k = columns[0, 0].copy(), np.full(len(units), -np.inf)
    pointwise[moves], k[moves] = found.elpd_i.values, found.pareto_k.values
    limit = float(found.good_k) if unit in _SMALL else -np.inf
    return LeaveOneOut(tuple(units), pointwise, k, float(found.p), limit)


def refitted(fit: Fit, found: LeaveOneOut, progress: Callable[[str], None] | None = None) -> LeaveOneOut:
    """The same with the units whose weights fail fitted exactly: a fit without each, with the settings of the fit."""
    from .evidence import bridge_evidence
    from .refit import log_predictive_density

    pointwise, unsure, points = found.pointwise.copy(), list(found.unsure), data_points(fit.experiment)
    whole = bridge_evidence(fit) if found.failing else None
    for k in found.failing:
        if progress is not None:
            progress(f"fitting without {found.units[k].label}")
        left_out = [points[column] for column in found.units[k].columns]
        pointwise[k], healthy = log_predictive_density(fit.problem, fit.sampler, left_out, whole)
        unsure += [] if healthy and np.isfinite(pointwise[k]) else [k]
    effective = found.p_loo + float((found.pointwise - pointwise).sum())
    refits = (*found.refits, *found.failing)
    return replace(found, pointwise=pointwise, p_loo=effective, refits=refits, unsure=tuple(unsure))
