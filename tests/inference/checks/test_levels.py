"""What is left out: sixteen levels by three states, seven coherences by sixteen levels. Nothing is sampled."""

import json
import re
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from dissentangle.datasets import ExperimentError, Known, from_tree, read, simulate_like
from dissentangle.datasets.prediction import expected, fitted_observations
from dissentangle.forward_models import Dynamics
from dissentangle.inference.checks.alarms import Alarms, Suspicion, alarms
from dissentangle.inference.checks.disturbances import Disturbance, PosteriorMean
from dissentangle.inference.checks.findings import _alarmed
from dissentangle.inference.checks.levels import COHERENCES, SIXTEEN_LEVELS, all_coherences, sixteen_levels
from dissentangle.inference.checks.replications import PUBLISHED
from dissentangle.inference.fits import Coherences, coherences
from dissentangle.inference.fits.check_file import _check_coherences
from dissentangle.inference.fits.fit import _attributes
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model import SamplerSettings
from dissentangle.inference.model.problem import pose
from dissentangle.inference.text.fit import coherences_text

from ...seeds import seed

THREE = {"collective_rate": 0.115, "optical_depth": 55.0, "light_loss_rate": 0.0233, "collision_rate": 0.0039,
         "pure_dephasing_rate[drive]": 0.16, "initial_n3": 0.013}  # fmt: skip
"""About what three states make of the data below."""


class Stub:
    """A fit whose posterior is narrow about some values, else about the medians of the priors."""

    def __init__(self, problem, values, left_out=()):
        self.problem, self.coherences, self.settings = problem, dict(left_out), problem.settings
        self.values = {p.label: values.get(p.label, float(p.prior.quantile(0.5))) for p in problem.free}

    def by_label(self, group="posterior", *, derived=False):
        near = np.linspace(-1e-3, 1e-3, 8).reshape(1, 8)
        draws = {label: value * (1 + near) for label, value in self.values.items()}
        whole = self.problem.complete(draws)
        rates = {label: f(whole) for v in self.problem.variables for label, f in zip(v.labels, v.formulas)}  # noqa: B905
        return draws | (rates if derived else {})


@pytest.fixture(scope="module")
def sixteen():
    """Data like fig2b-d55 without noise, made by sixteen levels."""
    made = from_tree(simulate_like(read("fig2b-d55"), model="sixteen-level", seed=seed(1)))
    mean = expected(made, made.truth.parameters | {"scale[xi]": 1.0}, Dynamics()).series
    return replace(made, series=tuple(replace(s, value=mean[s.name]) for s in made.series))


def medians(problem):
    return problem.complete({u.label: float(u.prior.quantile(0.5)) for u in problem.free})


def test_sixteen_levels_explain_what_three_states_miss(sixteen):
    """All of the difference is there, and nothing else explains it as well."""
    fit = Stub(pose(sixteen, closure="microscopic"), THREE)
    found = alarms(fit, misfit=True)
    assert found.levels.z > 4
    assert found.levels.estimate == pytest.approx(1, abs=0.5)
    assert found.explanations[0] is found.levels
    (said,) = _alarmed(replace(found, p=1e-3))
    assert "as if the atoms have sixteen levels (--model sixteen-level)" in said


def test_nothing_is_asked_of_a_fit_that_nothing_is_wrong_with(sixteen):
    one = read("fig2b-d55")
    three = one.truth.parameters | {"pure_dephasing_rate[drive]": 0.126}
    mean = expected(one, one.truth.parameters | {"scale[xi]": 1.0}, Dynamics()).series
    exact = replace(one, series=tuple(replace(s, value=mean[s.name]) for s in one.series))
    assert alarms(Stub(pose(exact, closure="microscopic"), three)).levels is None
    assert abs(alarms(Stub(pose(exact, closure="microscopic"), three), misfit=True).levels.estimate) < 0.2
    assert sixteen_levels(PosteriorMean(Stub(pose(sixteen, model="sixteen-level"), {}))) is None
    assert sixteen_levels(PosteriorMean(Stub(pose("fig2d-dissipation"), {}))) is None
    near = replace(sixteen, apparatus=sixteen.apparatus | {"drive_detuning": Known(500.0)})
    assert sixteen_levels(PosteriorMean(Stub(pose(near), THREE))) is None  # there are no rate tables


