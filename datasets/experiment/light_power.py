"""The power of a light: in the course of a stage, and what it says beforehand of rates and of ν₂."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot, pi
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ...forward_models import InvalidValue
from ...forward_models.sixteen_level import (
    ABSORBED,
    DRIVE_DETUNING,
    FARTHEST,
    QUADRATIC_ZEEMAN,
    DriveTable,
    drive,
    has_table,
    probe_weight,
)
from ..errors import ExperimentError, violation

if TYPE_CHECKING:
    from .experiment import Experiment, Known

MOST_POINTS, LARGEST_POWER = 10_000, 10.0
MOST_KNOTS = 16
"""Points inside a stage up to which each is kept; a longer trace is averaged over as many equal steps."""
_STEPS = 24
"""Steps for a power that goes from 1 to 0 along a stage."""
_CONSTANT = 1e-12
ZEEMAN = (QUADRATIC_ZEEMAN, 0.002)
"""ν₂ of atoms in the dark and its standard deviation, ms⁻¹ (kHz)."""
_ROOM, _CELL = 300.0, 2.2**2
"""K, and the cross-section of the cell, cm², where the apparatus does not say."""
_OF_POWER = 0.2
"""Relative error of a rate that follows from a power: windows, how the beam fills the cell, velocities."""
DEPTH_PER_DEGREE, DEPTH_UNCERTAINTY = 4.0, 0.05
"""d per degree of the Faraday angle, and its relative error, or that of a d without one."""
_OFFSETS = {"temperature_offset": "temperature", "drive_detuning_offset": "drive_detuning"}
POWER_OF = {
    "radiative_rate": "drive_power",
    "collective_rate": "drive_power",
    "quadratic_zeeman": "probe_power",
    "probe_weight": "probe_detuning",
    **_OFFSETS,
}
"""The power, or another entry of [apparatus], from which a prior follows."""
ONLY_KNOWN = frozenset((*POWER_OF.values(), "cell_area"))
"""Entries of [apparatus] that are no parameters to be inferred."""
_FAST = 1.0
"""ms⁻¹: a drive that scatters so many photons has been given in another unit, or for another beam."""
_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class LightPower:
    """The power of one light relative to that at which its rates are the parameters: straight lines between points.

    light : drive, pump or repump;  times (K,), ms from the beginning of the stage, ascending;  values (K,), ≥ 0
    Before the first and after the last point the power is that of the point.
    """

    light: str
    times: tuple[float, ...]
    values: tuple[float, ...]

    def __str__(self) -> str:
        """'drive at 0.5 of its power', 'drive at 1 of its power at 0 ms, 0.9 at 20 ms'; of many points the ends."""
        points = list(zip(self.values, self.times, strict=True))
        if len(points) == 1:
            return f"{self.light} at {points[0][0]:g} of its power"
        (first, begin), (last, end) = points[0], points[-1]
        return f"{self.light} at {first:g} of its power at {begin:g} ms, at {last:g} at {end:g} ms"

    def held(self, duration: float) -> str:
        """', and so from 5 ms to 20 ms', where its points end more than their largest distance before the stage."""
        last = self.times[-1]
        if len(self.times) < 2 or duration - last <= max(np.diff(self.times)):
            return ""
        return f", and so from {last:g} ms to {duration:g} ms, because there is no later point"

    def at(self, times: np.ndarray | float) -> np.ndarray:
        """The relative power at some times, ms from the beginning of the stage."""
        return np.asarray(np.interp(times, self.times, self.values))

    def moments(self, begin: float, end: float) -> tuple[float, float]:
        """Of a step of the length h about its middle m: ∫u dt/h and ∫(t − m)u dt/h²."""
        times = np.array(self.times)
        nodes = np.array([begin, *times[(times > begin) & (times < end)], end])
        power, width = self.at(nodes), np.diff(nodes)
        mean, rise = 0.5 * (power[1:] + power[:-1]), np.diff(power)
        away, length = 0.5 * (nodes[1:] + nodes[:-1] - begin - end), end - begin
        first = width * (mean * away + rise * width / 12)
        return float((width * mean).sum() / length), float(first.sum() / length**2)


def check_power(power: LightPower, duration: float, lights: Collection[str], where: str) -> None:
    """Raise ExperimentError for a power that cannot be: of a light that is off, negative, out of order, or nothing."""
    at, times, values = f"{where}: {power.light}", np.array(power.times), np.array(power.values)
    if power.light not in lights:
        raise violation(at, "the power of a light that is off", "that of a light that is on")
    if len(times) != len(values) or not 1 <= len(times) <= MOST_POINTS:
        found = f"{len(times)} times, {len(values)} powers"
        raise violation(at, found, f"one power for each of 1 to {MOST_POINTS} times")
    if not (np.isfinite(values) & (values >= 0) & (values <= LARGEST_POWER)).all() or not values.any():
        expected = f"0 to {LARGEST_POWER:g}, not all 0: 1 is the power of the rates (not %, not mW)"
        raise violation(at, f"powers from {values.min():g} to {values.max():g}", expected)
    inside = np.isfinite(times).all() and (times >= 0).all() and (times <= duration).all()
    if not inside or not (np.diff(times) > 0).all():
        found = f"times from {times[0]:g} to {times[-1]:g} ms"
        raise violation(at, found, f"ascending times from 0 to {duration:g} ms, the duration of the stage")


Span = tuple[float, tuple[LightPower, ...]]
"""Duration, ms, and constant powers."""


def spans(duration: float, powers: Sequence[LightPower]) -> list[Span]:
    """Spans of constant power that do to the atoms what changing powers do.

    A step of the length h, with the power ū on average and the first moment B, is two halves of the powers ū ∓ 4B: the
    commutator-free method of fourth order (Blanes & Moan, Appl. Numer. Math. 56, 1519 (2006)) with exact moments.
    Between the ends of a step in which the power changes by Δu its error is up to k Δu h/24 in the exponents, k the
    rate that goes with the power: steps are the shorter the more the power changes.
    """
    knots = sorted({t for power in powers for t in power.times if 0 < t < duration})
    if len(knots) > MOST_KNOTS:
        knots = np.linspace(0.0, duration, MOST_KNOTS + 1)[1:-1].tolist()
    found: list[Span] = []
    for left, right in pairwise([0.0, *knots, duration]):
        change = max(abs(float(power.at(right) - power.at(left))) for power in powers)
        count = max(1, int(np.ceil(_STEPS * np.sqrt(change * (right - left) / duration))))
        for begin, end in pairwise(np.linspace(left, right, count + 1).tolist()):
            found += _halves(begin, end, powers)
    return found


def _halves(begin: float, end: float, powers: Sequence[LightPower]) -> list[Span]:
    """One step; of constant powers it is a single span."""
    moments = {power.light: power.moments(begin, end) for power in powers}
    signs = (-1, 1) if any(abs(first) > _CONSTANT for _, first in moments.values()) else (0,)
    found = []
    for sign in signs:
        each = {light: max(0.0, mean + 4 * sign * first) for light, (mean, first) in moments.items()}
        constant = tuple(LightPower(light, (0.0,), (value,)) for light, value in each.items())
        found.append(((end - begin) / len(signs), constant))
    return found


def known_by_power(
    experiment: Experiment, name: str, member: str = "", settled: Mapping[str, float] = _NOTHING
) -> tuple[float, float] | None:
    """Γ, dΓ or ν₂ (ms⁻¹) and its standard deviation from the power of a light; None where that is not known.

    Of sixteen levels also w from the detuning of the DC probe, and offsets, which are 0, with the sigma of their entry.

    settled : `temperature` (K) and `drive_detuning` (MHz) as a model has them, where it does not take those of the
        apparatus, or has their errors as parameters

    Atoms that move through the cell see the power spread over its cross-section, whatever the shape of the beam.
    dΓ = 0.908 d Γ (at 300 K) where d is known. ν₂ is the quadratic Zeeman splitting less the quadratic light shift of a
    probe with the detuning of the drive; it can be 0 or negative.
    """
    if not experiment.knows(POWER_OF.get(name, ""), member):
        return None

    power = experiment.known(POWER_OF[name], member)
    if name in _OFFSETS:
        return (0.0, power.sigma) if power.sigma else None
    if name == "probe_weight":
        return _weight(power, _atoms(experiment, "temperature", member, settled)[0])
    if not member and experiment.sharing.get("drive_detuning") == "separate":
        return None  # what members have in common follows from the detuning of none
    light, rate, error = _rate(experiment, power, member, settled)
    if name == "quadratic_zeeman":
        shift = light.quadratic_shift * rate / (2 * pi)
        return ZEEMAN[0] - shift, hypot(ZEEMAN[1], error * shift)
    if name == "radiative_rate":
        return rate, error * rate
    depth = known_depth(experiment, member)
    if depth is None:
        return None
    collective = light.coherent_fraction * depth.value * rate
    return collective, hypot(error, depth.sigma / depth.value) * collective


def strong_drive(experiment: Experiment) -> list[str]:
    """A power of the drive by which the spins would be gone at once."""
    found: dict[str, list[str]] = {}
    for member in experiment.members or [""]:
        known = known_by_power(experiment, "radiative_rate", member)
        if known is not None and known[0] > _FAST:
            power = experiment.known("drive_power", member).value
            said = f"{power:g} mW are a Γ of {known[0]:.2g} ms⁻¹. Is it in another unit?"
            found.setdefault(said, []).append(f"drive_power[{member}]" if member else "drive_power")
    return [f"{', '.join(names)}: {said}" for said, names in found.items()]


def shift_by_probe(experiment: Experiment, member: str = "") -> float:
    """By how much the probe of an orientation test reduces ν₂, ms⁻¹; 0 where its power is not known."""
    known = known_by_power(experiment, "quadratic_zeeman", member)
    return ZEEMAN[0] - known[0] if known is not None else 0.0


def known_depth(experiment: Experiment, member: str = "") -> Known | None:
    """The optical depth d as the apparatus says it, ± 5 % where it gives no sigma, or by the Faraday angle, ± 5 %."""
    if experiment.knows("optical_depth", member):
        known = experiment.known("optical_depth", member)
        return known if known.sigma else replace(known, sigma=DEPTH_UNCERTAINTY * known.value)
    if not experiment.knows("faraday_angle", member):
        return None
    angle = experiment.known("faraday_angle", member)
    depth = DEPTH_PER_DEGREE * angle.value
    return replace(angle, value=depth, sigma=float(np.hypot(angle.sigma / angle.value, DEPTH_UNCERTAINTY)) * depth)


def _rate(
    experiment: Experiment, power: Known, member: str, settled: Mapping[str, float]
) -> tuple[DriveTable, float, float]:
    """The table of the drive; Γ, ms⁻¹, of light of some power (mW), and its relative error."""
    area, area_error = _CELL, 0.0
    if experiment.knows("cell_area", member):
        cell = experiment.known("cell_area", member)
        area, area_error = cell.value, cell.sigma / cell.value
    light, changes = _drive(experiment, member, settled)
    rate = float(light.rate_per_intensity * power.value / area)
    return light, rate, hypot(_OF_POWER, power.sigma / power.value, area_error, *changes)


_USUAL = {"drive_detuning": DRIVE_DETUNING, "temperature": _ROOM}


def _atoms(experiment: Experiment, name: str, member: str, settled: Mapping[str, float]) -> tuple[float, float]:
    """Temperature or detuning of the drive, and its sigma: that of a model, of the apparatus, or the usual one."""
    if name not in settled and experiment.knows(name, member):
        known = experiment.known(name, member)
        return known.value, known.sigma
    return settled.get(name, _USUAL[name]), 0.0


def _drive(experiment: Experiment, member: str, settled: Mapping[str, float]) -> tuple[DriveTable, list[float]]:
    """The table of the drive, and by which share the sigma of its detuning, and of T, move Γ per intensity."""
    known = {name: _atoms(experiment, name, member, settled) for name in _USUAL}
    settings = {name: value for name, (value, _) in known.items()}
    try:
        light, moved = drive(*settings.values()), []
    except InvalidValue as error:
        raise ExperimentError(f"apparatus: {error}, or no power of a light, from which rates would follow") from error
    for name, (value, sigma) in known.items():
        both = ({**settings, name: value + sign * sigma} for sign in (1, -1))
        inside = next((at for at in both if has_table(*at.values())), None)
        if inside is None:
            expected = f"a smaller sigma: rates are computed from 4.5 Doppler widths to {FARTHEST:g} MHz, below 500 K"
            raise violation(f"apparatus: {name}", f"{value:g} ± {sigma:g}", expected)
        moved.append(drive(*inside.values()).rate_per_intensity / light.rate_per_intensity - 1)
    return light, moved


def _weight(probe: Known, temperature: float) -> tuple[float, float]:
    """w of a DC probe, and its standard deviation by its change over ± sigma of the detuning, MHz."""
    (low, high), least, most = ABSORBED, probe.value - probe.sigma, probe.value + probe.sigma
    if (least < high and most > low) or not -FARTHEST <= least <= most <= FARTHEST:
        expected = f"all of it outside [{low:.0f}, {high:.0f}] MHz, where F = 4 absorbs, and within ±{FARTHEST:g} MHz"
        found = f"{probe.value:g} ± {probe.sigma:g} MHz" if probe.sigma else f"{probe.value:g} MHz"
        raise violation("apparatus: probe_detuning", found, expected)
    try:
        value = probe_weight(probe.value, temperature)
    except InvalidValue as error:
        raise ExperimentError(f"apparatus: {error}") from error
    if not probe.sigma:
        return value, 0.0
    return value, abs(probe_weight(most, temperature) - probe_weight(least, temperature)) / 2
