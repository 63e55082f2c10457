"""What the model predicts for each series and published number, for NumPy draws and PyTensor graphs alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from ...forward_models import Dynamics, RateBounds, polarization_decay_time, transverse_spin_decay_time
from ...forward_models.light import ContinuousMeasurement, RecordSums, expected_sums, log_likelihood, optimal_mode_rate
from ..experiment import DECAY_TIMES, TIMELESS, Experiment, Observation, RecordSeries, Series
from ..kinds import ORIENTATION_BEAT
from .days import day_in, on_day
from .rates import Values, find, rates_of
from .run_state import Asked, RunState, run_state, run_states
from .series_errors import times_of, with_errors


@dataclass(frozen=True)
class Predictions:
    """Expected values of the data, in the units of the data: arrays of draws (n,), numbers, or symbolic.

    series : by name, (…, T) for T points;  observations : (…) per number
    """

    series: dict[str, Any]
    observations: list[Any]


def expected(
    experiment: Experiment,
    values: Values,
    dynamics: Dynamics,
    *,
    points: Mapping[str, np.ndarray] | None = None,
    observations: tuple[Observation, ...] | None = None,
    rate_bounds: Mapping[str, RateBounds] | None = None,
    accuracy: float = 1e-9,
    xp: Any = np,
) -> Predictions:
    """Expected values of all series and published numbers, calibration errors included.

    Observed = scale × model + offset, see `series_errors`; the model of a series is `Kind.expected` of its kind.

    values : parameters by label, in the units of the table of parameters: numbers, arrays (n,) of one value per draw,
        or symbolic
    points : by series, the abscissas (T,) where it is asked for; by default where it was measured
    observations : by default those of the experiment that are fitted
    rate_bounds : by run, the fastest rates that quadratures must resolve; needed for symbolic values only
    accuracy : of quadratures in time, absolute
    xp : `numpy` or `pytensor.tensor`

    KeyError or TypeError where `values` lack a parameter that the data depend on.
    """
    wanted = fitted_observations(experiment) if observations is None else observations
    at = {series.name: series.x if points is None else points[series.name] for series in experiment.series}
    place = {s.name: (s.run, day_in(values, s.day)) for s in experiment.series}
    asked = {}
    for run, day in dict.fromkeys([*((run, "") for run in experiment.runs), *place.values()]):
        here = [s for s in experiment.series if place[s.name] == (run, day)]
        times = [one for s in here for one in times_of(experiment, s, at[s.name], values)]
        times += [np.array([o.time]) for o in wanted if (o.run, "") == (run, day) and o.quantity not in TIMELESS]
        said, bounds = on_day(values, day), None if rate_bounds is None else rate_bounds.get(run)
        asked[run, day] = Asked(run, said, times, bounds)
    runs = run_states(experiment, asked, dynamics, accuracy=accuracy, xp=xp)
    return Predictions(
        {s.name: with_errors(s, at[s.name], runs[place[s.name]]) for s in experiment.series},
        [_observation(o, runs[o.run, ""]) for o in wanted],
    )


def moving_runs(experiment: Experiment) -> list[str]:
    """The runs whose populations are followed in time by data that are fitted: all their rates are parameters."""
    runs = {s.run for s in experiment.modelled if s.about.abscissa == "time" or s.pulse_time}
    runs |= {o.run for o in experiment.observations if not o.excluded}
    return [run for run in experiment.runs if run in runs and run not in experiment.constant]


def record_log_likelihood(
    experiment: Experiment, record: RecordSeries, values: Values, dynamics: Dynamics, sums: RecordSums, *, xp: Any = np
) -> Any:
    """Log-density (…,) of records of white noise through the atoms, given their sums; may be symbolic.

    sums : of all records, or of groups of them, see `record_likelihood.log_likelihood`
    """
    run = run_state(experiment, record.run, values, dynamics, [np.array([record.start])], xp=xp)
    measurement, start = cast(ContinuousMeasurement, run.measurement), run.at("xi", np.array([record.start]))
    level = run.value("shot_noise_level", 1.0)
    return log_likelihood(sums, measurement, record.interval, start, level, xp=xp)


def expected_record_sums(
    experiment: Experiment, record: RecordSeries, values: Values, dynamics: Dynamics, count: float
) -> RecordSums:
    """The sums that `count` such records have on average at these parameters (one number each)."""
    measurement, start, level = continuous_measurement(experiment, record, values, dynamics)
    return replace(expected_sums(measurement, record.interval, start, level * count, record.length), count=count)


def continuous_measurement(
    experiment: Experiment, record: RecordSeries, values: Values, dynamics: Dynamics
) -> tuple[ContinuousMeasurement, float, float]:
    """Of a record, at one value of each parameter: the measurement, ξ at its beginning, the shot noise; numbers."""
    run = run_state(experiment, record.run, values, dynamics, [np.array([record.start])])

    def number(value: Any) -> float:
        return float(np.ravel(value)[0])

    measurement = ContinuousMeasurement(**{name: number(value) for name, value in vars(run.measurement).items()})
    return measurement, number(run.at("xi", np.array([record.start]))), number(run.value("shot_noise_level", 1.0))


def tested_populations(experiment: Experiment, series: Series, values: Values) -> list[np.ndarray]:
    """Populations p₄, …, p₋₄ within F = 4 (sum 1), (draws,) each, when an orientation test is made (Fig. S.3).

    series : of the kind orientation_beat
    """
    times = [np.array([series.pulse_time])] if series.pulse_time else []
    run = run_state(experiment, series.run, on_day(values, series.day), Dynamics(), times)  # there is no closure
    return [np.ravel(population) for population in ORIENTATION_BEAT.populations_of(series, run)]


def _observation(observation: Observation, run: RunState) -> Any:
    if run.measurement is not None and observation.quantity in TIMELESS:
        rate = run.measurement.decay_rate
        mean = 1 / rate
        if observation.quantity == "optimal_mode_rate":
            mean = optimal_mode_rate(run.measurement, xp=run.xp)
        mean = mean[..., 0] if np.ndim(mean) else mean
    elif observation.quantity in DECAY_TIMES:
        entry, depth = run.experiment.run_stages(run.name)[0], run.experiment.run_depth.get(run.name, 1.0)
        rates = rates_of(run.values, entry, depth, run.member)
        if observation.quantity == "polarization_decay_time":
            mean = polarization_decay_time(rates, run.initial, find(run.values, "probe_weight", run.member))
        else:
            mean = transverse_spin_decay_time(rates, run.initial)
    else:
        mean = run.at(observation.quantity, np.array([observation.time]))[..., 0]
    if observation.scale_uncertainty:
        mean = mean * run.values.get(f"scale[{observation.shared_scale or observation.label}]", 1.0)
    return mean


def fitted_observations(experiment: Experiment) -> tuple[Observation, ...]:
    """The published numbers that enter the likelihood."""
    return tuple(o for o in experiment.observations if not (o.excluded or o.left_out))
