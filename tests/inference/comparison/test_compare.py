"""Comparison of fits: what is left out, exact refits, words, files."""

import json
import os
import re
from dataclasses import replace
from html import escape

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, read
from dissentangle.datasets.prediction import expected
from dissentangle.inference.cli import main
from dissentangle.inference.comparison.compare import compare, require_same_data
from dissentangle.inference.comparison.data_points import data_points, data_units, without
from dissentangle.inference.comparison.evidence import Evidence, bridge_evidence, evidence_of_draws
from dissentangle.inference.comparison.leave_one_out import leave_one_out, refitted
from dissentangle.inference.comparison.refit import fit_of_the_rest, log_predictive_density
from dissentangle.inference.comparison.rival_fits import fit_rivals
from dissentangle.inference.fits.file import fit_id, save_fit
from dissentangle.inference.fits.predictive import log_likelihood
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.settings import SamplerSettings
from dissentangle.inference.reports import fit_page
from dissentangle.inference.reports.comparison import compared_with, comparison_page
from dissentangle.inference.reports.folder import _up_to_date
from dissentangle.inference.reports.page import generator, page
from dissentangle.inference.reports.reported import ReportedFit, rivals
from dissentangle.inference.reports.write import comparison_beside, said_beside, write_comparison
from dissentangle.inference.sampling import bulk_ess_and_rhat
from dissentangle.inference.text import as_json, models_table
from dissentangle.inference.text.comparison import comparison_facts, comparison_text, objections, sentences
from dissentangle.inference.text.numbers import plus_minus

from ...seeds import SIGMA, seed
from ..fits.altered_fits import broken

SAMPLER = SamplerSettings(seed(3))


@pytest.fixture(scope="module")
def fit_fixed():
    return inference.fit("fig2b-d55", seed=seed(3), model="fixed-number")


@pytest.fixture(scope="module")
def compared(fit_d55, fit_fixed):
    return compare({"microscopic": fit_d55, "fixed <number>": fit_fixed})


def test_units():
    experiment = read("fig2b-d55")
    sizes = {unit: [len(u.columns) for u in data_units(experiment, unit)] for unit in ("point", "time", "series")}
    assert {unit: (len(s), set(s)) for unit, s in sizes.items()} == {
        "point": (90, {1}), "time": (30, {3}), "series": (3, {30})
    }  # fmt: skip
    published = read("krauter2011-published")
    assert len(data_units(published, "series")) == len(data_points(published))
    laboratory = data_units(read("laboratory-d55"), "time")
    assert len(laboratory) == 119
    assert max(len(unit.columns) for unit in laboratory) == 4  # both quadratures, P and Jy


def test_units_that_do_not_exist():
    experiment = read("fig2b-d55")
    with pytest.raises(ExperimentError, match="unit: found 'day', expected one of point, time, series, experiment"):
        data_units(experiment, "day")
    with pytest.raises(ExperimentError, match="unit: found 'experiment' where this is not a joint fit"):
        data_units(experiment, "experiment")


def test_what_is_left_out_leaves_the_form_of_the_model():
    experiment = read("laboratory-d55")
    points = data_points(experiment)
    form = {u.label for u in Problem(experiment).parameters}
    for name in ("orientation_beat", "shot_noise", "projection_noise"):
        left = without(experiment, [p for p in points if p.series == name])
        assert {p.series for p in data_points(left)} == {p.series for p in points} - {name}
        assert {u.label for u in Problem(left).parameters} == form
    published = read("krauter2011-published")
    left = without(published, data_points(published)[:2])
    assert len(data_points(left)) == len(data_points(published)) - 2
    assert [u.label for u in Problem(left).parameters] == [u.label for u in Problem(published).parameters]


def test_points_at_the_same_time_are_left_out_one_by_one():
    experiment = read("fig2b-d55")
    xi = experiment.series[0]
    twice = replace(xi, x=np.where(np.arange(len(xi.x)) == 4, xi.x[3], xi.x))
    units = data_units(replace(experiment, series=(twice,)), "point")
    assert [len(unit.columns) for unit in units] == [1] * 30
    assert units[3].label == units[4].label == "xi at 2.667"


def mean_and_error(draws, chains=4):
    """Mean of numbers drawn in chains, and its Monte Carlo error, by their effective number."""
    (effective,), _ = bulk_ess_and_rhat(np.reshape(draws, (1, chains, -1)))
    return np.mean(draws), np.std(draws) / np.sqrt(effective)


