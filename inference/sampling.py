"""Sampling a PyMC model: by the fast engine where its graph can be translated, else by the general one.

fast : PyMC's log-density graph → CasADi (derivatives) → machine code (`native`) → nutpie
general : nutpie's own compilation of the PyMC model, about a minute for a new model
Both sample the same posterior; within one engine the same seed gives the same draws, whatever the number of cores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .coordinates import Coordinates, plain
from .native import NativeDensity
from .program import Lanes, Program
from .symbolic import NotTranslatable, Translation

ENGINES = ("fast", "general")


@dataclass(frozen=True)
class SamplerSettings:
    """Chains, draws and seed; `engine` None takes the fast one where it can."""

    seed: int
    draws: int = 1000
    tune: int = 500
    chains: int = 4
    cores: int | None = None
    target_accept: float = 0.9
    engine: str | None = None


@dataclass(frozen=True)
class Draws:
    """What a sampler returns: variables and statistics by name, arrays (chain, draw, …); who made them and why."""

    variables: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    engine: str
    reason: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    attempts: int = 1


@dataclass(frozen=True)
class CompiledModel:
    """A model in machine code, to be sampled any number of times."""

    density: NativeDensity
    coordinates: Coordinates
    names: list[str]
    shapes: list[tuple[int, ...]]


def value_labels(model: Any) -> tuple[list[str], np.ndarray]:
    """A label `name` or `name[entry]` and the initial value for each entry of the unconstrained parameters."""
    start = model.initial_point()
    labels: list[str] = []
    for rv in model.free_RVs:
        value = start[model.rvs_to_values[rv].name]
        if np.ndim(value) == 0:
            labels.append(rv.name)
        else:
            dims = model.named_vars_to_dims.get(rv.name)
            entries = model.coords[dims[0]] if dims and np.ndim(value) == 1 else range(np.size(value))
            labels += [f"{rv.name}[{entry}]" for entry in entries]
    return labels, np.concatenate([np.ravel(start[variable.name]) for variable in model.value_vars])


def compile_model(model: Any, coordinates: Coordinates | None = None) -> CompiledModel:
    """The model's log-density, gradient and natural parameters, in machine code; NotTranslatable where it can't."""
    chosen = coordinates or plain(value_labels(model)[1])
    start = model.initial_point()
    shapes = [np.shape(start[variable.name]) for variable in model.value_vars]
    density, expansion = Program(chosen.dimension), Program(chosen.dimension)
    wanted = _natural(model)
    (logp,) = _translated(density, [model.logp()], model.value_vars, shapes, chosen)
    natural = _translated(expansion, wanted, model.value_vars, shapes, chosen)
    return CompiledModel(
        NativeDensity(density, logp, expansion, natural),
        chosen,
        [variable.name for variable in wanted],
        [value.shape for value in natural],
    )


def _translated(
    program: Program, outputs: list[Any], inputs: list[Any], shapes: list[tuple[int, ...]], coordinates: Coordinates
) -> list[Lanes]:
    """The graphs `outputs` as values of the program, whose inputs are the sampled coordinates."""
    translation = Translation(program)
    u = coordinates.apply([program.input(k) for k in range(coordinates.dimension)])
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    given = {
        variable: translation.stacked([Lanes((), entry) for entry in u[end - int(np.prod(shape)) : end]], shape)
        for variable, shape, end in zip(inputs, shapes, ends, strict=True)
    }
    return [translation.lanes(value) for value in translation.values(outputs, given)]


def _natural(model: Any) -> list[Any]:
    """Graphs of all parameters and deterministics on natural units, in terms of the unconstrained values."""
    names = {variable.name for variable in model.unobserved_RVs}
    return [variable for variable in model.unobserved_value_vars if variable.name in names]


CALMER = (0.97, 0.99)
"""Where transitions diverge, sampling starts over with these target acceptances (smaller steps), longer tuned."""


def sample(
    model: Any,
    settings: SamplerSettings,
    coordinates: Coordinates | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Draws:
    """Draws from the posterior of a PyMC model.

    A model that the fast engine cannot take goes to the general one, and the draws say why. Where transitions
    diverge, all draws are made anew with smaller steps, at most twice; the draws say how often.
    """
    run = _sampler(model, settings, coordinates, progress)
    calmer = (replace(settings, target_accept=t, tune=2 * settings.tune) for t in CALMER)
    drawn = run(settings)
    for attempt, calm in enumerate(calmer, 2):
        if not drawn.statistics["diverging"].any():
            break
        drawn = replace(run(calm), attempts=attempt)
    return drawn


def _sampler(
    model: Any,
    settings: SamplerSettings,
    coordinates: Coordinates | None,
    progress: Callable[[Any], None] | None,
) -> Callable[[SamplerSettings], Draws]:
    """The compiled model of one engine or the other, ready to be sampled with any settings."""
    import time

    start = time.perf_counter()
    reason = "as asked"
    if settings.engine != "general":
        try:
            fast = compile_model(model, coordinates)
        except NotTranslatable as error:
            if settings.engine == "fast":
                raise
            reason = str(error)
        else:
            elapsed = time.perf_counter() - start
            return lambda asked: sample_compiled(fast, asked, progress, {"compile": elapsed})
    import nutpie

    general = nutpie.compile_pymc_model(model, backend="numba")
    compiling = time.perf_counter() - start
    return lambda asked: _sample_general(model, general, asked, reason, progress, {"compile": compiling})


def sample_compiled(
    compiled: CompiledModel,
    settings: SamplerSettings,
    progress: Callable[[Any], None] | None = None,
    timings: dict[str, float] | None = None,
) -> Draws:
    """Draws from a compiled model."""
    import time

    start = time.perf_counter()
    tree = _nutpie_sample(_for_nutpie(compiled.density), settings, progress, adaptation="low_rank")
    flat = tree["posterior"]["natural"].values
    variables, at = {}, 0
    for name, shape in zip(compiled.names, compiled.shapes, strict=True):
        size = int(np.prod(shape))
        variables[name] = flat[..., at : at + size].reshape(*flat.shape[:2], *shape)
        at += size
    elapsed = (timings or {}) | {"sample": time.perf_counter() - start}
    return Draws(variables, _statistics(tree), "fast", timings=elapsed)


def starting_point(density: NativeDensity, seed: Any) -> np.ndarray:
    """Where a chain starts: from its own random point uphill to a mode, then a step of the mode's own width.

    Random points of the prior can be so far out that a chain gets stuck there; chains that climb to different
    modes show in R-hat.
    """
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    start = rng.uniform(-1.0, 1.0, density.dimension)

    def uphill(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(x)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return 1e300, np.zeros_like(x)
        return -value, -gradient

    found = minimize(uphill, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    inverse: Any = found.hess_inv
    spread = inverse.todense()
    values, vectors = np.linalg.eigh(0.5 * (spread + spread.T))
    step = vectors @ (np.sqrt(np.clip(values, 0.0, 1.0)) * rng.standard_normal(len(start)))
    candidate = found.x + step
    return candidate if np.isfinite(density(candidate)[0]) else start


class _Address:
    """What nutpie asks of a compiled function: its address."""

    def __init__(self, address: int) -> None:
        self.address = address


def _for_nutpie(density: NativeDensity) -> Any:
    """Nutpie's model around machine code; its constructor is not a stable interface: hence nutpie is pinned."""
    from nutpie.compile_pymc import CompiledPyMCModel

    n, expanded = density.dimension, density.expanded
    return CompiledPyMCModel(
        dims={"natural": ("entry",)},
        compiled_logp_func=_Address(density.logp_address),
        compiled_expand_func=_Address(density.expand_address),
        initial_point_func=lambda seed: starting_point(density, seed),
        shared_data={},
        shared_var_keys={},
        user_data=density.data,
        n_expanded=expanded,
        shape_info=(["natural"], [slice(0, expanded)], [(expanded,)]),
        logp_func=None,
        expand_func=None,
        reparameterized_names=None,
        _n_dim=n,
        _shapes={"natural": (expanded,)},
        _coords={"entry": np.arange(expanded)},
    )


