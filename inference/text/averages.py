"""Rates averaged over models: a table, what was averaged in words, and the same as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...datasets.experiment import Label
from ..comparison import ModelAverage
from .compared import listed
from .numbers import interval, number, with_error
from .table import Table

_WEIGHTS = {"stacking": "by stacking", "evidence": "by evidence, with equal prior odds"}


def average_facts(average: ModelAverage) -> dict[str, Any]:
    """For scripts: weights, with their Monte Carlo errors where these are known, and the rates, ms⁻¹."""
    return {
        "by": average.by,
        "models": len(average.weights),
        "weights": dict(average.weights),
        "weight_errors": dict(average.errors),
        "rates": {label: asdict(rate) for label, rate in average.rates.items()},
        "missing": list(average.missing),
        "in_words": average_words(average),
    }


def average_words(average: ModelAverage) -> str:
    """'Averaged over 2 models, weights by stacking: microscopic 1.00, fixed-number 0.00.', and what to know of it."""
    errors = {name: f" ± {error:.3f}" for name, error in average.errors.items()}
    weights = ", ".join(f"{name} {weight:.3f}{errors.get(name, '')}" for name, weight in average.weights.items())
    said = [f"Averaged over {len(average.weights)} models, weights {_WEIGHTS[average.by]}: {weights}."]
    fixed: dict[str, list[str]] = {}
    for label, rate in average.rates.items():
        for model, value in rate.fixed.items():
            fixed.setdefault(model, []).append(f"{Label.parse(label).symbol} = {value:g}")
    said += [f"{model} counts with what it has fixed: {', '.join(values)}." for model, values in fixed.items()]
    if average.missing:
        said.append(f"Not all of them have {listed(Label.parse(x).symbol for x in average.missing)}: not averaged.")
    return " ".join(said)


def _error(error: float) -> str:
    """One digit."""
    return number(error, 10 * error)


def averages_table(facts: Mapping[str, Any]) -> Table:
    """A row per rate: mean and standard deviation, 94 % interval, Monte Carlo error of the mean, by each average.

    facts : of a comparison; those of older versions have no averages
    """
    averages = facts.get("averages", [])
    header = ["rate averaged over models, ms⁻¹"]
    for average in averages:
        header += [f"by {average['by']}", "94 % interval", "Monte Carlo ±"]
    labels = dict.fromkeys(label for average in averages for label in average["rates"])
    body = [[Label.parse(label).symbol, *(cell for one in averages for cell in _cells(one["rates"].get(label)))]
            for label in labels]  # fmt: skip
    return Table(header, body, numeric=range(1, len(header)))


def _cells(rate: Mapping[str, Any] | None) -> list[str]:
    if rate is None:
        return ["", "", ""]
    ends = interval(rate["low"], rate["high"], rate["sd"])
    return [with_error(rate["mean"], rate["sd"]), ends, _error(rate["error"])]
