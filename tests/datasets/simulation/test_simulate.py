"""What is simulated like an experiment differs from it in the numbers alone."""

from dataclasses import fields, replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, Known, Observation, RecordSeries, SeriesPlan, StageEntry
from dissentangle.datasets.experiment import entries

from ...seeds import seed

DATA = {"value", "samples", "left_out"}
"""What is drawn; and what belongs to one fit, not to an experiment."""
STAGES = (StageEntry(20.0, frozenset({"drive"})),)
TIMES = np.linspace(2.0, 20.0, 10)
THIRD = np.arange(10) % 3 == 0
OTHER = {str: "other", bool: False, float: 0.375}
FITTING = {
    "run": "main", "noise": "student-t", "kind": "xi", "quantity": "orientation", "slope_used": 0.09,
    "gain_drift_uncertainty": 0.05, "noise_correlation": "", "amplitude": "", "offset": "",
}  # fmt: skip
"""Values that are possible, where any other word or number is not; noise that is correlated is Gaussian.

What is free has no uncertainty."""


def said_otherwise(kind, **given):
    """A part in which every entry has another value than its default."""
    others = {entry.name: FITTING.get(entry.name, OTHER[entry.kind]) for entry in entries(kind)}
    possible = others | given
    for entry in entries(kind):
        assert possible[entry.name] != entry.default or entry.name in FITTING or entry.name in given
    return kind(**possible)


def experiment():
    xi = said_otherwise(
        datasets.Series, x=TIMES, value=np.ones(10), spread=np.full(10, 0.02), excluded=THIRD,
        probe_duration=0.0, pulse_time=0.0, mode_rate=0.0,
    )  # fmt: skip
    light = SeriesPlan("light_variance", TIMES, 3000, probe_duration=1.0, excluded=np.repeat(THIRD, 2), note="a note")
    beat = SeriesPlan("orientation_beat", TIMES, 0.003, pulse_time=3.0)
    volts = SeriesPlan("polarization", TIMES, 0.01, amplitude="free", offset="free")
    number = said_otherwise(Observation, value=0.9, sigma=0.01, time=4.0, run="main", shared_scale="gain")
    return datasets.Experiment(
        title="t",
        simulated=False,
        stages=STAGES,
        series=(
            xi,
            replace(light, value=np.ones(20)),
            replace(beat, value=np.ones(20)),
            replace(volts, value=np.ones(10)),
        ),
        observations=(number, replace(number, quantity="xi", excluded="", sigma=1e-4)),
        apparatus={"detection_efficiency": Known(0.8, 0.03), "optical_depth": Known(55.0, 3.0)},
        priors={"collision_rate": "fixed(0.002)"},
    )


def assert_same_but_for_data(made, like):
    for field in fields(like):
        if field.name not in DATA:
            np.testing.assert_array_equal(getattr(made, field.name), getattr(like, field.name), err_msg=field.name)


def test_whatever_is_no_data_survives():
    like = experiment()
    made = datasets.read(datasets.simulate_like(like, {"detection_efficiency": 0.6}, seed=seed(1)))
    for old, new in zip(like.series, made.series, strict=True):
        assert_same_but_for_data(new, old)
        assert len(set(new.value)) > 5
    for old, new in zip(like.observations, made.observations, strict=True):
        assert_same_but_for_data(new, old)
        assert new.value != old.value
    assert made.apparatus == like.apparatus
    assert made.priors == like.priors


def test_records_and_series_of_constant_runs_survive():
    hybrid, feedback = datasets.read("fig2d-hybrid"), np.linspace(1.0, 8.0, 5)
    excluded = np.arange(200) % 7 == 0
    record = said_otherwise(
        RecordSeries, samples=hybrid.records[0].samples[:, :, :90], interval=0.1, run="noisy", excluded=excluded,
        simulated=True,
    )  # fmt: skip
    series = SeriesPlan("feedback", feedback, 3000, probe_duration=0.5, mode_rate=0.4, run="noisy", tail=7.0)
    value = np.tile([2.0, 1.5, 0.3], 5)
    like = replace(hybrid, records=(record, hybrid.records[1]), series=(replace(series, value=value),))
    made = datasets.read(datasets.simulate_like(like, seed=seed(1)))
    for old, new in zip(like.parts, made.parts, strict=True):
        assert_same_but_for_data(new, old)
    assert not np.array_equal(made.series[0].value, value)


