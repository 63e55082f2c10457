"""What a comparison says of one model, the odds against it and the rates that rivals move; and of averages over all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import exp, isfinite, log
from typing import TYPE_CHECKING, Any

from ...datasets.experiment import Label
from .numbers import interval, number, plus_minus, signed, with_error
from .table import Table

if TYPE_CHECKING:
    from ..comparison import ModelAverage

BEST, ALIKE, PERHAPS, WORSE, FAILED = (
    "best", "no clear difference", "perhaps worse", "worse", "not ranked",
)  # fmt: skip
"""What the difference of elpd from the best model means."""
_GRADES = ((1.0, "not worth a mention"), (3.0, "positive"), (5.0, "strong"), (float("inf"), "very strong"))
"""Upper ends of ln B and what it is called (Kass & Raftery, JASA 90, 773)."""
_CLEAR = 2.0
"""Standard errors of ln B from which it counts."""
_PAID, _DEAREST = 0.5, 2
"""Nats from which the price of a prior is named, and of how many priors of a model."""
_NAMED = 3
"""Rates that a headline names."""
_FEW_ODDS, _MOST_ODDS = 10, 1000
_WEIGHTS = {"stacking": "by stacking", "evidence": "by evidence, with equal prior odds"}
Model = Mapping[str, Any]
"""A model in the facts of a comparison, see `comparison_facts`."""


def decided(log_factor: float, error: float) -> bool:
    """Whether ln of a Bayes factor, with its standard error, is worth a mention."""
    return abs(log_factor) >= max(_GRADES[0][0], _CLEAR * error)


def disfavoured(log_factor: float) -> str:
    """'disfavoured 91 : 1 (strong)': the odds that ln of a Bayes factor gives against a model."""
    word = next(word for end, word in _GRADES if abs(log_factor) < end)
    odds = exp(min(abs(log_factor), 700.0))
    shown = f"{odds:.1f}" if odds < _FEW_ODDS else f"{odds:.0f}" if odds <= _MOST_ODDS else f"over {_MOST_ODDS}"
    return f"disfavoured {shown} : 1 ({word})"


def evidence_words(models: Sequence[Model], this: str = "") -> str:
    """'is for a: b is disfavoured 91 : 1 (strong)'; '' where fewer than two models have evidences to be used.

    models : as `comparison_facts` has them;  this : model that is called "this fit"
    """
    having = [row for row in models if isfinite(row.get("odds_against") or float("nan"))]
    if len(having) < 2:
        return ""
    factors = {row["model"]: (log(row["odds_against"]), row["log_bayes_factor_error"]) for row in having}
    ranked = sorted(factors, key=lambda name: factors[name][0])
    called = {name: f"this fit ({name})" if name == this else name for name in ranked}
    near = [called[name] for name in ranked if not decided(*factors[name])]
    against = [f"{called[name]} is {disfavoured(factors[name][0])}" for name in ranked if decided(*factors[name])]
    told = f"cannot tell {listed(near)} apart" if len(near) > 1 else f"is for {near[0]}"
    return f"{told}{': ' if against else ''}{'; '.join(against)}"


def price_words(models: Sequence[Model]) -> str:
    """What priors that not all models share cost each model whose evidence can be used, the dearest two from half a nat
    on; '' where no model is disfavoured, or nothing costs so much.
    """
    having = [row for row in models if isfinite(row.get("odds_against") or float("nan"))]
    if not any(decided(log(row["odds_against"]), row["log_bayes_factor_error"]) for row in having):
        return ""
    shared = set.intersection(*({(n, p["prior"]) for n, p in row["prior_prices"].items()} for row in having))
    said = []
    for row in having:
        prices = row["prior_prices"].items()
        own = sorted((-p["price"], n, p) for n, p in prices if (n, p["prior"]) not in shared and p["price"] >= _PAID)
        each = [
            f"{-nats:.1f} for {Label.parse(label).symbol} (half as wide: {signed(price['half'], '.1f')}, twice:"
            f" {signed(price['twice'], '.1f')})"
            for nats, label, price in own[:_DEAREST]
        ]
        said += [f"{row['model']} pays {' and '.join(each)}"] if each else []
    return f"Priors that they do not share count in this, in nats: {'; '.join(said)}." if said else ""


def usable(models: Sequence[Model]) -> list[str]:
    """The models that sampling and χ² leave, in their order: only their rates say anything."""
    return [row["model"] for row in models if row["status"] not in ("unhealthy", "misfit")]


def moved_rates(models: Sequence[Model], name: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Label → model → mean and sd, of rates that rivals move by more than the ± of the model `name`.

    The rates moved most stand first; of each, the model itself, then the rivals, the farthest first, but those that
    predict worse last. Models that are not `usable` move nothing, and have no rates to be moved.
    """
    rates = {row["model"]: row["rates"] for row in models if row["model"] in usable(models)}
    worse = {row["model"]: row["prediction"] == WORSE for row in models}
    own, found = rates.pop(name, {}), []
    for label, (mean, sd) in own.items():
        shifts = {
            other: abs(values[label][0] - mean) / (sd or 1.0) for other, values in rates.items() if label in values
        }
        far = sorted((worse[other], -shift, other) for other, shift in shifts.items() if shift > 1.0 and sd > 0)
        if far:
            values = {name: (mean, sd)} | {other: tuple(rates[other][label]) for _, _, other in far}
            found.append((far[0][:2], label, values))
    return {label: values for _, label, values in sorted(found, key=lambda each: each[0])}


