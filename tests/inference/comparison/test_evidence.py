"""The evidence of models of which it is known in closed form."""

import numpy as np
import pytest
from scipy import stats

from dissentangle.inference.comparison.evidence import bridge, bridge_evidence, last_of_each, log_posterior, smc
from dissentangle.inference.comparison.prior_price import prior_prices
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model.priors import parse_prior

from ...seeds import seed

DESIGN = np.vander(np.linspace(-1, 1, 12), 4)
NOISE = 0.3


def linear_gaussian():
    """y = A z + noise with z ~ N(0, 1): data, posterior draws (chains, draws, 4) and ln ∫ likelihood × prior."""
    rng = np.random.default_rng(seed(3))
    y = DESIGN @ rng.standard_normal(4) + NOISE * rng.standard_normal(12)
    precision = np.eye(4) + DESIGN.T @ DESIGN / NOISE**2
    covariance = np.linalg.inv(precision)
    draws = rng.multivariate_normal(covariance @ DESIGN.T @ y / NOISE**2, covariance, size=(4, 1000))
    exact = stats.multivariate_normal(np.zeros(12), NOISE**2 * np.eye(12) + DESIGN @ DESIGN.T).logpdf(y)
    return y, draws, exact


def test_bridge_sampling_of_a_linear_gaussian_model():
    y, draws, exact = linear_gaussian()

    def density(z):
        return stats.norm(z @ DESIGN.T, NOISE).logpdf(y).sum(axis=1) + stats.norm.logpdf(z).sum(axis=1)

    found = [bridge(density, draws, seed(number)) for number in range(10)]
    values = np.array([each.log_evidence for each in found])
    assert abs(values - exact).max() < 0.05
    assert abs(values - exact).max() < 5 * max(each.error for each in found)
    assert found[0].error < 0.02


def test_bridge_sampling_of_a_skewed_density_with_correlated_draws():
    """A product of Gamma densities in logarithms, and chains that move slowly: the error says so."""
    rng = np.random.default_rng(seed(4))
    shape = 3.0

    def density(z):
        return (shape * z - np.exp(z)).sum(axis=1)

    exact = 3 * np.log(2.0)  # Γ(3)³
    innovations = rng.gamma(shape, size=(4, 4000, 3))
    slow = innovations.copy()
    for k in range(1, slow.shape[1]):
        slow[:, k] = np.where(rng.uniform(size=(4, 1)) < 0.97, slow[:, k - 1], innovations[:, k])
    quick, slow = (bridge(density, np.log(draws), 1) for draws in (innovations, slow))
    assert abs(quick.log_evidence - exact) < 4 * quick.error < 0.05
    assert abs(slow.log_evidence - exact) < 4 * slow.error
    assert slow.error > quick.error


@pytest.mark.slow
def test_sequential_monte_carlo_of_the_same_model():
    import pymc as pm

    y, _, exact = linear_gaussian()
    with pm.Model() as model:
        z = pm.Normal("z", shape=4)
        pm.Normal("y", mu=pm.math.dot(DESIGN, z), sigma=NOISE, observed=y)
    found = smc(model, seed=seed(1))
    assert abs(found.log_evidence - exact) < 0.05
    assert found.method == "smc"


def test_runs_of_different_lengths():
    padded = np.array([[0.0, -1.0, -2.0], [0.0, -3.0, np.nan]], object)
    np.testing.assert_array_equal(last_of_each(padded), [-2.0, -3.0])
    lists = np.empty(2, object)
    lists[:] = [[0.0, -1.0], [0.0, -1.5, -4.0]]
    np.testing.assert_array_equal(last_of_each(lists), [-1.0, -4.0])
    np.testing.assert_array_equal(last_of_each(lists[:, None]), [-1.0, -4.0])


def test_the_density_is_likelihood_times_prior(fit_d55):
    """Against the log-likelihood in the file, and against another fit's draws of the same model."""
    fitted = Fit(fit_d55)
    priors = {u.label: u.prior for u in fitted.parameters if not u.prior.fixed}
    drawn = fitted.by_label()
    scores = np.stack([priors[label].z_score(drawn[label][0, :5]) for label in priors], axis=-1)
    stored = fit_d55["log_likelihood"].dataset.isel(chain=0, draw=slice(0, 5))
    likelihood = sum(stored[name].values.sum(axis=-1) for name in stored.data_vars)
    np.testing.assert_allclose(
        log_posterior(fitted.problem)(scores),
        likelihood + stats.norm.logpdf(scores).sum(axis=1),
        rtol=1e-8,
    )


def test_scores_beyond_what_a_parameter_can_be_have_no_density(fit_d55):
    fitted = Fit(fit_d55)
    labels = [u.label for u in fitted.parameters if not u.prior.fixed]
    scores = np.zeros((2, len(labels)))
    scores[1, labels.index("squeezing_limit")] = -50.0  # Z < 0
    found = log_posterior(fitted.problem)(scores)
    assert np.isfinite(found[0])
    assert found[1] == -np.inf


def test_evidence_of_a_fit_is_reproducible(fit_d55):
    first, again, other = (bridge_evidence(fit_d55, seed(number)) for number in (1, 1, 2))
    assert first == again
    assert other.log_evidence == pytest.approx(first.log_evidence, abs=5 * first.error)
    assert first.error < 0.05


def test_the_price_of_a_prior_and_of_another_width():
    """Of a normal likelihood N(z; 3, 0.5²) all is known in closed form: evidence N(3; 0, w² + 0.5²) for the width w."""
    prior = parse_prior("excess_loss_rate", "lognormal(0.015, 0.8)")
    mean, variance = 3 / 1.25, 0.25 / 1.25
    z = stats.norm(mean, variance**0.5).ppf((np.arange(100_000) + 0.5) / 100_000)
    found = prior_prices({"excess_loss_rate": prior}, {"excess_loss_rate": prior.from_z_score(z)})["excess_loss_rate"]
    assert found.prior == "lognormal(0.015, 0.8)"
    assert found.price == pytest.approx(0.5 * (mean**2 + variance - 1 - np.log(variance)), abs=1e-3)

    def evidence(width):
        return stats.norm(0, (width**2 + 0.25) ** 0.5).logpdf(3)

    assert found.half == pytest.approx(evidence(0.5) - evidence(1), abs=1e-3)
    assert found.twice == pytest.approx(evidence(2) - evidence(1), abs=1e-3)
    assert prior_prices({"loss_noise_share": parse_prior("loss_noise_share", "uniform(0, 1)")},
                        {"loss_noise_share": np.linspace(0.1, 0.9, 9)}) == {}  # fmt: skip
