"""The coupling κ² of atoms and light, measured at several Faraday angles."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ...forward_models.light import Readout, coupling_at_angle
from .kind import Kind, Measured, Run


class Coupling(Kind):
    """κ² of a probe pulse at the start of the run, at other optical depths."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        readout = Readout(
            swap_rate=0.5 * run.collective_rate() * run.coupled_spin(),
            extra_decay_rate=0.5 * run.probe_dephasing(),
            squeezing_limit=run.value("squeezing_limit"),
            duration=series.probe_duration,
        )
        return coupling_at_angle(x, run.value("faraday_angle"), readout, xp=run.xp)


COUPLING = Coupling(
    "coupling",
    "coupling κ² of atoms and light",
    "κ²",
    "faraday_angle",
    calibration=True,
    needs=("probe_duration",),
    constants=("faraday_angle",),
    symbols=("kappa2", "κ2", "κ²", "kappasq", "kappa", "coupling"),
)
