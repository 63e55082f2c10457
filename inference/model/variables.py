"""Which variables a model has, with which dimension and entries: parameters, and rates that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from ...datasets import Experiment, StageEntry
from ...datasets.experiment import Label
from ...datasets.prediction import coupled_rates, optical_depth_of, rates_of
from ...forward_models import PARAMETERS
from .parameters import ModelParameter

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Variable:
    """A variable and its entries, in order; `dim` is None for a scalar.

    parameter : the row of the table of parameters;  labels : of the entries;  coordinate : of the dimension
    formulas : of a derived one: value of each entry from parameters by label
    """

    name: str
    parameter: str
    dim: str | None
    labels: tuple[str, ...]
    coordinate: tuple[str, ...] = ()
    formulas: tuple[Callable[[Values], Any], ...] = ()

    def entries(self, array: Any) -> dict[str, Any]:
        """An array (…) of a scalar, or (…, entries), as arrays (…) by label."""
        if self.dim is None:
            return {self.labels[0]: array}
        return {label: array[..., k] for k, label in enumerate(self.labels)}

    def stacked(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The array of the variable from arrays by label: the inverse of `entries`."""
        return values[self.labels[0]] if self.dim is None else np.stack([values[x] for x in self.labels], axis=-1)


def variables_of(experiment: Experiment, parameters: list[ModelParameter]) -> list[Variable]:
    """The variables of a model: the free parameters first, then the derived rates."""
    unknown = [u for u in parameters if not u.prior.fixed]
    lights = [u.index for u in parameters if u.name in ("dephasing_rate", "pure_dephasing_rate")]
    variables = []
    for name in dict.fromkeys(u.name for u in unknown):
        entries = [u for u in unknown if u.name == name]
        variables.append(_variable(name, [u.index for u in entries], lights))
    formulas: dict[str, dict[str | None, Callable[[Values], Any]]] = {}
    for name, index, formula in _derived(experiment, parameters):
        formulas.setdefault(name, {})[index] = formula
    taken = {variable.name for variable in variables}
    return variables + [
        _variable(name, list(rows), lights, tuple(rows.values()), name in taken) for name, rows in formulas.items()
    ]


def _variable(
    name: str,
    entries: list[str | None],
    lights: list[str | None],
    formulas: tuple[Callable[[Values], Any], ...] = (),
    taken: bool = False,
) -> Variable:
    """`taken`: whether a free variable has this name: the median of a population, where this is its members."""
    full = f"{name}_by_experiment" if formulas and taken else name
    if entries == [None]:
        return Variable(full, name, None, (name,), (), formulas)
    words = tuple(str(entry) for entry in entries)
    if PARAMETERS[name].per_lights and not any(": " in word for word in words):
        dim = "lights" if entries == lights else f"lights_{name}"
    else:
        dim = f"{full}_of"
    return Variable(full, name, dim, tuple(str(Label(name, word)) for word in words), words, formulas)


def _derived(
    experiment: Experiment, parameters: list[ModelParameter]
) -> list[tuple[str, str | None, Callable[[Values], Any]]]:
    """Name, index and formula of what follows from the parameters: Γ̃, Γ or dΓ, d, values of single members."""
    given = {u.label for u in parameters}
    names = {u.name for u in parameters}
    found: list[tuple[str, str | None, Callable[[Values], Any]]] = []
    for u in parameters:
        if u.name == "population_score":
            of = Label.parse(str(u.index))
            found.append((of.name, of.entry, itemgetter(str(of))))
    for member in experiment.members or [""]:
        runs = {run for run in experiment.runs if experiment.member.get(run, "") == member}
        present = {stage.label for stage in experiment.stages if stage.run in runs}
        at = f"[{member}]" if member else ""
        coupled = {f"{name}{where}" for name in ("collective_rate", "radiative_rate") for where in ("", at)} & given
        if not coupled and experiment.members:  # nothing of this one is measured that depends on the drive
            present = {label for label in present if "drive" not in label.split("+")}
        for u in parameters:
            if u.name == "pure_dephasing_rate":
                of = Label(u.name, str(u.index))
                if of.member in ("", member) and (of.lights in present or not experiment.members):
                    index = Label.of(u.name, member=member, lights=of.lights).entry
                    found.append(("dephasing_rate", index, partial(_dephasing, lights=of.lights, member=member)))
        tied = "depth_per_degree" in names and bool({f"faraday_angle{at}", "faraday_angle"} & given)
        depth_known = bool(coupled) and (tied or bool({f"optical_depth{at}", "optical_depth"} & given))
        if "radiative_rate" not in names and "collective_rate" in names and depth_known:
            found.append(("radiative_rate", member or None, partial(_coupled, which=1, member=member)))
        if "collective_rate" not in names and "radiative_rate" in names and depth_known:
            found.append(("collective_rate", member or None, partial(_coupled, which=0, member=member)))
        if tied:
            found.append(("optical_depth", member or None, partial(_depth, member=member)))
    return [row for row in found if str(Label(row[0], row[1] or "")) not in given]


def _dephasing(values: Values, lights: str, member: str) -> Any:
    return rates_of(values, StageEntry.of(lights), member=member).dephasing_rate


def _coupled(values: Values, which: int, member: str) -> Any:
    return coupled_rates(values, member)[which]


def _depth(values: Values, member: str) -> Any:
    return optical_depth_of(values, member)
