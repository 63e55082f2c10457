"""From parameters by label to the rates of a stage and the initial state; for the simulator and the model alike.

Labels: `collision_rate`; `pump_rate[drive+pump]` where a parameter depends on the lights; in experiments put
together also `optical_depth[A]`, `pump_rate[A: drive+pump]` for what member A has for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...forward_models import InitialState, Rates, SixteenLevelRates, atoms_at, dephasing_floor
from ...forward_models.light import classical_excess
from ...forward_models.sixteen_level import DRIVE_DETUNING, Tables
from ..experiment import LightPower, StageEntry

Values = Mapping[str, Any]


def find(parameters: Values, name: str, member: str = "", lights: str = "", default: Any = None) -> Any:
    """The value of a parameter: a member's own, else the common one; `default` where there is none.

    lights : label of the kind of stage, for parameters that depend on it
    """
    own = ([f"{name}[{member}: {lights}]"] if lights else [f"{name}[{member}]"]) if member else []
    for label in (*own, f"{name}[{lights}]" if lights else name):
        if label in parameters:
            return parameters[label]
    return default


def optical_depth_of(parameters: Values, member: str = "") -> Any:
    """Optical depth d: itself, or (d/Θ) Θ where it is tied to the Faraday angle; None where neither is known."""
    depth = find(parameters, "optical_depth", member)
    per_degree = find(parameters, "depth_per_degree", member)
    if depth is None and per_degree is not None:
        return per_degree * find(parameters, "faraday_angle", member)
    return depth


def collective_rate_of(parameters: Values, member: str = "") -> Any:
    """dΓ: itself, or d Γ; see `coupled_rates`."""
    collective = find(parameters, "collective_rate", member)
    if collective is None:
        collective = optical_depth_of(parameters, member) * find(parameters, "radiative_rate", member)
        if sixteen_levels(parameters, member):
            share = atoms_of(parameters, member).of_drive("coherent_fraction")
            collective = share * collective / find(parameters, "radiative_ratio", member, default=1.0)
    return collective


def coupled_rates(parameters: Values, member: str = "") -> tuple[Any, Any]:
    """dΓ and Γ (ms⁻¹), one of which follows from the other and d where it is not a parameter itself (p. 2).

    With sixteen levels dΓ is 0.908 d Γ at 300 K, where amplitudes of moving atoms add up, not rates; Γ may be another
    multiple of dΓ/d, `radiative_ratio`.
    """
    collective = collective_rate_of(parameters, member)
    radiative = find(parameters, "radiative_rate", member)
    if radiative is None:
        depth = optical_depth_of(parameters, member)
        if sixteen_levels(parameters, member):
            depth = depth * atoms_of(parameters, member).of_drive("coherent_fraction")
            collective_of = find(parameters, "radiative_ratio", member, default=1.0) * collective
            return collective, collective_of / depth
        radiative = collective / depth
    return collective, radiative


def sixteen_levels(parameters: Values, member: str = "") -> bool:
    """Whether these are parameters of the sixteen-level model: it alone has a temperature."""
    return find(parameters, "temperature", member) is not None


_UNSURE = ("temperature_offset", "drive_detuning_offset", "pump_impurity", "repump_impurity")


def atoms_of(parameters: Values, member: str) -> Tables:
    """The rate tables: known temperature and detuning are the same for all draws, offsets from them may differ."""
    temperature = find(parameters, "temperature", member)
    detuning = find(parameters, "drive_detuning", member, default=DRIVE_DETUNING)
    uniform = find(parameters, "collision_rate", member) is not None
    unsure = {name: find(parameters, name, member) for name in _UNSURE}
    return atoms_at(*(float(np.ravel(value)[0]) for value in (temperature, detuning)), uniform=uniform, **unsure)


def rates_of(parameters: Values, stage: StageEntry, relative_depth: float = 1.0, member: str = "") -> Any:
    """The rates of a stage from parameters by label; `dephasing_rate[drive]` or `pure_dephasing_rate[drive]`.

    `Rates`, or `SixteenLevelRates` where there is a temperature.

    Γ is dΓ/d; a run with another optical depth has dΓ × `relative_depth` and the same Γ. Without the pump light Γpump
    is what leaks, `pump_leak_rate`, or 0. Rates of a light go with its power (at the beginning of the stage, where it
    changes), Γdeph does not.
    """
    collective, radiative, limit, pump, repump = 0.0, 0.0, 1.0, 0.0, 0.0
    if "drive" in stage.lights:  # without a light nothing depends on its rates, and they may be unknown
        collective, radiative = coupled_rates(parameters, member)
        limit = find(parameters, "squeezing_limit", member)
    if "pump" in stage.lights:
        pump = find(parameters, "pump_rate", member, stage.label, parameters.get("pump_rate", 0.0))
    if "repump" in stage.lights:
        repump = find(parameters, "repump_rate", member, default=0.0)
    common = {
        "collective_rate": collective * relative_depth,
        "radiative_rate": radiative,
        "squeezing_limit": limit,
        "pump_rate": pump,
        "repump_rate": repump,
        "dephasing_rate": 0.0,
    }
    made = _sixteen if sixteen_levels(parameters, member) else _three
    rates: Any = made(parameters, stage, member, common)
    for power in stage.power:
        rates = _with_power(rates, power)
    leak = find(parameters, "pump_leak_rate", member)
    if leak is not None and "pump" not in stage.lights:
        rates = replace(rates, pump_rate=leak)
    effective = find(parameters, "dephasing_rate", member, stage.label)
    if effective is None:
        effective = dephasing_floor(rates) + find(parameters, "pure_dephasing_rate", member, stage.label)
    return replace(rates, dephasing_rate=effective)


def _three(parameters: Values, stage: StageEntry, member: str, common: dict[str, Any]) -> Rates:
    return Rates(
        **common,
        collision_rate=find(parameters, "collision_rate", member),
        light_loss_rate=find(parameters, "light_loss_rate", member) if "drive" in stage.lights else 0.0,
        collisional_loss=find(parameters, "collisional_loss", member, default=1.0),
        larmor_mismatch=find(parameters, "larmor_mismatch", member, default=0.0),
    )


def _sixteen(parameters: Values, stage: StageEntry, member: str, common: dict[str, Any]) -> SixteenLevelRates:
    """R is that of the kind of stage, or one of all; where collisions are uniform it is Γcol."""
    collisions = find(parameters, "electron_collision_rate", member, stage.label)
    for name in ("electron_collision_rate", "collision_rate"):
        collisions = find(parameters, name, member) if collisions is None else collisions
    excess = find(parameters, "excess_loss_rate", member, default=0.0) if "drive" in stage.lights else 0.0
    return SixteenLevelRates(
        **common, collision_rate=collisions, excess_loss_rate=excess, tables=atoms_of(parameters, member)
    )


_WITH_POWER = {
    "drive": ("collective_rate", "radiative_rate", "light_loss_rate", "excess_loss_rate"),
    "pump": ("pump_rate",),
    "repump": ("repump_rate",),
}
"""Rates in proportion to the power of each light."""


def _with_power(rates: Any, power: LightPower) -> Any:
    names = [name for name in _WITH_POWER[power.light] if hasattr(rates, name)]
    return replace(rates, **{name: power.values[0] * getattr(rates, name) for name in names})


def initial_of(parameters: Values, member: str = "") -> InitialState:
    """The initial state from parameters by label; classical noise c₂ adds to its variance in proportion to Θ."""
    nh = find(parameters, "initial_nh", member, default=0.0)
    state = InitialState(n3=find(parameters, "initial_n3", member), nh=nh)
    excess = find(parameters, "initial_excess_variance", member)
    classical, angle = (find(parameters, name, member) for name in ("classical_noise", "faraday_angle"))
    if classical is not None and angle is not None:
        excess = classical_excess(classical, angle, state.n2, state.p)
    return state if excess is None else replace(state, spin_variance=state.n2 + excess)
