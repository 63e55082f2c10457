"""What could be measured: tables of candidates, their costs, plans as files and folders."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dissentangle.datasets import Experiment, ExperimentError, Known, SeriesPlan, StageEntry, joint, read
from dissentangle.datasets.formats import not_measured, plan_file, read_plan, write_planned
from dissentangle.datasets.kinds import KINDS
from dissentangle.inference import design
from dissentangle.inference.cli import main
from dissentangle.inference.designs.candidate_file import read_candidates, usual_choices
from dissentangle.inference.designs.outcomes import with_plan
from dissentangle.inference.designs.result import planned_experiment
from dissentangle.inference.model import ModelSettings
from dissentangle.inference.text import design_text

TABLE = """
goal = "dGamma"
budget = "2 h"
shot = "20 ms"
[[run]]
name = "thin"
relative_depth = 0.6
[[stage]]
run = "thin"
duration = "10 ms"
drive = true
pump = true
[[candidate]]
kind = "xi"
at = ["1 ms", "20 ms"]
[[candidate]]
kind = "polarization"
run = "thin"
at = ["5 ms", "2 ms", "1 ms"]
sigma = 0.3
delay = false
setting = "thin cell"
change = "30 min"
least = 50
offset_uncertainty = 0.01
[[candidate]]
kind = "projection_noise"
at = ["8 deg", "14 deg"]
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "candidates.toml"
    path.write_text(TABLE)
    return path


def test_a_table_of_candidates(table):
    experiment = read("fig2b-d55")
    angle = experiment.apparatus | {"faraday_angle": Known(14.0)}
    choices, said = read_candidates(table, replace(experiment, apparatus=angle))
    assert said == {"goal": "dGamma", "budget": 7200.0}
    xi, thin, noise = choices.candidates
    assert (xi.series.name, xi.series.scale_uncertainty, len(xi.series.x), xi.free) == ("xi", 0.04, 61, True)
    assert xi.per_shot[[0, -1]] == pytest.approx([0.021, 0.040])
    assert thin.series.x.tolist() == [1.0, 2.0, 5.0]
    assert (thin.series.name, thin.series.offset_uncertainty, thin.free) == ("polarization thin", 0.01, False)
    assert thin.per_shot == pytest.approx(0.02)
    assert (thin.setting, thin.change, thin.fewest) == ("thin cell", 1800.0, 50)
    assert noise.series.about.unit == "deg"
    assert choices.whole.run_depth == {"thin": 0.6}
    assert choices.costs.change == {"": 0.0, "thin cell": 1800.0}
    assert "pump_rate[drive+pump]" not in choices.experiment.apparatus


@pytest.mark.parametrize(
    ("line", "instead", "text"),
    [
        ('kind = "xi"', 'kind = "xj"', r"candidate 1: kind: found 'xj', expected one of"),
        ('at = ["1 ms", "20 ms"]', "", r'candidate 1: at: found None, expected at = \["0 ms"'),
        ('at = ["1 ms", "20 ms"]', 'at = ["1 ms", "20 deg"]', "candidate 1: at: found the unit 'deg'"),
        ('at = ["1 ms", "20 ms"]', 'at = ["1 ms", "20 ms"]\ncost = 3', "candidate 1: key 'cost'.*an unknown key"),
        ('run = "thin"\nat', 'run = "thick"\nat', "candidate 2: run: found 'thick'"),
        ("sigma = 0.3", "", "candidate 2: found polarization .* no single number, expected a line sigma"),
        ('budget = "2 h"', 'budget = "2 kg"', "budget: found the unit 'kg'"),
        ('run = "thin"\nduration', 'run = "main"\nduration', "stage: found the run 'main', which the experiment has"),
        ('kind = "projection_noise"\nat = ["8 deg", "14 deg"]', 'kind = "xi"\nat = ["1 ms", "2 ms"]',
         "two candidates for 'xi', expected one, or a line name"),
        ('kind = "projection_noise"\nat = ["8 deg", "14 deg"]', 'kind = "orientation_beat"\nat = ["1 ms", "2 ms"]',
         "orientation_beat"),
        ('kind = "projection_noise"', 'kind = "projection_noise"', "candidate 3: apparatus: found no faraday_angle"),
        ('at = ["1 ms", "20 ms"]', 'at = ["1 ms", "21 ms"]',
         "candidate 1: time: row 59: found 20.3333, expected a time inside the stages of run 'main', 0 to 20 ms"),
    ],
)  # fmt: skip
def test_what_a_table_cannot_say(table, line, instead, text):
    assert line in TABLE
    table.write_text(TABLE.replace(line, instead))
    with pytest.raises(ExperimentError, match=text):
        read_candidates(table, read("fig2b-d55"))


