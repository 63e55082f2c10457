"""Members of a joint experiment: each as if it were alone, and one graph for all that differ in values only."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import joint, read
from dissentangle.datasets.prediction import ONE, expected, members_of
from dissentangle.forward_models import Dynamics
from dissentangle.inference import build_model
from dissentangle.inference.fits.predictive import prior_draws
from dissentangle.inference.model.problem import Problem, pose

from ...seeds import seed


@pytest.mark.parametrize("other", ["fig2c-pump", "krauter2011-published", "laboratory-d55"])
def test_a_member_alone_predicts_what_it_predicts_in_the_whole(other):
    names = [other, "fig2b-d35"]
    whole = joint({name: read(name) for name in names}, {"collision_rate": "separate"})
    values = prior_draws(Problem(whole), 3, np.random.default_rng(seed(1)))
    together = expected(whole, values, Dynamics())
    numbers, members = iter(together.observations), members_of(whole)
    assert [member.names[ONE] for member in members] == names
    for member in members:
        alone = expected(member.experiment, member.own(values), Dynamics())
        for name, mean in alone.series.items():
            np.testing.assert_allclose(mean, together.series[member.names[name]], rtol=1e-8)
        for number in alone.observations:
            np.testing.assert_allclose(number, next(numbers), rtol=1e-8)


def simulated(number, **apparatus):
    made = datasets.from_tree(datasets.simulate_like(read("fig2b-d55"), seed=seed(number)))
    return replace(made, apparatus=made.apparatus | apparatus)


@pytest.mark.parametrize("draws", [None, 3])
@pytest.mark.parametrize(("model", "calls"), [(None, 2), ("open", 2), ("sixteen-level", 4)])
def test_members_that_are_alike_are_evaluated_in_one_call(monkeypatch, draws, model, calls):
    """Another depth is another number; another duration is not."""
    longer = simulated(3)
    longer = replace(longer, stages=tuple(replace(s, duration=25.0) for s in longer.stages))
    members = {
        "a": simulated(1),
        "b": simulated(2, optical_depth=datasets.Known(35.0, 2.0)),
        "c": longer,
        "d": simulated(4),
    }
    problem = pose(members, {"collision_rate": "separate"}, model=model)
    values = problem.complete(prior_draws(problem, draws or 1, np.random.default_rng(seed(1))))
    if draws is None:
        values = {label: float(np.ravel(value)[0]) for label, value in values.items()}
    alone = {}
    for member in members_of(problem.experiment):
        found = expected(member.experiment, member.own(values), problem.dynamics).series
        alone |= {member.names[name]: mean for name, mean in found.items()}
    times, evolve = [], Dynamics.evolve
    monkeypatch.setattr(Dynamics, "evolve", lambda self, *a, **more: times.append(1) or evolve(self, *a, **more))
    together = expected(problem.experiment, values, problem.dynamics).series
    assert len(times) == calls
    for name, mean in alone.items():
        assert np.shape(together[name]) == np.shape(mean)
        np.testing.assert_allclose(together[name], mean, rtol=1e-8)


def test_members_that_are_equal_have_equal_predictions():
    one = read("fig2b-d55")
    problem = pose({"a": one, "b": one})
    values = problem.complete({p.label: float(p.prior.quantile(0.5)) for p in problem.free})
    found = expected(problem.experiment, values, problem.dynamics).series
    for series in one.series:
        assert np.shape(found[f"a.{series.name}"]) == series.x.shape
        np.testing.assert_array_equal(found[f"a.{series.name}"], found[f"b.{series.name}"])
    fits = inference.least_squares({"a": one, "b": one})
    assert fits.converged


def test_a_member_has_its_own_labels_and_the_common_ones():
    whole = joint({name: read(name) for name in ("fig2b-d55", "fig2b-d35")}, {"pure_dephasing_rate": "separate"})
    values = dict.fromkeys([p.label for p in Problem(whole).parameters], 1.0)
    own = members_of(whole)[1].own(values)
    assert {"radiative_rate", f"optical_depth[{ONE}]", f"pure_dephasing_rate[{ONE}: drive]"} <= set(own)
    assert f"scale[{ONE}.xi]" in own
    assert not [label for label in own if "fig2b" in label]


def forward_models(experiments):
    """The distinct graphs of the forward model in the model of experiments."""
    from pytensor.compile.builders import OpFromGraph
    from pytensor.graph.traversal import ancestors

    nodes = {variable.owner for variable in ancestors(build_model(experiments).basic_RVs) if variable.owner}
    return {id(node.op) for node in nodes if isinstance(node.op, OpFromGraph) and node.op.name == "forward_model"}


def test_members_that_differ_in_values_only_have_one_graph():
    one, other = (datasets.from_tree(datasets.simulate_like(read("fig2b-d55"), seed=seed(k))) for k in (1, 2))
    known = replace(other.apparatus["optical_depth"], value=50.0)  # a prior, which changes the grid: of both
    other = replace(other, apparatus=other.apparatus | {"optical_depth": known})
    later = replace(other, series=tuple(replace(s, x=np.minimum(1.01 * s.x, 20.0)) for s in other.series))
    assert len(forward_models({"A": one, "B": other})) == 1
    assert len(forward_models({"A": one, "B": later, "C": one})) == 2


@pytest.mark.parametrize("model", [None, "sixteen-level"])
def test_a_member_of_which_nothing_is_measured_has_no_rates_of_its_own(model):
    """A plan for it: dΓ, Γ and Γ̃ with the drive follow for the other one alone."""
    planned = replace(read("fig2b-d35"), series=(), truth=None)
    problem = pose({"a": read("fig2b-d55"), "b": planned}, {"radiative_rate": "separate"}, model=model)
    values = problem.complete({p.label: float(p.prior.quantile(0.5)) for p in problem.free})
    found = {label: f(values) for v in problem.variables for label, f in zip(v.labels, v.formulas, strict=False)}
    assert [*found] == ["dephasing_rate[a: drive]", "collective_rate[a]"]
    assert all(value > 0 for value in found.values())
