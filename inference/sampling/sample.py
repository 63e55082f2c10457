"""Sampling a PyMC model: by the fast engine where its graph can be translated, else by the general one.

fast : PyMC's log-density graph → loops of CasADi expressions → machine code → nutpie (`compiling`)
general : nutpie's own compilation of the PyMC model, about a minute for a new model
Both sample the same posterior; within one engine the same seed gives the same draws, whatever the number of cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

from ...datasets.errors import violation
from ..choices import ENGINES
from ..engine import CompiledModel, Coordinates, NotTranslatable, Start, compile_model, natural_variables
from ..parallel import available_cores
from . import nutpie as nutpie_sampler
from .convergence import ESS_PER_CHAIN, converged, energy_fraction
from .modes import modes, starting_point

FEWEST_DRAWS = 4
"""Of a chain: half of it has a spread."""
_LEAST = {"seed": 0, "draws": FEWEST_DRAWS, "tune": 1, "chains": 1, "cores": 1}
_WIDE = 0.5
"""Prior standard deviation below which a start one away would be far out."""
CALMER = (0.97, 0.99)
"""Where transitions diverge, sampling starts over with these target acceptances (smaller steps), longer tuned."""
LONGER, _DEEP = 5, 100.0
"""Where chains disagree or have too few effective draws, they are made anew, so many times as long; not where a draw
takes so many steps already: such a posterior has another fault than being long and narrow."""


@dataclass(frozen=True)
class SamplerSettings:
    """Chains, draws and seed; `engine` None takes the fast one where it can. ExperimentError for what cannot be."""

    seed: int
    draws: int = 1000
    tune: int = 300
    chains: int = 4
    cores: int | None = None
    target_accept: float = 0.9
    engine: str | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not (whole and value >= least) and not (name == "cores" and value is None):
                raise violation(f"sampler: {name}", value, f"a whole number from {least}")
        if not isinstance(self.target_accept, float) or not 0 < self.target_accept < 1:
            raise violation("sampler: target_accept", self.target_accept, "a number between 0 and 1")
        if self.engine is not None and self.engine not in ENGINES:
            raise violation("sampler: engine", self.engine, f"one of {', '.join(ENGINES)}")


@dataclass(frozen=True)
class Draws:
    """What a sampler returns: variables and statistics by name, arrays (chain, draw, …); who made them and why.

    attempts : how often it was sampled;  thinning : of so many draws one is kept
    bfmi : E-BFMI of each chain, of all draws: thinned ones would flatter it
    """

    variables: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    engine: str
    reason: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    attempts: int = 1
    thinning: int = 1
    bfmi: np.ndarray | None = None

    def one_in(self, thinning: int) -> Draws:
        """The last of every so many draws, which says whether any of them diverged."""
        if thinning == 1:
            return self
        variables, statistics = (
            {name: values[:, thinning - 1 :: thinning] for name, values in arrays.items()}
            for arrays in (self.variables, self.statistics)
        )
        chains, draws = statistics["diverging"].shape
        diverging = self.statistics["diverging"].reshape(chains, draws, thinning).any(axis=2)
        return replace(self, variables=variables, statistics=statistics | {"diverging": diverging}, thinning=thinning)

    @property
    def converged(self) -> bool:
        """Whether all variables are, by R-hat and ESS."""
        shape = self.statistics["diverging"].shape
        columns = [np.moveaxis(values.reshape(*shape, -1), 2, 0) for values in self.variables.values()]
        return converged(np.concatenate(columns))


Progress = Callable[[Any], None] | None


@dataclass(frozen=True)
class FastSampler:
    """A model in machine code. `longer`: how much longer may be sampled than asked, where it is needed."""

    compiled: CompiledModel
    longer: int = LONGER

    def with_data(self, new: Mapping[str, np.ndarray]) -> FastSampler:
        """The same for other values of the model's `pm.Data`, of the same shapes."""
        return replace(self, compiled=self.compiled.with_data(new))

    def draw(self, settings: SamplerSettings, progress: Progress) -> Draws:
        """Draws for these settings."""
        compiled, density = self.compiled, self.compiled.density

        def log_density(x: np.ndarray) -> tuple[float, np.ndarray]:
            return density(x, compiled.data)

        found_modes = modes(log_density, density.dimension, settings.seed)
        model = nutpie_sampler.machine_code_model(
            density.dimension,
            density.expanded,
            (density.logp_address, density.expand_address),
            compiled.data,
            lambda seed: starting_point(log_density, found_modes, seed),
        )
        found, statistics = _nuts(model, settings, progress, adaptation="low_rank")
        flat = found["natural"]
        variables, at = {}, 0
        for name, shape in zip(compiled.names, compiled.shapes, strict=True):
            size = int(np.prod(shape))
            variables[name] = flat[..., at : at + size].reshape(*flat.shape[:2], *shape)
            at += size
        return Draws(variables, statistics, "fast")