def test_a_further_run_of_a_joint_experiment_names_its_member(table):
    both = joint({"thick": read("fig2b-d55"), "cold": read("fig2b-d35")})
    kept = TABLE[: TABLE.index("[[candidate]]")].replace('"thin"', '"cold.thin"')
    kept += '[[candidate]]\nkind = "polarization"\nrun = "cold.thin"\nat = ["1 ms", "10 ms"]\nsigma = 0.3\n'
    table.write_text(kept)
    choices, _ = read_candidates(table, both)
    assert choices.experiment.member["cold.thin"] == "cold"
    table.write_text(kept.replace("cold.thin", "thin"))
    with pytest.raises(ExperimentError, match=r"the run 'thin', expected a member .* before it, such as 'thick\.thin'"):
        read_candidates(table, both)


def test_a_table_without_candidates(tmp_path):
    path = tmp_path / "none.toml"
    path.write_text('goal = "dGamma"\n')
    with pytest.raises(ExperimentError, match=r"none.toml: found no candidate, expected tables"):
        read_candidates(path, read("fig2b-d55"))


def test_more_of_the_same_by_default():
    choices = usual_choices(read("fig2b-d55"))
    xi, polarization, transverse_spin = choices.candidates
    assert xi.counts
    assert polarization.series.spread[0] == pytest.approx(0.005 * 3000**0.5)
    assert transverse_spin.spread(np.full(60, 3000.0)) == pytest.approx(0.01)
    assert [len(c.series.x) for c in choices.candidates] == [61, 60, 60]  # P and Jy are 1 at t = 0 by definition
    with pytest.raises(ExperimentError, match="found no series to measure more of"):
        usual_choices(read("krauter2011-hybrid"))


def test_the_noise_of_a_shot_is_that_of_many_over_their_root():
    xi = usual_choices(read("fig2b-d55")).candidates[0]
    assert xi.sigma(np.array([0.9]))[0] / 100 == pytest.approx(0.9 / (10001 - 1) ** 0.5)


def test_planned_points_stand_among_the_measured_ones():
    experiment = read("fig2b-d55")
    choices = usual_choices(experiment).at([np.array([3.1, 9.9]), np.empty(0), np.array([7.7])])
    whole, new = with_plan(choices, np.array([100, 200, 300]))
    xi = next(series for series in whole.series if series.name == "xi")
    assert (np.diff(xi.x) >= 0).all()
    assert xi.x[new["xi"]].tolist() == [3.1, 9.9]
    assert xi.spread[new["xi"]].tolist() == [101, 201]
    assert np.isnan(xi.value[new["xi"]]).all()
    assert xi.value[~new["xi"]].tolist() == experiment.series[0].value.tolist()
    assert new["transverse_spin"].sum() == 1


