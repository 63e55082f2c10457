"""ξ with all eight coherences: against another implementation of them, and where it must be the model's own."""

import numpy as np
import pytest

from dissentangle.forward_models import InitialState, SixteenLevelRates, Stage, atoms_at, evolve
from dissentangle.forward_models.sixteen_level import eight_coherences_xi

TIMES = np.linspace(0.0, 20.0, 5)
STORED = {
    "drive_paper_numbers": (-0.036, [1.02005013, 0.803863849, 0.778601268, 0.801052168, 0.836263916]),
    "drive_best_fit": (-0.047, [1.01683535, 0.874715832, 0.896099078, 0.956632198, 1.02784897]),
}
"""Splitting of neighbouring coherences, light shift less Zeeman, rad/ms, and ξ at `TIMES` of another implementation."""


@pytest.mark.parametrize("name", ["drive_paper_numbers", "drive_best_fit"])
def test_the_stored_cases(sixteen_levels, name):
    """Of all pairs of coherences of both ensembles. They have the Z of the drive's table, not that of their stage."""
    case, (splitting, stored) = sixteen_levels["cases"][name], STORED[name]
    (stage,) = case["stages"]
    tables = atoms_at(stage["temperature"], stage["detuning"])
    rates = SixteenLevelRates(
        stage["collective_rate"], stage["drive_rate"], tables.of_drive("squeezing_limit"), stage["collision_rate"],
        0.0, 0.0, 0.0, stage["gamma_tilde"], tables,
    )  # fmt: skip
    zeeman = (tables.of_drive("quadratic_shift") * stage["drive_rate"] - splitting) / (2 * np.pi)
    initial = InitialState(case["initial"]["populations"][1])
    found = eight_coherences_xi([Stage(stage["duration"], rates)], TIMES, initial, quadratic_zeeman=zeeman)
    np.testing.assert_allclose(found, stored, atol=1e-6)


def test_a_fast_splitting_leaves_the_strongest_alone():
    """Coherences that turn against 4 ↔ 3 faster than they grow average out; slower ones lower ξ."""
    run, initial = [Stage(20.0, SixteenLevelRates(0.11, 0.002, 0.16, 0.017, 0.0, 0.0, 0.0, 0.19, atoms_at()))], 0.01
    alone = evolve(run, TIMES, InitialState(initial)).xi
    slow, fast = (eight_coherences_xi(run, TIMES, InitialState(initial), quadratic_zeeman=z) for z in (0.0226, 2.0))
    assert np.all(slow[1:] < alone[1:] - 0.01)
    np.testing.assert_allclose(fast, alone, atol=0.015)


@pytest.mark.parametrize("closure", ["microscopic", "fixed-number", 0.3])
def test_where_only_the_strongest_matters_it_is_the_model(closure):
    """With two levels alone, which collisions and light leave as they are, other coherences have nothing to act on."""
    rates = SixteenLevelRates(np.array([0.1, 0.2]), 0.0, 0.16, 0.0, 0.0, 0.0, 0.0, 0.3, atoms_at())
    stages = [Stage(8.0, rates), Stage(12.0, rates.with_lights((), np.array([0.1, 0.1])))]
    initial = InitialState(0.0)
    found = eight_coherences_xi(stages, TIMES, initial, closure)
    np.testing.assert_allclose(found, evolve(stages, TIMES, initial, closure).xi, atol=1e-6)
    lossy = SixteenLevelRates(0.0, 0.002, 0.16, 0.04, 0.01, 0.1, 0.05, 0.9, atoms_at())
    found = eight_coherences_xi([Stage(20.0, lossy)], TIMES, InitialState(0.02), "microscopic")
    np.testing.assert_allclose(found, evolve([Stage(20.0, lossy)], TIMES, InitialState(0.02)).xi, atol=1e-9)
