"""Two variances and a covariance: against SciPy's Wishart law and simulated shots."""

import numpy as np
import pytest
from scipy import stats

from dissentangle.forward_models import NOISES

from ...seeds import CHANCE, seed

MEAN = np.array([1.5, 3.0, 0.9])
MATRIX = np.array([[1.5, 0.9], [0.9, 3.0]])
NOISE, REPETITIONS = NOISES["wishart"], np.full(3, 20.0)
DOF = 2 * 19


def test_log_density():
    value = np.array([1.2, 3.3, 0.5])
    found = NOISE.log_density(value, MEAN, REPETITIONS, 0.0)
    s = np.array([[1.2, 0.5], [0.5, 3.3]])
    assert found.sum() == pytest.approx(stats.wishart(DOF, MATRIX / DOF).logpdf(s), rel=1e-12)


def test_many_triples_and_draws():
    values, means = np.tile([1.2, 3.3, 0.5], 2), np.stack([np.tile(MEAN, 2), np.tile(2 * MEAN, 2)])
    found = NOISE.log_density(values, means, np.full(6, 20.0), 0.0)
    np.testing.assert_allclose(found[0, :3], NOISE.log_density(values[:3], MEAN, REPETITIONS, 0.0))
    assert found.shape == (2, 6)


def test_impossible_means_have_no_density_and_no_draws():
    impossible = np.array([1.0, 1.0, 1.5])
    assert NOISE.log_density(MEAN, impossible, REPETITIONS, 0.0).min() == -np.inf
    assert np.isnan(NOISE.draw(np.random.default_rng(seed(1)), impossible, REPETITIONS, 0.0)).all()


def test_draws_are_those_of_shots():
    rng = np.random.default_rng(seed(2))
    drawn = NOISE.draw(rng, np.tile(MEAN, 20_000), np.tile(REPETITIONS, 20_000), 0.0).reshape(-1, 3)
    shots = rng.multivariate_normal([0, 0], MATRIX, size=(20_000, DOF))
    products = (shots[:, :, 0] * shots[:, :, 1]).mean(axis=1)
    squares = (shots**2).mean(axis=1)
    for column, other in zip(drawn.T, (squares[:, 0], squares[:, 1], products), strict=True):
        assert stats.ks_2samp(column, other).pvalue > CHANCE
    np.testing.assert_allclose(drawn.std(axis=0), NOISE.scatter(MEAN, REPETITIONS), rtol=0.03)
