"""Rates of a stage of the sixteen-level model, and the equations of motion of its populations, dp/dt = L p."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from math import inf
from typing import Any

import numpy as np

from ..three_state import column
from ..validation import require
from .mixtures import Mixture, mixed, near
from .tables import (
    DRIVE_DETUNING,
    RateTable,
    drive,
    electron_collisions,
    excess_loss,
    pump,
    repump,
    uniform_collisions,
)

_WRONG: dict[Callable[..., RateTable], Callable[..., RateTable]] = {
    light: partial(light, handedness=-1) for light in (pump, repump)
}
"""The tables of σ− light."""


@dataclass(frozen=True, eq=False, repr=False)
class Tables:
    """What each process does per unit of its rate; the names are those of the rates. See `atoms_at`."""

    radiative_rate: RateTable | Mixture
    excess_loss_rate: RateTable | Mixture
    pump_rate: RateTable | Mixture
    repump_rate: RateTable | Mixture
    collision_rate: RateTable

    def of_drive(self, name: str) -> Any:
        """A number of the drive's table, such as `coherent_fraction`."""
        return sum(weight * getattr(table, name) for weight, table in self.radiative_rate.parts)

    def with_weights(self, change: Callable[[Any], Any]) -> Tables:
        """The tables with each weight of a mixture changed: as columns, for instance."""
        tables = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {
            name: replace(one, parts=tuple((change(weight), table) for weight, table in one.parts))
            for name, one in tables.items()
            if isinstance(one, Mixture)
        }
        return replace(self, **changed)


def atoms_at(
    temperature: float = 300.0,
    detuning: float = DRIVE_DETUNING,
    *,
    uniform: bool = False,
    temperature_offset: Any = None,
    drive_detuning_offset: Any = None,
    pump_impurity: Any = None,
    repump_impurity: Any = None,
) -> Tables:
    """The tables of ¹³³Cs at `temperature` (K; 0: at rest) with a drive `detuning` MHz above F = 4 → F' = 5.

    uniform : collisions lead from every level to every other one, instead of randomising the electron's spin
    temperature_offset, drive_detuning_offset : K and MHz, by how much they differ from that
    pump_impurity, repump_impurity : intensity of σ− light over that of σ+ light
    These four may be numbers, arrays or symbolic; None: 0.

    InvalidValue for a temperature or a detuning that the model of weak, far-detuned light does not reach.
    """
    collisions = uniform_collisions() if uniform else electron_collisions()
    both, offsets = (detuning, temperature), (drive_detuning_offset, temperature_offset)

    def circular(table_of: Callable[..., RateTable], impurity: Any) -> RateTable | Mixture:
        pure = near(table_of, both[1:], offsets[1:])
        return pure if impurity is None else mixed(pure, impurity, near(_WRONG[table_of], both[1:], offsets[1:]))

    return Tables(
        near(drive, both, offsets), near(excess_loss, both, offsets), circular(pump, pump_impurity),
        circular(repump, repump_impurity), collisions,
    )  # fmt: skip


PROCESSES = tuple(field.name for field in fields(Tables))


@dataclass(frozen=True)
class SixteenLevelRates:
    """Rates of one stage, in ms⁻¹ (`squeezing_limit` is a pure number): numbers, arrays (one per draw), or symbolic.

    collective_rate : dΓ;  radiative_rate : Γ ≡ rate(43→44) − rate(44→43) of the drive;  squeezing_limit : Z, in (0, 1]
    collision_rate : R, at which collisions randomise the electron's spin (or Γcol, where they are uniform)
    excess_loss_rate : Γx, loss of |4,4⟩ to F = 3 that comes with the drive and that nothing explains
    pump_rate, repump_rate : Γpump and Γrepump, see `tables`
    dephasing_rate : Γ̃, decay of the pair correlations C without the collective part
    tables : what each process does

    InvalidValue for a negative or non-finite rate, and for Z outside (0, 1].
    """

    collective_rate: Any
    radiative_rate: Any
    squeezing_limit: Any
    collision_rate: Any
    excess_loss_rate: Any
    pump_rate: Any
    repump_rate: Any
    dephasing_rate: Any
    tables: Tables

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self) if field.name != "tables"):
            limit = name == "squeezing_limit"
            require(name, getattr(self, name), low=0.0, high=1.0 if limit else inf, low_open=limit)

    @property
    def active(self) -> Iterator[tuple[Any, RateTable | Mixture]]:
        """Each process that may be on: its rate, ms⁻¹, and its table or mixture."""
        for name in PROCESSES:
            rate = getattr(self, name)
            if np.ndim(rate) or not isinstance(rate, (int, float)) or rate:
                yield rate, getattr(self.tables, name)

    @property
    def processes(self) -> Iterator[tuple[Any, RateTable]]:
        """Each process that may be on: its rate, ms⁻¹, and its table; of a mixture each part."""
        for rate, table in self.active:
            for k, (weight, part) in enumerate(table.parts):
                yield rate * weight if k else rate, part

    def with_lights(self, lights: Collection[str], dephasing_rate: Any) -> SixteenLevelRates:
        """The rates with only `lights` on, a subset of drive, pump and repump; Γ̃ depends on the lights."""
        changes: dict[str, Any] = {"dephasing_rate": dephasing_rate}
        if "drive" not in lights:
            changes |= {"collective_rate": 0.0, "radiative_rate": 0.0, "excess_loss_rate": 0.0}
        changes |= {f"{name}_rate": 0.0 for name in ("pump", "repump") if name not in lights}
        return replace(self, **changes)


