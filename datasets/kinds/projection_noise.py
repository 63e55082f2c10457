"""The noise of the prepared atoms at several Faraday angles (Fig. S.1)."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ...forward_models.light import initial_spin_noise
from .kind import VARIANCE_NOISES, Kind, Measured, Run, column


class ProjectionNoise(Kind):
    """Projection noise, linear in Θ, and classical noise, quadratic in it."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        n2, p = column(run.initial.n2), column(run.initial.p)
        return initial_spin_noise(x, run.value("projection_noise_slope"), run.value("classical_noise"), n2, p)


PROJECTION_NOISE = ProjectionNoise(
    "projection_noise",
    "atomic noise after preparation, not normalised to Jx",
    "atomic noise",
    "faraday_angle",
    noises=VARIANCE_NOISES,
    calibration=True,
    constants=("faraday_angle", "classical_noise", "projection_noise_slope"),
    shows_coupling=False,
    symbols=("pn", "noise", "atomicnoise", "variance", "var"),
    without=("classical_noise", "linear part: projection noise"),
)
