"""Kinds of series: what is measured, against what, in which columns, with which noise."""

from __future__ import annotations

from dataclasses import dataclass

from ...forward_models import NOISES, OBSERVABLES

ABSCISSAS = {"time": "ms", "delay": "ms", "faraday_angle": "deg", "number": "1"}
"""What a series is measured against, with its unit: time in the run, delay after an RF pulse, Θ, running number."""


@dataclass(frozen=True)
class Kind:
    """One kind of series.

    meaning : of the values
    abscissa : one of `ABSCISSAS`
    components : columns of the values; several where each point consists of several numbers
    noises : that are possible; the first one for each column of spreads is the default
    calibration : whether it is a calibration run, which `calibrate` fits alone
    needs : keys that must be given
    """

    name: str
    meaning: str
    abscissa: str = "time"
    components: tuple[str, ...] = ("value",)
    noises: tuple[str, ...] = ("gaussian", "student-t")
    calibration: bool = False
    needs: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Of the abscissa."""
        return ABSCISSAS[self.abscissa]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that a table of it can have."""
        spreads = dict.fromkeys(NOISES[name].spread for name in self.noises)
        return (self.abscissa, *self.components, *spreads, "exclude")

    def default_noise(self, spread: str) -> str:
        """The noise for a column `sigma` or `repetitions`."""
        fitting = [name for name in self.noises if NOISES[name].spread == spread]
        return fitting[0] if fitting else self.noises[0]


VARIANCES = ("xi", "epr_variance")
NORMALISED_TO_START = ("polarization", "transverse_spin")
_OBSERVABLES = {
    "xi": "normalised EPR variance ξ",
    "polarization": "mean spin P = ⟨Jx(t)⟩/⟨Jx(0)⟩",
    "transverse_spin": "transverse spin Jy(t)/Jy(0)",
    "orientation": "orientation o",
    "epr_variance": "EPR variance ΣJ/2⟨Jx(0)⟩",
}
_VARIANCE_NOISES = ("gaussian", "student-t", "gamma", "gamma-sigma", "gaussian-repetitions", "student-t-repetitions")
_SINGLE = ("gamma-single", "gaussian-repetitions-single", "student-t-repetitions-single")
_QUADRATURES = ("cos", "sin")

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        *(
            Kind(name, _OBSERVABLES[name], noises=_VARIANCE_NOISES if name in VARIANCES else ("gaussian", "student-t"))
            for name in OBSERVABLES
        ),
        Kind(
            "light_variance",
            "variance of the light quadratures y_c, y_s over the shot noise",
            components=_QUADRATURES,
            noises=_SINGLE,
            needs=("probe_duration",),
        ),
        Kind(
            "conditional_xi",
            "ξ for those who know the light since the beginning of the run",
            noises=_VARIANCE_NOISES,
        ),
        Kind(
            "feedback",
            "variances of y_read and y_feed and their covariance, over the shot noise",
            components=("read", "feed", "covariance"),
            noises=("wishart",),
            needs=("probe_duration", "mode_rate"),
        ),
        Kind(
            "coupling",
            "coupling κ² of atoms and light",
            "faraday_angle",
            calibration=True,
            needs=("probe_duration",),
        ),
        Kind(
            "projection_noise",
            "atomic noise after preparation, not normalised to Jx",
            "faraday_angle",
            noises=_VARIANCE_NOISES,
            calibration=True,
        ),
        Kind(
            "shot_noise",
            "variance of the light quadratures without atoms",
            "number",
            components=_QUADRATURES,
            noises=_SINGLE,
            calibration=True,
        ),
        Kind(
            "orientation_beat",
            "transverse spin after an RF pulse",
            "delay",
            components=("in_phase", "quadrature"),
            calibration=True,
        ),
    )
}
OF_CONSTANT_RUNS = ("conditional_xi", "feedback")
"""Kinds that are possible in runs with constant rates only."""
IN_CONSTANT_RUNS = ("xi", "transverse_spin", "light_variance", "orientation", *OF_CONSTANT_RUNS, "shot_noise")
"""Kinds that are possible there; orientation where the populations are modelled."""
SHOTS = {"light_variance": "time", "shot_noise": "number"}
"""Kinds that can be given shot by shot, and the column that tells which shots belong together."""
