"""A comparison of models in words and tables, and as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, isfinite
from typing import Any

from ...datasets.experiment import Label
from ..comparison import FEW_UNITS, SMALL_DIFFERENCE, ComparedModel, Comparison
from .numbers import with_error
from .table import Table

_HEADER = ("model", "elpd", "difference ± se", "weight", "p_loo", "ln evidence", "ln Bayes factor", "prediction", "fit")
_BEST, _ALIKE, _PERHAPS, _WORSE, _FAILED = (
    "best", "no clear difference", "perhaps worse", "worse", "not ranked",
)  # fmt: skip
_CLEAR = 2.0
"""Standard errors from which a difference of elpd counts, and standard deviations from which one of a rate does."""
_GRADES = ((1.0, "not worth a mention"), (3.0, "positive"), (5.0, "strong"), (float("inf"), "very strong"))
"""Upper ends of ln B and what it is called (Kass & Raftery, JASA 90, 773)."""
_FEW_ODDS, _MOST_ODDS = 10, 1000
_NAMED = 4


def comparison_text(found: Comparison) -> str:
    """What `dissentangle compare` prints: the models, every rate by every model, and what that says in sentences."""
    facts = comparison_facts(found)
    mark = " (simulated data)" if found.simulated else ""
    lines = [f"{found.title}{mark}: {len(found.models)} models, left out one {found.unit} at a time", "",
             models_table(facts).text(), "", rates_table(facts).text(), "", *facts["in_words"]]  # fmt: skip
    return "\n".join(lines)


def models_table(facts: Mapping[str, Any]) -> Table:
    """A row per model, the best first, from the facts of a comparison; an elpd that is not sure is in brackets."""
    return Table(_HEADER, [_cells(row) for row in facts["models"]], numeric=range(1, len(_HEADER) - 2))


def _cells(row: Mapping[str, Any]) -> list[str]:
    best, error = row["prediction"] == _BEST, row["log_bayes_factor_error"]
    return [
        row["model"],
        f"{row['elpd']:.1f}" if row["sure"] else f"({row['elpd']:.1f})",
        "0" if best else f"{row['elpd_difference']:.1f} ± {row['elpd_difference_se']:.1f}",
        f"{row['stacking_weight']:.2f}",
        f"{row['p_loo']:.1f}",
        _number(row["log_evidence"], row["log_evidence_error"]),
        _number(row["log_bayes_factor"], error) if error else "0",
        row["prediction"],
        row["status"],
    ]


def _number(value: float, error: float) -> str:
    return f"{round(value, 2) + 0.0:.2f} ± {error:.2f}" if isfinite(value) else "none"


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
        return _BEST
    if model not in found.ranked:
        return _FAILED
    if abs(model.difference) < SMALL_DIFFERENCE:
        return _ALIKE
    return _WORSE if abs(model.difference) > _CLEAR * model.difference_se else _PERHAPS


def grade(log_factor: float) -> str:
    """'strong (30 : 1)': what a Bayes factor is called."""
    word = next(word for end, word in _GRADES if abs(log_factor) < end)
    odds = exp(min(abs(log_factor), 700.0))
    shown = f"{odds:.1f}" if odds < _FEW_ODDS else f"{odds:.0f}" if odds <= _MOST_ODDS else f"over {_MOST_ODDS}"
    return f"{word} ({shown} : 1)"


def sentences(found: Comparison) -> list[str]:
    """What the comparison says: what voids it first, then the verdicts, then what to bear in mind."""
    verdicts = [*_predictions(found), *_single_models(found), *_evidences(found), *_rates(found)]
    return [*objections(found), *verdicts, *_cautions(found)]


def headlines(found: Comparison) -> list[str]:
    """What to read first: an objection, or the verdicts of prediction and evidence, which may differ."""
    return objections(found)[:1] or [*_predictions(found)[:1], *_evidences(found)]


def objections(found: Comparison) -> list[str]:
    """What must be mended before anything else is read."""
    said = []
    if all(not model.healthy for model in found.models):
        said.append("The sampling of every model failed: fit again with more --draws and --tune.")
    if all(model.status == "misfit" for model in found.models):
        said.append("None of these models describes the data (χ²): the best of them is wrong too.")
    unsure = [m for m in found.models if m.left_out.failing]
    if unsure:
        parts = [f"{m.name} for {len(m.left_out.failing)} of {len(m.left_out.units)}" for m in unsure]
        said.append(f"The elpd (in brackets) is not to be trusted where Pareto k̂ fails: {', '.join(parts)}.")
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
        said.append(f"The sampling of {_listed(failed)} failed: not ranked; fit again with more --draws and --tune.")
    if 0 < len(wrong) < len(found.models):
        said.append(f"Not described by {_listed(wrong)}: the data lie farther off than chance would have it (χ²).")
    without = [m.name for m in found.models if not isfinite(m.evidence.log_evidence)]
    if without:
        said.append(f"No evidence of {_listed(without)}: the posterior lies beyond what numbers can tell of its prior.")
    return said


def _with(evidence: Any) -> str:
    return f"{evidence.log_evidence:.2f} ± {evidence.error:.2f}"


def _predictions(found: Comparison) -> list[str]:
    best = found.models[0].name
    groups: dict[str, list[str]] = {}
    for model in found.models[1:]:
        groups.setdefault(predictive_words(found, model), []).append(model.name)
    alike, perhaps, worse = (groups.get(words, []) for words in (_ALIKE, _PERHAPS, _WORSE))
    said = []
    if alike:
        said.append(f"Prediction: these data cannot tell {_listed([best, *alike])} apart.")
    elif not perhaps and worse:
        said.append(f"Prediction: {best} predicts these data best.")
    if perhaps:
        said.append(
            f"Prediction: {_listed(perhaps)} perhaps worse than {best}: by more than {SMALL_DIFFERENCE:g}, but few"
            " units make the difference."
        )
    if worse:
        said.append(f"Prediction: {_listed(worse)} worse than {best}, beyond {_CLEAR:g} standard errors.")
    return said


def _evidences(found: Comparison) -> list[str]:
    having = [m for m in found.ranked if not m.contradicted and isfinite(m.evidence.log_evidence)]
    ranked = sorted(having, key=lambda m: -m.evidence.log_evidence)
    if len(ranked) < 2:
        return []
    near = [m.name for m in ranked if abs(found.log_bayes_factor(m)[0]) < _GRADES[0][0]]
    over = [f"over {m.name} {grade(found.log_bayes_factor(m)[0])}" for m in ranked if m.name not in near]
    told = f"cannot tell {_listed(near)} apart" if len(near) > 1 else f"is for {ranked[0].name}"
    return [f"Evidence, with the priors of these fits, {told}{': ' if over else ''}{'; '.join(over)}."]


def _rates(found: Comparison) -> list[str]:
    """Which rates depend on the model, among those models that the data do not rule out."""
    left = [m for m in found.ranked if predictive_words(found, m) in (_BEST, _ALIKE, _PERHAPS) and m.status != "misfit"]
    if len(left) < 2:
        return []
    said = []
    for label in left[0].rates:
        having = [m for m in left if label in m.rates]
        low, high = (which(having, key=lambda m: m.rates[label][0]) for which in (min, max))
        apart, sd = high.rates[label][0] - low.rates[label][0], max(m.rates[label][1] for m in (low, high))
        if apart > _CLEAR * sd:
            parts = [f"{with_error(*m.rates[label])} by {m.name}" for m in (low, high)]
            said.append(f"{Label.parse(label).symbol} {' and '.join(parts)}")
    if not said:
        return [f"The rates by {_listed([m.name for m in left])} agree within {_CLEAR:g} standard deviations."]
    return [f"Rates that depend on the model, to be quoted with it: {'; '.join(said)} (ms⁻¹)."]


def _cautions(found: Comparison) -> list[str]:
    said = [
        "A Bayes factor compares models together with their priors: a prior twice as wide on a parameter that only one"
        " of them has costs that model up to ln 2 = 0.7. Stacking weights are those of a mixture, no probabilities."
    ]
    first = found.models[0].left_out
    same = [m.name for m in found.models[1:] if (m.left_out.pointwise == first.pointwise).all()]
    if same:
        said.append(f"For these data {_listed(same)} and {found.models[0].name} are one and the same model.")
    units = len(first.units)
    if units < FEW_UNITS:
        said.append(f"Only {units} units were left out: the standard errors of the differences are themselves unsure.")
    for model in found.models:
        left_out = model.left_out
        if left_out.refits:
            said.append(f"{model.name}: {len(left_out.refits)} of {units} from exact fits, where Pareto k̂ failed.")
        if left_out.unsure:
            names = [left_out.units[k].label for k in left_out.unsure]
            shown = _listed(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])} …"
            said.append(f"{model.name}: the fits without {shown} are not healthy: its elpd is rough.")
        if model.check is not None and not model.contradicted:
            said.append(f"{model.name}: SMC finds the same evidence, {_with(model.check)}.")
    return said


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """For scripts, and what comparison.json holds: numbers by model, the best first, and the sentences.

    elpd, evidences and Bayes factors are natural logarithms; a rate has its mean and standard deviation in ms⁻¹.
    """
    return {
        "title": found.title,
        "simulated": found.simulated,
        "unit": found.unit,
        "units": len(found.models[0].left_out.units),
        "data_sha256": found.data_hash,
        "versions": dict(found.versions),
        "models": [_facts(found, model) for model in found.models],
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
        "status": model.status,
        "prediction": predictive_words(found, model),
        "rates": {label: list(numbers) for label, numbers in model.rates.items()},
        "fit": model.fit,
    }
