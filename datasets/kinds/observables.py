"""Quantities of the atoms themselves: ξ, P, Jy, the orientation, ΣJ; the model follows them in time."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ..errors import violation
from .kind import VARIANCE_NOISES, Kind, Measured, Run

LARGEST_XI = 20.0
"""Median of ξ beyond which it is not normalised to uncorrelated spins: 13 dB of noise."""
LARGEST_SPIN = 3.0
"""Median size of a normalised spin beyond which it is no fraction of the spin at t = 0."""


class SpinVariance(Kind):
    """ξ or ΣJ, as a lab gets them from the variance of the light by its own η and projection noise."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        mean = run.at(self.name, x)
        if not series.efficiency_in_scale:
            limit = run.value("squeezing_limit")
            mean = limit + run.value("detection_efficiency") / run.known("detection_efficiency") * (mean - limit)
        if series.slope_used:
            mean = mean * run.value("projection_noise_slope") / series.slope_used
        return mean

    @override
    def check(self, series: Measured, where: str) -> None:
        size = float(np.median(series.value))
        if self.entangled_below_one and size > LARGEST_XI:
            expected = "ξ, which is 1 for uncorrelated spins (of per cent: a hundredth)"
            raise violation(f"{where}: value", f"values of size {size:.3g}", expected)


class NormalisedSpin(Kind):
    """A mean spin over what it was at the start."""

    @override
    def check(self, series: Measured, where: str) -> None:
        size, most = float(np.median(abs(series.value))), LARGEST_SPIN + 3 * float(np.median(series.spread))
        if size > most:
            expected = "fractions of the spin at t = 0 (of per cent: a hundredth)"
            raise violation(f"{where}: value", f"values of size {size:.3g}", expected)


XI = SpinVariance(
    "xi",
    "normalised EPR variance ξ",
    "ξ (normalised EPR variance)",
    noises=VARIANCE_NOISES,
    takes=("efficiency_in_scale", "slope_used"),
    populations=("moving", "steady", "unmodelled"),
    quantity=True,
    entangled_below_one=True,
)
POLARIZATION = NormalisedSpin(
    "polarization",
    "mean spin P = ⟨Jx(t)⟩/⟨Jx(0)⟩",
    "P = ⟨Jx(t)⟩/⟨Jx(0)⟩",
    quantity=True,
    normalised_to_start=True,
    shows_coupling=False,
)
TRANSVERSE_SPIN = NormalisedSpin(
    "transverse_spin",
    "transverse spin Jy(t)/Jy(0)",
    "Jy(t)/Jy(0)",
    populations=("moving", "steady", "unmodelled"),
    quantity=True,
    normalised_to_start=True,
    shows_xi=False,
)
ORIENTATION = Kind(
    "orientation",
    "orientation o",
    "orientation o",
    populations=("moving", "steady"),
    quantity=True,
    shows_coupling=False,
)
EPR_VARIANCE = SpinVariance(
    "epr_variance",
    "EPR variance ΣJ/2⟨Jx(0)⟩",
    "ΣJ / 2⟨Jx(0)⟩",
    noises=VARIANCE_NOISES,
    takes=("efficiency_in_scale",),
    quantity=True,
)
