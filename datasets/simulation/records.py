"""Simulated records of the continuous measurement, by the exact discretisation: bins as an experiment has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...forward_models import Dynamics
from ...forward_models.light import ContinuousMeasurement, binned_record
from ..experiment import Experiment, RecordSeries
from ..prediction import Values, continuous_measurement


def simulated_like(
    record: RecordSeries, experiment: Experiment, values: Values, rng: np.random.Generator
) -> RecordSeries:
    """Records (2, R, T) of the same run, length and interval, drawn at these parameters (by label, one value each)."""
    measurement, xi, level = continuous_measurement(experiment, record, values, Dynamics())
    shape = (record.repetitions, record.length)
    made = simulate_records(measurement, xi, record.interval, shape, rng, level)
    return replace(record, samples=made, simulated=True)


def simulate_records(
    measurement: ContinuousMeasurement,
    initial_xi: float,
    interval: float,
    shape: tuple[int, int],
    rng: np.random.Generator,
    shot_noise: float = 1.0,
) -> np.ndarray:
    """Records (2, R, T), float32, of both quadratures, in units in which shot noise has the variance `shot_noise`.

    measurement : of numbers, not arrays;  initial_xi : ξ when the records begin;  interval : of a bin, ms
    shape : R records of T bins
    """
    from scipy.signal import lfilter

    r = binned_record(measurement, interval)
    repetitions, length = shape
    size = (2, repetitions, length)
    state_noise = rng.standard_normal(size) * np.sqrt(r.process)
    slope = r.cross / r.process if r.process > 0 else 0.0
    own = np.sqrt(max(r.noise - slope * r.cross, 0.0))
    noise = slope * state_noise + own * rng.standard_normal(size)
    start = rng.standard_normal((2, repetitions, 1)) * np.sqrt(measurement.measurement_rate * initial_xi)
    # x_k from x_0 and the noise of the bins before
    driven = np.concatenate([start, state_noise[..., :-1]], axis=-1)
    state = lfilter([1.0], [1.0, -r.decay], driven, axis=-1)
    return np.asarray(np.sqrt(shot_noise) * (r.signal * state + noise), np.float32)