def test_another_assumed_efficiency_scales_the_atoms_part():
    """ξ that was divided by η enters as Z + (η/η₀)(ξ − Z)."""
    plan = SeriesPlan("xi", TIMES, 1e-7, efficiency_in_scale=False)
    like = replace(experiment(), series=(replace(plan, value=np.ones(10)),), observations=())
    known, lower = (
        datasets.read(datasets.simulate_like(like, {"detection_efficiency": eta}, seed=seed(1))).series[0].value
        for eta in (0.8, 0.6)
    )
    np.testing.assert_allclose(lower - 0.16, 0.75 * (known - 0.16), atol=3e-6)


def test_numbers_scatter_as_they_say_around_a_common_scale():
    number = Observation("xi", 1.0, 0.01, scale_uncertainty=0.2, shared_scale="gain")
    times = np.linspace(1.0, 19.0, 400)
    like = replace(experiment(), observations=tuple(replace(number, time=float(t)) for t in times))
    made = datasets.read(datasets.simulate_like(like, seed=seed(5)))
    exact = replace(like, observations=tuple(replace(o, sigma=1e-9) for o in like.observations))
    mean = datasets.read(datasets.simulate_like(exact, seed=seed(5)))
    pull = np.array([a.value - b.value for a, b in zip(made.observations, mean.observations, strict=True)]) / 0.01
    assert abs(pull.mean()) < 4.5 / 20
    assert pull.std() == pytest.approx(1, abs=4.5 / np.sqrt(800))
    assert made.truth.parameters["scale[gain]"] == mean.truth.parameters["scale[gain]"] != 1.0


def test_published_numbers_are_not_taken_over():
    hybrid = datasets.read("krauter2011-hybrid")
    with pytest.raises(ExperimentError, match=r"found true values of .* only, expected one of each parameter"):
        datasets.simulate_like(hybrid, seed=seed(1))


def test_a_joint_experiment_is_refused():
    joint = datasets.joint({"a": datasets.read("fig2b-d35"), "b": datasets.read("fig2b-d55")})
    with pytest.raises(ExperimentError, match=r"found a joint experiment, expected a single one"):
        datasets.simulate_like(joint, seed=seed(1))


def test_series_of_several_runs_are_simulated():
    plan = SeriesPlan("xi", TIMES, 1e-7)
    like = datasets.Experiment(
        title="t",
        simulated=False,
        stages=(*STAGES, StageEntry(20.0, frozenset({"drive"}), run="deeper")),
        series=tuple(replace(plan, name=run, run=run, value=np.ones(10)) for run in ("main", "deeper")),
        run_depth={"deeper": 2.0},
    )
    made = datasets.read(datasets.simulate_like(like, {"radiative_rate": 0.002}, seed=seed(1)))
    twice = replace(like, stages=STAGES, series=like.series[:1], run_depth={})
    deeper = datasets.read(
        datasets.simulate_like(twice, {"collective_rate": 0.22, "radiative_rate": 0.002}, seed=seed(1))
    )
    np.testing.assert_allclose(made.series[1].value, deeper.series[0].value, atol=3e-6)
    assert (made.series[1].value < made.series[0].value - 0.01).all()


def test_atoms_with_sixteen_levels_where_a_temperature_is_given():
    """What three states alone have falls away, also what is recorded; R and Γdeph are those of the kind of stage."""
    made = datasets.read(datasets.simulate_like(datasets.read("fig2c-dark"), {"temperature": 300.0}, seed=seed(1)))
    truth = made.truth.parameters
    assert (truth["temperature"], truth["drive_detuning"], truth["pump_rate"]) == (300.0, 850.0, 0.168)
    assert truth["electron_collision_rate[drive+pump]"] == 0.045
    assert truth["electron_collision_rate[dark]"] == 0.017
    assert truth["pure_dephasing_rate[dark]"] == 0.03
    assert not {"light_loss_rate", "collision_rate", "dephasing_rate[dark]"} & truth.keys()
    given = {"temperature": 0.0, "electron_collision_rate[dark]": 0.03}
    other = datasets.read(datasets.simulate_like(datasets.read("fig2c-dark"), given, seed=seed(1)))
    assert other.truth.parameters["electron_collision_rate[dark]"] == 0.03
    assert not np.array_equal(other.series[0].value, made.series[0].value)
