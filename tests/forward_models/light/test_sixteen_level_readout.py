"""The readout of atoms with sixteen levels: with three of them populated it is that of the three-state model."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle.forward_models import InitialState, Rates, Stage, atoms_at, transitions
from dissentangle.forward_models.light import light_variance, readout_of, sixteen_level_readout
from dissentangle.forward_models.sixteen_level import SixteenLevelRates, evolve_sixteen
from dissentangle.forward_models.sixteen_level.tables import DriveTable, RateTable

NOTHING = RateTable(np.zeros((16, 16)))


@pytest.mark.parametrize("closure", ["microscopic", "fixed-number", 0.4])
@pytest.mark.parametrize("spin", ["two-level", "mean-spin"])
def test_of_three_levels(closure, spin):
    rates = Rates(0.11, 0.002, 0.16, 0.002, 0.0264, 0.05, 0.01, 0.4)
    t, table, levels = transitions(rates), np.zeros((16, 16)), np.zeros((2, 16))
    table[[0, 1, 9, 9, 0, 1], [1, 0, 0, 1, 9, 9]] = t.cooling, t.heating, t.loss, t.loss, t.recovery, t.recovery
    levels[:, [0, 1, 9]] = (0.9, 0.05, 0.05), (0.7, 0.1, 0.2)
    tables = replace(atoms_at(), radiative_rate=DriveTable(table))
    same = SixteenLevelRates(0.11, 1.0, 0.16, 0.0, 0.0, 0.0, 0.0, 0.4, tables)
    found = sixteen_level_readout(same, levels, 1.0, closure, 0.84, spin)
    expected = readout_of(rates, levels[:, 0] + levels[:, 1], levels[:, 0] - levels[:, 1], 1.0, closure, 0.84, spin)
    for name, value in vars(expected).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-12, err_msg=name)


def test_decay_during_the_pulse_is_that_of_the_atoms():
    """At its beginning d(ξJ)/dt = −2γ ξJ + 2γextra n_b J + 4 dΓ Z p², for ξ of the trajectory."""
    rates = SixteenLevelRates(0.1, 0.002, 0.16, 0.03, 0.01, 0.1, 0.05, 0.7, atoms_at())
    begin = evolve_sixteen([Stage(5.0, rates)], [2.0, 2.0 + 1e-4], InitialState(0.02))
    readout = sixteen_level_readout(rates, begin.populations[0], 1.0, "microscopic")
    spin = begin.polarization * (4 - 0.02)
    change = np.diff(begin.xi * spin)[0] / 1e-4
    p = begin.p[0]
    expected = (
        -2 * readout.decay_rate * begin.xi[0] * spin[0] + 0.7 * readout.bath_noise * spin[0] + 4 * 0.1 * 0.16 * p**2
    )
    assert change == pytest.approx(expected, rel=1e-4)
    assert light_variance(begin.xi[0], readout) < 2
