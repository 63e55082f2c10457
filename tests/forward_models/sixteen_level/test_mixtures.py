"""Tables of unknown settings against those of the settings themselves; light of both hands; the DC probe."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from dissentangle.forward_models import InitialState, InvalidValue, SixteenLevelRates, Stage, atoms_at, evolve
from dissentangle.forward_models.sixteen_level import (
    LEVELS,
    LOST_SPIN,
    SPIN,
    evolve_sixteen,
    fastest_decay,
    flows,
    generator,
    probe_weight,
    reach,
    sixteen_level_decay_time,
    sixteen_level_floor,
)
from dissentangle.forward_models.sixteen_level.chebyshev import WIDER
from dissentangle.forward_models.sixteen_level.rates import cut_off
from dissentangle.forward_models.sixteen_level.scattering import D1, D2, scattering
from dissentangle.forward_models.sixteen_level.tables import (
    drive,
    electron_collisions,
    excess_loss,
    pump,
    repump,
    uniform_collisions,
)

from ...seeds import seed

TIMES = np.linspace(0.0, 40.0, 9)


def rates_with(tables):
    rates = SixteenLevelRates(0.1, 0.002, 0.16, 0.04, 0.015, 0.1, 0.2, 0.0, tables)
    return replace(rates, dephasing_rate=sixteen_level_floor(rates) + 0.15)


@pytest.mark.parametrize(("warmer", "bluer"), [(20.0, None), (None, -40.0), (-12.0, 31.0), (20.0, 40.0)])
def test_interpolated_tables_are_the_exact_ones(warmer, bluer):
    tables = atoms_at(300.0, 850.0, temperature_offset=warmer, drive_detuning_offset=bluer)
    near = rates_with(tables)
    exact = rates_with(atoms_at(300.0 + (warmer or 0.0), 850.0 + (bluer or 0.0)))
    known = rates_with(atoms_at())
    found, expected, far = (evolve([Stage(40.0, rates)], TIMES, InitialState(0.02)) for rates in (near, exact, known))
    for name in ("xi", "polarization", "transverse_spin", "orientation"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-6, err_msg=name)
    assert abs(far.xi - expected.xi).max() > 1e-4
    assert near.dephasing_rate == pytest.approx(exact.dephasing_rate, abs=1e-6)
    share, wanted = tables.of_drive("coherent_fraction"), atoms_at(300.0 + (warmer or 0.0), 850.0 + (bluer or 0.0))
    assert share == pytest.approx(wanted.of_drive("coherent_fraction"), abs=2e-5)
    assert fastest_decay(near) >= fastest_decay(exact) * (1 - 1e-9)


@pytest.mark.parametrize(
    ("settings", "unsure", "sizes"),
    [
        ((850.0, 300.0), (0, 1), (40.0, 20.0)),
        ((850.0, 300.0), (1,), (0.0, 20.0)),
        ((740.0, 300.0), (0,), (16.0, 0.0)),  # 723 MHz is the least
        ((4990.0, 490.0), (0, 1), (10.0, 10.0)),
        ((850.0, 4.0), (0, 1), (40.0, 4.0)),
        ((300.0,), (0,), (20.0,)),
        ((495.0,), (0,), (5.0,)),
    ],
)
def test_tables_between_which_it_is_interpolated_exist(settings, unsure, sizes):
    assert reach(settings, unsure) == pytest.approx(sizes)


@pytest.mark.parametrize(("temperature", "detuning"), [(300.0, 740.0), (2.0, 80.0), (490.0, 4995.0)])
def test_interpolation_near_the_ends_of_the_tables(temperature, detuning):
    least, most = (np.array(reach((detuning, temperature), (0, 1))) * sign for sign in (-1, 1))
    for bluer, warmer in (least, most, most * [0.3, -0.7]):
        near, exact = (
            rates_with(tables)
            for tables in (
                atoms_at(temperature, detuning, temperature_offset=warmer, drive_detuning_offset=bluer),
                atoms_at(temperature + warmer, detuning + bluer),
            )
        )
        found, wanted = (evolve([Stage(40.0, rates)], TIMES, InitialState(0.02)).xi for rates in (near, exact))
        np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 2.0])
def test_rates_are_cut_off_with_what_makes_them_faster(share):
    """Of light of both hands, too: within the range of the expansion whatever the impurity."""
    largest = replace(rates_with(atoms_at(pump_impurity=0.05, temperature_offset=0.0)), pump_rate=0.3)
    fast = replace(rates_with(atoms_at(pump_impurity=share, temperature_offset=30.0)), pump_rate=0.9)
    cut = cut_off(fast, largest)
    assert fastest_decay(cut) == pytest.approx(fastest_decay(largest))
    assert cut.pump_rate == pytest.approx(0.3 * 1.05 / (1 + share))
    assert cut.repump_rate == fast.repump_rate
    slow = replace(fast, pump_rate=0.1 / (1 + share))
    assert cut_off(slow, largest).pump_rate == slow.pump_rate


def test_no_offset_where_tables_end():
    with pytest.raises(InvalidValue, match="rate tables at 850 MHz and 0 K: found an offset from it, expected none"):
        atoms_at(0.0, temperature_offset=1.0)


WEIGHTS = {4: (1.29, 1.03, 1.02, 0.81, 0.0), 3: (1.12, 0.88, 0.61, 0.53)}
"""Logarithms of the weights of |F, m⟩ by |m|, for which norms are small."""


@pytest.mark.parametrize("temperature", [0.0, 300.0, 500.0])
def test_the_expansion_covers_decays_of_any_processes_together(temperature):
    """By the logarithmic norm, whose sums bound those of sums; then a few sums, and their populations."""
    tables = [uniform_collisions(), electron_collisions()]
    tables += [of(detuning, temperature) for of in (drive, excess_loss) for detuning in (950.0, 5000.0)]
    tables += [of(temperature, hand) for of in (pump, repump) for hand in (1, -1)]
    weights = np.exp([WEIGHTS[F][abs(m)] for F, m in LEVELS])
    for table in tables:
        weighted = -table.generator * weights[:, None] / weights
        norm = np.linalg.eigvalsh(0.5 * (weighted + weighted.T)).max()
        assert norm <= WIDER * table.fastest
    rng = np.random.default_rng(seed(5))
    for share in (0.02, 0.5, 3.0):
        mixed = atoms_at(temperature, 950.0, pump_impurity=share, repump_impurity=share)
        rates = SixteenLevelRates(0.0, 0.002, 0.16, 0.02, 0.0, *rng.uniform(0.1, 1.0, 2), 0.1, mixed)
        matrix, duration = generator(rates), 50.0 / fastest_decay(rates)
        assert -np.linalg.eigvals(matrix).real.min() <= WIDER * fastest_decay(rates)
        levels = evolve_sixteen(
            [Stage(duration, rates)], [0.1 * duration, duration], InitialState(0.1, 0.3)
        ).populations
        start = np.zeros(16)
        start[[0, 1, 9]] = 0.6, 0.1, 0.3
        for time, found in zip((0.1 * duration, duration), levels, strict=True):
            np.testing.assert_allclose(found, expm(matrix * time) @ start, atol=1e-8)


def test_without_an_offset_tables_are_the_known_ones():
    """Bit for bit."""
    here = generator(rates_with(atoms_at(temperature_offset=0.0, drive_detuning_offset=0.0, pump_impurity=0.0)))
    np.testing.assert_array_equal(here, generator(rates_with(atoms_at())))


def test_offsets_of_draws():
    warmer, impurity = np.array([-3.0, 5.0]), np.array([0.0, 0.02])
    together = rates_with(atoms_at(temperature_offset=warmer, pump_impurity=impurity, repump_impurity=impurity))
    found = evolve([Stage(40.0, together)], TIMES).xi
    for k in range(2):
        one = {"temperature_offset": warmer[k], "pump_impurity": impurity[k], "repump_impurity": impurity[k]}
        alone = evolve([Stage(40.0, rates_with(atoms_at(**one)))], TIMES).xi
        np.testing.assert_allclose(found[k], alone, atol=1e-11)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("line", "resonance", "table_of"), [(D1, (4, 4), pump), (D2, (3, 4), repump)])
def test_impure_light_is_a_sum_of_both_hands(line, resonance, table_of, sign):
    """Of amplitudes with either phase between them: rates do not interfere."""
    share = 0.03
    amplitudes = {1: 1.0, -1: sign * share**0.5}
    wrong, pure = table_of(300.0, -1), table_of(300.0)
    found = scattering(line, resonance, 0.0, amplitudes, 300.0).rate
    unit = scattering(line, resonance, 0.0, {1: 1.0}, 300.0).rate.max() / pure.rate.max()
    np.testing.assert_allclose(found / unit, pure.rate + share * wrong.rate, atol=1e-12)
    mirror = np.r_[8:-1:-1, 15:8:-1]
    np.testing.assert_allclose(wrong.rate, pure.rate[np.ix_(mirror, mirror)], atol=1e-12)
    tables = atoms_at(pump_impurity=share)
    np.testing.assert_allclose(
        generator(SixteenLevelRates(0.0, 0.0, 0.16, 0.0, 0.0, 1.0, 0.0, 0.0, tables)),
        pump(300.0).generator + share * pump(300.0, -1).generator, atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("detuning", "weight"), [(850.0, 0.099), (500.0, 0.053), (-850.0, -0.155), (-1000.0, -0.15), (2000.0, 0.29)]
)
def test_what_a_dc_probe_sees_of_the_other_level(detuning, weight):
    """Values of the polarisability of atoms at rest."""
    assert probe_weight(detuning, 0.0) == pytest.approx(weight, abs=0.006)


def test_decay_of_what_the_probe_sees():
    """T1 by the slope of P, from populations a moment later."""
    rates, initial, w, moment = rates_with(atoms_at()), InitialState(0.02, nh=0.05), 0.2, 1e-4
    levels = evolve_sixteen([Stage(1.0, rates)], [0.0, moment], initial).populations @ (SPIN + w * LOST_SPIN)
    expected = -levels[0] / ((levels[1] - levels[0]) / moment)
    assert sixteen_level_decay_time(rates, initial, w) == pytest.approx(expected, rel=1e-3)


def test_a_probe_that_is_absorbed():
    with pytest.raises(InvalidValue, match=r"probe_detuning \(MHz\) = -300: expected a number outside \[-772, 320\]"):
        probe_weight(-300.0)
    with pytest.raises(InvalidValue, match=r"probe_detuning \(MHz\) = 9000"):
        probe_weight(9000.0)


def test_flows_are_those_of_the_equations_of_motion():
    rates = SixteenLevelRates(0.1, 0.002, 0.16, 0.04, 0.015, 0.1, 0.2, 0.5, atoms_at(pump_impurity=0.05))
    levels = np.random.default_rng(seed(3)).dirichlet(np.ones(16))
    whole = sum(flows(rates, levels).values())
    np.testing.assert_allclose(whole.sum(axis=1) - whole.sum(axis=0), generator(rates) @ levels, atol=1e-12)
