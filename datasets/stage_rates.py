"""From parameters by label to the rates of a stage and the initial state; for the simulator and the model alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..forward_models import InitialState, Rates, dephasing_floor
from .experiment import StageEntry

_DARK = {"collective_rate": 0.0, "radiative_rate": 0.0, "squeezing_limit": 1.0, "light_loss_rate": 0.0}


def rates_of(parameters: Mapping[str, Any], stage: StageEntry, relative_depth: float = 1.0) -> Rates:
    """The rates of a stage from parameters by label; `dephasing_rate[drive]` or `pure_dephasing_rate[drive]`.

    Γ is dΓ/d; a run with another optical depth has dΓ × `relative_depth` and the same Γ.
    """
    pump = parameters.get(f"pump_rate[{stage.label}]", parameters.get("pump_rate", 0.0))
    if "drive" not in stage.lights:  # without the drive nothing depends on its rates, and they may be unknown
        parameters = _DARK | dict(parameters)
    radiative = parameters.get("radiative_rate")
    if radiative is None:
        radiative = parameters["collective_rate"] / parameters["optical_depth"]
    rates = Rates(
        collective_rate=parameters["collective_rate"] * relative_depth,
        radiative_rate=radiative,
        squeezing_limit=parameters["squeezing_limit"],
        collision_rate=parameters["collision_rate"],
        light_loss_rate=parameters["light_loss_rate"],
        pump_rate=pump,
        repump_rate=parameters.get("repump_rate", 0.0),
        dephasing_rate=0.0,
    ).with_lights(stage.lights, 0.0)
    effective = parameters.get(f"dephasing_rate[{stage.label}]")
    if effective is None:
        effective = dephasing_floor(rates) + parameters[f"pure_dephasing_rate[{stage.label}]"]
    return replace(rates, dephasing_rate=effective)


def initial_of(parameters: Mapping[str, Any]) -> InitialState:
    """The initial state from parameters by label."""
    nh = parameters.get("initial_nh", 0.0)
    excess = parameters.get("initial_excess_variance")
    return InitialState(n3=parameters["initial_n3"], nh=nh, spin_variance=None if excess is None else 1 - nh + excess)
