"""Which other priors move a posterior, and on which ends of priors it leans."""

from importlib import import_module

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.inference.fits import Fit, summary_rows
from dissentangle.inference.model import ModelParameter, Prior
from dissentangle.inference.sampling import leaning_on, moved_by

from ...seeds import SIGMA, seed

NUMBER = 200_000
ONE = ModelParameter("collective_rate", None, Prior("lognormal", (0.1, 1.0), 0.0), guessed=True)
OTHER = ModelParameter("initial_n3", None, Prior("lognormal", (0.01, 0.5), 0.0), guessed=True)


def draws_of(mean, covariance):
    """Of a posterior that is normal where the priors are."""
    z = np.random.default_rng(seed(1)).multivariate_normal(mean, covariance, NUMBER).T
    return {u.label: u.prior.from_z_score(values) for u, values in zip((ONE, OTHER), z, strict=True)}, z


@pytest.mark.parametrize(("mean", "correlation"), [((0.3, 0.5), 0.8), ((-1.0, 1.5), -0.7), ((0.0, -0.6), 0.9)])
def test_a_normal_posterior_moves_as_reweighted_draws_do(mean, correlation):
    sd = np.array([0.1, 0.8])
    draws, z = draws_of(mean, [[sd[0] ** 2, correlation * sd.prod()], [correlation * sd.prod(), sd[1] ** 2]])
    label, moved = moved_by(draws, [ONE, OTHER])["collective_rate"]
    assert label == "initial_n3"
    step, shifts, errors = np.log(2) / 0.5, [], []
    for centre, width in ((0, 2), (0, 0.5), (step, 1), (-step, 1)):
        weights = np.exp(0.5 * z[1] ** 2 - 0.5 * ((z[1] - centre) / width) ** 2)
        middle = np.average(z[0], weights=weights)
        shifts.append((middle - z[0].mean()) / z[0].std())
        errors.append(np.sqrt(np.sum((weights * (z[0] - middle)) ** 2)) / weights.sum() / z[0].std())
    largest = int(np.argmax(np.abs(shifts)))
    assert abs(moved) == pytest.approx(abs(shifts[largest]), abs=SIGMA * errors[largest] + 0.01)


def test_what_is_not_correlated_is_not_moved_and_what_is_known_moves_nothing():
    alone, _ = draws_of((0, 0), [[0.01, 0], [0, 0.6]])
    assert moved_by(alone, [ONE, OTHER]) == {}
    together, _ = draws_of((0, 0), [[0.01, 0.07], [0.07, 0.6]])
    known = ModelParameter("initial_n3", None, OTHER.prior)
    assert set(moved_by(together, [ONE, OTHER])) == {"collective_rate"}
    assert moved_by(together, [ONE, known]) == {}


def test_a_fit_with_the_changed_prior_moves_as_the_draws_say(fit_d55, monkeypatch):
    """n3(0) of twice the median: dΓ moves by about half its sd, the limit from which it is named, Γout_L by less."""
    priors = {"initial_n3": "lognormal(0.02, 0.5)"}
    changed = inference.fit("fig2b-d55", closure="microscopic", seed=seed(3), priors=priors)
    rows, again = ({row.label: row for row in summary_rows(tree)} for tree in (fit_d55, changed))
    monkeypatch.setattr(import_module("dissentangle.inference.sampling.prior_influence"), "MOVED", 0.0)
    fitted = Fit(fit_d55)
    label, moved = moved_by(fitted.by_label(), fitted.problem.free)["collective_rate"]
    assert label == "initial_n3"
    shifts = {label: (again[label].mean - row.mean) / row.sd for label, row in rows.items()}
    assert shifts["collective_rate"] == pytest.approx(moved, abs=0.35)
    assert abs(shifts["collective_rate"]) > 0.3 > abs(shifts["light_loss_rate"])


@pytest.mark.parametrize(
    ("low", "high", "end"),
    [(0.118, 1.0, 0.118), (0.0, 0.105, 0.105), (0.05, 0.3, None), (0.0, 1.0, None), (0.0, 0.15, None)],
)
def test_the_end_on_which_a_posterior_leans(low, high, end):
    values = np.random.default_rng(seed(2)).normal(0.11, 0.008, 20_000)
    assert leaning_on(values[(values > low) & (values < high)], Prior("uniform", (low, high), 0.0)) == end


def test_where_a_parameter_itself_ends_is_no_bound():
    near_zero = abs(np.random.default_rng(seed(3)).normal(0, 0.01, 5000))
    assert leaning_on(near_zero, Prior("uniform", (0.0, 1.0), 0.0)) is None
    assert leaning_on(1 - near_zero, Prior("uniform", (0.0, 1.0), 0.0, 1.0)) is None
    assert leaning_on(near_zero, Prior("halfnormal", (1.0,), 0.0)) is None
    assert leaning_on(np.full(10, 0.5), Prior("uniform", (0.5, 0.7), 0.0)) is None


def test_a_wide_prior_that_the_user_gave_is_a_guess_and_what_the_laboratory_knows_is_none(fit_d55):
    guessed = {u.label for u in Fit(fit_d55).parameters if u.guessed}
    assert "initial_n3" in guessed
    assert not guessed & {"optical_depth", "squeezing_limit", "scale[xi]"}
    for prior, expected in (("lognormal(0.01, 0.5)", True), ("lognormal(0.01, 0.1)", False), ("uniform(0, 1)", False)):
        problem = inference.model.pose("fig2b-d55", priors={"collision_rate": prior})
        assert next(u for u in problem.parameters if u.name == "collision_rate").guessed is expected


def test_a_fit_of_an_older_version_gets_the_words_when_it_is_read(fit_d55, tmp_path):
    old = fit_d55.copy(deep=True)
    old["summary"] = type(old)(old["summary"].dataset.drop_vars(["moved_by", "moved", "bound"]))
    inference.save_fit(old, tmp_path / "old.nc")
    read = summary_rows(inference.read_fit(tmp_path / "old.nc"))
    for row, new in zip(read, summary_rows(fit_d55), strict=True):
        assert row.informed == new.informed
        assert row.moved == pytest.approx(new.moved)


def test_words_of_a_file_are_kept_and_others_refused(fit_d55, tmp_path):
    changed = fit_d55.copy(deep=True)
    summary = changed["summary"].dataset.copy(deep=True)
    labels = summary["moved_by"].values.astype(object)
    labels[list(summary["parameter"].values).index("collective_rate")] = "squeezing_limit"
    changed["summary"] = type(changed)(summary.assign(moved_by=("parameter", labels.astype(str))))
    inference.save_fit(changed, tmp_path / "other.nc")
    rows = {row.label: row.informed for row in summary_rows(inference.read_fit(tmp_path / "other.nc"))}
    assert rows["collective_rate"] == "data, prior of Z"
    labels[0] = "nobody"
    changed["summary"] = type(changed)(summary.assign(moved_by=("parameter", labels.astype(str))))
    inference.save_fit(changed, tmp_path / "damaged.nc")
    with pytest.raises(inference.ExperimentError if hasattr(inference, "ExperimentError") else Exception,
                       match=r"summary: moved_by: found .*nobody.*expected labels of its parameters"):  # fmt: skip
        inference.read_fit(tmp_path / "damaged.nc")
