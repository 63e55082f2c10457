"""Does this fit deserve belief? The sampling, the model, what the data said, what to do next: in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...datasets.experiment import Label
from ...datasets.kinds import VARIANCES
from ..fits import Fit, ParameterSummary, summary_rows
from .advice import Evidence, next_steps
from .criticism import StatisticRow, criticize
from .goodness import OF_VALUES, Goodness, goodness

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

_NAMED = 3
"""Surprises that are named."""
CONTRADICTION = "Do not use these rates: the data contradict what was known beforehand."
_FAR, _CONTRADICTED = 3.0, 5.0
"""Standard deviations of a prior beyond which a posterior mean is named, and beyond which both cannot be believed."""
_VALUES_PER_UNKNOWN = 3
"""Fewer values in a series than this a parameter lie close to the model by themselves: a small χ² says nothing."""


@dataclass(frozen=True)
class Assessment:
    """The verdict on a fit.

    status : one of `STATUS`;  headline : the same as a sentence
    sampling, model : sentences, good or bad;  by_data, by_both, by_prior : labels of the unknowns by what informs them
    next_steps : what to do now
    contradicted : whether a prior and the data cannot both be believed, which makes a misfit
    untested : '3 values inform 5 parameters' where they are so few that any model would describe them, else ''
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
    surprises: tuple[str, ...] = ()
    contradicted: bool = False
    untested: str = ""

    @property
    def headline(self) -> str:
        """One sentence; more where criticism of a fit whose sampling and χ² are in order found something, or where it
        can be used and yet some rates are from the prior alone.
        """
        if self.contradicted and self.status == "misfit":
            return CONTRADICTION
        said = HEADLINES[self.status]
        if self.status == "healthy" and self.untested:
            said = f"Usable if the model is right: the sampling is healthy, but {self.untested}, which tests no model."
        if self.surprises and self.status in ("doubtful", "weak"):
            more = f" (and {len(self.surprises) - 1} more)" if len(self.surprises) > 1 else ""
            said += f" {'But ' if self.status == 'weak' else ''}{self.surprises[0]}{more}."
        return f"{said} {self.assumed}".strip()

    @property
    def assumed(self) -> str:
        """'Not from the data: dΓ.' where rates of a fit that can be used are from the prior alone, else ''."""
        rates = [Label.parse(label).symbol for label in self.by_prior if Label.parse(label).is_rate]
        usable = self.status in ("healthy", "doubtful")
        return f"Not from the data: {', '.join(rates)}." if rates and usable else ""


def assess(fit: DataTree) -> Assessment:
    """The assessment of a fit, from what its file holds."""
    rows = [row for row in summary_rows(fit) if row.informed]
    by_data, by_both, by_prior = (
        tuple(row.label for row in rows if row.informed == kind) for kind in ("data", "prior and data", "prior")
    )
    found, pulls = goodness(fit), _pulls(fit, rows)
    beyond = any(abs(score) > _CONTRADICTED for score in pulls.values())
    close = [series for series in found if series.too_good and series.values >= _VALUES_PER_UNKNOWN * len(rows)]
    judged = {series.name for series in found if series.misfit or series in close}  # χ² has said what there is to say
    surprising = tuple(row for row in criticize(fit).surprising if row.series not in judged)
    surprises = [
        *(
            f"{Label.parse(name).symbol} is pulled {score:+.1f} standard deviations from its prior"
            for name, score in pulls.items()
        ),
        *(f"{series.name}: the errors given are too large ({series.text})" for series in close),
        *(f"{row.series}: {row.words}" for row in surprising),
    ]
    untested = _untested(found, len(by_data) + len(by_both))
    healthy = bool(fit.attrs["healthy"])
    status = _status(healthy, found, rows, beyond, surprises)
    variances = tuple(series.name for series in Fit(fit).experiment.series if series.kind in VARIANCES)
    evidence = Evidence(healthy, found, surprising, close, pulls, by_prior, variances)
    return Assessment(
        status=status,
        sampling=str(fit.attrs["verdict"]),
        model=_of_model(found, surprising, close, untested) + _pulled(pulls),
        by_data=by_data,
        by_both=by_both,
        by_prior=by_prior,
        next_steps=next_steps(evidence),
        surprises=tuple(surprises),
        contradicted=beyond and not any(series.misfit for series in found),
        untested=untested,
    )


def _status(
    healthy: bool, found: list[Goodness], rows: list[ParameterSummary], contradicted: bool, surprises: list[str]
) -> str:
    if not healthy:
        return "unhealthy"
    if contradicted or any(series.misfit for series in found):
        return "misfit"
    rates = [row for row in rows if Label.parse(row.label).is_rate] or rows
    by_data = sum(row.informed == "data" for row in rates)
    if 2 * by_data < len(rates):
        return "weak"
    return "doubtful" if surprises else "healthy"


def _untested(found: list[Goodness], informed: int) -> str:
    if any(series.of != OF_VALUES for series in found):  # records of the light: thousands of samples
        return ""
    values = sum(series.values for series in found)
    few = f"{values} value{'s inform' if values > 1 else ' informs'} {informed} parameter{'s' * (informed > 1)}"
    return few if values <= informed else ""


def _of_model(found: list[Goodness], surprising: tuple[StatisticRow, ...], close: list[Goodness], untested: str) -> str:
    wrong = [f"{series.name} ({series.text})" for series in found if series.misfit]
    if wrong:
        return f"The model does not describe these data, do not use its rates: {', '.join(wrong)}. Look at the figure."
    sentence = "The model describes every series within its scatter (χ²)."
    if untested:
        sentence += f" That says little: {untested}, so that nearly any model would."
    if close:
        named = ", ".join(f"{series.name} ({series.text})" for series in close)
        sentence += f" The errors given are too large: {named}; intervals are wider than they need be."
    if surprising:
        named = "; ".join(f"{row.series}: {row.words} (p = {row.p_value:.2g})" for row in surprising[:_NAMED])
        sentence += f" Beyond that, criticism found: {named}."
    return sentence


def _pulls(fit: DataTree, rows: list[ParameterSummary]) -> dict[str, float]:
    """Parameters that the data have pulled far from their priors, by how many of the priors' standard deviations."""
    priors = {u.label: u.prior for u in Fit(fit).parameters}
    scores = {row.label: float(priors[row.label].score(row.mean)) for row in rows}
    return {label: score for label, score in scores.items() if abs(score) > _FAR}


def _pulled(pulls: Mapping[str, float]) -> str:
    far = [f"{Label.parse(label).symbol} by {score:+.1f}" for label, score in pulls.items()]
    if not far:
        return ""
    beyond = any(abs(score) > _CONTRADICTED for score in pulls.values())
    means = "they cannot both hold" if beyond else "one of them may be wrong"
    return f" Pulled away from the prior: {', '.join(far)} of its standard deviations: {means}."
