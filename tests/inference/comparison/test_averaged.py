"""Rates averaged over models: mixtures whose mean, sd and quantiles are known, and what is said of them."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from dissentangle.datasets import ExperimentError
from dissentangle.inference.cli import main
from dissentangle.inference.comparison.averaged import ENDS, average, mixture, model_probabilities
from dissentangle.inference.comparison.compare import ComparedModel, Comparison
from dissentangle.inference.comparison.data_points import DataUnit
from dissentangle.inference.comparison.evidence import Evidence
from dissentangle.inference.comparison.leave_one_out import LeaveOneOut
from dissentangle.inference.comparison.prior_price import PriorPrice
from dissentangle.inference.text import as_json, averages_as
from dissentangle.inference.text.compared import (
    average_facts,
    average_words,
    averages_table,
    compared_sentences,
    decided,
    disfavoured,
    evidence_words,
    listed,
    moved_rates,
    moved_words,
)
from dissentangle.inference.text.comparison import comparison_facts, comparison_text, headlines, sentences

from ...seeds import seed

LEVELS = (np.arange(4000) + 0.5) / 4000


def normal(mean, sd):
    """Draws (4, 1000) that are exactly the quantiles of a normal distribution, in a random order."""
    draws = stats.norm(mean, sd).ppf(LEVELS)
    return np.random.default_rng(seed(5)).permutation(draws).reshape(4, 1000)


def model(name, draws, weight, evidence, *, status="healthy", difference=0.0):
    """A model with rates that are given."""
    rates = {label: (x.mean(), x.std(ddof=1)) for label, x in draws.items() if np.ndim(x)}
    left_out = LeaveOneOut((DataUnit("xi", "1", (0,)),), np.array([difference]), np.array([0.1]), 1.0, 0.7)
    return ComparedModel(name, left_out, difference, 1.0 * (difference < 0), weight, Evidence(evidence, 0.02, "bridge"),
                         None, status, rates, draws, f"id of {name}")  # fmt: skip


MICROSCOPIC = {"collective_rate": normal(0.062, 0.008), "collision_rate": normal(0.002, 0.0001)}
FIXED_NUMBER = {"collective_rate": normal(0.090, 0.010), "collision_rate": normal(0.00205, 0.0001)}


@pytest.fixture
def found():
    """The paper's closure made the data: the other one is disfavoured 91 : 1."""
    models = (
        model("fixed-number", FIXED_NUMBER, 0.75, 100.0),
        model("microscopic", MICROSCOPIC, 0.25, 100.0 - np.log(91), difference=-2.0),
    )
    return Comparison("made by hand", True, "point", models, "", {})


def test_the_mixture_of_two_normal_posteriors():
    values, weights = {"a": normal(1.0, 0.2), "b": normal(2.0, 0.1)}, {"a": 0.7, "b": 0.3}
    rate = mixture(values, weights, {})
    assert rate.mean == pytest.approx(0.7 * 1.0 + 0.3 * 2.0, abs=1e-6)
    assert rate.sd == pytest.approx(np.sqrt(0.7 * 0.04 + 0.3 * 0.01 + 0.7 * 0.3 * 1.0), abs=1e-4)

    def cumulative(x):
        return 0.7 * stats.norm(1.0, 0.2).cdf(x) + 0.3 * stats.norm(2.0, 0.1).cdf(x)

    for end, level in zip((rate.low, rate.high), ENDS, strict=True):
        assert end == pytest.approx(optimize.brentq(lambda x, level=level: cumulative(x) - level, 0, 3), abs=2e-3)
    assert rate.error == pytest.approx(np.hypot(0.7 * 0.2, 0.3 * 0.1) / np.sqrt(4000), rel=0.2)
    backwards = mixture({name: draws[::-1, ::-1] for name, draws in reversed(values.items())}, weights, {})
    assert (backwards.low, backwards.high) == (rate.low, rate.high)


