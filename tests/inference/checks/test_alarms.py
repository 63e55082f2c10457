"""Series against each other, and disturbances that nobody modelled: scores, sizes, and what they do to the rates."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import Known, joint, read
from dissentangle.inference.checks import assess
from dissentangle.inference.checks.alarms import ALARM, Alarms, Suspicion, _normal, _sources, alarms
from dissentangle.inference.checks.disturbances import Disturbance, PosteriorMean, disturbances
from dissentangle.inference.checks.information import values_at
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model.problem import pose

from ...seeds import CHANCE, SIGMA, seed

CLOCK = "the times of polarization are off"


def by_words(found, words):
    return next(one for one in found.suspicions if one.disturbance.words == words)


@pytest.fixture(scope="module")
def calm(fit_d55):
    return alarms(Fit(fit_d55))


def late(by):
    """Simulated like fig2b-d55, but P(t) is that of a time later by so many ms."""
    made = read(datasets.simulate_like(read("fig2b-d55"), seed=seed(11)))
    found = disturbances(PosteriorMean(Fit(inference.fit(made, seed=seed(11)))))
    shifted = by * next(one for one in found if one.words == CLOCK).effect["polarization"]
    series = tuple(replace(s, value=s.value + shifted) if s.name == "polarization" else s for s in made.series)
    return inference.fit(replace(made, series=series, truth=None), seed=seed(12))


def test_of_many_tests_fewer_draws_give_the_chance(calm, fit_d55, monkeypatch):
    """±0.011 where it is 0.5 by 2,000 draws; the time of 20,000 grows with the square of the number of tests."""
    _normal.cache_clear()
    monkeypatch.setitem(alarms.__globals__, "_FEWER_FROM", 1)
    fewer = alarms(Fit(fit_d55))
    _normal.cache_clear()
    assert fewer.p != calm.p
    assert fewer.p == pytest.approx(calm.p, abs=0.06)


def test_right_data_raise_no_alarm(calm):
    assert calm.p > CHANCE
    assert {one.source for one in calm.disagreements} == {"xi", "polarization", "transverse_spin"}
    for one in calm.disagreements:
        assert one.p > CHANCE
    for one in calm.suspicions:
        assert abs(one.z) < SIGMA
        assert one.estimate == pytest.approx(one.z * one.error)


@pytest.mark.slow
def test_a_clock_that_is_late_is_found_and_measured():
    found = alarms(Fit(late(1.0)))
    assert found.p < ALARM
    clock = by_words(found, CLOCK)
    assert clock.estimate == pytest.approx(1.0, abs=SIGMA * clock.error)
    assert clock.error < 0.15


def test_larmor_frequencies_that_differ_are_named():
    made = read(datasets.simulate_like(read("fig2b-d55"), {"larmor_mismatch": 0.03}, seed=seed(5)))
    fit = inference.fit(replace(made, truth=None), seed=seed(5))
    found = alarms(Fit(fit))
    assert found.p < ALARM
    mismatch = by_words(found, "the Larmor frequencies of the ensembles differ")
    assert max(found.suspicions, key=lambda one: abs(one.z)) is mismatch
    assert 10 < mismatch.estimate**0.5 < 40
    judged = assess(fit)
    assert judged.status in ("doubtful", "misfit")


@pytest.mark.slow
def test_what_a_disturbance_does_to_a_rate_is_what_fits_with_and_without_it_say():
    """The closure: two fits, and the linearisation of the one about the other."""
    fits = {c: inference.fit("fig2b-d55", closure=c, seed=seed(3)) for c in ("microscopic", "fixed-number")}
    means = {c: float(fit["posterior"]["collective_rate"].mean()) for c, fit in fits.items()}
    fit = Fit(fits["microscopic"])
    one = next(s for s in alarms(fit).suspicions if s.disturbance.name == "open")
    per_unit = one.shifts["collective_rate"] / one.possible * float(np.std(fit.by_label()["collective_rate"]))
    assert per_unit == pytest.approx(means["microscopic"] - means["fixed-number"], rel=0.4)  # by 1 − c
    said = assess(fits["microscopic"]).condition
    assert said.startswith(
        "These data cannot exclude the following, which the fit assumes absent: the microscopic closure does not hold"
    )


def test_effects_are_derivatives(fit_d55):
    """By a larger step, from the model itself."""
    at = PosteriorMean(Fit(fit_d55))
    found = {one.words: one for one in disturbances(at)}
    clock = found["the times of xi are off"].effect["xi"]
    earlier = {"xi": -0.005}
    by_hand = (at.at_mean["xi"] - at.means(later=earlier)["xi"]) / 0.005
    np.testing.assert_allclose(clock, by_hand, rtol=0.05, atol=1e-3)
    assert found["the times of xi are off"].effect.keys() == {"xi"}
    mismatch = found["the Larmor frequencies of the ensembles differ"].effect["xi"]
    fast = at.means({**at.values, "larmor_mismatch": 4e-3})
    np.testing.assert_allclose(mismatch * 16, fast["xi"] - at.at_mean["xi"], rtol=0.02, atol=1e-9)


def at_medians(experiment, closure="open"):
    """In place of a posterior mean, without a fit."""
    at = object.__new__(PosteriorMean)
    at.problem = pose(replace(experiment, truth=None), closure=closure)
    at.centre = np.zeros(len(at.problem.free))
    at.values = values_at(at.problem, at.centre)
    return at


def asked(experiment):
    return {one.words: one for one in disturbances(at_medians(experiment))}


def test_what_the_file_declares_is_not_asked_for_again():
    plain = read("fig2b-d55")
    leaking = replace(plain, apparatus=plain.apparatus | {"pump_leak_rate": Known(0.0, 0.02)})
    assert asked(plain).keys() - asked(leaking).keys() == {"pump light leaks in where it should be off"}


@pytest.mark.parametrize("closure", ["microscopic", "fixed-number"])
def test_the_closure_departs_towards_the_other_one(closure):
    at = at_medians(read("fig2b-d55"), closure)
    one = next(one for one in disturbances(at) if one.name == "open")
    other = {"microscopic": "fixed-number", "fixed-number": "microscopic"}[closure]
    there = at.means(dynamics=replace(at.problem.dynamics, closure=other))
    np.testing.assert_allclose(one.effect["xi"], there["xi"] - at.at_mean["xi"], atol=1e-12)


def test_a_drift_begins_at_the_first_point_of_the_series_as_in_the_model():
    plain = read("fig2b-d55")
    first = np.arange(len(plain.series[0].x)) < 10
    left_aside = tuple(replace(s, excluded=first) if s.name == "xi" else s for s in plain.series)
    at = at_medians(replace(plain, series=left_aside))
    found = {one.words: one for one in disturbances(at)}
    s = at.experiment.series[0]
    by_hand = at.at_mean["xi"] * s.ramp(s.fitted_x)
    np.testing.assert_allclose(found["the gain of xi drifts"].effect["xi"], by_hand)


def test_the_days_of_one_member_are_no_days_of_the_other():
    one, other = read("fig2b-d55"), read("fig2b-d35")
    dated = replace(one.series[1], day="tuesday")
    found = asked(joint({"A": replace(one, series=(one.series[0], dated, one.series[2])), "B": other}))
    assert "the optical depth was different for B.xi" in found
    assert "the optical depth was different for A.xi" not in found
    same = replace(other, series=tuple(replace(s, day="tuesday") for s in other.series))
    found = asked(joint({"A": replace(one, series=(one.series[0], dated, one.series[2])), "B": same}))
    assert "the optical depth was different for B.xi" in found
    assert "the optical depth was different for A.xi" not in found


def test_a_fit_of_one_series_has_nothing_to_disagree_with():
    whole = read("fig2b-d55")
    alone = replace(whole, series=tuple(s for s in whole.series if s.name == "polarization"), truth=None)
    found = alarms(Fit(inference.fit(alone, seed=seed(2), draws=100, tune=200, chains=2, cores=1)))
    assert found.disagreements == ()


def test_all_series_of_a_run_are_a_source_too():
    both = joint({"a": read("fig2b-d55"), "b": read("fig2b-d35")})
    sources = _sources(both, [series.name for series in both.series])
    assert [source for source, names in sources.items() if len(names) == 3] == ["run a", "run b"]
    alone = read("fig2b-d55")
    assert all(len(names) == 1 for names in _sources(alone, [series.name for series in alone.series]).values())


def test_a_size_that_cannot_be_explains_nothing():
    def suspected(estimate, **more):
        one = Disturbance("gain-drift", "the gain of P drifts", "%", 0.03, {}, **more)
        return Suspicion(one, 9.0, estimate, abs(estimate) / 9, 0.06, {})

    found = [suspected(0.05), suspected(-0.05), suspected(1.12), suspected(-1e-3, squared=True)]
    assert [one.can_be for one in found] == [True, True, False, False]
    assert Alarms((), tuple(found), 1e-6).explanations == (found[0], found[1])
    assert Alarms((), tuple(found[2:]), 1e-6).explanations == ()
