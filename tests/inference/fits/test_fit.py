"""The fit of the bundled sets, its file, its determinism, its verdict."""

from dataclasses import replace

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from arviz_stats.base import array_stats

from dissentangle import inference
from dissentangle.datasets import ExperimentError, from_tree, read
from dissentangle.inference.checks.information import expected_information
from dissentangle.inference.fits.file import read_fit
from dissentangle.inference.fits.fit import _require_possible
from dissentangle.inference.fits.summary import summarise, summary_rows, verdict
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.settings import ModelSettings, SamplerSettings
from dissentangle.inference.sampling.sample import prepare, sample
from dissentangle.inference.text.fit import truth_of

from ...seeds import seed


def test_healthy_and_near_the_truth(fit_d55):
    assert fit_d55.attrs["healthy"] == 1
    truth = truth_of(read("fig2b-d55"))
    for row in summary_rows(fit_d55):
        assert row.rhat < 1.01
        assert min(row.ess_bulk, row.ess_tail) > 400
        assert abs(row.mean - truth[row.label]) < 4 * row.sd if row.label in truth else True


def test_summary_is_that_of_arviz(fit_d55):
    table = az.summary(fit_d55, var_names=["collective_rate"], ci_prob=0.94, ci_kind="hdi", round_to="none")
    row = next(row for row in summary_rows(fit_d55) if row.label == "collective_rate")
    assert row.mean == pytest.approx(float(table["mean"].iloc[0]))
    assert row.ess_bulk == pytest.approx(float(table["ess_bulk"].iloc[0]))
    assert row.rhat == pytest.approx(float(table["r_hat"].iloc[0]))
    assert row.low == pytest.approx(float(table["hdi94_lb"].iloc[0]))


@pytest.mark.parametrize("number", [1000, 51])
def test_all_parameters_at_once_are_those_of_arviz_one_by_one(number):
    rng = np.random.default_rng(seed(1))
    draws = {
        "normal": rng.normal(size=(4, number)),
        "slow": np.cumsum(rng.normal(size=(4, number)), axis=1),
        "ties": rng.integers(0, 3, size=(4, number)).astype(float),
        "heavy": rng.standard_cauchy(size=(4, number)),
    }
    for row in summarise(draws, []):
        axes = {"chain_axis": 0, "draw_axis": 1}
        values = draws[row.label]
        assert row.ess_bulk == pytest.approx(float(array_stats.ess(values, method="bulk", **axes)), rel=1e-12)
        tail = float(array_stats.ess(values, method="tail", prob=(0.05, 0.95), **axes))
        assert row.ess_tail == pytest.approx(tail, rel=1e-12)
        assert row.rhat == pytest.approx(float(array_stats.rhat(values, method="rank", **axes)), rel=1e-12)


def test_who_informs_what(fit_d55):
    informed = {row.label: row.informed for row in summary_rows(fit_d55)}
    assert informed["light_loss_rate"] == "data"
    assert informed["collective_rate"] in ("data", "data, prior of n3(0)")  # it moves by about the limit
    assert informed["scale[xi]"] == "data, prior of n3(0)"
    assert informed["optical_depth"] == "prior"
    assert informed["dephasing_rate[drive]"] == ""


def test_expected_information_is_confirmed_by_the_fit(fit_d55):
    experiment = read("fig2b-d55")
    expected = expected_information(Problem(experiment, ModelSettings("microscopic")))
    contraction = {row.label: row.contraction for row in summary_rows(fit_d55)}
    for label, share in zip(expected.labels, expected.together, strict=True):
        assert share == pytest.approx(contraction[label], abs=0.25)
    assert expected.by_source["transverse_spin"][expected.labels.index("light_loss_rate")] < 0.9