def test_quantiles_are_exact():
    """Ten draws with a weight of 0.09 each, one value with 0.1: the cumulative weights are known."""
    rate = mixture({"a": np.arange(1.0, 11.0).reshape(1, 10), "fixed": 0.5}, {"a": 0.9, "fixed": 0.1}, {})
    assert (rate.low, rate.high) == (0.5, 10.0)
    assert rate.mean == pytest.approx(0.9 * 5.5 + 0.1 * 0.5)
    assert rate.sd == pytest.approx(np.sqrt(0.9 * (82.5 / 9 + (5.5 - 5.0) ** 2) + 0.1 * (0.5 - 5.0) ** 2))
    assert dict(rate.fixed) == {"fixed": 0.5}
    rare = mixture({"a": np.arange(1.0, 101.0).reshape(1, 100), "fixed": 0.5}, {"a": 0.98, "fixed": 0.02}, {})
    assert (rare.low, rare.high) == (2.0, 97.0)  # 0.02 + 2 × 0.0098 > 0.03; 0.02 + 97 × 0.0098 > 0.97


def test_one_model_with_all_the_weight_is_its_posterior():
    draws = np.random.default_rng(seed(1)).gamma(3, size=(4, 500))
    rate = mixture({"a": draws, "b": normal(50, 1)}, {"a": 1.0, "b": 0.0}, {})
    assert rate.mean == pytest.approx(draws.mean())
    assert rate.sd == pytest.approx(draws.std(ddof=1))
    assert [rate.low, rate.high] == np.quantile(draws, ENDS, method="inverted_cdf").tolist()


def test_errors_of_weights_by_evidence_and_of_the_mean():
    """Against evidences that scatter as their errors say; fixed values, so that nothing else scatters."""
    logs, errors, values = np.array([5.0, 4.0, 2.5]), np.array([0.02, 0.05, 0.03]), np.array([1.0, 2.0, 4.0])
    evidences = {name: Evidence(log, error, "bridge") for name, log, error in zip("abc", logs, errors, strict=True)}
    weights, log_errors = model_probabilities(evidences), {name: e.error for name, e in evidences.items()}
    np.testing.assert_allclose(list(weights.values()), np.exp(logs) / np.exp(logs).sum())
    scattered = np.exp(logs + errors * np.random.default_rng(seed(2)).normal(size=(20_000, 3)))
    scattered /= scattered.sum(axis=1, keepdims=True)
    draws = {name: {"collective_rate": normal(x, 1e-9)} for name, x in zip("abc", values, strict=True)}
    made = average("evidence", draws, weights, log_errors)
    np.testing.assert_allclose(list(made.errors.values()), scattered.std(axis=0), rtol=0.05)
    assert made.rates["collective_rate"].error == pytest.approx((scattered @ values).std(), rel=0.05)
    huge = model_probabilities({"a": Evidence(-9000.0, 0.1, "bridge"), "b": Evidence(-9800.0, 0.1, "bridge")})
    assert huge == {"a": 1.0, "b": 0.0}


def test_which_rates_are_averaged():
    draws = {
        "a": {"collective_rate": normal(1, 0.1), "collision_rate": normal(2, 0.1), "pump_rate": 0.1},
        "b": {"collective_rate": normal(1, 0.1), "collision_rate": 0.0, "pump_rate": 0.1,
              "pure_dephasing_rate[drive]": normal(1, 0.1)},
    }  # fmt: skip
    made = average("stacking", draws, {"a": 0.25, "b": 0.75})
    assert list(made.rates) == ["collective_rate", "collision_rate"]
    assert made.missing == ("pure_dephasing_rate[drive]",)
    assert made.rates["collision_rate"].mean == pytest.approx(0.5)
    assert average_words(made) == (
        "Averaged over 2 models, weights by stacking: a 0.250, b 0.750. b counts with what it has fixed: Γcol = 0."
        " Not all of them have Γdeph [drive]: not averaged."
    )
    (first, second) = averages_table({"averages": [average_facts(made)]}).rows
    assert first[0] == "dΓ"
    assert second[1].startswith("0.50(")
    assert second[2].startswith("[0.00, 2.1")


def test_averages_of_a_comparison(found):
    stacking, evidence = found.averages
    assert (stacking.by, evidence.by) == ("stacking", "evidence")
    assert stacking.weights == {"fixed-number": 0.75, "microscopic": 0.25}
    assert stacking.rates["collective_rate"].mean == pytest.approx(0.75 * 0.090 + 0.25 * 0.062)
    assert evidence.weights["fixed-number"] == pytest.approx(91 / 92)
    assert evidence.errors["microscopic"] == pytest.approx(91 / 92**2 * np.hypot(0.02, 0.02))
    facts = comparison_facts(found)
    assert facts["averages"][1]["rates"]["collective_rate"]["sd"] == evidence.rates["collective_rate"].sd
    said = "Averaged over 2 models, weights by evidence, with equal prior odds: fixed-number 0.989 ± 0.000, micro"
    assert said in comparison_text(found)