@dataclass(frozen=True)
class GeneralSampler:
    """A model as nutpie compiles it by itself, and why the fast engine did not take it.

    It can take minutes, and is not sampled longer than asked.
    """

    compiled: Any
    names: list[str]
    reason: str
    longer: int = 1

    def with_data(self, new: Mapping[str, np.ndarray]) -> GeneralSampler:
        """The same for other values of the model's `pm.Data`, of the same shapes."""
        return replace(self, compiled=self.compiled.with_data(**new))

    def draw(self, settings: SamplerSettings, progress: Progress) -> Draws:
        """Draws for these settings."""
        found, statistics = _nuts(self.compiled, settings, progress, adaptation="diag")
        variables = {name: found[name] for name in self.names}
        return Draws(variables, statistics, "general", self.reason)


def prepare(
    model: Any, engine: str | None = None, start: Start | None = None, coordinates: Coordinates | None = None
) -> FastSampler | GeneralSampler:
    """A PyMC model made ready to be sampled; `start` and `coordinates` are for the fast engine.

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    reason = "as asked"
    if engine != "general":
        try:
            return FastSampler(compile_model(model, start, coordinates))
        except NotTranslatable as error:
            if engine == "fast":
                raise
            reason = str(error)
    compiled = nutpie_sampler.import_nutpie().compile_pymc_model(model, backend="numba", jitter_rvs=_spread_out(model))
    return GeneralSampler(compiled, [variable.name for variable in natural_variables(model)], reason)


def _spread_out(model: Any) -> set[Any]:
    """The variables whose starts nutpie may shift by its ±1, in PyMC's coordinates: not those known more tightly.

    From Z = 0.16 ± 1, behind the wall at Z = 0, no chain comes back.
    """
    import pymc as pm

    plain = [rv for rv in model.free_RVs if model.rvs_to_transforms[rv] is None]
    draws = pm.draw(plain, 200, random_seed=0, mode="FAST_COMPILE") if plain else []
    tight = {rv for rv, values in zip(plain, draws, strict=True) if np.std(values, axis=0).min() < _WIDE}
    return set(model.free_RVs) - tight


def sample(ready: FastSampler | GeneralSampler, settings: SamplerSettings, progress: Progress = None) -> Draws:
    """Draws from the posterior of a model that `prepare` made ready, as many as asked.

    Where transitions diverge, all draws are made anew with smaller steps, at most twice; where the chains disagree or
    have too few effective draws, anew and longer, once, and thinned. The draws say how often, and how much thinned.
    """
    start, targets, used, length = time.perf_counter(), iter(CALMER), settings, 1
    for attempt in count(1):
        long = replace(used, draws=length * used.draws, tune=length * used.tune)
        whole = ready.draw(long, progress)
        bfmi = energy_fraction(whole.statistics["energy"])
        drawn = replace(whole.one_in(length), attempts=attempt, bfmi=bfmi)
        if drawn.statistics["diverging"].any():
            calm = next(targets, None)
            if calm is None:
                break
            used = replace(settings, target_accept=calm, tune=2 * settings.tune)
        elif length < ready.longer and _worth(drawn) and not drawn.converged:
            length = ready.longer
        else:
            break
    return replace(drawn, timings={"sample": time.perf_counter() - start})


def _worth(drawn: Draws) -> bool:
    """Whether longer chains could help: so many draws as are kept can be enough, and they are not made in vain."""
    steps = drawn.statistics["n_steps"]
    return bool(steps.shape[1] > 2 * ESS_PER_CHAIN and steps.mean() < _DEEP)


def _nuts(model: Any, settings: SamplerSettings, progress: Progress, adaptation: str) -> Any:
    return nutpie_sampler.nuts(
        model,
        progress=progress,
        adaptation=adaptation,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores or min(settings.chains, available_cores()),
        seed=settings.seed,
        target_accept=settings.target_accept,
    )
