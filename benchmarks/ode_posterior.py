"""The posterior of fig2b-d55 by integrating its rate equations: what the peers sample.

Written once for NumPy, JAX and PyTensor (`xp`). The sampled vector u holds the scores of the priors, each standard
normal a priori, in the order of NAMES: its density is PyMC's on unconstrained values up to a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dissentangle.datasets import read

DATA_SET = "fig2b-d55"
NAMES = (
    "collective_rate",
    "optical_depth",
    "squeezing_limit",
    "collision_rate",
    "light_loss_rate",
    "pure_dephasing_rate[drive]",
    "initial_n3",
    "scale[xi]",
)
LOGARITHMIC = np.array([True, False, False, True, True, True, True, False])
CENTRE = np.array([0.1, 55.0, 0.16, 0.003, 0.02, 0.2, 0.01, 1.0])
WIDTH = np.array([1.0, 2.75, 0.005, 1.0, 1.0, 1.0, 0.5, 0.04])
"""Median and sd of the logarithm where logarithmic, mean and sd elsewhere: docs/model.md, and the apparatus."""
NEAR_THE_MODE = np.array([0.1, 0.0, 0.0, -0.4, 0.3, -0.5, 0.2, 0.3])
"""Scores at which peers may start: the samplers are compared, not the search for the mode."""
SERIES = read(DATA_SET).series
TIMES = SERIES[0].time
DURATION = 20.0


def natural(u: Any, xp: Any = np) -> Any:
    """Parameters on natural units from scores; entries along the last axis."""
    linear = CENTRE + WIDTH * u
    return xp.where(LOGARITHMIC, CENTRE * xp.exp(WIDTH * xp.where(LOGARITHMIC, u, 0.0)), linear)


def initial(n3: Any) -> tuple[Any, Any, Any, Any]:
    """n2, p, Σ and K = ∫(Γ̃ + dΓ p)dt at the start."""
    one = 1.0 + 0.0 * n3
    return one, 1.0 - 2.0 * n3, one, 0.0 * n3


def coefficients(collective: Any, depth: Any, z: Any, collisions: Any, loss: Any, pure: Any) -> tuple[Any, ...]:
    """Constants of the rate equations (microscopic closure), for `slopes`."""
    mean_square, radiative = 0.25 * (1 / z + z), collective / depth
    cooling = (mean_square + 0.5) * radiative + collisions
    heating = (mean_square - 0.5) * radiative + collisions
    out = loss + collisions
    dephasing = cooling + heating + 2 * out + pure
    return 2 * collisions, out + 2 * collisions, cooling - heating, cooling + heating + out, dephasing, collective, z


def slopes(state: Any, constants: Any) -> tuple[Any, Any, Any, Any]:
    """Time derivatives of n2, p, Σ, K."""
    n2, p, sigma, _ = state
    back, gone, polarised, spin_decay, dephasing, collective, z = constants
    n2_slope = back - gone * n2
    entangling = collective * p
    decay = dephasing + entangling
    return (
        n2_slope,
        polarised * n2 - spin_decay * p,
        dephasing * n2 + z * entangling * p + n2_slope - decay * sigma,
        decay,
    )


def log_likelihood(state: Any, n3: Any, scale: Any, xp: Any = np) -> Any:
    """Up to a constant; n2, p, Σ, K at TIMES, along the last axis."""
    n2, p, sigma, exponent = state
    xi, spin, transverse = SERIES
    shape = xi.spread - 1
    expected = scale * (8 * sigma + 7 * (n2 - p)) / (7 * n2 + p)
    likelihood = -shape * (xp.log(expected) + xi.value / expected)
    likelihood = likelihood - 0.5 * ((spin.value - (7 * n2 + p) / (8 - 2 * n3)) / spin.spread) ** 2
    likelihood = likelihood - 0.5 * ((transverse.value - xp.exp(-0.5 * exponent)) / transverse.spread) ** 2
    return likelihood.sum(axis=-1)


def diffrax_log_posterior(
    tolerance: float = 1e-6, solver: str = "Tsit5", adjoint: Any = None, max_steps: int = 256
) -> Callable[[Any], Any]:
    """Log posterior of u for JAX, in float64."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    method = getattr(diffrax, solver)()
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)

    def log_posterior(u: Any) -> Any:
        *rates, n3, scale = natural(u, jnp)
        term = diffrax.ODETerm(lambda _, y, constants: jnp.stack(slopes(y, constants)))
        found = diffrax.diffeqsolve(
            term, method, 0.0, DURATION, 0.2, jnp.stack(initial(n3)), coefficients(*rates), max_steps=max_steps,
            saveat=diffrax.SaveAt(ts=jnp.asarray(TIMES)), stepsize_controller=controller,
            adjoint=adjoint or diffrax.RecursiveCheckpointAdjoint(), throw=False,
        )  # fmt: skip
        return log_likelihood(found.ys.T, n3, scale, jnp) - 0.5 * jnp.sum(u**2)

    return log_posterior
