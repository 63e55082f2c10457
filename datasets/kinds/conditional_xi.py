"""ξ for those who know the light since the beginning of the run."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ...forward_models.light import FeedbackMode, feedback_mode
from .kind import VARIANCE_NOISES, Kind, Measured, Run


class ConditionalXi(Kind):
    """With the best weight on all of the light, or with the mode e^{mt} of it."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        if not series.mode_rate:
            return run.at("conditional_xi", x)
        return mode_of_past(series, x, run).conditional_xi(run.at("xi", x))


def mode_of_past(series: Measured, times: np.ndarray, run: Run) -> FeedbackMode:
    """The mode e^{mt} of the light before these times (T,), ms, in a run with constant rates."""
    return feedback_mode(run.measurement, series.mode_rate, times, run.trajectory.initial_xi, xp=run.xp)


CONDITIONAL_XI = ConditionalXi(
    "conditional_xi",
    "ξ for those who know the light since the beginning of the run",
    "ξ_cond (with the record)",
    noises=VARIANCE_NOISES,
    takes=("mode_rate",),
    populations=("steady", "unmodelled"),
    quantity=True,
    constants=("detection_efficiency",),
    entangled_below_one=True,
    symbols=("xicond", "ξcond", "conditionalxi", "xi", "ξ"),
)
