"""Errors that a series has in common, the clock and a pump that leaks: what they do to expected values."""

from dataclasses import fields, replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, Known, SeriesPlan, StageEntry, from_tree, joint, read, simulate
from dissentangle.datasets.experiment import check_experiment
from dissentangle.datasets.prediction import expected, initial_of, rates_of
from dissentangle.forward_models import Dynamics, Stage, evolve
from dissentangle.inference.model import data_hash, fingerprint

from ...seeds import seed

STAGES = (StageEntry(8.0, frozenset({"drive"})), StageEntry(12.0, frozenset()))
TIMES = np.linspace(1.0, 19.0, 10)
PLANS = (
    SeriesPlan("xi", TIMES, 0.02),
    SeriesPlan("polarization", TIMES, 0.005),
    SeriesPlan("light_variance", TIMES, 3000, probe_duration=1.0),
)
EXACT = 1e-12


def made(parameters=None, stages=STAGES, plans=PLANS, apparatus=None):
    """A simulated experiment with these true values."""
    return from_tree(simulate(stages, plans, parameters, seed=seed(1), apparatus=apparatus))


def means(experiment, **values):
    """Expected values at the truth with some of them changed, series by name."""
    truth = experiment.truth.parameters | values
    return expected(experiment, truth, Dynamics(), accuracy=EXACT).series


def changed(experiment, name, **fields_of):
    return replace(
        experiment, series=tuple(replace(s, **fields_of) if s.name == name else s for s in experiment.series)
    )


def path_at(experiment, times):
    """The observables at these times, by the forward model alone."""
    truth = experiment.truth.parameters
    stages = [Stage(entry.duration, rates_of(truth, entry)) for entry in experiment.stages]
    return evolve(stages, times, initial_of(truth), accuracy=EXACT)


EXPERIMENT = made()


def test_gain_and_background_drift_in_a_straight_line():
    ramp = (TIMES - TIMES[0]) / (TIMES[-1] - TIMES[0])
    xi, p = (getattr(path_at(EXPERIMENT, TIMES), name) for name in ("xi", "polarization"))
    found = means(
        EXPERIMENT, **{"offset_drift[xi]": 0.03, "gain_drift[polarization]": -0.05, "scale[polarization]": 1.1}
    )
    np.testing.assert_allclose(found["xi"], xi + 0.03 * ramp, atol=1e-9)
    np.testing.assert_allclose(found["polarization"], 1.1 * (1 - 0.05 * ramp) * p, atol=1e-9)
    np.testing.assert_array_equal(found["light_variance"], means(EXPERIMENT)["light_variance"])
    everywhere = {s.name: np.array([0.0, 20.0]) for s in EXPERIMENT.series if s.name != "light_variance"}
    some = replace(EXPERIMENT, series=EXPERIMENT.series[:2])
    truth = EXPERIMENT.truth.parameters
    curve = [
        expected(some, truth | {"offset_drift[xi]": b}, Dynamics(), points=everywhere).series["xi"] for b in (0, 1)
    ]
    np.testing.assert_allclose(curve[1] - curve[0], [-1 / 18, 19 / 18], atol=1e-9)  # the ramp is of the data


@pytest.mark.parametrize("offset", [-0.6, -0.2, 0.0, 0.3, 0.6])
def test_a_parabola_gives_values_at_other_times(offset):
    """Of a declared offset, from nodes 0.6 ms apart; of one that only nature knows, exactly."""
    away = abs(TIMES - 8.0) > 1.3  # where the lights change the slope does, too
    declared = changed(EXPERIMENT, "xi", time_offset_uncertainty=0.3)
    right = path_at(EXPERIMENT, TIMES + offset).xi
    found = means(declared, **{"time_offset[xi]": np.array([offset, 0.0])})["xi"]
    np.testing.assert_allclose(found[0][away], right[away], atol=2e-4)
    np.testing.assert_allclose(found[1], path_at(EXPERIMENT, TIMES).xi, atol=1e-9)
    np.testing.assert_allclose(means(EXPERIMENT, **{"time_offset[xi]": offset})["xi"], right, atol=1e-9)


