"""What defines a model besides the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...forward_models import Closure, Dynamics, TransverseSpin


@dataclass(frozen=True)
class ModelSettings:
    """What defines a model besides the experiment.

    closure : "microscopic" or "fixed-number"
    free_dephasing : Γ̃ itself unknown (the paper's choice) instead of Γdeph ≥ 0 above its floor
    priors : text by parameter or by label, over those of the experiment and the defaults
    resolution : factor on the rates that the integration grid must resolve
    transverse_spin, forward_model : see `Dynamics`;  forward_model_version : tells a user's function from another one
    name : of the rival models (`rival_models`) that made these settings, joined by +
    """

    closure: Closure = "microscopic"
    free_dephasing: bool = False
    priors: Mapping[str, str] = field(default_factory=dict)
    resolution: float = 1.0
    transverse_spin: TransverseSpin = "integrated"
    forward_model: str = ""
    forward_model_version: str = ""
    name: str = ""

    @property
    def dynamics(self) -> Dynamics:
        """How rates become observables."""
        return Dynamics(self.closure, self.transverse_spin, self.forward_model)
