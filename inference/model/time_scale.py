"""Whether times and rates can belong together: seconds read as milliseconds would take minutes to fit, in vain."""

from __future__ import annotations

from collections.abc import Sequence

from ...datasets import Experiment, ExperimentError
from ...datasets.experiment import RATES
from ...datasets.prediction import find
from .parameters import ModelParameter

_SHORTEST, _LONGEST = 0.02, 2000.0
"""Times the fastest rate, by the prior medians: beyond these the times, or the rates, have another unit."""


def require_time_scale(experiment: Experiment, parameters: Sequence[ModelParameter]) -> None:
    """Raise ExperimentError where, by the priors, nothing happens in any series, or in all everything is over at once.

    A wrong unit hits all series; one of them alone may well be short or long.
    """
    found = []
    for series in experiment.series:
        if series.about.abscissa == "time" and series.run not in experiment.constant and series.fitted.any():
            label, rate = _fastest(experiment, series.run, parameters)
            last = float(series.x[series.fitted].max())
            found.append((last * rate, series.name, last, label, rate))
    if not found or not max(found)[0]:
        return
    short, long = max(found), min(found)
    if short[0] < _SHORTEST:
        raise _refused(short, "nothing could have happened", "s")
    if long[0] > _LONGEST:
        raise _refused(long, "all would have been over long before", "µs, or ms that were called s")


def _fastest(experiment: Experiment, run: str, parameters: Sequence[ModelParameter]) -> tuple[str, float]:
    """Of the rates of the last stage of a run: another one may be fast and over. Nameless and 0 where none is known."""
    lights, member = experiment.run_stages(run)[-1].label, experiment.member.get(run, "")
    medians = {u.label: float(u.prior.quantile(0.5)) for u in parameters}
    found = [(name, find(medians, name, member, of)) for name in RATES for of in ("", lights)]
    known = [(name, rate) for name, rate in found if rate is not None]
    return max(known, key=lambda item: item[1], default=("", 0.0))


def _refused(found: tuple[float, str, float, str, float], happened: str, unit: str) -> ExperimentError:
    _, series, last, label, rate = found
    return ExperimentError(
        f"series {series}: its last point is at {last:g} ms, but the fastest rate, {label}, is expected to be {rate:g}"
        f" 1/ms: {happened}. Are its times in {unit}? If they are right, give the rates priors of that size"
    )
