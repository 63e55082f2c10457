"""Peers on the same posterior (fig2b-d55, 8 unknowns): effective draws a second, sampling alone and whole process.

python benchmarks/peers.py [--quick] [CONTENDER …]       (peers need the extra `bench`)

Each contender has a process of its own. *Sampling* contains the warm-up, not the compilation; *whole process* also
imports and compilation, with PyTensor's and Python's caches as they are (run it twice). ESS is ArviZ's bulk ESS, of the
worst of the 8 unknowns, over all chains (walkers). Peers start beside the mode, `ours` from random points.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
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
)  # fmt: skip

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SAME = 4.0
"""Monte Carlo standard errors between means and sds of one posterior: 8 unknowns."""
AGREEMENT = 0.01
"""Difference of log-posteriors (less their constant) that no sampler could see."""


@dataclass(frozen=True)
class Sampled:
    """Draws (chain, draw, unknown) on natural units; `seconds` of sampling with warm-up, without compilation."""

    draws: np.ndarray
    seconds: float


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
    """Scores about the mode, one row a chain."""
    return START + width * SPREAD * np.random.default_rng(1).standard_normal((count, len(NAMES)))


def ours(quick: bool) -> Sampled:
    """The run of median time of several seeds; machine code and nutpie are loaded before."""
    from dissentangle.datasets import read
    from dissentangle.inference.prepared import prepared
    from dissentangle.inference.sampling import SamplerSettings, sample
    from dissentangle.inference.unknowns import ModelSettings

    ready = prepared(read(DATA_SET), ModelSettings())
    sample(ready, SamplerSettings(seed=1, draws=10, tune=10))
    runs = []
    for seed in range(1, 4 if quick else 10):
        start = time.perf_counter()
        drawn = sample(ready, SamplerSettings(seed))
        runs.append(Sampled(columns(drawn.variables), time.perf_counter() - start))
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def numpyro_diffrax(quick: bool) -> Sampled:
    """NUTS with a dense mass matrix, four chains vectorised: parallel devices were slower."""
    import jax
    import jax.numpy as jnp
    from numpyro.infer import MCMC, NUTS

    compiling: list[float] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiling.append(seconds if "/compile/" in event else 0.0)
    )
    log_posterior = diffrax_log_posterior()
    kernel = NUTS(potential_fn=lambda u: -log_posterior(u), dense_mass=True, target_accept_prob=0.8)
    draws = 100 if quick else 500
    mcmc = MCMC(kernel, num_warmup=300, num_samples=draws, num_chains=4, chain_method="vectorized", progress_bar=False)
    start = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(1), init_params=jnp.asarray(starts(4)))
    u = np.asarray(jax.block_until_ready(mcmc.get_samples(group_by_chain=True)))
    return Sampled(natural(u), time.perf_counter() - start - sum(compiling))


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


def _pymc_nuts(model: Any, tune: int, draws: int, chains: int) -> Sampled:
    """PyMC's own NUTS from the mode and with about the right scales, which tuning then adapts.

    From PyMC's own start chains are lost at Z < 0, and the first hundred trees are a thousand gradients deep.
    """
    import pymc as pm
    from pymc.step_methods.hmc.quadpotential import QuadPotentialDiagAdapt

    names = [name.split("[")[0] for name in NAMES]
    order = [names.index(rv.name) for rv in model.free_RVs]
    start, widths = natural(START)[order], (WIDTH * SPREAD)[order]
    mean = np.where(LOGARITHMIC[order], np.log(np.abs(start)), start)
    with model:
        step = pm.NUTS(potential=QuadPotentialDiagAdapt(len(names), mean, widths**2, 10), target_accept=0.8)
        tree = pm.sample(
            draws, tune=tune, chains=chains, cores=min(CORES, chains), random_seed=1, step=step, progressbar=False,
            initvals={rv.name: np.full(rv.type.shape, x) for rv, x in zip(model.free_RVs, start, strict=True)},
            compute_convergence_checks=False,
        )  # fmt: skip
    return Sampled(columns(tree["posterior"].dataset), float(tree["posterior"].attrs["sampling_time"]))


def pymc_ode(quick: bool) -> Sampled:
    """Few draws: about a tenth of a second each."""
    return _pymc_nuts(pymc_ode_model(), *((50, 25, 2) if quick else (100, 150, 2)))


def pymc_closed_form(quick: bool) -> Sampled:
    """PyMC's own NUTS on our model."""
    from dissentangle.inference import build_model

    return _pymc_nuts(build_model(DATA_SET), 500, 200 if quick else 1000, 4)


def nutpie_closed_form(quick: bool) -> Sampled:
    """Stock nutpie (PyTensor → Numba, PyMC's own coordinates) on our model; jitter only where it does no harm."""
    import nutpie

    from dissentangle.inference import build_model

    model = build_model(DATA_SET)
    rates = {rv for rv in model.free_RVs if rv.name not in ("squeezing_limit", "optical_depth", "scale")}
    compiled = nutpie.compile_pymc_model(model, jitter_rvs=rates)
    options = {"chains": 4, "cores": min(CORES, 4), "progress_bar": False, "save_warmup": False}
    nutpie.sample(compiled, draws=10, tune=10, seed=1, **options)
    start = time.perf_counter()
    tree = nutpie.sample(compiled, draws=200 if quick else 1000, tune=500, seed=1, target_accept=0.9, **options)
    return Sampled(columns(tree["posterior"].dataset), time.perf_counter() - start)


CONTENDERS = {
    "ours": Contender(ours),
    "nutpie-closed-form": Contender(nutpie_closed_form),
    "pymc-closed-form": Contender(pymc_closed_form),
    "emcee-scipy": Contender(emcee_scipy, ("emcee",)),
    "numpyro-diffrax": Contender(numpyro_diffrax, ("numpyro", "diffrax")),
    "pymc-ode": Contender(pymc_ode),
}


