"""Comparison of fits: what is left out, exact refits, words, files."""

import json
from dataclasses import replace
from html import escape

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, joint, read
from dissentangle.inference.cli import main
from dissentangle.inference.comparison import compare, require_same_data
from dissentangle.inference.comparison_words import comparison_facts, comparison_text, grade, sentences
from dissentangle.inference.data_points import data_points, data_units, without
from dissentangle.inference.fitted import Fitted
from dissentangle.inference.held_out import fit_of_the_rest, log_predictive_density
from dissentangle.inference.leave_one_out import leave_one_out, refitted
from dissentangle.inference.model_settings import ModelSettings
from dissentangle.inference.pages.comparison_page import compared_with, comparison_page
from dissentangle.inference.reporting import comparison_beside, write_comparison
from dissentangle.inference.rival_fits import fit_rivals
from dissentangle.inference.sampling import SamplerSettings
from dissentangle.inference.settings_of import fit_id
from dissentangle.inference.unknowns import unknowns

SAMPLER = SamplerSettings(3)


@pytest.fixture(scope="module")
def fit_fixed():
    return inference.fit("fig2b-d55", seed=3, model="fixed-number")


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
    with pytest.raises(ExperimentError, match="unit: found 'experiment' where this is no joint fit"):
        data_units(experiment, "experiment")


def test_a_series_without_points_is_dropped():
    experiment = read("fig2b-d55")
    points = data_points(experiment)
    left = without(experiment, [p for p in points if p.series == "xi"] + [points[31]])
    assert [s.name for s in left.series] == ["polarization", "transverse_spin"]
    assert len(data_points(left)) == 59
    published = read("krauter2011-published")
    assert len(data_points(without(published, data_points(published)[:2]))) == len(data_points(published)) - 2


def test_a_member_without_points_is_dropped():
    both = joint({"one": read("fig2b-d55"), "two": read("fig2b-d35")})
    points = data_points(both)
    left = without(both, [p for p in points if p.member == "two"])
    assert left.members == ["one"]
    assert left.runs == ["one"]
    assert set(left.known_of) == {"one"}
    assert [len(unit.columns) for unit in data_units(both, "experiment")] == [90, 90]
    model = unknowns(left, ModelSettings())
    assert "optical_depth[one]" in {u.label for u in model}


def test_a_parameter_that_nothing_else_depends_on_comes_from_its_prior(fit_d55):
    fitted = Fitted(fit_d55)
    left_out = [p for p in data_points(fitted.experiment) if p.series == "xi"]
    found = fit_of_the_rest(fitted.experiment, fitted.settings, without(fitted.experiment, left_out), SAMPLER)
    values = found.values
    assert found.from_prior == ("scale[xi]",)
    assert np.std(values["scale[xi]"]) == pytest.approx(0.04, rel=0.05)
    assert abs(np.corrcoef(values["scale[xi]"], values["light_loss_rate"])[0, 1]) < 0.06
    density, counting = log_predictive_density(fitted.experiment, fitted.settings, SAMPLER, left_out)
    assert np.isfinite(density)
    assert counting < len(values["scale[xi]"])


def test_psis_is_confirmed_by_fits_without_the_point(fit_d55):
    """The worst and the most surprising point; all 90: benchmarks/leave_one_out.py."""
    fitted, found = Fitted(fit_d55), leave_one_out(fit_d55)
    points = data_points(fitted.experiment)
    for k in {int(np.argmax(found.pareto_k)), int(np.argmin(found.pointwise))}:
        exact, _ = log_predictive_density(fitted.experiment, fitted.settings, SAMPLER, [points[k]])
        assert found.pointwise[k] == pytest.approx(exact, abs=0.03)


def test_where_weights_fail_there_are_exact_fits(fit_published):
    found = leave_one_out(fit_published)
    assert len(found.failing) > 2
    worst = found.failing[0]
    only_worst = replace(found, limit=float(found.pareto_k[found.failing[1]]) + 1e-9)
    told = []
    exact = refitted(fit_published, only_worst, told.append)
    assert told == [f"fitting without {found.units[worst].label}"]
    assert exact.refits == (worst,)
    assert not exact.failing
    others = [k for k in range(len(found.units)) if k != worst]
    np.testing.assert_array_equal(exact.pointwise[others], found.pointwise[others])
    assert exact.elpd < found.elpd  # a failing weight is an optimistic one


def test_comparison_of_the_closures(compared, fit_d55, fit_fixed):
    best, other = compared.models
    assert {best.name, other.name} == {"microscopic", "fixed <number>"}
    assert best.difference == 0
    assert sum(model.weight for model in compared.models) == pytest.approx(1)
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
    assert [grade(x) for x in (0.5, -2, 4, 100)] == ["not worth a mention", "positive", "strong", "very strong"]
    facts = comparison_facts(compared)
    assert facts["units"] == 90
    assert json.loads(json.dumps(facts))["models"][0]["stacking_weight"] == compared.models[0].weight


