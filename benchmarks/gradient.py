"""Log-posterior and gradient, µs: machine code against a kernel in C, by hand; PyTensor → Numba, an ODE solver.

python benchmarks/gradient.py            (the kernel needs the compiler `cc`, the ODE solver the extra `bench`)
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dissentangle.datasets import Experiment, StageEntry, read
from dissentangle.inference.engine import compile_model, start_of
from dissentangle.inference.model import ModelSettings, Problem, model_of


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


def native(experiment: Experiment) -> tuple[float, float]:
    """Seconds to be ready, µs a gradient, through Python's ctypes (about 2 µs of it)."""
    model = model_of(Problem(experiment, ModelSettings("microscopic")))
    start = time.perf_counter()
    density = compile_model(model).density
    ready = time.perf_counter() - start
    x = np.zeros(density.dimension)
    gradient, value = np.empty(density.dimension), np.empty(1)
    pointers = (array.ctypes.data for array in (x, gradient, value, density.data))
    arguments = (density.dimension, *pointers)
    return ready, microseconds(lambda: density._logp(*arguments))


_LOOP = """
#include <stdint.h>
void repeat(int64_t (*f)(uint64_t, void *, void *, void *, void *), int64_t n, uint64_t dim, void *x, void *g, void *v,
            void *data) { for (int64_t i = 0; i < n; i++) f(dim, x, g, v, data); }
"""


def compiled(source: str, folder: Path, *options: str) -> ctypes.CDLL:
    """A library made of a text in C."""
    file = folder / f"{len(list(folder.iterdir()))}.so"
    command = ["cc", "-O3", *options, "-shared", "-fPIC", "-x", "c", "-", "-o", str(file), "-lm"]
    subprocess.run(command, input=source, text=True, check=True)
    return ctypes.CDLL(str(file))


def against_kernel() -> tuple[float, float, float]:
    """µs of the engine and of `gradient_kernel.c`, in turns, and the largest relative difference of their gradients.

    Both are called from C, 50 times; of 200 turns the fastest counts.
    """
    model = model_of(Problem(read("fig2b-d55"), ModelSettings("microscopic")))
    start = start_of(model)
    density = compile_model(model, start).density
    with tempfile.TemporaryDirectory() as folder:
        repeat = compiled(_LOOP, Path(folder)).repeat
        text = Path(__file__).with_name("gradient_kernel.c").read_text(encoding="utf-8")
        kernel = compiled(text, Path(folder), "-march=native", "-ffast-math").kernel
    address = ctypes.cast(kernel, ctypes.c_void_p).value
    both = [(density.logp_address, density.data), (address, np.concatenate([start.centre, density.data]))]
    x = np.linspace(-0.01, 0.01, density.dimension)
    best, gradients = [np.inf, np.inf], [np.empty(len(x)), np.empty(len(x))]
    for turn in range(400):
        (code, data), gradient, value = both[turn % 2], gradients[turn % 2], np.empty(1)
        arrays = [ctypes.c_void_p(array.ctypes.data) for array in (x, gradient, value, data)]
        begin = time.perf_counter()
        repeat(ctypes.c_void_p(code), ctypes.c_int64(50), ctypes.c_uint64(len(x)), *arrays)
        best[turn % 2] = min(best[turn % 2], (time.perf_counter() - begin) / 50 * 1e6)
    return best[0], best[1], float(np.abs(gradients[0] / gradients[1] - 1).max())


def numba(experiment: Experiment) -> tuple[float, float]:
    """The same through PyTensor's Numba backend: the jitted function, called from Python."""
    model = model_of(Problem(experiment, ModelSettings("microscopic")))
    start = time.perf_counter()
    function = model.logp_dlogp_function(ravel_inputs=True, mode="NUMBA")
    function.set_extra_values({})
    x = start_of(model).centre
    function(x)
    ready = time.perf_counter() - start
    compiled = function._pytensor_function
    jitted, data = compiled.vm.jit_fn, [shared.get_value() for shared in compiled.get_shared()]
    return ready, microseconds(lambda: jitted(x, *data))


def ode_solver() -> tuple[float, float] | None:
    """The one-stage model through diffrax (adjoint by recursive checkpoints), float64."""
    try:
        import diffrax  # noqa: F401
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    from ode_posterior import START, diffrax_log_posterior

    function = jax.jit(jax.value_and_grad(diffrax_log_posterior()))
    start = time.perf_counter()
    u = jnp.asarray(START)
    jax.block_until_ready(function(u))
    ready = time.perf_counter() - start
    return ready, microseconds(lambda: jax.block_until_ready(function(u)))


def main() -> None:
    """Print the table."""
    engine, kernel, difference = against_kernel()
    print(f"one stage, from C: engine {engine:.2f} µs, by hand in C {kernel:.2f} µs, ratio {engine / kernel:.2f}")
    print(f"largest relative difference of the gradients {difference:.0e}\n", flush=True)
    rows = {}
    for name, experiment in (("one stage", read("fig2b-d55")), ("four stages", four_stages())):
        rows[f"machine code, {name}"] = native(experiment)
        rows[f"PyTensor → Numba, {name}"] = numba(experiment)
    solver = ode_solver()
    if solver is not None:
        rows["ODE solver with autodiff (diffrax), one stage"] = solver
    reference = rows["machine code, one stage"][1]
    print(f"{'':50} {'ready after':>12} {'per gradient':>13} {'ratio':>7}")
    for name, (ready, each) in rows.items():
        print(f"{name:50} {ready:10.2f} s {each:10.1f} µs {each / reference:7.1f}")


if __name__ == "__main__":
    main()
