"""Statistics on curves made by hand, with known answers."""

import numpy as np
import pytest

from dissentangle.inference.checks.statistics import (
    STATISTICS,
    Statistic,
    autocorrelation,
    depth_of_minimum,
    entanglement_duration,
    largest_residual,
    late_slope,
    scatter,
    sign_runs,
    time_of_minimum,
)

from ...seeds import seed

T = np.linspace(0.5, 20, 40)
ONE = np.ones(40)


def test_minimum_of_a_parabola():
    curve = 0.8 + 0.002 * (T - 7.3) ** 2
    assert time_of_minimum(T, curve, ONE) == pytest.approx(7.3)
    assert depth_of_minimum(T, curve, ONE) == pytest.approx(0.8)


@pytest.mark.parametrize(("curve", "end"), [(T, 0.5), (-T, 20.0)])
def test_minimum_of_a_straight_line_is_at_its_end(curve, end):
    assert time_of_minimum(T, curve, ONE) == pytest.approx(end)


def test_one_low_point_makes_no_minimum():
    curve = 0.8 + 0.002 * (T - 7.3) ** 2
    curve[26] -= 0.09
    assert np.argmin(curve) == 26
    assert time_of_minimum(T, curve, ONE) == pytest.approx(7.3, abs=1.0)  # not 13.5


def test_noise_moves_the_minimum_less_than_it_moves_the_lowest_point():
    rng = np.random.default_rng(seed(2))
    noisy = 0.8 + 0.002 * (T - 7.3) ** 2 + 0.03 * rng.standard_normal((500, 40))
    found = time_of_minimum(T, noisy, 0.03 * ONE)
    assert found.shape == (500,)
    assert found.mean() == pytest.approx(7.3, abs=0.2)
    assert found.std() < 0.7 * T[np.argmin(noisy, axis=-1)].std()


def test_last_crossing():
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    curves = np.array([[1.1, 0.9, 1.1, 0.8, 1.2], [1.1, 1.2, 1.3, 1.4, 1.5], [1.0, 0.9, 0.9, 0.9, 0.9]])
    assert entanglement_duration(times, curves, np.ones(5)) == pytest.approx([3.5, 0.0, 4.0])
    assert entanglement_duration(times, curves[0], np.ones(5)) == pytest.approx(3.5)


def test_late_slope_is_of_the_last_third_only():
    curve = np.where(T < 10, 5.0, 3 + 0.25 * T)
    assert late_slope(T, curve, ONE) == pytest.approx(0.25)


def test_late_slope_is_weighted():
    curve = 0.1 * T
    curve[-1] += 100
    spread = ONE.copy()
    spread[-1] = 1e6
    assert late_slope(T, curve, spread) == pytest.approx(0.1, abs=1e-6)


def test_autocorrelation_of_alternating_and_of_constant_residuals():
    signs = (-1.0) ** np.arange(40)
    assert autocorrelation(T, signs, ONE) == pytest.approx(-1)
    assert autocorrelation(T, 3 * ONE, ONE) == pytest.approx(1)
    assert autocorrelation(T, signs, ONE, lag=2) == pytest.approx(1)


def test_components_are_no_neighbours():
    times = np.concatenate([T[:4], T[:4]])
    residuals = np.repeat([1.0, -1.0], 4)
    assert autocorrelation(times, residuals, np.ones(8)) == pytest.approx(1)
    assert sign_runs(times, residuals, np.ones(8)) == 2
    assert sign_runs(times, np.ones(8), np.ones(8)) == 2


def test_runs_largest_and_scatter():
    residuals = np.array([0.1, 0.2, -0.1, -0.3, 0.6])
    spread = 0.1 * np.ones(5)
    assert sign_runs(T[:5], residuals, spread) == 3
    assert largest_residual(T[:5], residuals, spread) == pytest.approx(6)
    assert scatter(T[:5], residuals, spread) == pytest.approx((1 + 4 + 1 + 9 + 36) / 5)


@pytest.mark.parametrize("statistic", STATISTICS.values(), ids=list(STATISTICS))
def test_rows_are_treated_alike(statistic):
    rows = 1 + 0.1 * np.random.default_rng(seed(0)).standard_normal((4, 40))
    together = statistic(T, rows, ONE)
    assert together == pytest.approx([float(statistic(T, row, ONE)) for row in rows])


def test_a_function_of_single_rows():
    mine = Statistic("range", "range", lambda t, v, s: max(v) - min(v), by_row=True)
    assert mine(T, np.stack([T, 2 * T]), ONE) == pytest.approx([19.5, 39])
    assert mine(T, T, ONE) == pytest.approx(19.5)
