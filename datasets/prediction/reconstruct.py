"""ξ(t) as the light tells it, with the uncertainty of everything that its reconstruction needs."""

from __future__ import annotations

import numpy as np

from ...forward_models import NOISES, Dynamics
from ...forward_models.light import optimal_mode_rate, xi_of_light_variance
from ...forward_models.noise import gamma_shape
from ..experiment import Experiment, RecordSeries, Series
from .days import on_day
from .modes import Mode, quadratures, two_modes
from .rates import Values
from .run_state import measurement_in, run_state


def reconstructed_xi(
    experiment: Experiment,
    series: Series,
    values: Values,
    dynamics: Dynamics,
    rng: np.random.Generator,
    accuracy: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,), ms, and draws (n, T) of ξ at the start of each probe pulse of a `light_variance` series.

    For each draw of the parameters (σ², η, γs, γextra, Z, n_b, …) the variance of the light is drawn from what its
    R shots leave open (a scaled inverse χ² with their degrees of freedom, prior flat in its logarithm) and inverted
    by the lossy readout, not by (S.1). The model enters through the decay during the pulse only.
    """
    fitted = series.fitted
    each = len(series.about.components)
    times = series.x[fitted][::each]
    run = run_state(experiment, series.run, on_day(values, series.day), dynamics, [times], accuracy=accuracy)
    measured = series.value[fitted].reshape(-1, each).mean(axis=1)
    shape = gamma_shape(series.spread[fitted][::each], each * NOISES[series.noise].quadratures)
    draws = max(np.size(v) for v in values.values())
    true = measured * shape / rng.standard_gamma(np.broadcast_to(shape, (draws, len(times))))
    level = run.value("shot_noise_level", 1.0)
    return times, xi_of_light_variance(true / level, run.readout_at(times, series.probe_duration))


_MOST_POINTS = 8
_OF_DECAY, _OF_RECORD = 0.5, 0.2
"""Length of the pulse that reads the atoms out: this share of 1/γ, and at most this share of the record."""


def reconstructed_from_records(
    experiment: Experiment, record: RecordSeries, values: Values, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Times (T,), ms from the beginning of the records, and draws (n, T) of "xi" and "conditional_xi", as in Fig. 2d.

    At each time a stretch of the record that follows reads the atoms out, in the mode e^{−γt}; what is before it
    predicts the result, in the mode e^{γm t}, both at the median rates of `values`. The variances are inverted by the
    lossy readout of each draw, as in `reconstructed_xi`. None where there is but one record.
    """
    if record.fitted.sum() < 2:
        return np.empty(0), {}
    run = run_state(experiment, record.run, values, Dynamics(), [])
    measurement = measurement_in(experiment, record.run, values)
    gamma, best = float(np.median(measurement.decay_rate)), float(np.median(optimal_mode_rate(measurement)))
    level = run.value("shot_noise_level", 1.0)
    pulse = readout_pulse(record, gamma)
    last = record.length - round(pulse / record.interval)
    bins = np.unique(np.round(np.linspace(0, last, min(_MOST_POINTS, last + 1))).astype(int))
    pairs = [_moments(record, k * record.interval, pulse, gamma, best) for k in bins]
    readout = run.readout_at(np.empty(0), pulse)
    draws = max(np.size(v) for v in values.values())
    found = {}
    for place, (kind, lost) in enumerate((("xi", 0), ("conditional_xi", 1))):
        shape = 0.5 * (2 * (int(record.fitted.sum()) - 1) - lost)
        variance = np.array([pair[place] for pair in pairs]) * shape / rng.standard_gamma(shape, (draws, len(bins)))
        found[kind] = np.asarray(xi_of_light_variance(variance / level, readout))
    return bins * record.interval, found


def readout_pulse(record: RecordSeries, gamma: float) -> float:
    """Duration of the stretch of a record that reads the atoms out, ms: whole bins."""
    wanted = min(_OF_DECAY / gamma, _OF_RECORD * record.duration)
    return record.interval * max(1, round(wanted / record.interval))


def _moments(record: RecordSeries, time: float, pulse: float, gamma: float, best: float) -> tuple[float, float]:
    """Variance of y_read at a time, and what is left of it when y_feed is known."""
    read = Mode(time, time + pulse, gamma)
    if time == 0:
        read_alone = quadratures(record, read)
        variance = float(read_alone.var(axis=0, ddof=1).mean())
        return variance, variance
    both = two_modes(record, read, Mode(0.0, time, best, falling=False))
    return both.read, both.conditional
