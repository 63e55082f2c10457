"""Checks of a fit with correlated noise judge the independent parts of its residuals."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import read, simulate_like
from dissentangle.datasets.prediction import fitted_data
from dissentangle.inference.checks.goodness import goodness
from dissentangle.inference.checks.information import expected_information
from dissentangle.inference.checks.replications import replications
from dissentangle.inference.fits import Fit

from ...seeds import seed

RHO = 0.9
"""Of P, whose noise is correlated; that of Jy is not."""


@pytest.fixture(scope="module")
def fit():
    plain = read("fig2b-d55")
    series = (replace(plain.series[1], noise_correlation="time"), plain.series[2])
    truth = {"noise_correlation[polarization]": RHO}
    made = simulate_like(replace(plain, series=series), truth, seed=seed(1))
    return inference.fit(made, seed=seed(2), draws=150, chains=2, cores=1, closure="microscopic")


def test_what_is_judged_is_independent(fit):
    fitted = Fit.of(fit)
    rho = float(fitted.by_label()["noise_correlation[polarization]"].mean())
    data = fitted_data(fitted.experiment)[0]
    values = {"noise_correlation[polarization]": rho}
    draws = fit["posterior_predictive"]["polarization"].values.reshape(-1, 30)
    found = goodness(fit)
    scaled = (data.value - draws.mean(axis=0)) / draws.std(axis=0)
    assert found[0].square == pytest.approx(float((data.whiten(scaled, values) ** 2).sum()))
    drawn, prior = fitted.by_label(), {u.label: u.prior for u in fitted.problem.free}["noise_correlation[polarization]"]
    z_score = np.mean(prior.z_score(drawn["noise_correlation[polarization]"]))
    values = {"noise_correlation[polarization]": float(prior.from_z_score(z_score))}
    both = {one.name: one for one in replications(fitted)}
    residual = data.value - np.nanmean(draws, axis=0)
    white = data.whiten(residual / data.spread, values) * data.spread
    np.testing.assert_allclose(both["polarization"].residuals, white, rtol=1e-6, atol=1e-9)
    left = both["polarization"].replicated_residuals / data.spread
    neighbours = np.mean(left[:, 1:] * left[:, :-1])
    assert abs(neighbours) < 0.3  # 0.9 as they are
    jy = fitted_data(fitted.experiment)[1]
    middle = np.nanmean(fit["posterior_predictive"]["transverse_spin"].values.reshape(-1, 30), axis=0)
    np.testing.assert_array_equal(both["transverse_spin"].residuals, jy.value - middle)


def test_the_scatter_tells_of_the_correlation(fit):
    information = expected_information(Fit.of(fit).problem)
    k = information.labels.index("noise_correlation[polarization]")
    assert information.by_source["polarization"][k] > 0.5
    assert information.by_source["transverse_spin"][k] == 0
