"""A comparison of models in words and tables, and as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import exp, isfinite
from typing import Any

from ...datasets.experiment import Label
from ..comparison import FEW_UNITS, SMALL_DIFFERENCE, ComparedModel, Comparison
from .compared import (
    ALIKE,
    BEST,
    FAILED,
    PERHAPS,
    WORSE,
    average_facts,
    averages_table,
    evidence_words,
    listed,
    moved_rates,
    moved_words,
    price_words,
    usable,
)
from .numbers import with_error
from .table import Table, View

_HEADER = ("model", "elpd", "difference ± se", "weight", "p_loo", "ln evidence", "ln Bayes factor", "prediction", "fit")
_CLEAR = 2.0
"""Standard errors from which a difference of elpd counts."""
_NAMED = 4


def comparison_text(found: Comparison) -> str:
    """What `dissentangle compare` prints: what to read first, the models, every rate by every model and averaged over
    the models, and the other sentences.
    """
    facts, first = comparison_facts(found), headlines(found)
    mark = " (simulated data)" if found.simulated else ""
    title = f"{found.title}{mark}: {len(found.models)} models, leaving out one {found.unit} at a time"
    lines = [title, *first, "", models_table(facts).text(), "", rates_table(facts).text(), ""]
    if facts["averages"]:
        lines += [averages_table(facts).text(), *(one["in_words"] for one in facts["averages"]), ""]
    return "\n".join([*lines, *(text for text in facts["in_words"] if text not in first)])


def comparison_view(found: Comparison) -> View:
    """What to read first, the models, every rate by every model."""
    facts = comparison_facts(found)
    tables = [models_table(facts), rates_table(facts)]
    return View(found.title, found.simulated, headlines(found), tables, status="misfit" if facts["objections"] else "")


def comparison_rows(found: Comparison) -> list[dict[str, Any]]:
    """A row per model for scripts: its numbers, mean and standard deviation of each rate."""
    return [
        {name: value for name, value in row.items() if name not in ("rates", "fit")}
        | {
            f"{label}{what}": n
            for label, pair in row["rates"].items()
            for what, n in zip(("", " sd"), pair, strict=True)
        }
        for row in comparison_facts(found)["models"]
    ]


def models_table(facts: Mapping[str, Any]) -> Table:
    """A row per model, the best first, from the facts of a comparison; an elpd that is not sure is in brackets."""
    return Table(_HEADER, [_cells(row) for row in facts["models"]], numeric=range(1, len(_HEADER) - 2))


def _cells(row: Mapping[str, Any]) -> list[str]:
    best, error = row["prediction"] == BEST, row["log_bayes_factor_error"]
    return [
        row["model"],
        f"{row['elpd']:.1f}" if row["sure"] else f"({row['elpd']:.1f})",
        "0" if best else f"{row['elpd_difference']:.1f} ± {row['elpd_difference_se']:.1f}",
        f"{row['stacking_weight']:.2f}",
        f"{row['p_loo']:.1f}",
        _number(row["log_evidence"], row["log_evidence_error"]),
        "0" if error == 0 else _number(row["log_bayes_factor"], error),
        row["prediction"],
        row["status"],
    ]


def _number(value: float | None, error: float | None) -> str:
    """None as in JSON, and NaN: there is none."""
    if value is None or error is None or not isfinite(value):
        return "none"
    return f"{round(value, 2) + 0.0:.2f} ± {error:.2f}"


def rates_table(facts: Mapping[str, Any]) -> Table:
    """Every rate by every model, mean and standard deviation as 0.1125(75), ms⁻¹."""
    models = facts["models"]
    labels = dict.fromkeys(label for row in models for label in row["rates"])
    body = [
        [Label.parse(label).symbol, *(with_error(*m["rates"][label]) if label in m["rates"] else "" for m in models)]
        for label in labels
    ]
    return Table(["rate, ms⁻¹", *(row["model"] for row in models)], body, numeric=range(1, len(models) + 1))


def predictive_words(found: Comparison, model: ComparedModel) -> str:
    """What the difference of elpd from the best model means."""
    if model is found.models[0]:
        return BEST
    if model not in found.ranked:
        return FAILED
    if abs(model.difference) < SMALL_DIFFERENCE:
        return ALIKE
    return WORSE if abs(model.difference) > _CLEAR * model.difference_se else PERHAPS


def sentences(found: Comparison) -> list[str]:
    """What the comparison says: what voids it first, then the verdicts, then what to bear in mind."""
    verdicts = [*_predictions(found), *_single_models(found), *_evidences(found), *_rates(found)]
    return [*objections(found), *verdicts, *_cautions(found)]


def headlines(found: Comparison) -> list[str]:
    """What to read first: an objection or the verdict of prediction, that of evidence, which may differ from it, and
    which rates depend on the model.
    """
    return [*(objections(found)[:1] or _predictions(found)[:1]), *_evidences(found), *_rates(found, short=True)]


def objections(found: Comparison) -> list[str]:
    """What must be repaired before anything else is read."""
    said = []
    if all(not model.healthy for model in found.models):
        said.append("The sampling of every model failed: fit again with more --draws and --tune.")
    if all(model.status == "misfit" for model in found.models):
        said.append("None of these models describes the data (χ²): the best of them is wrong too.")
    unsure = [m for m in found.models if m.left_out.failing]
    if unsure:
        parts = [f"{m.name} for {len(m.left_out.failing)} of {len(m.left_out.units)}" for m in unsure]
        said.append(f"The elpd (in brackets) cannot be trusted where Pareto k̂ fails: {', '.join(parts)}.")
    for model in found.models:
        if model.contradicted and model.check is not None:
            said.append(
                f"{model.name}: bridge sampling and SMC disagree on the evidence, {_with(model.evidence)} and"
                f" {_with(model.check)}: use neither."
            )
    return said


def _single_models(found: Comparison) -> list[str]:
    """What is wrong with some of the models."""
    said = []
    failed, wrong = ([m.name for m in found.models if m.status == status] for status in ("unhealthy", "misfit"))
    if 0 < len(failed) < len(found.models):
        said.append(f"The sampling of {listed(failed)} failed: not ranked; fit again with more --draws and --tune.")
    if 0 < len(wrong) < len(found.models):
        said.append(
            f"Not described by {listed(wrong)}: the data are farther from the model than chance allows (χ²), or"
            " contradict the prior knowledge."
        )
    without = [m.name for m in found.models if not isfinite(m.evidence.log_evidence)]
    if without:
        said.append(f"No evidence for {listed(without)}: the posterior is too far from the prior for its density.")
    return said


def _with(evidence: Any) -> str:
    return f"{evidence.log_evidence:.2f} ± {evidence.error:.2f}"


def _predictions(found: Comparison) -> list[str]:
    best = found.models[0].name
    groups: dict[str, list[str]] = {}
    for model in found.models[1:]:
        groups.setdefault(predictive_words(found, model), []).append(model.name)
    alike, perhaps, worse = (groups.get(words, []) for words in (ALIKE, PERHAPS, WORSE))
    said = []
    if alike:
        said.append(f"Prediction: these data cannot tell {listed([best, *alike])} apart.")
    elif not perhaps and worse:
        said.append(f"Prediction: {best} predicts these data best.")
    if perhaps:
        said.append(
            f"Prediction: {listed(perhaps)} perhaps worse than {best}: by more than {SMALL_DIFFERENCE:g}, but due to"
            " few units."
        )
    if worse:
        said.append(f"Prediction: {listed(worse)} worse than {best}, by more than {_CLEAR:g} standard errors.")
    return said


def _evidences(found: Comparison) -> list[str]:
    models = [_facts(found, model) for model in found.models]
    said, paid = evidence_words(models), price_words(models)
    return [f"Evidence, with the priors of these fits, {said}.", *([paid] if paid else [])] if said else []


def _rates(found: Comparison, short: bool = False) -> list[str]:
    """Which rates rivals of the best model move by more than their error bars; `short`: those that they move most."""
    models = [_facts(found, model) for model in found.models]
    names = usable(models)
    if len(names) < 2:
        return []
    said = moved_words(models, names[0], short)
    if not said:
        return [f"The rates by {listed(names)} agree within their error bars."]
    return [f"Rates (ms⁻¹) that a rival moves by more than their error bars, to be quoted with the model: {said}."]


def _cautions(found: Comparison) -> list[str]:
    said = [
        "A Bayes factor compares models together with their priors: a prior twice as wide on a parameter that only one"
        " of them has costs that model up to ln 2 = 0.7. Stacking weights are those of a mixture, not probabilities."
    ]
    first = found.models[0].left_out
    same = [m.name for m in found.models[1:] if (m.left_out.pointwise == first.pointwise).all()]
    if same:
        said.append(f"For these data {listed(same)} and {found.models[0].name} are one and the same model.")
    units = len(first.units)
    if units < FEW_UNITS:
        said.append(f"Only {units} units were left out, so the standard errors of the differences are uncertain.")
    for model in found.models:
        left_out = model.left_out
        if left_out.refits:
            said.append(f"{model.name}: {len(left_out.refits)} of {units} from exact fits, where Pareto k̂ failed.")
        if left_out.unsure:
            names = [left_out.units[k].label for k in left_out.unsure]
            shown = listed(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])} …"
            said.append(f"{model.name}: the fits without {shown} are not healthy, so its elpd is rough.")
        if model.check is not None and not model.contradicted:
            said.append(f"{model.name}: SMC finds the same evidence, {_with(model.check)}.")
    return said


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """For scripts, and what comparison.json holds: numbers by model, the best first, and the sentences.

    elpd, evidences and Bayes factors are natural logarithms; a rate has its mean and standard deviation in ms⁻¹.
    odds_against : greatest evidence over that of a model, None where either cannot be used
    moved_rates : by the best model, and by the rivals that move them by more than its error bar
    """
    models = [_facts(found, model) for model in found.models]
    best = next(iter(usable(models)), "")
    return {
        "title": found.title,
        "simulated": found.simulated,
        "unit": found.unit,
        "units": len(found.models[0].left_out.units),
        "data_sha256": found.data_hash,
        "versions": dict(found.versions),
        "models": models,
        "headline": " ".join(headlines(found)),
        "moved_rates": moved_rates(models, best),
        "averages": [average_facts(average) for average in found.averages],
        "objections": objections(found),
        "in_words": sentences(found),
    }


def _facts(found: Comparison, model: ComparedModel) -> dict[str, Any]:
    factor, error = found.log_bayes_factor(model)
    left_out = model.left_out
    return {
        "model": model.name,
        "elpd": left_out.elpd,
        "elpd_se": left_out.se,
        "elpd_difference": model.difference,
        "elpd_difference_se": model.difference_se,
        "stacking_weight": model.weight,
        "p_loo": left_out.p_loo,
        "worst_pareto_k": float(left_out.pareto_k.max()),
        "pointwise": {unit.label: float(x) for unit, x in zip(left_out.units, left_out.pointwise, strict=True)},
        "refitted": [left_out.units[k].label for k in left_out.refits],
        "failed": left_out.failed,
        "sure": model.sure,
        "log_evidence": model.evidence.log_evidence,
        "log_evidence_error": model.evidence.error,
        "log_evidence_smc": None if model.check is None else model.check.log_evidence,
        "log_evidence_smc_error": None if model.check is None else model.check.error,
        "log_bayes_factor": factor,
        "log_bayes_factor_error": error,
        "prior_prices": {label: asdict(price) for label, price in model.prices.items()},
        "odds_against": exp(min(-factor, 700.0)) if model in found.with_evidence else None,
        "status": model.status,
        "prediction": predictive_words(found, model),
        "rates": {label: list(numbers) for label, numbers in model.rates.items()},
        "fit": model.fit,
    }
