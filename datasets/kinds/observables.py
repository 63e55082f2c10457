"""Quantities of the atoms themselves: ξ, P, Jy, the orientation, ΣJ; the model follows them in time."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ..errors import violation
from .kind import VARIANCE_NOISES, Kind, Measured, Run, beyond_noise

LARGEST_XI = 20.0
"""Median of ξ beyond which it is not normalised to uncorrelated spins: 13 dB of noise."""
LARGEST_SPIN = 3.0
"""Median size of a normalised spin beyond which it is no fraction of the spin at t = 0."""


_OF_TWO, _IN_DECIBELS = (1.7, 2.3), 0.1
"""ξ of uncorrelated spins where that of both ensembles was added up; ξ below which none begins, but 0 dB."""
_EARLY = 0.1
"""Share of the times in which the first point of a series tells with what it begins."""
_DECIBELS = 'for decibels: units = { value = "dB" }'
_PER_CENT = "for per cent: factor = { value = 0.01 }"
_ARBITRARY = 'for volts or degrees: amplitude = "free" in its [[series]]'


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
        if series.amplitude:
            return
        size = float(np.median(series.value))
        if _below_zero(series):
            raise violation(f"{where}: value", f"values of size {size:.3g}", f"a variance > 0 ({_DECIBELS})")
        if self.entangled_below_one and size > LARGEST_XI:
            expected = f"ξ, which is 1 for uncorrelated spins ({_PER_CENT})"
            raise violation(f"{where}: value", f"values of size {size:.3g}", expected)

    @override
    def doubts(self, series: Measured, *, moving: bool) -> list[str]:
        if series.amplitude:
            return []
        found = []
        negative = beyond_noise(series, -series.value)
        if negative:
            found.append(f"{negative} is below 0, but a variance cannot be: {_DECIBELS}; or too much was subtracted")
        first, early = series.value[series.fitted][0], series.x[series.fitted][0] < _EARLY * series.x.max()
        begins = f"begins at {first:.3g}, but uncorrelated atoms have 1"
        if self.entangled_below_one and moving and abs(first) < _IN_DECIBELS:
            found.append(f"{begins}: {_DECIBELS}")
        if self.entangled_below_one and moving and early and _OF_TWO[0] < first < _OF_TWO[1]:
            found.append(f"{begins}: for the variance of a sum, in units of one ensemble, write projection_noise = 2")
        if "scale" not in series.errors and not series.slope_used:
            found.append(
                "has no scale_uncertainty: its projection noise counts as exactly known, and the errors of the rates"
                " come out too small if it is not (the paper's ± 4 %: scale_uncertainty = 0.04)"
            )
        return found


class NormalisedSpin(Kind):
    """A mean spin over what it was at the start."""

    @override
    def doubts(self, series: Measured, *, moving: bool) -> list[str]:
        if series.amplitude:
            return []
        found = []
        if large := beyond_noise(series, abs(series.value) - 1):
            found.append(
                f"{large} is above 1, its value at the start by definition: give the error of the normalisation"
                f" (scale_uncertainty = 0.02); {_ARBITRARY}"
            )
        if not series.offset and (negative := beyond_noise(series, -series.value)):
            found.append(
                f"{negative} is below 0, although it decays to 0: for a background, offset_uncertainty = 0.01 or"
                ' offset = "free"; for a signal of the other sign, factor = { value = -1 }'
            )
        return found

    @override
    def check(self, series: Measured, where: str) -> None:
        if series.amplitude:
            return
        size, most = float(np.median(abs(series.value))), LARGEST_SPIN + 3 * float(np.median(series.spread))
        if size > most:
            expected = f"fractions of the spin at t = 0 ({_PER_CENT}; {_ARBITRARY})"
            raise violation(f"{where}: value", f"values of size {size:.3g}", expected)
        if not series.offset and _below_zero(series):
            expected = "fractions > 0 of the spin at t = 0 (for a signal of the other sign: factor = { value = -1 })"
            raise violation(f"{where}: value", f"values of size {np.median(series.value):.3g}", expected)


def _below_zero(series: Measured) -> bool:
    """Whether most values are negative beyond their noise and their common errors."""
    background = sum(series.errors.get(name, 0.0) for name in ("offset", "offset_drift"))
    return bool(np.median(series.value + 3 * series.spread) + 3 * background < 0)


XI = SpinVariance(
    "xi",
    "normalised EPR variance ξ",
    "ξ (normalised EPR variance)",
    noises=VARIANCE_NOISES,
    takes=("efficiency_in_scale", "slope_used"),
    populations=("moving", "steady", "unmodelled"),
    quantity=True,
    entangled_below_one=True,
    symbols=("xi", "ξ", "epr", "squeezing", "varsum", "variance", "var"),
)
POLARIZATION = NormalisedSpin(
    "polarization",
    "mean spin P = ⟨Jx(t)⟩/⟨Jx(0)⟩",
    "P = ⟨Jx(t)⟩/⟨Jx(0)⟩",
    quantity=True,
    normalised_to_start=True,
    shows_coupling=False,
    symbols=("p", "pol", "polarization", "polarisation", "polarisierung", "jx", "sx"),
)
TRANSVERSE_SPIN = NormalisedSpin(
    "transverse_spin",
    "transverse spin Jy(t)/Jy(0)",
    "Jy(t)/Jy(0)",
    populations=("moving", "steady", "unmodelled"),
    quantity=True,
    normalised_to_start=True,
    shows_xi=False,
    symbols=("jy", "sy", "transversespin", "transverse"),
)
ORIENTATION = Kind(
    "orientation",
    "orientation o",
    "orientation o",
    populations=("moving", "steady"),
    quantity=True,
    shows_coupling=False,
    symbols=("o", "orientation", "orientierung"),
)
EPR_VARIANCE = SpinVariance(
    "epr_variance",
    "EPR variance ΣJ/2⟨Jx(0)⟩",
    "ΣJ / 2⟨Jx(0)⟩",
    noises=VARIANCE_NOISES,
    takes=("efficiency_in_scale",),
    quantity=True,
    symbols=("sigmaj", "σj", "epr", "varsum", "variance", "var"),
)
