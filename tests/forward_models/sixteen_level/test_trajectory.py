"""Sixteen levels in time: stored cases, the three-state model inside them, other integrators, gradients, refusals."""

from dataclasses import replace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from dissentangle.forward_models import InitialState, InvalidValue, RateBounds, Rates, Stage, evolve, transitions
from dissentangle.forward_models.sixteen_level import (
    SixteenLevelRates,
    Tables,
    atoms_at,
    evolve_sixteen,
    fastest_decay,
    generator,
    sixteen_level_decay_time,
    sixteen_level_entanglement,
    sixteen_level_floor,
    sixteen_level_steady_state,
)
from dissentangle.forward_models.sixteen_level.chebyshev import REACH, Expansion
from dissentangle.forward_models.sixteen_level.tables import DriveTable, RateTable

from ...graphs import PLAIN
from ...seeds import seed

CASES = ("drive_paper_numbers", "drive_best_fit", "drive_cold_uniform", "drive_pump", "pump_then_dark",
         "drive_pump_repump", "dark", "excess_loss")  # fmt: skip
CLOSURES = ("microscopic", "fixed-number")


def rates_of_case(entry):
    uniform = entry["collision"] == "uniform"
    rates = SixteenLevelRates(
        entry["collective_rate"], entry["drive_rate"], entry["squeezing_limit"], entry["collision_rate"],
        entry["excess_loss_rate"], entry["pump_rate"], entry["repump_rate"], 0.0,
        atoms_at(entry["temperature"], entry["detuning"], uniform=uniform),
    )  # fmt: skip
    return replace(rates, dephasing_rate=sixteen_level_floor(rates) + entry["pure_dephasing_rate"])


def stages_of_case(case):
    initial = InitialState(case["initial"]["populations"][1], spin_variance=1 + case["initial"]["c0"])
    return [Stage(entry["duration"], rates_of_case(entry)) for entry in case["stages"]], initial


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("name", CASES)
def test_stored_cases(sixteen_levels, name, closure):
    case = sixteen_levels["cases"][name]
    stages, initial = stages_of_case(case)
    for stage, entry in zip(stages, case["stages"], strict=True):
        assert stage.rates.dephasing_rate == pytest.approx(entry["gamma_tilde"], abs=1e-11)
        slope = -1 / sixteen_level_decay_time(stage.rates, InitialState(0.0))
        assert slope == pytest.approx(entry["slope_of_polarization_from_44"], abs=1e-12)
    found = evolve_sixteen(stages, case["times_ms"], initial, closure)
    np.testing.assert_allclose(found.populations, case["populations"], atol=1e-11)
    stored = {key: values for key, values in case[closure].items() if isinstance(values, list)}
    assert len(stored) == 10
    weight = case["probe_weight"]
    for key, values in stored.items():
        if key == "polarization_probe":
            spin = found.populations @ np.array([*range(4, -5, -1), *(weight * np.arange(3, -4, -1))])
            np.testing.assert_allclose(spin / spin[0], values, atol=1e-10)
        else:
            np.testing.assert_allclose(getattr(found, key), values, atol=2e-11, err_msg=key)


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("name", [name for name in CASES if name != "excess_loss"])
def test_stored_minima_and_crossings(sixteen_levels, name, closure):
    case = sixteen_levels["cases"][name]
    stages, initial = stages_of_case(case)
    found, stored = sixteen_level_entanglement(stages, initial, closure), case[closure]
    assert found.xi_minimum == pytest.approx(stored["xi_min"], abs=1e-8)
    assert found.xi_minimum_time == pytest.approx(stored["xi_min_time_ms"], abs=1e-4)
    last, total = stored["last_time_xi_below_1_ms"], sum(stage.duration for stage in stages)
    assert found.entanglement_duration == (np.inf if last == total else pytest.approx(last, abs=1e-6))


