"""Leave-one-out prediction of all data together (PSIS-LOO, arXiv:1507.04544), and for which points it fails."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xarray import DataTree


@dataclass(frozen=True)
class LeaveOneOut:
    """elpd : expected log predictive density of the data;  se : its standard error;  p_loo : effective parameters

    names, places : series and abscissa (or label) of each point;  pointwise, pareto_k : (points,), of each
    limit : k̂ above which the estimate of a point fails, from the number of draws
    """

    elpd: float
    se: float
    p_loo: float
    names: tuple[str, ...]
    places: tuple[str, ...]
    pointwise: np.ndarray
    pareto_k: np.ndarray
    limit: float

    @property
    def failed(self) -> list[str]:
        """'xi at 3.5' of each point with k̂ beyond the limit, the worst first."""
        order = np.argsort(-self.pareto_k)
        return [f"{self.names[k]} at {self.places[k]}" for k in order if self.pareto_k[k] > self.limit]


def leave_one_out(fit: DataTree) -> LeaveOneOut:
    """PSIS-LOO over the points of all series and published numbers together."""
    import arviz_stats as azs
    import xarray as xr

    names, places, columns = _points(fit)
    moves = np.ptp(columns, axis=(0, 1)) > 0  # a point that no parameter moves has one density, and leaves nothing out
    tree = xr.DataTree.from_dict(
        {
            "posterior": fit["posterior"].dataset.isel(draw=slice(0, columns.shape[1])),
            "log_likelihood": xr.Dataset({"all": (("chain", "draw", "point"), columns[..., moves])}),
        }
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")  # said by `failed`
        found = azs.loo(tree, pointwise=True, var_name="all", reff=efficiency(fit))
    pointwise, k = columns[0, 0].copy(), np.full(len(names), -np.inf)
    pointwise[moves], k[moves] = found.elpd_i.values, found.pareto_k.values
    return LeaveOneOut(
        elpd=float(pointwise.sum()),
        se=float(np.sqrt(len(pointwise)) * pointwise.std()),
        p_loo=float(found.p),
        names=names,
        places=places,
        pointwise=pointwise,
        pareto_k=k,
        limit=float(found.good_k),
    )


def efficiency(fit: DataTree) -> float:
    """Effective draws over draws, at most 1."""
    summary, posterior = fit["summary"].dataset, fit["posterior"]
    number = posterior.sizes["chain"] * posterior.sizes["draw"]
    return float(min(1.0, np.nanmean(summary["ess_bulk"].values) / number))


def _points(fit: DataTree) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    """Series and place of each point, and its log-likelihood (chain, draw, points)."""
    names, places, columns = [], [], []
    for name, variable in fit["log_likelihood"].dataset.data_vars.items():
        where = variable[variable.dims[-1]].values
        names += [str(name)] * len(where)
        places += [at if isinstance(at, str) else f"{at:g}" for at in where]
        columns.append(variable.values)
    return tuple(names), tuple(places), np.concatenate(columns, axis=-1)
