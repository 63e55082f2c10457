"""Tables of pure numbers: the rates between the sixteen levels that each process has for a rate of 1.

The unit of each process is the one in which it is quoted: Γ ≡ rate(43→44) − rate(44→43) of the drive, so that μ²Γ and
ν²Γ are its rates; Γpump ≡ rate(43→44); |3,3⟩ empties at 2 Γrepump; R randomises the electron's spin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np

from ..validation import InvalidValue, require
from .levels import LEVELS, LOST, LOWER, NUCLEAR_SPIN, UPPER
from .scattering import D1, D2, Scattering, rate_per_intensity, scattering

DRIVE_DETUNING = 850.0
"""MHz, blue of F = 4 → F' = 5 (p. 2 of the paper)."""
_CUT = 4.0
"""Standard deviations of the velocity: atoms in the resonant wing of the drive saturate, and add < 1e-3 to rates."""
_TRANSPARENT = 320.0
"""MHz, two Doppler widths: the least distance of a probe from a line."""
ABSORBED = (dict(D2.excited)[3] - dict(D2.excited)[5] - _TRANSPARENT, _TRANSPARENT)
"""MHz: from where to where F = 4 absorbs a probe."""
HOTTEST, FARTHEST = 500.0, 5000.0
"""K and MHz: the largest temperature, and detunings of the drive and of a probe."""


@dataclass(frozen=True, eq=False)
class RateTable:
    """A process: `rate` (16, 16), [f, i] from i to f; `elastic`, its dephasing of |4,4⟩ and |4,3⟩ without a change.

    transfer (8, 8) : of the coherences m ↔ m − 1 of F = 4, [k', k] from k to k'; on its diagonal what keeps them
    """

    rate: np.ndarray
    elastic: float = 0.0
    transfer: np.ndarray = field(default_factory=lambda: np.zeros((8, 8)))

    @cached_property
    def generator(self) -> np.ndarray:
        """(16, 16) of dp/dt = generator @ p: the columns add up to 0."""
        moved = self.rate * ~np.eye(len(self.rate), dtype=bool)
        return moved - np.diag(moved.sum(axis=0))

    @cached_property
    def dephasing(self) -> float:
        """What the process adds to Γ̃: the rates out of |4,4⟩ and |4,3⟩, and the elastic part."""
        out = -np.diag(self.generator)
        return float(out[UPPER] + out[LOWER] + self.elastic)

    @cached_property
    def decoherence(self) -> np.ndarray:
        """(8, 8) of d⟨coherences⟩/dt = −decoherence @ coherences; twice its first entry is `dephasing`."""
        out = self.rate.sum(axis=0)
        return np.asarray(0.5 * np.diag(out[:8] + out[1:9]) - self.transfer)

    @cached_property
    def fastest(self) -> float:
        """The fastest decay of populations; what `fastest_decay` of several processes is a sum of."""
        return float(-np.linalg.eigvals(self.generator).real.min())

    @property
    def parts(self) -> tuple[tuple[Any, RateTable], ...]:
        """Weights and tables, as of a `Mixture`."""
        return ((1.0, self),)


@dataclass(frozen=True, eq=False)
class DriveTable(RateTable):
    """The drive, and what its forward direction has beyond rates.

    squeezing_limit : Z of the forward amplitudes, (1 − r)/(1 + r) with r = ν/μ
    coherent_fraction : μ² − ν² of the amplitudes that add up over the atoms: dΓ = this · d Γ; 1 for atoms at rest
    shift : of E4 − E3, rad;  quadratic_shift : (E4 − E3) − (E3 − E2), rad; times Γ
    rate_per_intensity : Γ, ms⁻¹ per mW/cm²
    """

    squeezing_limit: float = 1.0
    coherent_fraction: float = 1.0
    shift: float = 0.0
    quadratic_shift: float = 0.0
    rate_per_intensity: float = 0.0


def nearest_detuning(temperature: float) -> float:
    """The least detuning of the drive, MHz, of which there is a table: 4.5 Doppler widths, 50 MHz for cold atoms."""
    return max(4.5 * 160.7 * float((temperature / 300) ** 0.5), 50.0)


def has_table(detuning: float, temperature: float) -> bool:
    """Whether there is a table of the drive."""
    return 0 <= temperature <= HOTTEST and nearest_detuning(temperature) <= detuning <= FARTHEST


@cache
def drive(detuning: float = DRIVE_DETUNING, temperature: float = 300.0) -> DriveTable:
    """D2 light, `detuning` MHz above F = 4 → F' = 5, polarised along y; atoms at `temperature` K (0: at rest).

    Raises InvalidValue for a temperature outside 0 … 500 K, and for light that is not blue by 4.5 Doppler widths at
    least: nearer, atoms saturate, and red light heats more than it cools.
    """
    _require_temperature(temperature)
    require("drive_detuning (MHz)", detuning, low=nearest_detuning(temperature), high=FARTHEST)
    found = scattering(D2, (4, 5), detuning, {-1: 0.5**0.5, 1: -(0.5**0.5)}, temperature, _CUT)
    unit = found.rate[UPPER, LOWER] - found.rate[LOWER, UPPER]
    mu, nu = abs(found.forward[UPPER, LOWER]), abs(found.forward[LOWER, UPPER])
    shift = found.shift / unit / D2.width
    return DriveTable(
        found.rate / unit, found.elastic / unit, found.transfer / unit,
        float((mu - nu) / (mu + nu)), float((mu**2 - nu**2) / unit),
        float(shift[0] - shift[1]), float(shift[0] - 2 * shift[1] + shift[2]), float(unit * rate_per_intensity(D2)),
    )  # fmt: skip