def test_stored_steady_state(sixteen_levels):
    case = sixteen_levels["cases"]["drive_pump_repump"]
    stages, initial = stages_of_case(case)
    found, stored = sixteen_level_steady_state(stages[-1].rates, initial), case["steady_state_of_last_stage"]
    assert found.xi == pytest.approx(stored["xi"], abs=1e-11)
    assert found.spin_variance - found.n2 == pytest.approx(stored["correlation"], abs=1e-11)
    at_threshold = replace(stages[-1].rates, collective_rate=found.threshold)
    assert sixteen_level_steady_state(at_threshold, initial).xi == pytest.approx(1, abs=1e-11)
    dark = stages[-1].rates.with_lights((), 0.1)
    nothing = sixteen_level_steady_state(replace(dark, collision_rate=0.0), initial)
    assert nothing.n2 == pytest.approx(1)
    assert nothing.xi == pytest.approx(4.0 / (4 - 0.01) * (1 + 7 / 4 * 0.01), abs=1e-3)


def three_levels(rates):
    """Tables with the transitions of the three-state model in |4,4⟩, |4,3⟩ and |3,3⟩, per unit of a rate of 1."""
    t = transitions(rates)
    table = np.zeros((16, 16))
    table[0, 1], table[1, 0], table[9, 0], table[9, 1] = t.cooling, t.heating, t.loss, t.loss
    table[0, 9], table[1, 9] = t.recovery, t.recovery
    nothing = RateTable(np.zeros((16, 16)))
    return Tables(DriveTable(table), nothing, nothing, nothing, nothing)


@pytest.mark.parametrize("closure", [*CLOSURES, 0.3])
def test_three_of_sixteen_levels_are_the_three_state_model(reference, closure):
    for case in reference.values():
        plain, sixteen = [], []
        for s in case["stages"]:
            rates = Rates(
                s["d"] * s["gamma"], s["gamma"], s["z"], s["gamma_col"], s["gamma_out_light"], s["gamma_pump"],
                s["gamma_repump"], s["gamma_tilde"],
            )  # fmt: skip
            same = (rates.collective_rate, 1.0, rates.squeezing_limit, 0.0, 0.0, 0.0, 0.0, rates.dephasing_rate)
            plain.append(Stage(s["duration"], rates))
            sixteen.append(Stage(s["duration"], SixteenLevelRates(*same, three_levels(rates))))
        initial = InitialState(**case["initial"])
        expected = evolve(plain, case["times_ms"], initial, closure)
        found = evolve_sixteen(sixteen, case["times_ms"], initial, closure)
        for name, values in vars(expected).items():
            np.testing.assert_allclose(getattr(found, name), values, rtol=1e-11, err_msg=name)
        np.testing.assert_allclose(found.populations[..., [0, 1, 9]], expected.populations, atol=1e-11)
        np.testing.assert_allclose(found.two_level_share, expected.two_level_share, rtol=1e-11)
        assert (found.entangled == expected.entangled).all()
        spans = [sixteen_level_entanglement(sixteen, initial, closure).xi_minimum]
        np.testing.assert_allclose(spans, found.xi.min(), atol=0.01)


RATES = SixteenLevelRates(0.09, 0.002, 0.16, 0.03, 0.01, 0.15, 0.1, 0.6, atoms_at())


def test_equations_of_motion_by_a_solver():
    """dp/dt = L p and dC/dt with dn2/dt written out, by an integrator with steps."""
    closure, times = 0.4, np.array([1.0, 5.0, 17.0])
    dark = RATES.with_lights((), 0.05)
    stages = [Stage(8.0, RATES), Stage(10.0, dark)]

    def slope(rates):
        matrix, out = generator(rates), np.empty(18)

        def at(_, y):
            out[:16] = matrix @ y[:16]
            n2, p = y[0] + y[1], y[0] - y[1]
            decay = rates.dephasing_rate + rates.collective_rate * p
            out[16] = -decay * y[16] - rates.collective_rate * p * (n2 - 0.16 * p)
            out[16] -= (1 - closure) * (out[0] + out[1])
            out[17] = decay
            return out.copy()

        return at

    start = np.zeros(18)
    start[[0, 1, 9, 16]] = 0.96, 0.03, 0.01, 0.05
    options = {"rtol": 1e-11, "atol": 1e-13, "method": "DOP853"}
    first = solve_ivp(slope(RATES), (0, 8), start, t_eval=[1.0, 5.0, 8.0], **options).y
    second = solve_ivp(slope(dark), (8, 18), first[:, -1], t_eval=[17.0], **options).y
    expected = np.column_stack([first[:, :2], second])
    found = evolve_sixteen(stages, times, InitialState(0.03, 0.01, 0.99 + 0.05), closure)
    np.testing.assert_allclose(found.populations.T, expected[:16], atol=1e-10)
    np.testing.assert_allclose(found.correlation, expected[16], atol=1e-10)
    np.testing.assert_allclose(found.transverse_spin, np.exp(-expected[17] / 2), atol=1e-10)


