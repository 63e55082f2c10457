"""Are records white beyond what the fitted model predicts? The checks of their innovations at the posterior mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import Experiment, RecordSeries
from ..datasets.predictions import continuous_measurement
from ..forward_models import Dynamics
from ..forward_models.innovations import WhitenessCheck, innovations, whiteness_checks

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

GROUP = "innovations"


def checks_of(record: RecordSeries, experiment: Experiment, values: Mapping[str, Any]) -> list[WhitenessCheck]:
    """The checks of the fitted records; `values`: draws by label, of which the means are taken."""
    means = {label: float(np.mean(v)) for label, v in values.items()}
    measurement, xi, level = continuous_measurement(experiment, record, means, Dynamics())
    both = record.centred(np.flatnonzero(record.fitted))
    repetitions = int(record.modelled.sum())
    if repetitions > 1:  # the mean that was subtracted took its share of the variance
        both = both / np.sqrt(1 - 1 / repetitions)
    white = innovations(both, measurement, record.interval, xi, level)
    cos, sin = np.split(white, 2)
    return whiteness_checks(cos, sin, record.interval)


def checks_dataset(experiment: Experiment, values: Mapping[str, Any]) -> Dataset:
    """Scores of the checks of every record: NAME (NAME_check), with labels and, as `words`, what they would mean."""
    import xarray as xr

    columns: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for record in experiment.records:
        found, dim = checks_of(record, experiment, values), f"{record.name}_check"
        columns[record.name] = (dim, np.array([check.score for check in found]), {"long_name": "standard normal score"})
        coords[dim] = np.array([check.label for check in found], object)
        coords[f"{record.name}_words"] = (dim, np.array([check.words for check in found], object))
    return xr.Dataset(columns, coords=coords)


def checks_in(fit: DataTree) -> dict[str, list[WhitenessCheck]]:
    """The checks that a fit holds, by name of the records."""
    if GROUP not in fit.children:
        return {}
    data = fit[GROUP].dataset
    return {
        str(name): [
            WhitenessCheck(str(label), float(score), str(words))
            for label, score, words in zip(
                data[f"{name}_check"].values, scores.values, data[f"{name}_words"].values, strict=True
            )
        ]
        for name, scores in data.data_vars.items()
    }
