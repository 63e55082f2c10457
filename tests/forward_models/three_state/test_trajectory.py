"""The whole forward model against independent integrations, and the laws it must obey."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from dissentangle.forward_models import (
    InitialState,
    InvalidValue,
    RateBounds,
    Rates,
    Stage,
    dephasing_floor,
    evolve,
    steady_state,
)
from dissentangle.forward_models.three_state.populations import least_polarization, population_rates, populations
from dissentangle.forward_models.three_state.spin_variance import NOISE_SHARES

from .rates_of_the_paper import derivatives, paper, stage

CLOSURES = tuple(NOISE_SHARES)

RATE = st.one_of(st.just(0.0), st.floats(1e-6, 3.0))


def rates_strategy():
    return st.builds(
        Rates,
        collective_rate=RATE,
        radiative_rate=st.floats(0.0, 0.05),
        squeezing_limit=st.floats(0.05, 1.0),
        collision_rate=st.floats(0.0, 0.1),
        light_loss_rate=st.floats(0.0, 0.2),
        pump_rate=RATE,
        repump_rate=st.floats(0.0, 0.5),
        dephasing_rate=RATE,
    )


def test_reference_to_1e9(reference):
    for case in reference.values():
        stages = [
            Stage(
                s["duration"],
                Rates(
                    s["d"] * s["gamma"], s["gamma"], s["z"], s["gamma_col"], s["gamma_out_light"],
                    s["gamma_pump"], s["gamma_repump"], s["gamma_tilde"],
                ),
            )
            for s in case["stages"]
        ]  # fmt: skip
        for closure in CLOSURES:
            found = evolve(stages, case["times_ms"], InitialState(**case["initial"]), closure)
            for name, expected in case[closure].items():
                np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9, err_msg=name)


@settings(max_examples=40)
@given(rates_strategy(), rates_strategy(), st.floats(0.0, 0.2), st.floats(0.0, 0.3), st.sampled_from(CLOSURES))
def test_against_ode_integration(first, second, n3, nh, closure):
    initial = InitialState(n3=n3, nh=nh)
    times = np.array([0.0, 0.3, 2.0, 5.0, 5.5, 9.0])
    found = evolve([Stage(5.0, first), Stage(4.0, second)], times, initial, closure)
    state = np.array([1 - nh, 1 - nh - 2 * n3, 1 - nh, 0.0])
    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13}
    early = solve_ivp(derivatives(first, closure), (0, 5), state, t_eval=times[:4], **options).y
    late = solve_ivp(derivatives(second, closure), (5, 9), early[:, -1], t_eval=times[4:], **options).y
    n2, p, sigma, exponent = np.concatenate([early, late], axis=1)
    np.testing.assert_allclose(found.n2, n2, rtol=1e-9)
    np.testing.assert_allclose(found.p, p, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.spin_variance, sigma, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.transverse_spin, np.exp(-exponent / 2), rtol=1e-8)
    np.testing.assert_allclose(found.xi, (8 * sigma + 7 * (n2 - p)) / (7 * n2 + p), rtol=1e-8)


@settings(max_examples=60)
@given(rates_strategy(), st.floats(0.0, 0.5), st.sampled_from(CLOSURES))
def test_populations_and_variance_stay_physical(rates, n3, closure):
    """Σ > 0 needs Γ̃ at or above its floor: atoms that leave take more noise along than a smaller Γ̃ leaves them."""
    rates = replace(rates, dephasing_rate=dephasing_floor(rates) + rates.dephasing_rate)
    found = evolve([Stage(30.0, rates)], np.linspace(0, 30, 7), InitialState(n3=n3), closure)
    n3_now, nh = (found.n2 - found.p) / 2, 1 - found.n2
    for population in (n3_now, nh, found.n2 - n3_now):
        assert np.all(population > -1e-12)
        assert np.all(population < 1 + 1e-12)
    assert np.all(found.spin_variance > 0)


@settings(max_examples=60)
@given(rates_strategy(), st.floats(0.0, 0.9), st.floats(0.0, 0.1), st.floats(0.1, 50.0))
def test_polarization_stays_above_its_bound(rates, n3, nh, duration):
    """The integration grid forgets the past as fast as this bound allows."""
    k = population_rates(rates)
    n2, p = 1 - nh, 1 - nh - 2 * n3
    _, p_now, _ = populations(np.linspace(0, duration, 50), n2, p, k)
    assert p_now.min() >= least_polarization(duration, n2, p, k) - 1e-12


@settings(max_examples=40)
@given(rates_strategy())
def test_uncorrelated_atoms_stay_uncorrelated_without_collective_rate(rates):
    single = Rates(**{**rates.__dict__, "collective_rate": 0.0})
    found = evolve([Stage(12.0, single)], np.linspace(0, 12, 5))
    np.testing.assert_allclose(found.spin_variance, found.n2, rtol=1e-10)


@settings(max_examples=30)
@given(rates_strategy(), st.floats(0.5, 9.5), st.sampled_from(CLOSURES))
def test_two_stages_of_equal_rates_are_one(rates, split, closure):
    times = np.linspace(0, 10, 6)
    one = evolve([Stage(10.0, rates)], times, closure=closure)
    two = evolve([Stage(split, rates), Stage(10.0 - split, rates)], times, closure=closure)
    for name in one.__dataclass_fields__:
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("strength", [1.0, 30.0, 1e3])
def test_strong_coupling_and_long_runs_reach_the_steady_state(closure, strength):
    rates = paper(collective_rate=strength, pump=0.1, repump_rate=0.1, dephasing=3.0)
    found = evolve([Stage(3.6e6, rates)], [0.0, 1.0, 1e3, 3.6e6], closure=closure)
    limit = steady_state(rates)
    np.testing.assert_allclose(found.spin_variance[2:], limit.spin_variance, rtol=1e-9)
    np.testing.assert_allclose(found.xi[2:], limit.xi, rtol=1e-9)


def test_strong_coupling_against_stiff_integration():
    rates = paper(collective_rate=80.0, dephasing=5.0, pump=0.3)
    times = np.array([0.01, 0.1, 1.0, 10.0, 60.0])
    found = evolve([Stage(60.0, rates)], times)
    right = derivatives(rates, "microscopic")
    exact = solve_ivp(right, (0, 60), [1, 0.98, 1, 0], t_eval=times, method="Radau", rtol=1e-11, atol=1e-13).y
    np.testing.assert_allclose(found.spin_variance, exact[2], rtol=1e-8)


def test_both_ways_of_accumulating_agree():
    """Below K = 600 a cumulative sum serves, above it a doubled recurrence."""
    rates = paper(collective_rate=20.0, dephasing=1.0)
    times = np.linspace(0, 8, 30)
    short = evolve([Stage(8.0, rates)], times)
    long = evolve([Stage(8.0, rates)], times, rate_bounds=RateBounds(100.0, 1.0))
    np.testing.assert_allclose(long.spin_variance, short.spin_variance, rtol=1e-10)


def test_draws_as_arrays_are_the_single_results():
    rates = paper(collective_rate=np.array([0.05, 0.11, 0.3]), dephasing=np.array([0.1, 0.2, 0.4]))
    initial = InitialState(n3=np.array([0.0, 0.01, 0.05]))
    times = [0.0, 3.0, 20.0]
    together = evolve([Stage(20.0, rates)], times, initial)
    for k in range(3):
        alone = evolve(
            [stage(20.0, collective_rate=rates.collective_rate[k], dephasing=rates.dephasing_rate[k])],
            times,
            InitialState(n3=initial.n3[k]),
        )
        for name in alone.__dataclass_fields__:
            np.testing.assert_allclose(getattr(together, name)[k], getattr(alone, name), rtol=1e-11)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: paper(collision_rate=-0.1), r"collision_rate = -0.1: expected a finite number >= 0"),
        (lambda: paper(dephasing=np.nan), r"dephasing_rate = nan: expected a finite number >= 0"),
        (lambda: paper(squeezing_limit=0.0), r"squeezing_limit = 0: expected a number in \(0, 1\]"),
        (lambda: paper(squeezing_limit=1.2), r"squeezing_limit = 1.2: expected a number in \(0, 1\]"),
        (lambda: paper(pump="fast"), r"'fast' is not a number"),
        (lambda: InitialState(n3=0.7, nh=0.6), r"n3 \+ nh = 1.3: expected at most 1"),
        (lambda: InitialState(n3=-0.1), r"n3 = -0.1: expected a number in \[0, 1\]"),
        (lambda: stage(0.0), r"duration = 0: expected a finite number > 0"),
        (lambda: evolve([], [0.0]), r"no stages: expected at least one Stage"),
        (lambda: evolve([stage(5.0)], [0.0, 6.0]), r"time 6 ms is outside the stages: they cover 0 to 5 ms"),
        (lambda: evolve([stage(5.0)], [2.0, 1.0]), r"times go backwards: 2 is followed by 1 ms"),
        (lambda: evolve([stage(5.0)], [0.0, np.inf]), r"times = inf: expected a finite number"),
        (lambda: evolve([stage(5.0)], [[0.0]]), r"times: expected a one-dimensional array"),
        (
            lambda: evolve([stage(5.0)], [0.0], closure="exact"),
            r"closure = 'exact': expected 'microscopic', 'fixed-number', or a number",
        ),
    ],
)
def test_invalid_values_say_what_is_wrong(make, text):
    with pytest.raises(InvalidValue, match=text):
        make()


def test_symbolic_rates_need_bounds():
    import pytensor.tensor as pt

    with pytest.raises(InvalidValue, match="rate_bounds: needed where the rates are symbolic; inside a forward"):
        evolve([stage(5.0, collective_rate=pt.dscalar())], [1.0], xp=pt)
