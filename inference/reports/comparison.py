"""A comparison of models as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..figures import plot_comparison, plot_units, strongest_units
from ..model import RIVAL_MODELS
from ..text import averages_table, comparison_facts, headlines, models_table, rates_table
from .page import Parts, Section, page, picture

if TYPE_CHECKING:
    from ..comparison import Comparison


def comparison_page(found: Comparison) -> str:
    """The whole page as HTML."""
    facts = comparison_facts(found)
    said_first = headlines(found)
    rest = [text for text in facts["in_words"] if text not in said_first]
    first, second = found.models[:2]
    named = "; ".join(f"{label}: {value:+.2f}" for label, value in strongest_units(first, second))
    alt = "; ".join(f"{m.name}: elpd {m.difference:.1f} ± {m.difference_se:.1f}" for m in found.models)
    pictures = [
        picture(plot_comparison(found), "models", alt=f"Models side by side. {alt}.", room=None),
        picture(
            plot_units(found), "units", alt=f"Where {first.name} and {second.name} differ. {named}.",
            caption=f"{first.name} against {second.name}; they differ most at {named}.", room=None,
        ),
    ]  # fmt: skip
    assumed = [f"{model.name}: {about}" for model in found.models if (about := _about(model.name))]
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    made_of = f"SHA-256 of what {found.models[0].name} was fitted to: {found.data_hash}."
    return page(
        f"models of {found.title}",
        heading=found.title,
        simulated=found.simulated,
        verdict=said_first,
        status="misfit" if facts["objections"] else "",
        opening=[("soft", f"{len(found.models)} models, leaving out one {found.unit} at a time.")],
        groups={
            "": [
                Section("Models", [("table", models_table(facts)), ("items", rest)]),
                Section("Rates by model", [("table", rates_table(facts))]),
                Section("Rates averaged over models", _averaged(facts)),
                Section("Side by side", [("figures", pictures)]),
                Section("What the models assume", [("items", assumed)]),
                Section("How to read this", [("paragraph", text) for text in _GUIDE]),
                Section("Data and settings", [("soft", made_of), ("soft", f"{versions}.")]),
            ]
        },
    )


def compared_with(facts: Mapping[str, Any], fit: str) -> Parts:
    """What a comparison says, for the report of one of the fits that were compared; nothing for another fit.

    fit : hash of the fit, as the facts give it for each model

    Raises TypeError, LookupError or ValueError for facts that are none.
    """
    mine = [row["model"] for row in facts["models"] if row["fit"] == fit]
    if not mine:
        return []
    note = f"This fit is {mine[0]}. Leaving out one {facts['unit']} at a time; see comparison.html beside the fit."
    models, rates, averages = models_table(facts), rates_table(facts), _averaged(facts)
    words = list(facts["in_words"])
    said = [words, rates.header, *models.rows, *rates.rows, *(content for kind, content in averages if kind == "items")]
    if not all(isinstance(text, str) for row in said for text in row):
        raise TypeError("comparison: found a number, expected a text")
    parts: Parts = [("paragraph", note), ("table", models), ("table", rates), *averages, ("items", words)]
    return parts


def _averaged(facts: Mapping[str, Any]) -> Parts:
    """The rates averaged over models, and over which; nothing where there is no average."""
    return [
        ("table", averages_table(facts)), ("items", [average["in_words"] for average in facts.get("averages", [])])
    ]  # fmt: skip


def _about(names: str) -> str:
    """What joined models assume; a name that is no model's (of a file) is left as it is."""
    return " ".join(RIVAL_MODELS[name].about if name in RIVAL_MODELS else "" for name in names.split("+")).strip()


_GUIDE = (
    "elpd: sum of the log predictive densities of the data, each unit predicted from all the others (PSIS-LOO; exact"
    " fits where Pareto k̂ fails). Differences below 4 say nothing; compare larger ones with their standard error.",
    "Weight: of the model in the mixture that predicts best (stacking). Models that predict alike split it at random.",
    "ln evidence: log of the probability of these data under the model and its priors, before any fit (bridge"
    " sampling). ln Bayes factor: its difference from the best; 1 to 3 positive, 3 to 5 strong, beyond very strong."
    " Disfavoured 91 : 1: the data are 91 times as probable under the best model.",
    "Averaged rates: moments and quantiles of the mixture of the posteriors, each with the weight of its model. They"
    " are not averages of means: the error bars include the uncertainty about the model. By evidence: the weights are"
    " the probabilities of the models, with equal prior odds. By stacking: they are those of the best prediction.",
)
