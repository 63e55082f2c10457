"""Readout: what a light pulse tells about the atoms, with loss of the atomic state during the pulse and of light.

Light and one atomic quadrature have variance ½ in vacuum; results are in units of the shot noise. The light is
measured in the falling mode u(t) ∝ e^{−γt} over the pulse, ∫u² = 1. Input–output relations: (1) without decay of the
atoms, (S.2) with it; (S.1) is the inverse of (1), `xi_of_light_variance` that of (S.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..choices import COUPLED_SPINS, Closure, CoupledSpin
from ..sixteen_level import DIFFERENCE, SPIN, TWO_LEVEL, VARIANCE, SixteenLevelRates, flow
from ..three_state import Rates, first_difference, lost_noise, mean_spin, noise_share, population_rates, slopes
from ..validation import InvalidValue, require


@dataclass(frozen=True)
class ContinuousMeasurement:
    """Atoms that are driven and measured by the same light, at constant rates.

    Each is a number, an array, or symbolic; all broadcast.

    Parameters
    ----------
    swap_rate : γs, decay of the atomic quadrature by the collective coupling alone, ms⁻¹; 2γs = dΓ p
    extra_decay_rate : γextra, ms⁻¹, by everything else; 2γextra = Γ̃
    squeezing_limit : Z, in (0, 1]
    bath_noise : n_b, variance to which the extra decay alone leads, in units of a coherent spin state
    detection_efficiency : η, in [0, 1]

    Raises
    ------
    InvalidValue : for numbers outside these ranges
    """

    swap_rate: Any
    extra_decay_rate: Any
    squeezing_limit: Any
    bath_noise: Any = 1.0
    detection_efficiency: Any = 1.0

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            low = -np.inf if name == "bath_noise" else 0.0  # negative where Γ̃ lies below its floor
            high = 1.0 if name in ("squeezing_limit", "detection_efficiency") else np.inf
            require(name, getattr(self, name), low=low, high=high, low_open=name in ("squeezing_limit", "duration"))

    @property
    def decay_rate(self) -> Any:
        """γ = γs + γextra = 1/T2, ms⁻¹."""
        return self.swap_rate + self.extra_decay_rate

    @property
    def measurement_rate(self) -> Any:
        """b = 2ηγs/Z, ms⁻¹: strength of x in the record."""
        return 2 * self.detection_efficiency * self.swap_rate / self.squeezing_limit

    @property
    def excess_production(self) -> Any:
        """2γ(v_u − Z) = 2γextra(n_b − Z), ms⁻¹: what keeps the variance above the limit Z of dissipation alone."""
        return 2 * self.extra_decay_rate * (self.bath_noise - self.squeezing_limit)

    @property
    def unconditional_xi(self) -> Any:
        """v_u = (γs Z + γextra n_b)/γ, ξ of the steady state that nobody looks at. Needs γ > 0."""
        produced = self.swap_rate * self.squeezing_limit + self.extra_decay_rate * self.bath_noise
        return produced / self.decay_rate

    def readout(self, duration: Any) -> Readout:
        """The pulse of the same light, ms long, that reads the atoms out."""
        return Readout(**vars(self), duration=duration)


@dataclass(frozen=True)
class Readout(ContinuousMeasurement):
    """One pulse of probe light, `duration` ms long, > 0. InvalidValue as for a continuous measurement."""

    duration: Any = field(kw_only=True)

    @property
    def extra_share(self) -> Any:
        """ε² = γextra/γ (S.2)."""
        return self.extra_decay_rate / self.decay_rate


def mode_function(times: Any, decay_rate: Any, duration: Any, *, falling: bool = True) -> Any:
    """Temporal mode u(t) ∝ e^{∓γt} of a pulse over [0, T], ms^{−½}, normalised to ∫u² dt = 1 (text after (1)).

    The falling mode of the transmitted light is measured; the rising one of the input is what the atoms take up.

    times : ms, inside the pulse;  decay_rate : γ, ms⁻¹;  duration : T, ms
    """
    shape = np.exp((-decay_rate if falling else decay_rate) * times)
    square = duration * first_difference(-2 * decay_rate * duration)  # ∫e^{−2γt} dt
    return shape / np.sqrt(square if falling else square * np.exp(2 * decay_rate * duration))


def coupling(readout: Readout, *, xp: Any = np) -> Any:
    """κ² = (1 − ε²)(1 − e^{−2γT})/Z, coupling of the atomic state to the light (S.2; ideal case: text after (1)).

    Written as 2γsT (1 − e^{−2γT})/(2γT)/Z, which holds for γ → 0 too.
    """
    decayed = first_difference(-2 * readout.decay_rate * readout.duration, xp=xp)
    return 2 * readout.swap_rate * readout.duration * decayed / readout.squeezing_limit


def light_noise(readout: Readout, *, xp: Any = np) -> Any:
    """L = ε⁴ + (1−ε²)² E + 2ε²(1−ε²) E A²T: input light's noise in the mode, before loss, in shot-noise units.

    E = e^{−2γT}, A² = 2γ/(1 − E). Without extra decay L = 1 − κ²Z, as in (S.1).
    """
    extra = readout.extra_share
    remaining = xp.exp(-2 * readout.decay_rate * readout.duration)
    return extra**2 + (1 - extra) ** 2 * remaining + 2 * extra * (1 - extra) * _overlap(readout, xp)


def bath_contribution(readout: Readout, *, xp: Any = np) -> Any:
    """B = n_b (ε²(1−ε²)/Z)(1 + E − 2A²T E): noise that enters the atoms during the pulse, in shot-noise units."""
    extra = readout.extra_share
    remaining = xp.exp(-2 * readout.decay_rate * readout.duration)
    share = extra * (1 - extra) / readout.squeezing_limit
    return readout.bath_noise * share * (1 + remaining - 2 * _overlap(readout, xp))


def _overlap(readout: Readout, xp: Any) -> Any:
    """A²T E = x/(eˣ − 1) with x = 2γT; 1 for x → 0."""
    exponent = -2 * readout.decay_rate * readout.duration
    return xp.exp(exponent) / first_difference(exponent, xp=xp)


def light_variance(xi: Any, readout: Readout, *, xp: Any = np) -> Any:
    """V = η(κ²ξ + L + B) + 1 − η: variance of the measured light, mean of the two quadratures, in shot-noise units.

    xi : ξ = var(x) + var(p) of the atoms at the start of the pulse; it broadcasts with the fields of `readout`

    Source: (S.2), with the detection efficiency as the loss of a beam splitter.
    """
    ideal = coupling(readout, xp=xp) * xi + light_noise(readout, xp=xp) + bath_contribution(readout, xp=xp)
    return 1 + readout.detection_efficiency * (ideal - 1)


def xi_of_light_variance(variance: Any, readout: Readout) -> Any:
    """ξ at the start of the pulse from the variance V of the light in shot-noise units: inverse of `light_variance`.

    `variance` broadcasts with the fields of `readout`. Needs κ² > 0 and η > 0. With neither extra decay nor loss this
    is (S.1).
    """
    ideal = 1 + (variance - 1) / readout.detection_efficiency
    return (ideal - light_noise(readout) - bath_contribution(readout)) / coupling(readout)


def coupled_spin(n2: Any, p: Any, spin: CoupledSpin = "two-level") -> Any:
    """2γs/dΓ of atoms with populations n2, p = n4 ± n3, which broadcast; 1 for all atoms in |4,±4⟩.

    p, the spin of the two-level part, by the equation of motion of Σ; or (7 n2 + p)/8, the mean spin that normalises ξ:
    both in units of that of a coherent spin state. InvalidValue for another `spin` than "two-level" and "mean-spin".
    """
    if spin not in COUPLED_SPINS:
        raise InvalidValue(f"coupled spin {spin!r}: expected {' or '.join(map(repr, COUPLED_SPINS))}")
    return p if spin == "two-level" else 0.25 * mean_spin(n2, p)


def readout_of(
    rates: Rates,
    n2: Any,
    p: Any,
    duration: float,
    closure: Closure | Any,
    detection_efficiency: Any = 1.0,
    spin: CoupledSpin = "two-level",
) -> Readout:
    """The readout of atoms with populations `n2`, `p` by a pulse of light with these rates (the drive's, as a rule).

    n2, p : n4 ± n3 at the start of the pulse; they broadcast with the rates
    duration : of the pulse, ms, > 0;  detection_efficiency : η, in [0, 1]
    closure : "microscopic", "fixed-number" or c itself, see `spin_variance`

    spin : which couples to the light, see `coupled_spin`

    2γs = dΓ p (or dΓ (7 n2 + p)/8) and 2γextra = Γ̃, both as at the start of the pulse. The extra decay leads to
    n_b = {8(Γ̃ n2 + c dn2/dt) + 14[dn3/dt + (Γ̃ + dΓ p) n3]}/{Γ̃(7n2 + p)}, c = 1 (microscopic) or 0 (fixed-number):
    the equations of motion of Σ and n3 (supplement, theory), written for ξ. Needs Γ̃ > 0.
    """
    n2_slope, p_slope = slopes(n2, p, population_rates(rates))
    n3, n3_slope = 0.5 * (n2 - p), 0.5 * (n2_slope - p_slope)
    total_rate = rates.dephasing_rate + rates.collective_rate * p
    lost = lost_noise(noise_share(closure), lambda: n2_slope)
    gained = 8 * (rates.dephasing_rate * n2 + lost) + 14 * (n3_slope + total_rate * n3)
    bath_noise = gained / (2 * rates.dephasing_rate * mean_spin(n2, p))
    return Readout(
        swap_rate=0.5 * rates.collective_rate * coupled_spin(n2, p, spin),
        extra_decay_rate=0.5 * rates.dephasing_rate,
        squeezing_limit=rates.squeezing_limit,
        duration=duration,
        bath_noise=bath_noise,
        detection_efficiency=detection_efficiency,
    )


def sixteen_level_readout(
    rates: SixteenLevelRates,
    populations: Any,
    duration: float,
    closure: Closure | Any,
    detection_efficiency: Any = 1.0,
    spin: CoupledSpin = "two-level",
) -> Readout:
    """The readout of atoms with sixteen levels by a pulse of light with these rates; other arguments as `readout_of`.

    populations : (…, 16) at the start of the pulse, in the order of `LEVELS`; … broadcast with the rates

    With S = Σ p_m (20 − m²), J = Σ m p_m, n2 and p: n_b = {dS/dt + (Γ̃ + dΓ p) S − 4 dΓ p n2 − 4 (1 − c) dn2/dt}/(Γ̃ J),
    the equation of motion of S + 4C, written for ξ.
    """
    moved = flow(rates)(populations)
    n2, n2_slope, p = populations @ TWO_LEVEL, moved @ TWO_LEVEL, populations @ DIFFERENCE
    noise, mean = populations @ VARIANCE, populations @ SPIN
    collective = rates.collective_rate * p
    lost = lost_noise(1.0 - noise_share(closure), lambda: n2_slope)
    gained = moved @ VARIANCE + (rates.dephasing_rate + collective) * noise - 4 * (collective * n2 + lost)
    return Readout(
        swap_rate=0.5 * rates.collective_rate * (coupled_spin(n2, p, spin) if spin == "two-level" else 0.25 * mean),
        extra_decay_rate=0.5 * rates.dephasing_rate,
        squeezing_limit=rates.squeezing_limit,
        duration=duration,
        bath_noise=gained / (rates.dephasing_rate * mean),
        detection_efficiency=detection_efficiency,
    )
