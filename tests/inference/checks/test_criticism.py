"""Criticism: what a right model looks like, what a wrong one, and the p-values in between."""

import json
import re
import sys
from html import unescape

import numpy as np
import pytest
from scipy.stats import chi2, expon, ks_2samp, kstest, norm

from dissentangle import inference
from dissentangle.datasets import ExperimentError
from dissentangle.inference.checks.criticism import criticize, p_value, p_value_by_tail, smallest_p_value
from dissentangle.inference.checks.replications import Step, replications
from dissentangle.inference.checks.statistics import STATISTICS, Statistic
from dissentangle.inference.checks.verdict import HEADLINES, assess
from dissentangle.inference.cli import main
from dissentangle.inference.figures import plot_autocorrelation, plot_criticism
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.reports.criticism import criticism as criticism_section
from dissentangle.inference.reports.page import page
from dissentangle.inference.reports.reported import ReportedFit
from dissentangle.inference.text import as_json
from dissentangle.inference.text.criticism import criticism_text

from ...seeds import CHANCE, seed
from ..fits.altered_fits import drifting, misfitted


def test_a_good_fit_is_not_surprising(fit_d55):
    found = criticize(fit_d55)
    assert [row.statistic for row in found.rows if row.series == "xi"] == list(STATISTICS)
    assert {row.statistic for row in found.rows if row.series == "polarization"} == {
        "late_slope", "autocorrelation", "sign_runs", "largest_residual", "scatter"
    }  # fmt: skip
    assert not found.surprising
    assert found.verdict.startswith("Nothing surprising: 18 statistics examined, 4000 replications")
    assert assess(fit_d55).surprises == ()


def test_residuals_that_go_together_are_found_where_chi_square_finds_nothing(fit_d55):
    fit = drifting(fit_d55)
    found = criticize(fit)
    worst = found.surprising[0]
    assert (worst.series, worst.statistic) == ("xi", "autocorrelation")
    assert worst.words.startswith("neighbouring residuals are correlated")
    assert worst.p_value == smallest_p_value(found.replications)
    judged = assess(fit)
    assert judged.status == "doubtful"
    assert judged.headline.startswith(f"{HEADLINES['doubtful'].removesuffix('.')} – xi: neighbouring residuals are")
    assert "Beyond that, criticism found: xi:" in judged.model
    assert judged.next_steps[0].startswith("Look at the criticism of xi before quoting rates")
    shown = page("criticism", opening=criticism_section(ReportedFit(Fit(fit))).parts)
    assert "<strong>neighbouring residuals are correlated" in shown
    assert re.search(r"xi \+0\.\d\d, [5-9] of 10 lags outside", unescape(shown))


def test_what_chi_square_says_is_not_said_twice(fit_d55):
    assert assess(misfitted(fit_d55)).headline == HEADLINES["misfit"]
    (said,) = assess(misfitted(fit_d55, shift=0.0, scale=0.2)).surprises
    assert said.startswith("xi: the errors given are too large (χ²")
    rows = {(row.series, row.statistic): row for row in criticize(misfitted(fit_d55, shift=0.0, scale=0.2)).rows}
    assert rows["xi", "scatter"].surprising
    assert rows["xi", "scatter"].words.startswith("the data scatter less than their σ or R imply")


def test_as_many_parameters_as_numbers_is_no_reason_for_surprise(fit_published):
    found = criticize(fit_published)
    assert {row.series for row in found.rows} == {"observations"}
    assert not found.surprising


def test_p_values_of_residuals_are_uniform_for_a_right_model():
    """A straight line with known noise, its posterior in closed form: no sampler."""
    rng = np.random.default_rng(seed(5))
    t = np.linspace(-1, 1, 20)
    jacobian = 4 * np.stack([np.ones(20), t], axis=-1)
    covariance = np.linalg.inv(np.eye(2) + jacobian.T @ jacobian)
    p_values = {name: [] for name in ("autocorrelation", "scatter", "largest_residual")}
    for _ in range(1000):
        data = jacobian @ rng.standard_normal(2) + rng.standard_normal(20)
        mean = covariance @ jacobian.T @ data
        draws = rng.multivariate_normal(mean, covariance, 500)
        replicated = draws @ jacobian.T + rng.standard_normal((500, 20))
        left = Step({"line": jacobian}, {}).left({"line": replicated - jacobian @ mean})["line"]
        for name, found in p_values.items():
            observed, drawn = (STATISTICS[name](t, z, np.ones(20)) for z in (data - jacobian @ mean, left))
            found.append(p_value(float(observed), drawn))
    for found in p_values.values():
        assert kstest(found, "uniform").pvalue > CHANCE


@pytest.mark.parametrize("fixture", ["fit_d55", "fit_published"])
def test_further_replications_have_the_law_of_the_first(fixture, request):
    for one in replications(Fit(request.getfixturevalue(fixture))):
        for statistic in STATISTICS.values():
            if statistic.suits(one.kind, one.abscissa, len(one.x)) or not one.kind:
                further = one.further(statistic.of, np.random.default_rng(seed(3)), 4000)
                both = (statistic(one.x, v, one.spread) for v in (one.both(statistic.of)[1], further))
                assert ks_2samp(*both, method="asymp").statistic < 0.12


