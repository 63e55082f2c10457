"""What the model predicts for each series and published number, for NumPy draws and PyTensor graphs alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ...forward_models import Dynamics, RateBounds, polarization_decay_time, transverse_spin_decay_time
from ...forward_models.light import (
    SUBLEVELS,
    ContinuousMeasurement,
    FeedbackMode,
    Precession,
    Readout,
    RecordSums,
    SteadyRun,
    coupling_at_angle,
    expected_sums,
    feedback_mode,
    initial_spin_noise,
    light_variance,
    log_likelihood,
    optimal_mode_rate,
    orientation_beat,
    sublevel_populations,
)
from ..experiment import DECAY_TIMES, TIMELESS, Experiment, Observation, Points, RecordSeries, Series
from ..kinds import VARIANCES
from .rates import Values
from .run_state import RunState, column, run_state, stages_of

_DECAY = dict(zip(DECAY_TIMES, (polarization_decay_time, transverse_spin_decay_time), strict=True))


@dataclass(frozen=True)
class Predictions:
    """Expected values of the data: (…, T) a series, (…) a published number."""

    series: dict[str, Any]
    observations: list[Any]


def predict(
    experiment: Experiment,
    values: Values,
    dynamics: Dynamics,
    *,
    points: Mapping[str, Points] | None = None,
    observations: tuple[Observation, ...] | None = None,
    rate_bounds: Mapping[str, RateBounds] | None = None,
    accuracy: float = 1e-9,
    xp: Any = np,
) -> Predictions:
    """Expected values, calibration errors included (observed = scale × model + offset).

    values : parameters by label; numbers, arrays of one value a draw, or symbolic
    points : for each series where to predict; by default where it was measured
    observations : by default those of the experiment that are fitted
    rate_bounds : by run; needed for symbolic values
    """
    wanted = fitted_observations(experiment) if observations is None else observations
    at = {series.name: series.points if points is None else points[series.name] for series in experiment.series}
    runs = {}
    for run in experiment.runs:
        times = [_times(s, at[s.name]) for s in experiment.series if s.run == run]
        times += [np.array([o.time]) for o in wanted if o.run == run and o.quantity not in TIMELESS]
        bounds = None if rate_bounds is None else rate_bounds.get(run)
        runs[run] = run_state(experiment, run, values, dynamics, times, rate_bounds=bounds, accuracy=accuracy, xp=xp)
    return Predictions(
        {s.name: _expected(s, at[s.name], runs[s.run]) for s in experiment.series},
        [_observation(o, runs[o.run]) for o in wanted],
    )


def _times(series: Series, at: Points) -> np.ndarray:
    """The times of the run at which the state of the atoms matters for a series, that at the start aside."""
    if series.about.abscissa == "time":
        return at.x
    return np.array([series.pulse_time]) if series.pulse_time else np.empty(0)


def moving_runs(experiment: Experiment) -> list[str]:
    """The runs whose populations are followed in time by data that are fitted: all their rates are parameters."""
    runs = {s.run for s in experiment.series if s.modelled.any() and (s.about.abscissa == "time" or s.pulse_time)}
    runs |= {o.run for o in experiment.observations if not o.excluded}
    return [run for run in experiment.runs if run in runs and run not in experiment.constant]


def record_log_likelihood(
    experiment: Experiment, record: RecordSeries, values: Values, dynamics: Dynamics, sums: RecordSums, *, xp: Any = np
) -> Any:
    """Log-density of records, given their sums; see `record_likelihood.log_likelihood` for shapes."""
    run = run_state(experiment, record.run, values, dynamics, [np.array([record.start])], xp=xp)
    measurement, start = cast(ContinuousMeasurement, run.measurement), run.at("xi", np.array([record.start]))
    level = run.value("shot_noise_level", 1.0)
    return log_likelihood(sums, measurement, record.interval, start, level, xp=xp)


def expected_record_sums(
    experiment: Experiment, record: RecordSeries, values: Values, dynamics: Dynamics, count: float
) -> RecordSums:
    """The sums that `count` such records have on average at these parameters (one value each)."""
    measurement, start, level = continuous_measurement(experiment, record, values, dynamics)
    sums = expected_sums(measurement, record.interval, start, 1.0, record.length)
    scale = level * count
    return RecordSums(scale * sums.products, scale * sums.from_start, scale * sums.from_end, count, record.length)


def continuous_measurement(
    experiment: Experiment, record: RecordSeries, values: Values, dynamics: Dynamics
) -> tuple[ContinuousMeasurement, float, float]:
    """Of a record, at one value of each parameter: the measurement, ξ at its beginning, the shot noise; numbers."""
    run = run_state(experiment, record.run, values, dynamics, [np.array([record.start])])

    def number(value: Any) -> float:
        return float(np.ravel(value)[0])

    measurement = ContinuousMeasurement(**{name: number(value) for name, value in vars(run.measurement).items()})
    return measurement, number(run.at("xi", np.array([record.start]))), number(run.value("shot_noise_level", 1.0))


def _expected(series: Series, at: Points, run: RunState) -> Any:
    """Expected values of a series with its calibration errors."""
    mean = _MEANS.get(series.kind, _observable)(series, at, run)
    scale, offset = run.of_series("scale", series), run.of_series("offset", series)
    mean = mean if scale is None else scale * mean
    return mean if offset is None else mean + offset


def _observable(series: Series, at: Points, run: RunState) -> Any:
    mean = run.at(series.kind, at.x)
    if series.kind in VARIANCES and not series.efficiency_in_scale:
        assumed = run.experiment.known("detection_efficiency", run.member).value
        limit = run.value("squeezing_limit")
        mean = limit + run.value("detection_efficiency") / assumed * (mean - limit)
    if series.slope_used:
        mean = mean * run.value("projection_noise_slope") / series.slope_used
    return mean


def _light_variance(series: Series, at: Points, run: RunState) -> Any:
    """In the unit of the measurement: shot noise times what the atoms make of it."""
    noise = light_variance(run.at("xi", at.x), run.readout_at(at.x, series.probe_duration), xp=run.xp)
    return run.value("shot_noise_level", 1.0) * noise


def _coupling(series: Series, at: Points, run: RunState) -> Any:
    readout = Readout(
        swap_rate=0.5 * run.collective_rate() * column(run.initial.p),
        extra_decay_rate=0.5 * run.probe_dephasing(),
        squeezing_limit=run.value("squeezing_limit"),
        duration=series.probe_duration,
    )
    return coupling_at_angle(at.x, run.value("faraday_angle"), readout, xp=run.xp)


def _projection_noise(series: Series, at: Points, run: RunState) -> Any:
    n2, p = column(run.initial.n2), column(run.initial.p)
    return initial_spin_noise(at.x, run.value("projection_noise_slope"), run.value("classical_noise"), n2, p)


def _conditional_xi(series: Series, at: Points, run: RunState) -> Any:
    """With the best weight on all of the light, or with the mode e^{mt} of it."""
    if not series.mode_rate:
        return run.at("conditional_xi", at.x)
    return _mode(series, at.x, run).conditional_xi(run.at("xi", at.x))


def _mode(series: Series, times: np.ndarray, run: RunState) -> FeedbackMode:
    path = cast("SteadyRun", run.trajectory)
    measurement = cast(ContinuousMeasurement, run.measurement)
    return feedback_mode(measurement, series.mode_rate, times, path.initial_xi, xp=run.xp)


def _feedback(series: Series, at: Points, run: RunState) -> Any:
    """var(y_read), var(y_feed) and cov(y_read, y_feed), one after the other for each time."""
    times = at.x[::3]
    readout, mode = run.readout_at(times, series.probe_duration), _mode(series, times, run)
    read = light_variance(run.at("xi", times), readout, xp=run.xp)
    covariance = mode.covariance_with_readout(series.probe_duration, xp=run.xp)
    return run.value("shot_noise_level", 1.0) * interleaved([read, mode.variance, covariance], run.xp)


def interleaved(columns: list[Any], xp: Any) -> Any:
    """Arrays (…, T) as one (…, nT): all first entries, then all second ones, …"""
    stacked = xp.stack(columns, axis=-1)
    return stacked.reshape((*stacked.shape[:-2], -1)) if xp is np else stacked.flatten()


def _shot_noise(series: Series, at: Points, run: RunState) -> Any:
    return run.value("shot_noise_level") + np.zeros(len(at.x))


def _at_pulse(series: Series, run: RunState) -> tuple[Any, Any]:
    """n2 and p when the RF pulse comes, as columns."""
    if series.pulse_time:
        n2, p = (run.at(name, np.array([series.pulse_time])) for name in ("n2", "p"))
        return n2, p
    return column(run.initial.n2), column(run.initial.p)


def tested_populations(experiment: Experiment, series: Series, values: Values) -> list[np.ndarray]:
    """Populations p₄, …, p₋₄ within F = 4, (draws,) each, when an orientation test is made."""
    times = [np.array([series.pulse_time])] if series.pulse_time else []
    run = run_state(experiment, series.run, values, Dynamics(), times)  # populations have no closure
    return [np.ravel(population) for population in beat_populations(series, *_at_pulse(series, run), values)]


def beat_populations(series: Series, n2: Any, p: Any, values: Values) -> list[Any]:
    """Populations of the sub-levels of F = 4: p₃/p₄ from the three-state model, the deeper ones by their ratios."""
    deeper = [column(values[f"population_ratio[{ratio_entry(series, m)}]"]) for m in SUBLEVELS[2:]]
    return sublevel_populations([(n2 - p) / (n2 + p), *deeper])


def ratio_entry(series: Series, m: int) -> str:
    """Entry of `population_ratio` for p_m/p_{m+1} in a series."""
    return f"{series.name}: {m}"


def _orientation_beat(series: Series, at: Points, run: RunState) -> Any:
    n2, p = _at_pulse(series, run)
    precession = Precession(
        run.of_series("beat_in_phase", series),
        run.of_series("beat_quadrature", series),
        run.of_series("beat_detuning", series),
        run.value("quadratic_zeeman"),
        run.of_series("coherence_time", series),
    )
    populations = beat_populations(series, n2, p, run.values)
    both = orientation_beat(at.x[::2], populations, precession, xp=run.xp)  # points are pairs of components
    return interleaved(list(both), run.xp)


_MEANS: dict[str, Callable[[Series, Points, RunState], Any]] = {
    "light_variance": _light_variance,
    "conditional_xi": _conditional_xi,
    "feedback": _feedback,
    "coupling": _coupling,
    "projection_noise": _projection_noise,
    "shot_noise": _shot_noise,
    "orientation_beat": _orientation_beat,
}


def _observation(observation: Observation, run: RunState) -> Any:
    if run.measurement is not None and observation.quantity in TIMELESS:
        rate = run.measurement.decay_rate
        mean = 1 / rate
        if observation.quantity == "optimal_mode_rate":
            mean = optimal_mode_rate(run.measurement, xp=run.xp)
        mean = mean[..., 0] if np.ndim(mean) else mean
    elif observation.quantity in DECAY_TIMES:
        stage = stages_of(run.experiment, observation.run, run.values)[0]
        mean = _DECAY[observation.quantity](stage.rates, run.initial)
    else:
        mean = run.at(observation.quantity, np.array([observation.time]))[..., 0]
    if observation.scale_uncertainty:
        mean = mean * run.values.get(f"scale[{observation.shared_scale or observation.label}]", 1.0)
    return mean


def fitted_observations(experiment: Experiment) -> tuple[Observation, ...]:
    """The published numbers that enter the likelihood."""
    return tuple(o for o in experiment.observations if not (o.excluded or o.left_out))
