"""How each contender of `peers.py` samples the posterior of fig2b-d55: with settings from its own documentation.

Four chains, or four ensembles. Target acceptance 0.95 for every NUTS of a peer, as the documentation of PyMC, numpyro
and Stan advises where transitions diverge: at their default, 0.8, some do here. Tuning, metric and chains are as in the
documented examples; peers start about the mode, as in `starts`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ode_posterior import (
    DATA_SET,
    NAMES,
    SPREAD,
    START,
    diffrax_log_posterior,
    natural,
    pymc_ode_model,
    scipy_log_posterior,
)

CHAINS, ACCEPTANCE = 4, 0.95
WALKERS, BURN_IN = 128, 200
"""Of an ensemble, and steps left out: more than two autocorrelation times, as its tutorials do."""
MCLMC_TUNING = 5000
"""Of the steps that its tuning is told, it uses a fifth."""
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Sampled:
    """Draws (chain, draw, unknown) on natural units; wall and CPU `seconds` of sampling with warm-up, not compilation.

    Where there are more chains than four, they are the walkers of four ensembles, one ensemble after the other.
    divergent : transitions among the draws kept; -1 where the method has no such thing
    extra : seconds that a user would not spend: where it was sampled again to time it without compilation
    """

    draws: np.ndarray
    seconds: np.ndarray
    divergent: int = -1
    extra: np.ndarray = field(default_factory=lambda: np.zeros(2))


@dataclass(frozen=True)
class Contender:
    """How to sample: so many draws of each chain, by a seed; and the packages it needs.

    first, most : draws of each chain that are tried first, and at most
    """

    run: Callable[[int, int], Sampled]
    packages: tuple[str, ...] = ()
    first: int = 1000
    most: int = 16000


def clock() -> np.ndarray:
    """Wall and CPU seconds, those of child processes that have ended included."""
    return np.array([time.perf_counter(), sum(os.times()[:4])])


def columns(variables: Mapping[str, Any]) -> np.ndarray:
    """(chain, draw, unknown) in the order of NAMES."""
    arrays = [np.asarray(variables[name.split("[")[0]]) for name in NAMES]
    return np.stack([array.reshape(array.shape[:2]) for array in arrays], axis=-1)


def starts(count: int, seed: int = 1, width: float = 0.3) -> np.ndarray:
    """Scores about the mode, one row per chain."""
    return START + width * SPREAD * np.random.default_rng(seed).standard_normal((count, len(NAMES)))


def ours(draws: int, seed: int) -> Sampled:
    """A default fit, whatever the draws asked for; machine code and nutpie are loaded before."""
    from dissentangle.datasets import read
    from dissentangle.inference.model import ModelSettings, Problem, SamplerSettings
    from dissentangle.inference.sampling import prepared, sample

    ready = prepared(Problem(read(DATA_SET), ModelSettings("microscopic")))
    sample(ready, SamplerSettings(seed=1, draws=10, tune=10))
    start = clock()
    drawn = sample(ready, SamplerSettings(seed))
    elapsed = clock() - start
    return Sampled(columns(drawn.variables), elapsed, int(drawn.statistics["diverging"].sum()))


def numpyro_diffrax(draws: int, seed: int) -> Sampled:
    """`MCMC(NUTS(…))` with a dense mass matrix, four chains on four host devices, derivatives forward.

    Faster than chains vectorised, whose trees are in lock-step; backward derivatives fail on several devices.
    """
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={CHAINS}"
    import jax
    import jax.numpy as jnp
    from numpyro.infer import MCMC, NUTS

    log_posterior = diffrax_log_posterior(forward=True)
    kernel = NUTS(
        potential_fn=lambda u: -log_posterior(u),
        dense_mass=True,
        target_accept_prob=ACCEPTANCE,
        forward_mode_differentiation=True,
    )
    mcmc = MCMC(kernel, num_warmup=500, num_samples=draws, num_chains=CHAINS, progress_bar=False)
    for _ in range(2):  # the second time nothing is compiled
        start = clock()
        mcmc.run(jax.random.PRNGKey(seed), init_params=jnp.asarray(starts(CHAINS, seed)), extra_fields=("diverging",))
        u = np.asarray(jax.block_until_ready(mcmc.get_samples(group_by_chain=True)))
        elapsed = clock() - start
    return Sampled(natural(u), elapsed, int(mcmc.get_extra_fields()["diverging"].sum()), elapsed)


def _blackjax(chain: Callable[[Any, Any, Any], tuple[Any, Any]], seed: int) -> Sampled:
    """Four chains on four host devices, as its how-to for several chains has it; derivatives forward, as `custom_vjp`.

    chain : positions and whether each diverged, of a key, a first point and the log posterior
    """
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={CHAINS}"
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    plain = diffrax_log_posterior(forward=True)
    log_posterior = jax.custom_vjp(plain)
    log_posterior.defvjp(
        lambda u: jax.jacfwd(lambda v: (plain(v),) * 2, has_aux=True)(u)[::-1], lambda slope, back: (slope * back,)
    )
    mesh, spec = jax.make_mesh((CHAINS,), ("chain",)), PartitionSpec("chain")

    def one(keys: Any, first: Any) -> Any:
        return jax.tree.map(lambda x: x[None], chain(keys[0], first[0], log_posterior))

    given = jax.device_put(
        (jax.random.split(jax.random.key(seed), CHAINS), starts(CHAINS, seed)), NamedSharding(mesh, spec)
    )
    run = jax.jit(jax.shard_map(one, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))
    compiled = run.lower(*given).compile()
    start = clock()
    u, diverging = jax.block_until_ready(compiled(*given))
    return Sampled(natural(np.asarray(u)), clock() - start, int(diverging.sum()))


def _scanned(step: Callable[[Any, Any], tuple[Any, Any]], state: Any, key: Any, draws: int) -> tuple[Any, Any]:
    """Positions, and whether each diverged. The first draws do not depend on how many follow."""
    import jax

    def one(carried: Any, number: Any) -> Any:
        new, info = step(jax.random.fold_in(key, number), carried)
        return new, (new.position, info.is_divergent)

    found: tuple[Any, Any] = jax.lax.scan(one, state, np.arange(draws))[1]
    return found


def blackjax_nuts(draws: int, seed: int) -> Sampled:
    """NUTS after window adaptation of 1000 steps, as in its quickstart, with a dense mass matrix."""

    def chain(key: Any, first: Any, log_posterior: Any) -> tuple[Any, Any]:
        import blackjax
        import jax

        warm, key = jax.random.split(key)
        adaptation = blackjax.window_adaptation(
            blackjax.nuts, log_posterior, is_mass_matrix_diagonal=False, target_acceptance_rate=ACCEPTANCE
        )
        (state, settings), _ = adaptation.run(warm, first, num_steps=1000)
        return _scanned(blackjax.nuts(log_posterior, **settings).step, state, key, draws)

    return _blackjax(chain, seed)


def blackjax_mclmc(draws: int, seed: int) -> Sampled:
    """Adjusted microcanonical sampler of random length, tuned as its chapter of the Sampling Book does, target 0.9."""

    def chain(key: Any, first: Any, log_posterior: Any) -> tuple[Any, Any]:
        import blackjax
        import jax
        from blackjax.mcmc import adjusted_mclmc_dynamic as dynamic

        steps = dynamic.make_random_trajectory_length_fn(True)
        begin, warm, key = jax.random.split(key, 3)
        kernel = dynamic.build_kernel(integration_steps_fn=steps)
        state, found, _ = blackjax.adjusted_mclmc_find_L_and_step_size(
            kernel, log_posterior, num_steps=MCLMC_TUNING, state=dynamic.init(first, log_posterior, begin),
            rng_key=warm, target=0.9,
        )  # fmt: skip
        sampler = blackjax.adjusted_mclmc_dynamic(
            log_posterior, found.step_size, inverse_mass_matrix=found.inverse_mass_matrix,
            integration_steps_fn=steps, integration_steps_params=(found.L / found.step_size,),
        )  # fmt: skip
        return _scanned(sampler.step, state, key, draws)

    return _blackjax(chain, seed)


def _ensemble(job: tuple[int, int]) -> np.ndarray:
    """Draws (walker, step, score) of one ensemble, without its burn-in."""
    import emcee

    seed, steps = job
    np.random.seed(seed)  # noqa: NPY002  (what emcee draws from)
    moves = [(emcee.moves.DEMove(), 0.9), (emcee.moves.DEMove(gamma0=1.0), 0.1)]
    sampler = emcee.EnsembleSampler(WALKERS, len(NAMES), scipy_log_posterior, moves=moves, vectorize=True)
    first = START + SPREAD * np.random.default_rng(seed).standard_normal((WALKERS, len(NAMES)))
    sampler.run_mcmc(first, BURN_IN + steps)
    return sampler.get_chain(discard=BURN_IN).swapaxes(0, 1)


def emcee_scipy(draws: int, seed: int) -> Sampled:
    """Four ensembles, differential evolution, each half of the walkers integrated at once (`vectorize`).

    Its stretch move, the default, has an autocorrelation time twice as long here. No snooker move: that of emcee 3.1.6
    gives a standard normal in 8 dimensions an sd of 0.79.
    """
    import multiprocessing

    start = clock()
    with multiprocessing.get_context("spawn").Pool(min(CORES, CHAINS)) as pool:
        u = np.concatenate(pool.map(_ensemble, [(CHAINS * seed + k, draws) for k in range(CHAINS)], chunksize=1))
        pool.close()
        pool.join()
    return Sampled(natural(u), clock() - start)


def _of_tree(tree: Any, seconds: np.ndarray) -> Sampled:
    return Sampled(columns(tree["posterior"].dataset), seconds, int(tree["sample_stats"]["diverging"].sum()))


def _pymc_nuts(model: Any, draws: int, seed: int, tune: int, target_accept: float) -> Sampled:
    """`pm.sample` without jitter, from the mode: no chain is lost at Z < 0, where its jitter of ±1 can put it."""
    import pymc as pm

    values = dict(zip((name.split("[")[0] for name in NAMES), natural(START), strict=True))
    shapes = model.initial_point()
    initial = {
        rv.name: np.full(np.shape(shapes[model.rvs_to_values[rv].name]), values[rv.name]) for rv in model.free_RVs
    }
    before = sum(os.times()[2:4])
    tree = pm.sample(
        draws, tune=tune, chains=CHAINS, cores=min(CORES, CHAINS), random_seed=seed, init="adapt_diag",
        target_accept=target_accept, initvals=initial, progressbar=False, compute_convergence_checks=False,
        model=model,
    )  # fmt: skip
    spent = sum(os.times()[2:4]) - before  # compiled before the processes of the chains begin
    return _of_tree(tree, np.array([float(tree["posterior"].attrs["sampling_time"]), spent]))


def pymc_ode(draws: int, seed: int) -> Sampled:
    """Few draws, each of a third of a second, little tuning: its ESS is rough."""
    return _pymc_nuts(pymc_ode_model(), draws, seed, 100, 0.8)


def pymc_closed_form(draws: int, seed: int) -> Sampled:
    """PyMC's own NUTS on our model, 1000 draws of tuning, as by default."""
    from dissentangle.inference import build_model

    return _pymc_nuts(build_model(DATA_SET, closure="microscopic"), draws, seed, 1000, ACCEPTANCE)


