"""The rows of a result: parameters, derived quantities, published numbers. All tables and --json show these."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import Label
from ..fits import ParameterSummary, summary_rows
from .numbers import interval, number, with_error
from .table import Table

if TYPE_CHECKING:
    from xarray import DataTree

    from ...datasets import Experiment

PUBLISHED = {
    "collective_rate": 0.11,
    "dephasing_rate[drive]": 0.193,
    "dephasing_rate[drive+pump]": 0.233,
    "pump_rate[drive+pump]": 0.168,
    "collision_rate": 0.002,
    "radiative_rate": 0.002,
    "squeezing_limit": 0.16,
    "optical_depth": 55.0,
}
"""The paper's own values (captions of Fig. 2), to stand beside a posterior; never conditioned on."""
PUBLISHED_DERIVED = {"threshold_optical_depth": ("drive+pump+repump", 100.0)}
"""The paper's own derived numbers: of which kind of stage, and the value (p. 3: a steady state at d = 100)."""
DERIVED = {
    "xi_minimum": "minimum of ξ",
    "xi_minimum_time": "time of the minimum",
    "entanglement_duration": "entangled until (the last stage goes on)",
    "steady_state_xi": "ξ of the steady state",
    "threshold_optical_depth": "d needed for an entangled steady state",
    "sublevel_population": "population of the sub-level",
    "tested_orientation": "orientation when it was tested",
    "transverse_decay_rate": "γ = 1/T2, decay of the transverse spins",
    "optimal_mode_rate": "γm of the mode of light that predicts best",
    "unconditional_xi": "ξ of the steady state, dissipation alone",
    "steady_conditional_xi": "ξ_cond of the steady state, with the record",
}
"""What the derived quantities are."""
_LARGE = 1e4
_SAME_DEPTH = 0.05
"""Relative difference of d up to which the paper's rates are those of the same setting."""


@dataclass(frozen=True)
class ParameterRow:
    """A parameter: its posterior in numbers (`summary`, in the unit of the table of parameters), and as printed.

    mean, sd, low, high : low and high are the ends of the 94 % HDI; decimals by two digits of the standard deviation
    value : mean and standard deviation as a paper prints them, 0.1125(75)
    sampled : the smaller of bulk and tail ESS, and R-hat
    """

    label: Label
    summary: ParameterSummary
    mean: str
    sd: str
    low: str
    high: str
    value: str
    sampled: tuple[str, str]

    def facts(self) -> dict[str, Any]:
        """The row for scripts."""
        more = {"symbol": self.label.parameter.symbol, "unit": self.label.parameter.unit}
        return asdict(self.summary) | more | {"informed": self.summary.informed}


def paper_values(experiment: Experiment) -> dict[str, float]:
    """`PUBLISHED` where this is the paper's setting, or where d is not known beforehand; else none.

    dΓ, Γ̃ and the rates of light are those of d = 55: beside a run at another depth they would compare nothing.
    """
    known = experiment.apparatus.get("optical_depth")
    depth = PUBLISHED["optical_depth"]
    same = known is None or abs(known.value - depth) <= _SAME_DEPTH * depth
    return dict(PUBLISHED) if same else {}


def parameter_rows(fit: DataTree) -> list[ParameterRow]:
    """The posterior table of a fit, as it was computed then; rates that follow from others included."""
    rows = []
    for one in summary_rows(fit):
        mean, sd, low, high = (number(value, one.sd) for value in (one.mean, one.sd, one.low, one.high))
        value, sampled = with_error(one.mean, one.sd), (f"{min(one.ess_bulk, one.ess_tail):.0f}", f"{one.rhat:.3f}")
        rows.append(ParameterRow(Label.parse(one.label), one, mean, sd, low, high, value, sampled))
    return rows