def moved_words(models: Sequence[Model], name: str, short: bool = False) -> str:
    """'dΓ: 0.062 ± 0.008 by microscopic, 0.090 ± 0.010 by fixed-number (predicts worse); …', '' where none is moved.

    short : only the rates moved most, each by the rival that moves it most
    """
    worse = {row["model"] for row in models if row["prediction"] == WORSE}
    moved = moved_rates(models, name)
    said = []
    for label, values in list(moved.items())[: _NAMED if short else None]:
        parts = [
            f"{plus_minus(*value)} by {model}{' (predicts worse)' if model in worse else ''}"
            for model, value in list(values.items())[: 2 if short else None]
        ]
        said.append(f"{Label.parse(label).symbol}: {', '.join(parts)}")
    more = f"; and {len(moved) - _NAMED} more" if short and len(moved) > _NAMED else ""
    return "; ".join(said) + more


def compared_sentences(facts: Mapping[str, Any], fit: str) -> list[str]:
    """What the headline of a fit must add after a comparison; nothing for a fit that was not compared.

    facts : as `comparison_facts` gives them and comparison.json holds them;  fit : identifies it, see `fit_id`
    """
    models = facts["models"]
    this = next((row["model"] for row in models if row["fit"] == fit), None)
    if this is None:
        return []
    evidence, moved = evidence_words(models, this), moved_words(models, this, short=True)
    others = listed([row["model"] for row in models if row["model"] != this])
    said = _lost(models, this)
    if evidence and not (said and len(models) == 2):
        said.append(f"Compared with {others}, the evidence {evidence}.")
    return said + ([f"Rates (ms⁻¹) that a rival moves by more than their error bars: {moved}."] if moved else [])


_LOST = "Disfavoured "


def _lost(models: Sequence[Model], this: str) -> list[str]:
    """'Disfavoured 91 : 1 (strong) against fixed-number.', if the evidence is against this model."""
    odds = {row["model"]: row.get("odds_against") or float("nan") for row in models}
    row = next(row for row in models if row["model"] == this)
    if not isfinite(odds[this]) or not decided(log(odds[this]), row["log_bayes_factor_error"]):
        return []
    best = min((name for name in odds if isfinite(odds[name])), key=lambda name: odds[name])
    return [f"{_LOST}{disfavoured(log(odds[this])).removeprefix(_LOST.lower())} against {best}."]


def verdict_lines(headline: str, compared: Sequence[str]) -> list[str]:
    """The headline of a fit with what a comparison adds (`compared_sentences`): first that it is disfavoured."""
    lost = [text for text in compared if text.startswith(_LOST)]
    return [*lost, headline, *(text for text in compared if text not in lost)]


def listed(names: Iterable[str]) -> str:
    """'a, b and c'."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


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
