"""Criticism of a fit: could the fitted model have produced these data? Posterior predictive checks.

For each statistic of each series: the value of the data, those of the replications (posterior predictive draws), and
the two-sided posterior predictive p-value, ties counted half. Those of statistics of values are conservative: the
parameters were fitted to the same data, so p crowds about 1 where the model is right, and is small more rarely than
chance would have it. For statistics of residuals each replication is refitted (linearised), which makes p nearly
uniform.
Source: Gelman, Meng & Stern, Stat. Sinica 6, 733 (1996).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...forward_models.light import WhitenessCheck
from ..fits import Fit, checks_in
from ..shown import Shown
from .replications import MOST_NUMBERS, PUBLISHED, Replicated, replications
from .statistics import STATISTICS, Statistic

if TYPE_CHECKING:
    from xarray import DataTree

FAMILY = 0.03
"""Chance that any of the statistics of a right model is called surprising (Bonferroni); 4.5 % of 750 fits were."""
NOTABLE_P = 0.05
_INTERVAL = (0.03, 0.5, 0.97)
_OF_RECORDS = 4000
"""Numbers that stand for the law of a check of innovations."""
_EXPECTED = "as the model expects"
_BEYOND = 10
"""Replications beyond the data with which their share is known well enough."""
_MOST = 5000
_BESIDES = 300
"""Numbers of the parameters beside those of the points of a replication."""
_FEWEST = 100
"""Replications with fewer defined values of a statistic than this give no p-value."""


@dataclass(frozen=True)
class StatisticRow:
    """One statistic of one series.

    observed : of the data;  low, median, high : 94 % interval and median of the replications
    p_value : two-sided;  surprising : below the limit for this many statistics;  words : one sentence
    replicated : values of all replications
    """

    series: str
    statistic: str
    meaning: str
    unit: str
    observed: float
    low: float
    median: float
    high: float
    p_value: float
    surprising: bool
    words: str
    replicated: np.ndarray = field(repr=False, compare=False)

    @property
    def expected(self) -> bool:
        """Whether there is nothing to say of it."""
        return self.words == _EXPECTED


@dataclass(frozen=True, repr=False)
class Criticism(Shown):
    """All statistics that were looked at. replications : how many; limit : p-value below which one is surprising.

    title, simulated : of the experiment
    """

    kind = "criticism"
    rows: tuple[StatisticRow, ...]
    replications: int
    limit: float
    title: str = ""
    simulated: bool = False

    @property
    def surprising(self) -> tuple[StatisticRow, ...]:
        """The statistics that the model would hardly give, the smallest p-value first."""
        return tuple(sorted((row for row in self.rows if row.surprising), key=lambda row: row.p_value))

    @property
    def verdict(self) -> str:
        """In words, with the number of statistics examined."""
        number = len(self.rows)
        if not number:
            return "No series has enough points for any statistic."
        looked = f"{number} statistic{'s' * (number > 1)} examined, {self.replications} replications"
        chance = min(1.0, number * self.limit)
        limit = f"surprising below p = {self.limit:.2g} (a right model: in about {100 * chance:.0f} % of fits)"
        if not self.surprising:
            below = sum(row.p_value < NOTABLE_P for row in self.rows)
            also = f"; {below} below {NOTABLE_P:g}, about {NOTABLE_P * number:.0f} expected by chance" if below else ""
            return f"Nothing surprising: {looked}, {limit}{also}."
        return f"Surprising: {len(self.surprising)} of {looked}, {limit}."

    def facts(self) -> dict[str, Any]:
        """The same as plain values, for --json."""
        names = ("series", "statistic", "meaning", "unit", "observed", "low", "median", "high", "p_value", "surprising")
        return {
            "verdict": self.verdict,
            "limit": self.limit,
            "replications": self.replications,
            "statistics": [{n: getattr(row, n) for n in (*names, "words")} for row in self.rows],
        }


def criticize(fit: DataTree | Fit, *, statistics: Mapping[str, Statistic] = STATISTICS) -> Criticism:
    """Posterior predictive checks of a fit: statistics of each series, as far as they suit it.

    Gelman, Meng & Stern, Stat. Sinica 6, 733 (1996); see this module for what the p-values are.

    Parameters
    ----------
    fit : what `fit` returned
    statistics : by name; for one of your own, `STATISTICS | {"mine": Statistic("mine", "what it is", function)}` with
        a function of times (T,), values (…, T), spread (T,), or of single (T,) with `by_row=True`

    Raises
    ------
    ExperimentError : for a fit without replications, and a statistic that gives no number for the data
    """
    fit = Fit.of(fit)
    for group in ("posterior_predictive", "observed_data"):
        if group not in fit.tree.children:
            raise ExperimentError(f"criticism: found no group {group!r} in this fit, expected one that `fit` made")
    found, of_records = replications(fit), checks_in(fit.tree)
    pairs = [(one, statistic) for one in found for statistic in statistics.values() if _suits(one, statistic)]
    number = min((len(one.replicated) for one in found), default=_OF_RECORDS)
    looked_at = len(pairs) + sum(len(checks) for checks in of_records.values())
    limit = FAMILY / max(looked_at, 1)
    placed = [(one, _placed(one, statistic)) for one, statistic in pairs]
    for one in found:
        _resolve(one, [place for of, place in placed if of is one and place is not None], limit)
    rows = [place.row(one, limit) for one, place in placed if place is not None]
    rows += [_row_of_record(name, check, limit) for name, checks in of_records.items() for check in checks]
    about = str(fit.tree.attrs["title"]), bool(fit.tree.attrs["simulated"])
    return Criticism(tuple(rows), number, limit, *about)


def _row_of_record(name: str, check: WhitenessCheck, limit: float) -> StatisticRow:
    """A check of innovations, whose law is known: standard normal."""
    from scipy.special import erfc, ndtri

    expected = ndtri((np.arange(_OF_RECORDS) + 0.5) / _OF_RECORDS)
    p = float(erfc(abs(check.z_score) / np.sqrt(2)))
    what = (name, check.label, f"innovations, {check.label} (score)", "1")
    return _judged(what, check.z_score, expected, p, limit, check.words, check.words)


def smallest_p_value(replicated: int) -> float:
    """The smallest two-sided p-value that so many replications can show: one of them beyond, data included."""
    return min(1.0, 2 / (replicated + 1))


def p_value(observed: float, replicated: np.ndarray) -> float:
    """Two-sided posterior predictive p-value, ties counted half; not below what the replications can show."""
    return min(1.0, max(2 * _beyond(observed, replicated) / len(replicated), smallest_p_value(len(replicated))))


def _beyond(observed: float, replicated: np.ndarray) -> float:
    """How many lie beyond, on the side where these are fewer."""
    above = float(np.sum(replicated > observed) + 0.5 * np.sum(replicated == observed))
    return min(above, len(replicated) - above)


def p_value_by_tail(observed: float, replicated: np.ndarray) -> float:
    """Where none lies beyond: the two-sided p-value if the outermost 2 % on that side fall off exponentially.

    Too large for tails that fall faster, as those of all statistics of Gaussian noise do.
    """
    middle = np.median(replicated)
    away = np.sort((replicated - middle) * np.sign(observed - middle))
    outermost = max(2, len(away) // 50)
    begin = away[-outermost - 1]
    width = max(float((away[-outermost:] - begin).mean()), 1e-300)
    return float(2 * outermost / len(away) * np.exp(-max(abs(observed - middle) - begin, 0.0) / width))


@dataclass
class _Place:
    """Where the data's value of a statistic is among those of replications.

    drawn : of the first replications, as far as they have one;  values : also of further ones
    """

    statistic: Statistic
    observed: float
    drawn: np.ndarray

    def __post_init__(self) -> None:
        self.values, self.ended = self.drawn, False

    def settled(self, limit: float) -> bool:
        """Whether it is known on which side of the limit the p-value is, or must be guessed."""
        number = len(self.values)
        enough = _beyond(self.observed, self.values) >= _BEYOND or smallest_p_value(number) <= limit
        return bool(enough or number >= _MOST or self.ended)

    def add(self, values: np.ndarray) -> None:
        """Those of further replications."""
        found = values[np.isfinite(values)]
        self.values, self.ended = np.concatenate([self.values, found]), not len(found)

    def p_value(self, limit: float) -> float:
        """By counting; where that ends above the limit, by the tail."""
        counted, least = p_value(self.observed, self.values), smallest_p_value(len(self.values))
        if counted > least or least <= limit:
            return counted
        return min(counted, p_value_by_tail(self.observed, self.values))

    def row(self, one: Replicated, limit: float) -> StatisticRow:
        """What is shown of it."""
        statistic = self.statistic
        unit = f"1/{one.unit}" if statistic.unit == "1/ms" and one.unit not in ("", "1") else statistic.unit
        what = (one.name, statistic.name, statistic.meaning, unit)
        return _judged(what, self.observed, self.drawn, self.p_value(limit), limit, statistic.small, statistic.large)


def _resolve(one: Replicated, placed: list[_Place], limit: float) -> None:
    """Further replications of a series, where these are too few to tell on which side of the limit p-values are.

    Until ten lie beyond the data, the smallest p-value that can be shown is the limit, or there are 5000.
    Source: Besag & Clifford, Biometrika 78, 301 (1991).
    """
    most = max(1, MOST_NUMBERS // (len(one.x) + _BESIDES))
    for of in ("values", "residuals"):
        rng = np.random.default_rng(0)
        while unsettled := [place for place in placed if place.statistic.of == of and not place.settled(limit)]:
            wanted = min(int(2 / limit) + 1, _MOST) - min(len(place.values) for place in unsettled)
            more = one.further(of, rng, min(most, wanted))
            for place in unsettled:
                place.add(place.statistic(one.x, more, one.spread))


def _suits(one: Replicated, statistic: Statistic) -> bool:
    if one.name == PUBLISHED and not one.kind:  # of different quantities: they have no course
        return statistic.of == "residuals" and statistic.least <= min(2, len(one.x))
    return statistic.suits(one.kind, one.abscissa, len(one.x))


def _placed(one: Replicated, statistic: Statistic) -> _Place | None:
    observed, drawn = (statistic(one.x, values, one.spread) for values in one.both(statistic.of))
    if np.ndim(observed) or not np.isfinite(observed) or np.shape(drawn) != one.replicated.shape[:1]:
        raise ExperimentError(
            f"criticism: statistic {statistic.name}: found the shape {np.shape(observed)} or no finite number for the"
            f" data of {one.name}, expected one number per row of values (…, T)"
        )
    drawn = drawn[np.isfinite(drawn)]
    return None if len(drawn) < min(_FEWEST, len(one.replicated)) else _Place(statistic, float(observed), drawn)


def _judged(
    what: tuple[str, str, str, str], observed: float, drawn: np.ndarray, p: float, limit: float, small: str, large: str
) -> StatisticRow:
    """The row of a statistic; `what` : series, statistic, meaning, unit."""
    low, middle, high = (float(q) for q in np.quantile(drawn, _INTERVAL))
    words = large if observed > middle else small
    if p > limit:
        words = f"unusual, not surprising: {words}" if p < NOTABLE_P else _EXPECTED
    return StatisticRow(*what, observed, low, middle, high, p, p <= limit, words, drawn)
