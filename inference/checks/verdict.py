"""Can this fit be trusted? The sampling, the model, what the data said, what to do next: in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...datasets.experiment import Label
from ..fits import Fit, ParameterSummary, summary_rows
from .alarms import Alarms
from .criticism import Criticism
from .disturbances import Disturbance
from .findings import Findings, by_prior, findings, next_steps, symbols
from .goodness import OF_VALUES, Goodness

if TYPE_CHECKING:
    from xarray import DataTree

STATUS = ("healthy", "doubtful", "weak", "misfit", "unhealthy")
"""From best to worst; the words of tables and scripts."""
HEADLINES = {
    "healthy": "Usable: the sampling is healthy and the model describes the data.",
    "doubtful": "Look closer before you use these rates: sampling and χ² are in order, but something is amiss.",
    "weak": "Of little use: most rates owe more to the prior than to these data.",
    "misfit": "Do not use these rates: the model does not describe the data.",
    "unhealthy": "Do not use this fit: the sampling failed.",
}

_SERIES = "\0"
_NAMED = 3
"""Surprises that are named."""
CONTRADICTION = "Do not use these rates: the data contradict what was known beforehand."


@dataclass(frozen=True)
class Assessment:
    """The verdict on a fit.

    status : one of `STATUS`;  headline : the same as a sentence
    sampling, model : sentences, good or bad
    by_data, by_both, by_prior : labels of the free parameters by what informs them; what another prior moves, or leans
        on the end of its own, is not by data
    moved : label of a rate → label of the other prior that, changed by a factor of two, moves it by about its error
        bar or more
    backwards : names of orientation tests whose quadrature has the opposite sign
    next_steps : what to do now, the most urgent first
    contradicted : whether a prior and the data cannot both be right, which makes a misfit
    untested : '3 values inform 5 parameters' where they are so few that any model would describe them, else ''
    alarms : whether the series agree with each other, and what could still be wrong
    criticism : the statistics of the data and of replications
    surprises : what criticism found that χ² does not see, and parameters far from their priors, as sentences; with any
        a fit is doubtful at best. No misfit: thousands of replications show no p-value as small as that of such a χ²
    """

    status: str
    sampling: str
    model: str
    by_data: tuple[str, ...]
    by_both: tuple[str, ...]
    by_prior: tuple[str, ...]
    next_steps: tuple[str, ...]
    alarms: Alarms
    criticism: Criticism
    surprises: tuple[str, ...] = ()
    contradicted: bool = False
    untested: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)
    backwards: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """One sentence; more where criticism of a fit whose sampling and χ² are in order found something, or where it
        can be used and yet some rates are from the prior alone.
        """
        said = CONTRADICTION if self.contradicted and self.status == "misfit" else HEADLINES[self.status]
        if self.backwards and self.status == "misfit":
            said += f" The quadrature of {', '.join(self.backwards)} has the opposite sign."
        if self.status == "healthy" and self.untested:
            said = f"Usable if the model is right: the sampling is healthy, but {self.untested}, which tests no model."
        if self.surprises and self.status in ("doubtful", "weak"):
            others = len(self.surprises) - 1
            more = f" (and {others} other finding{'s' * (others > 1)})" if others else ""
            said = f"{said.removesuffix('.')} – {self.surprises[0]}{more}."
        return " ".join(part for part in (said, self.assumed) if part)

    @property
    def condition(self) -> str:
        """What a fit that can be used assumes and its data cannot test, what moves a rate most first; else ''."""
        return " ".join(part for part in self.conditions if part)

    @property
    def conditions(self) -> tuple[str, str]:
        """The condition in two parts: the worst with their sizes, and the others by name."""
        possible = self.alarms.possible
        if not possible or self.status not in ("healthy", "doubtful"):
            return "", ""
        worst = "; ".join(
            f"{one.disturbance.words} ({one.disturbance.text(one.possible)} would move {symbols([one.worst[0]])}"
            f" by {f'{one.worst[1]:+.0f}'.replace('-', '−')} sd)"
            for one in possible[:_NAMED]
        )
        less = "; ".join(_together([one.disturbance for one in possible[_NAMED:]]))
        less = f"To a lesser degree: {less}. " if less else ""
        advice = "Measure these, or state their size in the file (docs: howto/errors.html)."
        return f"These data cannot exclude the following, which the fit assumes absent: {worst}.", f"{less}{advice}"

    @property
    def assumed(self) -> str:
        """'Not from the data: dΓ.' where rates of a fit that can be used are from the prior alone, and whose priors
        move others by more than their error bars, else ''.
        """
        if self.status not in ("healthy", "doubtful"):
            return ""
        rates = symbols(label for label in self.by_prior if Label.parse(label).is_rate)
        said = [f"Not from the data: {rates}."] if rates else []
        said += [f"Another prior of {by} moves {of} by about its error bar or more." for by, of in by_prior(self.moved)]
        return " ".join(said)


def reason(status: str, headline: str) -> str:
    """What a headline adds to its status, which a table has in a column of its own."""
    more = headline.removeprefix(HEADLINES.get(status, "").removesuffix(".")).lstrip(".– ")
    return more or headline


def _together(found: Sequence[Disturbance]) -> list[str]:
    """The words of disturbances, those of several series that say the same as one: 'the gain of xi, P drifts'."""
    series: dict[str, list[str]] = {}
    for one in found:
        words = one.words.replace(one.series, _SERIES) if one.series else one.words
        series.setdefault(words, []).append(one.series)
    return [words.replace(_SERIES, _some_of(list(dict.fromkeys(names)))) for words, names in series.items()]


def _some_of(names: list[str]) -> str:
    """'xi, P', or of many the worst and how many others."""
    if len(names) <= _NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} other series"


def assess(fit: DataTree | Fit, cores: int | None = 1) -> Assessment:
    """The verdict on a fit, from what its file holds; nothing is sampled.

    cores : with more than one, None for all of the machine, a part is worked out in a copy of this process: see
        `parallel.beside`

    Raises
    ------
    ExperimentError : for a fit without replications of the data
    """
    fit = Fit.of(fit)
    rows = [row for row in summary_rows(fit.tree) if row.narrowed_by]
    by_data = tuple(row.label for row in rows if row.informed == "data")
    by_prior = tuple(row.label for row in rows if row.narrowed_by == "prior")
    by_both = tuple(row.label for row in rows if row.label not in (*by_data, *by_prior))
    found = findings(fit, rows, by_prior, cores)
    untested = _untested(found.goodness, len(by_data) + len(by_both))
    return Assessment(
        status=_status(found, rows),
        sampling=str(fit.tree.attrs["verdict"]),
        model=_of_model(found, untested) + _pulled(found) + _signs(found),
        by_data=by_data,
        by_both=by_both,
        by_prior=by_prior,
        next_steps=next_steps(found),
        surprises=found.surprises,
        contradicted=found.contradicted and not found.misfit,
        untested=untested,
        alarms=found.alarms,
        criticism=found.criticism,
        moved=found.moved,
        backwards=found.backwards,
    )


def _status(found: Findings, rows: list[ParameterSummary]) -> str:
    if not found.healthy:
        return "unhealthy"
    if found.contradicted or found.misfit:
        return "misfit"
    rates = [row for row in rows if Label.parse(row.label).is_rate] or rows
    by_data = sum(row.narrowed_by == "data" for row in rates)
    if 2 * by_data < len(rates):
        return "weak"
    return "doubtful" if found.surprises else "healthy"


def _untested(found: list[Goodness], informed: int) -> str:
    if any(series.of != OF_VALUES for series in found):  # records of the light: thousands of samples
        return ""
    values = sum(series.values for series in found)
    few = f"{values} value{'s inform' if values > 1 else ' informs'} {informed} parameter{'s' * (informed > 1)}"
    return few if values <= informed else ""


def _of_model(found: Findings, untested: str) -> str:
    wrong = [f"{series.name} ({series.text})" for series in found.goodness if series.misfit]
    if wrong:
        return f"The model does not describe these data, do not use its rates: {', '.join(wrong)}. Look at the figure."
    sentence = "The model describes every series within its scatter (χ²)."
    if untested:
        sentence += f" That says little: {untested}, so nearly any model would."
    if found.close:
        named = ", ".join(f"{series.name} ({series.text})" for series in found.close)
        sentence += f" The errors given are too large: {named}; intervals are wider than necessary."
    if found.surprising:
        named = "; ".join(f"{row.series}: {row.words} (p = {row.p_value:.2g})" for row in found.surprising[:_NAMED])
        sentence += f" Beyond that, criticism found: {named}."
    return sentence


def _pulled(found: Findings) -> str:
    far = [f"{symbols([label])} by {z_score:+.1f}" for label, z_score in found.pulls.items()]
    if not far:
        return ""
    means = "they cannot both hold" if found.contradicted else "one of them may be wrong"
    return f" Pulled away from the prior: {', '.join(far)} of its standard deviations; {means}."


def _signs(found: Findings) -> str:
    named = ", ".join(found.backwards)
    return named and f" The quadrature of {named} has the opposite sign."