def _nutpie_sample(
    compiled: Any, settings: SamplerSettings, progress: Callable[[Any], None] | None, adaptation: str
) -> Any:
    import nutpie

    return nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores or min(settings.chains, _available_cores()),
        seed=settings.seed,
        save_warmup=False,
        progress_bar=False,
        progress_callback=progress,
        adaptation=adaptation,
        target_accept=settings.target_accept,
    )


def _available_cores() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _statistics(tree: Any) -> dict[str, np.ndarray]:
    stats = tree["sample_stats"].dataset
    wanted = {
        "diverging": "diverging",
        "n_steps": "n_steps",
        "tree_depth": "depth",
        "step_size": "step_size",
        "energy": "energy",
        "lp": "logp",
        "acceptance_rate": "mean_tree_accept",
    }
    return {name: stats[theirs].values for name, theirs in wanted.items() if theirs in stats}


def _sample_general(
    model: Any,
    compiled: Any,
    settings: SamplerSettings,
    reason: str,
    progress: Callable[[Any], None] | None,
    timings: dict[str, float],
) -> Draws:
    import time

    start = time.perf_counter()
    tree = _nutpie_sample(compiled, settings, progress, adaptation="diag")
    posterior = tree["posterior"].dataset
    variables = {variable.name: posterior[variable.name].values for variable in _natural(model)}
    elapsed = timings | {"sample": time.perf_counter() - start}
    return Draws(variables, _statistics(tree), "general", reason, elapsed)
