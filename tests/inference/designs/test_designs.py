"""Designs of experiments: known optima, what is expected of plans, limits, goals."""

import re
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import Experiment, ExperimentError, Known, SeriesPlan, StageEntry
from dissentangle.datasets.formats import left_out
from dissentangle.datasets.kinds import KINDS
from dissentangle.inference import design
from dissentangle.inference.designs import Choices, Direction
from dissentangle.inference.designs.candidate_file import usual_choices
from dissentangle.inference.designs.design import _require_same_model
from dissentangle.inference.designs.limits import unidentifiable
from dissentangle.inference.designs.linearised import state_of
from dissentangle.inference.designs.result import Expectation, _priors_of, span
from dissentangle.inference.model import ModelSettings, Problem
from dissentangle.inference.text import design_text, duration

from ...seeds import seed

DARK, DRIVEN = StageEntry(40.0, frozenset()), StageEntry(20.0, frozenset({"drive"}))
DECAYING = {"collision_rate": "fixed(0)", "initial_n3": "fixed(0)", "pure_dephasing_rate": "lognormal(0.25, 0.001)"}


def decay():
    """Jy in the dark decays as A exp(−Γ̃t/2); of nothing there is a measured value: all points are left out."""
    series = SeriesPlan("transverse_spin", np.linspace(0, 40, 5), 0.05, amplitude="free", left_out=np.ones(5, bool))
    return Experiment("decay", simulated=True, stages=(DARK,), series=(replace(series, value=np.ones(5)),))


def driven(**said):
    """A run with the drive of which nothing is known but d and Z."""
    apparatus = {"optical_depth": Known(55.0, 2.75), "squeezing_limit": Known(0.16, 0.005)}
    return Experiment("driven", simulated=True, stages=(DRIVEN,), apparatus=apparatus, **said)


def plan(source, **given):
    return design(source, **({"refits": 0, "closure": "microscopic", "goal": "dGamma"} | given))


@pytest.fixture(scope="module")
def of_an_hour():
    return plan(driven(), budget="1 h")


def test_a_rate_and_an_unknown_amplitude_want_0_and_one_delay():
    """sd of γ = Γ̃/2 of A e^{−γt}: shots at 0 and u/γ in the ratio 1 : e^u, where (1 + e^u)/u is least, u = 1.278."""
    found = plan(decay(), goal="pure_dephasing_rate", budget="1000 h", shot="10 s", priors=DECAYING)
    (early, late), u = found.points, 1.2785
    assert early.x == 0.0
    assert late.x * 0.125 == pytest.approx(u, rel=0.02)
    assert late.shots / early.shots == pytest.approx(np.exp(u), rel=0.05)


def test_a_plan_keeps_its_budget_and_beats_even_spacing(of_an_hour):
    assert 3590 < of_an_hour.seconds <= 3600
    assert of_an_hour.even > 1.5
    assert all(point.shots >= 30 for point in of_an_hour.points if point.noise == "gamma")
    goal = of_an_hour.of("collective_rate")
    assert goal.low < goal.after < goal.before
    assert {"light_loss_rate", "radiative_rate", "dephasing_rate[drive]"} <= {e.label for e in of_an_hour.expectations}


def test_a_longer_budget_gives_a_smaller_sd(of_an_hour):
    assert plan(driven(), budget="10 h").of("collective_rate").after < of_an_hour.of("collective_rate").after


def test_no_plan_makes_an_expected_sd_larger():
    """Not of c either, which is between 0 and 1, and which nothing tells in a second."""
    found = plan(driven(), closure="open", budget="1 s")
    assert all(one.low <= one.after <= one.before and one.after <= one.high for one in found.expectations)


def test_a_root_of_a_mean_beyond_the_quantiles_is_one_end():
    assert span(np.array([1.0] * 99 + [100.0]), 10.0) == (1.0, 10.0)
    assert span(np.array([0.0] + [1.0] * 99), 0.99) == (0.99, 1.0)
    assert span(np.linspace(0.0, 1.0, 101), 0.5) == pytest.approx((0.03, 0.97))


