"""Scattering of weak light by the ground state of ¹³³Cs: Kramers–Heisenberg amplitudes, averaged over velocities.

    A_q[f, i] = Σ_e c_q(f, e) D(e, i)/(δ_ei + iΓe/2),    rate[f, i] = Γe (Ω²/4) Σ_q ⟨|A_q[f, i]|²⟩

q is the polarisation of the emitted photon, D = Σ_q ε_q c_q the absorption of light of the polarisation ε, δ_ei the
detuning, ⟨…⟩ the average over the velocities of the atoms. Amplitudes to one level through different F' interfere,
emitted polarisations do not. Constants: D. A. Steck, Cesium D Line Data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from .angular_momentum import wigner_3j, wigner_6j
from .levels import LEVELS, NUCLEAR_SPIN

GROUND_SPLITTING = 9192.631770
"""MHz, between F = 4 and F = 3."""
_MASS, _BOLTZMANN, _LIGHT = 132.905451931 * 1.66053906660e-27, 1.380649e-23, 299792458.0
_PLANCK = 6.62607015e-34
_PANEL, _NODES = 10.0, 40
"""Width in MHz, and nodes in each, of the average over velocities; a line is 5 MHz wide."""
_EVERYTHING = 8.0
POLARIZATIONS = (-1, 0, 1)


@dataclass(frozen=True)
class Line:
    """A D line. `excited`: (F', energy above the lowest F', MHz);  width : Γe/2π, MHz;  frequency : MHz."""

    excited_spin: float
    excited: tuple[tuple[int, float], ...]
    width: float
    frequency: float


D1 = Line(0.5, ((3, 0.0), (4, 1167.680)), 4.5612, 335116048.807)
D2 = Line(1.5, ((2, 0.0), (3, 151.2247), (4, 151.2247 + 201.2871), (5, 151.2247 + 201.2871 + 251.0916)), 5.234,
          351725718.50)  # fmt: skip


@dataclass(frozen=True)
class Scattering:
    """What light of one frequency and polarisation does to the sixteen levels, for Γe Ω²/4 = 1.

    rate (16, 16) : [f, i], from i to f; the diagonal is elastic
    elastic : Σ_q ⟨|A_q(44) − A_q(43)|²⟩, by which elastic scattering dephases |4,4⟩ and |4,3⟩
    forward (16, 16) : ⟨A_0⟩, amplitudes of photons polarised along x, which add up over the atoms
    transfer (8, 8) : Σ_q ⟨A_q[m', m] A_q*[m' − 1, m − 1]⟩ from the coherence m ↔ m − 1 of F = 4 to m' ↔ m' − 1
    shift (16,) : light shift times Γe, of each level, blue detuning upwards
    """

    rate: np.ndarray
    elastic: float
    forward: np.ndarray
    shift: np.ndarray
    transfer: np.ndarray


def scattering(
    line: Line,
    resonance: tuple[int, int],
    detuning: float,
    light: Mapping[int, float],
    temperature: float,
    cut: float = _EVERYTHING,
) -> Scattering:
    """The scattering of light, `detuning` MHz above the `resonance` F → F', of atoms at `temperature` K.

    light : amplitude ε_q by the spherical component q along x
    cut : standard deviations of the velocity beyond which there are no atoms
    """
    per_line = _strengths(line)
    absorbed = sum(amplitude * per_line[:, q + 1] for q, amplitude in light.items())
    paths = np.einsum("eqfx,eix->eqfi", per_line, absorbed)  # x: sublevel m' of F'
    square, mean = _averages(line, resonance, detuning, *_velocities(line, temperature, cut))
    of = np.array([0 if F == 4 else 1 for F, _ in LEVELS])
    together = np.moveaxis(square[of], 0, -1)  # F', F'', i
    rate = np.einsum("eqfi,dqfi,edi->fi", paths, paths, together).real
    elastic_paths = paths[:, :, 0, 0] - paths[:, :, 1, 1]
    elastic = np.einsum("eq,dq,ed->", elastic_paths, elastic_paths, square[0]).real
    forward = np.einsum("efi,ei->fi", paths[:, 1], mean[of].T)
    shift = np.einsum("eix,eix,ei->i", absorbed, absorbed, mean[of].T.real)
    transfer = np.einsum("eqfi,dqfi,ed->fi", paths[:, :, :8, :8], paths[:, :, 1:9, 1:9], square[0]).real
    return Scattering(rate, float(elastic), forward, shift, transfer)


def rate_per_intensity(line: Line) -> float:
    """Γe Ω²/4, ms⁻¹ MHz² per mW/cm², by which the rates of `scattering` are multiplied; Ω² = 6πc²Γe I/(ħω³).

    Ω is the Rabi frequency of a transition with c = 1, to a level that decays by that transition alone.
    """
    decay, omega = 2e6 * np.pi * line.width, 2e6 * np.pi * line.frequency
    rabi = 6 * np.pi * _LIGHT**2 * decay * 10.0 / (_PLANCK / (2 * np.pi) * omega**3)  # 1 mW/cm² is 10 W/m²
    return float(1e-3 * decay * rabi / 4 / (2e6 * np.pi) ** 2)


@cache
def _strengths(line: Line) -> np.ndarray:
    """c_q(F m, F' m') as (F', q, level, m'); the squares of each |F' m'⟩ add up to 1."""
    largest = max(F for F, _ in line.excited)
    found = np.zeros((len(line.excited), 3, len(LEVELS), 2 * largest + 1))
    for e, (upper, _) in enumerate(line.excited):
        for k, (F, m) in enumerate(LEVELS):
            for q in POLARIZATIONS:
                found[e, q + 1, k, largest + m + q if abs(m + q) <= upper else 0] += _strength(line, upper, F, m, q)
    return found


def _strength(line: Line, upper: int, lower: int, m: int, q: int) -> float:
    excited = line.excited_spin
    size = float((2 * upper + 1) * (2 * lower + 1) * (2 * excited + 1)) ** 0.5
    recoupled = wigner_6j(excited, upper, NUCLEAR_SPIN, lower, 0.5, 1) * wigner_3j(upper, 1, lower, -(m + q), q, m)
    return float((-1) ** round(upper - m - q + excited + NUCLEAR_SPIN + lower + 1) * size * recoupled)


def _averages(
    line: Line, resonance: tuple[int, int], detuning: float, shift: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """⟨1/(d_e d_e'*)⟩ (F, F', F'') and ⟨1/d_e⟩ (F, F') for F = 4 and 3, d = δ + iΓe/2, in MHz.

    shift, weight (n,) : Doppler shifts, MHz, and their weights
    """
    energies = dict(line.excited)
    ground, upper = resonance
    levels = np.array([energies[F] for F, _ in line.excited]) - energies[upper]
    offsets = [detuning - levels + (F - ground) * GROUND_SPLITTING for F in (4, 3)]
    inverse = 1 / (np.array(offsets)[..., None] - shift + 0.5j * line.width)
    return np.einsum("fev,fdv,v->fed", inverse, inverse.conj(), weight), inverse @ weight


def _velocities(line: Line, temperature: float, cut: float) -> tuple[np.ndarray, np.ndarray]:
    """Doppler shifts, MHz, and their weights: a Maxwellian that is cut off."""
    if temperature == 0:
        return np.zeros(1), np.ones(1)
    sigma = line.frequency / _LIGHT * (_BOLTZMANN * temperature / _MASS) ** 0.5
    panels = int(np.ceil(2 * cut * sigma / _PANEL))
    ends = np.linspace(-cut * sigma, cut * sigma, panels + 1)
    x, w = np.polynomial.legendre.leggauss(_NODES)
    shift = (0.5 * (ends[1:] + ends[:-1])[:, None] + 0.5 * np.diff(ends)[:, None] * x).ravel()
    weight = np.tile(w, panels) * np.exp(-0.5 * (shift / sigma) ** 2)
    return shift, weight / weight.sum()
