"""ξ(t) as the light tells it, with the uncertainty of everything that its reconstruction needs."""

from __future__ import annotations

from typing import cast

import numpy as np

from ..forward_models import NOISES, Dynamics
from ..forward_models.noise import gamma_shape
from ..forward_models.readout import xi_of_light_variance
from .experiment import Experiment, Series
from .run_state import run_state
from .stage_rates import Values


def reconstructed_xi(
    experiment: Experiment,
    series: Series,
    values: Values,
    dynamics: Dynamics,
    rng: np.random.Generator,
    accuracy: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,), ms, and draws (n, T) of ξ at the start of each probe pulse of a `light_variance` series.

    For each draw of the parameters (σ², η, γs, γextra, Z, n_b, …) the variance of the light is drawn from what its
    R shots leave open (a scaled inverse χ² with their degrees of freedom, prior flat in its logarithm) and inverted
    by the lossy readout, not by (S.1). The model enters through the decay during the pulse only.
    """
    fitted = series.fitted
    each = len(series.about.components)
    times = series.x[fitted][::each]
    run = run_state(experiment, series.run, values, dynamics, [times], accuracy=accuracy)
    measured = series.value[fitted].reshape(-1, each).mean(axis=1)
    shape = gamma_shape(series.spread[fitted][::each], each * NOISES[series.noise].quadratures)
    draws = max(np.size(v) for v in values.values())
    true = measured * shape / rng.standard_gamma(np.broadcast_to(shape, (draws, len(times))))
    level = run.value("shot_noise_level", 1.0)
    return times, xi_of_light_variance(true / level, run.readout_at(times, series.probe_duration))
