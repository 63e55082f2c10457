"""What was found in a fit before it is judged, in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ...datasets.experiment import Label, reversed_beats
from ..fits import Fit, ParameterSummary
from ..model import RIVAL_MODELS
from ..parallel import beside
from .alarms import ALARM, Alarms, alarms
from .criticism import Criticism, StatisticRow, criticize
from .goodness import Goodness, goodness

_FAR, _CONTRADICTED = 3.0, 5.0
"""Standard deviations of a prior beyond which a posterior mean is named, and beyond which both cannot be right."""
_MOVED_FAR = 0.7
"""Standard deviations of a rate from which the first line names the other prior that moves it so far."""
_VALUES_PER_PARAMETER = 3
"""Fewer values in a series than this a parameter lie close to the model by themselves: a small χ² says nothing."""


@dataclass(frozen=True)
class Findings:
    """What was found in a fit, before it is judged.

    healthy : whether the sampling is;  goodness : of every series;  criticism : all that was looked at
    surprising : what criticism found beyond χ²
    close : series that lie closer to the model than their errors say
    pulls : label → z-score of the posterior mean in its prior, of parameters far from their priors
    backwards : names of orientation tests whose quadrature has the opposite sign
    leaning : label → end of its prior on which a posterior leans
    moved : label of a rate → label of the other prior that moves it by about its error bar or more
    from_prior : labels of what the data do not inform;  variances : names of the series of ξ and other variances
    alarms : whether the series agree with each other, and what could be wrong
    """

    healthy: bool
    goodness: list[Goodness]
    criticism: Criticism
    surprising: tuple[StatisticRow, ...]
    close: list[Goodness]
    pulls: Mapping[str, float]
    from_prior: tuple[str, ...]
    variances: tuple[str, ...]
    alarms: Alarms
    backwards: tuple[str, ...] = ()
    leaning: Mapping[str, float] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    @property
    def misfit(self) -> bool:
        """Whether the model does not describe some series."""
        return any(series.misfit for series in self.goodness)

    @property
    def contradicted(self) -> bool:
        """Whether a prior and the data cannot both hold."""
        return any(abs(z_score) > _CONTRADICTED for z_score in self.pulls.values())

    @property
    def surprises(self) -> tuple[str, ...]:
        """As sentences, without what χ² of a misfit says already."""
        return (
            *(f"{name}: its quadrature has the opposite sign" for name in self.backwards),
            *_alarmed(self.alarms),
            *(f"{symbols([label])} leans on the bound {end:g} of its prior" for label, end in self.leaning.items()),
            *(f"{symbols([label])} is pulled {z_score:+.1f} standard deviations from its prior"
              for label, z_score in self.pulls.items()),
            *(f"{series.name}: the errors given are too large ({series.text})" for series in self.close),
            *(f"{row.series}: {row.words}" for row in self.surprising),
        )  # fmt: skip


def findings(fit: Fit, rows: list[ParameterSummary], from_prior: tuple[str, ...], cores: int | None = 1) -> Findings:
    """What is found in a fit; `from_prior`: labels of what the data do not inform; `cores`: as for `assess`."""
    series = goodness(fit)
    cores = cores if fit.experiment.members else 1  # of one experiment a copy would cost more
    alarmed = beside(partial(alarms, fit, misfit=any(one.misfit for one in series)), cores)
    close = [one for one in series if one.too_good and one.values >= _VALUES_PER_PARAMETER * len(rows)]
    judged = {one.name for one in series if one.misfit or one in close}  # χ² has said what there is to say
    priors = {u.label: u.prior for u in fit.parameters}
    z_scores = {row.label: float(priors[row.label].z_score(row.mean)) for row in rows}
    criticism = criticize(fit)
    return Findings(
        healthy=bool(fit.tree.attrs["healthy"]),
        goodness=series,
        criticism=criticism,
        surprising=tuple(row for row in criticism.surprising if row.series not in judged),
        close=close,
        pulls={label: z_score for label, z_score in z_scores.items() if abs(z_score) > _FAR},
        from_prior=from_prior,
        variances=tuple(one.name for one in fit.experiment.series if one.about.spin_variance),
        alarms=alarmed(),
        backwards=tuple(reversed_beats(fit.experiment)),
        leaning={row.label: row.bound for row in rows if row.bound is not None},
        moved={row.label: row.moved_by for row in rows if _moved(row)},
    )


def _alarmed(found: Alarms) -> list[str]:
    """An alarm in words: which series disagrees with the others, and what would explain it best."""
    if not found.raised:
        return []
    said = f"the series do not agree (p = {found.p:.2g})"
    worst = min(found.disagreements, key=lambda one: one.p, default=None)
    if worst is not None and worst.p < ALARM:
        said = f"{worst.source} does not agree with the other series (p = {found.p:.2g})"
    causes = []
    for one in found.explanations[:2]:
        named = f"--model {one.disturbance.name}" if one.disturbance.name in RIVAL_MODELS else ""
        size = "" if one is found.levels else f"by about {one.disturbance.text(one.estimate)}"
        causes.append(f"{one.disturbance.words} ({', '.join(filter(None, (size, named)))})")
    return [f"{said}, as if {', or '.join(causes)}" if causes else said]


def _moved(row: ParameterSummary) -> bool:
    """Whether another prior moves a rate by about its error bar or more, which the first line must say."""
    return row.narrowed_by == "data" and abs(row.moved or 0.0) > _MOVED_FAR and Label.parse(row.label).is_rate


def by_prior(moved: Mapping[str, str]) -> list[tuple[str, str]]:
    """Symbols of each prior, and of what it moves."""
    return [
        (symbols([prior]), symbols(label for label, by in moved.items() if by == prior))
        for prior in dict.fromkeys(moved.values())
    ]


def symbols(labels: Iterable[str]) -> str:
    """Of parameters, as text: 'dΓ, Γdeph [drive]'."""
    return ", ".join(Label.parse(label).symbol for label in labels)


_ADVICE = {
    "sampling": "First repair the sampling, as described above: these numbers cannot be quoted. It often fails"
    " because the model does not describe the data; the remarks about the data below may show where to look.",
    "backwards": "Multiply the quadrature of {} by −1: the weaker lines precess in the other direction"
    " (docs: howto/calibration.html, sign of the RF test). In phase and quadrature may also have been exchanged.",
    "leaning": "The prior of {} cuts off the posterior at its bound. Give it a wider prior; if the bound is certain,"
    " something else in the data or the model is wrong.",
    "outliers": "Look at the outlying values of {}, which cause most of its χ²: if something went wrong there, exclude"
    " them; if you do not know, use noise = 'student-t'. If they are neighbours, the model may lack something.",
    "residuals": "Look at the residuals of {}. For a common factor or offset use scale_uncertainty or"
    " offset_uncertainty. If they drift in time, the model is wrong: try the other closure, and check which light was"
    " on when, the time units and t = 0, the normalisation (P and Jy are 1 at t = 0), and whether two series were"
    " exchanged.",
    "levels": "Fit with {}, too: the deviations look like those of atoms with sixteen levels from a model of three"
    " states, and the rates change (docs: understand/sixteen-levels.html).",
    "pulls": "Data and prior disagree about {}. Check the units (ms or s, interval of the bins) and the values in"
    " [apparatus], and look for a disturbance for which these parameters compensate. If the priors were guesses, widen"
    " them.",
    "criticism": "Look at the criticism of {} before quoting rates: errors that are correlated or too small, or a time"
    " dependence that the model lacks, make intervals too narrow; errors that are too large make them too wide.",
    "errors": "Check sigma or repetitions of {}: the values scatter much less than these say.",
    "variances": "Are the values of {} variances? Standard deviations scatter half as much as R says.",
    "moved": "Give better priors if you can, or measure what separates these parameters. With half or twice the width"
    " or median, these priors move other rates by about their error bars or more: {}.",
    "assumed": "Quote these as assumed, not as measured: {}.",
}
"""What to do, the most urgent first, about what is named in place of {}."""


def next_steps(found: Findings) -> tuple[str, ...]:
    """All advice that applies, the most urgent first."""
    misfits = [series for series in found.goodness if series.misfit]
    quiet = {series.name for series in found.close}
    quiet |= {row.series for row in found.surprising if row.statistic == "scatter" and row.observed < row.median}
    named: dict[str, Iterable[str]] = {
        "sampling": [] if found.healthy else ["sampling"],
        "backwards": found.backwards,
        "leaning": [symbols(found.leaning)] if found.leaning else [],
        "outliers": [series.name for series in misfits if series.outlying],
        "residuals": [series.name for series in misfits if series.misfit_without or not series.outlying],
        "levels": ["--model sixteen-level"] if found.alarms.levels in found.alarms.explanations else [],
        "pulls": [symbols(found.pulls)] if found.pulls else [],
        "criticism": dict.fromkeys(row.series for row in found.surprising),
        "errors": [series.name for series in found.close],
        "variances": [name for name in found.variances if name in quiet],
        "moved": ["; ".join(f"{of} with that of {by}" for by, of in by_prior(found.moved))] if found.moved else [],
        "assumed": [symbols(found.from_prior)] if found.from_prior else [],
    }
    steps = tuple(_ADVICE[what].format(", ".join(names)) for what, names in named.items() if names)
    return steps or ("Quote the posterior means with their 94 % intervals, and the priors with them.",)
