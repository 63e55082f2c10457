"""How each contender of `peers.py` samples the posterior of fig2b-d55, with the best settings found."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ode_posterior import (
    DATA_SET,
    LOGARITHMIC,
    NAMES,
    SPREAD,
    START,
    WIDTH,
    diffrax_log_posterior,
    natural,
    pymc_ode_model,
    scipy_log_posterior,
)

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Sampled:
    """Draws (chain, draw, unknown) on natural units; `seconds` of sampling with warm-up, without compilation.

    divergent : transitions among the draws kept; -1 where the method has no such thing
    """

    draws: np.ndarray
    seconds: float
    divergent: int = -1


@dataclass(frozen=True)
class Contender:
    """How to sample, and the packages it needs."""

    run: Callable[[bool], Sampled]
    packages: tuple[str, ...] = ()


def columns(variables: Mapping[str, Any]) -> np.ndarray:
    """(chain, draw, unknown) in the order of NAMES."""
    arrays = [np.asarray(variables[name.split("[")[0]]) for name in NAMES]
    return np.stack([array.reshape(array.shape[:2]) for array in arrays], axis=-1)


def starts(count: int, width: float = 0.3) -> np.ndarray:
    """Scores about the mode, one row per chain."""
    return START + width * SPREAD * np.random.default_rng(1).standard_normal((count, len(NAMES)))


def ours(quick: bool) -> Sampled:
    """The run of median time of several seeds; machine code and nutpie are loaded before."""
    from dissentangle.datasets import read
    from dissentangle.inference.model import ModelSettings, Problem, SamplerSettings
    from dissentangle.inference.sampling import prepared, sample

    ready = prepared(Problem(read(DATA_SET), ModelSettings("microscopic")))
    sample(ready, SamplerSettings(seed=1, draws=10, tune=10))
    runs = []
    for seed in range(1, 4 if quick else 10):
        start = time.perf_counter()
        drawn = sample(ready, SamplerSettings(seed))
        elapsed = time.perf_counter() - start
        runs.append(Sampled(columns(drawn.variables), elapsed, int(drawn.statistics["diverging"].sum())))
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def numpyro_diffrax(quick: bool) -> Sampled:
    """NUTS with a dense mass matrix, four chains on four host devices, derivatives forward.

    With larger steps transitions diverge, and the tail of n3 is missed. Faster than chains vectorised, whose trees are
    in lock-step; backward derivatives fail on several devices.
    """
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
    import jax
    import jax.numpy as jnp
    from numpyro.infer import MCMC, NUTS

    compiling: list[float] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiling.append(seconds if "/compile/" in event else 0.0)
    )
    log_posterior = diffrax_log_posterior(forward=True)
    kernel = NUTS(
        potential_fn=lambda u: -log_posterior(u),
        dense_mass=True,
        target_accept_prob=0.95,
        forward_mode_differentiation=True,
    )
    draws = 300 if quick else 1000
    mcmc = MCMC(kernel, num_warmup=600, num_samples=draws, num_chains=4, chain_method="parallel", progress_bar=False)
    start = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(1), init_params=jnp.asarray(starts(4)), extra_fields=("diverging",))
    u = np.asarray(jax.block_until_ready(mcmc.get_samples(group_by_chain=True)))
    elapsed = time.perf_counter() - start - sum(compiling)
    return Sampled(natural(u), elapsed, int(mcmc.get_extra_fields()["diverging"].sum()))


def _ensemble(job: tuple[int, int, int]) -> np.ndarray:
    """Draws (walker, step, score) of one ensemble, without its burn-in."""
    import emcee

    seed, burn_in, steps = job
    np.random.seed(seed)  # noqa: NPY002  (what emcee draws from)
    walkers = 512
    moves = [(emcee.moves.DEMove(), 0.9), (emcee.moves.DEMove(gamma0=1.0), 0.1)]
    sampler = emcee.EnsembleSampler(walkers, len(NAMES), scipy_log_posterior, moves=moves, vectorize=True)
    first = START + SPREAD * np.random.default_rng(seed).standard_normal((walkers, len(NAMES)))
    sampler.run_mcmc(first, burn_in + steps)
    return sampler.get_chain(discard=burn_in).swapaxes(0, 1)


def emcee_scipy(quick: bool) -> Sampled:
    """Differential evolution, one ensemble of 512 walkers a core, each half integrated at once.

    No snooker move: that of emcee 3.1.6 gives a standard normal in 8 dimensions an sd of 0.79.
    """
    import multiprocessing

    jobs = [(seed, 500, 500 if quick else 3000) for seed in range(1, min(CORES, 2) + 1)]
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(len(jobs)) as pool:
        u = np.concatenate(pool.map(_ensemble, jobs))
    return Sampled(natural(u), time.perf_counter() - start)


def _of_tree(tree: Any, seconds: float) -> Sampled:
    return Sampled(columns(tree["posterior"].dataset), seconds, int(tree["sample_stats"]["diverging"].sum()))


def _pymc_nuts(model: Any, tune: int, draws: int, chains: int, target_accept: float) -> Sampled:
    """PyMC's own NUTS from the mode and with about the right scales, which tuning then adapts.

    So few draws of tuning suffice, and no chain is lost at Z < 0, where PyMC's jitter of ±1 can put it.
    """
    import pymc as pm
    from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt

    names = [name.split("[")[0] for name in NAMES]
    sizes = [np.shape(model.initial_point()[model.rvs_to_values[rv].name]) for rv in model.free_RVs]
    order = [names.index(rv.name) for rv in model.free_RVs]
    start, widths = natural(START)[order], (WIDTH * SPREAD)[order]
    mean = np.where(LOGARITHMIC[order], np.log(np.abs(start)), start)
    with model:
        step = pm.NUTS(potential=QuadPotentialDiagAdapt(len(names), mean, widths**2, 10), target_accept=target_accept)
        tree = pm.sample(
            draws, tune=tune, chains=chains, cores=min(CORES, chains), random_seed=1, step=step, progressbar=False,
            initvals={rv.name: np.full(n, x) for rv, n, x in zip(model.free_RVs, sizes, start, strict=True)},
            compute_convergence_checks=False,
        )  # fmt: skip
    return _of_tree(tree, float(tree["posterior"].attrs["sampling_time"]))


def pymc_ode(quick: bool) -> Sampled:
    """Few draws, each of a third of a second: its ESS is rough. Steps as large as for many draws would be wrong."""
    return _pymc_nuts(pymc_ode_model(), *((50, 25) if quick else (100, 150)), 2, 0.8)


def pymc_closed_form(quick: bool) -> Sampled:
    """PyMC's own NUTS on our model. With larger steps transitions diverge, and the tail of n3 is missed by 6 errors."""
    from dissentangle.inference import build_model

    return _pymc_nuts(build_model(DATA_SET, closure="microscopic"), 1000, 200 if quick else 1000, 4, 0.95)


