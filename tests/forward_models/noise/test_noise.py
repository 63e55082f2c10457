"""Simulator and likelihood of each kind of noise belong together; both against SciPy."""

import numpy as np
import pytest
from scipy import stats

from dissentangle.forward_models import NOISES, InvalidValue, noise_kind

from ...seeds import CHANCE, seed

SINGLE = [name for name, noise in NOISES.items() if noise.family != "wishart"]  # that of triples: test_wishart
MEAN, SPREAD = 0.8, {name: 0.02 if NOISES[name].spread == "sigma" else 40.0 for name in SINGLE}
SCIPY = {
    "gaussian": stats.norm(0.8, 0.02),
    "student-t": stats.t(4.0, 0.8, 0.02),
    "gamma": stats.gamma(39.0, scale=0.8 / 39.0),
    "gamma-single": stats.gamma(19.5, scale=0.8 / 19.5),
    "gamma-sigma": stats.gamma(1600, scale=0.8 / 1600),
    "gaussian-repetitions": stats.norm(0.8, 0.8 / 39**0.5),
    "gaussian-repetitions-single": stats.norm(0.8, 0.8 / 19.5**0.5),
    "student-t-repetitions": stats.t(4.0, 0.8, 0.8 / 39**0.5),
    "student-t-repetitions-single": stats.t(4.0, 0.8, 0.8 / 19.5**0.5),
}


@pytest.mark.parametrize("name", SINGLE)
def test_log_density(name):
    value = np.array([0.7, 0.79, 0.95])
    found = NOISES[name].log_density(value, MEAN, SPREAD[name], 4.0)
    np.testing.assert_allclose(found, SCIPY[name].logpdf(value), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in SINGLE if NOISES[name].family != "student-t"])
def test_scatter_is_the_standard_deviation(name):
    assert NOISES[name].scatter(MEAN, SPREAD[name]) == pytest.approx(SCIPY[name].std(), rel=1e-12)


@pytest.mark.parametrize("name", SINGLE)
def test_draws_follow_the_density(name):
    rng = np.random.default_rng(seed(5))
    drawn = NOISES[name].draw(rng, np.full(20_000, MEAN), SPREAD[name], 4.0)
    assert stats.kstest(drawn, SCIPY[name].cdf).pvalue > CHANCE


def test_gamma_is_the_scatter_of_a_variance_from_two_quadratures():
    rng = np.random.default_rng(seed(6))
    shots = rng.normal(0, np.sqrt(0.4), (20_000, 2, 40))
    xi = shots.var(axis=2, ddof=1).sum(axis=1)
    assert stats.kstest(xi, SCIPY["gamma"].cdf).pvalue > CHANCE
    assert stats.kstest(2 * shots.var(axis=2, ddof=1)[:, 0], SCIPY["gamma-single"].cdf).pvalue > CHANCE


def test_gamma_of_no_variance_is_nan():
    drawn = NOISES["gamma"].draw(np.random.default_rng(seed(1)), np.array([0.5, -0.5]), 40.0, 4.0)
    np.testing.assert_array_equal(np.isnan(drawn), [False, True])


def test_gamma_of_no_variance_has_no_density():
    found = NOISES["gamma"].log_density(0.5, np.array([0.5, 0.0, -0.5]), 40.0, 4.0)
    np.testing.assert_array_equal(found > -np.inf, [True, False, False])


def test_unknown_kind():
    with pytest.raises(InvalidValue, match="noise = 'poisson': expected one of gaussian, student-t, gamma"):
        noise_kind("poisson")