@dataclass(frozen=True)
class DerivedRow:
    """A derived quantity of a run or of a kind of stage: median and central 94 % interval; ∞ beyond the horizon."""

    name: str
    entry: str
    unit: str
    median: float
    low: float
    high: float

    @property
    def printed(self) -> tuple[str, str, str]:
        """Median and ends, with the decimals that the interval leaves."""
        if self.without_repump or self.without_spin:
            return "none", "", ""
        ends = (self.low, self.high)
        scale = (self.high - self.low) / 4 if np.isfinite(ends).all() else max(abs(self.median), 1.0) / 10
        large = abs(self.median) >= _LARGE and np.isfinite(self.high)
        median, low, high = (f"{x:.2g}" if large else number(x, scale) for x in (self.median, *ends))
        return median, low, high

    @property
    def without_repump(self) -> bool:
        """Whether it is the d that a steady state needs where no light repumps, and none is enough."""
        lights = Label(self.name, self.entry).lights
        return self.name == "threshold_optical_depth" and "repump" not in lights and self.median > _LARGE

    @property
    def without_spin(self) -> bool:
        """Whether it is ξ of a steady state without a mean spin: all levels end up equally populated."""
        return self.name == "steady_state_xi" and not np.isfinite(self.median)

    @property
    def span(self) -> str:
        """The interval as printed, or why there is none."""
        _, low, high = self.printed
        if self.without_spin:
            return "no mean spin is left in the end"
        return "without repump no steady state is entangled" if self.without_repump else f"[{low}, {high}]"

    @property
    def published(self) -> str:
        """What the paper has for it, of the same kind of stage; else ""."""
        lights, value = PUBLISHED_DERIVED.get(self.name, ("", 0.0))
        return f"{value:g}" if lights and Label(self.name, self.entry).lights == lights else ""

    @property
    def shown_unit(self) -> str:
        """The unit, "" for a pure number."""
        return "" if self.unit == "1" else self.unit


def derived_rows(fit: DataTree) -> list[DerivedRow]:
    """The derived quantities of a fit, by run or by kind of stage (`entry`), in the order of its group "derived"."""
    data = fit["derived"].dataset
    rows = []
    for name, variable in data.data_vars.items():
        for k, entry in enumerate(data[variable.dims[-1]].values):
            quantiles = np.quantile(variable.values[..., k].ravel(), [0.5, 0.03, 0.97], method="nearest")
            unit = str(variable.attrs.get("units", "1"))
            rows.append(DerivedRow(str(name), str(entry), unit, *(float(value) for value in quantiles)))
    return rows


def derived_table(rows: list[DerivedRow], header: list[str], body: list[list[str]]) -> Table:
    """A table of derived quantities, `body` of them, with a column of the paper's values where there are any."""
    if any(row.published for row in rows):
        header, body = [*header, "paper"], [[*cells, row.published] for cells, row in zip(body, rows, strict=True)]
    return Table(header, body, numeric=(2, 3, *range(4, len(header))))


def published_rows(fit: DataTree) -> list[list[str]]:
    """A row per published number: label, unit, value ± σ, 94 % predictive interval, whether it lies inside.

    A last cell says "not fitted" of a number that was only predicted. No rows for an experiment without such numbers.
    """
    from ...datasets import from_tree

    observations = from_tree(fit["experiment"]).observations
    body = []
    for group, name, dim in (
        ("posterior_predictive", "observations", "observation"),
        ("predictions", "excluded_observations", "excluded"),
    ):
        if group not in fit.children or name not in fit[group].dataset:
            continue
        data = fit[group].dataset
        for k, label in enumerate(data[dim].values):
            observation = next(one for one in observations if one.label == label)
            values = data[name].values[..., k].ravel()
            if group == "predictions":
                values = values + np.random.default_rng(0).normal(0, observation.sigma, values.shape)
            low, high = np.quantile(values, [0.03, 0.97])
            body.append(
                [
                    str(label),
                    "" if observation.unit == "1" else observation.unit,
                    f"{observation.value:g} ± {observation.sigma:g}",
                    interval(low, high, (high - low) / 4),
                    "yes" if low <= observation.value <= high else "no",
                    "" if group == "posterior_predictive" else "not fitted",
                ]
            )
    return body