def test_averages_as_a_table_for_a_paper(found, tmp_path, capsys):
    facts = comparison_facts(found)
    assert r"$d\Gamma$ & \num{0.083(15)} & [\num{0.0" in averages_as(facts, "latex")
    assert "| dΓ | 0.090(10) | 0.0" in averages_as(facts, "markdown")
    rows = list(csv.DictReader(io.StringIO(averages_as(facts, "csv"))))
    assert [(row["parameter"], row["models"], row["weights_by"]) for row in rows] == [
        ("collective_rate", "2", "stacking"), ("collision_rate", "2", "stacking"),
        ("collective_rate", "2", "evidence"), ("collision_rate", "2", "evidence"),
    ]  # fmt: skip
    assert float(rows[0]["mean"]) == pytest.approx(0.75 * 0.090 + 0.25 * 0.062)
    with pytest.raises(ExperimentError, match="found the format 'word', expected one of latex, markdown, csv"):
        averages_as(facts, "word")
    with pytest.raises(ExperimentError, match="found a comparison without averaged rates, expected one of two healthy"):
        averages_as(facts | {"averages": []}, "csv")
    file = tmp_path / "comparison.json"
    file.write_text(json.dumps(as_json(facts)))
    assert main(["table", str(file), "--format", "csv"]) == 0
    assert capsys.readouterr().out == averages_as(facts, "csv")
    file.write_text(json.dumps(as_json(facts)).replace('"by":', '"per":'))
    assert main(["table", str(file)]) == 2
    assert "comparison.json: found it damaged or of another version, expected a comparison" in capsys.readouterr().err
    assert main(["table", str(tmp_path / "other.json")]) == 2
    assert "other.json: found no such file, expected a file" in capsys.readouterr().err


def test_no_average_by_weights_that_cannot_be_trusted(found):
    best, other = found.models

    def averaged(*models):
        return [one.by for one in replace(found, models=models).averages]

    assert averaged(best, replace(other, status="misfit")) == ["stacking", "evidence"]
    assert averaged(replace(best, status="misfit"), replace(other, status="misfit")) == []
    assert averaged(best, replace(other, status="unhealthy")) == []
    assert averaged(replace(best, status="unhealthy"), replace(other, status="unhealthy")) == []
    assert averaged(best, replace(other, left_out=replace(other.left_out, limit=0.05))) == ["evidence"]
    assert averaged(best, replace(other, evidence=Evidence(np.nan, np.nan, "bridge"))) == ["stacking"]
    assert averaged(best, replace(other, check=Evidence(50.0, 0.1, "smc"))) == ["stacking"]
    assert "Averaged" not in comparison_text(replace(found, models=(best, replace(other, status="unhealthy"))))


