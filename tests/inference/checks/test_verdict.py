"""The verdict in words: every status, and what it says to do."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import from_tree
from dissentangle.inference.checks.alarms import Alarms
from dissentangle.inference.checks.criticism import criticize
from dissentangle.inference.checks.goodness import goodness
from dissentangle.inference.checks.information import for_pair_plot, strongest
from dissentangle.inference.checks.prior_sensitivity import prior_sensitivity
from dissentangle.inference.checks.verdict import HEADLINES, STATUS, Findings, assess, next_steps, reason
from dissentangle.inference.comparison.leave_one_out import leave_one_out
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.reports.fit import opening
from dissentangle.inference.reports.reported import ReportedFit
from dissentangle.inference.text import as_json, fit_facts
from dissentangle.inference.text.fit import fit_text

from ...seeds import seed
from ..fits.altered_fits import broken, misfitted, uninformed, with_xi


def test_a_good_fit(fit_d55):
    judged = assess(fit_d55)
    assert judged.status == "healthy"
    assert judged.headline == HEADLINES["healthy"]
    assert judged.condition.startswith(
        "These data cannot exclude the following, which the fit assumes absent: the microscopic closure does not hold"
    )
    by_data = set(judged.by_data) - {"collective_rate"}  # which the prior of n3(0) moves by about the limit
    assert by_data == {"light_loss_rate", "collision_rate", "pure_dephasing_rate[drive]"}
    assert set(judged.by_both) | {"collective_rate"} == {"collective_rate", "scale[xi]"}
    assert set(judged.by_prior) == {"optical_depth", "squeezing_limit", "initial_n3"}
    assert judged.next_steps == ("Quote these as assumed, not as measured: d, Z, n3(0).",)


def test_what_a_usable_fit_assumes_stands_below_its_headline(fit_open):
    """The closure is an unknown by default and no condition: what laboratories may have and the model does not, is."""
    judged = assess(fit_open)
    assert judged.status == "healthy"
    assert "closure" not in judged.condition
    first, _, rest = judged.condition.partition(" To a lesser degree: ")
    assert "the gain of polarization drifts (" in first
    assert " would move Γout_L by −" in first
    assert re.search("the times of [a-z_, ]*polarization[a-z_, ]* are off", rest)
    assert fit_text(fit_open).splitlines()[3] == judged.condition
    assert ("paragraph", judged.conditions[0]) in opening(ReportedFit(Fit(fit_open)))["opening"]
    assert fit_facts(fit_open)["could_be_wrong"][0]["name"] == judged.alarms.suspicions[0].disturbance.name


def test_only_numbers_have_minus_signs(fit_d55):
    """'fixed-number', and names of series, keep their hyphens."""
    judged = assess(fit_d55)
    named = replace(judged.alarms.possible[0].disturbance, words="the fixed-number closure does not hold")
    worst = replace(judged.alarms.possible[0], disturbance=named, shifts={"collective_rate": -3.0})
    said = replace(judged, alarms=replace(judged.alarms, suspicions=(worst,))).condition
    assert "the fixed-number closure does not hold (" in said
    assert "would move dΓ by −3 sd" in said


def test_of_many_series_with_the_same_fault_some_are_named(fit_d55):
    judged = assess(fit_d55)
    first = judged.alarms.possible[0]
    names = [f"m{k}.xi" for k in range(12)]
    drifts = [replace(first.disturbance, words=f"the gain of {name} drifts", series=name) for name in names]
    each = tuple(replace(first, disturbance=one) for one in drifts)
    for count, said in (
        (7, "m3.xi, m4.xi, m5.xi, m6.xi drifts"),
        (12, "m3.xi, m4.xi, m5.xi and 6 other series drifts"),
    ):
        less = replace(judged, alarms=replace(judged.alarms, suspicions=each[:count])).conditions[1]
        assert less.startswith(f"To a lesser degree: the gain of {said}. ")


def test_a_failed_sampling(fit_d55):
    judged = assess(broken(fit_d55))
    assert judged.status == "unhealthy"
    assert judged.headline == "Do not use this fit: the sampling failed."
    assert "7 divergent transitions" in judged.sampling
    assert "R-hat of collective_rate is 1." in judged.sampling
    assert judged.next_steps[0].startswith("First repair the sampling")


def test_a_model_that_does_not_describe_the_data(fit_d55):
    judged = assess(misfitted(fit_d55))
    assert judged.status == "misfit"
    assert "do not use its rates: xi (χ²" in judged.model
    assert judged.next_steps[0].startswith("Look at the residuals of xi.")
    text = fit_text(misfitted(fit_d55))
    assert "What to do next:\n- Look at the residuals of xi." in text
    assert "What to do next" not in fit_text(fit_d55)


def test_values_far_off_are_named(fit_d55):
    values = fit_d55["experiment/series/xi"]["value"].values.copy()
    values[7] *= 1.4
    judged = assess(with_xi(fit_d55, values))
    assert judged.status == "misfit"
    assert re.search(r"xi \(χ² \d+ for 30 values: \d+ without the value at 5\.333 ms\)", judged.model)
    assert judged.next_steps[0].startswith("Look at the outlying values of xi")
    assert "residuals of xi" not in " ".join(judged.next_steps)


def test_errors_that_are_too_large(fit_d55):
    judged = assess(misfitted(fit_d55, shift=0.0, scale=0.2))
    assert judged.status == "doubtful"
    assert "The errors given are too large: xi (χ²" in judged.model
    assert "xi: the errors given are too large (χ²" in judged.headline
    assert judged.next_steps[0].startswith("Check sigma or repetitions of xi")
    assert judged.next_steps[1].startswith("Are the values of xi variances?")


def test_values_that_scatter_too_much_are_not_taken_for_standard_deviations(fit_d55):
    criticism = criticize(fit_d55)
    row = next(r for r in criticism.rows if (r.series, r.statistic) == ("xi", "scatter"))
    found = Findings(True, [], criticism, (), [], {}, (), ("xi",), Alarms((), (), 1.0))
    quiet, loud = (replace(row, observed=factor * row.median) for factor in (0.3, 3.0))
    assert "Are the values of xi variances?" in " ".join(next_steps(replace(found, surprising=(quiet,))))
    assert "Are the values of xi variances?" not in " ".join(next_steps(replace(found, surprising=(loud,))))


@pytest.mark.slow
def test_fewer_values_than_parameters_test_no_model():
    few = replace(from_tree(inference.fit("fig2b-d55", seed=seed(1), draws=50)["experiment"]), observations=())
    one = tuple(replace(s, x=s.x[15:16], value=s.value[15:16], spread=s.spread[15:16]) for s in few.series)
    judged = assess(inference.fit(replace(few, series=one), seed=seed(1)))
    assert judged.status == "healthy"
    assert re.match(
        r"Usable if the model is right: .*, but 3 values inform \d parameters, which tests no", judged.headline
    )
    assert "That says little: 3 values inform" in judged.model
    assert "xi: χ² 0 for 1 value" in judged.model or "describes every series" in judged.model


def test_data_that_say_little(fit_d55):
    judged = assess(uninformed(fit_d55))
    assert judged.status == "weak"
    assert judged.headline.startswith("Of little use")
    assert "dΓ" in judged.next_steps[0]


def test_rates_from_the_prior_are_named_in_the_first_line(fit_published):
    judged = assess(fit_published)
    assert judged.status == "healthy"
    assert judged.headline == (
        "Usable if the model is right: the sampling is healthy, but 7 values inform 8 parameters, which tests no model."
        " Not from the data: Γdeph [drive+pump]."
    )


@pytest.mark.slow
def test_a_posterior_that_leans_on_the_end_of_its_prior_is_never_healthy():
    """The true dΓ is 0.11."""
    priors = {"collective_rate": "uniform(0.118, 1)"}
    cut = inference.fit("fig2b-d55", closure="microscopic", seed=seed(1), draws=300, priors=priors)
    judged = assess(cut)
    assert judged.status == "doubtful"
    assert "dΓ leans on the bound 0.118 of its prior" in judged.headline
    assert judged.next_steps[0].startswith("The prior of dΓ cuts off the posterior")
    row = next(row for row in fit_facts(cut)["parameters"] if row["label"] == "collective_rate")
    assert row["bound"] == 0.118
    assert row["informed"].endswith("; leans on its bound 0.118")
    assert "leans on its bound 0.118" in fit_text(cut)
    assert "leans on its bound 0.118" in str(opening(ReportedFit(Fit(cut)))["opening"])


@pytest.mark.slow
def test_another_prior_that_moves_a_rate_by_more_than_its_error_is_named_in_the_first_line():
    """Γpump and Γdeph of the pump stage are separated by the prior of Γdeph alone: 0.107(25) for a true 0.168."""
    dark = inference.fit("fig2c-dark", seed=seed(1), draws=500)
    judged = assess(dark)
    assert (
        "Another prior of Γdeph [drive+pump] moves Γpump [drive+pump] by about its error bar or more."
        in judged.headline
    )
    assert judged.moved == {"pump_rate[drive+pump]": "pure_dephasing_rate[drive+pump]"}
    assert "Γpump [drive+pump] with that of Γdeph [drive+pump]" in judged.next_steps[0]
    assert "data, prior of Γdeph [drive+pump]" in fit_text(dark)


def test_every_status_has_a_headline():
    assert set(HEADLINES) == set(STATUS)


def test_goodness_is_a_chi_square_about_the_prediction(fit_d55):
    found = {series.name: series for series in goodness(fit_d55)}
    assert list(found) == ["xi", "polarization", "transverse_spin"]
    draws = fit_d55["posterior_predictive"]["xi"].values.reshape(-1, 30)
    by_hand = (((fit_d55["observed_data"]["xi"].values - draws.mean(0)) / draws.std(0)) ** 2).sum()
    assert found["xi"].square == pytest.approx(by_hand)
    assert 0.8 <= found["xi"].inside <= 1
    assert found["xi"].above + found["xi"].below == pytest.approx(1)


def test_leave_one_out_is_that_of_arviz(fit_d55):
    import arviz_stats as azs

    found = leave_one_out(fit_d55)
    single = [azs.loo(fit_d55, var_name=name, pointwise=True, reff=1.0) for name in fit_d55["observed_data"].data_vars]
    assert found.elpd == pytest.approx(sum(one.elpd for one in single), abs=0.05)
    assert found.units[0].series == "xi"
    assert len(found.pareto_k) == 90
    assert not found.failed


def test_a_point_that_no_parameter_moves_is_counted_as_it_is(fit_d55):
    tree = fit_d55.copy(deep=True)
    likelihood = tree["log_likelihood"].dataset.copy(deep=True)
    likelihood["xi"][..., 3] = -1.5
    tree["log_likelihood"] = type(tree)(likelihood)
    found = leave_one_out(tree)
    assert found.pointwise[3] == -1.5
    assert np.isfinite(found.elpd)


def test_points_that_leave_one_out_cannot_do_without_are_named(fit_published):
    found = leave_one_out(fit_published)
    assert any(name.startswith("observations at ") for name in found.failed)


def test_correlations(fit_d55):
    fitted = Fit(fit_d55)
    one, other, value = strongest(fitted)[0]
    assert {one, other} == {"collective_rate", "pure_dephasing_rate[drive]"}
    assert value < -0.8
    shown = for_pair_plot(fitted, 5)
    assert len(shown) == 5
    assert {"collective_rate", "pure_dephasing_rate[drive]", "collision_rate", "light_loss_rate"} <= set(shown)


def test_prior_sensitivity(fit_d55):
    found = {row.label: row for row in prior_sensitivity(Fit(fit_d55))}
    assert found["initial_n3"].words == "priors decide"
    assert found["light_loss_rate"].words == "priors of little weight"
    assert found["light_loss_rate"].likelihood > found["initial_n3"].likelihood


def test_facts_for_scripts(fit_d55, fit_published):
    facts = json.loads(json.dumps(fit_facts(fit_d55), allow_nan=False))
    assert facts["status"] == "healthy"
    assert facts["simulated"] is True
    first = facts["parameters"][0]
    assert (first["label"], first["symbol"], first["unit"]) == ("collective_rate", "dΓ", "1/ms")
    assert first["low"] < first["mean"] < first["high"]
    assert {row["name"] for row in facts["derived"]} >= {"xi_minimum", "entanglement_duration"}
    assert as_json({"a": np.float64("inf"), "b": (np.int64(1), float("nan"))}) == {"a": None, "b": [1, None]}
    assert json.dumps(fit_facts(fit_published), allow_nan=False)


def test_parameters_pulled_far_from_their_priors_are_named(fit_d55):
    assert "Pulled away" not in assess(fit_d55).model
    tree = fit_d55.copy(deep=True)
    summary = tree["summary"].dataset.copy(deep=True)
    summary["mean"].loc[{"parameter": "squeezing_limit"}] = 0.14  # prior 0.16 ± 0.005
    tree["summary"] = type(tree)(summary)
    judged = assess(tree)
    assert judged.status == "doubtful"
    assert "Pulled away from the prior: Z by -4.0 of its standard deviations" in judged.model


@pytest.mark.parametrize(
    ("status", "headline", "found"),
    [
        (
            "doubtful",
            f"{HEADLINES['doubtful'].removesuffix('.')} – the series do not agree.",
            "the series do not agree.",
        ),
        ("misfit", HEADLINES["misfit"], HEADLINES["misfit"]),
        ("failed", "xi.csv: line 3: found no number", "xi.csv: line 3: found no number"),
    ],
)
def test_what_a_headline_adds_to_its_status(status, headline, found):
    assert reason(status, headline) == found
