"""The likelihood of records against explicit covariances and a library's Kalman filter; innovations are white."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, multivariate_normal

from dissentangle.datasets.simulation.records import simulate_records
from dissentangle.forward_models.light.conditional import (
    ContinuousMeasurement,
    optimal_mode_rate,
    steady_conditional_xi,
)
from dissentangle.forward_models.light.innovations import innovations, whiteness_checks
from dissentangle.forward_models.light.record_likelihood import (
    binned_record,
    expected_sums,
    grouped,
    log_likelihood,
    reduce,
    steady_filter,
)

from ...graphs import PLAIN
from ...seeds import CHANCE, SIGMA, seed

M = ContinuousMeasurement(0.12, 0.15, 0.16, 1.6, 0.84)
RATE = st.floats(0.02, 2.0)
MEASUREMENT = st.builds(
    ContinuousMeasurement, RATE, RATE, st.floats(0.05, 1.0), st.floats(0.1, 4.0), st.floats(0.1, 1.0)
)


def covariance(m, interval, samples, start):
    """Of the integrals over bins, by quadrature of the continuous autocorrelation in each pair of bins."""
    gamma, b = m.decay_rate, m.measurement_rate
    u, moved = m.unconditional_xi - m.squeezing_limit, start - m.unconditional_xi
    nodes, weights = np.polynomial.legendre.leggauss(20)
    t = ((np.arange(samples)[:, None] + 0.5 + 0.5 * nodes) * interval).ravel()
    w = np.tile(0.5 * weights * interval, samples)
    smooth = b * (u * np.exp(-gamma * abs(t[:, None] - t)) + moved * np.exp(-gamma * (t[:, None] + t)))
    c = (w[:, None] * smooth * w).reshape(samples, 20, samples, 20).sum(axis=(1, 3)) / interval
    x = gamma * interval  # within a bin the autocorrelation has a kink: ∫∫ e^{−γ|t−s|} = 2(x − 1 + e^{−x})/γ²
    own = b / interval * u * 2 * (x - 1 + np.exp(-x)) / gamma**2
    decayed = ((1 - np.exp(-x)) / gamma) ** 2 * np.exp(-2 * x * np.arange(samples))
    c[np.diag_indices(samples)] = 1 + own + b / interval * moved * decayed
    return c


@pytest.mark.parametrize("interval", [0.02, 0.3, 3.0])
@pytest.mark.parametrize("start", [0.0, 1.0, 4.0])
def test_log_likelihood_by_the_explicit_covariance(interval, start):
    records = np.random.default_rng(seed(1)).normal(size=(7, 40))
    c = covariance(M, interval, 40, start)
    expected = multivariate_normal(np.zeros(40), c).logpdf(records).sum()
    assert log_likelihood(reduce(records), M, interval, start) == pytest.approx(expected, rel=1e-11)
    noisy = multivariate_normal(np.zeros(40), 1.3 * c).logpdf(records).sum()
    assert log_likelihood(reduce(records), M, interval, start, 1.3) == pytest.approx(noisy, rel=1e-11)


@given(MEASUREMENT, st.floats(0.01, 3.0), st.floats(0.0, 4.0), st.integers(2, 12))
def test_any_rates_and_bins(m, interval, start, samples):
    records = np.random.default_rng(seed(2)).normal(size=(3, samples))
    expected = multivariate_normal(np.zeros(samples), covariance(m, interval, samples, start)).logpdf(records).sum()
    assert log_likelihood(reduce(records), m, interval, start) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def kalman(record, interval, start):
    """Log-likelihood by statsmodels. Its noises are independent: the state holds x and the noise u of the bin."""
    from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

    r = binned_record(M, interval)
    slope = r.cross / r.noise
    filtered = KalmanFilter(k_endog=1, k_states=2)
    filtered["design"] = np.array([[r.signal, 1.0]])
    filtered["transition"] = np.array([[r.decay, slope], [0.0, 0.0]])
    filtered["selection"] = np.eye(2)
    filtered["state_cov"] = np.diag([r.process - slope * r.cross, r.noise])
    filtered.initialize_known(np.zeros(2), np.diag([M.measurement_rate * start, r.noise]))
    filtered.bind(record)
    return filtered.loglike()


def test_log_likelihood_by_a_library():
    records = simulate_records(M, 1.5, 0.1, (3, 100), np.random.default_rng(seed(3)))[0]
    expected = sum(kalman(record.astype(float), 0.1, 1.5) for record in records)
    assert log_likelihood(reduce(records), M, 0.1, 1.5) == pytest.approx(expected, rel=1e-9)


def test_many_groups_and_many_draws_at_once():
    records = np.random.default_rng(seed(4)).normal(size=(6, 30))
    parts = [reduce(records[:2]), reduce(records[2:])]
    many = ContinuousMeasurement(np.array([[0.1], [0.2]]), 0.15, 0.16, 1.6, 0.84)
    found = log_likelihood(grouped(parts), many, 0.1, 1.0)
    for row, rate in enumerate((0.1, 0.2)):
        for column, part in enumerate(parts):
            alone = ContinuousMeasurement(rate, 0.15, 0.16, 1.6, 0.84)
            assert found[row, column] == pytest.approx(log_likelihood(part, alone, 0.1, 1.0), rel=1e-12)


def test_short_bins_are_the_continuous_filter():
    f = steady_filter(binned_record(M, 1e-4))
    assert f.variance / M.measurement_rate == pytest.approx(steady_conditional_xi(M), rel=1e-4)
    assert -np.log(f.memory) / 1e-4 == pytest.approx(optimal_mode_rate(M), rel=1e-4)


def test_bins_lose_little():
    """Twice as long bins: half as many numbers, nearly the same information (the sums of pairs are exact)."""
    fine = simulate_records(M, 1.0, 0.05, (400, 200), np.random.default_rng(seed(5)))[0].astype(float)
    coarse = fine.reshape(400, 100, 2).sum(axis=-1) / np.sqrt(2)

    def gain(records, interval):
        near, far = M, ContinuousMeasurement(0.14, 0.15, 0.16, 1.6, 0.84)
        sums = reduce(records)
        return log_likelihood(sums, near, interval, 1.0) - log_likelihood(sums, far, interval, 1.0)

    assert gain(fine, 0.05) == pytest.approx(gain(coarse, 0.1), abs=1.0)


def test_gradient_in_pytensor():
    records = simulate_records(M, 1.5, 0.1, (20, 50), np.random.default_rng(seed(6)))[0]
    sums = reduce(records)
    numbers = np.array([0.12, 0.15, 0.16, 1.6, 0.84, 1.5, 1.02])

    def density(v, xp):
        return log_likelihood(sums, ContinuousMeasurement(*(v[k] for k in range(5))), 0.1, v[5], v[6], xp=xp)

    x = pt.dvector()
    graph = density(x, pt)
    function = pytensor.function([x], [graph, pytensor.grad(graph, x)], mode=PLAIN)
    value, gradient = function(numbers)
    assert value == pytest.approx(density(numbers, np), rel=1e-12)
    step = 1e-5
    differences = [(density(numbers + step * e, np) - density(numbers - step * e, np)) / (2 * step) for e in np.eye(7)]
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-4)
    assert np.isfinite(function(numbers * [0, 1, 1, 1, 1, 1, 1])[1]).all()  # without coupling
    assert np.isfinite(function(numbers * [1, 1, 1, 1, 0, 1, 1])[1]).all()  # without detection


@given(MEASUREMENT, st.floats(0.02, 1.0), st.floats(0.0, 3.0))
def test_expected_sums(m, interval, start):
    found, c = expected_sums(m, interval, start, 5.0, 8), 5.0 * covariance(m, interval, 8, start)
    index = np.arange(8)
    lag, total = index[:, None] - index, index[:, None] + index
    np.testing.assert_allclose(found.products, [c[lag == k].sum() for k in range(8)], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.from_start, [c[total == s].sum() for s in range(15)], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.from_end, [c[total == s].sum() for s in range(15)][::-1], rtol=1e-8, atol=1e-9)


def test_simulated_records_have_the_explicit_covariance():
    records = np.concatenate(simulate_records(M, 3.0, 0.5, (40_000, 5), np.random.default_rng(seed(7)))).astype(float)
    expected = covariance(M, 0.5, 5, 3.0)
    error = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / len(records))
    assert (abs(records.T @ records / len(records) - expected) / error).max() < SIGMA


def test_innovations_are_white():
    cos, sin = simulate_records(M, 3.0, 0.1, (2000, 60), np.random.default_rng(seed(8)))
    white = [innovations(part, M, 0.1, 3.0) for part in (cos, sin)]
    assert kstest(np.concatenate(white).ravel(), "norm").pvalue > CHANCE
    assert max(abs(check.z_score) for check in whiteness_checks(*white, 0.1, centred=False)) < SIGMA
    direct = multivariate_normal(np.zeros(60), covariance(M, 0.1, 60, 3.0)).logpdf(cos[:3]).sum()
    change = np.linalg.slogdet(covariance(M, 0.1, 60, 3.0))[1]
    assert -0.5 * ((white[0][:3] ** 2).sum() + 3 * (change + 60 * np.log(2 * np.pi))) == pytest.approx(direct, rel=1e-6)


@pytest.mark.parametrize("repetitions", [2, 3, 30])
def test_scores_are_standard_normal(repetitions):
    """Also of few records whose mean was subtracted."""
    rng, scores = np.random.default_rng(seed(9)), []
    for _ in range(1000):
        white = rng.normal(size=(2, repetitions, 40))
        white -= white.mean(axis=1, keepdims=True)
        scores.append([check.z_score for check in whiteness_checks(*white, 0.1, centred=True)])
    for column in np.transpose(scores):
        assert kstest(column, "norm").pvalue > CHANCE


def test_score_of_an_enormous_variance_is_a_number():
    white = 10 * np.random.default_rng(seed(1)).normal(size=(2, 10, 40))
    assert all(np.isfinite(check.z_score) for check in whiteness_checks(*white, 0.1, centred=False))


def rotated(y, rng):
    """Atoms 50 Hz from the reference."""
    z = (y[0] + 1j * y[1]) * np.exp(2j * np.pi * 0.05 * 0.1 * np.arange(60))
    return np.stack([z.real, z.imag])


@pytest.mark.parametrize(
    ("spoil", "label"),
    [
        (lambda y, rng: y + 0.5 * rng.normal(size=(2, 1000, 1)), "correlation"),  # a slow disturbance
        (lambda y, rng: y * np.sqrt(np.linspace(1, 1.3, 60)), "variance"),  # shot noise that grows in each record
        (lambda y, rng: np.stack([y[0], 0.9 * y[1] + 0.3 * y[0]]), "cos × sin"),
        (lambda y, rng: np.stack([1.03 * y[0], 0.97 * y[1]]), "cos against sin"),
        (lambda y, rng: y * np.linspace(1.1, 0.9, 1000)[:, None], "early against late"),
        (rotated, "rotation"),
    ],
)
def test_checks_see_what_is_wrong(spoil, label):
    rng = np.random.default_rng(seed(10))
    records = spoil(simulate_records(M, 1.0, 0.1, (1000, 60), rng).astype(float), rng)
    white = (innovations(part, M, 0.1, 1.0) for part in records)
    found = whiteness_checks(*white, 0.1, centred=False)
    worst = max(found, key=lambda check: abs(check.z_score))
    assert worst.label.startswith(label)
    assert abs(worst.z_score) > 6


def test_long_records_need_little():
    """20,000 bins: products by lag and expected sums take neither the memory nor the time of a square."""
    white = np.random.default_rng(seed(11)).normal(size=(2, 2, 20_000))
    assert len(whiteness_checks(*white, 0.001, centred=False)) == 6 + 3 + 14 + 1
    assert expected_sums(M, 0.001, 1.0, 1.0, 20_000).products.shape == (20_000,)
