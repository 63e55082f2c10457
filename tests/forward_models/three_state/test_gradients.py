"""Gradients of the PyTensor graph against the complex step of the NumPy code, at singular points too."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from dissentangle.forward_models import OBSERVABLES, InitialState, RateBounds, Rates, Stage, evolve
from dissentangle.forward_models.three_state.spin_variance import NOISE_SHARES

from ...graphs import PLAIN
from ...seeds import seed

CLOSURES = tuple(NOISE_SHARES)

NAMES = ("collective", "radiative", "squeezing", "collision", "loss", "pump", "repump", "dephasing", "n3", "nh")
TIMES = np.array([0.0, 0.4, 3.0, 6.0, 7.5, 10.0])
BOUNDS = RateBounds(2.0, 0.6)
POINTS = {
    "paper": [0.11, 0.002, 0.16, 0.002, 0.0264, 0.168, 0.1, 0.4, 0.01, 0.02],
    "all rates zero": [0.0, 0.0, 0.16, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.0],
    "no loss": [0.1, 0.002, 0.16, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0],
    "coinciding exponents": [0.1, 0.0, 0.5, 0.01, 0.02, 0.0, 0.0, 0.2, 0.01, 0.0],
    "coinciding with repump": [0.1, 0.0, 0.5, 0.01, 0.02, 0.2, 0.1, 0.3, 0.01, 0.1],
    "tiny rates": [1e-9, 1e-12, 0.3, 1e-11, 1e-10, 1e-9, 1e-12, 1e-9, 1e-3, 0.0],
    "repump faster": [0.1, 0.001, 0.16, 0.001, 0.02, 0.0, 0.25, 0.3, 0.01, 0.1],
}


def observables(values, closure, xp, second_stage_dark=True):
    rates = Rates(*values[:8])
    dark = rates.with_lights((), values[7])
    stages = [Stage(6.0, rates), Stage(4.0, dark if second_stage_dark else rates)]
    found = evolve(stages, TIMES, InitialState(values[8], values[9]), closure, rate_bounds=BOUNDS, xp=xp)
    return [getattr(found, name) for name in OBSERVABLES]


@pytest.fixture(scope="module", params=CLOSURES)
def compiled(request):
    inputs = [pt.dscalar(name) for name in NAMES]
    stacked = pt.concatenate(observables(inputs, request.param, pt))
    weights = pt.dvector("weights")
    gradient = pytensor.grad((stacked * weights).sum(), inputs)
    outputs = [stacked, pt.stack(gradient)]
    return request.param, pytensor.function([*inputs, weights], outputs, mode=PLAIN)


@pytest.mark.parametrize("point", POINTS)
def test_value_and_gradient(compiled, point):
    closure, function = compiled
    values = np.array(POINTS[point])
    weights = np.random.default_rng(seed(1)).normal(size=len(TIMES) * len(OBSERVABLES))
    found, gradient = function(*values, weights)
    numpy_values = np.concatenate(observables(list(values), closure, np))
    np.testing.assert_allclose(found, numpy_values, rtol=1e-12)
    step = 1e-30
    expected = []
    for k in range(len(values)):
        moved = [np.complex128(v) for v in values]
        moved[k] += 1j * step
        shifted = np.concatenate(observables(moved, closure, np))
        expected.append(float((shifted.imag * weights).sum() / step))
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("point", ["paper", "repump faster", "coinciding with repump"])
def test_complex_step_against_finite_differences(closure, point):
    values = np.array(POINTS[point])
    for k in range(len(values)):
        h = 1e-6
        up, down = values.copy(), values.copy()
        up[k] += h
        down[k] -= 0.0 if values[k] < h else h
        moved = [np.complex128(v) for v in values]
        moved[k] += 1e-30j
        slope = np.concatenate(observables(moved, closure, np)).imag / 1e-30
        difference = np.concatenate(observables(up, closure, np)) - np.concatenate(observables(down, closure, np))
        np.testing.assert_allclose(difference / (up[k] - down[k]), slope, rtol=2e-4, atol=2e-5)
