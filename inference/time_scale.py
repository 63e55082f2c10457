"""Whether times and rates can belong together: seconds read as milliseconds would take minutes to fit, in vain."""

from __future__ import annotations

from collections.abc import Sequence

from ..datasets import Experiment, ExperimentError
from .correlations import is_rate
from .unknowns import Unknown

_SHORTEST, _LONGEST = 0.02, 2000.0
"""Of a series, in units of 1/(the fastest rate by the prior medians): what lies outside is off by a wrong unit."""


def require_time_scale(experiment: Experiment, parameters: Sequence[Unknown]) -> None:
    """Raise ExperimentError where, by the priors, nothing happens while a series lasts, or all is over at once."""
    medians = {u.label: float(u.prior.quantile(0.5)) for u in parameters if is_rate(u.label)}
    if not medians:
        return
    label = max(medians, key=medians.__getitem__)
    for series in experiment.series:
        if series.about.abscissa != "time" or series.run in experiment.constant or not series.fitted.any():
            continue
        last = float(series.x[series.fitted].max())
        if 0 < last * medians[label] < _SHORTEST or last * medians[label] > _LONGEST:
            short = last * medians[label] < 1
            happened = "nothing could have happened" if short else "all would have been over long before"
            raise ExperimentError(
                f"series {series.name}: its last point is at {last:g} ms, but the fastest rate, {label}, is expected to"
                f" be {medians[label]:g} 1/ms: {happened}. Are its times in"
                f" {'s' if short else 'µs, or ms that were called s'}? If they are right, give the rates priors of"
                " that size"
            )
