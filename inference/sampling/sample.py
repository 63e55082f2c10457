"""Sampling a PyMC model: by the fast engine where its graph can be translated, else by the general one.

fast : PyMC's log-density graph → loops of CasADi expressions → machine code → nutpie (`compiling`)
general : nutpie's own compilation of the PyMC model, about a minute for a new model
Both sample the same posterior; within one engine the same seed gives the same draws, whatever the number of cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import CompiledModel, Coordinates, NotTranslatable, Start, compile_model, natural_variables
from ..model import SamplerSettings
from ..parallel import available_cores
from . import nutpie as nutpie_sampler
from .convergence import ESS_PER_CHAIN, bfmi, converged, diagnostics
from .modes import Mode, modes, starting_point
from .straightening import adaptation, near_middle, straightened
from .triangular_map import Naturals

if TYPE_CHECKING:
    import pymc
    from xarray import DataTree

_WIDE = 0.5
"""Prior standard deviation below which a start one away would be far out."""
HIGHER_ACCEPTANCE = (0.97, 0.99)
"""Where transitions diverge, the posterior is resampled with these target acceptances (smaller steps), longer tuned."""
LONGER, _MANY_STEPS = 5, 100.0
"""Where chains disagree or have too few effective draws, the posterior is resampled with chains so many times as long;
not where a draw takes so many leapfrog steps already: such a posterior has another fault than being long and narrow."""


@dataclass(frozen=True)
class Draws:
    """What a sampler returns.

    variables : on natural units, by name, (chain, draw, …), those that follow from the free ones included
    statistics : of the ArviZ schema (`diverging`, `energy`, `n_steps`, …), by name, (chain, draw)
    engine, reason : which sampled, "fast" or "general", and why not the fast one;  timings : seconds by step
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

    def thinned(self, thinning: int) -> Draws:
        """The last of every `thinning` draws, which says whether any of them diverged."""
        if thinning == 1:
            return self
        variables, statistics = (
            {name: values[:, thinning - 1 :: thinning] for name, values in arrays.items()}
            for arrays in (self.variables, self.statistics)
        )
        chains, draws = statistics["diverging"].shape
        diverging = self.statistics["diverging"].reshape(chains, draws, thinning).any(axis=2)
        return replace(self, variables=variables, statistics=statistics | {"diverging": diverging}, thinning=thinning)

    @cached_property
    def _scalars(self) -> np.ndarray:
        """Of all variables, (scalars, chain, draw)."""
        shape = self.statistics["diverging"].shape
        columns = [np.moveaxis(values.reshape(*shape, -1), 2, 0) for values in self.variables.values()]
        return np.ascontiguousarray(np.concatenate(columns))

    @cached_property
    def _diagnostics(self) -> np.ndarray:
        return diagnostics(self._scalars)

    @property
    def diagnostics(self) -> dict[str, np.ndarray]:
        """Bulk ESS, tail ESS and R-hat, (3, …), by variable; worked out once."""
        shapes = {name: values.shape[2:] for name, values in self.variables.items()}
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        parts = zip(shapes.items(), np.split(self._diagnostics, ends[:-1], axis=1), strict=True)
        return {name: part.reshape(3, *shape) for (name, shape), part in parts}

    @property
    def converged(self) -> bool:
        """Whether all variables are, by R-hat and ESS."""
        return converged(self._scalars, self._diagnostics)


Progress = Callable[[Any], None] | None