def test_a_parameter_that_nothing_else_depends_on_follows_its_prior(fit_d55):
    fitted = Fit(fit_d55)
    left_out = [p for p in data_points(fitted.experiment) if p.series == "xi"]
    values = fit_of_the_rest(Problem(without(fitted.experiment, left_out)), replace(SAMPLER, draws=2000))[0]
    score = (values["scale[xi]"] - 1) / 0.04
    other = values["light_loss_rate"] - values["light_loss_rate"].mean()
    for found, true in ((score, 0), (score**2, 1), (score * other / other.std(), 0)):
        mean, error = mean_and_error(found)
        assert abs(mean - true) < SIGMA * error < 0.15


@pytest.mark.slow
def test_a_whole_series_by_the_difference_of_two_evidences(fit_d55):
    """Where the average over draws can do it too."""
    fitted = Fit(fit_d55)
    left_out = [p for p in data_points(fitted.experiment) if p.series == "transverse_spin"][-6:]
    arguments = (fitted.problem, SAMPLER, left_out)
    average, healthy = log_predictive_density(*arguments)
    rest = Problem(without(fitted.experiment, left_out), fitted.settings)
    partial = evidence_of_draws(rest, fit_of_the_rest(rest, SAMPLER)[1])
    difference = bridge_evidence(fit_d55).log_evidence - partial.log_evidence
    assert average == pytest.approx(difference, abs=0.1)
    assert healthy


@pytest.mark.slow
def test_psis_is_confirmed_by_fits_without_the_point():
    """The worst and the most surprising point; all 90: benchmarks/leave_one_out.py."""
    fit = inference.fit("fig2b-d55", seed=seed(3), draws=2000)
    fitted, found = Fit(fit), leave_one_out(fit)
    points = data_points(fitted.experiment)
    for k in {int(np.argmax(found.pareto_k)), int(np.argmin(found.pointwise))}:
        rest = replace(fitted.problem, experiment=without(fitted.experiment, [points[k]]))
        values, _, _ = fit_of_the_rest(rest, replace(SAMPLER, draws=2000))
        means = expected(fitted.experiment, values, fitted.problem.dynamics)
        exact = log_likelihood(fitted.problem, means, values)[points[k].series][..., points[k].number]
        weighted = fit["log_likelihood"][points[k].series].values[..., points[k].number]
        (density, error), (inverse, its) = (mean_and_error(np.exp(one)) for one in (exact, -weighted))
        error = np.hypot(error / density, its / inverse)  # of the logarithms of p and of 1 / mean(1/p)
        assert abs(found.pointwise[k] - np.log(density)) < SIGMA * error < 0.15


@pytest.mark.slow
def test_where_weights_fail_there_are_exact_fits(fit_published):
    found = leave_one_out(fit_published)
    assert len(found.failing) > 2
    worst = found.failing[0]
    only_worst = replace(found, limit=float(found.pareto_k[found.failing[1]]) + 1e-9)
    told = []
    exact = refitted(Fit(fit_published), only_worst, told.append)
    assert told == [f"fitting without {found.units[worst].label}"]
    assert exact.refits == (worst,)
    assert not exact.failing
    others = [k for k in range(len(found.units)) if k != worst]
    np.testing.assert_array_equal(exact.pointwise[others], found.pointwise[others])
    fitted, other = Fit(fit_published), replace(SAMPLER, seed=SAMPLER.seed + 1)
    (point,) = points = [data_points(fitted.experiment)[worst]]
    rest = replace(fitted.problem, experiment=without(fitted.experiment, points))
    values, _, _ = fit_of_the_rest(rest, other)
    means = expected(fitted.experiment, values, fitted.problem.dynamics)
    density = np.exp(np.ravel(log_likelihood(fitted.problem, means, values)[point.series][..., point.number]))
    error = density.std() / density.mean() / np.sqrt(len(density) / 4)  # four draws count as one
    assert exact.pointwise[worst] == pytest.approx(np.log(density.mean()), abs=SIGMA * np.sqrt(2) * error)
    assert error < 0.3
    assert exact.elpd - found.elpd == pytest.approx(exact.pointwise[worst] - found.pointwise[worst])