def agreement() -> dict[str, float]:
    """Largest difference of each peer's log-posterior and PyMC's about the mode, less its constant."""
    from dissentangle.inference import build_model

    u = starts(8)
    points = np.where(LOGARITHMIC, np.log(np.where(LOGARITHMIC, natural(u), 1.0)), natural(u))
    found = {"scipy": scipy_log_posterior(u)}
    if find_spec("diffrax"):
        import jax

        found["diffrax"] = np.asarray(jax.jit(jax.vmap(diffrax_log_posterior()))(u))
    for name, model in (("PyMC", build_model(DATA_SET)), ("pm.ode", pymc_ode_model())):
        logp = model.compile_logp(mode="FAST_COMPILE")
        start = model.initial_point()
        by_name = {value.name.removesuffix("_log__"): value.name for value in model.value_vars}
        keys = [by_name[label.split("[")[0]] for label in NAMES]
        found[name] = np.array(
            [
                float(logp({key: np.full(np.shape(start[key]), x) for key, x in zip(keys, row, strict=True)}))
                for row in points
            ]
        )
    reference = found.pop("PyMC")
    return {name: float(np.ptp(values - reference)) for name, values in found.items()}


def check_agreement() -> None:
    """Print it; AssertionError where a peer has another posterior."""
    for name, difference in agreement().items():
        print(f"log-posterior of {name}: PyMC's up to a constant, within {difference:.1e}", flush=True)
        assert difference < AGREEMENT, f"{name}: log-posterior differs by {difference:.3g}"


def summary(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Bulk ESS, R-hat, and mean and sd with their Monte Carlo errors: one entry an unknown."""
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    each = [draws[..., k] for k in range(len(NAMES))]
    errors = [float(array_stats.mcse(x, method=of, **axes)) for of in ("mean", "sd") for x in each]
    return {
        "size": np.array(draws.shape[:2]),
        "ess": np.array([float(array_stats.ess(x, method="bulk", **axes)) for x in each]),
        "rhat": np.array([float(array_stats.rhat(x, method="rank", **axes)) for x in each]),
        "moments": np.concatenate([draws.mean(axis=(0, 1)), draws.std(axis=(0, 1))]),
        "errors": np.array(errors),
    }


def timed(command: list[str]) -> float:
    """Wall seconds of one process that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(name: str, quick: bool, folder: Path) -> dict[str, Any]:
    """One contender from outside; of ours, `dissentangle fit` is the whole process (median of three)."""
    out = folder / f"{name}.npz"
    whole = timed([sys.executable, __file__, "--one", name, str(out), *(["--quick"] if quick else [])])
    with np.load(out) as file:
        row: dict[str, Any] = dict(file)
    row |= {"whole": whole, "whole_ess": row["ess"].min()}
    if name == "ours":
        import xarray

        fit = folder / "fit.nc"
        command = [sys.executable, "-m", "dissentangle.inference", "fit", DATA_SET, "-o", str(fit)]
        row["whole"] = float(np.median([timed(command) for _ in range(3)]))
        with xarray.open_datatree(fit) as tree:
            row["whole_ess"] = summary(columns(tree["posterior"].dataset))["ess"].min()
    return row


def line(name: str, row: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """One row of the table."""
    mine, theirs = (r["ess"].min() / r["seconds"] for r in (row, reference))
    whole = row["whole_ess"] / row["whole"], reference["whole_ess"] / reference["whole"]
    distance = np.abs(row["moments"] - reference["moments"]) / np.hypot(row["errors"], reference["errors"])
    chains, draws = row["size"]
    return (
        f"| {name} | {chains} × {draws} | {row['seconds']:.3g} | {row['ess'].min():.0f} | {row['rhat'].max():.3f} |"
        f" {mine:.3g} | {theirs / mine:.3g} | {row['whole']:.1f} | {whole[0]:.3g} | {whole[1] / whole[0]:.3g} |"
        f" {distance.max():.1f}{'' if distance.max() < SAME else ' (!)'} |"
    )


def compare(names: list[str], quick: bool) -> None:
    """Check, run, print."""
    missing = {n: [p for p in CONTENDERS[n].packages if not find_spec(p)] for n in names}
    for name in [n for n in names if missing[n]]:
        print(f"left out: {name} (needs {', '.join(missing[name])})")
    subprocess.run([sys.executable, __file__, "--agreement"], check=True)
    print(f"\n{CORES} core(s)\n\n| | draws | sampling s | min ESS | R-hat | ESS/s sampling | ours ÷ it |", end="")
    print(
        " whole process s | ESS/s whole | ours ÷ it | means and sds differ, MC errors |\n" + "|---" * 11 + "|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        reference = measure("ours", quick, Path(folder))
        print(line("ours", reference, reference), flush=True)
        for name in [n for n in names if not missing[n] and n != "ours"]:
            print(line(name, measure(name, quick, Path(folder)), reference), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CONTENDER", help=f"of {', '.join(CONTENDERS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "OUT"), help="sample here, write the summary")
    parser.add_argument("--agreement", action="store_true", help="only compare the log-posteriors")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CONTENDERS):
        parser.error(f"unknown contender {', '.join(sorted(unknown))}; expected {', '.join(CONTENDERS)}")
    if options.one:
        sampled = CONTENDERS[options.one[0]].run(options.quick)
        np.savez(options.one[1], seconds=sampled.seconds, **summary(sampled.draws))
    elif options.agreement:
        check_agreement()
    else:
        compare(options.names or list(CONTENDERS), options.quick)


if __name__ == "__main__":
    main()