@dataclass(frozen=True)
class FastSampler:
    """A model in machine code.

    naturals : how its parameters follow its coordinates, where that is known: they are then straightened
    longer : how much longer may be sampled than asked, where it is needed
    found : modes with these data, by the seed of their search
    """

    compiled: CompiledModel
    naturals: Naturals | None = None
    longer: int = LONGER
    found: dict[int, list[Mode]] = field(default_factory=dict)

    def with_data(self, new: Mapping[str, np.ndarray]) -> FastSampler:
        """The same for other values of the model's `pm.Data`, of the same shapes."""
        return replace(self, compiled=self.compiled.with_data(new), found={})

    def draw(self, settings: SamplerSettings, progress: Progress) -> Draws:
        """Draws for these settings."""
        from threadpoolctl import threadpool_limits

        compiled, density = self.compiled, self.compiled.density

        def log_density(x: np.ndarray) -> tuple[Any, np.ndarray]:
            return density(x, compiled.data)

        with threadpool_limits(1):  # many small matrices: threads would wait for each other
            if settings.seed not in self.found:
                cores = settings.cores or available_cores()
                self.found[settings.seed] = modes(log_density, density.dimension, settings.seed, cores)
            found_modes = self.found[settings.seed]
            mapped = self.naturals and straightened(density, compiled.data, self.naturals, found_modes, settings)
        if mapped:
            model, learnt = near_middle(mapped), adaptation(mapped)
            settings = replace(settings, tune=settings.tune // 2)  # of a nearly normal density only the step is left
        else:
            learnt, model = (
                "low_rank",
                nutpie_sampler.machine_code_model(
                    density, compiled.data, lambda seed: starting_point(log_density, found_modes, seed)
                ),
            )
        found, statistics = nutpie_sampler.nuts(model, settings, progress, learnt)
        flat = found["natural"]
        parts = np.split(flat, np.cumsum([int(np.prod(shape)) for shape in compiled.shapes])[:-1], axis=-1)
        rows = zip(compiled.names, compiled.shapes, parts, strict=True)
        return Draws({name: part.reshape(*flat.shape[:2], *shape) for name, shape, part in rows}, statistics, "fast")


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
        found, statistics = nutpie_sampler.nuts(self.compiled, settings, progress, "diag")
        return Draws({name: found[name] for name in self.names}, statistics, "general", self.reason)


def prepare(
    model: Any,
    engine: str | None = None,
    start: Start | None = None,
    coordinates: Coordinates | None = None,
    naturals: Naturals | None = None,
) -> FastSampler | GeneralSampler:
    """A PyMC model made ready to be sampled: compiled, which takes about a second, or a minute by the general engine.

    engine : "fast", "general", or None: the fast one where it can translate the model
    start, coordinates : for the fast engine: the initial point, and what is sampled
    naturals : how the parameters follow these coordinates; without it they are not straightened further

    Raises NotTranslatable where the fast engine is asked for and cannot take the model.
    """
    reason = "as asked"
    if engine != "general":
        try:
            compiled = compile_model(model, start, coordinates)
            nutpie_sampler.import_nutpie()  # while LLVM works
            return FastSampler(compiled, naturals)
        except NotTranslatable as error:
            if engine == "fast":
                raise
            reason = str(error)
    general = nutpie_sampler.compiled_by_nutpie(model, jitter_rvs=_spread_out(model))
    return GeneralSampler(general, [variable.name for variable in natural_variables(model)], reason)


def _spread_out(model: Any) -> set[Any]:
    """The variables whose starts nutpie may shift by its ±1, in PyMC's coordinates: not those known more tightly.

    From Z = 0.16 ± 1, behind the wall at Z = 0, no chain comes back.
    """
    import pymc as pm

    plain = [rv for rv in model.free_RVs if model.rvs_to_transforms[rv] is None]
    draws = pm.draw(plain, 200, random_seed=0, mode="FAST_COMPILE") if plain else []
    tight = {rv for rv, values in zip(plain, draws, strict=True) if np.std(values, axis=0).min() < _WIDE}
    return set(model.free_RVs) - tight


def sample(
    ready: FastSampler | GeneralSampler,
    settings: SamplerSettings,
    progress: Progress = None,
    spent: Mapping[str, float] | None = None,
) -> Draws:
    """Draws from the posterior of a model that `prepare` made ready, as many as asked.

    Where transitions diverge, the posterior is resampled with smaller steps, at most twice; the second time in the
    coordinates of the model as they are, not straightened. Where the chains disagree
    or have too few effective draws, it is resampled once with longer chains, which are thinned. `Draws.attempts` and
    `Draws.thinning` say so.

    progress : called from time to time with nutpie's progress of the chains;  spent : seconds of earlier steps

    Raises RuntimeError or ValueError where the sampler cannot start.
    """
    start, targets, used, length = time.perf_counter(), iter(HIGHER_ACCEPTANCE), settings, 1
    for attempt in count(1):
        long = replace(used, draws=length * used.draws, tune=length * used.tune)
        whole = ready.draw(long, progress)
        timings = {**(spent or {}), "sample": time.perf_counter() - start}
        drawn = replace(whole.thinned(length), timings=timings, attempts=attempt, bfmi=bfmi(whole.statistics["energy"]))
        if drawn.statistics["diverging"].any():
            target = next(targets, None)
            if target is None:
                break
            used = replace(settings, target_accept=target, tune=2 * settings.tune)
            if target == HIGHER_ACCEPTANCE[-1] and isinstance(ready, FastSampler):
                ready = replace(ready, naturals=None)  # a map that is wrong in the tails has done no good
        elif length < ready.longer and _can_improve(drawn) and not drawn.converged:
            length = ready.longer
        else:
            break
    return drawn


def _can_improve(drawn: Draws) -> bool:
    """Whether longer chains could help: the draws that are kept can be enough, and each is not too costly."""
    steps = drawn.statistics["n_steps"]
    return bool(steps.shape[1] > 2 * ESS_PER_CHAIN and steps.mean() < _MANY_STEPS)


def sample_model(
    model: pymc.Model,
    *,
    seed: int = 1,
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    cores: int | None = None,
    engine: str | None = None,
) -> DataTree:
    """Draws from the posterior of any PyMC model, such as a changed one of `build_model`.

    seed, draws, tune, chains, cores : as for `fit`
    engine : None, "fast" or "general": the fast one takes models whose graph can be translated
        (docs/understand/engine.md); the attributes `engine` and `engine_reason` say which ran and why

    Returns
    -------
    xarray.DataTree : groups posterior and sample_stats, as PyMC names the variables

    Raises
    ------
    NotTranslatable : with engine="fast", for a model that it cannot take
    """
    import arviz as az

    drawn = sample(prepare(model, engine), SamplerSettings(seed, draws, tune, chains, cores))
    dims = {name: list(model.named_vars_to_dims[name]) for name in drawn.variables if name in model.named_vars_to_dims}
    tree: DataTree = az.from_dict(
        {"posterior": drawn.variables, "sample_stats": drawn.statistics},
        dims=dims,
        coords={name: list(entries) for name, entries in model.coords.items() if entries is not None},
    )
    tree.attrs.update(engine=drawn.engine, engine_reason=drawn.reason, attempts=drawn.attempts, thinning=drawn.thinning)
    return tree