def test_comparison_of_the_closures(compared, fit_d55, fit_fixed):
    best, other = compared.models
    assert {best.name, other.name} == {"microscopic", "fixed <number>"}
    assert best.difference == 0
    assert sum(model.weight for model in compared.models) == pytest.approx(1)
    assert compare({"worse": fit_fixed, "better": fit_d55}).data_hash == fit_d55.attrs["data_sha256"]
    both = {"microscopic": fit_d55, "fixed <number>": fit_fixed}
    pointwise = [leave_one_out(both[model.name]).pointwise for model in compared.models]
    assert other.difference == pytest.approx(float((pointwise[1] - pointwise[0]).sum()))
    assert other.difference_se == pytest.approx(float(np.sqrt(90) * (pointwise[1] - pointwise[0]).std()))
    factor, error = compared.log_bayes_factor(min(compared.models, key=lambda m: m.evidence.log_evidence))
    assert -6 < factor < 0 < error < 0.1


def test_words(compared):
    text = comparison_text(compared)
    assert "(simulated data)" in text
    assert "these data cannot tell" in text
    assert "A Bayes factor compares models together with their priors" in text
    facts = comparison_facts(compared)
    assert facts["units"] == 90
    assert json.loads(json.dumps(facts))["models"][0]["stacking_weight"] == compared.models[0].weight


def test_objections_come_first(compared):
    best, other = compared.models
    assert objections(compared) == []
    wrong = replace(compared, models=(replace(best, status="misfit"), replace(other, status="misfit")))
    assert sentences(wrong)[0].startswith("None of these models describes the data")
    assert any("Not described by" in text for text in sentences(replace(wrong, models=(wrong.models[0], other))))
    failed = replace(compared, models=(best, replace(other, status="unhealthy")))
    assert any(text.startswith("The sampling of fixed <number> failed: not ranked") for text in sentences(failed))
    every = replace(compared, models=tuple(replace(model, status="unhealthy") for model in compared.models))
    assert objections(every)[0].startswith("The sampling of every model failed")
    assert not any(text.startswith("Evidence") for text in sentences(failed))
    assert "not ranked" in comparison_text(failed)
    check = Evidence(best.evidence.log_evidence - 5, 0.1, "smc")
    doubted = replace(compared, models=(replace(best, check=check), other))
    assert "bridge sampling and SMC disagree on the evidence" in objections(doubted)[0]
    unsure = replace(compared, models=(replace(best, left_out=replace(best.left_out, limit=0.1)), other))
    assert objections(unsure)[0].startswith("The elpd (in brackets) cannot be trusted where Pareto k̂ fails: micro")
    none = replace(compared, models=(replace(best, evidence=Evidence(np.nan, np.nan, "bridge")), other))
    assert any(text.startswith("No evidence for microscopic") for text in sentences(none))
    assert "none" in comparison_text(none)
    assert "disfavoured" not in comparison_text(none)
    assert [row["odds_against"] for row in comparison_facts(none)["models"]] == [None, 1.0]
    assert models_table(as_json(comparison_facts(none))).rows == models_table(comparison_facts(none)).rows


def test_rates_that_depend_on_the_model_are_named(compared):
    said = next(text for text in sentences(compared) if text.startswith("Rates (ms⁻¹) that a rival moves by more than"))
    best, other = compared.models
    assert f"dΓ: {plus_minus(*best.rates['collective_rate'])} by {best.name}, " in said
    assert f", {plus_minus(*other.rates['collective_rate'])} by {other.name}" in said
    assert "collective_rate" in comparison_facts(compared)["moved_rates"]
    alike = replace(compared, models=tuple(replace(m, rates=compared.models[0].rates) for m in compared.models))
    assert any("agree within their error bars" in text for text in sentences(alike))
    wrong = replace(compared, models=(best, replace(other, status="misfit")))
    assert not any("±" in text and "rival" in text for text in sentences(wrong))


def test_a_model_whose_sampling_failed_is_not_ranked(fit_d55, fit_fixed):
    found = compare({"bad": broken(fit_d55), "fixed": fit_fixed}, refit=False)
    assert [(m.name, m.status, m.weight) for m in found.models] == [
        ("fixed", "healthy", 1.0),
        ("bad", "unhealthy", 0.0),
    ]
    assert found.models[1].difference == pytest.approx(
        leave_one_out(fit_d55).elpd - leave_one_out(fit_fixed).elpd, abs=3
    )


def test_fits_of_different_data(fit_d55, fit_published):
    tree = fit_d55.copy(deep=True)
    series = tree["experiment/series/xi"].dataset.copy(deep=True)
    series["value"][4] = 0.5
    tree["experiment/series/xi"] = type(tree)(series)
    with pytest.raises(ExperimentError, match=r"of different data: xi at 3\.333: 0\.\d+ in a, 0\.5 in b; expected"):
        require_same_data({"a": Fit(fit_d55), "b": Fit(tree)})
    with pytest.raises(ExperimentError, match=r"xi at 0\.667 only in a; .* and \d+ more; expected the same points"):
        require_same_data({"a": Fit(fit_d55), "b": Fit(fit_published)})
    with pytest.raises(ExperimentError, match="compare: found 1 fit, expected several"):
        compare({"a": fit_d55})


