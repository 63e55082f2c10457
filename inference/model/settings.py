"""What defines a model besides the experiment, and how it is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ...datasets.errors import violation
from ...datasets.experiment import by_label
from ...forward_models import Closure, CoupledSpin, Dynamics, TransverseSpin
from ..choices import ENGINES

FEWEST_DRAWS = 4
"""Of a chain: half of it has a spread."""
_LEAST = {"seed": 0, "draws": FEWEST_DRAWS, "tune": 1, "chains": 1, "cores": 1}


@dataclass(frozen=True)
class ModelSettings:
    """What defines a model besides the experiment.

    closure : "microscopic", "fixed-number" or "open": the share of its projection noise that a lost atom takes along is
        1, 0, or an unknown between, `loss_noise_share`
    free_dephasing : Γ̃ itself unknown (the paper's choice) instead of Γdeph ≥ 0 above its floor
    priors : text by parameter or by label, over those of the experiment and the defaults
    resolution : factor on the rates that the integration grid must resolve
    transverse_spin, forward_model, coupled_spin : see `Dynamics`
    forward_model_version : tells a user's function from another one
    name : of the rival models (`rival_models`) that made these settings, joined by +
    atoms, collisions : "sixteen-level" in place of "three-state", see `forward_models.sixteen_level`; and what its
        collisions do, randomise the electron's spin or lead from any level to any other
    """

    closure: Closure = "open"
    free_dephasing: bool = False
    priors: Mapping[str, str] = field(default_factory=dict)
    resolution: float = 1.0
    transverse_spin: TransverseSpin = "integrated"
    forward_model: str = ""
    forward_model_version: str = ""
    name: str = ""
    coupled_spin: CoupledSpin = "two-level"
    atoms: Literal["three-state", "sixteen-level"] = field(default="three-state", metadata={"later": True})
    collisions: Literal["electron", "uniform"] = field(default="electron", metadata={"later": True})

    def __post_init__(self) -> None:
        object.__setattr__(self, "priors", by_label(self.priors, "prior"))  # `dGamma` is collective_rate

    @property
    def dynamics(self) -> Dynamics:
        """How rates become observables."""
        return Dynamics(self.closure, self.transverse_spin, self.forward_model, self.coupled_spin)


@dataclass(frozen=True)
class SamplerSettings:
    """How a posterior is sampled. ExperimentError for settings that cannot be.

    seed : the same seed gives the same draws, on any number of cores
    draws, tune : kept and tuning steps of each chain;  chains : how many
    cores : that may be used; None: those of the machine
    target_accept : mean acceptance probability for which the step size is tuned, between 0 and 1
    engine : "fast", "general", or None: the fast one where it can translate the model
    """

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
            if name == "cores" and value is None:
                continue
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not (whole and least <= value < 2**63):
                raise violation(f"sampler: {name}", value, f"a whole number from {least} to 2⁶³ − 1")
            object.__setattr__(self, name, int(value))  # NumPy's are no JSON
        if not isinstance(self.target_accept, float) or not 0 < self.target_accept < 1:
            raise violation("sampler: target_accept", self.target_accept, "a number between 0 and 1")
        if self.engine is not None and self.engine not in ENGINES:
            raise violation("sampler: engine", self.engine, f"one of {', '.join(ENGINES)}")
