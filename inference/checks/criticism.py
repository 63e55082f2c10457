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
    rows = [_row(one, statistic, limit) for one, statistic in pairs]
    rows += [_row_of_record(name, check, limit) for name, checks in of_records.items() for check in checks]
    about = str(fit.tree.attrs["title"]), bool(fit.tree.attrs["simulated"])
    return Criticism(tuple(row for row in rows if row is not None), number, limit, *about)


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
    return _p_value(_beyond(observed, replicated), len(replicated))


def _p_value(beyond: np.ndarray, number: int) -> float:
    return min(1.0, max(2 * float(beyond.min()) / number, smallest_p_value(number)))


def _beyond(observed: float, replicated: np.ndarray) -> np.ndarray:
    """How many lie below and above, (2,), ties counted half."""
    ties = 0.5 * np.sum(replicated == observed)
    return np.array([np.sum(replicated < observed) + ties, np.sum(replicated > observed) + ties])


def _resolved(one: Replicated, statistic: Statistic, observed: float, drawn: np.ndarray, limit: float) -> float:
    """The p-value, from further replications where these are too few to tell on which side of the limit it is.

    Until ten lie beyond the data, or the smallest p-value that can be shown is the limit.
    Source: Besag & Clifford, Biometrika 78, 301 (1991).
    """
    beyond, number, rng = _beyond(observed, drawn), len(drawn), np.random.default_rng(0)
    most = max(1, MOST_NUMBERS // (len(one.x) + _BESIDES))
    while beyond.min() < _BEYOND and smallest_p_value(number) > limit:
        more = one.further(statistic.of, rng, min(most, int(2 / limit) - number + 1))
        found = statistic(one.x, more, one.spread)
        found = found[np.isfinite(found)]
        if not len(found):
            break
        beyond, number = beyond + _beyond(observed, found), number + len(found)
    return _p_value(beyond, number)


def _suits(one: Replicated, statistic: Statistic) -> bool:
    if one.name == PUBLISHED and not one.kind:  # of different quantities: they have no course
        return statistic.of == "residuals" and statistic.least <= min(2, len(one.x))
    return statistic.suits(one.kind, one.abscissa, len(one.x))


def _row(one: Replicated, statistic: Statistic, limit: float) -> StatisticRow | None:
    observed, drawn = (statistic(one.x, values, one.spread) for values in one.both(statistic.of))
    if np.ndim(observed) or not np.isfinite(observed) or np.shape(drawn) != one.replicated.shape[:1]:
        raise ExperimentError(
            f"criticism: statistic {statistic.name}: found the shape {np.shape(observed)} or no finite number for the"
            f" data of {one.name}, expected one number per row of values (…, T)"
        )
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < min(_FEWEST, len(one.replicated)):
        return None
    unit = f"1/{one.unit}" if statistic.unit == "1/ms" and one.unit not in ("", "1") else statistic.unit
    what = (one.name, statistic.name, statistic.meaning, unit)
    p = _resolved(one, statistic, float(observed), drawn, limit)
    return _judged(what, float(observed), drawn, p, limit, statistic.small, statistic.large)


def _judged(
    what: tuple[str, str, str, str], observed: float, drawn: np.ndarray, p: float, limit: float, small: str, large: str
) -> StatisticRow:
    """The row of a statistic; `what` : series, statistic, meaning, unit."""
    low, middle, high = (float(q) for q in np.quantile(drawn, _INTERVAL))
    words = large if observed > middle else small
    if p > limit:
        words = f"unusual, not surprising: {words}" if p < NOTABLE_P else _EXPECTED
    return StatisticRow(*what, observed, low, middle, high, p, p <= limit, words, drawn)