@pytest.mark.slow
def test_how_long_for_a_target_is_the_inverse_of_what_a_budget_gives(of_an_hour):
    after = of_an_hour.of("collective_rate").after
    found = plan(driven(), target=after)
    assert found.possible
    assert found.budget == pytest.approx(3600, rel=0.25)
    assert found.of("collective_rate").after == pytest.approx(after, rel=0.1)


def test_a_target_that_takes_less_than_the_fewest_shots_of_a_point_has_a_plan():
    now = plan(driven(), budget="1 h").of("collective_rate").before
    found = plan(driven(), target=0.9999 * now)
    assert found.possible
    assert found.seconds <= found.budget < 1.0
    assert found.of("collective_rate").after <= now


def test_points_that_share_too_few_shots_are_fewer():
    """A minute has 4000 shots, of which two points would have 2000 each: one has them all."""
    usual = usual_choices(driven())
    choices = replace(usual, candidates=tuple(replace(one, least=3000) for one in usual.candidates))
    [point] = plan(driven(), goal="everything", candidates=choices, budget="60 s").points
    assert point.shots >= 3000
    with pytest.raises(ExperimentError, match="budget: found 20 s, expected a longer one: a point has at least 3000 s"):
        plan(driven(), goal="everything", candidates=choices, budget="20 s")


def test_a_target_that_is_met_already(of_an_hour):
    """100 % of the value is more than the sd of what is known: the text says so, and what the plan's time rests on."""
    known = {"collective_rate": "lognormal(0.1, 0.2)"}
    found = plan(driven(), target="100 %", priors=known)
    assert found.met
    assert found.possible
    assert found.budget == 3600
    text = design_text(found)
    assert re.match(r"Already met: dΓ ± 0.02\S* now, ± 0.\d+ was asked for \(per cent are of the value, 0.", text)
    assert "A shot takes 10 ms besides its delay." in text
    assert not of_an_hour.met
    with_sigma = plan(driven(series=(SeriesPlan("polarization", np.array([20.0]), 0.01),)), shot="2 ms", budget="1 s")
    assert "A shot takes 2 ms besides its delay; a measured point with a σ counts as 1000 shots." in design_text(
        with_sigma
    )


def test_what_cannot_be_had_says_by_what_it_is_limited():
    """ξ late in the run alone: its scale error of 4 % is known from nowhere else."""
    known = {"scale_uncertainty": 0.04, "name": "late"}
    late = driven(series=(SeriesPlan("xi", np.array([20.0]), 100, noise="gamma", **known),))
    fixed = dict.fromkeys(("light_loss_rate", "collision_rate", "initial_n3"), "fixed(0.01)")
    found = plan(late, target=1e-5, priors=fixed | {"pure_dephasing_rate": "fixed(0.1)"}, candidates=None)
    assert not found.possible
    text = design_text(found)
    assert text.startswith("Cannot be reached: dΓ ± 1e-05. Any number of shots leaves ±")
    assert "limited by" in text


def test_a_parameter_without_data_is_structurally_unidentifiable():
    """ξ, P and Jy in the dark do not depend on c where no atoms are lost: fixed rates of loss make it so."""
    found = plan(decay(), closure="open", goal="everything", budget="1 h", priors=DECAYING)
    assert [direction.parts for direction in found.never] == [{"loss_noise_share": 1.0}]
    assert "Never, whatever the repetitions (structural): c." in design_text(found)
    assert plan(driven(), budget="1 h").never == ()


def test_what_only_noisy_candidates_show_is_not_structurally_unidentifiable():
    """P known to 1e-9 tells nothing of dΓ. One shot of ξ tells 1e-9 of what P does of Γout, but can be repeated.

    Nor is a direction that all data show weakly: d, Z and n3(0) under the open closure, to some 1e-7.
    """
    known = SeriesPlan("polarization", np.linspace(1.0, 20.0, 8), 1e-9)
    data = replace(known, value=np.full(8, 0.9))
    for series, closure in ((data,), "microscopic"), ((), "open"):
        problem = Problem(driven(series=series), ModelSettings(closure=closure))
        choices = Choices(problem.experiment, tuple(usual_choices(driven()).candidates))
        state = state_of(Problem(choices.whole, problem.settings), {}, seed=seed(1))
        assert unidentifiable(state, choices) == []


