"""Series against each other, and disturbances that nobody modelled: scores, sizes, and what they do to the rates."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import read
from dissentangle.inference.checks import assess
from dissentangle.inference.checks.alarms import ALARM, alarms
from dissentangle.inference.checks.disturbances import PosteriorMean, disturbances
from dissentangle.inference.fits.result import Fit

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
    assert per_unit == pytest.approx(means["fixed-number"] - means["microscopic"], rel=0.4)
    said = assess(fits["microscopic"]).condition
    assert said.startswith("Assumed absent, for these data cannot exclude it: the microscopic closure does not hold")


def test_effects_are_derivatives(fit_d55):
    """By a larger step, from the model itself."""
    at = PosteriorMean(Fit(fit_d55))
    found = {one.words: one for one in disturbances(at)}
    clock = found["the times of xi are off"].effect["xi"]
    earlier = {"xi": -0.005}
    by_hand = (at.at_mean["xi"] - at.means(later=earlier)["xi"]) / 0.005
    np.testing.assert_allclose(clock, by_hand, rtol=0.05, atol=1e-3)
    assert not np.any(found["the times of xi are off"].effect["polarization"])
    mismatch = found["the Larmor frequencies of the ensembles differ"].effect["xi"]
    fast = at.means({**at.values, "larmor_mismatch": 4e-3})
    np.testing.assert_allclose(mismatch * 16, fast["xi"] - at.at_mean["xi"], rtol=0.02, atol=1e-9)


def test_a_fit_of_one_series_has_nothing_to_disagree_with():
    whole = read("fig2b-d55")
    alone = replace(whole, series=tuple(s for s in whole.series if s.name == "polarization"), truth=None)
    found = alarms(Fit(inference.fit(alone, seed=seed(2), draws=100, tune=200, chains=2, cores=1)))
    assert found.disagreements == ()
