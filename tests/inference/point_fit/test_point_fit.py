"""Fits without a posterior: plain least squares and the paper's own fit, on simulated data without noise and with."""

import json
from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from scipy.optimize import curve_fit

from dissentangle import inference
from dissentangle.datasets import ExperimentError, Known, Observation, StageEntry, joint, read, simulate_like
from dissentangle.datasets.prediction.expected import expected
from dissentangle.forward_models import Dynamics, InitialState, Rates, Stage, evolve, polarization_decay_time
from dissentangle.inference.cli import main
from dissentangle.inference.point_fit.paper_steps import (
    InitialSlope,
    fit_populations,
    initial_slope,
    slope_of_relaxation,
)
from dissentangle.inference.point_fit.profile import least_squares_from_zero
from dissentangle.inference.text import point_fit_facts, point_fit_text

from ...seeds import seed

DRIVE = "dephasing_rate[drive]"
PLAIN = {"scale[xi]": "fixed(1)", "initial_n3": "uniform(0, 0.05)"}
"""As if scale were exact and nothing known of n3(0): no penalties."""
microscopic = partial(inference.least_squares, closure="microscopic")


@pytest.fixture(scope="module", autouse=True)
def populations_fitted_once():
    """Γout, Γ, Γcol (and Γpump) of the same P(t) are the same in all tests here, and take seconds to find."""
    found = {}

    def once(spin, *others):
        key = (*(array.tobytes() for array in spin), *others)
        if key not in found:
            found[key] = fit_populations(spin, *others)
        return found[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("dissentangle.inference.point_fit.paper_fit"), "fit_populations", once)
        yield


def without_noise(name, closure="microscopic"):
    """A bundled simulated experiment, its values replaced by what the model expects of its truth."""
    experiment = read(name)
    means = expected(experiment, experiment.truth.parameters | {"scale[xi]": 1.0}, Dynamics(closure), accuracy=1e-12)
    return replace(experiment, series=tuple(replace(s, value=means.series[s.name]) for s in experiment.series))


def only(experiment, *kinds):
    return replace(experiment, series=tuple(s for s in experiment.series if s.kind in kinds))


def changed(experiment, which, **changes):
    series = tuple(replace(s, **changes) if s.name == which else s for s in experiment.series)
    return replace(experiment, series=series)


@pytest.mark.parametrize(
    ("name", "closure"), [("fig2b-d55", "microscopic"), ("fig2b-d55", "fixed-number"), ("fig2c-dark", "fixed-number")]
)
def test_least_squares_finds_the_truth_of_noise_free_data(name, closure):
    experiment = without_noise(name, closure)
    fit = inference.least_squares(experiment, closure=closure, free_dephasing=name == "fig2c-dark")
    truth = experiment.truth.parameters
    for label in ("collective_rate", "collision_rate", "light_loss_rate", "initial_n3", *fit.values):
        true = truth.get(label, truth["collective_rate"] / truth["optical_depth"])
        if (label in truth or label == "radiative_rate") and label != "scale[xi]":
            assert fit.values[label] == pytest.approx(true, rel=1e-5)
    assert fit.values["scale[xi]"] == pytest.approx(1, rel=1e-5)
    assert fit.chi2 < 1e-8
    assert fit.dof == 92 - len(fit.labels)  # with the penalties of scale and n3(0)


def test_the_closure_is_an_unknown_by_default():
    """Noise-free data of c = 0 and of c = 1: the search ends there, and the error bar says how little they tell."""
    for closure, share in (("microscopic", 1.0), ("fixed-number", 0.0)):
        fit = inference.least_squares(without_noise("fig2b-d55", closure))
        assert fit.values["loss_noise_share"] == pytest.approx(share, abs=1e-3)
        assert fit.values["collective_rate"] == pytest.approx(0.11, rel=1e-3)
        assert fit.errors["loss_noise_share"] > 0.1


