"""Light variances and calibration runs in one fit, ξ reconstructed, calibrations passed on to later fits."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from xarray import DataTree

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError, joint, read
from dissentangle.datasets.formats.calibration import CalibrationFile, read_calibration, with_calibration
from dissentangle.datasets.prediction import expected, initial_of, tested_populations
from dissentangle.forward_models import Dynamics, Rates, Stage, evolve
from dissentangle.forward_models.light.readout import light_variance, readout_of, xi_of_light_variance
from dissentangle.inference.checks import assess
from dissentangle.inference.checks.information import expected_information
from dissentangle.inference.cli import main
from dissentangle.inference.fits.calibrate import calibration_of_fit, calibration_runs
from dissentangle.inference.fits.predictive import prior_draws
from dissentangle.inference.fits.summary import summary_rows
from dissentangle.inference.model.priors import PriorError
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.settings import ModelSettings
from dissentangle.inference.text.fit import fit_text

from ..seeds import SIGMA, seed

pytestmark = pytest.mark.slow

LABORATORY = read("laboratory-d55")


def rows_of(fit):
    return {row.label: row for row in summary_rows(fit)}


@pytest.fixture(scope="module")
def fit_laboratory():
    return inference.fit("laboratory-d55", closure="microscopic", seed=seed(3), draws=500)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    path = tmp_path_factory.mktemp("calibrate") / "c.toml"
    return inference.calibrate("laboratory-d55", path, seed=seed(3), draws=500), read_calibration(path)


def test_all_constants_are_posteriors(fit_laboratory):
    assert fit_laboratory.attrs["healthy"], fit_laboratory.attrs["verdict"]
    rows = rows_of(fit_laboratory)
    truth = LABORATORY.truth.parameters
    checked = [label for label in truth if label in rows]
    assert {"collective_rate", "detection_efficiency", "projection_noise_slope", "classical_noise"} <= set(checked)
    assert {"shot_noise_level", "initial_n3", "beat_detuning[orientation_beat]"} <= set(checked)
    scores = [(rows[label].mean - truth[label]) / rows[label].sd for label in checked]
    assert max(abs(np.array(scores))) < 4
    assert 0.3 < np.std(scores) < 1.7


def test_reconstructed_xi_contains_the_true_one(fit_laboratory):
    reconstructed = fit_laboratory["reconstructed"]["light_variance"]
    assert reconstructed.dims == ("chain", "draw", "light_variance_probe")
    times = reconstructed["light_variance_probe"].values
    rates = Rates(0.11, 0.002, 0.16, 0.002, 0.0264, 0.0, 0.0, 0.193)
    initial = initial_of(LABORATORY.truth.parameters)
    true = evolve([Stage(20.0, rates)], times, initial).xi
    score = (reconstructed.mean(("chain", "draw")) - true) / reconstructed.std(("chain", "draw"))
    assert abs(score).max() < 4
    assert np.sqrt((score**2).mean()) < 1.6


def test_reconstruction_inverts_what_was_measured(fit_laboratory):
    """At the posterior means, by hand: within the scatter that 3000 shots leave."""
    rows, series = rows_of(fit_laboratory), LABORATORY.series[0]
    mean = {label: row.mean for label, row in rows.items()}
    rates = Rates(
        mean["collective_rate"], mean["radiative_rate"], mean["squeezing_limit"], mean["collision_rate"],
        mean["light_loss_rate"], 0.0, 0.0, mean["dephasing_rate[drive]"],
    )  # fmt: skip
    times = series.x[::2]
    path = evolve([Stage(20.0, rates)], times, initial_of(mean))
    readout = readout_of(rates, path.n2, path.p, 1.0, "microscopic", mean["detection_efficiency"])
    by_hand = xi_of_light_variance(series.value.reshape(-1, 2).mean(axis=1) / mean["shot_noise_level"], readout)
    found = fit_laboratory["reconstructed"]["light_variance"]
    np.testing.assert_allclose(found.mean(("chain", "draw")), by_hand, atol=0.02)
    assert float(found.std(("chain", "draw")).min()) > 0.03
    assert light_variance(by_hand, readout)[0] == pytest.approx(series.value[:2].mean() / mean["shot_noise_level"])


def test_populations_of_the_orientation_test(fit_laboratory):
    derived = fit_laboratory["derived"]
    populations = derived["sublevel_population"]
    np.testing.assert_allclose(populations.sum("sublevel"), 1)
    assert abs(float(derived["tested_orientation"].mean()) - 0.9941) < 0.003
    assert "tested_orientation[orientation_beat]" in fit_text(fit_laboratory)


def test_figure_has_a_panel_for_each_kind(fit_laboratory, tmp_path):
    figure = inference.plot_fit(fit_laboratory, tmp_path / "f.png")
    labels = [axis.get_ylabel() for axis in figure.axes if axis.axison]
    assert labels[:2] == ["ξ (normalised EPR variance)", "variance of the light"]
    assert {"κ²", "atomic noise", "shot noise", "transverse spin after the pulse"} <= set(labels)


def test_a_calibration_file_serves_as_the_runs_themselves(fit_laboratory, calibrated):
    fit, calibration = calibrated
    assert fit.attrs["healthy"], fit.attrs["verdict"]
    assert {"shot_noise_level", "classical_noise", "projection_noise_slope", "initial_n3"} <= set(calibration.priors)
    assert "collective_rate" not in calibration.priors
    measured = next(s for s in LABORATORY.series if s.kind == "coupling")
    (found,) = calibration.coupling
    assert found.value == pytest.approx(np.interp(found.faraday_angle, measured.x, measured.value), abs=0.02)
    assert found.sigma < 0.01 / 2
    few = replace(LABORATORY, series=tuple(s for s in LABORATORY.series if not s.about.calibration))
    later = rows_of(inference.fit(with_calibration(few, calibration), closure="microscopic", seed=seed(3), draws=500))
    everything = rows_of(fit_laboratory)
    for label in ("collective_rate", "dephasing_rate[drive]", "initial_n3", "detection_efficiency", "shot_noise_level"):
        assert later[label].mean == pytest.approx(everything[label].mean, abs=0.25 * everything[label].sd)
        assert later[label].sd == pytest.approx(everything[label].sd, rel=0.15)


def test_correlated_priors():
    priors = {"initial_n3": "lognormal(0.01, 0.2)", "squeezing_limit": "normal(0.16, 0.004)"}
    matrix = np.array([[1.0, -0.7], [-0.7, 1.0]])
    experiment = with_calibration(read("fig2b-d55"), CalibrationFile("c", True, priors, tuple(priors), matrix))
    problem = Problem(experiment)
    together = problem.correlated
    values = {"initial_n3": 0.012, "squeezing_limit": 0.157}
    scores = np.array([np.log(1.2) / 0.2, -0.003 / 0.004])
    expected = stats.multivariate_normal(np.zeros(2), matrix).logpdf(scores) - stats.norm.logpdf(scores).sum()
    assert together.log_density(values, np) == pytest.approx(expected)
    draws = prior_draws(problem, 20_000, np.random.default_rng(seed(1)))
    found = np.corrcoef(np.log(draws["initial_n3"]), draws["squeezing_limit"])[0, 1]
    assert np.arctanh(found) == pytest.approx(np.arctanh(-0.7), abs=SIGMA / np.sqrt(20_000))  # Fisher's z
    replaced = ModelSettings(priors={"initial_n3": "lognormal(0.02, 0.2)"})
    changed = Problem(experiment, replaced)
    assert changed.correlated is None
    assert {u.label: str(u.prior) for u in changed.free}["initial_n3"] == "lognormal(0.02, 0.2)"


@pytest.mark.slow
def test_calibrate_on_the_command_line(tmp_path, capsys):
    out, figure, file = tmp_path / "c.toml", tmp_path / "c.png", tmp_path / "c.nc"
    words = ["calibrate", "laboratory-d55", "-o", str(out), "--figure", str(figure), "--fit", str(file)]
    assert main([*words, "--draws", "500"]) == 1 - inference.read_fit(file).attrs["healthy"]
    text = capsys.readouterr().out
    assert "calibration of simulated: light variances" in text
    assert 'calibration = "c.toml"' in text
    assert read_calibration(out).simulated
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert inference.read_fit(file).attrs["title"].startswith("calibration of")
    assert main(["calibrate", "fig2b-d55", "-o", str(out)]) == 2
    assert "found no calibration runs, expected a series coupling" in capsys.readouterr().err
    assert main(["calibrate", "laboratory-d55", "-o", str(tmp_path / "c.nc")]) == 2
    assert "output must end in .toml" in capsys.readouterr().err


def test_calibration_runs_leave_out_tests_during_the_run():
    late = tuple(replace(s, pulse_time=15.0) if s.kind == "orientation_beat" else s for s in LABORATORY.series)
    kinds = {s.kind for s in calibration_runs(replace(LABORATORY, series=late)).series}
    assert kinds == {"coupling", "projection_noise", "shot_noise"}
    only = replace(LABORATORY, series=LABORATORY.series[:3])
    with pytest.raises(ExperimentError, match="found no calibration runs"):
        calibration_runs(only)


def test_a_slope_that_was_used_to_normalise_xi_scales_it():
    xi = read("fig2b-d55").series[0]
    experiment = replace(
        LABORATORY, series=(replace(xi, slope_used=0.1, scale_uncertainty=0.0), *LABORATORY.series[1:])
    )
    names = {u.label for u in Problem(experiment).parameters}
    assert "projection_noise_slope" in names
    truth = LABORATORY.truth.parameters
    one, two = (
        expected(experiment, truth | {"projection_noise_slope": slope}, Dynamics()).series["xi"] for slope in (0.1, 0.2)
    )
    np.testing.assert_allclose(two, 2 * one)


def test_an_orientation_test_during_the_run_sees_the_populations_there():
    early = LABORATORY.series[-1]
    late = replace(early, pulse_time=15.0)
    first, second = (
        expected(replace(LABORATORY, series=(s,)), LABORATORY.truth.parameters, Dynamics()).series[s.name]
        for s in (early, late)
    )
    assert abs(second - first).max() > 0.01
    parameters = LABORATORY.truth.parameters
    found = tested_populations(replace(LABORATORY, series=(late,)), late, parameters)
    rates = Rates(0.11, 0.002, 0.16, 0.002, 0.0264, 0.0, 0.0, 0.193)
    path = evolve([Stage(20.0, rates)], [15.0], initial_of(parameters))
    assert found[1][0] / found[0][0] == pytest.approx(float((path.n2 - path.p)[0] / (path.n2 + path.p)[0]))


def test_notes_of_the_reader_are_shown(capsys, tmp_path):
    noted = tuple(
        replace(s, note="shots farther out than 4.8 sd") if k == 0 else s for k, s in enumerate(LABORATORY.series)
    )
    datasets.save(replace(LABORATORY, series=noted), tmp_path / "run")
    assert main(["check", str(tmp_path / "run")]) == 0
    assert "shots farther out than 4.8 sd" in capsys.readouterr().out


def test_a_misfit_is_said_in_words(fit_laboratory):
    assert "The model describes every series within its scatter" in fit_text(fit_laboratory)
    wrong = fit_laboratory.copy()
    observed = fit_laboratory["observed_data"].dataset.copy()
    observed["light_variance"] = 1 + 10 * np.log10(observed["light_variance"])  # decibels
    wrong["observed_data"] = DataTree(observed)
    assert "The model does not describe these data, do not use its rates: light_variance (χ²" in fit_text(wrong)


def test_an_orientation_test_is_known_to_inform_before_it_is_fitted():
    experiment = replace(LABORATORY, series=LABORATORY.series[-1:])
    problem = Problem(experiment)
    assert "collective_rate" not in {u.label for u in problem.parameters}
    found = expected_information(problem)
    informed = dict(zip(found.labels, found.together, strict=True))
    assert informed["coherence_time[orientation_beat]"] > 0.99
    assert informed["initial_n3"] > 0.5


def test_classical_noise_of_one_member_holds_where_the_angle_is_known():
    one, other = LABORATORY, read("fig2b-d55")
    both = joint({"lab": one, "other": other})
    found = {u.label for u in Problem(both).parameters}
    assert {"classical_noise", "faraday_angle[lab]", "initial_excess_variance[other]"} <= found
    values = prior_draws(Problem(both), 3, np.random.default_rng(seed(1)))
    assert np.isfinite(expected(both, values, Dynamics()).series["other.xi"]).all()
    angled = replace(other, apparatus=other.apparatus | {"faraday_angle": one.apparatus["faraday_angle"]})
    found = {u.label for u in Problem(joint({"lab": one, "other": angled}), ModelSettings()).parameters}
    assert "faraday_angle[other]" in found
    assert "initial_excess_variance[other]" not in found


def test_classical_noise_may_not_take_all_variance_away():
    with pytest.raises(PriorError, match=r"prior of classical_noise: found c₂Θ down to -6.8\d, expected above -0.9"):
        Problem(LABORATORY, ModelSettings(priors={"classical_noise": "normal(0, 0.1)"})).check()


def test_check_of_many_series_names_the_two_that_inform_most(capsys):
    assert main(["check", "laboratory-d55"]) == 0
    out = capsys.readouterr().out
    assert "most by" in out
    assert "coupling 99 %, light_variance" in out


def test_a_calibration_must_determine_something():
    only = replace(LABORATORY, series=tuple(s for s in LABORATORY.series if s.kind == "shot_noise"))
    priors = {"shot_noise_level": "lognormal(1, 0.0001)"}
    fit = inference.calibrate(only, priors=priors, seed=seed(1), draws=2000)
    with pytest.raises(ExperimentError, match="found nothing that these data determine, expected some precise"):
        calibration_of_fit(fit)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["orientation_beat", "light_variance"])
def test_a_series_that_is_excluded_whole(kind):
    series = tuple(replace(s, excluded=np.ones(len(s.x), bool)) if s.kind == kind else s for s in LABORATORY.series)
    fit = inference.fit(replace(LABORATORY, series=series), seed=seed(1), draws=60, tune=100, chains=2)
    assert kind not in fit["observed_data"].dataset
    assert "dephasing_rate" in fit["posterior"].dataset


def test_variances_in_any_unit_with_their_shot_noise_run_are_usable(fit_laboratory):
    """0.0042 mV² of shot noise: the rates are those of shot-noise units, and nothing contradicts a prior."""
    series = tuple(
        replace(s, value=0.0042 * s.value) if s.kind in ("light_variance", "shot_noise") else s
        for s in LABORATORY.series
    )
    fit = inference.fit(replace(LABORATORY, series=series, truth=None), closure="microscopic", seed=seed(3), draws=500)
    found = assess(fit)
    assert found.status in ("healthy", "doubtful")
    assert found.sampling.startswith("The sampling is healthy")
    assert found.model.startswith("The model describes every series within its scatter")
    # Nothing but the residuals of the beat, which alternate so that the draws decide whether that is surprising.
    assert [said for said in found.surprises if not said.startswith("orientation_beat: neighbouring")] == []
    there, here = rows_of(fit_laboratory), rows_of(fit)
    for label in ("collective_rate", "light_loss_rate", "detection_efficiency", "initial_n3"):
        assert abs(here[label].mean - there[label].mean) < 0.25 * there[label].sd
    assert here["shot_noise_level"].mean == pytest.approx(0.0042 * there["shot_noise_level"].mean, rel=1e-3)


def test_an_rf_test_of_the_opposite_sign_is_named(fit_laboratory, tmp_path, capsys):
    tree = fit_laboratory.copy(deep=True)
    assert assess(tree).backwards == ()
    data = tree["experiment/series/orientation_beat"].dataset.copy(deep=True)
    values = data["value"].values.copy()
    values[1::2] *= -1
    tree["experiment/series/orientation_beat"] = DataTree(data.assign(value=(data["value"].dims, values)))
    judged = assess(tree)
    assert judged.status != "healthy"
    assert "orientation_beat" in judged.headline
    assert "opposite sign" in judged.headline
    assert "The quadrature of orientation_beat has the opposite sign." in judged.model
    assert judged.next_steps[0].startswith("Multiply the quadrature of orientation_beat by −1")
    datasets.save(datasets.from_tree(tree["experiment"]), tmp_path / "run")
    assert main(["check", str(tmp_path / "run")]) == 0
    assert "the quadrature of orientation_beat has the opposite sign" in capsys.readouterr().out