def test_a_clock_keeps_inside_the_run():
    ends = np.array([0.0, 0.1, 19.9, 20.0])
    edge = made(plans=(replace(SeriesPlan("xi", ends, 0.02), time_offset_uncertainty=0.5),))
    found = means(edge, **{"time_offset[xi]": np.array([0.0, 0.05, -0.05])})["xi"]
    np.testing.assert_allclose(found[0], path_at(edge, ends).xi, atol=5e-4)
    np.testing.assert_allclose(found[1][:3], path_at(edge, ends[:3] + 0.05).xi, atol=1e-3)
    np.testing.assert_allclose(found[2][1:], path_at(edge, ends[1:] - 0.05).xi, atol=1e-3)


def test_a_clock_that_all_series_share():
    """It adds to that of a single series; where it is known exactly, no parabola is needed; probes are late, too."""
    late = replace(EXPERIMENT, apparatus=EXPERIMENT.apparatus | {"common_time_offset": Known(0.4)})
    found = means(late, common_time_offset=0.4)
    for name in ("xi", "polarization"):
        np.testing.assert_allclose(found[name], getattr(path_at(EXPERIMENT, TIMES + 0.4), name), atol=1e-9)
    other = made(plans=(replace(PLANS[2], x=PLANS[2].x + 0.4),))
    np.testing.assert_allclose(found["light_variance"], means(other)["light_variance"], atol=1e-9)
    unsure = changed(late, "xi", time_offset_uncertainty=0.2)
    values = {"common_time_offset": np.full(2, 0.4), "time_offset[xi]": np.array([0.0, -0.1])}
    found = means(unsure, **values)["xi"]
    np.testing.assert_allclose(found[0], path_at(EXPERIMENT, TIMES + 0.4).xi, atol=1e-9)
    away = abs(TIMES - 8.0) > 1.3
    np.testing.assert_allclose(found[1][away], path_at(EXPERIMENT, TIMES + 0.3).xi[away], atol=2e-4)


def test_each_member_of_a_joint_fit_has_its_own_clock():
    a, b = (replace(read(name), truth=None) for name in ("fig2b-d55", "fig2b-d35"))
    assert "common_time_offset" not in joint({"a": a, "b": b}).sharing
    late = replace(a, apparatus=a.apparatus | {"common_time_offset": Known(0.0, 0.3)})
    both = joint({"a": late, "b": b})
    assert both.sharing["common_time_offset"] == "separate"
    assert both.knows("common_time_offset", "a")
    assert not both.knows("common_time_offset", "b")


def test_a_pump_that_leaks():
    """As the pump light itself would, in the stages without it, at the same Γdeph."""
    rates = {"pump_leak_rate": 0.03, "pure_dephasing_rate[drive]": 0.1, "pure_dephasing_rate[dark]": 0.02}
    leaking = made(rates, plans=PLANS[:2])
    lit = tuple(replace(stage, lights=stage.lights | {"pump"}) for stage in STAGES)
    same = {"pump_rate": 0.03, "pure_dephasing_rate[drive+pump]": 0.1, "pure_dephasing_rate[pump]": 0.02}
    pumped = made(same, lit, PLANS[:2])
    for name, values in means(pumped).items():
        np.testing.assert_allclose(means(leaking)[name], values, atol=1e-12)
    both = {**leaking.truth.parameters, **pumped.truth.parameters, "pump_rate": 0.2}
    assert rates_of(both, lit[0]).pump_rate == 0.2
    assert rates_of(both, STAGES[0]).pump_rate == 0.03