def test_least_squares_of_experiments_put_together():
    fit = microscopic(joint({"a": without_noise("fig2b-d55"), "b": without_noise("fig2b-d35")}))
    assert fit.values["radiative_rate"] == pytest.approx(0.002, rel=1e-5)
    assert fit.values["collective_rate[b]"] == pytest.approx(0.07, rel=1e-5)
    assert fit.fixed["optical_depth[b]"] == 35


def test_covariance_is_that_of_scipy_on_a_model_of_its_own():
    """curve_fit with the rates written out, Levenberg-Marquardt, derivatives of its own."""
    experiment = read("fig2b-d55")
    fit = microscopic(experiment, priors=PLAIN)
    series = {s.kind: s for s in experiment.series}

    def model(times, collective, loss, collision, dephasing, n3):
        radiative = collective / 55
        mean_square = 0.25 * (1 / 0.16 + 0.16)
        total = 2 * mean_square * radiative + 4 * collision + 2 * loss + dephasing
        rates = Rates(collective, radiative, 0.16, collision, loss, 0.0, 0.0, total)
        trajectory = evolve([Stage(20.0, rates)], times[:30], InitialState(n3=n3), accuracy=1e-13)
        return np.concatenate([getattr(trajectory, kind) for kind in series])

    xi = series["xi"]
    sigma = [xi.value * np.sqrt(2 / (2 * (xi.spread - 1))), series["polarization"].spread]
    sigma.append(series["transverse_spin"].spread)
    values, times = (np.concatenate([getattr(s, what) for s in series.values()]) for what in ("value", "x"))
    best, covariance = curve_fit(
        model, times, values, [0.11, 0.03, 0.002, 0.1, 0.01], np.concatenate(sigma), absolute_sigma=True, epsfcn=1e-10
    )
    assert fit.labels == (
        "collective_rate", "light_loss_rate", "collision_rate", "pure_dephasing_rate[drive]", "initial_n3",
    )  # fmt: skip
    scale = np.sqrt(np.diag(covariance))
    assert np.array([fit.values[label] for label in fit.labels]) == pytest.approx(best, abs=1e-3 * scale.min())
    assert fit.matrix / np.outer(scale, scale) == pytest.approx(covariance / np.outer(scale, scale), abs=5e-3)
    assert fit.correlation == pytest.approx(covariance / np.outer(scale, scale), abs=5e-3)
    assert [fit.errors[label] for label in fit.labels] == pytest.approx(scale, rel=5e-3)
    slope = np.array([2 * 0.25 * (1 / 0.16 + 0.16) / 55, 2, 4, 1, 0])
    assert fit.errors[DRIVE] == pytest.approx(np.sqrt(slope @ covariance @ slope), rel=5e-3)
    assert fit.errors["radiative_rate"] == pytest.approx(scale[0] / 55, rel=5e-3)

    def penalised(_, *parameters):
        """ξ observed = s ξ; the last two parameters, n3(0) and s as z-scores in their priors, are residuals too."""
        *rates, n3, scale = parameters
        known = np.append(np.full(30, 1 + 0.04 * scale), np.ones(60)) * model(times, *rates, 0.01 * np.exp(0.5 * n3))
        return np.append(known, [n3, scale])

    best, covariance = curve_fit(
        penalised, 0.0, np.append(values, [0, 0]), [0.11, 0.03, 0.002, 0.1, 0.1, 0.1],
        np.append(np.concatenate(sigma), [1, 1]), absolute_sigma=True, epsfcn=1e-10,
    )  # fmt: skip
    fit, n3 = microscopic(experiment), 0.01 * np.exp(0.5 * best[4])
    scale = np.sqrt(np.diag(covariance)) * [1, 1, 1, 1, 0.5 * n3, 0.04]
    best = np.array([*best[:4], n3, 1 + 0.04 * best[5]])
    assert fit.labels[-2:] == ("initial_n3", "scale[xi]")
    assert [fit.errors[label] for label in fit.labels] == pytest.approx(scale, rel=5e-3)
    assert [fit.values[label] for label in fit.labels] / scale == pytest.approx(best / scale, abs=1e-3)


