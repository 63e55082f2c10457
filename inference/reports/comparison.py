"""A comparison of models as a page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ..figures import plot_comparison, plot_units, strongest_units
from ..model import RIVAL_MODELS
from ..text import HEADER, cells, comparison_facts, headlines, rate_table
from .html import figure, figures, items, page, paragraph, section, shown, table

if TYPE_CHECKING:
    from ..comparison import Comparison


def comparison_page(found: Comparison) -> str:
    """The whole page as HTML."""
    facts = comparison_facts(found)
    said_first = headlines(found)
    rest = [text for text in facts["in_words"] if text not in said_first]
    colour = " misfit" if facts["objections"] else ""
    mark = '<span class="mark">simulated data</span>' if found.simulated else ""
    first, second = found.models[:2]
    named = "; ".join(f"{label}: {value:+.2f}" for label, value in strongest_units(first, second))
    alt = "; ".join(f"{m.name}: elpd {m.difference:.1f} ± {m.difference_se:.1f}" for m in found.models)
    pictures = [
        figure(plot_comparison(found), "models", alt=f"Models side by side. {alt}.", tight=True),
        figure(
            plot_units(found), "units", alt=f"Where {first.name} and {second.name} differ. {named}.",
            caption=f"{first.name} against {second.name}; they differ most at {named}.", tight=True,
        ),
    ]  # fmt: skip
    assumed = [f"{model.name}: {about}" for model in found.models if (about := _about(model.name))]
    parts = [
        f'<p class="verdict{colour}">{"<br>".join(map(escape, said_first))}</p>',
        f"<h1>{shown(found.title)} {mark}</h1>",
        paragraph(f"{len(found.models)} models; left out one {found.unit} at a time.", "soft"),
        section("Models", models_table(facts), items(rest)),
        section("Rates by model", rates_table(facts)),
        section("Side by side", figures(pictures)),
        section("What the models assume", items(assumed)),
        section("How to read this", *(paragraph(text) for text in _GUIDE)),
        section(
            "What it was made of",
            paragraph(f"SHA-256 of what {found.models[0].name} was fitted to: {found.data_hash}.", "soft"),
            paragraph(", ".join(f"{name} {version}" for name, version in found.versions.items()) + ".", "soft"),
        ),
    ]
    return page(f"models of {found.title}", "\n".join(parts))


def models_table(facts: Mapping[str, Any]) -> str:
    """The table of a comparison's facts."""
    body = [[escape(cell) for cell in cells(row)] for row in facts["models"]]
    return table(HEADER, body, numbers=range(1, len(HEADER) - 2))


def rates_table(facts: Mapping[str, Any]) -> str:
    """Every rate by every model."""
    header, rows = rate_table(facts)
    return table(header, [[escape(cell) for cell in row] for row in rows], numbers=range(1, len(header)))


def compared_with(facts: Mapping[str, Any], fit: str) -> list[str]:
    """What a comparison says, for the report of one of the fits that were compared; nothing for another fit."""
    mine = [row["model"] for row in facts["models"] if row["fit"] == fit]
    if not mine:
        return []
    note = f"This fit is {mine[0]}. Left out one {facts['unit']} at a time; see comparison.html beside the fit."
    return [paragraph(note), models_table(facts), rates_table(facts), items(facts["in_words"])]


def _about(names: str) -> str:
    """What joined models assume; a name that is no model's (of a file) is left as it is."""
    return " ".join(RIVAL_MODELS[name].about if name in RIVAL_MODELS else "" for name in names.split("+")).strip()


_GUIDE = (
    "elpd: sum of the log predictive densities of the data, each unit predicted from all the others (PSIS-LOO; exact"
    " fits where Pareto k̂ fails). Differences below 4 say nothing; larger ones: compare with their standard error.",
    "Weight: of the model in the mixture that predicts best (stacking). Models that predict alike share it at random.",
    "ln evidence: log of the probability of these data under the model and its priors, before any fit (bridge"
    " sampling). ln Bayes factor: its difference from the best; 1 to 3 positive, 3 to 5 strong, beyond very strong.",
)
