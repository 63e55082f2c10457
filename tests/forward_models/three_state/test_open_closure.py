"""c, the share of its projection noise that a lost atom takes along: the two closures are its ends."""

import numpy as np
import pytest

from dissentangle.forward_models import (
    LOSS_NOISE_SHARE,
    Dynamics,
    InitialState,
    InvalidValue,
    Stage,
    entanglement,
    evolve,
)
from dissentangle.forward_models.light.readout import readout_of

from .rates_of_the_paper import paper

TIMES = np.linspace(0.0, 20.0, 21)
START = InitialState(n3=0.01)


@pytest.mark.parametrize("mismatch", [0.0, 0.02])
def test_spin_variance_is_linear_in_the_share(mismatch):
    stages = [Stage(20.0, paper(larmor_mismatch=mismatch))]
    one, none = (evolve(stages, TIMES, START, c).spin_variance for c in ("microscopic", "fixed-number"))
    shares = np.array([0.0, 0.3, 1.0])
    found = evolve(stages, TIMES, START, shares).spin_variance
    np.testing.assert_allclose(found, shares[:, None] * one + (1 - shares[:, None]) * none, rtol=1e-13)
    for share, row in zip(shares, found, strict=True):
        np.testing.assert_allclose(evolve(stages, TIMES, START, share).spin_variance, row, rtol=1e-14)


def test_what_has_no_noise_does_not_depend_on_it():
    stages = [Stage(20.0, paper())]
    low, high = (evolve(stages, TIMES, START, c) for c in (0.0, 1.0))
    for name in ("n2", "p", "polarization", "transverse_spin", "orientation"):
        np.testing.assert_array_equal(getattr(low, name), getattr(high, name))


def test_draws_of_the_share_have_their_own_entanglement():
    found = entanglement([Stage(20.0, paper())], START, np.array([0.0, 1.0]))
    for k, closure in enumerate(("fixed-number", "microscopic")):
        alone = entanglement([Stage(20.0, paper())], START, closure)
        assert found.xi_minimum[k] == pytest.approx(alone.xi_minimum, rel=1e-12)
        assert found.entanglement_duration[k] == pytest.approx(alone.entanglement_duration, rel=1e-12)


def test_noise_of_the_bath_is_linear_in_the_share():
    low, half, high = (readout_of(paper(), 0.97, 0.95, 1.0, c).bath_noise for c in (0.0, 0.5, 1.0))
    assert half == pytest.approx(0.5 * (low + high))


def test_the_open_closure_takes_its_share_from_the_parameters():
    stages = [Stage(20.0, paper())]
    assert Dynamics("open").parameters == (LOSS_NOISE_SHARE,)
    found = Dynamics("open").evolve(stages, TIMES, START, {LOSS_NOISE_SHARE: 0.4}).xi
    np.testing.assert_array_equal(found, evolve(stages, TIMES, START, 0.4).xi)


def test_shares_outside_and_names_without_one_are_refused():
    with pytest.raises(InvalidValue, match=r"closure = 1.5: expected a number in \[0, 1\]"):
        evolve([Stage(1.0, paper())], [0.5], START, 1.5)
    with pytest.raises(InvalidValue, match="closure = 'open': expected 'microscopic', 'fixed-number', or a number"):
        evolve([Stage(1.0, paper())], [0.5], START, "open")
