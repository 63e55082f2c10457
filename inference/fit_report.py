"""A fit in words and tables: the verdict first, then posterior, derived quantities, published numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..datasets import Experiment, from_tree
from ..datasets.stage_rates import rates_of
from ..forward_models import dephasing_floor
from .text_table import PUBLISHED, derived_table, posterior_table, published_table, summary_rows

if TYPE_CHECKING:
    from xarray import DataTree


SURPRISING = 1e-4
"""Probability of a χ² as large by chance, below which a series counts as not described."""


def printable(text: str) -> str:
    """Text of a file, safe for a terminal: control characters become spaces."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def report(result: DataTree) -> str:
    """Verdict, posterior table, derived quantities, published numbers."""
    experiment = from_tree(result["experiment"])
    rows = summary_rows(result)
    beside, title = (PUBLISHED, "paper") if experiment.truth is None else (truth_of(experiment), "truth")
    notes = [f"{series.name}: {series.note}" for series in experiment.series if series.note]
    parts = [
        f"{experiment.title}" + (" [simulated]" if experiment.simulated else ""),
        f"{result.attrs['verdict']}\n{misfit(result)}",
        posterior_table(rows, beside, title),
        derived_table(result),
        published_table(result),
        "\n".join(notes),
        _remarks(result, [row.label for row in rows if row.informed == "prior"]),
    ]
    return printable("\n\n".join(part for part in parts if part))


def misfit(result: DataTree) -> str:
    """Whether the data lie where the model expects them: a χ² of each series about its posterior prediction.

    A first look, in words: the model's scatter counts as independent, and the parameters were fitted to these data.
    """
    from scipy.special import gammaincc

    wrong = []
    observed = result["observed_data"].dataset
    for name, drawn in result["posterior_predictive"].dataset.data_vars.items():
        draws = np.asarray(drawn.values).reshape(-1, drawn.shape[-1])
        score = (np.asarray(observed[name].values) - draws.mean(axis=0)) / draws.std(axis=0)
        square = float((score**2).sum())
        if gammaincc(0.5 * len(score), 0.5 * square) < SURPRISING:
            wrong.append(f"{name} (χ² {square:.0f} for {len(score)} values)")
    if wrong:
        return f"The model does not describe these data, do not use its rates: {', '.join(wrong)}. Look at the figure."
    return "The model describes every series within its scatter (χ²)."


def _remarks(result: DataTree, from_prior: list[str]) -> str:
    lines = []
    if from_prior:
        lines.append(f"Known from the prior, not from these data: {', '.join(from_prior)}.")
    if result.attrs["attempts"] > 1:
        diverged = bool(result["sample_stats"]["diverging"].any())
        end = "; some transitions diverged all the same" if diverged else ", until no transition diverged"
        lines.append(f"Sampled {result.attrs['attempts']} times, with smaller steps{end}.")
    why = f" ({result.attrs['engine_reason']})" if result.attrs["engine_reason"] else ""
    lines.append(f"Engine: {result.attrs['engine']}{why}.")
    return "\n".join(lines)


def truth_of(experiment: Experiment) -> dict[str, float]:
    """True values by label, those of derived rates included."""
    if experiment.truth is None:
        return {}
    values = dict(experiment.truth.parameters)
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        try:
            rates = rates_of(experiment.truth.parameters, stage, member=member)
        except (KeyError, TypeError, ZeroDivisionError):
            continue  # a truth that somebody wrote by hand and left incomplete
        floor = dephasing_floor(rates)
        found = {"dephasing_rate": rates.dephasing_rate, "pure_dephasing_rate": rates.dephasing_rate - floor}
        if "pump" in stage.lights:
            found["pump_rate"] = rates.pump_rate
        for name, value in found.items():
            values[f"{name}[{stage.label}]"] = value
            if member:
                values[f"{name}[{member}: {stage.label}]"] = value
        if "drive" in stage.lights:
            values["radiative_rate"] = rates.radiative_rate
    return values
