"""From whole records to the three numbers that the paper uses: variances of y_read and y_feed, and their covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import violation
from ..experiment import RecordSeries, Series
from ..prediction import Mode, two_modes

_WHOLE = 1e-6
_COARSE = 0.3
"""A mode must change little within a bin: then the sum over bins is the integral to 1 %."""


def feedback_series(
    records: RecordSeries,
    mode_rate: float,
    decay_rate: float,
    probe_duration: float,
    time: float | None = None,
    name: str = "feedback",
    **more: Any,
) -> Series:
    """A series of kind `feedback` with one point, from records that began with their run.

    Parameters
    ----------
    records : at least three fitted ones; excluded ones are ignored
    mode_rate : m of y_feed, the mode e^{mt} of the light before `time`, ms⁻¹
    decay_rate : γ of y_read, the mode e^{−γt} of the light after it, ms⁻¹; best 1/T2
    probe_duration : of y_read, ms, a whole number of bins
    time : when readout begins, ms; by default so that it ends with the records
    more : other fields of `Series`

    Points of several times from the same records are not independent: do not fit them together.

    Raises
    ------
    ExperimentError : for windows that are not whole bins, bins too long for the modes, too few records, and records
        that began later than their run
    """
    at = records.duration - probe_duration if time is None else time
    if records.start:
        raise violation(f"{records.name}: start", f"{records.start:g} ms", "0: y_feed begins with the run")
    count = int(records.fitted.sum())
    if count < 3:
        raise violation(records.name, f"{count} fitted records", "at least 3, for variances and a covariance")
    for key, duration in (("time", at), ("probe_duration", probe_duration)):
        bins = duration / records.interval
        if not abs(bins - round(bins)) < _WHOLE:
            raise violation(f"{records.name}: {key}", f"{duration:g} ms", f"whole bins of {records.interval:g} ms")
    if not (mode_rate + decay_rate) * records.interval < _COARSE:
        modes = f"modes of {mode_rate:g} and {decay_rate:g} 1/ms in bins of {records.interval:g} ms"
        raise violation(records.name, modes, f"bins shorter than {_COARSE / (mode_rate + decay_rate):.2g} ms")
    if not 0 < at <= records.duration - probe_duration * (1 - 1e-9):
        expected = f"more than 0, and the pulse of {probe_duration:g} ms inside the record"
        raise violation(f"{records.name}: time", f"{at:g} ms", expected)
    found = two_modes(records, Mode(at, at + probe_duration, decay_rate), Mode(0.0, at, mode_rate, falling=False))
    return Series(
        name,
        "feedback",
        x=np.full(3, at),
        value=np.array([found.read, found.feed, found.covariance]),
        spread=np.full(3, float(count)),
        noise="wishart",
        run=records.run,
        component=np.arange(3, dtype=np.int8),
        probe_duration=probe_duration,
        mode_rate=mode_rate,
        **more,
    )