def test_page(compared):
    whole = comparison_page(compared)
    assert "fixed &lt;number&gt;" in whole
    assert "fixed <number>" not in whole
    assert whole.count("<svg") == 2
    assert "simulated data" in whole
    first = whole[whole.index('class="verdict') : whole.index("<h1")]
    assert escape(sentences(compared)[0]) in first
    assert "Evidence, with the priors of these fits, is for microscopic: fixed &lt;number&gt; is disfavoured " in first
    assert "Averaged over 2 models, weights by evidence, with equal prior odds: " in whole


def swapped(facts, fit):
    """As if the fit had been the other model, which lost."""
    first, second = facts["models"]
    return facts | {"models": [first | {"fit": second["fit"]}, second | {"fit": fit}]}


@pytest.mark.slow
def test_the_report_of_a_compared_fit_shows_the_comparison(compared, fit_d55, tmp_path, capsys):
    assert write_comparison(compared, tmp_path) == [tmp_path / "comparison.html", tmp_path / "comparison.json"]
    file = tmp_path / "a.nc"
    facts = comparison_beside(file)
    shown = page("a", opening=compared_with(facts, fit_id(fit_d55)))
    assert "This fit is microscopic." in shown
    assert "fixed &lt;number&gt;" in shown
    assert compared_with(facts, "another") == []
    save_fit(fit_d55, file)
    assert "the evidence is for this fit (microscopic): fixed <number> is disfavoured" in said_beside(fit_d55, file)[0]
    first = fit_page(fit_d55, "a.nc", facts).partition("<h1")[0]
    assert "fixed &lt;number&gt; is disfavoured" in first
    assert "Rates (ms⁻¹) that a rival moves by more than their error bars: " in first
    lost = fit_page(fit_d55, "a.nc", swapped(facts, fit_id(fit_d55)))
    assert re.search('<p class="verdict doubtful">Disfavoured [^<]* : 1 [^<]*against microscopic.<br>Usable', lost)
    older = {name: value for name, value in facts.items() if name not in ("headline", "moved_rates", "averages")}
    assert len(compared_with(older, fit_id(fit_d55))) == len(compared_with(facts, fit_id(fit_d55)))
    capsys.readouterr()
    assert main(["show", str(file), "--json"]) == 0
    assert "is disfavoured" in json.loads(capsys.readouterr().out)["verdict"]["headline"]
    assert main(["show", str(file)]) == 0
    assert "this fit (microscopic): fixed <number> is disfavoured" in capsys.readouterr().out
    whole = (tmp_path / "comparison.json").read_text()
    renamed = whole.replace('"in_words": [', '"in_words": [5, '), whole.replace('"model": "microscopic"', '"model": []')
    damaged = (
        "comparison.json beside this fit is damaged or of another version; `dissentangle compare` writes it again."
    )
    for text in ("{", "[1]", '{"models": []}', "[" * 100_000, *renamed, " " * (17 << 20) + whole):
        (tmp_path / "comparison.json").write_text(text)
        assert comparison_beside(file) == damaged
    (tmp_path / "comparison.json").unlink()
    os.mkfifo(tmp_path / "comparison.json")  # reading it would wait for ever
    assert comparison_beside(file) == damaged
    assert rivals(ReportedFit(Fit(fit_d55), "a.nc", damaged)).said == damaged
    assert said_beside(fit_d55, file) == [damaged]
    assert comparison_beside(tmp_path / "elsewhere" / "a.nc") is None
    assert said_beside(fit_d55, tmp_path / "elsewhere" / "a.nc") == []


def test_a_report_older_than_the_comparison_is_made_again(tmp_path):
    fit, report, compared = (tmp_path / name for name in ("a.nc", "a.html", "comparison.json"))
    fit.touch()
    report.write_text(generator())
    times = {fit: 1, report: 3}
    for age, up_to_date in ((None, True), (2, True), (4, False)):
        if age is not None:
            compared.touch()
            times[compared] = age
        for path, time in times.items():
            os.utime(path, (time, time))
        assert _up_to_date(report, fit) is up_to_date