def test_odds_in_words(found):
    assert [disfavoured(x) for x in (np.log(91), -2, 0.5, 100)] == [
        "disfavoured 91 : 1 (strong)",
        "disfavoured 7.4 : 1 (positive)",
        "disfavoured 1.6 : 1 (not worth a mention)",
        "disfavoured over 1000 : 1 (very strong)",
    ]
    assert [decided(-1.2, 0.1), decided(1.2, 0.7), decided(0.9, 0.1)] == [True, False, False]
    facts = comparison_facts(found)
    assert [row["odds_against"] for row in facts["models"]] == pytest.approx([1.0, 91.0])
    assert "is for fixed-number: microscopic is disfavoured 91 : 1 (strong)." in facts["headline"]
    assert "microscopic is disfavoured 91 : 1 (strong)." in comparison_text(found).partition("model  ")[0]
    best, other = found.models
    near = replace(found, models=(best, replace(other, evidence=Evidence(99.5, 0.02, "bridge"))))
    assert "Evidence, with the priors of these fits, cannot tell fixed-number and microscopic apart." in sentences(near)
    three = (best, other, model("student-t", FIXED_NUMBER, 0.0, 99.8))
    assert evidence_words(comparison_facts(replace(found, models=three))["models"], "student-t") == (
        "cannot tell fixed-number and this fit (student-t) apart: microscopic is disfavoured 91 : 1 (strong)"
    )
    for without in (replace(other, evidence=Evidence(np.nan, np.nan, "bridge")), replace(other, status="unhealthy"),
                    replace(other, check=Evidence(50.0, 0.1, "smc"))):  # fmt: skip
        alone = replace(found, models=(best, without))
        assert "disfavoured" not in comparison_text(alone)
        assert "disfavoured" not in " ".join(compared_sentences(comparison_facts(alone), "id of microscopic"))
    assert [listed(names) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_rates_that_a_rival_moves_have_both_values(found):
    models = comparison_facts(found)["models"]
    assert list(moved_rates(models, "microscopic")) == ["collective_rate"]  # Γcol: by half its ±
    assert moved_words(models, "microscopic") == ("dΓ: 0.0620 ± 0.0080 by microscopic, 0.090 ± 0.010 by fixed-number")
    said = "Rates (ms⁻¹) that a rival moves by more than their error bars: dΓ: 0.090 ± 0.010 by fixed-number,"
    said += " 0.0620 ± 0.0080 by"
    assert compared_sentences(comparison_facts(found), "id of fixed-number") == [
        "Compared with microscopic, the evidence is for this fit (fixed-number): microscopic is disfavoured 91 : 1"
        " (strong).",
        f"{said} microscopic.",
    ]
    assert compared_sentences(comparison_facts(found), "another") == []
    clear = replace(found, models=(found.models[0], replace(found.models[1], difference=-20.0)))
    assert "by microscopic (predicts worse)" in headlines(clear)[-1]


def test_a_headline_names_the_rates_that_are_moved_most():
    names = ("collective_rate", "collision_rate", "light_loss_rate", "pump_rate")
    rates = [{name: (1.0 + shift * k, 0.5) for k, name in enumerate(names, 1)} for shift in (0, 1, 2)]
    rows = [{"model": name, "status": "healthy", "prediction": "best", "rates": each}
            for name, each in zip("abc", rates, strict=True)]  # fmt: skip
    assert list(moved_rates(rows, "a")) == list(reversed(names))
    assert list(moved_rates(rows, "a")["pump_rate"]) == ["a", "c", "b"]
    assert moved_words(rows, "a").count("by b") == 4
    short = moved_words(rows, "a", short=True)
    assert short.startswith("Γpump: 1.00 ± 0.50 by a, 9.00 ± 0.50 by c; Γout_L: ")
    assert short.endswith("; and 1 more")
    rows[2]["prediction"] = "worse"
    assert list(moved_rates(rows, "a")["pump_rate"]) == ["a", "b", "c"]
    assert moved_words(rows, "a", short=True).startswith("Γpump: 1.00 ± 0.50 by a, 5.00 ± 0.50 by b; ")


def test_what_a_prior_costs_is_said_where_not_all_models_have_it(found):
    """And where the evidence decides; the dearest of each model, none that is shared or cheap."""
    shared = {"collective_rate": PriorPrice("lognormal(0.1, 1)", 3.0, 0.5, -0.6)}
    best, other = found.models
    dear = {"excess_loss_rate": PriorPrice("lognormal(0.015, 1)", 4.1, -3.0, 1.2),
            "collision_rate": PriorPrice("lognormal(0.003, 1)", 2.0, 0.6, -0.7)}  # fmt: skip
    cheap = {"radiative_ratio": PriorPrice("lognormal(1, 1)", 0.2, 0.1, -0.1)}
    models = (replace(best, prices=shared | cheap), replace(other, prices=shared | dear))
    said = headlines(replace(found, models=models))
    assert said[2] == (
        "Priors that they do not share count in this, in nats: microscopic pays 4.1 for Γx (half as wide: −3.0, twice:"
        " +1.2) and 2.0 for Γcol (half as wide: +0.6, twice: −0.7)."
    )
    assert (
        comparison_facts(replace(found, models=models))["models"][1]["prior_prices"]["excess_loss_rate"]["half"] == -3
    )
    near = replace(models[1], evidence=Evidence(99.9, 0.02, "bridge"))
    assert not any("Priors that" in text for text in headlines(replace(found, models=(models[0], near))))
    assert not any("Priors that" in text for text in headlines(found))
