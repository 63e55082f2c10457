"""How far the data lie from where the model expects them: a χ² of each series about its posterior prediction.

A first look: the model's scatter counts as independent, and the parameters were fitted to these data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...datasets.kinds import ABSCISSAS
from ...datasets.prediction import whitened
from ...forward_models.light import WhitenessCheck
from ..fits import Fit, arrays_of, checks_in

if TYPE_CHECKING:
    from xarray import DataArray, Dataset, DataTree

SURPRISING = 1e-4
"""Probability of a χ² as large, or as small, by chance, below which a series counts as not described."""
_MOST_OUTLYING, _MOST_OF_SQUARE, _NEARLY = 10, 2 / 3, 2.0
"""One value in so many may be an outlier, if such values make so much of χ²; half as far off is nearly as far."""
OF_VALUES = "values"
INTERVAL = (0.03, 0.97)
OF_NORMAL = 1.8808
"""Beyond ± this a standard normal number lies in 6 % of cases."""


@dataclass(frozen=True)
class Goodness:
    """Of one series, or of the published numbers (`observations`).

    values : how many;  square : χ² of the values about mean and sd of their posterior prediction
    above, below : probability of a larger, a smaller χ² by chance
    inside : share of the values inside their 94 % predictive interval
    of : what the values are; of records the z-scores of the checks of their innovations
    words : what the worst of these would mean; of values, whether a few that lie far off make the misfit
    outlying : whether they do;  misfit_without : whether the others would be a misfit, too
    """

    name: str
    values: int
    square: float
    above: float
    below: float
    inside: float
    of: str = OF_VALUES
    words: str = ""
    outlying: bool = False
    misfit_without: bool = False

    @property
    def misfit(self) -> bool:
        """Whether the values lie farther off than chance would have it."""
        return self.above < SURPRISING

    @property
    def too_good(self) -> bool:
        """Whether they lie closer than their errors say: the errors are too large."""
        return self.below < SURPRISING

    @property
    def text(self) -> str:
        """'χ² 28 for 30 values'."""
        why = f": {self.words}" if self.words and self.misfit else ""
        of = self.of.removesuffix("s") if self.values == 1 else self.of
        return f"χ² {self.square:.0f} for {self.values} {of}{why}"


def goodness(fit: DataTree | Fit) -> list[Goodness]:
    """χ² of each series that was fitted, in the order of the fit, then of the checks of the innovations of records."""
    fit = Fit.of(fit)
    predictive, whiten = fit.tree["posterior_predictive"].dataset, _whitening(fit)
    values, drawn = arrays_of(fit.tree["observed_data"].dataset), arrays_of(predictive)
    found = [_of_values(name, values[name], draws, predictive, whiten) for name, draws in drawn.items()]
    return found + [_of_record(name, checks) for name, checks in checks_in(fit.tree).items()]


def _whitening(fitted: Fit) -> Callable[[str, np.ndarray], np.ndarray]:
    """Of residuals of a series over their spread: what makes independent ones of correlated ones."""
    if not any(series.correlated for series in fitted.experiment.series):
        return lambda name, scaled: scaled
    values = fitted.problem.complete({label: float(drawn.mean()) for label, drawn in fitted.by_label().items()})
    return lambda name, scaled: whitened(fitted.experiment, {name: scaled}, values)[name]


def _of_values(
    name: str,
    values: np.ndarray,
    draws: np.ndarray,
    predictive: Dataset,
    whiten: Callable[[str, np.ndarray], np.ndarray],
) -> Goodness:
    draws = draws.reshape(-1, draws.shape[-1])
    squares = whiten(name, (values - draws.mean(axis=0)) / draws.std(axis=0)) ** 2
    low, high = np.quantile(draws, INTERVAL, axis=0)
    inside = float(np.mean((values >= low) & (values <= high)))
    square = float(squares.sum())
    found = Goodness(name, len(values), square, *_chances(len(values), square), inside)
    far = _outliers(squares) if found.misfit else []
    rest = np.delete(squares, far)
    words = f"{rest.sum():.0f} without {_places(predictive[name], far)}" if far else ""
    without = _chances(len(rest), float(rest.sum()))[0] < SURPRISING
    return replace(found, words=words, outlying=bool(far), misfit_without=without)


def _of_record(name: str, checks: Sequence[WhitenessCheck]) -> Goodness:
    z_scores = np.array([check.z_score for check in checks])
    inside = float(np.mean(abs(z_scores) < OF_NORMAL))
    worst = max(checks, key=lambda check: abs(check.z_score)).words
    square = float((z_scores**2).sum())
    chances = _chances(len(checks), square)
    return Goodness(name, len(checks), square, *chances, inside, "checks of its innovations", worst)


def _chances(values: int, square: float) -> tuple[float, float]:
    """Probability of a larger, and of a smaller χ² of so many values."""
    from scipy.special import gammainc, gammaincc

    half = 0.5 * values, 0.5 * square
    return float(gammaincc(*half)), float(gammainc(*half))


def _outliers(squares: np.ndarray) -> list[int]:
    """The fewest values that make most of χ², and those nearly as far off; none where they are more than a few."""
    order, few = np.argsort(-squares), len(squares) // _MOST_OUTLYING
    fewest = int(np.searchsorted(np.cumsum(squares[order]), _MOST_OF_SQUARE * squares.sum()))
    if fewest >= few:
        return []
    nearly = int(np.sum(squares >= squares[order[fewest]] / _NEARLY**2))
    return sorted(order[: min(nearly, few)].tolist())


def _places(drawn: DataArray, at: list[int]) -> str:
    """'the value at 6.9 ms', 'those at 6.9 ms (cos), 12 ms (sin)'; published numbers by their names."""
    dim = str(drawn.dims[-1])
    places, unit = drawn.coords[dim].values[at], ABSCISSAS.get(dim.removeprefix(f"{drawn.name}_"), "")
    if isinstance(places[0], str):
        return ", ".join(places)
    named = [f"{place:g} {unit}" if unit not in ("", "1") else f"{place:g}" for place in places]
    component = drawn.coords.get(f"{drawn.name}_component")
    if component is not None:
        named = [f"{name} ({which})" for name, which in zip(named, component.values[at], strict=True)]
    return ("the value at " if len(at) == 1 else "those at ") + ", ".join(named)
