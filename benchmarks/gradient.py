"""Log-posterior and gradient, µs: one and four stages; machine code, PyTensor → Numba, an ODE solver.

python benchmarks/gradient.py            (the ODE solver needs the extra `bench`)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dissentangle.datasets import Experiment, StageEntry, read
from dissentangle.inference.model import model_of
from dissentangle.inference.sampling import compile_model, value_labels
from dissentangle.inference.unknowns import ModelSettings

SETTINGS = ModelSettings()


def four_stages() -> Experiment:
    """fig2b-d55 with its drive cut into drive, drive and pump, drive, dark."""
    experiment = read("fig2b-d55")
    lights = [frozenset({"drive"}), frozenset({"drive", "pump"}), frozenset({"drive"}), frozenset[str]()]
    return replace(experiment, stages=tuple(StageEntry(5.0, on) for on in lights), truth=None)


def microseconds(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """Median of ten rounds."""
    call()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds / 20:
        call()
        count += 1
    rounds = []
    for _ in range(10):
        start = time.perf_counter()
        for _ in range(count):
            call()
        rounds.append((time.perf_counter() - start) / count * 1e6)
    return float(np.median(rounds))


def native(experiment: Experiment, optimise: int) -> tuple[float, float]:
    """Seconds to be ready, µs a gradient, through Python's ctypes (about 2 µs of it)."""
    model = model_of(experiment, SETTINGS)
    start = time.perf_counter()
    density = compile_model(model, optimise=optimise).density
    ready = time.perf_counter() - start
    x = np.zeros(density.dimension)
    gradient, value = np.empty(density.dimension), np.empty(1)
    arguments = (density.dimension, x.ctypes.data, gradient.ctypes.data, value.ctypes.data, None)
    return ready, microseconds(lambda: density._function(*arguments))


def numba(experiment: Experiment) -> tuple[float, float]:
    """The same through PyTensor's Numba backend: the jitted function, called from Python."""
    model = model_of(experiment, SETTINGS)
    start = time.perf_counter()
    function = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    function.set_extra_values({})
    x = value_labels(model)[1]
    function(x)
    ready = time.perf_counter() - start
    jitted = function._pytensor_function.vm.jit_fn
    return ready, microseconds(lambda: jitted(x))


def ode_solver() -> tuple[float, float] | None:
    """The one-stage model through diffrax (adjoint by recursive checkpoints), float64, tolerance 1e-8."""
    try:
        import diffrax
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    experiment = read("fig2b-d55")
    xi, spin, jy = experiment.series
    times = jnp.asarray(xi.time)

    def log_posterior(u: Any) -> Any:
        rates, depth, z, scale = jnp.exp(u[:5]), 55 + 2.75 * u[5], 0.16 + 0.005 * u[6], 1 + 0.04 * u[7]
        collective, collisions, loss, pure, n3 = rates
        radiative = collective / depth
        mean = 0.25 * (1 / z + z)
        up, down = (mean + 0.5) * radiative + collisions, (mean - 0.5) * radiative + collisions
        out, back = loss + collisions, collisions
        total = up + down + 2 * out + pure

        def right(_: Any, y: Any, __: Any) -> Any:
            n2, p, sigma, _k = y
            dn2 = -(out + 2 * back) * n2 + 2 * back
            k = total + collective * p
            drive = total * n2 + collective * z * p * p + dn2
            return jnp.array([dn2, -(up + down + out) * p + (up - down) * n2, -k * sigma + drive, k])

        found = diffrax.diffeqsolve(
            diffrax.ODETerm(right), diffrax.Tsit5(), 0.0, 20.0, 0.1, jnp.array([1.0, 1 - 2 * n3, 1.0, 0.0]),
            saveat=diffrax.SaveAt(ts=times), stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-8),
        )  # fmt: skip
        n2, p, sigma, exponent = found.ys.T
        mean_xi = scale * (8 * sigma + 7 * (n2 - p)) / (7 * n2 + p)
        shape = xi.spread - 1
        logp = jnp.sum(shape * jnp.log(shape / mean_xi) - shape * xi.value / mean_xi)
        logp += -0.5 * jnp.sum(((spin.value - (7 * n2 + p) / (8 - 2 * n3)) / spin.spread) ** 2)
        logp += -0.5 * jnp.sum(((jy.value - jnp.exp(-exponent / 2)) / jy.spread) ** 2)
        return logp - 0.5 * jnp.sum(u**2)

    function = jax.jit(jax.value_and_grad(log_posterior))
    u = jnp.log(jnp.array([0.11, 0.002, 0.0264, 0.126, 0.01, 1.0, 1.0, 1.0])).at[5:].set(0.0)
    start = time.perf_counter()
    jax.block_until_ready(function(u))
    ready = time.perf_counter() - start
    return ready, microseconds(lambda: jax.block_until_ready(function(u)))


def main() -> None:
    """Print the table."""
    rows = {}
    for name, experiment in (("one stage", read("fig2b-d55")), ("four stages", four_stages())):
        rows[f"machine code, as fitted, {name}"] = native(experiment, 0)
        rows[f"machine code, optimised, {name}"] = native(experiment, 2)
        rows[f"PyTensor → Numba, {name}"] = numba(experiment)
    solver = ode_solver()
    if solver is not None:
        rows["ODE solver with autodiff (diffrax), one stage"] = solver
    reference = rows["machine code, as fitted, one stage"][1]
    print(f"{'':50} {'ready after':>12} {'per gradient':>13} {'ratio':>7}")
    for name, (ready, each) in rows.items():
        print(f"{name:50} {ready:10.2f} s {each:10.1f} µs {each / reference:7.1f}")


if __name__ == "__main__":
    main()