def test_a_series_that_has_no_value_yet_is_named():
    """It is no candidate by default: the plan could be better with it."""
    note = "found commas; transverse_spin is left out: 3 rows without a value"
    series = replace(SeriesPlan("polarization", np.array([5.0]), 0.01), value=np.array([0.9]), note=note)
    choices = usual_choices(driven(series=(series,)))
    found = replace(plan(driven(), budget="1 min"), left_out=tuple(left_out(choices.experiment)))
    assert "\ntransverse_spin is left out: 3 rows without a value.\n" in design_text(found)
    assert [one.series.kind for one in choices.candidates] == ["polarization"]


def test_practically_unidentifiable_directions_are_told_apart():
    found = plan(driven(), budget="1 s", goal="light_loss_rate")
    assert found.never == ()
    assert any("collision_rate" in direction.parts for direction in found.not_yet)
    both = replace(found, not_yet=(Direction({"collision_rate": 1.0, "radiative_rate": -0.7}, 0.8),))
    assert "(practical): Γcol +1.0, Γ −0.7 together, 0.8 of the prior's sd remains." in design_text(both)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"goal": "dGama"}, r"goal: found 'dGama'.*expected one of everything, closure"),
        ({"target": "much"}, "target: found 'much', expected a number, or per cent"),
        ({"target": "-1"}, "target: found '-1', expected a number > 0"),
        ({"goal": "everything", "target": "3 %"}, "target: found '3 %', expected a number > 0, in nats"),
        ({"budget": "5 ms", "shot": "10 ms"}, "budget: found 0.005 s, expected a longer one"),
        ({"budget": "1 kg"}, "budget: found the unit 'kg'"),
        ({"budget": "-1 s"}, "budget: found '-1 s', expected a duration > 0"),
        ({"source": None}, "design: found both an experiment and a fit, or none of them, expected one"),
        ({"source": None, "after": "fig2b-d55"}, "design: found 'fig2b-d55' after which to design, expected a fit"),
        ({"goal": "microscopic vs nothing"}, "nothing"),
        ({"goal": "microscopic vs microscopic"}, "goal: found microscopic twice, expected two models"),
        (
            {"source": decay(), "goal": "microscopic vs student-t"},
            "goal: student-t changes the experiment, expected a model of the same data and errors",
        ),
        ({"goal": "microscopic vs pump-leak"}, "pump-leak changes the experiment, expected a model of the same data"),
        (
            {"goal": "open vs as-given", "closure": "open"},
            "goal: found open and as-given, which are the same model here",
        ),
        (
            {"model": "correlated-noise"},
            "model correlated-noise: found correlated noise of next xi, expected a model of",
        ),
    ],
)
def test_what_cannot_be_designed(given, text):
    with pytest.raises(ExperimentError, match=text):
        plan(given.pop("source", driven()), **given)


@pytest.mark.parametrize("model", ["pump-leak", "discrepancy", "student-t", "gain-drift"])
def test_a_plan_by_a_model_that_changes_the_experiment_is_for_the_one_that_there_is(model):
    found = plan(driven(), model=model, budget="1 h")
    assert found.planned.stages == (DRIVEN,)
    assert found.planned.series
    for one in found.planned.series:
        assert (one.errors, one.discrepancy_uncertainty, one.noise) == ({}, 0.0, KINDS[one.kind].default_noise(
            "repetitions" if one.kind == "xi" else "sigma"))  # fmt: skip


def test_a_drift_of_a_candidate_is_counted_from_the_first_time_of_its_series():
    """Of a point at 5 ms alone there is none; among points up to 20 ms it has a quarter of it."""
    series = SeriesPlan("xi", np.array([0.0, 20.0]), 100, "gamma", gain_drift_uncertainty=0.1, name="xi")
    source = driven(series=(replace(series, value=np.ones(2)),))
    choices = usual_choices(source)
    [(placed, own)] = choices.at([np.array([5.0])]).placed.values()
    assert placed.x.tolist() == [0.0, 5.0, 20.0]
    assert placed.ramp(placed.x)[own].tolist() == [0.25]
    steady = driven(series=(replace(source.series[0], gain_drift_uncertainty=0.0),))
    [(alone, mine)] = usual_choices(steady).at([np.array([5.0])]).placed.values()
    assert (alone.x.tolist(), mine.tolist()) == ([5.0], [True])


