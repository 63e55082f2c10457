"""What the groups of a fit must hold: that a file is damaged is said before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..datasets.errors import violation
from .diagnostics import SUMMARY
from .fitted import Fitted
from .layout import layout

if TYPE_CHECKING:
    from xarray import DataTree

_OF_DATA = ("posterior_predictive", "log_likelihood", "observed_data")
_OF_NUMBERS = ("posterior", "prior", *_OF_DATA, "prior_predictive", "sample_stats", "derived", "summary")
_SAMPLES = ("chain", "draw")


def check_form(tree: DataTree, where: str) -> None:
    """Raise ExperimentError for a variable that is missing, is not numbers, or has dimensions without coordinates."""
    for group, names in _expected(tree).items():
        for name in names:
            if group not in tree.children or name not in tree[group].dataset.data_vars:
                raise violation(f"{where}: {group}", f"no {name!r}", "a whole fit")
    for group in _OF_NUMBERS:
        data = tree[group].dataset if group in tree.children else {}
        for name, variable in data.items():
            known = {*_SAMPLES, *variable.coords}
            if variable.dtype.kind not in "iufb" or not known.issuperset(variable.dims):
                found = f"{variable.dtype} of shape {variable.shape}"
                raise violation(f"{where}: {group}: {name}", found, "the numbers of a whole fit")


def _expected(tree: DataTree) -> dict[str, list[str]]:
    fitted = Fitted(tree)
    series = [one.name for one in fitted.experiment.series if one.fitted.any()]
    unknown = [v.name for v in layout(fitted.experiment, fitted.parameters) if not v.formulas]
    of_data = dict.fromkeys(_OF_DATA, series)
    return {"posterior": unknown, "sample_stats": ["diverging"], "summary": list(SUMMARY), **of_data}
