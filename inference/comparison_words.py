"""A comparison in words and tables, and as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .comparison import FEW_UNITS, SMALL_DIFFERENCE, Compared, Comparison
from .rival_models import RIVAL_MODELS
from .text_table import table

HEADER = ("model", "elpd", "difference ± se", "weight", "p_loo", "ln evidence", "ln Bayes factor", "prediction")
_BEST, _ALIKE, _PERHAPS, _WORSE = "predicts best", "predicts as well", "perhaps worse", "predicts worse"
_CLEAR = 2.0
"""Standard errors from which a difference of elpd counts."""
_GRADES = ((1.0, "not worth a mention"), (3.0, "positive"), (5.0, "strong"), (float("inf"), "very strong"))
"""Upper ends of ln B and what it is called (Kass & Raftery, JASA 90, 773)."""


def comparison_text(found: Comparison) -> str:
    """Tables and sentences for people."""
    rows = [cells(row) for row in comparison_facts(found)["models"]]
    mark = " (simulated data)" if found.simulated else ""
    lines = [f"{found.title}{mark}: {len(found.models)} models, left out one {found.unit} at a time", "",
             table(HEADER, rows), "", *sentences(found)]  # fmt: skip
    return "\n".join(lines)


def cells(row: Mapping[str, Any]) -> list[str]:
    """A row of the table, from the facts of a model."""
    best, error = row["elpd_difference"] == 0, row["log_bayes_factor_error"]
    return [
        row["model"] + ("" if row["healthy"] else " (!)"),
        f"{row['elpd']:.1f}",
        "0" if best else f"{row['elpd_difference']:.1f} ± {row['elpd_difference_se']:.1f}",
        f"{row['stacking_weight']:.2f}",
        f"{row['p_loo']:.1f}",
        f"{row['log_evidence']:.2f} ± {row['log_evidence_error']:.2f}",
        f"{round(row['log_bayes_factor'], 2) + 0.0:.2f} ± {error:.2f}" if error else "0",
        row["prediction"],
    ]


def predictive_words(model: Compared) -> str:
    """What the difference of elpd from the best model means."""
    if model.difference == 0:
        return _BEST
    if abs(model.difference) < SMALL_DIFFERENCE:
        return _ALIKE
    return _WORSE if abs(model.difference) > _CLEAR * model.difference_se else _PERHAPS


def grade(log_factor: float) -> str:
    """'strong': what a Bayes factor is called."""
    return next(word for end, word in _GRADES if abs(log_factor) < end)


def sentences(found: Comparison) -> list[str]:
    """What the comparison says, and what it does not."""
    return [*_verdicts(found), *_cautions(found)]


def _verdicts(found: Comparison) -> list[str]:
    best, *others = found.models
    groups: dict[str, list[str]] = {}
    for model in others:
        groups.setdefault(predictive_words(model), []).append(model.name)
    alike = [*groups.get(_BEST, []), *groups.get(_ALIKE, [])]
    perhaps, worse = groups.get(_PERHAPS, []), groups.get(_WORSE, [])
    said = []
    if alike:
        said.append(f"Prediction: these data cannot tell {_listed([best.name, *alike])} apart.")
    elif not perhaps:
        said.append(f"Prediction: {best.name} predicts these data best.")
    if perhaps:
        said.append(
            f"Prediction: {_listed(perhaps)} perhaps worse than {best.name}: differences of more than"
            f" {SMALL_DIFFERENCE:g}, but few units make them."
        )
    if worse:
        said.append(f"Prediction: {_listed(worse)} worse than {best.name}, beyond {_CLEAR:g} standard errors.")
    ranked = sorted(found.models, key=lambda m: -m.evidence.log_evidence)
    near = [m.name for m in ranked if abs(found.log_bayes_factor(m)[0]) < _GRADES[0][0]]
    over = [f"over {m.name} {grade(found.log_bayes_factor(m)[0])}" for m in ranked if m.name not in near]
    told = f"cannot tell {_listed(near)} apart" if len(near) > 1 else f"is for {near[0]}"
    said.append(f"Evidence, with the priors of these fits, {told}{': ' if over else ''}{'; '.join(over)}.")
    return said


def _cautions(found: Comparison) -> list[str]:
    said = [
        "A Bayes factor compares models together with their priors: a prior twice as wide on a parameter that only one"
        " of them has costs that model up to ln 2 = 0.7. Stacking weights are those of a mixture, no probabilities."
    ]
    units = len(found.models[0].left_out.units)
    if units < FEW_UNITS:
        said.append(f"Only {units} units were left out: the standard errors of the differences are themselves unsure.")
    for model in found.models:
        left_out = model.left_out
        if left_out.refits:
            said.append(f"{model.name}: {len(left_out.refits)} of {units} from exact fits, where Pareto k̂ failed.")
        if left_out.failed:
            shown = ", ".join(left_out.failed[:4]) + (" …" if len(left_out.failed) > 4 else "")
            said.append(f"{model.name}: not to be trusted for {len(left_out.failed)} of {units} (Pareto k̂): {shown}.")
        if left_out.unsure:
            names = ", ".join(left_out.units[k].label for k in left_out.unsure)
            said.append(
                f"{model.name}: fits without {names} hardly reach what was left out: its elpd is a rough number."
            )
        if model.check is not None:
            said.append(f"{model.name}: {_checked(model)}")
        if not model.healthy:
            said.append(f"{model.name} (!): the sampling failed; its numbers are not to be used.")
    return said


def _checked(model: Compared) -> str:
    assert model.check is not None
    difference = model.evidence.log_evidence - model.check.log_evidence
    error = (model.evidence.error**2 + model.check.error**2) ** 0.5
    verdict = "agree" if abs(difference) <= max(3 * error, 0.05) else "DISAGREE: use neither"
    return (f"evidence by SMC {model.check.log_evidence:.2f} ± {model.check.error:.2f}, by bridge"
            f" {model.evidence.log_evidence:.2f} ± {model.evidence.error:.2f}: they {verdict}.")  # fmt: skip


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """For scripts: numbers by model, in the order of the table."""
    rows = []
    for model in found.models:
        factor, error = found.log_bayes_factor(model)
        left_out = model.left_out
        rows.append(
            {
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
                "log_evidence": model.evidence.log_evidence,
                "log_evidence_error": model.evidence.error,
                "log_evidence_smc": None if model.check is None else model.check.log_evidence,
                "log_evidence_smc_error": None if model.check is None else model.check.error,
                "log_bayes_factor": factor,
                "log_bayes_factor_error": error,
                "healthy": model.healthy,
                "prediction": predictive_words(model),
                "fit": model.fit,
            }
        )
    return {
        "title": found.title,
        "simulated": found.simulated,
        "unit": found.unit,
        "units": len(found.models[0].left_out.units),
        "models": rows,
        "in_words": sentences(found),
    }


def models_text() -> str:
    """All rival models with what they assume."""
    return "\n".join(f"{m.name:24s}{m.about}" for m in RIVAL_MODELS.values())
