"""Records of the continuous measurement: speed of their likelihood, recovery, and the paper's reduced statistics.

python benchmarks/records.py speed                 likelihood and gradient against two libraries' Kalman filters
python benchmarks/records.py coverage 300          simulation-based calibration and coverage, 1,000 records per run
python benchmarks/records.py reduced 40            whole records against var(y_read), var(y_feed), covariance
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from functools import partial

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import ConstantRun, Experiment, Known, RecordSeries, StageEntry, feedback_series
from dissentangle.datasets.simulation.make_bundled import FIG2D, LIGHTS_OF_FIG2D
from dissentangle.datasets.simulation.records import simulate_records
from dissentangle.datasets.simulation.simulate import measured
from dissentangle.forward_models.light import (
    ContinuousMeasurement,
    binned_record,
    log_likelihood,
    optimal_mode_rate,
    reduce,
    steady_conditional_xi,
)
from dissentangle.inference.model import Problem
from dissentangle.inference.sampling import prepared
from dissentangle.inference.sampling.sample import FastSampler

M = ContinuousMeasurement(0.122, 0.148, 0.16, 1.78, 0.84)
INTERVAL, START = 0.02, 1.0
LIGHTS = "drive+pump+repump"


def planned(repetitions: int, samples: int, interval: float) -> Experiment:
    """Two runs from different initial states, without data."""
    nothing = np.zeros((2, repetitions, samples), np.float32)
    runs = ("coherent", "noisy")
    return Experiment(
        title="simulated records",
        simulated=True,
        stages=tuple(StageEntry(samples * interval, LIGHTS_OF_FIG2D, run) for run in runs),
        constant=dict.fromkeys(runs, ConstantRun()),
        records=tuple(RecordSeries(f"record-{run}", nothing, interval, run=run) for run in runs),
        apparatus={"squeezing_limit": Known(0.16, 0.005), "detection_efficiency": Known(0.84, 0.03)},
        priors={"initial_xi[coherent]": "lognormal(1, 0.02)", "initial_xi[noisy]": "lognormal(2, 0.5)"},
    )


def each(function, least: float = 1.0) -> float:
    """Seconds of CPU of one call, from calls for at least so long."""
    function()
    count, begin = 0, time.process_time()
    while time.process_time() - begin < least or not count:
        function()
        count += 1
    return (time.process_time() - begin) / count


def by_statsmodels(records: np.ndarray) -> float:
    from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

    r = binned_record(M, INTERVAL)
    slope = r.cross / r.noise  # its noises are independent: the state holds x and the noise of the bin
    total = 0.0
    for record in records:
        f = KalmanFilter(k_endog=1, k_states=2)
        f["design"], f["transition"] = np.array([[r.signal, 1.0]]), np.array([[r.decay, slope], [0.0, 0.0]])
        f["selection"], f["state_cov"] = np.eye(2), np.diag([r.process - slope * r.cross, r.noise])
        f.initialize_known(np.zeros(2), np.diag([M.measurement_rate * START, r.noise]))
        f.bind(record)
        total += f.loglike()
    return total


def by_simdkalman(records: np.ndarray) -> float:
    """All records at once, step by step in NumPy."""
    import simdkalman

    r = binned_record(M, INTERVAL)
    slope = r.cross / r.noise
    filtered = simdkalman.KalmanFilter(
        state_transition=np.array([[r.decay, slope], [0.0, 0.0]]),
        process_noise=np.diag([r.process - slope * r.cross, r.noise]),
        observation_model=np.array([[r.signal, 1.0]]),
        observation_noise=1e-12,
    )
    start = np.diag([M.measurement_rate * START, r.noise])
    found = filtered.compute(records, 0, initial_value=np.zeros(2), initial_covariance=start, log_likelihood=True,
                             filtered=True, smoothed=False)  # fmt: skip
    return float(np.sum(found.log_likelihood)) - 0.5 * records.size * np.log(2 * np.pi)  # which it leaves out


def speed() -> None:
    """1,000 records of 1,000 samples: the same data, the same rates, one process."""
    records = simulate_records(M, START, INTERVAL, (1000, 1000), np.random.default_rng(1))[0].astype(float)
    begin = time.process_time()
    sums = reduce(records)
    print(f"sums of products, once: {time.process_time() - begin:.3f} s")
    ours = log_likelihood(sums, M, INTERVAL, START)
    of_numpy = each(lambda: log_likelihood(sums, M, INTERVAL, START))
    experiment = measured(planned(1000, 1000, INTERVAL), FIG2D, "microscopic", 1)
    one = replace(experiment, records=experiment.records[:1], stages=experiment.stages[:1],
                  constant={"coherent": ConstantRun()}, priors={})  # fmt: skip
    ready = prepared(Problem(one))
    assert isinstance(ready, FastSampler)
    compiled = ready.compiled
    start = np.zeros(compiled.density.dimension)
    of_gradient = each(lambda: compiled.density(start, compiled.data))
    print(f"here, log-likelihood in NumPy:                    {of_numpy * 1e6:8.0f} µs, value {ours:.6f}")
    print(f"here, posterior of 2 × 1,000 records and gradient: {of_gradient * 1e6:7.0f} µs")
    for name, function in (("statsmodels", by_statsmodels), ("simdkalman", by_simdkalman)):
        value = function(records)
        seconds = each(partial(function, records), 0.5)
        print(f"{name}, log-likelihood without gradient:  {seconds:8.3f} s, value {value:.6f};"
              f" {seconds / of_numpy:.0f} × as long as ours, {2 * seconds / of_gradient:.0f} × as long as ours with"
              " gradient and both quadratures")  # fmt: skip


def coverage(simulations: int) -> None:
    """Parameters from the prior, two runs of 1,000 records each, fitted and ranked."""
    experiment = measured(planned(1000, 100, 0.1), FIG2D, "microscopic", 1)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = inference.sbc(datasets.to_tree(experiment), folder, simulations=simulations, draws=500, tune=300)
    print(found.attrs["verdict"])
    print(f"{simulations} simulated sets of 2 × 1,000 records, {time.perf_counter() - begin:.0f} s")
    for name, share in zip(found["parameter"].values, found["coverage"].values, strict=True):
        print(f"  94 % interval covers {name}: {100 * share:.1f} %")


def reduced(simulations: int) -> None:
    """The same records whole, and as the three numbers of the paper; both from two initial states."""
    rates = tuple(f"{name}[{LIGHTS}]" for name in ("swap_rate", "extra_decay_rate", "bath_noise"))
    derived = {"optimal_mode_rate": optimal_mode_rate(M), "steady_conditional_xi": steady_conditional_xi(M)}
    truth = np.array([*(FIG2D[name] for name in rates), *derived.values()])
    found = np.empty((simulations, 2, len(truth), 3))
    for k in range(simulations):
        whole = measured(planned(1000, 100, 0.1), FIG2D, "microscopic", 100 + k)
        series = tuple(feedback_series(r, 0.83, 0.27, 2.0, name=f"feedback-{r.run}") for r in whole.records)
        for which, experiment in enumerate((whole, replace(whole, records=(), series=series))):
            fit = inference.fit(datasets.to_tree(experiment), seed=k)
            draws = [fit["posterior"][name.partition("[")[0]].values.ravel() for name in rates]
            draws += [fit["derived"][name].values.ravel() for name in derived]
            found[k, which] = np.quantile(draws, (0.03, 0.5, 0.97), axis=1).T
    inside = (found[..., 0] <= truth) & (truth <= found[..., 2])
    for k, name in enumerate((*rates, *derived)):
        print(f"{name:42s} true {truth[k]:.3f}", end="")
        for which, word in enumerate(("whole", "reduced")):
            low, middle, high = found[:, which, k].mean(axis=0)
            covered = 100 * inside[:, which, k].mean()
            print(f";  {word} {middle:.3f} [{low:.3f}, {high:.3f}], contains the truth in {covered:.0f} %", end="")
        overlap = np.minimum(found[:, 0, k, 2], found[:, 1, k, 2]) > np.maximum(found[:, 0, k, 0], found[:, 1, k, 0])
        print(f";  intervals overlap in {100 * overlap.mean():.0f} %")


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    {"speed": speed, "coverage": lambda: coverage(number), "reduced": lambda: reduced(number)}[sys.argv[1]]()
