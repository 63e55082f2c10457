"""Derivatives of the expected data by the parameters: those of different members in one step."""

import numpy as np
import pytest

from dissentangle.datasets.prediction import expected, fitted_data
from dissentangle.inference.checks.information import scaled_jacobians, values_at
from dissentangle.inference.model import pose

from ...seeds import seed

STEP = 1e-3


@pytest.mark.parametrize(
    "sharing",
    [None, {"pure_dephasing_rate": "population"}, {"collision_rate": "separate", "radiative_rate": "separate"}],
)
def test_derivatives_of_a_joint_experiment_are_those_by_each_parameter_alone(sharing):
    problem = pose(["fig2b-d55", "krauter2011-published", "fig2c-pump"], sharing)
    centre = 0.3 * np.random.default_rng(seed(1)).standard_normal(len(problem.free))
    found = scaled_jacobians(problem, centre)

    def means(z_scores):
        return expected(problem.experiment, values_at(problem, z_scores), problem.dynamics)

    steps = STEP * np.eye(len(centre))
    ups, downs = ([means(centre + sign * step) for step in steps] for sign in (1, -1))
    at_centre = means(centre)
    for data in fitted_data(problem.experiment):
        slopes = [np.ravel(data.mean(up) - data.mean(down)) / (2 * STEP) for up, down in zip(ups, downs, strict=True)]
        noise = data.noise.scatter(np.ravel(data.mean(at_centre)), data.spread)
        np.testing.assert_allclose(found[data.name], np.array(slopes).T / noise[:, None], atol=1e-5, rtol=1e-5)
    assert sum(len(jacobian) for jacobian in found.values()) > 50
