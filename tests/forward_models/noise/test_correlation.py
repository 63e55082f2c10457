"""Correlated noise: densities of points given those before add up to that of all; whitening and colouring."""

import numpy as np
import pytensor.tensor as pt
import pytest
from scipy import stats

from dissentangle.forward_models.noise import Autoregression, GivenCorrelation

from ...graphs import PLAIN
from ...seeds import seed

PLACE = np.array([0.5, 1.0, 1.5, 3.1, 3.3, 6.0, 7.0])
CHAIN = np.array([0, 0, 0, 0, 0, 0, 0])
TAKEN = np.array([3.0, 1.0, 2.0, 7.0, 5.0, 6.0, 4.0])
RHO, UNIT = 0.7, 0.5


def kernel(place, chain=CHAIN, unit=UNIT, rho=RHO):
    """The correlation matrix itself."""
    return np.where(chain[:, None] == chain, rho ** (abs(place[:, None] - place) / unit), 0.0)


TWO = np.tile([0, 1], 3)
MATRIX = kernel(PLACE) * 0.8 + 0.2 * np.exp(-((PLACE[:, None] - PLACE) ** 2))
CASES = {
    "time": (Autoregression.of(PLACE, CHAIN, UNIT), kernel(PLACE)),
    "taken": (Autoregression.of(TAKEN, CHAIN, 1.0), kernel(TAKEN, unit=1.0)),
    "two chains": (Autoregression.of(np.repeat(PLACE[:3], 2), TWO, UNIT), kernel(np.repeat(PLACE[:3], 2), TWO)),
    "matrix": (GivenCorrelation(MATRIX), MATRIX),
}


@pytest.mark.parametrize("name", CASES)
def test_densities_add_up_to_the_joint_one(name):
    correlation, matrix = CASES[name]
    scaled = np.random.default_rng(seed(1)).standard_normal((4, len(matrix)))
    centre, width = correlation.conditional(scaled, RHO)
    found = stats.norm.logpdf(scaled, centre, width).sum(axis=-1)
    np.testing.assert_allclose(found, stats.multivariate_normal(cov=matrix).logpdf(scaled), rtol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_noise_has_the_correlation_and_whitening_takes_it_away(name):
    correlation, matrix = CASES[name]
    factor = correlation.colour(np.eye(len(matrix)), RHO)
    np.testing.assert_allclose(factor.T @ factor, matrix, atol=1e-12)
    np.testing.assert_allclose(correlation.whiten(factor, RHO), np.eye(len(matrix)), atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_numpy_and_pytensor_agree(name):
    correlation, matrix = CASES[name]
    scaled, rho = np.random.default_rng(seed(2)).standard_normal(len(matrix)), pt.dscalar()
    white = correlation.whiten(pt.as_tensor(scaled), rho).eval({rho: RHO}, on_unused_input="ignore", mode=PLAIN)
    np.testing.assert_allclose(white, correlation.whiten(scaled, RHO), rtol=1e-12)


def test_each_draw_has_its_own_correlation():
    correlation, rho = CASES["time"][0], np.array([[0.0], [0.3], [0.9]])
    white = np.random.default_rng(seed(3)).standard_normal((3, len(PLACE)))
    found = correlation.colour(white, rho)
    np.testing.assert_array_equal(found[0], white[0])
    for k in (1, 2):
        np.testing.assert_allclose(found[k], correlation.colour(white[k], float(rho[k, 0])), rtol=1e-14)


@pytest.mark.parametrize("name", ["time", "taken", "two chains"])
def test_information_is_that_of_the_joint_law(name):
    """½ tr (R⁻¹ ∂R)², the Fisher information of a parameter of the covariance of a normal law."""
    correlation = CASES[name][0]
    size, step = len(correlation.before), 1e-5

    def matrix(rho):
        factor = correlation.colour(np.eye(size), rho)
        return factor.T @ factor

    change = np.linalg.solve(matrix(RHO), (matrix(RHO + step) - matrix(RHO - step)) / (2 * step))
    assert correlation.information(RHO) == pytest.approx(0.5 * np.trace(change @ change), rel=1e-6)