def nutpie_closed_form(draws: int, seed: int) -> Sampled:
    """Stock nutpie (PyTensor → Numba, PyMC's own coordinates, its default tuning) on our model.

    Jitter only where it does no harm.
    """
    import nutpie

    from dissentangle.inference import build_model

    model = build_model(DATA_SET, closure="microscopic")
    rates = {rv for rv in model.free_RVs if rv.name not in ("squeezing_limit", "optical_depth", "scale")}
    compiled = nutpie.compile_pymc_model(model, jitter_rvs=rates)
    options = {"chains": CHAINS, "cores": min(CORES, CHAINS), "progress_bar": False, "save_warmup": False}
    nutpie.sample(compiled, draws=10, tune=10, seed=1, **options)
    start = clock()
    tree = nutpie.sample(compiled, draws=draws, seed=seed, target_accept=ACCEPTANCE, **options)
    return _of_tree(tree, clock() - start)


CONTENDERS = {
    "ours": Contender(ours),
    "nutpie-closed-form": Contender(nutpie_closed_form),
    "pymc-closed-form": Contender(pymc_closed_form),
    "emcee-scipy": Contender(emcee_scipy, ("emcee",), 250),
    "numpyro-diffrax": Contender(numpyro_diffrax, ("numpyro", "diffrax")),
    "blackjax-nuts-diffrax": Contender(blackjax_nuts, ("blackjax", "diffrax")),
    "blackjax-mclmc-diffrax": Contender(blackjax_mclmc, ("blackjax", "diffrax"), 16000),
    "pymc-ode": Contender(pymc_ode, (), 150, 150),
}
