"""Powers of lights that are not full, or change within a stage: the rates that go with them, accuracy, files."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, SeriesPlan, StageEntry, from_tree, joint, read, simulate
from dissentangle.datasets.experiment import ConstantRun, LightPower, Observation, check_experiment
from dissentangle.datasets.prediction import evolved, expected, rates_of
from dissentangle.forward_models import Dynamics, dephasing_floor
from dissentangle.inference.model import data_hash
from dissentangle.inference.model.problem import pose
from dissentangle.inference.point_fit import paper_fit

from ...forward_models.three_state.rates_of_the_paper import derivatives
from ...seeds import seed

DRIVEN, PUMPED = frozenset({"drive"}), frozenset({"drive", "pump"})
TRUTH = {"pure_dephasing_rate[drive+pump]": 0.12, "initial_n3": 0.01, "initial_nh": 0.0, "squeezing_limit": 0.16,
         "collective_rate": 0.11, "optical_depth": 55.0, "collision_rate": 0.002, "light_loss_rate": 0.0264,
         "pump_rate": 0.168}  # fmt: skip
TIMES = np.linspace(0.31, 20.0, 61)
PROMISED = 1e-4
"""Error of ξ, P and Jy (docs/howto/power.md)."""


def experiment(*power, duration=20.0, lights=PUMPED):
    stages = (StageEntry(duration, lights, power=power),)
    plans = tuple(SeriesPlan(kind, TIMES, 0.02) for kind in ("xi", "polarization", "transverse_spin"))
    return replace(read("fig2c-pump"), stages=stages, series=plans, truth=None)


def integrated(drive, pump):
    """ξ, P and Jy with rates that follow the powers (functions of time), by integration of the rate equations."""
    full = rates_of(TRUTH, StageEntry(20.0, PUMPED))

    def right(t, state):
        u = drive(t)
        rates = replace(
            full,
            collective_rate=u * full.collective_rate,
            radiative_rate=u * full.radiative_rate,
            light_loss_rate=u * full.light_loss_rate,
            pump_rate=pump(t) * full.pump_rate,
        )
        rates = replace(rates, dephasing_rate=dephasing_floor(rates) + 0.12)
        return derivatives(rates, "microscopic")(t, state)

    options = {"method": "DOP853", "rtol": 1e-9, "atol": 1e-10, "max_step": 0.5}
    n2, p, sigma, exponent = solve_ivp(right, (0, 20), [1, 0.98, 1, 0], t_eval=TIMES, **options).y
    jx = 4 * (n2 + p) / 2 + 3 * (n2 - p) / 2
    return (8 * sigma + 7 * (n2 - p)) / (7 * n2 + p), jx / (4 * 0.99 + 3 * 0.01), np.exp(-exponent / 2)


TRACE = (np.linspace(0, 20, 41), 1 + 0.1 * np.sin(np.linspace(0, 20, 41) / 3))
POWERS = {
    "half": (((0.0,), (0.5,)), ((0.0,), (1.0,))),
    "ramp": (((0.0, 20.0), (1.0, 0.9)), ((0.0,), (1.0,))),
    "steep": (((0.0, 20.0), (1.0, 0.0)), ((0.0,), (1.0,))),
    "both": (((0.0, 5.0, 20.0), (0.5, 1.0, 0.7)), ((2.0, 12.0), (1.2, 0.6))),
    "trace": (TRACE, ((0.0,), (1.0,))),
}


@pytest.mark.parametrize("name", POWERS)
def test_changing_powers_against_integration(name):
    drive, pump = POWERS[name]
    powers = (LightPower("drive", *map(tuple, drive)), LightPower("pump", *map(tuple, pump)))
    path = evolved(experiment(*powers), "main", TRUTH, Dynamics(), TIMES)
    wanted = integrated(lambda t: np.interp(t, *drive), lambda t: np.interp(t, *pump))
    for one, values in zip(("xi", "polarization", "transverse_spin"), wanted, strict=True):
        error = abs(getattr(path, one) - values).max()
        assert error < (1e-8 if name == "half" else PROMISED), one


def test_a_short_jump_and_the_cost():
    jump = LightPower("drive", (0.0, 8.0, 8.1, 20.0), (1.0, 1.0, 0.8, 0.8))
    pieces = experiment(jump).stages[0].pieces
    assert [p.power[0].values[0] for p in pieces][:1] == [1.0]
    assert len(pieces) <= 8
    assert sum(p.duration for p in pieces) == pytest.approx(20.0)
    long = LightPower("drive", *map(tuple, TRACE))
    assert len(experiment(long).stages[0].pieces) < 100


def test_what_goes_with_each_light():
    stage = StageEntry(20.0, PUMPED | {"repump"})
    values = TRUTH | {"repump_rate": 0.1, "pure_dephasing_rate[drive+pump+repump]": 0.2}
    full = rates_of(values, stage)
    scaled = {"drive": ("collective_rate", "radiative_rate", "light_loss_rate"), "pump": ("pump_rate",),
              "repump": ("repump_rate",)}  # fmt: skip
    for light, names in scaled.items():
        found = rates_of(values, replace(stage, power=(LightPower(light, (0.0,), (0.5,)),)))
        wanted = replace(full, **{name: 0.5 * getattr(full, name) for name in names})
        wanted = replace(wanted, dephasing_rate=full.dephasing_rate + dephasing_floor(wanted) - dephasing_floor(full))
        assert vars(found) == pytest.approx(vars(wanted))
    free = {k: v for k, v in TRUTH.items() if not k.startswith("pure")} | {"dephasing_rate[drive+pump]": 0.3}
    assert rates_of(free, experiment(LightPower("drive", (0.0,), (0.5,))).stages[0]).dephasing_rate == 0.3


def test_parameters_are_those_of_full_power():
    plain, half = experiment(), experiment(LightPower("drive", (0.0, 20.0), (1.0, 0.5)))
    assert [p.label for p in pose(plain).parameters] == [p.label for p in pose(half).parameters]
    assert data_hash(plain) != data_hash(half)
    slope = (Observation("transverse_spin_decay_time", 6.0, 0.6),)
    early = [expected(replace(one, observations=slope), TRUTH, Dynamics()).observations[0] for one in (plain, half)]
    assert early[0] == early[1]  # the initial slope is that of the power at the beginning


def test_a_simulation_keeps_the_pure_dephasing():
    half = StageEntry(20.0, DRIVEN, power=(LightPower("drive", (0.0, 20.0), (1.0, 0.5)),))
    plans = [SeriesPlan("xi", TIMES, 0.02)]
    given = {"dephasing_rate[drive]": 0.25}
    truth = from_tree(simulate([half], plans, given, seed=seed(1))).truth.parameters
    full = rates_of(truth, half.at_full_power)
    assert "dephasing_rate[drive]" not in truth
    assert full.dephasing_rate == pytest.approx(0.25)
    below = {"dephasing_rate[drive]": 0.01}
    assert from_tree(simulate([half], plans, below, seed=seed(1))).truth.parameters["dephasing_rate[drive]"] == 0.01


def test_files_keep_powers(tmp_path):
    powers = (LightPower("drive", (0.0, 5.0, 20.0), (1.0, 0.95, 0.1)), LightPower("pump", (0.0,), (0.7,)))
    stages = (StageEntry(8.0, DRIVEN), StageEntry(20.0, PUMPED, power=powers))
    made = from_tree(simulate(stages, [SeriesPlan("xi", TIMES, 0.02)], seed=seed(1)))
    for name in ("folder", "file.nc"):
        datasets.save(made, tmp_path / name)
        assert read(tmp_path / name).stages == made.stages == stages
    toml = tmp_path / "folder" / "experiment.toml"
    text = toml.read_text()
    assert "pump = 0.7" in text
    assert [str(power) for power in powers] == [
        "drive at 1 of its power at 0 ms, at 0.1 at 20 ms",
        "pump at 0.7 of its power",
    ]
    before, _, after = text.partition("drive = [")
    (tmp_path / "folder" / "power.csv").write_text("time,power\n0,1\n5,0.95\n20,0.1\n")
    toml.write_text(before + 'drive = { file = "power.csv" }\n' + after[after.index("pump = 0.7") :])
    assert read(tmp_path / "folder").stages == stages
    toml.write_text(text.replace("pump = 0.7", "pump = 1.0"))
    assert read(tmp_path / "folder").stages[1].power == powers[:1]
    both = joint({"a": made, "b": read("fig2b-d55")})
    assert both.run_stages("a")[1].power == powers


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("0.0", "stage 1: drive: found 0.0, expected true, false, a relative power > 0"),
        ('"half"', "stage 1: drive: found .*half.*, expected true, false, a relative power > 0"),
        ("[[0.0, 1.0], [5.0]]", "stage 1: drive: found .*, expected true, false, a relative power > 0"),
        ("[]", "stage 1: drive: found 0 times, 0 powers, expected one power for each of 1 to 10000 times"),
        ("[[0.0, 1.0], [5.0, -0.1]]", "stage 1: drive: found powers from -0.1 to 1, expected 0 to 10, not all 0"),
        (
            "[[0.0, 100.0], [5.0, 90.0]]",
            r"powers from 90 to 100, expected 0 to 10, .*: 1 is the power of the rates \(not %",
        ),
        ("[[0.0, 0.0]]", "stage 1: drive: found powers from 0 to 0, expected 0 to 10, not all 0"),
        ("[[5.0, 1.0], [0.0, 0.9]]", "stage 1: drive: found times from 5 to 0 ms, expected ascending times from 0 to"),
        ("[[0.0, 1.0], [50.0, 0.9]]", "found times from 0 to 50 ms, expected ascending times from 0 to 20 ms"),
        ('{ file = "../power.csv" }', "stage 1: drive: file: found '../power.csv', expected a file inside the folder"),
        ('{ file = "power.csv" }', "stage 1: drive: file: found the columns time, expected time .* and power"),
        ('{ trace = "power.csv" }', "stage 1: drive: key 'trace': found an unknown key, expected one of file"),
    ],
)
def test_powers_that_cannot_be(tmp_path, said, message):
    datasets.save(read("fig2b-d55"), tmp_path / "e")
    toml = tmp_path / "e" / "experiment.toml"
    (tmp_path / "e" / "power.csv").write_text("time\n0\n5\n")
    toml.write_text(toml.read_text().replace("drive = true", f"drive = {said}"))
    with pytest.raises(ExperimentError, match=message):
        read(tmp_path / "e")


def test_powers_where_they_cannot_be():
    half = LightPower("drive", (0.0,), (0.5,))
    dark = replace(read("fig2b-d55"), stages=(StageEntry(20.0, frozenset(), power=(half,)),))
    with pytest.raises(ExperimentError, match="stage 1: drive: found the power of a light that is off"):
        check_experiment(dark)
    lit = replace(read("fig2b-d55"), stages=(StageEntry(20.0, DRIVEN, power=(half,)),))
    with pytest.raises(ExperimentError, match="found a power other than full power, expected none"):
        paper_fit(lit)
    steady = replace(lit, constant={"main": ConstantRun("steady", "steady")})
    with pytest.raises(ExperimentError, match="stage: drive: found a power, expected true, where populations"):
        check_experiment(steady)