def generator(rates: SixteenLevelRates) -> Any:
    """L (…, 16, 16), ms⁻¹, of dp/dt = L p: rates off the diagonal, and minus the sums of the columns on it."""
    return sum((_matrix(rate) * table.generator for rate, table in rates.processes), np.zeros((16, 16)))


def flow(rates: SixteenLevelRates) -> Callable[[Any], Any]:
    """What makes L v (…, 16) of v (…, 16): one product with the tables of all processes side by side."""
    processes = list(rates.processes)
    tables = np.concatenate([table.generator.T for _, table in processes] or [np.zeros((16, 0))], axis=1)
    parts = [(column(rate), slice(16 * k, 16 * k + 16)) for k, (rate, _) in enumerate(processes)]

    def apply(vector: Any) -> Any:
        moved = vector @ tables
        return sum((rate * moved[..., part] for rate, part in parts), 0.0 * vector)

    return apply


def flows(rates: SixteenLevelRates, populations: np.ndarray) -> dict[str, np.ndarray]:
    """Atoms, as shares of all, that each process moves per ms from i to f, (16, 16) as [f, i]; of numbers.

    populations : (16,)
    """
    moved, found = ~np.eye(len(populations), dtype=bool) * populations, {}
    for name in PROCESSES:
        parts = getattr(rates.tables, name).parts
        found[name] = moved * sum(getattr(rates, name) * weight * table.rate for weight, table in parts)
    return found


def sixteen_level_floor(rates: SixteenLevelRates) -> Any:
    """Γ̃ without pure dephasing, ms⁻¹: the rates out of |4,4⟩ and |4,3⟩, and what elastic scattering dephases."""
    return sum((rate * table.dephasing for rate, table in rates.processes), 0.0)


def fastest_decay(rates: SixteenLevelRates) -> Any:
    """The sum of the fastest decays of single processes, ms⁻¹: together, populations decay at up to `WIDER` times that.

    That holds for any processes by a logarithmic norm: with certain weights of the levels, −(L + Lᵀ)/2 of each has
    eigenvalues up to 1.19 times its fastest decay; those of a sum add up at most, and bound the decays.
    """
    return sum((rate * table.fastest for rate, table in rates.active), 0.0)


def fastest_rate(rates: SixteenLevelRates) -> Any:
    """Γ̃ + dΓ and the decay of populations, ms⁻¹: what a quadrature of the correlations resolves."""
    return rates.dephasing_rate + rates.collective_rate + fastest_decay(rates)


def cut_off(rates: SixteenLevelRates, largest: SixteenLevelRates, *, xp: Any = np) -> SixteenLevelRates:
    """The rates, those of processes so that they are at most as fast as `largest`; Γ̃ and dΓ as they are."""
    given: dict[str, Any] = {}
    for name in PROCESSES:
        limit, table, allowed = getattr(largest, name), getattr(rates.tables, name), getattr(largest.tables, name)
        # of light of both hands less, the more there is of the wrong one
        given[name] = xp.minimum(getattr(rates, name), limit * (allowed.fastest / table.fastest)) if limit else 0.0
    return replace(rates, **given)


def largest_rates(several: Sequence[SixteenLevelRates], factor: float) -> SixteenLevelRates:
    """Of each process the largest of the rates (numbers), times a factor."""
    found: dict[str, Any] = {name: factor * max(getattr(rates, name) for rates in several) for name in PROCESSES}
    return replace(several[0], **found)


def _matrix(rate: Any) -> Any:
    """A rate (…,) as (…, 1, 1)."""
    return rate[..., None, None] if np.ndim(rate) else rate