def test_faults_are_drawn_or_given_when_simulated():
    plans = (replace(PLANS[0], gain_drift_uncertainty=0.05, time_offset_uncertainty=0.3), PLANS[1])
    drawn = made(plans=plans).truth.parameters
    assert 0 < abs(drawn["gain_drift[xi]"]) < 0.5
    assert 0 < abs(drawn["time_offset[xi]"]) < 3
    assert made({"gain_drift[xi]": 0.1}, plans=plans).truth.parameters["gain_drift[xi]"] == 0.1
    again = from_tree(datasets.simulate_like(made(plans=plans), seed=seed(5))).truth.parameters
    assert again["time_offset[xi]"] != drawn["time_offset[xi]"]
    known = {"common_time_offset": Known(0.4), "optical_depth": Known(55.0, 2.0)}
    late = from_tree(datasets.simulate_like(made(apparatus=known), seed=seed(5)))
    assert late.truth.parameters["common_time_offset"] == 0.4


def test_all_of_it_is_written_and_read(tmp_path):
    experiment = changed(
        EXPERIMENT, "xi", gain_drift_uncertainty=0.05, offset_drift_uncertainty=0.02, time_offset_uncertainty=0.3
    )
    experiment = replace(experiment, apparatus=experiment.apparatus | {"pump_leak_rate": Known(0.0, 0.02)})
    datasets.save(experiment, tmp_path / "folder")
    assert 'time_offset_uncertainty = "0.3 ms"' in (tmp_path / "folder" / "experiment.toml").read_text()
    found = read(tmp_path / "folder")
    assert found.series[0].errors == experiment.series[0].errors
    assert found.apparatus["pump_leak_rate"] == Known(0.0, 0.02)


def test_hashes_of_what_has_none_of_it_are_as_before():
    xi = EXPERIMENT.series[0]
    before = {f.name: getattr(xi, f.name) for f in fields(xi) if not f.metadata.get("later")}
    assert fingerprint(xi) == fingerprint(before)
    hashes = {
        data_hash(changed(EXPERIMENT, "xi", **{f"{name}_uncertainty": 0.1})) for name in ("gain_drift", "time_offset")
    }
    assert len(hashes | {data_hash(EXPERIMENT)}) == 3


@pytest.mark.parametrize(
    ("series", "errors", "text"),
    [
        ("xi", {"gain_drift_uncertainty": -0.1}, "gain_drift_uncertainty: found -0.1, expected a number ≥ 0"),
        ("xi", {"gain_drift_uncertainty": 0.5}, "gain_drift_uncertainty: found 0.5, expected a fraction, at most 0.2"),
        ("xi", {"time_offset_uncertainty": np.nan}, "time_offset_uncertainty: found nan, expected a number ≥ 0"),
        ("xi", {"time_offset_uncertainty": 300.0}, "found 300 ms, expected less than the run 'main' lasts, 20 ms"),
        ("one", {"offset_drift_uncertainty": 0.1}, "expected 0 for a single point: nothing drifts"),
        (
            "shots",
            {"time_offset_uncertainty": 0.1},
            "time_offset_uncertainty: found 0.1 ms, expected none for shot_noise",
        ),
        (
            "light_variance",
            {"offset_drift_uncertainty": 0.3},
            r"found 0.3, expected at most .* with gamma-single noise: a variance",
        ),
    ],
)
def test_errors_that_cannot_be(series, errors, text):
    plans = (*PLANS, SeriesPlan("xi", [3.0], 0.02, name="one"), SeriesPlan("shot_noise", [1, 2], 3000, name="shots"))
    with pytest.raises(ExperimentError, match=text):
        check_experiment(changed(made(plans=plans), series, **errors))


def test_the_moments_of_the_feedback_have_no_errors_in_common():
    hybrid = read("fig2d-hybrid")
    run = hybrid.records[0].run
    moments = SeriesPlan(
        "feedback", [2.0, 4.0], 99, probe_duration=0.5, mode_rate=0.4, run=run, gain_drift_uncertainty=0.1
    )
    wrong = replace(hybrid, records=(), series=(replace(moments, value=np.tile([2.0, 1.5, 0.3], 2)),))
    with pytest.raises(
        ExperimentError, match=r"gain_drift_uncertainty: found 0.1, expected 0 for feedback: shot_noise"
    ):
        check_experiment(wrong)