def test_with_the_error_of_the_scale_the_error_of_the_collective_rate_is_that_of_the_posterior(fit_d55):
    """6 % narrower for this data set; 5 standard errors of the posterior's sd, of 2000 effective draws, are 8 %."""
    posterior = fit_d55.summary().loc["collective_rate"]
    found, forgotten = microscopic("fig2b-d55"), microscopic("fig2b-d55", priors=PLAIN | {"initial_n3": "fixed(0.01)"})
    assert found.errors["collective_rate"] == pytest.approx(posterior["sd"], rel=0.14)
    assert found.values["collective_rate"] == pytest.approx(posterior["mean"], abs=0.3 * posterior["sd"])
    assert forgotten.errors["collective_rate"] < 0.6 * posterior["sd"]


def test_what_is_held_fixed_and_where_the_search_starts():
    experiment = read("fig2b-d55")
    fit = microscopic(experiment, priors={"collision_rate": "fixed(0.002)", "scale[xi]": "fixed(1)"})
    assert fit.fixed["scale[xi]"] == 1
    assert "initial_n3" in fit.values
    assert fit.fixed["squeezing_limit"] == 0.16
    assert fit.fixed["collision_rate"] == 0.002
    assert any("squeezing_limit; no prior is used for collective_rate" in text for text in fit.warnings)
    assert not any("initial_n3" in text for text in fit.warnings)
    assert any("initial_n3" in text for text in microscopic(experiment, priors=PLAIN).warnings)
    stated = replace(experiment, apparatus=experiment.apparatus | {"initial_n3": Known(0.02, 0.0001)})
    assert microscopic(stated).values["initial_n3"] == pytest.approx(0.02, rel=0.05)
    other = microscopic(experiment, priors={"collective_rate": "lognormal(0.3, 0.01)"})
    assert other.values["collective_rate"] == pytest.approx(microscopic(experiment).values["collective_rate"])
    by_angle = replace(experiment, apparatus={"faraday_angle": Known(14.0, 0.1)})
    assert microscopic(by_angle).fixed["optical_depth"] == 56


def test_published_numbers_can_be_fitted_where_they_are_enough():
    fit = microscopic(
        "krauter2011-published", free_dephasing=True, priors={"initial_n3": "fixed(0.01)", "pump_rate": "fixed(0.168)"}
    )
    assert fit.dof == 1  # 7 numbers, 6 rates
    assert fit.chi2 < 1
    assert np.isnan(replace(fit.steps[0], dof=0).reduced_chi2)


def test_warnings_of_misfit_bounds_and_missing_information():
    narrow = changed(without_noise("fig2b-d55"), "transverse_spin", value=np.linspace(1, 0.5, 30))
    assert any("the model does not describe these data" in text for text in microscopic(narrow).warnings)
    alone = microscopic(only(read("fig2b-d55"), "polarization"))
    assert any("the covariance is singular" in text for text in alone.warnings)
    assert alone.covariance() is None
    assert alone.correlation is None
    assert np.isnan(list(alone.errors.values())).all()
    assert "none" in point_fit_text(alone)
    pump = microscopic(without_noise("fig2c-pump"))  # its truth lies below the floor of Γ̃
    assert any(
        "less than one error bar from a bound" in text and "pure_dephasing_rate[drive+pump] =" in text
        for text in pump.warnings
    )


