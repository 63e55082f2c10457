"""Continuous measurement: what the record of the transmitted light tells about the atoms while dissipation drives them.

Of each quadrature alike (physics of Fig. 2d; f, F, v white, of strength ½):

    dx/dt = −γ x − √(2γs Z) f + √(2γextra n_b) F,    y = √η (f + √(2γs/Z) x) + √(1−η) v

The light that drives the atoms, f, is also in the record: noises of state and record are correlated. Variances are in
units of the vacuum's, so that ξ = 1 is a coherent spin state, and the record's shot noise is white with variance 1.
With b = 2ηγs/Z, the rate of the measurement, and v the conditional variance, v − Z obeys a Riccati equation,

    d(v − Z)/dt = −2γ (v − Z) + 2γ (v_u − Z) − b (v − Z)²,    v_u = (γs Z + γextra n_b)/γ,

whose solution is closed: γm² = γ² + 2γb (v_u − Z), and γm is also the rate e^{γm t} of the best weight on the record.
Without a record (η = 0) v relaxes to v_u at 2γ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..three_state import divided_differences, first_difference
from .readout import ContinuousMeasurement


def optimal_mode_rate(measurement: ContinuousMeasurement, *, xp: Any = np) -> Any:
    """γm = √(γ² + (4ηγsγextra/Z)(n_b − Z)), ms⁻¹: the mode e^{γm t} of the past record predicts the atoms best.

    Larger than γ where n_b > Z. Main text, p. 4: 0.83 ms⁻¹ at γ = 0.27 ms⁻¹.
    """
    m = measurement
    square = m.decay_rate**2 + m.measurement_rate * m.excess_production
    return xp.sqrt(
        np.maximum(square, 0.0) if xp is np else square
    )  # 0 but for rounding where γs = γextra, n_b = 0, η = 1


def steady_conditional_xi(measurement: ContinuousMeasurement, *, xp: Any = np) -> Any:
    """v∞ = Z + 2γ(v_u − Z)/(γ + γm): ξ_cond of the steady state (Fig. 2d). Needs γ + γm > 0."""
    m = measurement
    return m.squeezing_limit + m.excess_production / (m.decay_rate + optimal_mode_rate(m, xp=xp))


def unconditional_xi(measurement: ContinuousMeasurement, times: Any, initial_xi: Any, *, xp: Any = np) -> Any:
    """ξ(t) = ξ(0) e^{−2γt} + v_u (1 − e^{−2γt}) without a record. `times` ≥ 0, ms, from when ξ was `initial_xi`."""
    m, exponent = measurement, -2 * measurement.decay_rate * times
    produced = 2 * (m.swap_rate * m.squeezing_limit + m.extra_decay_rate * m.bath_noise)
    return initial_xi * xp.exp(exponent) + produced * times * first_difference(exponent, xp=xp)


def conditional_xi(measurement: ContinuousMeasurement, times: Any, initial_xi: Any, *, xp: Any = np) -> Any:
    """ξ_cond(t): ξ for those who know the record since `initial_xi`; solution of the Riccati equation.

    v − Z = [q (1 − γτ) + 2γ(v_u − Z) τ]/[1 + (γ + b q) τ], q = ξ(0) − Z, τ = tanh(γm t)/γm. `times` ≥ 0, ms.
    """
    m, start = measurement, initial_xi - measurement.squeezing_limit
    exponent = -2 * optimal_mode_rate(m, xp=xp) * times
    tanh_over_rate = 2 * times * first_difference(exponent, xp=xp) / (1 + xp.exp(exponent))
    numerator = start * (1 - m.decay_rate * tanh_over_rate) + m.excess_production * tanh_over_rate
    return m.squeezing_limit + numerator / (1 + (m.decay_rate + m.measurement_rate * start) * tanh_over_rate)


@dataclass(frozen=True)
class FeedbackMode:
    """What one mode e^{mt} of the record from 0 to T, normalised to ∫u² = 1, says about the atoms at T.

    variance : var(y_feed) in units of the shot noise
    response : cov(x(T), y_feed)/√b, with x and the light in units of their vacuum; ms^½
    """

    measurement: ContinuousMeasurement
    variance: Any
    response: Any

    def gain(self) -> Any:
        """Best weight on y_feed in the prediction of x(T): the paper's α/κ, in units of vacuum over shot noise."""
        return np.sqrt(self.measurement.measurement_rate) * self.response / self.variance

    def conditional_xi(self, unconditional: Any) -> Any:
        """ξ_cond = ξ(T) − cov²/var: what this mode leaves of the unconditional ξ(T)."""
        return unconditional - self.measurement.measurement_rate * self.response**2 / self.variance

    def covariance_with_readout(self, duration: Any, *, xp: Any = np) -> Any:
        """cov(y_read, y_feed) over the shot noise, y_read being the falling mode of a pulse (ms) that follows.

        √(ηκ²) cov(x, y_feed), without the root of a rate.
        """
        m = self.measurement
        pulse = duration * first_difference(-2 * m.decay_rate * duration, xp=xp)  # ∫ e^{−2γt} dt
        return m.measurement_rate * xp.sqrt(pulse) * self.response


def feedback_mode(
    measurement: ContinuousMeasurement, mode_rate: Any, duration: Any, initial_xi: Any, *, xp: Any = np
) -> FeedbackMode:
    """The mode e^{mt}, m = `mode_rate` ≥ 0 (ms⁻¹), of a record of `duration` T > 0 (ms) that began at `initial_xi`.

    The record's autocorrelation is δ(t−s) + b [(v_u − Z) e^{−γ|t−s|} + (ξ(0) − v_u) e^{−γ(t+s)}], from which the
    integrals follow. All arguments broadcast. Source: y_feed and α of the main text, p. 4. Needs γ > 0.
    """
    m, gamma = measurement, measurement.decay_rate
    u = m.unconditional_xi - m.squeezing_limit
    moved = initial_xi - m.unconditional_xi
    # in r = T − t: the mode is e^{−mr}; h(k) = ∫₀ᵀ e^{−kr} dr
    grown = mode_rate * duration + 0.0 * gamma  # symbolic where anything is
    both, across, twice = -gamma * duration - grown, grown - gamma * duration, -2 * grown
    square = duration * first_difference(twice, xp=xp)  # ∫ e^{−2mr} dr
    overlap = duration * first_difference(both, xp=xp)  # ∫ e^{−(m+γ)r} dr
    double = 2 * duration**2 * divided_differences(twice, both, twice >= both, xp=xp).d_0xy
    # ∫ e^{−mr} e^{−γ(T−r)} dr, the mode on what is left of the start
    left = duration * xp.exp(-xp.minimum(grown, gamma * duration)) * first_difference(-abs(across), xp=xp)
    variance = 1 + m.measurement_rate * (u * double + moved * left**2) / square
    response = (u * overlap + moved * xp.exp(-gamma * duration) * left) / xp.sqrt(square)
    return FeedbackMode(m, variance, response)
