"""The variance of the light that has read the atoms out, (S.1)."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ...forward_models.light import light_variance
from .kind import QUADRATURES, SINGLE_NOISES, Kind, Measured, Run


class LightVariance(Kind):
    """In the unit of the measurement: shot noise times what the atoms make of it."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        noise = light_variance(run.at("xi", x), run.readout_at(x, series.probe_duration), xp=run.xp)
        return run.value("shot_noise_level", 1.0) * noise


LIGHT_VARIANCE = LightVariance(
    "light_variance",
    "variance of the light quadratures y_c, y_s over the shot noise",
    "variance of the light",
    components=QUADRATURES,
    noises=SINGLE_NOISES,
    needs=("probe_duration",),
    populations=("moving", "steady", "unmodelled"),
    constants=("detection_efficiency",),
    if_known=("shot_noise_level",),
    reconstructs_xi=True,
)