def test_a_run_that_is_not_followed_does_not_stand_for_another_with_the_same_lights():
    """The published numbers have a run of each light whose numbers are fitted, and others that are not."""
    at = PosteriorMean(Stub(pose("krauter2011-published"), {}))
    assert all(np.isfinite(part).all() for part in sixteen_levels(at).effect.values())


def test_the_other_atoms_begin_as_fast():
    """P falls at first as with three states, also with the weight of F = 3, another temperature and the pump."""
    one = read("fig2c-pump")
    known = {"probe_detuning": Known(-1000.0), "temperature": Known(280.0), "pump_impurity": Known(0.01)}
    early = tuple(replace(s, x=np.linspace(0.01, 0.1, len(s.x))) for s in one.series)
    at = PosteriorMean(Stub(pose(replace(one, series=early, apparatus=one.apparatus | known)), THREE))
    effect = sixteen_levels(at).effect["polarization"]
    gone = 1 - at.at_mean["polarization"]
    assert abs(effect).max() < 0.02 * gone.max()


def test_experiments_of_a_joint_fit_have_their_own_atoms():
    warm = {"a": read("fig2b-d55"), "b": read("fig2b-d35")}
    warm = {n: replace(e, apparatus=e.apparatus | {"temperature": Known(300.0)}) for n, e in warm.items()}
    cold = replace(warm["b"], apparatus=warm["b"].apparatus | {"temperature": Known(0.0)})
    effect, other = (
        sixteen_levels(PosteriorMean(Stub(pose(two, {"temperature": "separate"}), {}))).effect
        for two in (warm, warm | {"b": cold})
    )
    assert all(np.isfinite(part).all() for part in effect.values())
    assert np.array_equal(effect["a.xi"], other["a.xi"])
    assert not np.allclose(effect["b.xi"], other["b.xi"], atol=1e-4)


@pytest.mark.parametrize(
    ("z", "estimate", "named"), [(6.0, 1.1, True), (6.0, 4.0, False), (2.0, 1.0, False), (-6.0, -1.0, False)]
)
def test_a_smaller_or_larger_difference_is_no_sixteen_levels(z, estimate, named):
    drift = Suspicion(Disturbance("gain-drift", "the gain drifts", "%", 0.03, {}), 7.0, 0.05, 0.007, 0.06, {})
    levels = Suspicion(Disturbance(SIXTEEN_LEVELS, "", "", 1.0, {}, most=1.0), z, estimate, estimate / z, 1.0, {})
    found = Alarms((), (drift,), 1e-4, levels).explanations
    assert (levels in found) is named
    assert drift in found


def test_what_the_other_coherences_would_do():
    """At the paper's numbers −0.04 after 15 ms of the drive, little with the pump; three states do not know."""
    problem = pose("krauter2011-published", model="sixteen-level", closure="microscopic")
    values = medians(problem) | {"optical_depth": 55.0, "collective_rate": 0.1}
    found = coherences(problem, values)
    assert {run: one.largest[1] for run, one in found.items()} == {"main": 15.0, "pump": 40.0}
    assert -0.07 < found["main"].largest[0] < -0.02
    assert abs(found["pump"].largest[0]) < 0.01
    assert coherences(pose("krauter2011-published"), medians(pose("krauter2011-published"))) == {}
    _check_coherences({"eight_coherences": json.dumps({run: asdict(one) for run, one in found.items()})}, "f")