def test_where_few_replications_are_kept_further_ones_decide(fit_d55, monkeypatch):
    """Of 300 the most extreme one in either direction has p = 0.007: of 18 statistics some would often be beyond."""
    whole = {(row.series, row.statistic): row for row in criticize(fit_d55).rows}
    monkeypatch.setattr(sys.modules[replications.__module__], "MOST_NUMBERS", 300 * 90)
    few = criticize(fit_d55)
    assert few.limit == pytest.approx(0.03 / 18)
    assert few.replications < 400
    assert not few.surprising
    assert all(abs(row.p_value - whole[row.series, row.statistic].p_value) < 0.3 for row in few.rows)
    rows = {(row.series, row.statistic): row for row in criticize(drifting(fit_d55, noise=0.0, period=20)).surprising}
    found = rows["xi", "autocorrelation"]
    assert 1e-4 < found.p_value <= few.limit


def test_far_points_of_student_t_pull_less():
    jacobian = np.ones((10, 1))
    far = np.zeros((1, 10))
    far[0, 0] = 100.0
    gaussian, student = (Step({"a": jacobian}, tails).left({"a": far})["a"][0, 1] for tails in ({}, {"a": 4.0}))
    assert gaussian == pytest.approx(-100 / 11)
    assert abs(student) < 0.1


def test_p_value():
    draws = np.arange(1000.0)
    assert p_value(499.5, draws) == pytest.approx(1.0)
    assert p_value(24.5, draws) == pytest.approx(0.05)
    assert p_value(-5, draws) == smallest_p_value(1000) == pytest.approx(2 / 1001)
    assert p_value(1.0, np.ones(50)) == 1.0  # ties count half


def test_the_tail_is_rather_too_wide():
    draws = np.random.default_rng(seed(6))
    for law, exact in ((norm, 0.0), (chi2(10), 0.0), (expon, 1.0)):
        found = [p_value_by_tail(law.isf(1e-5), law.rvs(size=5000, random_state=draws)) / 2e-5 for _ in range(1000)]
        assert np.exp(np.mean(np.log(found))) > 1 - 0.2 * exact
        assert np.exp(np.mean(np.log(found))) < (1.3 if exact else 300)
    assert p_value_by_tail(-expon.isf(1e-5), -expon.rvs(size=5000, random_state=draws)) < 1e-3
    assert p_value_by_tail(2.0, np.ones(500)) < 1e-9


def test_of_very_many_statistics_the_tail_decides(fit_d55, monkeypatch):
    """As of 100 experiments: what is far beyond 5000 replications is surprising, and nothing of a right model is."""
    monkeypatch.setattr(sys.modules[criticize.__module__], "FAMILY", 18 * 3.5e-4)
    assert not criticize(fit_d55).surprising
    rows = {(row.series, row.statistic): row for row in criticize(drifting(fit_d55, noise=0.0, period=20)).surprising}
    found = rows["xi", "autocorrelation"]
    assert found.p_value < 3.5e-4


def test_a_statistic_of_ones_own(fit_d55):
    mine = Statistic("first", "first point", lambda t, v, s: v[0], by_row=True, kinds=("xi",))
    found = inference.criticize(fit_d55, statistics={"first": mine})
    assert [row.meaning for row in found.rows] == ["first point"]
    assert found.rows[0].low < found.rows[0].observed < found.rows[0].high
    assert found.limit == 0.03


def test_what_cannot_be_criticized(fit_d55):
    wrong = Statistic("wrong", "all points", lambda t, v, s: v)
    with pytest.raises(ExperimentError, match=r"statistic wrong: found the shape \(30,\).*expected one number per row"):
        criticize(fit_d55, statistics={"wrong": wrong})
    bare = fit_d55.copy()
    del bare["posterior_predictive"]
    with pytest.raises(ExperimentError, match="found no group 'posterior_predictive' in this fit"):
        criticize(bare)


def test_text_facts_and_figures(fit_d55):
    found = criticize(fit_d55)
    assert "xi: time of the minimum" in criticism_text(found)
    facts = json.loads(json.dumps(as_json(found.facts()), allow_nan=False))
    assert facts["statistics"][0]["unit"] == "ms"
    (axis,) = plot_criticism(Fit(fit_d55), found=found).axes
    assert len(axis.get_yticklabels()) == len(axis.texts) == 18
    figure = plot_autocorrelation(Fit(fit_d55))
    assert figure.get_suptitle() == "simulated data"
    assert [text.get_text() for text in figure.legends[0].texts] == ["xi", "polarization", "transverse_spin"]


@pytest.mark.slow
def test_command(fit_d55, tmp_path, capsys):
    file = tmp_path / "f.nc"
    inference.save_fit(fit_d55, file)
    assert main(["criticize", str(file), "--figure", str(tmp_path / "c.svg")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("simulated: drive only, d = 55, as Fig. 2b [simulated]\n\nNothing surprising")
    assert (tmp_path / "c.svg").is_file()
    assert main(["criticize", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["replications"] == 4000
    assert main(["criticize", str(file), "--given", "polarisation", "-q"]) == 2
    assert "found 'polarisation' (did you mean 'polarization'?)" in capsys.readouterr().err


@pytest.mark.slow
def test_report(page_d55):
    for words in ("Nothing surprising: 18 statistics", "Autocorrelation of the residuals", "xi: time of the minimum"):
        assert words in page_d55
