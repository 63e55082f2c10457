"""The label of one parameter of an experiment: its name, and which entry it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from ...forward_models import PARAMETERS, Parameter, Rates, nearest_parameter, parameter_name, small_gammas
from ...forward_models.light import ContinuousMeasurement
from ..errors import nearest, violation
from .runs import MAIN_RUN

RATES = frozenset(
    (
        *(field.name for field in fields(Rates) if field.name != "squeezing_limit"),
        "pure_dephasing_rate",
        "electron_collision_rate",
        "excess_loss_rate",
        *(field.name for field in fields(ContinuousMeasurement) if field.name.endswith("_rate")),
    )
)
"""Parameters that are rates of the equations of motion, not constants of the apparatus."""


@dataclass(frozen=True)
class Truth:
    """How a simulated experiment was made: parameter values by label, closure, seed."""

    parameters: dict[str, float]
    closure: str
    seed: int


@dataclass(frozen=True)
class Label:
    """A parameter's name and the entry in brackets: `collective_rate`, `scale[xi]`, `dephasing_rate[A: drive+pump]`.

    name : as in the table of parameters
    entry : what stands in the brackets, "" where there are none: a kind of stage, a series, or a member of a joint
        experiment; a member and a kind of stage are joined by ": "
    """

    name: str
    entry: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The label that a text stands for: the inverse of `str`."""
        name, bracket, rest = text.partition("[")
        return cls(name, rest[:-1]) if bracket and rest.endswith("]") else cls(text)

    @classmethod
    def of(cls, name: str, *, member: str = "", lights: str | None = None) -> Self:
        """The label of a parameter of a member (""  where there is one experiment) and of a kind of stage."""
        return cls(name, ": ".join(part for part in (member, lights or "") if part))

    def __str__(self) -> str:
        return f"{self.name}[{self.entry}]" if self.entry else self.name

    @property
    def member(self) -> str:
        """The member before the colon, "" where there is no colon."""
        return self.entry.rpartition(": ")[0]

    @property
    def lights(self) -> str:
        """What stands behind the colon, or all of the entry."""
        return self.entry.rpartition(": ")[2]

    @property
    def parameter(self) -> Parameter:
        """The row of the table of parameters; KeyError for a name that is not in it."""
        return PARAMETERS[self.name]

    @property
    def symbol(self) -> str:
        """In the field's letters: `dephasing_rate[drive]` is Γ̃ [drive]; what has no letter stays as it is."""
        if self.name not in PARAMETERS:
            return str(self)
        return f"{PARAMETERS[self.name].symbol} [{self.entry}]" if self.entry else PARAMETERS[self.name].symbol

    @property
    def unit(self) -> str:
        """The unit as it is printed, "" for a pure number."""
        return shown_unit(self.parameter.unit)

    @property
    def is_rate(self) -> bool:
        """Whether it is a rate of the equations of motion, not a constant of the apparatus."""
        return self.name in RATES


def by_label[Value](given: Mapping[str, Value], where: str) -> dict[str, Value]:
    """What is given for parameters, by their labels: `Γ̃ [drive]` and `Gamma_tilde[drive]` are `dephasing_rate[drive]`.

    Names that mean no parameter stay as they are; ExperimentError, with the place `where`, for two that mean the same.
    """
    found: dict[str, str] = {}
    for text in given:
        label = Label.parse(text)
        one = str(Label(parameter_name(label.name.strip()), label.entry))
        if found.setdefault(one, text) != text:
            raise violation(where, f"{one} twice, as {found[one]} and as {text}", "each parameter once")
    return {one: given[text] for one, text in found.items()}


def meant(name: str) -> str:
    """' (did you mean …?)' for the parameter whose name or symbol is nearest to a word, or nothing; of `gamma` all."""
    if several := small_gammas(name):
        return f" ({', '.join(f'{PARAMETERS[one].symbol} is {one}' for one in several)})"
    return nearest(name, PARAMETERS) or nearest(nearest_parameter(name), PARAMETERS)


def joint_label(text: str, member: str, own: bool) -> str:
    """The label of a member's parameter in the joint model; `own`: it is not shared."""
    label = Label.parse(text)
    if label.name == "population_spread":  # of days, all of which belong to one population
        return text
    if label.parameter.per_series:
        entry = joint_run(member, label.entry) if label.name == "initial_xi" else f"{member}.{label.entry}"
        return str(Label(label.name, entry))
    return str(Label.of(label.name, member=member, lights=label.entry)) if own else text


def joint_run(member: str, run: str) -> str:
    """The name of a member's run in the joint model."""
    return member if run == MAIN_RUN else f"{member}.{run}"


def shown_unit(unit: str) -> str:
    """A unit of the table of parameters as it is printed: '1/ms' is ms⁻¹, '1' nothing."""
    if unit == "1":
        return ""
    return f"{unit[2:]}⁻¹" if unit.startswith("1/") else unit
