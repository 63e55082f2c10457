"""The variance of the light without atoms, measurement after measurement."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from .kind import QUADRATURES, SINGLE_NOISES, Kind, Measured, Run


class ShotNoise(Kind):
    """One level for all measurements."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        return run.value("shot_noise_level") + np.zeros(len(x))


SHOT_NOISE = ShotNoise(
    "shot_noise",
    "variance of the light quadratures without atoms",
    "shot noise",
    "number",
    components=QUADRATURES,
    noises=SINGLE_NOISES,
    calibration=True,
    populations=("moving", "steady", "unmodelled"),
    constants=("shot_noise_level",),
    shows_coupling=False,
)
