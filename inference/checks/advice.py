"""What to do about a fit, by what was found in it: one function for each piece of advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...datasets.experiment import Label
from .criticism import StatisticRow
from .goodness import Goodness


@dataclass(frozen=True)
class Evidence:
    """What was found.

    healthy : whether the sampling is;  goodness : of every series;  surprising : what criticism found beyond it
    close : series that lie closer to the model than their errors say;  pulls : label → score of its prior
    from_prior : labels of what the data do not inform;  variances : names of the series of ξ and other variances
    """

    healthy: bool
    goodness: list[Goodness]
    surprising: tuple[StatisticRow, ...]
    close: list[Goodness]
    pulls: Mapping[str, float]
    from_prior: tuple[str, ...]
    variances: tuple[str, ...]


def next_steps(evidence: Evidence) -> tuple[str, ...]:
    """All advice that applies, the most urgent first."""
    steps = tuple(filter(None, (advice(evidence) for advice in _ADVICE)))
    return steps or ("Quote the posterior means with their 94 % intervals, and the priors with them.",)


def _sampling(found: Evidence) -> str:
    if found.healthy:
        return ""
    return (
        "First mend the sampling, as said above: these numbers cannot be quoted. A model that does not describe the"
        " data is often why it fails; what is said of the data below is a hint where to look."
    )


def _outliers(found: Evidence) -> str:
    far = ", ".join(series.name for series in found.goodness if series.misfit and series.outlying)
    return far and (
        f"Look at the values of {far} that lie far off and make most of its χ²: if something went"
        " wrong there, exclude them; if nobody knows, take noise = 'student-t'. Where they are neighbours, the"
        " model may lack something."
    )


def _residuals(found: Evidence) -> str:
    wrong = ", ".join(s.name for s in found.goodness if s.misfit and (s.misfit_without or not s.outlying))
    return wrong and (
        f"Look at the residuals of {wrong}. A common factor or offset: scale_uncertainty,"
        " offset_uncertainty. A drift of the residuals in time: the model is wrong; try the other closure, look at"
        " which light was on when, at time units and where t = 0 is, at the normalisation (P and Jy are 1 at t = 0)"
        " and whether two series were exchanged."
    )


def _priors(found: Evidence) -> str:
    named = ", ".join(Label.parse(label).symbol for label in found.pulls)
    return named and (
        f"Data and prior disagree about {named}. Look for units (ms or s, interval of the bins), a wrong value in"
        " [apparatus], a disturbance that these parameters make up for; or widen the priors, if they were guessed."
    )


def _criticism(found: Evidence) -> str:
    odd = ", ".join(dict.fromkeys(row.series for row in found.surprising))
    return odd and (
        f"Look at the criticism of {odd} before quoting rates: errors that go together or are too small, or a course"
        " that the model does not have, make intervals too narrow; errors given too large make them too wide."
    )


def _errors(found: Evidence) -> str:
    named = ", ".join(series.name for series in found.close)
    return named and f"Look at sigma or repetitions of {named}: the values scatter much less than these say."


def _variances(found: Evidence) -> str:
    quiet = {series.name for series in found.close}
    quiet |= {row.series for row in found.surprising if row.statistic == "scatter" and row.observed < row.median}
    named = ", ".join(name for name in found.variances if name in quiet)
    return named and f"Are the values of {named} variances? Standard deviations scatter half as much as R says."


def _assumed(found: Evidence) -> str:
    named = ", ".join(Label.parse(label).symbol for label in found.from_prior)
    return named and f"Quote these as assumed, not as measured: {named}."


_ADVICE: tuple[Callable[[Evidence], str], ...] = (
    _sampling, _outliers, _residuals, _priors, _criticism, _errors, _variances, _assumed,
)  # fmt: skip
