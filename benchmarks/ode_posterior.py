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
"""Median and sd of the logarithm where logarithmic, else mean and sd: the table of parameters, and the apparatus."""
START = np.array([0.1, 0.0, 0.0, -0.48, 0.28, -0.48, 0.2, 0.36])
SPREAD = np.array([0.07, 1.0, 1.0, 0.14, 0.009, 0.05, 1.0, 0.43])
"""About the posterior, in scores: where peers may start. The samplers are compared, not the search for the mode."""
BOUND = np.where(SPREAD < 0.2, 3.0, 8.0)
"""Farther out the posterior is nil, and one wild proposal would make the integrator take small steps for all."""
SERIES = read(DATA_SET).series
TIMES = SERIES[0].x
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


def diffrax_log_posterior(forward: bool = False, tolerance: float = 1e-6) -> Callable[[Any], Any]:
    """Log posterior of u for JAX, in float64, to be differentiated `forward` or backward (recursive checkpoints).

    Tsit5 was no slower than the other solvers tried; the time hardly depends on the tolerance.
    """
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    term = diffrax.ODETerm(lambda _, state, constants: jnp.stack(slopes(state, constants)))
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
    adjoint = diffrax.ForwardMode() if forward else diffrax.RecursiveCheckpointAdjoint()

    def log_posterior(u: Any) -> Any:
        *rates, n3, scale = natural(u, jnp)
        found = diffrax.diffeqsolve(
            term, diffrax.Tsit5(), 0.0, DURATION, 0.5, jnp.stack(initial(n3)), coefficients(*rates),
            saveat=diffrax.SaveAt(ts=jnp.asarray(TIMES)), stepsize_controller=controller, max_steps=64, throw=False,
            adjoint=adjoint,
        )  # fmt: skip
        return log_likelihood(found.ys.T, n3, scale, jnp) - 0.5 * jnp.sum(u**2)

    return log_posterior


def scipy_log_posterior(u: np.ndarray, tolerance: float = 1e-5) -> np.ndarray:
    """Log posterior for rows of u, integrated together: ten times faster than one by one with odeint."""
    from scipy.integrate import solve_ivp

    result = np.full(len(u), -np.inf)
    inside = (np.abs(u) < BOUND).all(axis=1)
    *rates, n3, scale = natural(u[inside]).T
    constants = coefficients(*rates)

    def right(_: float, flat: np.ndarray) -> np.ndarray:
        return np.concatenate(slopes(flat.reshape(4, -1), constants))

    start = np.concatenate(initial(n3))
    found = solve_ivp(right, (0.0, DURATION), start, "RK45", t_eval=TIMES, rtol=tolerance, atol=tolerance)
    with np.errstate(invalid="ignore"):
        likelihood = log_likelihood(found.y.reshape(4, len(n3), -1), n3[:, None], scale[:, None])
    result[inside] = np.nan_to_num(likelihood, nan=-np.inf) - 0.5 * np.sum(u[inside] ** 2, axis=1)
    return result


def pymc_ode_model() -> Any:
    """The PyMC model with `pm.ode.DifferentialEquation`; variables named as those of build_model."""
    import pymc as pm
    import pytensor.tensor as pt

    def right(state: Any, _: Any, rates: Any) -> list[Any]:
        return list(slopes([state[k] for k in range(4)], coefficients(*(rates[k] for k in range(6)))))

    solve = pm.ode.DifferentialEquation(right, TIMES, n_states=4, n_theta=6, t0=0)
    with pm.Model() as model:
        *rates, n3, scale = (
            pm.LogNormal(name.split("[")[0], np.log(centre), width)
            if logarithmic
            else pm.Normal(name.split("[")[0], centre, width)
            for name, logarithmic, centre, width in zip(NAMES, LOGARITHMIC, CENTRE, WIDTH, strict=True)
        )
        states = solve(y0=pt.stack(initial(n3)), theta=pt.stack(rates))
        pm.Potential("likelihood", log_likelihood([states[:, k] for k in range(4)], n3, scale, pt))
    return model