def test_a_fit_has_its_own_model(fit_d55):
    for given in ({"closure": "microscopic"}, {"priors": {"collision_rate": "fixed(0)"}}, {"model": "two-level"}):
        with pytest.raises(
            ExperimentError, match="design: found a model, priors or sharing beside a fit, which has its"
        ):
            design(after=fit_d55, refits=0, **given)
    leaky = SimpleNamespace(experiment=driven(), settings=ModelSettings(name="open+pump-leak"))
    with pytest.raises(ExperimentError, match="found a fit by pump-leak, which changes the experiment: its plan would"):
        _require_same_model(leaky, False)
    leaky.settings = ModelSettings(name="open+two-level")
    _require_same_model(leaky, False)


@pytest.mark.parametrize(("target", "possible"), [(4.0, True), (4.5, True), (4.7, False), (8.0, False)])
def test_the_time_for_nats_that_end_at_a_plateau(target, possible, monkeypatch):
    """4.6 t/(t + 1000 s)."""
    planner = import_module("dissentangle.inference.designs.planner")
    monkeypatch.setattr(planner, "allocate", lambda t, *_: SimpleNamespace(value=-4.6 * t / (t + 1000.0)))
    wish = SimpleNamespace(goal=SimpleNamespace(rivals=("a", "b")), criterion=lambda choices, seconds: seconds)
    choices = SimpleNamespace(costs=SimpleNamespace(change={}))
    found = planner.budget_for(wish, choices, target, 60.0)
    if possible:
        assert 4.6 * found / (found + 1000.0) > 0.97 * target
    else:
        assert found is None


def test_a_goal_that_is_infinite_for_some_draws(monkeypatch):
    goals = import_module("dissentangle.inference.designs.goals")
    monkeypatch.setattr(goals, "sensitivities", lambda *_: {"collective_rate": (0, np.array([[np.nan]]))})
    with pytest.raises(ExperimentError, match="collective_rate, which is infinite for some draws of the posterior"):
        plan(driven(), budget="1 h")


def test_a_symbol_and_a_run_name_a_goal():
    assert plan(driven(), budget="1 h", goal="Γcol").label == "collision_rate"
    found = plan(driven(), budget="1 h", goal="xi_minimum")
    assert found.label == "xi_minimum[main]"
    assert found.of("xi_minimum[main]").after < found.of("xi_minimum[main]").before


@pytest.mark.slow
def test_two_closures_are_told_apart_by_xi():
    """P and Jy do not depend on the closure: they only fix the rates."""
    rates = {"collective_rate": 0.11, "light_loss_rate": 0.026, "collision_rate": 0.002, "pure_dephasing_rate": 0.12}
    known = {name: f"lognormal({rate}, 0.1)" for name, rate in rates.items()}
    before = []
    found = plan(driven(), goal="closure", budget="4 h", priors=known, refits=1, planned=before.append)
    assert before == []  # one refit cannot be of two models: the plan is all there is
    nats = [one for one in found.expectations if one.nats]
    assert [one.label for one in nats] == ["log Bayes factor if microscopic", "log Bayes factor if fixed-number"]
    assert all(one.after > 0 and one.value == 0 for one in nats)
    assert found.gain == pytest.approx(np.mean([one.after for one in nats]), rel=0.2)
    assert any(point.kind == "xi" and point.x > 0 for point in found.points)


def test_refits_are_trusted_where_they_disagree():
    predicted, refits = np.full(50, 1.0), np.full(50, 1.3)
    one = Expectation("collective_rate", 1.0, 2.0, 1.0, 0.9, 1.1, predicted, refits)
    assert one.disagrees
    assert one.trusted == (1.3, 1.3, 1.3)
    assert not replace(one, refits=np.full(50, 1.1)).disagrees
    assert replace(one, refits=np.full(50, 1.1)).trusted == (1.0, 0.9, 1.1)
    scattered = 1.3 + np.linspace(-5.0, 5.0, 50)
    assert not replace(one, refits=scattered, nats=True).disagrees
    assert not replace(one, refits=np.empty(0)).disagrees