@cache
def pump(temperature: float = 300.0, handedness: int = 1) -> RateTable:
    """D1 light on F = 4 → F' = 4, σ+ along x: |4,4⟩ is dark. Each cycle of |4,3⟩ loses 7/12 of it to |3,3⟩.

    handedness : −1: of σ− light of the intensity at which σ+ light has the unit rate
    """
    _require_temperature(temperature)
    found = scattering(D1, (4, 4), 0.0, {1: 1.0}, temperature)
    unit = found.rate[UPPER, LOWER]
    return _in_units_of(found if handedness > 0 else scattering(D1, (4, 4), 0.0, {-1: 1.0}, temperature), unit)


@cache
def repump(temperature: float = 300.0, handedness: int = 1) -> RateTable:
    """D2 light on F = 3 → F' = 4, σ+ along x: |3,3⟩ goes to |4,4⟩ and |4,3⟩ at 1.6 and 0.4; handedness as of `pump`."""
    _require_temperature(temperature)
    found = scattering(D2, (3, 4), 0.0, {1: 1.0}, temperature)
    unit = found.rate[UPPER, LOST] / 2 + found.rate[LOWER, LOST] / 2
    return _in_units_of(found if handedness > 0 else scattering(D2, (3, 4), 0.0, {-1: 1.0}, temperature), unit)


@cache
def probe_weight(detuning: float, temperature: float = 300.0) -> float:
    """How much a spin in F = 3 rotates the polarisation of a DC probe, one in F = 4 as unit: a₁(3)/a₁(4).

    detuning : of the probe, MHz above F = 4 → F' = 5; negative: red

    Raises InvalidValue for a temperature outside 0 … 500 K, and within 320 MHz of a line of F = 4, which absorbs it.
    """
    _require_temperature(temperature)
    require("probe_detuning (MHz)", detuning, low=-FARTHEST, high=FARTHEST)
    low, high = ABSORBED
    if low < detuning < high:
        expected = f"a number outside [{low:.0f}, {high:.0f}], where F = 4 absorbs"
        raise InvalidValue(f"probe_detuning (MHz) = {detuning:g}: expected {expected}")
    plus, minus = (scattering(D2, (4, 5), detuning, {q: 1.0}, temperature, _CUT).shift for q in (1, -1))
    vector = plus - minus
    return float((vector[LOST] / 3) / (vector[UPPER] / 4))


def _in_units_of(found: Scattering, unit: float) -> RateTable:
    return RateTable(found.rate / unit, found.elastic / unit, _kept(found.transfer) / unit)


def _kept(transfer: np.ndarray) -> np.ndarray:
    """Without what leads from one coherence to another: only that of the drive is modelled."""
    return np.diag(np.diag(transfer))


@cache
def electron_collisions() -> RateTable:
    """Collisions that randomise the electron's spin at R and keep the nuclear one: R Σ_k |⟨f|S_k|i⟩|²."""
    amplitudes = _electron_spin()
    elastic = sum((s[UPPER, UPPER] - s[LOWER, LOWER]) ** 2 for s in amplitudes.real)
    kept = (amplitudes[:, :8, :8] * amplitudes[:, 1:9, 1:9].conj()).real.sum(axis=0)
    return RateTable((abs(amplitudes) ** 2).sum(axis=0), float(elastic), _kept(kept))


@cache
def uniform_collisions() -> RateTable:
    """Γcol between any two of the sixteen levels: the paper's sentence on collisions, taken literally."""
    return RateTable(np.ones((len(LEVELS), len(LEVELS))), transfer=np.eye(8))


@cache
def excess_loss(detuning: float = DRIVE_DETUNING, temperature: float = 300.0) -> RateTable:
    """Losses from F = 4 to F = 3 as those of the drive, 1 from |4,4⟩, without heating: of unknown origin."""
    lost = drive(detuning, temperature).rate.copy()
    lost[:, LOST:] = 0.0
    lost[:LOST] = 0.0
    return RateTable(lost / lost[:, UPPER].sum())


def _electron_spin() -> np.ndarray:
    """S_x, S_y, S_z (3, 16, 16) between the levels, z the quantisation axis."""
    states = _product_states()
    ladder = np.zeros((2, 2))
    ladder[0, 1] = 1.0
    spins = (0.5 * (ladder + ladder.T), -0.5j * (ladder - ladder.T), np.diag([0.5, -0.5]))
    nuclear = np.eye(round(2 * NUCLEAR_SPIN + 1))
    return np.array([states.T @ np.kron(spin, nuclear) @ states for spin in spins])


def _product_states() -> np.ndarray:
    """The levels as columns in the basis |±½⟩|m_I⟩: Clebsch–Gordan coefficients of J = ½ and I = 7/2 (F = 4: all +)."""
    states = np.zeros((16, 16))
    for k, (F, m) in enumerate(LEVELS):
        up, down = (0.5 * (1 + s * m / 4) for s in (1, -1))
        upper = (up**0.5, down**0.5) if F == 4 else (-(down**0.5), up**0.5)
        for spin, amplitude in enumerate(upper):
            nuclear = NUCLEAR_SPIN - (m - 0.5 + spin)
            if 0 <= nuclear <= 2 * NUCLEAR_SPIN:
                states[round(8 * spin + nuclear), k] = amplitude
    return states


def _require_temperature(temperature: float) -> None:
    require("temperature (K)", temperature, low=0.0, high=HOTTEST)
