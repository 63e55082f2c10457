"""Rates of the three-state model and the level transitions they cause: Γ34, Γ43, Γout, Γin of the supplement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from ..validation import require

LIGHTS = ("drive", "pump", "repump")
"""What can be on in a stage."""


@dataclass(frozen=True)
class Rates:
    """Rates of one stage, in ms⁻¹ (`squeezing_limit` and `collisional_loss` are pure numbers).

    Each is a number, an array (one value per posterior draw; all arrays of one shape), or symbolic.

    Parameters
    ----------
    collective_rate : dΓ, collective (entangling) rate
    radiative_rate : Γ, single-atom radiative rate
    squeezing_limit : Z = (μ−ν)², in (0, 1]
    collision_rate : Γcol, between any two of the levels
    light_loss_rate : Γout_L, loss to F = 3 that the drive causes
    pump_rate : Γpump, on |4,±3⟩ alone
    repump_rate : Γrepump, from F = 3 into each of the two levels
    dephasing_rate : Γ̃, effective single-particle decay of the transverse-spin variance
    collisional_loss : share of the collisions that also lead to and from F = 3; 0 in a two-level model
    larmor_mismatch : δ/2π, difference of the ensembles' Larmor frequencies (cycles)

    Raises
    ------
    InvalidValue
        for a negative or non-finite rate, Z outside (0, 1], a share outside [0, 1]

    Source: Krauter et al., PRL 107, 080503, main text p. 2 and supplement (theory).
    """

    collective_rate: Any
    radiative_rate: Any
    squeezing_limit: Any
    collision_rate: Any
    light_loss_rate: Any
    pump_rate: Any
    repump_rate: Any
    dephasing_rate: Any
    collisional_loss: Any = 1.0
    larmor_mismatch: Any = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            high = 1.0 if name in ("squeezing_limit", "collisional_loss") else inf
            require(name, value, low=0.0, high=high, low_open=name == "squeezing_limit")

    def with_lights(self, lights: Collection[str], dephasing_rate: Any) -> Rates:
        """The rates with only `lights` on, a subset of drive, pump and repump.

        Drive off: dΓ = Γ = Γout_L = 0; pump off: Γpump = 0; repump off: Γrepump = 0. Collisions are
        always on. Γ̃ depends on the lights and must be given.
        """
        changes: dict[str, Any] = {"dephasing_rate": dephasing_rate}
        if "drive" not in lights:
            changes |= {"collective_rate": 0.0, "radiative_rate": 0.0, "light_loss_rate": 0.0}
        if "pump" not in lights:
            changes["pump_rate"] = 0.0
        if "repump" not in lights:
            changes["repump_rate"] = 0.0
        return replace(self, **changes)


@dataclass(frozen=True)
class Transitions:
    """Rates between the levels, in ms⁻¹: see `transitions`."""

    cooling: Any
    heating: Any
    loss: Any
    recovery: Any


def transitions(rates: Rates) -> Transitions:
    """Level transitions: cooling Γ34, heating Γ43, loss Γout, recovery Γin (into each of two levels).

    Γ34 = μ²Γ + Γcol + Γpump, Γ43 = ν²Γ + Γcol, Γout = Γout_L + fΓcol, Γin = fΓcol + Γrepump, with
    μ² = (1/Z + 2 + Z)/4, ν² = μ² − 1, f = 1 (`collisional_loss`). Source: supplement (theory), with the pump and
    repump rates.
    """
    collisions = rates.collisional_loss * rates.collision_rate
    mean_square = 0.25 * (1 / rates.squeezing_limit + rates.squeezing_limit)
    return Transitions(
        cooling=(mean_square + 0.5) * rates.radiative_rate + rates.collision_rate + rates.pump_rate,
        heating=(mean_square - 0.5) * rates.radiative_rate + rates.collision_rate,
        loss=rates.light_loss_rate + collisions,
        recovery=collisions + rates.repump_rate,
    )


def dephasing_floor(rates: Rates) -> Any:
    """Γ34 + Γ43 + 2Γout, in ms⁻¹, of the shape of the rates: what Γ̃ is without pure dephasing.

    Source: supplement, footnote [S3], which leaves out the loss 2Γout.
    """
    t = transitions(rates)
    return t.cooling + t.heating + 2 * t.loss