@pytest.mark.slow
def test_compare_from_the_command_line(tmp_path, capsys):
    folder = tmp_path / "compared"
    command = ["compare", "krauter2011-published", "--models", "microscopic,fixed-number", "-o", str(folder),
               "--draws", "300", "--no-refit", "--json", "--seed", "2"]  # fmt: skip
    code = main(command)
    facts = json.loads(capsys.readouterr().out)
    assert code == int(any(model["status"] == "unhealthy" for model in facts["models"]))
    assert {model["model"] for model in facts["models"]} == {"microscopic", "fixed-number"}
    assert facts["models"][0]["failed"]
    assert json.loads((folder / "comparison.json").read_text())["unit"] == "point"
    assert (folder / "comparison.html").read_text().startswith("<!doctype html>")
    files = {name: folder / f"{name}.nc" for name in ("microscopic", "fixed-number")}
    before = {name: file.stat().st_mtime_ns for name, file in files.items()}
    assert main([*command, "--unit", "time"]) == code
    assert {name: file.stat().st_mtime_ns for name, file in files.items()} == before
    capsys.readouterr()
    assert main(["compare", *map(str, files.values()), "--no-refit"]) == code
    assert "leaving out one point at a time" in capsys.readouterr().out


def test_what_compare_refuses(tmp_path, capsys):
    for command, said in (
        (["compare", "fig2b-d55", "--models", "microscopic,none"], "model 'none': unknown"),
        (["compare", "fig2b-d55", "--models", "microscopic"], "found one, expected several, such as"),
        (
            ["compare", "fig2b-d55", "--models", "microscopic,two-level", "--unit", "experiment"],
            "this is not a joint fit",
        ),
        (["compare", "fig2b-d55"], "found fig2b-d55, an experiment, expected files of fits, or --models"),
        (["compare", str(tmp_path), "b.nc"], "an experiment, expected files of fits, or --models"),
        (["compare", "a.nc"], "compare: found a.nc alone, expected several fits"),
        (["compare", "a.nc", "./a.nc"], "compare: found one file twice"),
        (["compare", "a.nc", "b.nc", "--fix", "initial_n3=0.01"], "compare: found --fix without --models"),
        (["compare", str(tmp_path / "a.nc"), str(tmp_path / "b.nc")], "a.nc"),
    ):
        assert main(command) == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_folder_with_fits_of_other_data(tmp_path, fit_d55, fit_fixed):
    save_fit(fit_d55, tmp_path / "microscopic.nc")
    with pytest.raises(ExperimentError, match=r"microscopic\.nc: found a fit of other data, expected another folder"):
        fit_rivals(Problem(read("fig2b-d35")), ["microscopic", "two-level"], SAMPLER, folder=tmp_path)
    told = []
    sampler = replace(SAMPLER, draws=50, tune=100)
    save_fit(fit_fixed, tmp_path / "fixed-number.nc")
    models = ["microscopic", "fixed-number"]
    fit_rivals(Problem(read("fig2b-d55")), models, sampler, folder=tmp_path, progress=told.append)
    assert told[0] == f"{tmp_path / 'microscopic.nc'}: has other settings: fitted again"


def test_too_few_draws_to_leave_anything_out(fit_d55):
    tree = fit_d55.isel(draw=slice(0, 20))
    with pytest.raises(ExperimentError, match="leave one out: found 80 draws, expected at least 100"):
        leave_one_out(tree)


def test_models_are_checked_before_any_is_fitted():
    with pytest.raises(ExperimentError, match=r"models: found one twice \(microscopic, microscopic\)"):
        fit_rivals(Problem(read("fig2b-d55")), ["microscopic", "microscopic"], SAMPLER)
    with pytest.raises(ExperimentError, match="models: found open and as-given, which are the same for"):
        fit_rivals(Problem(read("fig2b-d55")), ["open", "as-given"], SAMPLER)


@pytest.mark.slow
def test_other_processes_fit_the_same(monkeypatch):
    from dissentangle.inference.comparison import rival_fits

    monkeypatch.setattr(rival_fits, "_WORTH_PROCESSES", 2)
    sampler = SamplerSettings(seed(1), draws=100, tune=200, cores=2)
    apart = fit_rivals(Problem(read("fig2b-d35")), ["microscopic", "student-t"], sampler)
    alone = fit_rivals(Problem(read("fig2b-d35")), ["microscopic"], sampler)["microscopic"]
    np.testing.assert_array_equal(
        apart["microscopic"]["posterior"]["collective_rate"], alone["posterior"]["collective_rate"]
    )
    assert set(apart["student-t"].attrs) == set(alone.attrs)
