"""Rates at the paper's parameters, for tests."""

import numpy as np

from dissentangle.forward_models import Rates, Stage


def paper(depth=55.0, dephasing=0.193, pump=0.0, **changes):
    values = {
        "collective_rate": depth * 0.002,
        "radiative_rate": 0.002,
        "squeezing_limit": 0.16,
        "collision_rate": 0.002,
        "light_loss_rate": 0.0264,
        "pump_rate": pump,
        "repump_rate": 0.0,
        "dephasing_rate": dephasing,
    }
    return Rates(**(values | changes))


def derivatives(rates, closure):
    """Right-hand side of the equations of motion of (n2, p, Σ, ∫k), written anew for the oracle."""
    mu2 = (rates.squeezing_limit**-0.5 + rates.squeezing_limit**0.5) ** 2 / 4
    up = mu2 * rates.radiative_rate + rates.collision_rate + rates.pump_rate
    down = (mu2 - 1) * rates.radiative_rate + rates.collision_rate
    out = rates.light_loss_rate + rates.collision_rate
    back = rates.collision_rate + rates.repump_rate

    def right(_, y):
        n2, p, sigma, _ = y
        dn2 = -(out + 2 * back) * n2 + 2 * back
        k = rates.dephasing_rate + rates.collective_rate * p
        q = rates.dephasing_rate * n2 + rates.collective_rate * rates.squeezing_limit * p**2
        extra = dn2 if closure == "microscopic" else 0.0
        return np.array([dn2, -(up + down + out) * p + (up - down) * n2, -k * sigma + q + extra, k])

    return right


def stage(duration, **changes):
    return Stage(duration, paper(**changes))
