"""Can this fit be trusted? The sampling, the model, what the data said, what to do next: in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...datasets.experiment import Label, reversed_beats
from ..fits import Fit, ParameterSummary, summary_rows
from ..model import RIVAL_MODELS
from .alarms import ALARM, Alarms, Suspicion, alarms
from .criticism import StatisticRow, criticize
from .disturbances import CLOSURE
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
_CLEAR = 3.0
"""z-score from which a disturbance is named as an explanation."""
_MOVED = 1.0
"""Standard deviations of a rate from which a disturbance that data cannot exclude is named."""
_FAR, _CONTRADICTED = 3.0, 5.0
"""Standard deviations of a prior beyond which a posterior mean is named, and beyond which both cannot be believed."""
_MOVED_FAR = 0.7
"""Standard deviations of a rate from which the first line names the other prior that moves it so far."""
_VALUES_PER_PARAMETER = 3
"""Fewer values in a series than this a parameter lie close to the model by themselves: a small χ² says nothing."""


@dataclass(frozen=True)
class Assessment:
    """The verdict on a fit.

    status : one of `STATUS`;  headline : the same as a sentence
    sampling, model : sentences, good or bad
    by_data, by_both, by_prior : labels of the free parameters by what informs them; what another prior moves, or leans
        on the end of its own, is not by data
    moved : label of a rate → label of the other prior that, changed by a factor of two, moves it by about its ± or more
    backwards : names of orientation tests whose quadrature has the opposite sign
    next_steps : what to do now, the most urgent first
    contradicted : whether a prior and the data cannot both be believed, which makes a misfit
    untested : '3 values inform 5 parameters' where they are so few that any model would describe them, else ''
    untestable : what would move a rate and these data cannot exclude, the worst first: 'if the gain of polarization
        drifts by 6.6 %, Γout_L is off by -11 sd'
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
    untestable: tuple[str, ...] = ()
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
            more = f" (and {len(self.surprises) - 1} more)" if len(self.surprises) > 1 else ""
            said += f" {'But ' if self.status == 'weak' else ''}{self.surprises[0]}{more}."
        return " ".join(part for part in (said, self.assumed, self.condition) if part)

    @property
    def condition(self) -> str:
        """What a fit that can be used stands on, and the data cannot test; else ''."""
        if not self.untestable or self.status not in ("healthy", "doubtful"):
            return ""
        return f"What these data cannot exclude: {'; '.join(self.untestable)}."

    @property
    def assumed(self) -> str:
        """'Not from the data: dΓ.' where rates of a fit that can be used are from the prior alone, and whose priors
        move others by more than their ±, else ''.
        """
        if self.status not in ("healthy", "doubtful"):
            return ""
        rates = _symbols(label for label in self.by_prior if Label.parse(label).is_rate)
        said = [f"Not from the data: {rates}."] if rates else []
        said += [f"Another prior of {by} moves {of} by about its ± or more." for by, of in _by_prior(self.moved)]
        return " ".join(said)


@dataclass(frozen=True)
class Findings:
    """What was found in a fit, before it is judged.

    healthy : whether the sampling is;  goodness : of every series;  surprising : what criticism found beyond it
    close : series that lie closer to the model than their errors say
    pulls : label → z-score of the posterior mean in its prior, of parameters far from their priors
    backwards : names of orientation tests whose quadrature has the opposite sign
    leaning : label → end of its prior on which a posterior leans
    moved : label of a rate → label of the other prior that moves it by about its ± or more
    from_prior : labels of what the data do not inform;  variances : names of the series of ξ and other variances
    alarms : whether the series agree with each other, and what could be wrong
    """

    healthy: bool
    goodness: list[Goodness]
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
            *(f"{_symbols([label])} leans on the bound {end:g} of its prior" for label, end in self.leaning.items()),
            *(f"{_symbols([label])} is pulled {z_score:+.1f} standard deviations from its prior"
              for label, z_score in self.pulls.items()),
            *(f"{series.name}: the errors given are too large ({series.text})" for series in self.close),
            *(f"{row.series}: {row.words}" for row in self.surprising),
            *_alarmed(self.alarms),
        )  # fmt: skip


def assess(fit: DataTree | Fit) -> Assessment:
    """The verdict on a fit, from what its file holds; nothing is sampled.

    Raises
    ------
    ExperimentError : for a fit without replications of the data
    """
    fit = Fit.of(fit)
    rows = [row for row in summary_rows(fit.tree) if row.narrowed_by]
    by_data = tuple(row.label for row in rows if row.informed == "data")
    by_prior = tuple(row.label for row in rows if row.narrowed_by == "prior")
    by_both = tuple(row.label for row in rows if row.label not in (*by_data, *by_prior))
    found = _findings(fit, rows, by_prior)
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
        untestable=_untestable(found.alarms),
        moved=found.moved,
        backwards=found.backwards,
    )


