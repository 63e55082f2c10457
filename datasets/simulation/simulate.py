"""Simulated experiments: the model's own data with noise, always marked as simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...forward_models import NOISES, Closure, Dynamics
from ..errors import ExperimentError
from ..experiment import (
    MAIN_RUN,
    SERIES_ERRORS,
    Experiment,
    Known,
    Label,
    Observation,
    Series,
    StageEntry,
    Truth,
    by_label,
    check_choice,
    check_experiment,
)
from ..formats import to_tree
from ..kinds import KINDS
from ..prediction import data_of_series, expected
from .believed import believed, believed_like, known_of
from .records import simulated_like
from .sixteen_levels import ROOM_TEMPERATURE, of_model, still_true, without_other_models
from .truth import NUISANCES, true_values, truth_labels, without_other_forms

if TYPE_CHECKING:
    from xarray import DataTree

_DRAWN: dict[str, Callable[[np.random.Generator], float]] = {
    "noise_correlation": lambda rng: rng.uniform(0.0, 0.95),
    "discrepancy": lambda rng: rng.standard_normal(),
    "amplitude": lambda rng: 1.0,
    "offset": lambda rng: 0.0,
}
"""What else a series may have for itself, where no true value is given."""
_DECIMALS = 6  # so that a last bit of a library's exp() does not make other bytes on another machine


def SeriesPlan(  # noqa: N802
    kind: str,
    times: Any,
    spread: Any,
    noise: str = "",
    name: str = "",
    scale_uncertainty: float = 0.0,
    **said: Any,
) -> Series:
    """A series to be measured, without values (NaN).

    Parameters
    ----------
    kind : of the series: xi, polarization, light_variance, …
    times (T,): times (ms), or angles (deg), or running numbers: what the kind is measured against
    spread : standard deviation, or repetitions R for Gamma noise; one number or (T,)
    noise : the kind's own by default;  name : by default that of the kind
    scale_uncertainty : relative, of the whole series
    said : whatever else can be said of a `Series`: offset_uncertainty, tail, run, probe_duration (ms), …

    Raises
    ------
    ExperimentError : for an unknown kind or noise, or spreads that are not positive
    """
    check_choice("series: kind", kind, tuple(KINDS))
    count, chosen = len(KINDS[kind].components), noise or KINDS[kind].noises[0]
    check_choice("series: noise", chosen, tuple(NOISES))
    x = np.asarray(times, float)
    spreads = np.broadcast_to(np.asarray(spread, float), x.shape)
    if not (np.isfinite(spreads) & (spreads > 0)).all():
        raise ExperimentError(f"series {name or kind!r}: spread: found {spreads.min():g}, expected positive numbers")
    return Series(
        name=name or kind,
        kind=kind,
        x=np.repeat(x, count),
        value=np.full(len(x) * count, np.nan),
        spread=np.repeat(spreads, count),
        noise=chosen,
        component=KINDS[kind].component_numbers(len(x) * count),
        scale_uncertainty=scale_uncertainty,
        **said,
    )


def simulate(
    stages: Sequence[StageEntry],
    series: Sequence[Series],
    parameters: Mapping[str, float] | None = None,
    *,
    closure: Closure = "microscopic",
    seed: int,
    title: str = "simulated experiment",
    apparatus: Mapping[str, Known] | None = None,
    description: str = "",
) -> DataTree:
    """A simulated experiment as an xarray.DataTree; the same arguments give the same bytes.

    Parameters
    ----------
    stages : the stages of the run `main`
    series : what is measured, when, and how noisily: each a `SeriesPlan`, or a series whose values do not count
    parameters : true values by label, over the paper's own (`PAPER`); rates in ms⁻¹
    closure : of the truth
    seed : of the noise and of the common scale and offset errors, which are drawn once per series
    apparatus : what the lab knows beforehand; by default d ± 5 % and Z ± 0.005

    Raises
    ------
    ExperimentError : for an unknown parameter, kind or noise, times outside the stages
    InvalidValue : for values that the physics does not allow
    """
    experiment = Experiment(
        title=title,
        simulated=True,
        stages=tuple(replace(stage, run=MAIN_RUN) for stage in stages),
        series=tuple(replace(one, spread=np.broadcast_to(one.spread, one.x.shape)) for one in series),
        description=description,
    )
    values = true_values(experiment, by_label(parameters or {}, "parameters"), closure)
    experiment = replace(experiment, apparatus=believed(values) if apparatus is None else dict(apparatus))
    return to_tree(measured(experiment, values, closure, seed))


def simulate_like(
    experiment: Experiment,
    parameters: Mapping[str, float] | None = None,
    *,
    closure: Closure = "microscopic",
    seed: int,
    model: str = "",
) -> DataTree:
    """An experiment like `experiment`, simulated by the model at these parameters.

    Everything stays the same except the values of its series, records and observations, which are drawn.

    Parameters
    ----------
    parameters : true values by label, over the recorded truth (if `experiment` is simulated), what the lab knows, and
        the paper's own (`PAPER`), which count where all runs follow the populations in time; rates in ms⁻¹
    closure, seed : as in `simulate`
    model : "sixteen-level", also with what `VARIANTS` adds by +: atoms with sixteen levels, whose temperature and other
        entries of the apparatus are true, as in a fit by this model; a temperature in `parameters` means it, too. What
        other variants added to a recorded truth is left out

    Raises
    ------
    ExperimentError : where there is no series to imitate, for a joint experiment, and where a true value is missing
    """
    if not experiment.parts and not experiment.constant:
        raise ExperimentError(f"{experiment.title!r}: found no series, expected one to imitate")
    given = (of_model(model) if model else {}) | by_label(parameters or {}, "parameters")
    recorded = {} if experiment.truth is None else experiment.truth.parameters
    recorded = {k: v for k, v in recorded.items() if Label.parse(k).name not in (*SERIES_ERRORS, "discrepancy")}
    recorded = without_other_models(recorded, model) if model else recorded
    sixteen = bool(model) or "temperature" in given | recorded
    other = {name: value for name, value in (recorded | given).items() if name in ("temperature", "drive_detuning")}
    known = known_of(experiment, other, sixteen=sixteen)
    if sixteen:
        given = {"temperature": (known | recorded).get("temperature", ROOM_TEMPERATURE)} | given
        recorded = still_true(recorded, given)
    planned = replace(
        experiment,
        title=f"simulated: like {experiment.title.removeprefix('simulated: ')}"[:300],
        description=f"Made by the {closure} closure{', sixteen levels' if sixteen else ''}; not measured.",
        series=tuple(replace(one, left_out=None) for one in experiment.series),
        truth=None,
    )
    if experiment.constant:
        if sixteen:
            raise ExperimentError(f"{experiment.title!r}: found a run with constant rates, expected none of them with"
                                  " sixteen levels")  # fmt: skip
        values = known | {"shot_noise_level": 1.0} | recorded | given
    elif experiment.members:
        raise ExperimentError(f"{experiment.title!r}: found a joint experiment, expected a single one")
    else:
        possible = truth_labels(experiment, closure, sixteen=sixteen)
        known = {name: value for name, value in known.items() if name in possible}
        known = without_other_forms(without_other_forms(known, recorded) | recorded, given)
        values = true_values(experiment, known | given, closure)
        planned = replace(planned, apparatus=believed_like(experiment, values, given) or believed(values))
    try:
        return to_tree(measured(planned, values, closure, seed))
    except (KeyError, TypeError) as error:
        raise ExperimentError(
            f"{experiment.title!r}: found true values of {', '.join(values)} only, expected one of each parameter of"
            " its model (dissentangle check lists them)"
        ) from error


def measured(experiment: Experiment, values: Mapping[str, float], closure: Closure, seed: int) -> Experiment:
    """A planned experiment as it comes out at these true values (all of them, by label): series, records, numbers."""
    blank = tuple(replace(one, value=_possible(one)) for one in experiment.series)
    check_experiment(replace(experiment, series=blank, records=()), "simulate")
    said = {name: experiment.known(name).value for name in NUISANCES if experiment.knows(name)}
    values, rng = said | dict(values), np.random.default_rng(seed)
    series = tuple(_measured(one, experiment, values, closure, rng) for one in experiment.series)
    records = tuple(simulated_like(record, experiment, values, rng) for record in experiment.records)
    observations = _observed(experiment, values, closure, rng)
    truth = Truth(values, closure, seed)
    done = replace(experiment, series=series, records=records, observations=observations, truth=truth, simulated=True)
    return check_experiment(done, "simulate")


def _possible(series: Series) -> np.ndarray:
    """Values to check the rest of a series with, while there are none: variances of 1 without covariance."""
    values = np.ones(len(series.x))
    if NOISES[series.noise].family == "wishart":
        values[2::3] = 0.0
    return values


def _measured(
    series: Series, experiment: Experiment, values: dict[str, float], closure: Closure, rng: np.random.Generator
) -> Series:
    """The series as it comes out; its calibration errors are drawn, and put into `values`."""
    for name, size in series.errors.items():
        label = str(Label(name, series.name))
        if label not in values:
            values[label] = float(rng.normal(SERIES_ERRORS[name], size))
    for key in (*series.noise_parameters, *series.free):
        if str(Label(*key)) not in values:
            values[str(Label(*key))] = float(_DRAWN[key[0]](rng))
    alone = replace(experiment, series=(series,))
    mean = np.broadcast_to(
        expected(alone, values, Dynamics(closure), accuracy=1e-12).series[series.name], series.x.shape
    )
    drawn = data_of_series(series, np.ones(len(series.x), bool)).draw(rng, mean, values)
    return replace(series, value=np.round(drawn, _DECIMALS))


def _observed(
    experiment: Experiment, values: dict[str, float], closure: Closure, rng: np.random.Generator
) -> tuple[Observation, ...]:
    """The single numbers as they come out, also those that are not fitted; their common scale errors are drawn."""
    for one in experiment.observations:
        label = str(Label("scale", one.shared_scale or one.label))
        if one.scale_uncertainty and label not in values:
            values[label] = float(rng.normal(1.0, one.scale_uncertainty))
    alone, numbers = replace(experiment, series=(), records=()), experiment.observations
    if not numbers:
        return ()
    means = expected(alone, values, Dynamics(closure), observations=numbers, accuracy=1e-12).observations
    drawn = [float(rng.normal(np.ravel(mean)[0], one.sigma)) for mean, one in zip(means, numbers, strict=True)]
    return tuple(replace(one, value=round(value, _DECIMALS)) for one, value in zip(numbers, drawn, strict=True))
