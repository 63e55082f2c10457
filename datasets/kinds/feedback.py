"""Second moments of readout and feedback mode: what the past light tells of the light that reads the atoms out."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ...forward_models.light import light_variance
from ..errors import check_rows, violation
from .conditional_xi import mode_of_past
from .kind import LARGEST_NUMBER, Kind, Measured, Run, interleaved


class Feedback(Kind):
    """var(y_read), var(y_feed) and cov(y_read, y_feed), one after the other for each time."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        times = x[::3]
        readout, mode = run.readout_at(times, series.probe_duration), mode_of_past(series, times, run)
        read = light_variance(run.at("xi", times), readout, xp=run.xp)
        covariance = mode.covariance_with_readout(series.probe_duration, xp=run.xp)
        return run.value("shot_noise_level", 1.0) * interleaved([read, mode.variance, covariance], run.xp)

    @override
    def check(self, series: Measured, where: str) -> None:
        read, feed, covariance = series.value.reshape(-1, 3).T
        check_rows(f"{where}: read", read, read > 0, "a variance > 0")
        check_rows(f"{where}: feed", feed, feed > 0, "a variance > 0")
        possible = covariance**2 < read * feed
        check_rows(f"{where}: covariance", covariance, possible, "less than √(read × feed) in size")
        repetitions = series.spread[::3]
        ok = np.isfinite(repetitions) & (repetitions >= 3) & (repetitions <= LARGEST_NUMBER)
        check_rows(f"{where}: repetitions", repetitions, ok, "at least 3 repetitions")
        for name, size in series.errors.items():
            raise violation(f"{where}: {name}_uncertainty", size, f"0 for {self.name}: shot_noise_level does it")


FEEDBACK = Feedback(
    "feedback",
    "variances of y_read and y_feed and their covariance, over the shot noise",
    "moments of y_read and y_feed",
    components=("read", "feed", "covariance"),
    noises=("wishart",),
    needs=("probe_duration", "mode_rate"),
    populations=("steady", "unmodelled"),
    constants=("detection_efficiency",),
    if_known=("shot_noise_level",),
)