def test_published_numbers_are_reproduced_but_for_the_dark_t1(fit_published):
    observed = fit_published["observed_data"]["observations"].values
    predicted = fit_published["posterior_predictive"]["observations"].values.reshape(-1, len(observed))
    low, high = np.quantile(predicted, [0.03, 0.97], axis=0)
    assert np.all((low < observed) & (observed < high))
    others = fit_published["predictions"]["excluded_observations"]
    dark = others.sel(excluded="polarization_decay_time (dark)").values
    assert np.quantile(dark, 0.03) > 130


@pytest.mark.slow
def test_drive_only_numbers_give_the_posterior_of_the_independent_trial_fit():
    """dΓ 0.080 [0.047, 0.119], Γ̃ 0.255 [0.209, 0.310], 5 to 95 %, from the five drive-only numbers alone."""
    experiment = read("krauter2011-published")
    kept = tuple(
        replace(o, sigma=0.04, scale_uncertainty=0.0) if o.quantity == "xi" else o
        for o in experiment.observations
        if o.run == "main"
    )
    alone = replace(
        experiment, observations=kept, stages=tuple(s for s in experiment.stages if s.run == "main"), run_depth={}
    )
    found = inference.fit(alone, closure="microscopic", seed=seed(2))["posterior"]
    rate, dephasing = found["collective_rate"].values, found["dephasing_rate"].values
    # The trial does not say whether its 10 % are of T1 and T2 or of the slopes; that alone moves quantiles by 4 %.
    np.testing.assert_allclose(np.quantile(rate, [0.05, 0.5, 0.95]), [0.047, 0.080, 0.119], rtol=0.06, atol=0.003)
    np.testing.assert_allclose(np.quantile(dephasing, [0.05, 0.5, 0.95]), [0.209, 0.255, 0.310], rtol=0.06)


@pytest.mark.slow
def test_same_seed_same_draws_on_any_number_of_cores(fit_open):
    for cores in (1, 2):
        again = inference.fit("fig2b-d55", seed=seed(3), cores=cores)
        for group in ("posterior", "posterior_predictive", "log_likelihood", "derived", "prior"):
            assert again[group].dataset.identical(fit_open[group].dataset)
    other = inference.fit("fig2b-d55", seed=seed(4), draws=100)
    assert not np.array_equal(other["posterior"]["scale"].values, fit_open["posterior"]["scale"].values[:, :100])


