"""A fit in words and tables: the verdict first, then posterior, derived quantities, published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...datasets import Experiment, from_tree
from ...datasets.errors import printable
from ...datasets.prediction import rates_of
from ...forward_models import dephasing_floor
from ..checks import Assessment, assess
from ..fits import summary_rows
from .text_table import PUBLISHED, derived_table, posterior_table, published_table

if TYPE_CHECKING:
    from xarray import DataTree


def fit_text(result: DataTree) -> str:
    """Verdict, posterior table, derived quantities, published numbers, what to do next."""
    experiment, judged = from_tree(result["experiment"]), assess(result)
    rows = summary_rows(result)
    beside, title = (PUBLISHED, "paper") if experiment.truth is None else (truth_of(experiment), "truth")
    notes = [f"{series.name}: {series.note}" for series in experiment.series if series.note]
    parts = [
        f"{experiment.title}" + (" [simulated]" if experiment.simulated else ""),
        "\n".join((judged.headline, judged.sampling, judged.model)),
        posterior_table(rows, beside, title),
        derived_table(result),
        published_table(result),
        "\n".join(notes),
        _remarks(result, judged.by_prior),
        _next(judged),
    ]
    return printable("\n\n".join(part for part in parts if part))


def _next(judged: Assessment) -> str:
    """What to do about a fit that is not as it should be; else the table says it all."""
    if judged.status not in ("doubtful", "misfit", "unhealthy"):
        return ""
    return "\n".join(["What to do next:", *(f"- {step}" for step in judged.next_steps)])


def _remarks(result: DataTree, from_prior: Sequence[str]) -> str:
    lines = []
    if from_prior:
        lines.append(f"Known from the prior, not from these data: {', '.join(from_prior)}.")
    if result.attrs["attempts"] > 1:
        lines.append(sampled_again(result))
    why = f" ({result.attrs['engine_reason']})" if result.attrs["engine_reason"] else ""
    lines.append(f"Engine: {result.attrs['engine']}{why}.")
    return "\n".join(lines)


def sampled_again(result: DataTree) -> str:
    """Of a fit that was sampled several times: how often, and how."""
    attempts, thinning = int(result.attrs["attempts"]), int(result.attrs.get("thinning", 1))
    how = ["with smaller steps"] if attempts > (2 if thinning > 1 else 1) else []
    if thinning > 1:
        how.append(f"in the end {thinning} times as long (one draw in {thinning} is kept)")
    diverged = bool(result["sample_stats"]["diverging"].any())
    end = "some transitions diverged all the same" if diverged else "no transition diverged in the end"
    return f"Sampled {attempts} times, {', '.join(how)}; {end}."


def truth_of(experiment: Experiment) -> dict[str, float]:
    """True values by label, those of derived rates included."""
    if experiment.truth is None:
        return {}
    values = dict(experiment.truth.parameters)
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        try:
            rates = rates_of(experiment.truth.parameters, stage, member=member)
            pure = rates.dephasing_rate - dephasing_floor(rates)
        except (KeyError, TypeError, ZeroDivisionError):
            continue  # a truth that somebody wrote by hand and left incomplete
        found = {"dephasing_rate": rates.dephasing_rate, "pure_dephasing_rate": pure}
        if "pump" in stage.lights:
            found["pump_rate"] = rates.pump_rate
        for name, value in found.items():
            values[f"{name}[{stage.label}]"] = value
            if member:
                values[f"{name}[{member}: {stage.label}]"] = value
        if "drive" in stage.lights:
            values["radiative_rate"] = rates.radiative_rate
    return values
