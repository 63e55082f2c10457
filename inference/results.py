"""Results that are xarray objects: a fit, a prediction, the summary of a campaign. They show themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from xarray import Dataset, DataTree

from .shown import Shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

_GROUPS = {"posterior", "summary", "derived", "experiment", "sample_stats", "posterior_predictive", "observed_data"}


class FitTree(Shown, DataTree):  # type: ignore[misc, no-untyped-call]
    """A fit: the xarray.DataTree in the ArviZ schema that `fit` returns; notebooks display it.

    Groups, attributes and all functions of xarray and ArviZ are those of a DataTree.
    """

    __slots__ = ()
    kind = "fit"

    @classmethod
    def of(cls, tree: DataTree) -> Self:
        """The fit in any DataTree that holds one, such as what `xarray.open_datatree` or ArviZ read from its file."""
        from .checks import assess

        fit = tree if isinstance(tree, cls) else cls(tree.to_dataset(inherit=False), children=dict(tree.children))
        fit.attrs.setdefault("status", "")
        fit.attrs["status"] = fit.attrs["status"] or assess(fit).status
        return fit

    def _is_whole(self) -> bool:
        whole = set(self.children) >= _GROUPS and "settings" in self.attrs
        return whole and {"chain", "draw"} <= set(self["posterior"].sizes)

    def covariance(self, *, derived: bool = False) -> DataFrame:
        """Posterior covariance of the free parameters by label, in their units; `derived`: rates that follow, too."""
        import pandas as pd

        from .fits import Fit

        draws = Fit.of(self).by_label(derived=derived)
        return pd.DataFrame(np.atleast_2d(np.cov([d.ravel() for d in draws.values()])), list(draws), list(draws))

    def curve(self, times: Sequence[float] | np.ndarray, quantity: str = "xi", *, run: str | None = None) -> DataFrame:
        """Quantiles of what the posterior expects of the atoms at these times (ms), a row per time; see `predict`."""
        from .fits import predict

        return predict(self, times=times, quantities=[quantity], run=run).summary()

    def plot(self, what: str = "series", *, path: str | Path | None = None, width: str = "column",
             run: str | None = None) -> Figure:  # fmt: skip
        """A figure of the fit by its name, see `inference.plot`; a notebook shows it."""
        from .figures import plot

        return plot(self, what, path, width=width, run=run)


class Prediction(Shown, Dataset):  # type: ignore[misc, no-untyped-call]
    """What `predict` returns: an xarray.Dataset with the dims draw and time."""

    __slots__ = ()
    kind = "prediction"

    def _is_whole(self) -> bool:
        others = [array for name, array in self.data_vars.items() if name != "stage_lights"]
        return "stage_lights" in self and all(array.dims == ("draw", "time") for array in others)


class CampaignSummary(Shown, Dataset):  # type: ignore[misc, no-untyped-call]
    """What `campaign` returns: an xarray.Dataset with a row per data set."""

    __slots__ = ()
    kind = "campaign"

    def _is_whole(self) -> bool:
        columns: dict[Any, Any] = {name: array.dims for name, array in self.data_vars.items()}
        return columns.get("mean") == columns.get("sd") == ("dataset", "parameter") and "status" in columns
