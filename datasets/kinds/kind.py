"""What a kind of series is: what is measured, against what, in which columns, with which noise, and how it is expected.

One kind is one file of this room: an instance of `Kind`, or of a class made from it where the expected value, the
checks or parameters of its own need code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...forward_models import NOISES, InitialState
from ...forward_models.light import Readout

LARGEST_NUMBER = 1e9
"""Beyond it nothing that is measured can be."""
_BEYOND = 4.0
"""Standard deviations: of a hundred points one in 300 experiments has one so far off by chance."""
QUADRATURES = ("cos", "sin")
"""Components of a kind that measures the two quadratures of the light, which have one expectation."""
VARIANCE_NOISES = ("gaussian", "student-t", "gamma", "gamma-sigma", "gaussian-repetitions", "student-t-repetitions")
SINGLE_NOISES = ("gamma-single", "gaussian-repetitions-single", "student-t-repetitions-single")
"""Noises of a variance of both quadratures pooled, and of one quadrature."""


ABSCISSAS = {"time": "ms", "delay": "ms", "faraday_angle": "deg", "number": "1"}
"""What a series is measured against, with its unit: time in the run, delay after an RF pulse, Θ, running number."""
_ABSCISSA_LABELS = {
    "time": "t (ms)",
    "delay": "t after the pulse (ms)",
    "faraday_angle": "Θ (deg)",
    "number": "measurement",
}


class Measured(Protocol):
    """What a kind reads of a series; the fields are those of `experiment.Series`."""

    # fmt: off
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def x(self) -> np.ndarray: ...  # noqa: D102
    @property
    def fitted(self) -> np.ndarray: ...  # noqa: D102
    @property
    def noise(self) -> str: ...  # noqa: D102
    @property
    def amplitude(self) -> str: ...  # noqa: D102
    @property
    def offset(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> np.ndarray: ...  # noqa: D102
    @property
    def spread(self) -> np.ndarray: ...  # noqa: D102
    @property
    def errors(self) -> dict[str, float]: ...  # noqa: D102
    @property
    def efficiency_in_scale(self) -> bool: ...  # noqa: D102
    @property
    def probe_duration(self) -> float: ...  # noqa: D102
    @property
    def pulse_time(self) -> float: ...  # noqa: D102
    @property
    def slope_used(self) -> float: ...  # noqa: D102
    @property
    def mode_rate(self) -> float: ...  # noqa: D102
    # fmt: on


class Run(Protocol):
    """The run of a series as the model sees it, see `prediction.RunState`: values are columns, or symbolic."""

    # fmt: off
    @property
    def initial(self) -> InitialState: ...  # noqa: D102
    @property
    def measurement(self) -> Any: ...  # noqa: D102
    @property
    def trajectory(self) -> Any: ...  # noqa: D102
    @property
    def xp(self) -> Any: ...  # noqa: D102
    def at(self, kind: str, times: np.ndarray) -> Any: ...  # noqa: D102
    def value(self, name: str, default: Any = None) -> Any: ...  # noqa: D102
    def entry(self, name: str, entry: str) -> Any: ...  # noqa: D102
    def known(self, name: str) -> float: ...  # noqa: D102
    def readout_at(self, times: np.ndarray, duration: float) -> Readout: ...  # noqa: D102
    def coupled_spin(self) -> Any: ...  # noqa: D102
    def collective_rate(self) -> Any: ...  # noqa: D102
    def probe_dephasing(self) -> Any: ...  # noqa: D102
    # fmt: on


@dataclass(frozen=True)
class Kind:
    """One kind of series.

    meaning : of the values, in the field's words;  label : of the axis of a figure
    abscissa : one of `ABSCISSAS`
    components : columns of the values; several where each point consists of several numbers
    noises : that are possible; the first one for each column of spreads is the default
    calibration : whether it is a calibration run, which `calibrate` fits alone
    needs, takes : keys of a series that must be given, and those that may be (`probe_duration`, `pulse_time`,
        `slope_used`, `mode_rate`, `efficiency_in_scale`)
    populations : of the runs in which it is possible, see `experiment.POPULATIONS`
    quantity : whether it is a quantity of the atoms, of which a single number can be given, too ([[observation]])
    constants : parameters of readout and calibration that it depends on;  if_known : those that it depends on where
        the apparatus or a calibration says something of them (else they are 1)
    normalised_to_start : whether the value at t = 0 is 1 by definition, and tells nothing
    shows_xi : whether it depends on the ξ with which a run begins
    shows_coupling : whether it depends on dΓ, not on the populations alone
    reconstructs_xi : whether ξ follows from it by the readout
    entangled_below_one : whether values below 1 show entanglement
    without : a parameter, and the name of the curve that the model has where that is 0
    symbols : what laboratories call the column of its values, in small letters without signs and units
    """

    name: str
    meaning: str
    label: str
    abscissa: str = "time"
    components: tuple[str, ...] = ("value",)
    noises: tuple[str, ...] = ("gaussian", "student-t")
    calibration: bool = False
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    populations: tuple[str, ...] = ("moving",)
    quantity: bool = False
    constants: tuple[str, ...] = ()
    if_known: tuple[str, ...] = ()
    normalised_to_start: bool = False
    shows_xi: bool = True
    shows_coupling: bool = True
    reconstructs_xi: bool = False
    entangled_below_one: bool = False
    without: tuple[str, str] | None = None
    symbols: tuple[str, ...] = ()

    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        """The mean (…, T) of what is measured at the abscissas `x` (T,), without errors of scale and offset.

        By default the observable of the atoms that has its name.
        """
        return run.at(self.name, x)

    def check(self, series: Measured, where: str) -> None:
        """Raise ExperimentError for values that this kind cannot have; numbers are finite when it is called."""

    def doubts(self, series: Measured, *, moving: bool) -> list[str]:
        """What of a series is possible, but hardly right, with its likely cause; it is fitted all the same.

        moving : whether its run begins with uncorrelated atoms and follows their populations
        """
        return []

    def own_parameters(self, series: Measured) -> dict[tuple[str, str], float]:
        """Parameters that this series has for itself: (name, entry of the label) and the value in simulations."""
        return {}

    @property
    def unit(self) -> str:
        """Of the abscissa."""
        return ABSCISSAS[self.abscissa]

    @property
    def shifts_in_time(self) -> bool:
        """Whether its values can be asked for at other times of the run than those measured; a mode needs light."""
        return self.abscissa == "time" and "mode_rate" not in (*self.needs, *self.takes)

    @property
    def abscissa_label(self) -> str:
        """Of the axis of a figure."""
        return _ABSCISSA_LABELS[self.abscissa]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that a table of it can have."""
        spreads = dict.fromkeys(NOISES[name].spread for name in self.noises)
        return (self.abscissa, *self.components, *spreads, "exclude", "taken")

    def component_numbers(self, count: int) -> np.ndarray | None:
        """(count,): which component each of so many values is, point by point; None where there is but one."""
        each = len(self.components)
        return np.tile(np.arange(each, dtype=np.int8), count // each) if each > 1 else None

    @property
    def of_quadratures(self) -> bool:
        """Whether its components have one and the same expectation, and it can be given shot by shot."""
        return self.components == QUADRATURES

    @property
    def spin_variance(self) -> bool:
        """Whether it is a variance of the spins that a lab got from that of the light, by means of its η."""
        return "efficiency_in_scale" in self.takes

    @property
    def probed(self) -> bool:
        """Whether a pulse of the drive alone reads the atoms out, whose rates matter."""
        return "probe_duration" in self.needs and "moving" in self.populations

    def default_noise(self, spread: str) -> str:
        """The noise for a column `sigma` or `repetitions`."""
        fitting = [name for name in self.noises if NOISES[name].spread == spread]
        return fitting[0] if fitting else self.noises[0]


def beyond_noise(series: Measured, excess: np.ndarray) -> str:
    """'1.3 ± 0.1 at 2 ms': the value of the fitted point that is the most standard deviations off, more than four.

    excess (T,): by how much each value is beyond what is possible. "" where none is that far.
    """
    sigma = NOISES[series.noise].scatter(abs(series.value), series.spread)
    errors = series.errors
    known = np.hypot(errors.get("scale", 0.0) * series.value, errors.get("offset", 0.0))
    far = np.where(series.fitted, excess / np.hypot(sigma, known), 0.0)
    k = int(far.argmax())
    return f"{series.value[k]:.4g} ± {sigma[k]:.2g} at {series.x[k]:g} ms" if far[k] > _BEYOND else ""


def column(value: Any) -> Any:
    """Draws (n,) as (n, 1), to go with (n, T); anything else as it is."""
    return value[:, None] if isinstance(value, np.ndarray) and value.ndim == 1 else value


def interleaved(columns: list[Any], xp: Any) -> Any:
    """Arrays (…, T) as one (…, nT): all first entries, then all second ones, …"""
    stacked = xp.stack(columns, axis=-1)
    return stacked.reshape((*stacked.shape[:-2], -1)) if xp is np else stacked.flatten()