@pytest.mark.slow
def test_paper_fit_of_what_the_paper_assumes():
    """Noise-free, fixed-number closure. T1 is read off to 0.1 %, and with it Γout_L to 1 %, since Γcol and Γ share the
    slope. The slope of ΣJ is that of one relaxation rate, where Γ̃ + dΓp(t) falls by a quarter: 8 % of dΓ, of which Γ̃
    takes what Jy leaves, dΓp/Γ̃ times as much. Γ and Γcol share P(t): Γcol to a tenth.
    """
    experiment = without_noise("fig2b-d55", "fixed-number")
    truth, fit = experiment.truth.parameters, inference.paper_fit(experiment)
    assert fit.values["light_loss_rate"] == pytest.approx(truth["light_loss_rate"], rel=0.01)
    assert fit.values["collective_rate"] == pytest.approx(truth["collective_rate"], rel=0.08)
    assert fit.values[DRIVE] == pytest.approx(truth[DRIVE], rel=0.08 * 0.11 / 0.193)
    assert fit.values["collision_rate"] == pytest.approx(truth["collision_rate"], rel=0.1)
    rates = Rates(0.11, 0.002, 0.16, 0.002, 0.0264, 0.0, 0.0, 0.193)
    assert f"T1 = {polarization_decay_time(rates, InitialState()):.1f} ms" in fit.steps[0].name
    assert fit.covariance() is None


@pytest.mark.slow
def test_paper_fit_puts_the_noise_of_lost_atoms_into_the_collective_rate():
    """In the microscopic closure ΣJ also falls by 4 dn2/dt, which the paper's slope formula books as dΓ."""
    fixed, micro = (inference.paper_fit(without_noise("fig2b-d55", c)).values for c in ("fixed-number", "microscopic"))
    expected = 0.0284 / (0.98 * (1 - 0.16 * 0.98))  # Γout/[p(1−Zp)]
    assert micro["collective_rate"] - fixed["collective_rate"] == pytest.approx(expected, rel=0.1)
    assert micro[DRIVE] < fixed[DRIVE]
    assert micro["light_loss_rate"] == fixed["light_loss_rate"]


@pytest.mark.slow
def test_paper_fit_takes_the_variance_as_measured_too():
    experiment = without_noise("fig2b-d55", "fixed-number")
    xi, polarization = (next(s for s in experiment.series if s.kind == kind) for kind in ("xi", "polarization"))
    other = changed(experiment, "xi", kind="epr_variance", value=xi.value * polarization.value)
    found, same = inference.paper_fit(experiment).values, inference.paper_fit(other).values
    assert same["collective_rate"] == pytest.approx(found["collective_rate"], rel=1e-3)


@pytest.mark.slow
def test_paper_fit_with_pump_and_later_stages():
    fit = inference.paper_fit("fig2c-dark")
    assert {"pump_rate[drive+pump]", "dephasing_rate[drive+pump]"} < set(fit.values)
    assert any("54 points after the first stage (8 ms) are not used" in text for text in fit.warnings)
    observed = replace(read("fig2b-d55"), observations=(Observation("orientation", 0.98, 0.003, 15.0),))
    warnings = inference.paper_fit(observed).warnings
    assert any("not used: orientation at 15 ms" in text for text in warnings)
    assert any("no error bar for radiative_rate" in text and "next to the bound 0" in text for text in warnings)


@pytest.mark.slow
def test_paper_fit_has_intervals_where_the_jacobian_degenerates():
    """Γ next to 0: its ± would be 121, and that of Γcol 3.4. The ends against a scan of the profile of χ²."""
    degenerate = 16  # this data set is one: other seeds give other cases
    experiment = read(simulate_like(read("fig2b-d55"), seed=degenerate))
    fit = inference.paper_fit(experiment)
    assert set(fit.intervals) == {"radiative_rate", "collision_rate"}
    assert np.isnan([fit.errors[label] for label in fit.intervals]).all()
    (low, high), (least, most) = fit.intervals["radiative_rate"], fit.intervals["collision_rate"]
    assert (low, least) == (0, 0)
    series = next(s for s in experiment.series if s.kind == "polarization")
    slope = initial_slope("P", series.x, series.value, series.spread).slope
    steep = 0.25 * (1 / 0.16 + 0.16)  # (μ² + ν²)/2

    def chi2(radiative, collision):
        cooling, heating = (steep + 0.5) * radiative + collision, (steep - 0.5) * radiative + collision
        loss = -slope + (cooling * 0.01 - heating * 0.99) / (4 * 0.99 + 3 * 0.01)
        rates = Rates(0.0, radiative, 0.16, collision, max(loss - collision, 0.0), 0.0, 0.0, 0.0)
        model = evolve([Stage(20.0, rates)], series.x, InitialState(), "fixed-number").polarization
        return (((model - series.value) / series.spread) ** 2).sum()

    rates = np.linspace(0, 0.003, 121)
    best = min(chi2(0.0, c) for c in rates)
    assert fit.steps[1].chi2 == pytest.approx(best, abs=0.01)
    for end in (0.99 * high, 1.01 * high):
        rise = min(chi2(end, c) for c in rates) - best
        assert (rise < 1.02) == (end < high)
    along = np.linspace(0, 0.016, 65)
    assert min(chi2(g, 0.0) for g in along) - best < 1
    assert min(chi2(g, 1.03 * most) for g in along) - best > 1
    assert "[0, 0.014]" in point_fit_text(fit)
    facts = {row["label"]: row for row in point_fit_facts(fit)["parameters"]}
    assert facts["radiative_rate"]["interval"] == (low, high)
    assert facts["collective_rate"]["interval"] is None


