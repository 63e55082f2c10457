"""Predictions of large data: thinned evenly, in bounded memory, the same for any size of the groups."""

import tracemalloc
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from cachetools import LRUCache

from dissentangle.datasets import joint, prediction, read
from dissentangle.inference.fits.groups import fit_tree, prior_groups
from dissentangle.inference.fits.predictive import log_likelihood, predicted, prior_draws
from dissentangle.inference.fits.summary import summarise
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.sampling.sample import Draws

from ...seeds import seed

# The room has functions of these names.
draws = import_module("dissentangle.inference.fits.predictive")


def with_points(points):
    """fig2b-d55 with so many points per series."""
    experiment = read("fig2b-d55")
    long = [
        replace(
            series,
            x=np.linspace(0.01, 20, points),
            value=np.interp(np.linspace(0.01, 20, points), series.x, series.value),
            spread=np.resize(series.spread, points),
        )
        for series in experiment.series
    ]
    return replace(experiment, series=tuple(long))


def fit_of(experiment, chains, number):
    """The tree of a fit whose draws are those of the prior: sampling is no matter here."""
    problem = Problem(experiment)
    values = prior_draws(problem, chains * number, np.random.default_rng(seed(1)))
    by_chain = {label: array.reshape(chains, number) for label, array in values.items()}
    variables = {v.name: v.stacked(by_chain) for v in problem.variables if not v.formulas}
    statistics = {"diverging": np.zeros((chains, number), bool)}
    known = [p for p in problem.free if p.name == "collision_rate"]
    rows = summarise({"collision_rate": variables["collision_rate"]}, known)
    drawn = Draws(variables, statistics, "fast")
    return fit_tree(problem, seed(1), drawn, values, rows, prior_groups(problem, seed(1))), values


def test_nothing_is_thinned_in_usual_data(fit_d55):
    for group in ("posterior_predictive", "prior_predictive", "log_likelihood"):
        assert fit_d55[group].attrs["thinning"] == 1
        assert fit_d55[group].sizes["draw"] == 1000


def test_large_data_are_thinned_evenly(monkeypatch):
    monkeypatch.setattr(draws, "MOST_NUMBERS", 4 * 90 * 30)
    monkeypatch.setattr("dissentangle.inference.fits.groups.PRIORS", LRUCache(4))  # others may have drawn 1000
    monkeypatch.setattr("dissentangle.inference.fits.groups.PRIOR_DRAWS", 250)
    experiment = read("fig2b-d55")
    fit, values = fit_of(experiment, 4, 100)
    assert fit["posterior"].sizes["draw"] == fit["derived"].sizes["draw"] == 100
    for group in ("posterior_predictive", "log_likelihood"):
        assert fit[group].attrs["thinning"] == 4
        np.testing.assert_array_equal(fit[group]["draw"], np.arange(0, 100, 4))
        assert sum(v.size for v in fit[group].data_vars.values()) <= draws.MOST_NUMBERS
    assert fit["prior_predictive"].attrs["thinning"] == 3
    np.testing.assert_array_equal(fit["prior_predictive"]["draw"], np.arange(0, 250, 3))
    one = {label: value.reshape(4, 100)[2, 8:9] for label, value in values.items()}
    problem = Problem(experiment)
    expected = log_likelihood(problem, prediction.expected(experiment, one, problem.dynamics), one)
    for name in ("xi", "polarization"):
        found = fit["log_likelihood"][name].sel(chain=2, draw=8)
        np.testing.assert_allclose(found, expected[name][0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("points", "draws_kept"), [(1, 1000), (800, 1000), (10_000, 77), (10**6, 1)])
def test_as_many_draws_are_kept_as_the_numbers_allow(points, draws_kept):
    kept = draws.kept_draws(with_points(points), 4, 1000)
    assert len(kept.numbers) == draws_kept
    assert kept.numbers[0] == 0


def test_memory_is_bounded():
    """Means, temporaries and integration grids of 400 draws × 30,000 points would be gigabytes."""
    experiment = with_points(10_000)
    values = prior_draws(Problem(experiment), 40, np.random.default_rng(seed(1)))
    tracemalloc.start()
    try:
        found = predicted(Problem(experiment), values, np.random.default_rng(seed(2)), accuracy=1e-4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    results = sum(array.nbytes for array in (*found.noisy.values(), *found.log_likelihood.values()))
    assert results == 2 * 8 * 40 * 30_000
    assert peak - results < 50e6


@pytest.mark.parametrize("group", [90, 40])  # 40: less than the points of one draw
def test_likelihood_does_not_depend_on_the_groups(group, monkeypatch):
    experiment = read("fig2b-d55")
    values = prior_draws(Problem(experiment), 50, np.random.default_rng(seed(1)))
    whole = predicted(Problem(experiment), values, np.random.default_rng(seed(2)), accuracy=1e-9)
    monkeypatch.setattr(draws, "_GROUP", group)
    single = predicted(Problem(experiment), values, np.random.default_rng(seed(2)), accuracy=1e-9)
    for name, expected in whole.log_likelihood.items():
        np.testing.assert_allclose(single.log_likelihood[name], expected, rtol=1e-6, atol=1e-6)


def test_members_of_a_joint_fit_are_evaluated_in_groups_as_large_as_those_of_one():
    """One after the other, so more members take no more memory at a time, and no smaller groups."""
    one = read("fig2b-d55")
    many = Problem(joint({str(k): replace(one, simulated=True) for k in range(6)}))
    values = prior_draws(many, 1000, np.random.default_rng(seed(1)))
    alone = [index for index, _ in draws.by_speed(one, prior_draws(Problem(one), 1000, np.random.default_rng(seed(1))))]
    together = list(draws.by_speed(many.experiment, values))
    assert [len(index) for index, _ in together] == [len(index) for index in alone]
    for index, some in together:
        assert len(some) == len(values) and set(some) == set(values)
        np.testing.assert_array_equal(some["initial_n3[4]"], values["initial_n3[4]"][index])
        assert "initial_n3[7]" not in some