def test_file_is_whole_and_opens_without_the_package(fit_d55, tmp_path):
    inference.save_fit(fit_d55, tmp_path / "fit.nc")
    assert inference.read_fit(tmp_path / "fit.nc")["summary"].dataset.identical(fit_d55["summary"].dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        assert tree["posterior"].dataset.identical(fit_d55["posterior"].dataset)
        assert from_tree(tree["experiment"].load()).title == read("fig2b-d55").title
        assert az.loo(tree, var_name="xi").elpd == pytest.approx(az.loo(fit_d55, var_name="xi").elpd)


def test_groups_agree_with_each_other(fit_d55):
    predicted = fit_d55["posterior_predictive"]["polarization"].values
    observed = fit_d55["observed_data"]["polarization"].values
    residual = (predicted - observed) / 0.005
    assert 0.9 < residual.std() / np.sqrt(2) < 1.2
    assert fit_d55["prior_predictive"]["polarization"].shape == (1, 1000, 30)
    assert float(fit_d55["derived"]["entanglement_duration"].median()) == pytest.approx(22.8, abs=4)


@pytest.mark.slow
def test_a_free_dephasing_rate_is_found_too():
    found = inference.fit("fig2b-d55", seed=seed(1), free_dephasing=True)
    assert found.attrs["healthy"] == 1
    rows = {row.label: row for row in summary_rows(found)}
    assert abs(rows["dephasing_rate[drive]"].mean - 0.193) < 4 * rows["dephasing_rate[drive]"].sd
    assert "pure_dephasing_rate[drive]" not in rows


def test_published_numbers_that_were_changed_in_the_file(fit_published, tmp_path):
    changed = fit_published.copy(deep=True)
    changed["experiment/observations"]["value"][0] *= 2
    inference.save_fit(changed, tmp_path / "fit.nc")
    with pytest.raises(ExperimentError, match=r"experiment: observations: found 68, expected 34, which was fitted"):
        read_fit(tmp_path / "fit.nc")


def test_data_that_pull_a_parameter_out_of_its_domain():
    whole = read("fig2b-d55")
    fourfold = tuple(replace(s, value=4 * s.value) if s.name == "xi" else s for s in whole.series)
    expected = r"initial_n3 reaches [\d.]+ and exceeds its upper bound of 1: the model does not describe these data"
    with pytest.raises(ExperimentError, match=expected):
        inference.fit(replace(whole, series=fourfold), seed=seed(1), draws=100)


def test_a_normal_prior_far_from_its_end_does_not_keep_a_parameter_above_it():
    """A drive of 5.6 W in place of mW pulls d, 20 standard deviations above 0, below it."""
    problem = Problem(read("fig2b-d55"))
    draws = {u.label: u.prior.quantile(np.full((1, 1), 0.5)) for u in problem.free}
    _require_possible(problem, draws)
    with pytest.raises(
        ExperimentError, match="optical_depth reaches -3 and falls below its lower bound of 0: the mode"
    ):
        _require_possible(problem, draws | {"optical_depth": np.full((1, 1), -3.0)})


def test_verdict_names_what_is_wrong():
    rng = np.random.default_rng(seed(1))
    good = {"collision_rate": rng.normal(size=(4, 1000))}
    bad = {"collision_rate": good["collision_rate"] + np.arange(4)[:, None]}
    calm = {"diverging": np.zeros((4, 1000), bool), "energy": rng.normal(size=(4, 1000))}
    assert verdict(summarise(good, []), calm).healthy
    assert "R-hat of collision_rate is" in verdict(summarise(bad, []), calm).text
    diverged = calm | {"diverging": np.ones((4, 1000), bool)}
    assert "4000 divergent transitions" in verdict(summarise(good, []), diverged).text
    few = {"collision_rate": good["collision_rate"][:, :50]}
    assert "Too few effective draws" in verdict(summarise(few, []), calm).text
    slow = calm | {"energy": np.cumsum(rng.normal(size=(4, 1000)), axis=1)}
    assert "E-BFMI" in verdict(summarise(good, []), slow).text
    assert "integration grid" in verdict(summarise(good, []), calm, 0.1).text
    assert verdict(summarise(bad, []), calm).text.startswith("Do not use this fit.")


@pytest.mark.slow
def test_the_general_engine_takes_what_the_fast_one_cannot():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("odd", 0.0 * pt.psi(pt.exp(x)))
    drawn = sample(prepare(model), SamplerSettings(seed=seed(1)))
    assert drawn.engine == "general"
    assert "psi" in drawn.reason
    assert drawn.variables["x"].std() == pytest.approx(1, abs=0.1)


@pytest.mark.slow
def test_sample_model_keeps_dims_and_says_which_engine_ran():
    found = inference.sample_model(inference.build_model("fig2c-dark"), seed=seed(1), draws=200, tune=200)
    assert found.attrs["engine"] == "fast"
    assert list(found["posterior"]["dephasing_rate"]["lights"].values) == ["drive+pump", "dark"]
    assert found["posterior"]["collective_rate"].shape == (4, 200)


def test_the_fast_engine_takes_any_translatable_model():
    with pm.Model() as model:
        x = pm.Normal("x", 1.0, 2.0, shape=3)
        pm.Normal("y", x.sum(), 1.0, observed=[2.0])
    drawn = sample(prepare(model), SamplerSettings(seed=seed(1), draws=2000))
    precision = np.eye(3) / 4 + np.ones((3, 3))
    exact = np.linalg.solve(precision, np.ones(3) / 4 + 2.0)
    assert drawn.engine == "fast"
    np.testing.assert_allclose(drawn.variables["x"].mean(axis=(0, 1)), exact, atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.variables["x"].reshape(-1, 3).T), np.linalg.inv(precision), atol=0.25)
