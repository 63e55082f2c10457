"""Series of different days: d and the loss by the drive differ, all else is shared; in files and joint experiments."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, SeriesPlan, StageEntry, from_tree, joint, read, simulate
from dissentangle.datasets.experiment import check_experiment, other_days
from dissentangle.datasets.prediction import expected, on_day
from dissentangle.forward_models import Dynamics, InvalidValue
from dissentangle.inference.model import data_hash

from ...forward_models.three_state.rates_of_the_paper import derivatives, paper
from ...seeds import seed

STAGES = (StageEntry(8.0, frozenset({"drive"})), StageEntry(12.0, frozenset()))
TIMES = np.linspace(1.0, 19.0, 10)
PLANS = (
    SeriesPlan("xi", TIMES, 0.02, day="monday"),
    SeriesPlan("polarization", TIMES, 0.005, day="tuesday"),
    SeriesPlan("transverse_spin", TIMES, 0.01, day="friday"),
)
FACTORS = {"day_loss[tuesday]": 1.3, "day_depth[friday]": 0.85, "day_loss[friday]": 0.7}
DEPHASING = {"pure_dephasing_rate[drive]": 0.1, "pure_dephasing_rate[dark]": 0.04}
EXPERIMENT = from_tree(simulate(STAGES, PLANS, DEPHASING | FACTORS, seed=seed(1)))


def integrated(depth, loss):
    """ξ, P and Jy with dΓ × depth at the same Γ, Γout_L × loss and the same Γdeph, by integration of the rates."""
    state, found = np.array([1.0, 0.98, 1.0, 0.0]), []
    for (begin, end), pure in (((0.0, 8.0), 0.1), ((8.0, 20.0), 0.04)):
        lit = float(begin == 0)
        rates = paper(
            collective_rate=0.11 * depth * lit, radiative_rate=0.002 * lit, light_loss_rate=0.0264 * loss * lit
        )
        mu2 = (0.16**-0.5 + 0.16**0.5) ** 2 / 4
        floor = (2 * mu2 - 1) * rates.radiative_rate + 2 * 0.002 + 2 * (rates.light_loss_rate + 0.002)
        right = derivatives(replace(rates, dephasing_rate=floor + pure), "microscopic")
        inside = TIMES[(begin <= TIMES) & (end > TIMES)]
        path = solve_ivp(right, (begin, end), state, t_eval=[*inside, end], method="DOP853", rtol=1e-12, atol=1e-13).y
        state = path[:, -1]
        found.append(path[:, :-1])
    n2, p, sigma, exponent = np.concatenate(found, axis=1)
    jx = 4 * (n2 + p) / 2 + 3 * (n2 - p) / 2
    return (8 * sigma + 7 * (n2 - p)) / (7 * n2 + p), jx / (4 * 0.99 + 3 * 0.01), np.exp(-exponent / 2)


def test_each_day_against_integration():
    found = expected(EXPERIMENT, EXPERIMENT.truth.parameters, Dynamics(), accuracy=1e-12).series
    np.testing.assert_allclose(found["xi"], integrated(1.0, 1.0)[0], rtol=1e-8)
    np.testing.assert_allclose(found["polarization"], integrated(1.0, 1.3)[1], rtol=1e-8)
    np.testing.assert_allclose(found["transverse_spin"], integrated(0.85, 0.7)[2], rtol=1e-8)


def test_a_relative_depth_of_the_run_is_the_same():
    """dΓ goes with d, Γ stays."""
    truth = {k: v for k, v in EXPERIMENT.truth.parameters.items() if not k.startswith("day_")}
    other = replace(EXPERIMENT, run_depth={"main": 0.8})
    dated = expected(EXPERIMENT, truth | {"day_depth[friday]": 0.8}, Dynamics(), accuracy=1e-12).series
    moved, still = (expected(one, truth, Dynamics(), accuracy=1e-12).series for one in (other, EXPERIMENT))
    np.testing.assert_allclose(dated["transverse_spin"], moved["transverse_spin"], rtol=1e-12)
    np.testing.assert_array_equal(dated["xi"], still["xi"])


def test_what_a_day_multiplies():
    values = {"radiative_rate": 0.002, "optical_depth[A]": 50.0, "light_loss_rate": 0.02, "day_depth[A.x]": 0.5}
    assert on_day(values, "A.x") == values | {"optical_depth[A]": 25.0}
    assert on_day(values, "A.y") is values
    assert on_day(values, "") is values
    both = {"pure_dephasing_rate[drive]": 0.1, "dephasing_rate[A: drive]": 0.2, "day_loss[x]": 0.5}
    assert "dephasing_rate[A: drive]" not in on_day(both, "x")
    free = {"dephasing_rate[drive]": 0.2, "light_loss_rate": 0.02, "day_loss[x]": 0.5}
    assert on_day(free, "x") == free | {"light_loss_rate": 0.01}


def test_the_first_day_is_the_reference():
    assert other_days(EXPERIMENT.series) == ["tuesday", "friday"]
    undated = [replace(s, day="" if s.name == "transverse_spin" else s.day) for s in EXPERIMENT.series]
    assert other_days(undated) == ["monday", "tuesday"]
    assert other_days(read("fig2b-d55").series) == []


@pytest.mark.parametrize("name", ["folder", "file.nc"])
def test_files_keep_days(tmp_path, name):
    whole = replace(EXPERIMENT, sharing={"day_depth": "population", "day_loss": "shared"})
    datasets.save(whole, tmp_path / name)
    again = read(tmp_path / name)
    assert [s.day for s in again.series] == ["monday", "tuesday", "friday"]
    assert (again.sharing, again.truth) == (whole.sharing, whole.truth)
    assert data_hash(again) == data_hash(whole) != data_hash(EXPERIMENT)


def test_a_file_says_days(tmp_path):
    datasets.save(EXPERIMENT, tmp_path / "e")
    toml = tmp_path / "e" / "experiment.toml"
    text = toml.read_text()
    assert text.count('day = "tuesday"') == 1
    for found, put, message in (
        ('day = "tuesday"', 'day = "a/b"', "day: found 'a/b', expected a text such as '2026-03-01', without"),
        ('day = "tuesday"', "day = 2011-05-03", r"day: found datetime.date\(2011, 5, 3\), expected a text"),
        (
            "[truth]",
            '[sharing]\nday_depth = "tied"\n[truth]',
            "sharing: day_depth: found 'tied', expected one of shared",
        ),
        ("[truth]", '[sharing]\npump_rate = "shared"\n[truth]', "sharing: found 'pump_rate'"),
        ("[truth]", "[sharing]\nday_depth = 1\n[truth]", "sharing: day_depth: found 1, expected shared, separate or"),
    ):
        toml.write_text(text.replace(found, put))
        with pytest.raises(ExperimentError, match=message):
            read(tmp_path / "e")


def test_each_member_has_its_own_days():
    both = joint({"a": EXPERIMENT, "b": EXPERIMENT_B})
    assert other_days(both.series, both.member) == ["a.tuesday", "a.friday", "b.tuesday", "b.friday"]
    assert both.truth.parameters["day_depth[a.friday]"] == 0.85
    assert "day_depth" not in both.sharing
    assert joint({"a": EXPERIMENT, "b": EXPERIMENT_B}, {"day_loss": "shared"}).sharing["day_loss"] == "shared"
    of_population = replace(EXPERIMENT_B, sharing={"day_depth": "population"})
    with pytest.raises(ExperimentError, match="sharing: day_depth: found separate in a, population in b"):
        joint({"a": EXPERIMENT, "b": of_population})
    assert joint({"a": read("fig2b-d35"), "b": of_population}).sharing["day_depth"] == "population"


EXPERIMENT_B = from_tree(simulate(STAGES, PLANS, DEPHASING | FACTORS, seed=seed(2)))


def test_a_day_that_cannot_be():
    with pytest.raises(InvalidValue, match="collective_rate"):
        expected(EXPERIMENT, EXPERIMENT.truth.parameters | {"day_depth[friday]": -1.0}, Dynamics())
    with pytest.raises(ExperimentError, match=r"parameters: .*'day_depth\[monday\]'"):
        simulate(STAGES, PLANS, {"day_depth[monday]": 0.9}, seed=seed(1))
    assert check_experiment(EXPERIMENT) is EXPERIMENT
