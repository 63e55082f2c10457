"""Records of the light as candidates of a design: their information, plans of them, what they cannot be part of."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle.datasets import ExperimentError, RecordSeries, joint, read
from dissentangle.datasets.formats import plan_file, read_plan, write_planned
from dissentangle.inference import design
from dissentangle.inference.checks import record_jacobian
from dissentangle.inference.cli import main
from dissentangle.inference.designs import Choices, RecordCandidate, outcomes
from dissentangle.inference.designs.candidate_file import read_candidates, usual_choices
from dissentangle.inference.designs.candidates import is_planned
from dissentangle.inference.designs.limits import unidentifiable
from dissentangle.inference.designs.linearised import state_of
from dissentangle.inference.designs.outcomes import with_plan
from dissentangle.inference.model import ModelSettings, Problem
from dissentangle.inference.text import design_text

from ...seeds import seed

TABLE = """
shot = "20 ms"
[[candidate]]
kind = "record"
run = "coherent"
at = ["6 ms", "2 ms"]
start = "1 ms"
interval = "0.1 ms"
least = 50
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "candidates.toml"
    path.write_text(TABLE)
    return path


@pytest.fixture(scope="module")
def bare():
    """The run of records from a coherent state, before anything is measured."""
    source = read("fig2d-hybrid")
    stages = tuple(stage for stage in source.stages if stage.run == "coherent")
    known = {"initial_xi[coherent]": source.priors["initial_xi[coherent]"]}
    constant = {"coherent": source.constant["coherent"]}
    return replace(source, records=(), truth=None, stages=stages, priors=known, constant=constant)


def planned(source, path, **given):
    choices, _ = read_candidates(path, source)
    return design(source, candidates=choices, goal="swap_rate", budget="1 min", **({"refits": 0} | given))


def test_a_table_of_records(table, bare):
    choices, _ = read_candidates(table, bare)
    [one] = choices.records
    assert (one.record.name, one.record.run, one.fewest) == ("next-record", "coherent", 50)
    assert one.x.tolist() == pytest.approx([2.0, 6.0])
    assert one.per_shot == pytest.approx([0.023, 0.027])
    assert choices.whole.records[-1].length == 60
    assert choices.x.tolist() == one.x.tolist()


@pytest.mark.parametrize(
    ("line", "instead", "text"),
    [
        ('interval = "0.1 ms"', "", "candidate 1: interval: found None, expected the duration of a bin"),
        ('at = ["6 ms", "2 ms"]', "", r'candidate 1: at: found None, expected at = \["5 ms", "20 ms"\]'),
        ('at = ["6 ms", "2 ms"]', 'at = ["6 ms", "0.2 ms"]', "expected different durations of 4 bins or more"),
        ('at = ["6 ms", "2 ms"]', 'at = ["6 ms", "14 ms"]', "expected a record inside the run 'coherent', 0 to 12 ms"),
        ('run = "coherent"', 'run = "other"', "candidate 1: run: found 'other'"),
        ("least = 50", "sigma = 1.0", "candidate 1: key 'sigma'.*an unknown key"),
    ],
)
def test_what_a_table_of_records_cannot_say(table, bare, line, instead, text):
    table.write_text(TABLE.replace(line, instead))
    with pytest.raises(ExperimentError, match=text):
        read_candidates(table, bare)


def test_records_of_which_there_are_some_are_candidates_up_to_the_end_of_their_run():
    choices = usual_choices(read("fig2d-hybrid"))
    assert [c.record.run for c in choices.records] == ["coherent", "noisy"]
    assert choices.records[0].x == pytest.approx([0.7, 1.5, 3.0, 6.0, 12.0])
    assert not choices.candidates


def test_the_information_of_a_record_is_that_of_many_over_their_number_and_grows_with_its_duration(table, bare):
    [one] = read_candidates(table, bare)[0].records
    problem = Problem(replace(bare, records=(one.planned(6.0),)), ModelSettings())
    centre = np.zeros(len(problem.free))

    def information(duration, number):
        jacobian = record_jacobian(problem, one.planned(duration), centre, problem.experiment, number)
        return jacobian.T @ jacobian

    assert information(6.0, 300.0) == pytest.approx(300 * information(6.0, 1.0), rel=1e-6, abs=1e-3)
    assert np.trace(information(2.0, 1.0)) < np.trace(information(6.0, 1.0))


def test_so_many_records_are_planned_that_a_fit_has_the_information_of_their_shots(table, bare):
    """The mean of all is subtracted: of two records, one is left."""
    choices = read_candidates(table, bare)[0].at([np.array([6.0])])
    [record] = with_plan(choices, np.array([2]))[0].records
    ones = np.random.default_rng(seed(1)).standard_normal(record.samples.shape).astype(np.float32)
    record, problem = replace(record, samples=ones), Problem(choices.whole, ModelSettings())
    centre = np.zeros(len(problem.free))
    fitted, shots = (record_jacobian(problem, record, centre, problem.experiment, n) for n in (0.0, 2.0))
    assert np.trace(fitted.T @ fitted) == pytest.approx(np.trace(shots.T @ shots), rel=1e-6)