@pytest.mark.slow
def test_a_plan_becomes_a_folder_that_can_be_fitted_when_it_is_filled_in(tmp_path):
    known = {"pure_dephasing_rate": "lognormal(0.12, 0.1)"}
    source = read("fig2b-d55")
    source = replace(source, series=tuple(replace(one, note=f"{one.name}: found commas") for one in source.series))
    found = design(source, goal="dGamma", budget="1 min", refits=0, candidates=usual_choices(source).at(
        [np.array([0.0, 5.0]), np.empty(0), np.array([4.0])]), priors=known, closure="microscopic")  # fmt: skip
    path = tmp_path / "plan.toml"
    path.write_bytes(plan_file(found.planned, "two lines\nof text"))
    assert path.read_text().startswith("# two lines\n# of text\nformat_version = 1\n")
    files = write_planned(tmp_path / "next", path)
    assert {file.name for file in files} == {p.kind + ".csv" for p in found.points} | {
        "experiment.toml", "experiment.schema.json"}  # fmt: skip
    with pytest.raises(ExperimentError, match="without a value, expected a value in one row of one table at least"):
        read(tmp_path / "next")
    first = tmp_path / "next" / "xi.csv"
    first.write_text(first.read_text().replace(",,", ",0.9,", 1))
    begun = read(tmp_path / "next")
    assert [(one.kind, len(one.x)) for one in begun.series] == [("xi", 1)]
    assert len(not_measured(begun)) == len({p.kind for p in found.points} - {"xi"}) + (len(
        [p for p in found.points if p.kind == "xi"]) > 1)  # fmt: skip
    for file in (tmp_path / "next").glob("*.csv"):
        file.write_text(file.read_text().replace(",,", ",0.9,"))
    again = read(tmp_path / "next")
    assert not again.simulated
    assert not any(series.note for series in again.series)  # of the files that were measured
    assert again.apparatus == source.apparatus
    shots = [p.shots for p in found.points if p.kind == "xi"]
    assert next(s for s in again.series if s.kind == "xi").spread.tolist() == [n + 1 for n in shots]
    with pytest.raises(ExperimentError, match="already exists"):
        write_planned(tmp_path / "next", path)


def test_the_figure_has_a_panel_for_each_abscissa_and_the_text_says_what_changes_of_settings_take(table):
    """Delays and angles."""
    experiment = read("fig2b-d55")
    experiment = replace(experiment, series=(), apparatus=experiment.apparatus | {"faraday_angle": Known(14.0)})
    choices, _ = read_candidates(table, experiment)
    found = design(experiment, candidates=choices, goal="everything", budget="2 h", refits=0)
    panels = [axis for axis in found.plot().axes if axis.get_xlabel()]
    assert [axis.get_xlabel() for axis in panels] == ["t (ms)", KINDS["projection_noise"].abscissa_label]
    assert all(axis.get_legend() for axis in panels)
    first, *others = found.points
    changed = replace(found, points=(replace(first, setting="thin cell"), *others), budget=found.seconds + 1800.0)
    assert "Changes of settings take 30 min of the time." in design_text(changed)
    assert "Changes of settings" not in design_text(replace(changed, budget=found.seconds))