@pytest.mark.slow
@pytest.mark.sampled
def test_populations_of_any_rates_by_matrix_exponentials():
    """Also where eigenvectors are nearly parallel and eigenvalues complex, and over many pieces."""
    rng = np.random.default_rng(seed(3))
    for _ in range(60):
        rates = np.exp(rng.normal(size=5) * 2.5)
        one = SixteenLevelRates(0.0, rates[0], 0.16, rates[1], rates[2], rates[3], rates[4], 0.0, atoms_at())
        duration = float(rng.choice([0.3, 1.0, 4.0]) * REACH / fastest_decay(one))
        found = evolve_sixteen([Stage(duration, one)], [0.3 * duration, duration], InitialState(0.1, 0.3))
        start = np.zeros(16)
        start[[0, 1, 9]] = 0.6, 0.1, 0.3
        for time, levels in zip((0.3 * duration, duration), found.populations, strict=True):
            np.testing.assert_allclose(levels, expm(generator(one) * time) @ start, atol=1e-10)
        np.testing.assert_allclose(found.populations.sum(axis=-1), 1, atol=1e-11)


def test_draws_are_like_single_numbers():
    pump, n3 = np.array([0.05, 0.15, 0.4]), np.array([0.01, 0.03, 0.02])
    several = [Stage(8.0, replace(RATES, pump_rate=pump)), Stage(4.0, RATES.with_lights((), 0.1))]
    times = np.array([0.0, 3.0, 11.0])
    together = evolve_sixteen(several, times, InitialState(n3), "fixed-number")
    spans = sixteen_level_entanglement(several, InitialState(n3), "fixed-number")
    for k in range(3):
        stages = [Stage(8.0, replace(RATES, pump_rate=pump[k])), several[1]]
        alone = evolve_sixteen(stages, times, InitialState(n3[k]), "fixed-number")
        np.testing.assert_allclose(together.xi[k], alone.xi, atol=1e-11)
        np.testing.assert_allclose(together.populations[k], alone.populations, atol=1e-11)
        single = sixteen_level_entanglement(stages, InitialState(n3[k]), "fixed-number")
        np.testing.assert_allclose(spans.xi_minimum[k], single.xi_minimum, atol=1e-8)
        np.testing.assert_allclose(spans.entanglement_duration[k], single.entanglement_duration, atol=1e-5)


NAMES = ("dΓ", "Γ", "Z", "R", "Γx", "Γpump", "Γrepump", "Γ̃", "n3", "c")
POINTS = {
    "all on": [0.09, 0.002, 0.16, 0.03, 0.01, 0.15, 0.1, 0.6, 0.02, 0.3],
    "nothing on": [0.0, 0.0, 0.16, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    "fast pump": [0.09, 0.002, 0.16, 0.03, 0.0, 0.9, 0.0, 3.0, 0.02, 0.0],
}
BOUNDS, TIMES = RateBounds(4.0, 6.0), np.array([0.0, 0.4, 3.0, 18.0, 24.0])


def observables(values, xp):
    rates = SixteenLevelRates(*values[:8], atoms_at())
    stages = [Stage(20.0, rates), Stage(5.0, rates.with_lights((), 0.3))]
    found = evolve_sixteen(stages, TIMES, InitialState(values[8]), values[9], rate_bounds=BOUNDS, xp=xp)
    return [found.xi, found.polarization, found.transverse_spin, found.orientation, found.epr_variance]


@pytest.fixture(scope="module")
def compiled():
    inputs = [pt.dscalar(name) for name in NAMES]
    stacked, weights = pt.concatenate(observables(inputs, pt)), pt.dvector("weights")
    gradient = pytensor.grad((stacked * weights).sum(), inputs)
    return pytensor.function([*inputs, weights], [stacked, pt.stack(gradient)], mode=PLAIN)


@pytest.mark.parametrize("point", POINTS)
def test_value_and_gradient_of_the_graph(compiled, point):
    values, step = np.array(POINTS[point]), 1e-30
    weights = np.random.default_rng(seed(1)).normal(size=5 * len(TIMES))
    found, gradient = compiled(*values, weights)
    np.testing.assert_allclose(found, np.concatenate(observables(list(values), np)), rtol=1e-11)
    expected = []
    for k in range(len(values)):
        moved = [np.complex128(v) for v in values]
        moved[k] += 1j * step
        expected.append(float((np.concatenate(observables(moved, np)).imag * weights).sum() / step))
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())