def test_a_plan_of_records_becomes_a_file_and_is_simulated(table, bare, tmp_path, capsys):
    found = planned(bare, table)
    assert {p.kind for p in found.points} == {"record"}
    assert found.of("swap_rate[drive+pump+repump]").after < found.of("swap_rate[drive+pump+repump]").before
    assert all(p.shots >= 50 for p in found.points)
    assert sum(p.seconds for p in found.points) <= 60.0
    assert "next-record  coherent  6 ms" in design_text(found)
    assert found.plot().axes[0].get_xlabel() == "duration of a record (ms)"
    path = tmp_path / "plan.toml"
    path.write_bytes(plan_file(found.planned, "text"))
    assert {file.name for file in write_planned(tmp_path / "next", path)} == {
        "experiment.toml",
        "experiment.schema.json",
    }
    again = read_plan(path)
    assert [(r.run, r.start, r.interval, r.repetitions) for r in again.records] == [
        ("coherent", 1.0, 0.1, p.shots + 1) for p in found.points]  # fmt: skip
    assert all(is_planned(record) for record in again.records)
    lights = "[drive+pump+repump]"
    rates = {f"swap_rate{lights}": 0.12, f"extra_decay_rate{lights}": 0.15, f"bath_noise{lights}": 1.8}
    rates |= {"initial_xi[coherent]": 1.0}
    sets = [word for name, value in rates.items() for word in ("--set", f"{name}={value}")]
    assert main(["simulate", str(path), "-o", str(tmp_path / "rehearsal"), *sets]) == 0, capsys.readouterr().err
    [record] = read(tmp_path / "rehearsal").records
    assert (record.repetitions, record.length) == (found.points[0].shots + 1, 60)


def test_two_models_cannot_be_told_apart_by_records(table, bare):
    with pytest.raises(ExperimentError, match="with records of the light as candidates, expected a goal of one model"):
        design(bare, candidates=table, goal="microscopic vs fixed-number", refits=0)


def test_too_many_records_are_not_simulated(table, bare, monkeypatch):
    monkeypatch.setattr(outcomes, "MOST_SAMPLES", 100)
    found = planned(bare, table, refits=3)
    assert all(not len(one.refits) for one in found.expectations)
    assert "Not verified by refits: the plan has more samples of records than" in design_text(found)


def test_outcomes_are_simulated_one_at_a_time(table, bare, monkeypatch):
    """All of them would fill the memory: 50 of 5·10⁷ samples are 10 GB."""
    choices = read_candidates(table, bare)[0].at([np.array([2.0])])
    problem = Problem(choices.whole, ModelSettings())
    state, done = state_of(problem, {}, seed=seed(1)), []
    monkeypatch.setattr(outcomes, "simulated_like", lambda record, *given: done.append("simulated") or record)
    monkeypatch.setattr(outcomes, "sample_posterior", lambda *given: done.append("fitted"))
    monkeypatch.setattr(outcomes, "deviations", lambda fit, labels: {})
    outcomes.refitted(state, choices, np.array([60]), state.draws[:3], [], 1)
    assert done == ["simulated", "fitted"] * 3


def test_records_beside_series_do_not_hide_what_the_series_tell():
    """Differences of records are less accurate: what one shot of ξ tells of s is less than their error."""
    source = read("fig2b-d55")
    light = read("fig2d-dissipation")
    stages = source.stages + tuple(stage for stage in light.stages if stage.run == "coherent")
    both = replace(source, stages=stages, constant={"coherent": light.constant["coherent"]}, simulated=True)
    series = usual_choices(source).candidates
    record = RecordCandidate(
        RecordSeries("light", np.zeros((2, 1, 2), np.float32), 0.1, run="coherent"), np.array([6.0])
    )
    found = []
    for experiment, records in ((source, ()), (both, (record,))):
        choices = Choices(experiment, series, records=records)
        state = state_of(Problem(choices.whole, ModelSettings()), {}, seed=seed(1))
        found.append({label for one in unidentifiable(state, choices) for label in one.parts})
    assert found[0] == set()
    assert found[1].isdisjoint(p.label for p in Problem(source, ModelSettings()).free)


def test_records_of_a_member_are_planned_under_its_name():
    choices = usual_choices(joint({"a": read("fig2d-hybrid"), "b": read("fig2b-d55")}))
    assert [c.record.name for c in choices.records] == ["a.next-record-coherent", "a.next-record-noisy"]


@pytest.mark.slow
def test_refits_with_records_obtain_what_is_predicted():
    """Eight sds, each known to some 5 %, of outcomes that scatter by about 10 %."""
    found = design("fig2d-hybrid", goal="swap_rate", budget="10 s", refits=8, seed=seed(1))
    one = found.of(found.label)
    assert one.after < 0.8 * one.before
    assert one.ratio == pytest.approx(1.0, abs=0.25)
