"""Does this fit deserve belief? The sampling, the model, what the data said, what to do next: in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .correlations import is_rate
from .diagnostics import ParameterSummary
from .goodness import Goodness, goodness
from .text_table import summary_rows, symbol

if TYPE_CHECKING:
    from xarray import DataTree

STATUS = ("healthy", "weak", "misfit", "unhealthy")
"""From best to worst; the words of tables and scripts."""
HEADLINES = {
    "healthy": "Usable: the sampling is healthy and the model describes the data.",
    "weak": "Of little use: most rates owe more to the prior than to these data.",
    "misfit": "Do not use these rates: the model does not describe the data.",
    "unhealthy": "Do not use this fit: the sampling failed.",
}

_VALUES_PER_UNKNOWN = 3
"""Fewer values in a series than this a parameter lie close to the model by themselves: a small χ² says nothing."""


@dataclass(frozen=True)
class Assessment:
    """The verdict on a fit.

    status : one of `STATUS`;  headline : the same as a sentence
    sampling, model : sentences, good or bad;  by_data, by_both, by_prior : labels of the unknowns by what informs them
    next_steps : what to do now
    """

    status: str
    sampling: str
    model: str
    by_data: tuple[str, ...]
    by_both: tuple[str, ...]
    by_prior: tuple[str, ...]
    next_steps: tuple[str, ...]

    @property
    def headline(self) -> str:
        """One sentence."""
        return HEADLINES[self.status]


def assess(fit: DataTree) -> Assessment:
    """The assessment of a fit, from what its file holds."""
    rows = [row for row in summary_rows(fit) if row.informed]
    by_data, by_both, by_prior = (
        tuple(row.label for row in rows if row.informed == kind) for kind in ("data", "prior and data", "prior")
    )
    found = goodness(fit)
    status = _status(bool(fit.attrs["healthy"]), found, rows)
    return Assessment(
        status=status,
        sampling=str(fit.attrs["verdict"]),
        model=_of_model(found, len(rows)),
        by_data=by_data,
        by_both=by_both,
        by_prior=by_prior,
        next_steps=tuple(_next_steps(status, found, by_prior)),
    )


def _status(healthy: bool, found: list[Goodness], rows: list[ParameterSummary]) -> str:
    if not healthy:
        return "unhealthy"
    if any(series.misfit for series in found):
        return "misfit"
    rates = [row for row in rows if is_rate(row.label)] or rows
    by_data = sum(row.informed == "data" for row in rates)
    return "weak" if 2 * by_data < len(rates) else "healthy"


def _of_model(found: list[Goodness], unknowns: int) -> str:
    wrong = [f"{series.name} ({series.text})" for series in found if series.misfit]
    if wrong:
        return f"The model does not describe these data, do not use its rates: {', '.join(wrong)}. Look at the figure."
    sentence = "The model describes every series within its scatter (χ²)."
    many = [series for series in found if series.values >= _VALUES_PER_UNKNOWN * unknowns]
    close = [f"{series.name} ({series.text})" for series in many if series.too_good]
    if close:
        sentence += f" The errors given are too large: {', '.join(close)}; intervals are wider than they need be."
    return sentence


def _next_steps(status: str, found: list[Goodness], from_prior: tuple[str, ...]) -> list[str]:
    steps = []
    if status == "unhealthy":
        steps.append("First mend the sampling, as said above; nothing below can be read before that.")
    wrong = [series.name for series in found if series.misfit]
    if wrong:
        steps.append(
            f"Look at the residuals of {', '.join(wrong)}. A few points far off: exclude them, or noise = 'student-t'."
            " A common factor or offset: scale_uncertainty, offset_uncertainty. A drift of the residuals"
            " in time: the model is wrong; try the other closure, look at which light was on when, and at time units."
        )
    if from_prior:
        steps.append(f"Quote these as assumed, not as measured: {', '.join(symbol(label) for label in from_prior)}.")
    if not steps:
        steps.append("Quote the posterior means with their 94 % intervals, and the priors with them.")
    return steps
