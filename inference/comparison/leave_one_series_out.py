"""Prediction of whole series from the others: does P(t) alone predict Jy(t)? Each time the rest is fitted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError, Series
from ...datasets.errors import nearest
from ...datasets.experiment import Label
from ...datasets.prediction import expected, fitted_observations
from ...forward_models import NOISES
from ..checks import NOTABLE_P, PUBLISHED, p_value
from ..fits import DRAWS, POSTERIOR_ACCURACY, Fit, predicted
from ..model import Problem, SamplerSettings, entries
from .data_points import data_points, without
from .refit import fit_of_the_rest

if TYPE_CHECKING:
    from xarray import DataTree

_QUANTILES = (0.03, 0.25, 0.5, 0.75, 0.97)
SHARP, VAGUE = 1.5, 5.0
"""Standard deviation of the prediction over the error of the data: below, as good as a measurement; above, poor."""
_ONE_SIGMA = (0.1587, 0.8413)
_NAMED = 2
_CONTRADICTED = 0.01
"""p-value below which a series contradicts the others."""


@dataclass(frozen=True)
class PredictedSeries:
    """A series predicted from others.

    values : number of points;  inside : share of the points in their 94 % predictive interval
    p_value : two-sided, of the mean square of data minus prediction over its standard deviation, among predicted data
    elpd, se : sum over the points of the log predictive density of each, given the others, and its standard error
    prediction, error : of a point: half of the 68 % interval of what is expected, standard deviation of its noise
    series : as it was measured;  quantiles (5, T) : 3, 25, 50, 75, 97 % of predicted data, with noise, fitted points
    given : what was fitted;  from_prior : parameters that this fit did not have, drawn from their priors
    healthy : whether the sampling of that fit was
    """

    name: str
    values: int
    inside: float
    p_value: float
    elpd: float
    se: float
    prediction: float
    error: float
    series: Series = field(repr=False)
    quantiles: np.ndarray = field(repr=False)
    given: tuple[str, ...] = ()
    from_prior: tuple[str, ...] = ()
    healthy: bool = True

    @property
    def source(self) -> str:
        """What it is predicted from: 'polarization alone', 'the others'."""
        if len(self.given) == 1:
            return f"{self.given[0]} alone"
        return " and ".join(self.given) if len(self.given) <= _NAMED else "the others"

    @property
    def contradicted(self) -> bool:
        """Whether the data are not what the others predict."""
        return self.p_value < _CONTRADICTED

    @property
    def words(self) -> str:
        """What that means: how sharp, and whether right."""
        by, verb = self.source, "predicts" if len(self.given) == 1 else "predict"
        sizes = f"prediction ± {self.prediction:.2g}, errors {self.error:.2g}"
        if self.prediction > VAGUE * self.error:
            said = f"{by} cannot predict {self.name}: {sizes}"
        elif self.prediction > SHARP * self.error:
            said = f"{by} {verb} {self.name} roughly: {sizes}"
        else:
            said = f"{by} {verb} {self.name} as well as it was measured: {sizes}"
        if self.contradicted:
            return f"{said}. The data differ from it (p = {self.p_value:.2g}): these series contradict each other."
        return said + (f". A slight discrepancy (p = {self.p_value:.2g})." if self.p_value < NOTABLE_P else ".")


@dataclass(frozen=True)
class LeftOut:
    """Series predicted from others; `draws` : how many posterior draws each prediction rests on."""

    rows: tuple[PredictedSeries, ...]
    title: str
    simulated: bool
    draws: int

    def facts(self) -> dict[str, Any]:
        """The same as plain values, for --json."""
        names = ("name", "given", "values", "inside", "p_value", "elpd", "se", "prediction", "error", "from_prior",
                 "healthy", "words")  # fmt: skip
        rows = [
            {name: getattr(row, name) for name in names}
            | {"x": row.series.x[row.series.fitted].tolist(), "quantiles": row.quantiles.tolist()}
            for row in self.rows
        ]
        return {"draws": self.draws, "predicted": rows, "quantile_levels": list(_QUANTILES)}


def leave_one_series_out(
    fit: DataTree | Fit,
    *,
    given: Sequence[str] | None = None,
    draws: int = 500,
    tune: int = 300,
    chains: int = 4,
    seed: int = 1,
    cores: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> LeftOut:
    """Predict each series of a fit from all others; or, with `given`, every other series from those alone.

    The rest is fitted again each time. Calibration constants of the left-out series alone (its scale), and parameters
    that the rest does not have, are drawn from their priors.

    Parameters
    ----------
    fit : what `fit` returned
    given : names of series, "observations" for the published numbers; None: all others, one series at a time
    draws, tune, chains, seed, cores : of the sampler, for each fit
    progress : called with the name of the series that is left out, or of those given, before each fit

    Returns
    -------
    LeftOut, with a row per predicted series: elpd, p-value, root mean square of prediction and errors

    Raises
    ------
    ExperimentError : for an unknown name, and where nothing is left to fit or to predict
    """
    fitted = Fit.of(fit)
    experiment = fitted.experiment
    sources = [series.name for series in experiment.series if series.fitted.any()]
    all_sources = sources + ([PUBLISHED] if fitted_observations(experiment) else [])
    plans = _plans(sources, all_sources, given)
    sampler = SamplerSettings(seed, draws, tune, chains, cores)
    rows = []
    for kept, left in plans:
        if progress is not None:
            progress(", ".join(left))
        rows += _predicted(fitted, kept, left, sampler)
    return LeftOut(tuple(rows), experiment.title, experiment.simulated, chains * draws)


def _plans(
    sources: list[str], all_sources: list[str], given: Sequence[str] | None
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What is fitted and what is predicted, for each fit."""
    if given is None:
        if not sources or len(all_sources) < 2:
            raise ExperimentError(
                f"leave one series out: found only {', '.join(all_sources)}, expected a series and something"
                " else that predicts it"
            )
        return [(tuple(s for s in all_sources if s != name), (name,)) for name in sources]
    for name in given:
        if name not in all_sources:
            raise ExperimentError(
                f"given: found {name!r}{nearest(name, all_sources)}, expected one of {', '.join(all_sources)}"
            )
    rest = tuple(name for name in sources if name not in given)
    if not given or not rest:
        raise ExperimentError(
            f"given: found {', '.join(given) or 'nothing'}, expected some of {', '.join(all_sources)}, and a series"
            " left to predict"
        )
    return [(tuple(given), rest)]


