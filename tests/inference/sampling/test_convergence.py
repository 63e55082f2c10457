"""Effective draws, R-hat and intervals are ArviZ's."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from dissentangle.inference.sampling import Draws
from dissentangle.inference.sampling.convergence import bulk_ess_and_rhat, diagnostics, highest_density, tail_ess

from ...seeds import seed


def chains():
    rng = np.random.default_rng(seed(3))
    for count, draws in ((4, 1000), (2, 101), (4, 20), (3, 7)):
        noise = rng.normal(size=(count, draws))
        walk = np.zeros((count, draws))
        swing = noise.copy()
        for t in range(1, draws):
            walk[:, t] = 0.95 * walk[:, t - 1] + noise[:, t]
            swing[:, t] = -0.6 * swing[:, t - 1] + noise[:, t]
        yield from (noise, walk, swing, np.exp(3 * noise), noise + 2 * np.arange(count)[:, None])
        yield np.round(noise, 1)
        yield np.repeat(noise, 3, axis=1)[:, :draws]
        yield np.cumsum(noise, axis=1)


CHAINS = list(chains())


@pytest.mark.parametrize("k", range(len(CHAINS)))
def test_numbers_are_those_of_arviz(k):
    values, axes = CHAINS[k], {"chain_axis": 0, "draw_axis": 1}
    bulk, rhat = bulk_ess_and_rhat(values[None])
    assert bulk[0] == pytest.approx(float(array_stats.ess(values, method="bulk", **axes)), rel=1e-9)
    assert rhat[0] == pytest.approx(float(array_stats.rhat(values, method="rank", **axes)), rel=1e-12)
    exact = float(array_stats.ess(values, method="tail", prob=(0.05, 0.95), **axes))
    assert tail_ess(values[None])[0] == pytest.approx(exact, rel=1e-9)
    low, high = highest_density(values[None], 0.94)
    assert [low[0], high[0]] == pytest.approx(list(array_stats.hdi(values.ravel(), prob=0.94)))


def test_all_parameters_at_once():
    some = np.stack(CHAINS[:8])
    one_by_one = [bulk_ess_and_rhat(values[None]) for values in some]
    bulk, rhat = bulk_ess_and_rhat(some)
    np.testing.assert_allclose(bulk, [each[0][0] for each in one_by_one], rtol=1e-12)
    np.testing.assert_allclose(rhat, [each[1][0] for each in one_by_one], rtol=1e-12)


def test_diagnostics_of_variables_are_those_of_their_scalars():
    values = np.stack(CHAINS[:3])
    variables = {"a": values[0], "b": np.moveaxis(values[1:], 0, -1)}
    found = Draws(variables, {"diverging": np.zeros(values.shape[1:], bool)}, "fast").diagnostics
    expected = diagnostics(values)
    np.testing.assert_array_equal(found["a"], expected[:, 0])
    np.testing.assert_array_equal(found["b"], expected[:, 1:])


def test_constant_draws():
    bulk, rhat = bulk_ess_and_rhat(np.ones((1, 4, 100)))
    assert (bulk[0], tail_ess(np.ones((1, 4, 100)))[0]) == (400, 400)
    assert np.isnan(rhat[0])
