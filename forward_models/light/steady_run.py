"""A run whose populations do not move: rates are constant, and only the transverse spins have something to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..three_state import Rates, epr_parameter, orientation, population_rates
from .conditional import conditional_xi, unconditional_xi
from .readout import ContinuousMeasurement


@dataclass(frozen=True)
class SteadyRun:
    """What can be seen of such a run; arrays of the shape of the rates and of the times, (T,) or (draws, T).

    initial_xi : ξ at the beginning, of the shape of the rates
    xi : ξ of those who do not know the record;  conditional_xi : of those who know it from the beginning of the run
    transverse_spin : Jy(t)/Jy(0) = e^{−γt}
    orientation : within F = 4; None where the populations are not modelled
    """

    initial_xi: Any
    xi: Any
    conditional_xi: Any
    transverse_spin: Any
    orientation: Any = None


def steady_run(measurement: ContinuousMeasurement, times: Any, initial_xi: Any, *, xp: Any = np) -> SteadyRun:
    """The run at `times` (T,), ms ≥ 0 from its beginning, where ξ is `initial_xi`.

    Rates and `initial_xi` are scalars, symbolic, or columns (draws, 1).
    """
    return SteadyRun(
        initial_xi,
        unconditional_xi(measurement, times, initial_xi, xp=xp),
        conditional_xi(measurement, times, initial_xi, xp=xp),
        xp.exp(-measurement.decay_rate * times),
    )


def steady_populations(rates: Rates) -> tuple[Any, Any]:
    """n2∞ and p∞, see `steady_state`; needs a way back from F = 3."""
    k = population_rates(rates)
    n2 = k.g / k.a
    return n2, k.c * n2 / k.b


def steady_orientation(rates: Rates) -> Any:
    """Orientation within F = 4 of the steady state, (4 n4 + 3 n3)/(4 n2); needs a way back from F = 3."""
    return orientation(*steady_populations(rates))


def measurement_of(rates: Rates, detection_efficiency: Any) -> ContinuousMeasurement:
    """The continuous measurement of atoms in the steady state of their populations.

    2γs = dΓ p∞ and 2γextra = Γ̃; n_b is such that the unconditional steady state has the ξ∞ of `steady_state`. The same
    for both closures. Needs Γ̃ > 0.
    """
    n2, p = steady_populations(rates)
    collective, dephasing, limit = rates.collective_rate * p, rates.dephasing_rate, rates.squeezing_limit
    variance = (dephasing * n2 + collective * limit * p) / (dephasing + collective)
    xi = epr_parameter(n2, p, variance)
    bath_noise = ((dephasing + collective) * xi - collective * limit) / dephasing
    return ContinuousMeasurement(0.5 * collective, 0.5 * dephasing, limit, bath_noise, detection_efficiency)
