"""Tables in plain text: the posterior, and what each series informs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...forward_models import PARAMETERS
from ..fits import ParameterSummary

if TYPE_CHECKING:
    from xarray import DataTree

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


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first to the left and the others to the right."""
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def posterior_table(rows: Sequence[ParameterSummary], beside: Mapping[str, float], beside_title: str) -> str:
    """The posterior table; `beside` gives for some labels a truth or a published value."""
    header = ["parameter", "", "mean", "sd", "94 % HDI", beside_title, "ESS", "R-hat", "informed by"]
    body = []
    for row in rows:
        about = PARAMETERS[row.label.split("[")[0]]
        unit = "" if about.unit == "1" else about.unit
        body.append(
            [
                row.label,
                f"{about.symbol} {unit}".strip(),
                number(row.mean, row.sd),
                number(row.sd, row.sd),
                f"[{number(row.low, row.sd)}, {number(row.high, row.sd)}]",
                f"{beside[row.label]:g}" if row.label in beside else "",
                f"{min(row.ess_bulk, row.ess_tail):.0f}",
                f"{row.rhat:.3f}",
                row.informed,
            ]
        )
    return table(header, body)


def number(value: float, scale: float) -> str:
    """A number with as many decimals as `scale` with two significant digits has."""
    if not np.isfinite(value):
        return "> horizon" if value > 0 else str(value)
    if 0 < scale < _EXACT * abs(value):
        return f"{value:.6g}"
    decimals = 0 if scale <= 0 or not np.isfinite(scale) else max(0, 1 - int(np.floor(np.log10(scale))))
    return f"{value:.{decimals}f}"


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


_LARGE, _EXACT = 1e4, 1e-9


@dataclass(frozen=True)
class DerivedRow:
    """A derived quantity of a run or of a kind of stage: median and 94 % interval, as they are printed."""

    name: str
    entry: str
    unit: str
    middle: str
    low: str
    high: str


def derived_rows(fit: DataTree) -> list[DerivedRow]:
    """The derived quantities of a fit."""
    data = fit["derived"].dataset
    rows = []
    for name, variable in data.data_vars.items():
        unit = variable.attrs.get("units", "1")
        for k, entry in enumerate(data[variable.dims[-1]].values):
            low, middle, high = np.quantile(variable.values[..., k].ravel(), [0.03, 0.5, 0.97], method="nearest")
            scale = (high - low) / 4 if np.isfinite([low, high]).all() else max(abs(middle), 1.0) / 10
            large = abs(middle) >= _LARGE and np.isfinite(high)
            shown = (f"{value:.2g}" if large else number(value, scale) for value in (middle, low, high))
            rows.append(DerivedRow(str(name), str(entry), "" if unit == "1" else unit, *shown))
    return rows


def derived_table(fit: DataTree) -> str:
    """Medians and 94 % intervals of the derived quantities."""
    body = [[f"{r.name}[{r.entry}]", r.unit, r.middle, f"[{r.low}, {r.high}]"] for r in derived_rows(fit)]
    return table(["derived quantity", "", "median", "94 % interval"], body)


def published_table(fit: DataTree) -> str:
    """Observed numbers against their posterior prediction; '' where the experiment has none."""
    body = published_rows(fit)
    return table(["published number", "", "value", "94 % predictive", "inside", ""], body) if body else ""


def published_rows(fit: DataTree) -> list[list[str]]:
    """Label, unit, value, 94 % predictive interval, whether it lies inside, whether it was fitted."""
    from ...datasets import from_tree

    experiment = from_tree(fit["experiment"])
    body = []
    for group, name, dim in (
        ("posterior_predictive", "observations", "observation"),
        ("predictions", "excluded_observations", "excluded"),
    ):
        if group not in fit.children or name not in fit[group].dataset:
            continue
        data = fit[group].dataset
        for k, label in enumerate(data[dim].values):
            observation = next(o for o in experiment.observations if o.label == label)
            values = data[name].values[..., k].ravel()
            if group == "predictions":
                values = values + np.random.default_rng(0).normal(0, observation.sigma, values.shape)
            low, high = np.quantile(values, [0.03, 0.97])
            scale = (high - low) / 4
            fitted = "" if group == "posterior_predictive" else "not fitted"
            verdict = "yes" if low <= observation.value <= high else "no"
            body.append(
                [
                    str(label),
                    "" if observation.unit == "1" else observation.unit,
                    f"{observation.value:g} ± {observation.sigma:g}",
                    f"[{number(low, scale)}, {number(high, scale)}]",
                    verdict,
                    fitted,
                ]
            )
    return body
