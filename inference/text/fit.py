"""A fit in words and tables, the verdict first; and as plain facts for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...datasets import Experiment, from_tree
from ...datasets.errors import printable
from ...datasets.experiment import Label
from ...datasets.formats import not_measured
from ...datasets.prediction import rates_of
from ...forward_models import LOSS_NOISE_SHARE, PARAMETERS, dephasing_floor
from ...forward_models.three_state import noise_share
from ..checks import ABOUT_ITS_ERROR, COHERENCES, Assessment, assess, goodness, symbols
from ..fits import Fit
from .compared import verdict_lines
from .numbers import as_json, signed
from .rows import derived_rows, derived_table, paper_values, parameter_rows, published_rows
from .table import Table, View

if TYPE_CHECKING:
    from xarray import DataTree


def fit_text(fit: DataTree, compared: Sequence[str] = (), judged: Assessment | None = None) -> str:
    """Verdict, posterior table, derived quantities, published numbers, what to do next: what `dissentangle fit` prints.

    Beside the posterior stands the truth of simulated data, or what the paper published.

    compared : what a comparison adds to the headline, see `compared_sentences`;  judged : the verdict, if it is known
    """
    experiment, judged = from_tree(fit["experiment"]), judged or assess(fit)
    beside, title = (paper_values(experiment), "paper") if experiment.truth is None else (truth_of(experiment), "truth")
    published = Table(["published number", "", "value", "94 % predictive", "inside", ""], published_rows(fit))
    parts = [
        f"{experiment.title}" + (" [simulated]" if experiment.simulated else ""),
        "\n".join(
            filter(None, (*verdict_lines(judged.headline, compared), judged.condition, judged.sampling, judged.model))
        ),
        "\n".join(not_measured(experiment)),
        sharing_text(experiment, [str(row.label) for row in parameter_rows(fit) if row.summary.informed]),
        _posterior(fit, beside, title).text(),
        _derived(fit).text(),
        published.text() if published else "",
        _remarks(fit, judged),
        "\n".join(["What to do next:", *(f"- {step}" for step in judged.next_steps)]) if _to_do(judged) else "",
    ]
    return printable("\n\n".join(part for part in parts if part))


def _posterior(fit: DataTree, beside: Mapping[str, float], title: str) -> Table:
    """The posterior; `beside`, under `title`, gives for some labels a true or a published value."""
    header = ["parameter", "", "mean", "sd", "94 % HDI", title, "ESS", "R-hat", "informed by"]
    body = []
    for row in parameter_rows(fit):
        parameter, text = row.label.parameter, str(row.label)
        unit = "" if parameter.unit == "1" else parameter.unit
        known = f"{beside[text]:g}" if text in beside else ""
        ends = f"[{row.low}, {row.high}]"
        symbol = f"{parameter.symbol} {unit}".strip()
        body.append([text, symbol, row.mean, row.sd, ends, known, *row.sampled, row.summary.informed])
    return Table(header, body)


def _derived(fit: DataTree) -> Table:
    rows = derived_rows(fit)
    texts = [[f"{row.name}[{row.entry}]", row.shown_unit, row.printed[0], row.span] for row in rows]
    return derived_table(rows, ["derived quantity", "", "median", "94 % interval"], texts)


def _to_do(judged: Assessment) -> bool:
    """Whether there is more to do than the tables say."""
    return judged.status in ("doubtful", "misfit", "unhealthy")


def fit_view(fit: DataTree) -> View:
    """The verdict, the posterior as value(uncertainty) with units, derived quantities, what to do next."""
    experiment, judged = from_tree(fit["experiment"]), assess(fit)
    truth = truth_of(experiment)
    header = ["parameter", "", "value", "unit", "94 % HDI", *(["truth"] if truth else []), "informed by"]
    body = []
    for row in parameter_rows(fit):
        label = str(row.label)
        known = [f"{truth[label]:g}" if label in truth else ""] if truth else []
        ends = f"[{row.low}, {row.high}]"
        body.append([row.label.symbol, label, row.value, row.label.unit, ends, *known, row.summary.informed])
    return View(
        title=experiment.title,
        simulated=experiment.simulated,
        status=judged.status,
        verdict=[judged.headline],
        tables=[Table(header, body, numeric=range(2, len(header) - 1)), _derived(fit)],
        notes=[
            text
            for text in (
                judged.condition,
                *coherences_text(Fit.of(fit), judged),
                *(judged.next_steps if _to_do(judged) else ()),
            )
            if text
        ],
    )


def sharing_text(experiment: Experiment, labels: Iterable[str]) -> str:
    """Which of the parameters `labels` several experiments share, which each has for itself, and how to change it.

    "" for a single experiment.
    """
    if not experiment.members:
        return ""
    names = dict.fromkeys(Label.parse(label).name for label in labels)
    rows = [PARAMETERS[name] for name in names if not PARAMETERS[name].per_series]
    shown = {"shared": "share", "separate": "each have their own", "population": "draw from one population"}
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(experiment.sharing.get(row.name, "shared"), []).append(row.symbol)
    lines = [f"{words} {', '.join(found[way])}" for way, words in shown.items() if way in found]
    tied = "d ∝ Θ with one factor; " if experiment.sharing.get("optical_depth") == "tied" else ""
    change = "pure_dephasing_rate" if "pure_dephasing_rate" in names else next(iter(names), "radiative_rate")
    shared = (
        f"joint fit: the experiments {'; '.join(lines)} ({tied}dΓ = d Γ; scales and offsets are those of each series)"
    )
    shared += _of_a_repeat(experiment)
    if experiment.sharing.get(change, "shared") != "shared":  # who said so knows how to change it
        return shared
    return (
        f"{shared}\n"
        f"to change it: --share {change}=separate, shared or population, in Python sharing= (docs: howto/joint.html)"
    )


def _of_a_repeat(experiment: Experiment) -> str:
    """What to do where each experiment has its own d, of which all files say the same."""
    said = [experiment.known_of.get(member, {}).get("optical_depth") for member in experiment.members]
    if None in said or len(set(said)) > 1 or experiment.sharing.get("optical_depth") != "separate":
        return ""
    return (
        "\nall files state the same d: for a repeat on the same apparatus add --share optical_depth=shared, for one dΓ"
    )


def fit_rows(fit: DataTree) -> list[dict[str, Any]]:
    """The posterior table for scripts, a row per parameter."""
    return [row.facts() for row in parameter_rows(fit)]


def fit_facts(fit: DataTree, compared: Sequence[str] = ()) -> dict[str, Any]:
    """Verdict, posterior table, derived quantities, fit of each series, as --json prints them.

    Numbers, texts, lists and dicts; None for a number that there is not, and for one that is infinite, such as an
    entanglement duration beyond the horizon.

    compared : what a comparison adds to the headline, see `compared_sentences`;  judged : the verdict, if it is known
    """
    judged = assess(fit)
    facts = {
        "title": str(fit.attrs["title"]),
        "simulated": bool(fit.attrs["simulated"]),
        "status": judged.status,
        "healthy": bool(fit.attrs["healthy"]),
        "verdict": {
            "headline": " ".join(verdict_lines(judged.headline, compared)),
            "condition": judged.condition,
            "sampling": judged.sampling,
            "model": judged.model,
        },
        "next_steps": list(judged.next_steps),
        "surprises": list(judged.surprises),
        "could_be_wrong": [one.facts() for one in judged.alarms.suspicions],
        "divergences": int(fit["sample_stats"]["diverging"].sum()),
        "parameters": fit_rows(fit),
        "derived": [asdict(row) for row in derived_rows(fit)],
        "series": [asdict(series) | {"misfit": series.misfit} for series in goodness(fit)],
    }
    return dict(as_json(facts))


def _remarks(result: DataTree, judged: Assessment) -> str:
    lines = []
    if judged.by_prior:
        lines.append(f"Known from the prior, not from these data: {', '.join(judged.by_prior)}.")
    lines += coherences_text(Fit.of(result), judged)
    if result.attrs["attempts"] > 1:
        lines.append(sampled_again(result))
    if result.attrs["engine_reason"]:
        lines.append(f"Engine: {result.attrs['engine']} ({result.attrs['engine_reason']}).")
    return "\n".join(lines)


def coherences_text(fit: Fit, judged: Assessment) -> list[str]:
    """What the coherences that sixteen levels leave out would do to ξ and to the rates, and how to allow for it."""
    largest = {run: one.largest for run, one in fit.coherences.items()}
    if not largest:
        return []
    at = [f"{off:+.3f} at {time:g} ms in run {run}".replace("-", "−") for run, (off, time) in largest.items()]
    said = "The model has the strongest of the eight coherences of F = 4. All eight would move ξ by up to"
    said = f"{said} {', '.join(at)} (at the medians)"
    asked = [one for one in judged.alarms.suspicions if one.disturbance.name == COHERENCES]
    label, shift = asked[0].of_unit() if asked else ("", 0.0)
    if abs(shift) < ABOUT_ITS_ERROR:
        return [f"{said}, and no rate by its error bar."]
    size, names = max(abs(move) for move, _ in largest.values()), fit.settings.name.split("+")
    models = "+".join(dict.fromkeys((*names, COHERENCES)))
    bias = f"{symbols([label])} is off by about {signed(shift, '.1f')} sd"
    followed = [s for s in fit.problem.experiment.series if s.run in largest and s.about.shows_xi]
    if not followed:
        return [f"{said}; without them {bias}. To allow for it, add {size:.1g} to the sigma of ξ, or exclude late ξ."]
    return [f"{said}; without them {bias}. To allow for it, fit with --model {models}, or with a line"
            f" discrepancy_uncertainty = {size:.1g} in the [[series]] of ξ, or leave out late ξ (such as --range"
            f" {followed[0].name}=:10ms)."]  # fmt: skip


def sampled_again(result: DataTree) -> str:
    """Of a fit that was sampled several times: how often, and how."""
    attempts, thinning = int(result.attrs["attempts"]), int(result.attrs.get("thinning", 1))
    how = ["with smaller steps"] if attempts > (2 if thinning > 1 else 1) else []
    if thinning > 1:
        how.append(f"in the end {thinning} times as long (one draw in {thinning} is kept)")
    diverged = bool(result["sample_stats"]["diverging"].any())
    end = "some transitions still diverged" if diverged else "no transition diverged in the end"
    return f"Sampled {attempts} times, {', '.join(how)}; {end}."


def truth_of(experiment: Experiment) -> dict[str, float]:
    """True values by label in the units of the table of parameters, of rates that follow too; none of measured data."""
    if experiment.truth is None:
        return {}
    values = dict(experiment.truth.parameters)
    if experiment.truth.closure != "open":
        values[LOSS_NOISE_SHARE] = noise_share(experiment.truth.closure)
    for stage in experiment.stages:
        member = experiment.member.get(stage.run, "")
        try:
            rates = rates_of(experiment.truth.parameters, stage.at_full_power, member=member)
            pure = rates.dephasing_rate - dephasing_floor(rates)
        except (KeyError, TypeError, ZeroDivisionError):
            continue  # a truth that somebody wrote by hand and left incomplete
        found = {"dephasing_rate": rates.dephasing_rate, "pure_dephasing_rate": pure}
        if "pump" in stage.lights:
            found["pump_rate"] = rates.pump_rate
        for name, value in found.items():
            for one in dict.fromkeys(("", member)):
                values[str(Label.of(name, member=one, lights=stage.label))] = value
        if "drive" in stage.lights:
            values["radiative_rate"] = rates.radiative_rate
    return values