def nutpie_closed_form(quick: bool) -> Sampled:
    """Stock nutpie (PyTensor → Numba, PyMC's own coordinates) on our model; jitter only where it does no harm."""
    import nutpie

    from dissentangle.inference import build_model

    model = build_model(DATA_SET, closure="microscopic")
    rates = {rv for rv in model.free_RVs if rv.name not in ("squeezing_limit", "optical_depth", "scale")}
    compiled = nutpie.compile_pymc_model(model, jitter_rvs=rates)
    options = {"chains": 4, "cores": min(CORES, 4), "progress_bar": False, "save_warmup": False}
    nutpie.sample(compiled, draws=10, tune=10, seed=1, **options)
    start = time.perf_counter()
    tree = nutpie.sample(compiled, draws=200 if quick else 1000, tune=500, seed=1, target_accept=0.9, **options)
    return _of_tree(tree, time.perf_counter() - start)


CONTENDERS = {
    "ours": Contender(ours),
    "nutpie-closed-form": Contender(nutpie_closed_form),
    "pymc-closed-form": Contender(pymc_closed_form),
    "emcee-scipy": Contender(emcee_scipy, ("emcee",)),
    "numpyro-diffrax": Contender(numpyro_diffrax, ("numpyro", "diffrax")),
    "pymc-ode": Contender(pymc_ode),
}
