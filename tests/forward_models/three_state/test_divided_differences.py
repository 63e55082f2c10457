"""Divided differences against mpmath, at coinciding and vanishing arguments too."""

import mpmath
import numpy as np
import pytest

from dissentangle.forward_models.three_state.divided_differences import divided_differences

ARGUMENTS = [0.0, -1e-12, -1e-6, -2.9e-3, -3.1e-3, -0.05, -0.7, -12.0, -300.0]


def exact(*points):
    """exp[points] with 60 digits; coinciding points are kept apart by 1e-25."""
    mpmath.mp.dps = 90
    spread = [mpmath.mpf(x) + k * mpmath.mpf(10) ** -25 for k, x in enumerate(points)]
    table = [mpmath.exp(x) for x in spread]
    for order in range(1, len(spread)):
        table = [(table[k + 1] - table[k]) / (spread[k + order] - spread[k]) for k in range(len(table) - 1)]
    return float(table[0])


@pytest.mark.parametrize("x", ARGUMENTS)
@pytest.mark.parametrize("y", ARGUMENTS)
def test_values(x, y):
    found = divided_differences(np.float64(x), np.float64(y), x > y)
    expected = {
        "exp_x": exact(x), "exp_y": exact(y), "d_0x": exact(0, x), "d_0y": exact(0, y), "d_xy": exact(x, y),
        "d_0xy": exact(0, x, y),
    }  # fmt: skip
    tolerance = {"d_0x": 2e-13, "d_0y": 2e-13, "d_0xy": 3e-11}
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, rel=tolerance.get(name, 1e-13)), name
    assert found.d_00xy == pytest.approx(
        exact(0, 0, x, y), rel=3e-8
    )  # 2⁻⁵² over the cube of the smallest argument without a series
