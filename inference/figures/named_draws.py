"""Draws under the symbols of the field, one variable a scalar: what ArviZ's figures and tables are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import Label, shown_unit
from ...forward_models import PARAMETERS
from ..fits import Fit

if TYPE_CHECKING:
    from xarray import Dataset, DataTree


_LINE = 14
"""Longer names go on in a second line."""


def shown_name(label: str) -> str:
    """`dephasing_rate[drive]` as 'Γ̃ [drive] (ms⁻¹)'; a DataTree allows no slash in the name of a variable."""
    unit = shown_unit(PARAMETERS[label.partition("[")[0]].unit)
    text = (Label.parse(label).symbol + (f" ({unit})" if unit else "")).replace("/", "∕")
    return text if len(text) <= _LINE else text.replace(" [", "\n[", 1)


def shown_names(labels: Sequence[str]) -> dict[str, str]:
    """Names by label; many lights go unnamed where a parameter has one value only."""
    names = [label.partition("[")[0] for label in labels]
    alone = {n for n in names if PARAMETERS[n].per_lights and names.count(n) == 1}
    return {
        label: shown_name(name if name in alone and len(label) - len(name) > _LINE else label)
        for label, name in zip(labels, names, strict=True)
    }


def unknown_labels(fitted: Fit) -> list[str]:
    """Labels of the unknowns that vary, in the order of the posterior table."""
    return list(fitted.by_label())


def named_tree(fitted: Fit, labels: Sequence[str], groups: Sequence[str] = ("posterior",)) -> DataTree:
    """Groups with a variable (chain, draw) for each label, under its symbol; `sample_stats` as it is."""
    import xarray as xr

    found: dict[str, Any] = {}
    for group in groups:
        if group == "sample_stats":
            found[group] = fitted.tree[group].dataset
        else:
            found[group] = named(fitted.by_label(group, derived=group == "posterior"), labels)
    return xr.DataTree.from_dict(found)


def named(draws: dict[str, np.ndarray], labels: Sequence[str]) -> Dataset:
    """Draws (chain, draw) of some labels, under their symbols."""
    import xarray as xr

    names = shown_names(labels)
    return xr.Dataset({names[label]: (("chain", "draw"), draws[label]) for label in labels if label in draws})