@pytest.mark.slow
def test_a_graph_beyond_its_range_is_cut_off():
    """Populations as at the largest rates, Γ̃ as it is; numbers likewise, so that a fit can see what it does."""
    largest = replace(RATES, pump_rate=0.1)
    bounds = RateBounds(4.0, fastest_decay(largest), largest=(largest,))
    pump = pt.dscalar()
    graph = evolve_sixteen([Stage(20.0, replace(RATES, pump_rate=pump))], TIMES[:4], rate_bounds=bounds, xp=pt).xi
    expected = evolve_sixteen([Stage(20.0, largest)], TIMES[:4]).xi
    np.testing.assert_allclose(graph.eval({pump: 0.4}, mode=PLAIN), expected, rtol=1e-9)
    beyond = [Stage(20.0, replace(RATES, pump_rate=np.array([0.4, 0.1])))]
    np.testing.assert_allclose(evolve_sixteen(beyond, TIMES[:4], rate_bounds=bounds).xi[0], expected, rtol=1e-9)


@pytest.mark.parametrize("collective", [0.1, np.array([0.1, 0.2])])
def test_the_beginning_alone_and_no_time_at_all(collective):
    stages, initial = [Stage(20.0, replace(RATES, collective_rate=collective))], InitialState(0.02)
    several, first, none = (evolve_sixteen(stages, times, initial) for times in ([0.0, 5.0], [0.0], []))
    for name in ("xi", "polarization", "correlation", "transverse_spin"):
        np.testing.assert_allclose(getattr(first, name), getattr(several, name)[..., :1], atol=1e-14, err_msg=name)
        assert getattr(none, name).shape == (*np.shape(collective), 0)


def test_refusals():
    one = [Stage(20.0, RATES)]
    with pytest.raises(InvalidValue, match=r"populations decay at up to 1\.2\d? 1/ms, expected at most 1, the bound"):
        evolve_sixteen(one, [1.0], rate_bounds=RateBounds(3.0, 1.0))
    with pytest.raises(InvalidValue, match="rate_bounds: needed where the rates are symbolic; inside a forward"):
        evolve_sixteen([Stage(20.0, replace(RATES, pump_rate=pt.dscalar()))], [1.0], xp=pt)
    fast = Stage(20.0, replace(RATES, pump_rate=1e4))
    with pytest.raises(InvalidValue, match=r"levels up to 5\.94e\+04 1/ms over 20 ms: .*times in another unit\?"):
        evolve_sixteen([fast], [1.0])
    with pytest.raises(InvalidValue, match="excess_loss_rate = -1: expected a finite number >= 0"):
        replace(RATES, excess_loss_rate=-1.0)
    with pytest.raises(InvalidValue, match=r"squeezing_limit = 0: expected a number in \(0, 1\]"):
        replace(RATES, squeezing_limit=0.0)


def test_number_of_terms():
    assert Expansion.of(0.115, 20.0, 1e-9).terms <= 16
    assert Expansion.of(0.95, 40.0, 1e-9).terms <= 55
    begin, end = np.array([0.0, 2.0]), np.array([1.0, 2.001])
    expansion = Expansion.of(2.0, 5.0, 1e-12)
    x, w = np.polynomial.legendre.leggauss(30)
    nodes = [expansion.at(0.5 * (begin + end) + 0.5 * (end - begin) * node) for node in x]
    expected = sum(0.5 * (end - begin)[:, None] * weight * values for weight, values in zip(w, nodes, strict=True))
    np.testing.assert_allclose(expansion.integral(begin, end), expected, atol=1e-14)