def _labels(problem: Problem, names: Sequence[str]) -> set[str]:
    """Parameters that some of the data alone depend on."""
    experiment = problem.experiment
    series = tuple(s for s in experiment.series if s.name in names)
    alone = replace(experiment, series=series, observations=experiment.observations if PUBLISHED in names else ())
    return {str(Label(name, index or "")) for name, index, _ in entries(alone, problem.settings)}


def _predicted(
    fitted: Fit, kept: tuple[str, ...], names: tuple[str, ...], sampler: SamplerSettings
) -> list[PredictedSeries]:
    rest = without(fitted.experiment, [p for p in data_points(fitted.experiment) if p.series not in kept])
    values, by_label, healthy = fit_of_the_rest(replace(fitted.problem, experiment=rest), sampler)
    missing = {u.label for u in fitted.problem.free} - _labels(fitted.problem, kept)
    number, rng = max(np.size(v) for v in values.values()), np.random.default_rng([sampler.seed, 6])
    series = tuple(s for s in fitted.experiment.series if s.name in names)
    whole = replace(fitted.experiment, series=series, records=(), observations=())
    data = predicted(replace(fitted.problem, experiment=whole), values, rng, accuracy=POSTERIOR_ACCURACY)
    step = max(1, number // DRAWS)
    few = {label: v[::step] if np.ndim(v) else v for label, v in values.items()}
    means = expected(whole, few, fitted.problem.dynamics, accuracy=POSTERIOR_ACCURACY).series
    rows = []
    for one in whole.series:
        low, high = np.quantile(np.atleast_2d(means[one.name]), _ONE_SIGMA, axis=0)
        row = _row(one, data.noisy[one.name], data.log_likelihood[one.name], 0.5 * (high - low))
        needed = missing & _labels(fitted.problem, (one.name,))
        from_prior = tuple(label for label in by_label if label in needed)
        rows.append(replace(row, given=kept, from_prior=from_prior, healthy=healthy))
    return rows


def _row(series: Series, noisy: np.ndarray, density: np.ndarray, spread: np.ndarray) -> PredictedSeries:
    """`spread`: standard deviation of what is expected of each point, without noise."""
    use, value = series.fitted, series.value[series.fitted]
    quantiles = np.nanquantile(noisy, _QUANTILES, axis=0)
    middle, wide = np.nanmean(noisy, axis=0), np.nanstd(noisy, axis=0)
    square = [np.mean(((one - middle) / wide) ** 2, axis=-1) for one in (value, noisy)]
    peak = density.max(axis=0)
    pointwise = peak + np.log(np.mean(np.exp(density - peak), axis=0))
    return PredictedSeries(
        name=series.name,
        values=len(value),
        inside=float(np.mean((value >= quantiles[0]) & (value <= quantiles[-1]))),
        p_value=p_value(float(square[0]), square[1][np.isfinite(square[1])]),
        elpd=float(pointwise.sum()),
        se=float(np.sqrt(len(pointwise)) * pointwise.std()),
        prediction=float(np.median(spread[use])),
        error=float(np.median(NOISES[series.noise].scatter(middle, series.spread[use]))),
        series=series,
        quantiles=quantiles,
    )