def test_log_bayes_factors_of_refits_are_compared_with_those_predicted_for_the_very_outcomes():
    """Of 40 outcomes that scatter by 4 nats the first ten were fitted: 1 nat more than predicted is seen."""
    predicted = np.tile([1.0, 9.0], 20)
    one = Expectation("log Bayes factor if microscopic", 0.0, 0.0, 5.0, 1.0, 9.0, predicted, predicted[:10] + 0.1, True)
    assert not one.disagrees
    assert one.trusted == (5.0, 1.0, 9.0)
    assert one.share_above(3.0) == 0.5
    other = replace(one, refits=predicted[:10] + np.linspace(2.2, 2.0, 10))
    assert other.disagrees
    assert other.trusted == pytest.approx((7.1, 3.1, 11.1))
    assert other.share_above(3.0) == 1.0


def two():
    """Two vapour densities, of which nothing else is known."""
    thin = replace(driven(), apparatus=driven().apparatus | {"optical_depth": Known(35.0, 1.75)})
    return {"38C": thin, "50C": driven()}


def test_a_joint_experiment_has_a_plan_for_each_member_under_its_own_names():
    priors = {"light_loss_rate": "lognormal(0.026, 0.3)"}
    found = plan(two(), goal="radiative_rate", budget="1 h", priors=priors, sharing={"initial_n3": "shared"})
    assert {point.run for point in found.points} == {"38C", "50C"}
    assert {"collective_rate[38C]", "collective_rate[50C]"} <= {one.label for one in found.expectations}
    assert set(found.plans) == {"38C", "50C"}
    for name, planned in found.plans.items():
        assert planned.runs == ["main"]
        assert planned.apparatus == two()[name].apparatus
        assert (planned.members, planned.sharing) == ([], {})
        shots = sum(point.shots for point in found.points if point.run == name and point.noise == "gamma")
        assert sum(s.spread.sum() - len(s.x) for s in planned.series if s.noise == "gamma") == shots
    assert plan(driven(), budget="1 h").plans.keys() == {""}


def test_priors_of_a_member_are_its_own_and_the_common_ones():
    given = {"radiative_rate": "a", "initial_n3[38C]": "b", "initial_n3[50C]": "c", "dephasing_rate[50C: drive]": "d",
             "scale[38C.xi]": "e", "pump_rate[drive+pump]": "f", "population_spread[initial_n3]": "g"}  # fmt: skip
    whole = Experiment("joint", True, (DRIVEN,), member={"38C": "38C", "50C": "50C"}, priors=given)
    common = {"radiative_rate": "a", "pump_rate[drive+pump]": "f"}
    assert dict(_priors_of(whole, "38C")) == common | {"initial_n3": "b", "scale[xi]": "e"}
    assert dict(_priors_of(whole, "50C")) == common | {"initial_n3": "c", "dephasing_rate[drive]": "d"}


def test_durations():
    assert [duration(t) for t in (45.0, 720.0, 12240.0, 440640.0)] == ["45 s", "12 min", "3.4 h", "5.1 d"]


@pytest.mark.slow
def test_refits_obtain_what_is_predicted(fit_d55):
    """Eight refits, each of whose sd is known to about 5 %, of different outcomes: the mean to about 5 %."""
    found = inference.design(after=fit_d55, goal="dGamma", budget="10 min", refits=8, seed=seed(1))
    assert len(found.of("collective_rate").refits) == 8
    for label in ("collective_rate", "dephasing_rate[drive]"):
        assert found.of(label).ratio == pytest.approx(1.0, abs=0.25)
    assert "8 simulated outcomes were fitted" in design_text(found)
    assert found.of("collective_rate").before == pytest.approx(
        float(fit_d55["posterior"]["collective_rate"].std()), rel=0.05
    )
