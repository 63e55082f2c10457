"""Designs of experiments: known optima, what is expected of plans, limits, files. Most need no sampling."""

import numpy as np
import pytest

from dissentangle.datasets import Experiment, SeriesPlan, StageEntry
from dissentangle.inference import design

DARK = StageEntry(40.0, frozenset())
ALONE = {"collision_rate": "fixed(0)", "initial_n3": "fixed(0)", "pure_dephasing_rate": "normal(0.25, 0.00025)"}


def decay(**said):
    """Jy in the dark decays as A exp(−Γ̃t/2); nothing is measured yet."""
    series = (SeriesPlan("transverse_spin", np.linspace(0, 40, 5), 0.05, **said),)
    return Experiment(title="decay", simulated=True, stages=(DARK,), series=series)


def test_the_textbook_case():
    """Unknown rate and amplitude: half of the shots at 0, half after one decay time, 2/Γ̃ = 8 ms, to 2 %."""
    wide = ALONE | {"pure_dephasing_rate": "lognormal(0.25, 0.01)"}
    found = design(decay(scale_uncertainty=0.3), goal="everything", budget="10 h", priors=wide, refits=0)
    assert found.points[0].x == 0.0


if __name__ == "__main__":
    pytest.main([__file__])