def test_they_are_a_disturbance_of_xi_and_advice():
    problem = pose("fig2b-d55", model="sixteen-level", closure="microscopic")
    left_out = coherences(problem, medians(problem))
    fit = Stub(problem, {}, left_out)
    at = PosteriorMean(fit)
    (one,) = all_coherences(at, left_out)
    assert (one.name, [name for name, part in one.effect.items() if part.any()]) == (COHERENCES, ["xi"])
    assert one.effect["xi"][-1] / at.at_mean["xi"][-1] == pytest.approx(left_out["main"].relative(np.array([20.0]))[0])
    assert not all_coherences(at, {})
    found = Suspicion(one, 0.1, 0.1, 1.0, 0.5, {"collective_rate": 0.65})
    fit.settings = replace(fit.settings, name="sixteen-level")
    judged = SimpleNamespace(alarms=Alarms((), (found,), 0.5))
    (said,) = coherences_text(fit, judged)
    assert re.search(r"All eight would move ξ by up to −0.\d{3} at 20 ms in run main", said)
    assert (
        "without them dΓ is off by about +1.3 sd. To allow for it, fit with --model sixteen-level+discrepancy" in said
    )
    (calm,) = coherences_text(fit, SimpleNamespace(alarms=Alarms((), (), 0.5)))
    assert calm.endswith("and no rate by its error bar.")
    assert coherences_text(Stub(problem, {}), judged) == []


def test_single_numbers_of_xi_are_moved_too():
    """As a fit of published numbers has them: their advice cannot be about a series."""
    problem = pose("krauter2011-published", model="sixteen-level", closure="microscopic")
    left_out = coherences(problem, medians(problem))
    fit = Stub(problem, {}, left_out)
    at = PosteriorMean(fit)
    (one,) = all_coherences(at, left_out)
    moved = one.effect[PUBLISHED] / at.at_mean[PUBLISHED]
    expected_moves = {(o.run, o.quantity): left_out[o.run].largest[0] for o in fitted_observations(at.experiment)
                      if o.quantity == "xi"}  # fmt: skip
    assert len(expected_moves) == np.count_nonzero(moved) == 2
    assert min(moved) == pytest.approx(min(expected_moves.values()), rel=0.3)
    found = next(row for row in alarms(fit).suspicions if row.disturbance.name == COHERENCES)
    assert found.of_unit()[1] != 0
    judged = SimpleNamespace(alarms=Alarms((), (replace(found, shifts={"collective_rate": 0.65}, possible=0.5),), 0.5))
    (said,) = coherences_text(fit, judged)
    assert said.endswith("To allow for it, add 0.05 to the sigma of ξ, or exclude late ξ.")


def test_a_damaged_table_of_coherences_is_refused():
    with pytest.raises(ExperimentError, match=r"attribute eight_coherences: found .*, expected columns of as many"):
        _check_coherences({"eight_coherences": '{"main": {"times": [1.0], "model": [], "eight": []}}'}, "f")


def test_between_its_times_the_change_is_a_straight_line():
    one = Coherences((0.0, 10.0), (1.0, 0.8), (1.0, 0.76))
    assert one.relative(np.array([0.0, 5.0, 10.0])) == pytest.approx([0.0, -0.025, -0.05])
    assert one.largest == pytest.approx((-0.04, 10.0))


def test_a_fit_keeps_what_the_other_coherences_would_do():
    """In an attribute, so that nothing is integrated again; of three states there is none."""
    drawn = SimpleNamespace(engine="fast", reason="", attempts=1, thinning=1, bfmi=1.0, timings={})
    for model in ("sixteen-level", None):
        problem = pose("fig2b-d55", model=model, closure="microscopic")
        found = SimpleNamespace(problem=problem, values=medians(problem), drawn=drawn, quadrature_error=0.0,
                                verdict=lambda: SimpleNamespace(healthy=True, text=""))  # fmt: skip
        attributes = _attributes(found, SamplerSettings(seed(1)))
        assert ("eight_coherences" in attributes) is (model is not None)
        if model is not None:
            kept = Fit(SimpleNamespace(attrs=attributes)).coherences["main"]
            assert kept.largest == coherences(problem, found.values)["main"].largest