def test_fits_of_different_data(fit_d55, fit_published):
    tree = fit_d55.copy(deep=True)
    series = tree["experiment/series/xi"].dataset.copy(deep=True)
    series["value"][4] = 0.5
    tree["experiment/series/xi"] = type(tree)(series)
    with pytest.raises(ExperimentError, match=r"of different data: xi at 3\.333: 0\.\d+ in a, 0\.5 in b; expected"):
        require_same_data({"a": fit_d55, "b": tree})
    with pytest.raises(ExperimentError, match=r"xi at 0\.667 only in a; .* and \d+ more; expected the same points"):
        require_same_data({"a": fit_d55, "b": fit_published})
    with pytest.raises(ExperimentError, match="compare: found 1 fit, expected several"):
        compare({"a": fit_d55})


def test_page(compared):
    page = comparison_page(compared)
    assert "fixed &lt;number&gt;" in page
    assert "fixed <number>" not in page
    assert page.count("<svg") == 2
    assert "simulated data" in page
    assert escape(sentences(compared)[0]) in page


def test_the_report_of_a_compared_fit_shows_the_comparison(compared, fit_d55, tmp_path):
    assert write_comparison(compared, tmp_path) == [tmp_path / "comparison.html", tmp_path / "comparison.json"]
    file = tmp_path / "a.nc"
    facts = comparison_beside(file)
    shown = "".join(compared_with(facts, fit_id(fit_d55)))
    assert "This fit is microscopic." in shown
    assert "fixed &lt;number&gt;" in shown
    assert compared_with(facts, "another") == []
    for text in ("{", "[1]", '{"models": []}'):
        (tmp_path / "comparison.json").write_text(text)
        assert comparison_beside(file) is None
    assert comparison_beside(tmp_path / "elsewhere" / "a.nc") is None


def test_compare_from_the_command_line(tmp_path, capsys):
    folder = tmp_path / "compared"
    command = ["compare", "krauter2011-published", "--models", "microscopic,fixed-number", "-o", str(folder),
               "--draws", "300", "--no-refit", "--json", "--seed", "2"]  # fmt: skip
    assert main(command) in (0, 1)
    facts = json.loads(capsys.readouterr().out)
    assert {model["model"] for model in facts["models"]} == {"microscopic", "fixed-number"}
    assert facts["models"][0]["failed"]
    assert json.loads((folder / "comparison.json").read_text())["unit"] == "point"
    assert (folder / "comparison.html").read_text().startswith("<!doctype html>")
    files = {name: folder / f"{name}.nc" for name in ("microscopic", "fixed-number")}
    before = {name: file.stat().st_mtime_ns for name, file in files.items()}
    assert main([*command, "--unit", "time"]) in (0, 1)
    assert {name: file.stat().st_mtime_ns for name, file in files.items()} == before
    capsys.readouterr()
    assert main(["compare", *map(str, files.values()), "--no-refit"]) in (0, 1)
    assert "left out one point at a time" in capsys.readouterr().out


def test_what_compare_refuses(tmp_path, capsys):
    for command, said in (
        (["compare", "fig2b-d55", "--models", "microscopic,none"], "model 'none': unknown"),
        (["compare", "fig2b-d55"], "compare: found fig2b-d55 alone, expected several fits, or --models A,B"),
        (["compare", "a.nc", "a.nc"], "compare: found one file twice"),
        (["compare", str(tmp_path / "a.nc"), str(tmp_path / "b.nc")], "a.nc"),
    ):
        assert main(command) == 2
        assert said in capsys.readouterr().err


def test_models_are_checked_before_any_is_fitted():
    with pytest.raises(ExperimentError, match=r"models: found one twice \(microscopic, microscopic\)"):
        fit_rivals(read("fig2b-d55"), ["microscopic", "microscopic"], ModelSettings(), SAMPLER)


def test_other_processes_fit_the_same(monkeypatch):
    from dissentangle.inference import rival_fits

    monkeypatch.setattr(rival_fits, "_WORTH_PROCESSES", 2)
    sampler = SamplerSettings(1, draws=100, tune=200, cores=2)
    apart = fit_rivals(read("fig2b-d35"), ["microscopic", "student-t"], ModelSettings(), sampler)
    alone = fit_rivals(read("fig2b-d35"), ["microscopic"], ModelSettings(), sampler)["microscopic"]
    np.testing.assert_array_equal(
        apart["microscopic"]["posterior"]["collective_rate"], alone["posterior"]["collective_rate"]
    )
    assert set(apart["student-t"].attrs) == set(alone.attrs)
