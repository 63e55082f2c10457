"""Sampling any PyMC model with the same engines: for those who took over from `build_model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .sample import SamplerSettings, prepare, sample

if TYPE_CHECKING:
    import pymc
    from xarray import DataTree


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
    """Draws from the posterior of a PyMC model: groups posterior and sample_stats.

    engine : None, "fast" or "general": the fast one takes models whose graph can be translated (see docs/engine.md);
        the attributes `engine` and `engine_reason` say which ran and why

    Raises
    ------
    NotTranslatable : with engine="fast", for a model that it cannot take
    """
    import arviz as az

    drawn = sample(prepare(model, engine), SamplerSettings(seed, draws, tune, chains, cores))
    dims: dict[str, Any] = {name: list(model.named_vars_to_dims.get(name, ())) for name in drawn.variables}
    coords = {name: list(entries) for name, entries in model.coords.items() if entries is not None}
    tree: DataTree = az.from_dict(
        {"posterior": drawn.variables, "sample_stats": drawn.statistics},
        dims={name: entries for name, entries in dims.items() if entries},
        coords=coords,
    )
    tree.attrs.update(engine=drawn.engine, engine_reason=drawn.reason, attempts=drawn.attempts, thinning=drawn.thinning)
    return tree
