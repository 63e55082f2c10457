"""Are records white beyond what the fitted model predicts? The checks of their innovations at the likeliest draw.

Not at the posterior mean, which lies beside a curved ridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment, RecordSeries
from ...datasets.prediction import continuous_measurement
from ...forward_models import Dynamics
from ...forward_models.light import WhitenessCheck, innovations, whiteness_checks

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

GROUP = "innovations"


def checks_of(record: RecordSeries, experiment: Experiment, values: Mapping[str, Any]) -> list[WhitenessCheck]:
    """The checks of the fitted records at one value of each parameter, by label."""
    measurement, xi, level = continuous_measurement(experiment, record, values, Dynamics())
    both = record.centred(np.flatnonzero(record.fitted))
    cos, sin = np.split(innovations(both, measurement, record.interval, xi, level), 2)
    return whiteness_checks(cos, sin, record.interval, centred=record.has_mean)


def checks_dataset(experiment: Experiment, values: Mapping[str, Any]) -> Dataset:
    """Scores of the checks of every record: NAME (NAME_check), with labels and, as `words`, what they would mean.

    values : one of each parameter, by label
    """
    import xarray as xr

    columns, coords = dict[str, Any](), dict[str, Any]()
    for record in experiment.records:
        found, dim = checks_of(record, experiment, values), f"{record.name}_check"
        scores = np.array([check.z_score for check in found])
        columns[record.name] = (dim, scores, {"long_name": "standard normal score"})
        coords[dim] = np.array([check.label for check in found], object)
        coords[f"{record.name}_words"] = (dim, np.array([check.words for check in found], object))
    return xr.Dataset(columns, coords=coords)


def checks_in(fit: DataTree) -> dict[str, list[WhitenessCheck]]:
    """The checks that a fit holds, by name of the records."""
    if GROUP not in fit.children:
        return {}
    data, found = fit[GROUP].dataset, {}
    for name, scores in data.data_vars.items():
        rows = zip(data[f"{name}_check"].values, scores.values, data[f"{name}_words"].values, strict=True)
        found[str(name)] = [WhitenessCheck(str(label), float(score), str(words)) for label, score, words in rows]
    return found