def test_what_is_no_plan(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('title = "x"\n')
    with pytest.raises(ExperimentError, match="no series, expected a plan that `dissentangle design -o` wrote"):
        write_planned(tmp_path / "next", path)
    path.write_text('[[series]]\nkind = "xi"\nfile = "../xi.csv"\nnoise = "gamma"\npoints = [[1.0, 100.0]]\n')
    with pytest.raises(ExperimentError, match=r"series 1: points: found .*, expected \[\[abscissa, repetitions"):
        write_planned(tmp_path / "next", path)
    record = '[[series]]\nkind = "record"\nfile = "r.h5"\ninterval = "0.1 ms"\npoints = [[2.0, 10]]\n'
    for points in ("[[2.0]]", "[[2.0, 10], [3.0, 10]]", "[[2.0, 10.5]]", "[[2.0, 0]]", '[["2 ms", 10]]', "3"):
        path.write_text(record.replace("[[2.0, 10]]", points))
        with pytest.raises(
            ExperimentError, match=r"series 1: points: found .*, expected \[\[duration in ms, records\]\]"
        ):
            read_plan(path)


def test_a_table_of_a_plan_has_its_repetitions_as_they_are_written(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('[[series]]\nkind = "xi"\nfile = "xi.csv"\nnoise = "gamma"\npoints = [[8.6, 2172410.0]]\n')
    write_planned(tmp_path / "next", path)
    assert (tmp_path / "next" / "xi.csv").read_text() == "time,value,repetitions\n8.6,,2172410\n"


def test_a_plan_has_priors_of_what_is_in_it(tmp_path):
    """Those of a series or a run in which nothing is planned would be an error in its folder."""
    stages = [
        StageEntry(10.0, frozenset(lights), run) for run, lights in (("main", ["drive"]), ("on", ["drive", "pump"]))
    ]
    series = [SeriesPlan(kind, np.array([1.0, 5.0]), 0.01, "gaussian", scale_uncertainty=0.1, run=run)
              for kind, run in (("xi", "main"), ("polarization", "on"))]  # fmt: skip
    said = {"scale[xi]": "normal(1, 0.02)", "light_loss_rate": "lognormal(0.02, 1)"}
    gone = {"scale[polarization]": "normal(1, 0.02)", "pump_rate": "lognormal(0.1, 1)",
            "pure_dephasing_rate[drive+pump]": "lognormal(0.1, 1)"}  # fmt: skip
    given = Experiment("two runs", simulated=True, stages=tuple(stages), series=tuple(series), priors=said | gone)
    new = {"xi": np.ones(2, bool)}
    assert planned_experiment(given, given, new, ModelSettings()).priors == said


@pytest.fixture
def folder(tmp_path):
    """Of an experiment in which nothing was measured."""
    found = tmp_path / "run"
    found.mkdir()
    (found / "experiment.toml").write_text(
        'format_version = 1\ntitle = "t"\nsimulated = false\n[[stage]]\nduration = "20 ms"\ndrive = true\n'
    )
    return found


def test_a_plan_is_written_before_its_refits_and_again_with_what_they_obtain(tmp_path, folder, monkeypatch, capsys):
    plan, before = tmp_path / "plan.toml", []

    def refitted(state, choices, shots, draws, labels, seed, cores, progress):
        before.append((capsys.readouterr().out, plan.read_text()))
        progress(len(draws), 0, len(draws))
        return {label: np.full(len(draws), 5.0) for label in labels}

    monkeypatch.setattr("dissentangle.inference.designs.planner.refitted", refitted)
    words = ["design", str(folder), "--closure", "microscopic", "--goal", "dGamma", "--refits", "3", "-o", str(plan)]
    assert main(words) == 0
    (said, first), after = before[0], capsys.readouterr()
    assert said.index("The plan") < said.index("What is expected") < said.index(f"written: {plan}")
    assert "simulated outcomes" not in said + first
    assert "3 of 3 simulated outcomes fitted" in after.err
    assert after.out.startswith("\ndΓ: sd ")
    assert "5 expected after" in after.out
    assert "3 simulated outcomes were fitted; the refits differ by more than 15 % for dΓ" in after.out
    assert "The plan" not in after.out
    assert "# 3 simulated outcomes were fitted" in plan.read_text()
    assert read_plan(plan).series


def test_the_verb(tmp_path, folder, capsys):
    common = ["design", str(folder), "--closure", "microscopic", "--refits", "0", "--goal", "dGamma"]
    plan, figure = str(tmp_path / "plan.toml"), str(tmp_path / "gain.png")
    assert main([*common, "--budget", "1 h", "-o", plan, "--figure", figure]) == 0
    said = capsys.readouterr().out
    assert "dΓ: sd" in said
    assert f"written: {plan}" in said
    assert main([*common, "--target", "1e-9", "--json", "-q"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["possible"] is False
    assert facts["limit"]["words"].startswith("limited by")
    assert main(["init", str(tmp_path / "next"), "--plan", plan]) == 0
    assert main(["simulate", plan, "-o", str(tmp_path / "rehearsal"), "--set", "collective_rate=0.12"]) == 0
    rehearsed, planned = read(tmp_path / "rehearsal"), read_plan(plan)
    assert rehearsed.truth.parameters["collective_rate"] == 0.12
    for made, meant in zip(rehearsed.series, planned.series, strict=True):
        assert (made.x.tolist(), made.spread.tolist()) == (meant.x.tolist(), meant.spread.tolist())
        assert np.isnan(meant.value).all()
    assert (tmp_path / "next" / "experiment.toml").is_file()
    assert main([*common, "-o", str(tmp_path / "plan.csv")]) == 2
    assert "output must end in .toml" in capsys.readouterr().err