def _findings(fit: Fit, rows: list[ParameterSummary], from_prior: tuple[str, ...]) -> Findings:
    series = goodness(fit.tree)
    close = [one for one in series if one.too_good and one.values >= _VALUES_PER_PARAMETER * len(rows)]
    judged = {one.name for one in series if one.misfit or one in close}  # χ² has said what there is to say
    priors = {u.label: u.prior for u in fit.parameters}
    z_scores = {row.label: float(priors[row.label].z_score(row.mean)) for row in rows}
    return Findings(
        healthy=bool(fit.tree.attrs["healthy"]),
        goodness=series,
        surprising=tuple(row for row in criticize(fit).surprising if row.series not in judged),
        close=close,
        pulls={label: z_score for label, z_score in z_scores.items() if abs(z_score) > _FAR},
        from_prior=from_prior,
        variances=tuple(one.name for one in fit.experiment.series if one.about.spin_variance),
        alarms=alarms(fit),
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
    best = max(found.suspicions, key=lambda one: abs(one.z), default=None)
    if best is None or abs(best.z) < _CLEAR:
        return [said]
    size = best.disturbance.text(best.estimate)
    named = f", which --model {best.disturbance.name} has" if best.disturbance.name in RIVAL_MODELS else ""
    return [f"{said}, as if {best.disturbance.words} (by about {size}){named}"]


def _untestable(found: Alarms) -> tuple[str, ...]:
    """The disturbances that could move a rate most, one of each name; the closure, which was chosen, before all."""
    named: dict[str, Suspicion] = {}
    for one in sorted(found.suspicions, key=lambda one: one.disturbance.name != CLOSURE):
        if abs(one.worst[1]) >= _MOVED:
            named.setdefault(one.disturbance.name, one)
    return tuple(
        f"if {one.disturbance.words} by {one.disturbance.text(one.possible)},"
        f" {_symbols([one.worst[0]])} is off by {one.worst[1]:+.0f} sd"
        for one in list(named.values())[:_NAMED]
    )


def _moved(row: ParameterSummary) -> bool:
    """Whether another prior moves a rate by about its ± or more, which the first line must say."""
    return row.narrowed_by == "data" and abs(row.moved or 0.0) > _MOVED_FAR and Label.parse(row.label).is_rate


def _by_prior(moved: Mapping[str, str]) -> list[tuple[str, str]]:
    """Symbols of each prior, and of what it moves."""
    return [
        (_symbols([prior]), _symbols(label for label, by in moved.items() if by == prior))
        for prior in dict.fromkeys(moved.values())
    ]


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
        sentence += f" That says little: {untested}, so that nearly any model would."
    if found.close:
        named = ", ".join(f"{series.name} ({series.text})" for series in found.close)
        sentence += f" The errors given are too large: {named}; intervals are wider than they need be."
    if found.surprising:
        named = "; ".join(f"{row.series}: {row.words} (p = {row.p_value:.2g})" for row in found.surprising[:_NAMED])
        sentence += f" Beyond that, criticism found: {named}."
    return sentence


def _pulled(found: Findings) -> str:
    far = [f"{_symbols([label])} by {z_score:+.1f}" for label, z_score in found.pulls.items()]
    if not far:
        return ""
    means = "they cannot both hold" if found.contradicted else "one of them may be wrong"
    return f" Pulled away from the prior: {', '.join(far)} of its standard deviations: {means}."


def _signs(found: Findings) -> str:
    named = ", ".join(found.backwards)
    return named and f" The quadrature of {named} has the opposite sign."


def _symbols(labels: Iterable[str]) -> str:
    return ", ".join(Label.parse(label).symbol for label in labels)


_ADVICE = {
    "sampling": "First mend the sampling, as said above: these numbers cannot be quoted. A model that does not describe"
    " the data is often why it fails; what is said of the data below is a hint where to look.",
    "backwards": "Multiply the quadrature of {} by −1: the weaker lines precess the other way round"
    " (docs/laboratory.md, sign of the RF test). In phase and quadrature may also have been exchanged.",
    "leaning": "The prior of {} ends where the data still want more: its interval is cut off there. Give it a wider"
    " prior; if the bound is certain, something else in data or model is wrong.",
    "outliers": "Look at the values of {} that lie far off and make most of its χ²: if something went wrong there,"
    " exclude them; if nobody knows, take noise = 'student-t'. Where they are neighbours, the model may lack"
    " something.",
    "residuals": "Look at the residuals of {}. A common factor or offset: scale_uncertainty, offset_uncertainty. A"
    " drift of the residuals in time: the model is wrong; try the other closure, look at which light was on when, at"
    " time units and where t = 0 is, at the normalisation (P and Jy are 1 at t = 0) and whether two series were"
    " exchanged.",
    "pulls": "Data and prior disagree about {}. Look for units (ms or s, interval of the bins), a wrong value in"
    " [apparatus], a disturbance that these parameters make up for; or widen the priors, if they were guessed.",
    "criticism": "Look at the criticism of {} before quoting rates: errors that go together or are too small, or a"
    " course that the model does not have, make intervals too narrow; errors given too large make them too wide.",
    "errors": "Look at sigma or repetitions of {}: the values scatter much less than these say.",
    "variances": "Are the values of {} variances? Standard deviations scatter half as much as R says.",
    "moved": "Say what is known of these priors, or measure what separates them: half or twice as wide, or with half or"
    " twice the median, they move other rates by about their ± or more: {}.",
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
        "leaning": [_symbols(found.leaning)] if found.leaning else [],
        "outliers": [series.name for series in misfits if series.outlying],
        "residuals": [series.name for series in misfits if series.misfit_without or not series.outlying],
        "pulls": [_symbols(found.pulls)] if found.pulls else [],
        "criticism": dict.fromkeys(row.series for row in found.surprising),
        "errors": [series.name for series in found.close],
        "variances": [name for name in found.variances if name in quiet],
        "moved": ["; ".join(f"{of} with that of {by}" for by, of in _by_prior(found.moved))] if found.moved else [],
        "assumed": [_symbols(found.from_prior)] if found.from_prior else [],
    }
    steps = tuple(_ADVICE[what].format(", ".join(names)) for what, names in named.items() if names)
    return steps or ("Quote the posterior means with their 94 % intervals, and the priors with them.",)
