"""A fit as plain facts for scripts: what `--json` prints."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ...forward_models import PARAMETERS
from ..checks import assess, goodness
from ..fits import summary_rows

if TYPE_CHECKING:
    from xarray import DataTree


def fit_facts(fit: DataTree) -> dict[str, Any]:
    """Verdict, posterior table, derived quantities, fit of each series: numbers, texts, lists; no number is None.

    None also stands for a quantity that is infinite, such as an entanglement duration beyond the horizon.
    """
    judged = assess(fit)
    parameters = []
    for one in summary_rows(fit):
        about = PARAMETERS[one.label.partition("[")[0]]
        parameters.append(asdict(one) | {"symbol": about.symbol, "unit": about.unit, "informed": one.informed})
    derived = []
    data = fit["derived"].dataset
    for name, variable in data.data_vars.items():
        for k, entry in enumerate(data[variable.dims[-1]].values):
            low, middle, high = np.quantile(variable.values[..., k], [0.03, 0.5, 0.97], method="nearest")
            row: dict[str, Any] = {"name": str(name), "entry": str(entry), "unit": variable.attrs.get("units", "1")}
            derived.append(row | {"median": float(middle), "low": float(low), "high": float(high)})
    facts = {
        "title": str(fit.attrs["title"]),
        "simulated": bool(fit.attrs["simulated"]),
        "status": judged.status,
        "healthy": bool(fit.attrs["healthy"]),
        "verdict": {"headline": judged.headline, "sampling": judged.sampling, "model": judged.model},
        "next_steps": list(judged.next_steps),
        "surprises": list(judged.surprises),
        "divergences": int(fit["sample_stats"]["diverging"].sum()),
        "parameters": parameters,
        "derived": derived,
        "series": [asdict(series) | {"misfit": series.misfit} for series in goodness(fit)],
    }
    cleaned: dict[str, Any] = as_json(facts)
    return cleaned


def as_json(value: Any) -> Any:
    """What JSON can say: no NaN, no infinity, no NumPy."""
    if isinstance(value, dict):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
