"""Experiments put together: names, what they share, and what cannot be shared."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, Known, joint, read, read_sharing
from dissentangle.datasets.experiment import APPARATUS
from dissentangle.datasets.experiment.check import check_experiment
from dissentangle.datasets.experiment.joint import with_members
from dissentangle.datasets.formats.calibration import CalibrationFile, Coupling, with_calibration

A, B = read("fig2b-d55"), read("fig2b-d35")


def test_names_of_runs_and_series_tell_the_member():
    both = joint({"a": A, "b": B})
    assert both.runs == ["a", "b"]
    assert both.members == ["a", "b"]
    assert [s.name for s in both.series][:3] == ["a.xi", "a.polarization", "a.transverse_spin"]
    assert both.known("optical_depth", "a").value == 55
    assert both.known("optical_depth", "b").value == 35
    assert both.known("squeezing_limit", "a") == A.apparatus["squeezing_limit"]
    assert both.simulated


def test_the_title_names_some_of_many_experiments():
    named = joint({f"m{k}": read("fig2b-d55") for k in range(9)}).title
    assert named == "joint: m0, m1, m2, m3, m4, m5 and 3 more"


def test_truth_is_that_of_the_joint_parameters():
    truth = joint({"a": A, "b": B}).truth.parameters
    assert truth["collective_rate[a]"] == 0.11
    assert truth["collective_rate[b]"] == 0.07
    assert truth["collision_rate"] == 0.002
    assert truth["scale[a.xi]"] == A.truth.parameters["scale[xi]"]


def test_round_trip_in_a_file_and_not_in_a_folder(tmp_path):
    both = joint({"a": A, "b": B}, {"collision_rate": "population"})
    tree = datasets.to_tree(both)
    datasets.save(tree, tmp_path / "both.nc")
    assert datasets.load(tmp_path / "both.nc").identical(tree)
    assert read(tree).sharing == both.sharing
    with pytest.raises(ExperimentError, match=r"found a joint experiment, expected the name of a \.nc file"):
        datasets.save(tree, tmp_path / "both")


def test_experiments_with_runs_of_their_own():
    published = read("krauter2011-published")
    both = joint({"paper": published, "a": A}, {"squeezing_limit": "separate", "detection_efficiency": "separate"})
    assert {both.member[run] for run in both.runs if run.startswith("paper")} == {"paper"}
    assert len(both.runs) == len(published.runs) + 1
    shared = {o.shared_scale for o in both.observations} - {""}
    assert all(name.startswith("paper.") for name in shared)


def test_members_of_a_population():
    values = {
        "collision_rate": np.array([0.002, 0.004]),
        "population_spread[collision_rate]": 0.5,
        "population_score[collision_rate[a]]": np.array([1.0, -2.0]),
        "pump_rate[drive+pump]": 0.2,
        "population_spread[pump_rate[drive+pump]]": 0.1,
        "population_score[pump_rate[b: drive+pump]]": 2.0,
    }
    found = with_members(joint({"a": A, "b": B}, {"collision_rate": "population"}), values)
    np.testing.assert_allclose(found["collision_rate[a]"], [0.002 * np.exp(0.5), 0.004 * np.exp(-1.0)])
    assert found["pump_rate[b: drive+pump]"] == pytest.approx(0.2 * np.exp(0.2))


@pytest.mark.parametrize(
    ("names", "sharing", "message"),
    [
        (("a",), {}, r"joint fit: found 1 experiment, expected several"),
        (("a/b", "c"), {}, r"joint fit: name: found 'a/b', expected a name without"),
        (("drive", "c"), {}, r"joint fit: name: found 'drive', expected a name that is no kind of stage"),
        (("a", "b"), {"colision_rate": "shared"}, r"found 'colision_rate' \(did you mean 'collision_rate'\?\)"),
        (("a", "b"), {"collision_rate": "both"}, r"sharing: collision_rate: found 'both', expected one of shared, sep"),
        (("a", "b"), {"scale[xi]": "shared"}, r"sharing: scale\[xi\]: found an error of one series, expected a param"),
        (("a", "b"), {"collision_rate": 1}, r"sharing: collision_rate: found 1, expected one of"),
        (("a", "b"), {"collision_rate": "tied"}, r"only optical_depth is tied"),
        (("a", "b"), {"squeezing_limit": "population"}, r"its logarithm has no population"),
        (
            ("a", "b"),
            {"temperature": "population"},
            r"temperature: found 'population', expected .*apparatus\] gives",
        ),
        (("a", "b"), {"drive_power": "population"}, r"drive_power: found 'population', expected shared or separate"),
        (
            ("a", "b"),
            {"drive_detuning": "separate"},
            r"sharing: drive_detuning: found 'separate', expected a line for radiative_rate, which depends on it",
        ),
        (("a", "b"), {"drive_power": "separate"}, r"sharing: drive_power: found 'separate', expected a line for radia"),
        (("a", "b"), {"collective_rate": "shared"}, r"found 'shared', expected optical_depth = \"shared\", too, since"),
        (("a", "b"), {"optical_depth": "tied"}, r"a: apparatus: found no faraday_angle, expected one"),
    ],
)
def test_what_cannot_be_joined(names, sharing, message):
    with pytest.raises(ExperimentError, match=message):
        joint(dict(zip(names, (A, B), strict=False)), sharing)


def test_contradictions_are_errors():
    other = replace(B, apparatus=B.apparatus | {"squeezing_limit": Known(0.2, 0.005)})
    with pytest.raises(
        ExperimentError, match=r"squeezing_limit: found 0.16 ± 0.005 in a, 0.2 ± 0.005 in b, expected one"
    ):
        joint({"a": A, "b": other})
    assert joint({"a": A, "b": other}, {"squeezing_limit": "separate"}).known("squeezing_limit", "b").value == 0.2
    first, second = (replace(e, priors={"collision_rate": f"fixed({v})"}) for e, v in ((A, 0.002), (B, 0.003)))
    with pytest.raises(ExperimentError, match=r"prior: collision_rate: found fixed\(0.002\), and fixed\(0.003\) in b"):
        joint({"a": first, "b": second})
    with pytest.raises(ExperimentError, match=r"c: found a joint experiment, expected a single one"):
        joint({"c": joint({"a": A, "b": B}), "b": B})


STATEABLE = [name for name in APPARATUS if name != "depth_per_degree"]


@pytest.mark.parametrize("name", STATEABLE)
def test_what_the_apparatus_says_of_a_shared_parameter_holds_or_is_refused(name):
    """Every entry: the same statement is that of the joint experiment, another one an error."""
    said, other = Known(0.5, 0.03), Known(0.6, 0.03)
    a, b, c = (replace(e, apparatus={name: known}) for e, known in ((A, said), (B, said), (B, other)))
    assert joint({"a": a, "b": b}, {name: "shared"}).known(name) == said
    with pytest.raises(ExperimentError, match=rf"apparatus: {name}: found 0.5 ± 0.03 in a, 0.6 ± 0.03 in c"):
        joint({"a": a, "c": c}, {name: "shared"})
    assert joint({"a": a, "c": c}, {"radiative_rate": "separate", name: "separate"}).known(name, "c") == other


def test_a_shared_depth_by_the_faraday_angle():
    """d = 4 Θ where only Θ is known: of one d there is one Θ, unless a file states d itself."""
    a, b, c = (replace(e, apparatus={"faraday_angle": Known(v, 0.1)}) for e, v in ((A, 14.0), (B, 14.0), (B, 9.0)))
    assert joint({"a": a, "b": b}, {"optical_depth": "shared"}).known("faraday_angle") == Known(14.0, 0.1)
    message = r'faraday_angle: found 14 ± 0.1 in a, 9 ± 0.1 in c, expected one value, or optical_depth = "separate"'
    for way in ("shared", "population"):
        with pytest.raises(ExperimentError, match=message):
            joint({"a": a, "c": c}, {"optical_depth": way})
    depth = replace(A, apparatus=a.apparatus | {"optical_depth": Known(55.0, 3.0)})
    assert joint({"a": depth, "c": c}, {"optical_depth": "shared"}).known("optical_depth") == Known(55.0, 3.0)


def test_a_measurement_counts_once():
    """Copies in two members or two runs are refused; what is not fitted, few values and simulated ones may agree."""
    a, b = (replace(e, simulated=False, truth=None) for e in (A, B))
    again = r"joint fit: series 'b.xi': found the values of 'a.xi' again, expected each measurement once, or it counts"
    with pytest.raises(ExperimentError, match=again):
        joint({"a": a, "b": replace(b, series=a.series)})
    copied = replace(a, series=(*a.series, replace(a.series[0], name="second")))
    with pytest.raises(ExperimentError, match=r"experiment: series 'second': found the values of 'xi' again"):
        check_experiment(copied)
    hybrid = replace(read("fig2d-hybrid"), simulated=False, truth=None)
    record = replace(hybrid.records[0], simulated=False)
    with pytest.raises(ExperimentError, match=r"series 'two': found the values of '.*' again"):
        check_experiment(replace(hybrid, records=(record, replace(record, name="two"))))
    first = a.series[0]
    half = np.arange(len(first.x)) % 2 == 0
    two_digits = replace(first, value=np.round(first.value, 1))
    for one, other in (
        (first, replace(first, spread=first.spread + 1)),
        (replace(first, excluded=half), replace(first, excluded=~half)),
        (first, replace(first, excluded=np.ones(len(first.x), bool))),
        (two_digits, two_digits),
    ):
        joint({"a": replace(a, series=(one,)), "b": replace(b, series=(other, b.series[1]))})
    joint({"a": A, "b": replace(B, series=A.series)})


def test_rows_and_records_count_once():
    """A file joined to itself, and a record that is there twice, in a series or in two."""
    a = replace(A, simulated=False, truth=None)
    first = a.series[0]
    twice, order = np.tile(np.arange(len(first.x)), 2), np.repeat(np.arange(len(first.x)), 2)

    def taken(rows, **more):
        columns = {name: getattr(first, name)[rows] for name in ("x", "value", "spread")}
        return replace(a, series=(replace(first, **columns | more),))

    for rows in (twice, order):
        message = r"series 'xi': found 30 repeated rows, the first at [\d.]+, expected each measurement"
        with pytest.raises(ExperimentError, match=message):
            check_experiment(taken(np.sort(rows)))
    few = np.sort(np.append(np.arange(len(first.x)), np.arange(7)))
    check_experiment(taken(few))
    check_experiment(taken(order, excluded=np.arange(len(order)) % 2 == 0))
    check_experiment(taken(order, value=first.value[order] + 1e-6 * np.arange(len(order))))
    hybrid = replace(read("fig2d-hybrid"), simulated=False, truth=None)
    record = replace(hybrid.records[0], simulated=False)
    copied = record.samples.copy()
    copied[:, 5] = copied[:, 2]
    message = (
        r"series 'record-coherent': found record 6, a copy of record 3, expected each record once, or it counts twice"
    )
    with pytest.raises(ExperimentError, match=message):
        check_experiment(replace(hybrid, records=(replace(record, samples=copied),)))
    excluded = np.arange(copied.shape[1]) == 5
    check_experiment(replace(hybrid, records=(replace(record, samples=copied, excluded=excluded),)))
    overlapping = replace(record, name="two", samples=record.samples[:, 3:5])
    with pytest.raises(ExperimentError, match=r"series 'two': found the values of 'record-coherent' again"):
        check_experiment(replace(hybrid, records=(record, overlapping)))


def test_sharing_from_a_file(tmp_path):
    file = tmp_path / "joint.toml"
    file.write_text('[sharing]\ncollision_rate = "population"\n')
    assert read_sharing(file) == {"collision_rate": "population"}
    for text, message in (
        ("[sharing", r"joint.toml: found invalid TOML"),
        ("[shared]\n", r"joint.toml: key 'shared' \(did you mean 'sharing'\?\)"),
        ("", r"joint.toml: found no table \[sharing\], expected one"),
        ('[sharing]\nxi = "shared"\n', r"joint.toml: found 'xi'"),
    ):
        file.write_text(text)
        with pytest.raises(ExperimentError, match=message):
            read_sharing(file)


def test_members_share_one_calibration():
    priors = {"initial_n3": "lognormal(0.01, 0.1)"}
    calibration = CalibrationFile("c", True, priors, tuple(priors), np.eye(1))
    calibrated = [with_calibration(e, calibration) for e in (A, B)]
    assert joint(dict(zip("ab", calibrated, strict=True))).calibrated == priors
    angled = [replace(e, apparatus=e.apparatus | {"faraday_angle": Known(14.0)}) for e in (A, B)]
    measured = replace(calibration, coupling=(Coupling(14.0, 1.0, 0.58, 0.004), Coupling(14.0, 2.0, 0.9, 0.004)))
    names = [
        s.name for s in joint(dict(zip("ab", (with_calibration(e, measured) for e in angled), strict=True))).series
    ]
    assert [name for name in names if "calibrated" in name] == ["a.calibrated_coupling", "a.calibrated_coupling_2"]
    with pytest.raises(
        ExperimentError, match=r"b: calibration: found not the one of a \(none\), expected the same for all"
    ):
        joint({"a": calibrated[0], "b": B})


def test_runs_of_two_members_cannot_have_one_name():
    several = replace(A, stages=(*A.stages, replace(A.stages[0], run="b")))
    with pytest.raises(ExperimentError, match=r"joint fit: name: found 'a.b' for two runs, expected names without"):
        joint({"a": several, "a.b": B})
    with pytest.raises(ExperimentError, match=r"joint fit: name: found 1, expected a text"):
        joint({1: A, 2: B})
    with pytest.raises(ExperimentError, match=r"joint fit: found list, expected a dict name → experiment"):
        joint([A, B])