def test_profiles_of_known_shape():
    """A straight line keeps its ±; a square root at its edge and a product have intervals, one of them without end."""
    x = np.arange(1.0, 11.0)
    plain = least_squares_from_zero(lambda p: (p[0] * x - 2 * x) / 0.5, np.ones(1))
    assert plain[1][0] == pytest.approx(0.5 / np.sqrt((x**2).sum()), rel=1e-3)
    assert plain[3] == [None]
    _, errors, chi2, ranges = least_squares_from_zero(lambda p: np.array([p[0] ** 2 + 0.5]), np.ones(1))
    assert (np.isnan(errors[0]), chi2) == (True, pytest.approx(0.25, abs=1e-3))
    assert ranges[0][0] == 0
    assert ranges[0][1] == pytest.approx(np.sqrt(np.sqrt(1.25) - 0.5), rel=1e-2)
    _, errors, _, ranges = least_squares_from_zero(lambda p: np.array([p[0] * p[1] - 2.0, 0.0]), np.ones(2))
    assert np.isnan(errors).all()
    assert [high for _, high in ranges] == [np.inf, np.inf]


@pytest.mark.slow
def test_paper_fit_says_where_rates_would_be_negative():
    experiment = without_noise("fig2b-d55")
    rising = changed(experiment, "xi", value=np.linspace(1.0, 2.0, 30))
    fit = inference.paper_fit(rising)
    assert fit.values["collective_rate"] < 0
    assert any("collective_rate is negative" in text for text in fit.warnings)
    level = InitialSlope(-1e-4, 1e-4, 0.0, 28)
    polarization = next(s for s in experiment.series if s.kind == "polarization")
    points = polarization.x, polarization.value, polarization.spread
    found = fit_populations(points, level, experiment.stages[0], 0.16)
    assert found.values["light_loss_rate"] == 0
    assert any("light_loss_rate is at its bound 0" in text for text in found.warnings)


@pytest.mark.slow
def test_slopes_of_their_own_curves_and_their_error():
    t, sigma = np.linspace(0.5, 20, 40), np.full(40, 0.01)
    fall = -np.expm1(-0.1 * t) / 0.1
    found = initial_slope("P", t, 1 - 0.03 * fall, sigma)
    assert found.slope == pytest.approx(-0.03, rel=1e-6)
    known = slope_of_relaxation("ΣJ", t, 1.02 - 0.1 * fall + 0.01 * t, sigma, 0.1)
    assert known.slope == pytest.approx(-0.09, rel=1e-9)
    rng = np.random.default_rng(seed(0))
    noise = sigma * rng.standard_normal((200, 40))
    plain = np.std([initial_slope("P", t, 1 - 0.03 * fall + n, sigma).slope for n in noise])
    relaxing = np.std([slope_of_relaxation("ΣJ", t, 1 - 0.1 * fall + n, sigma, 0.1).slope for n in noise])
    assert found.error == pytest.approx(plain, rel=0.2)  # 200 draws: 5 % (one standard error)
    assert known.error == pytest.approx(relaxing, rel=0.2)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda e: only(e, "polarization", "transverse_spin"), "found no series xi or epr_variance"),
        (lambda e: only(e, "xi", "transverse_spin"), "found no series polarization .*takes Γout, Γ and Γcol from it"),
        (lambda e: only(e, "xi", "polarization"), "found no series transverse_spin .*takes Γ̃ from it"),
        (lambda e: replace(e, stages=(StageEntry.of("dark"), *e.stages)), "a run that starts with 'dark', expected"),
        (lambda e: read("krauter2011-published"), "found 4 runs .*expected one"),
        (lambda e: changed(e, "polarization", value=np.linspace(1, 2, 30)), r"polarization: found a slope of \+"),
        (lambda e: changed(e, "polarization", excluded=np.arange(30) > 1), "polarization: found 2 points .* least 3"),
        (lambda e: changed(e, "xi", excluded=np.arange(30) > 2), "ΣJ.* in the first .* ms: found 3 points .* least 4"),
    ],
)
def test_what_the_paper_fit_refuses(change, text):
    with pytest.raises(ExperimentError, match=text):
        inference.paper_fit(change(read("fig2b-d55")))


def test_what_least_squares_refuses():
    with pytest.raises(ExperimentError, match="found 7 data for 8 parameters, expected at least as many"):
        inference.least_squares("krauter2011-published")
    rates = ("collective_rate", "collision_rate", "light_loss_rate", "pure_dephasing_rate", "initial_n3")
    with pytest.raises(ExperimentError, match="found every parameter known or fixed"):
        microscopic("fig2b-d55", priors=dict.fromkeys(rates, "fixed(0.01)"))
    both = {"a": "fig2b-d55", "b": "fig2b-d35"}
    with pytest.raises(ExperimentError, match=r"found a population \(collision_rate\)"):
        inference.least_squares(both, sharing={"collision_rate": "population"})


@pytest.mark.slow
def test_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for method, text in (("paper", "uncertainty is not propagated"), ("least-squares", "from the covariance matrix")):
        assert main(["fit", "fig2b-d55", "--method", method]) == 0
        printed = capsys.readouterr().out
        assert "[simulated]" in printed
        assert "Not a posterior." in printed
        assert text in printed
        assert "Warning: " in printed
        assert list(tmp_path.iterdir()) == []
        assert main(["fit", "fig2b-d55", "--method", method, "--json", "-o", f"new/{method}.json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts.pop("written") == [f"new/{method}.json"]
        assert facts == json.loads((tmp_path / "new" / f"{method}.json").read_text())
        assert facts["method"] == method
        assert {"label", "symbol", "unit", "value", "error", "interval", "from"} == set(facts["parameters"][0])
        (tmp_path / "new" / f"{method}.json").unlink()
        (tmp_path / "new").rmdir()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-o", "fit.nc"], "fit.nc: output must end in .json"),
        (["--figure", "a.png"], "--figure a.png: found --method paper, expected --method posterior"),
        (["--fix", "collision_rate=0.002"], "--prior, --fix, --model: found --method paper, which uses none of them"),
        (["--method", "mcmc"], "invalid choice: 'mcmc'"),
    ],
)
def test_options_that_do_not_fit_the_method(options, text, capsys):
    try:
        code = main(["fit", "fig2b-d55", "--method", "paper", *options])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert text in capsys.readouterr().err


def test_a_search_that_does_not_end(monkeypatch, capsys):
    monkeypatch.setattr(import_module("dissentangle.inference.point_fit.least_squares"), "_MOST_EVALUATIONS", 3)
    assert main(["fit", "fig2b-d55", "--method", "least-squares"]) == 1
    assert "the search did not end at a minimum" in capsys.readouterr().out
    assert not point_fit_facts(inference.least_squares("fig2b-d55"))["converged"]
