"""The calibration file: read as written, edited by hand, and what a wrong one says."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, read
from dissentangle.datasets.formats.calibration import (
    CalibrationFile,
    Coupling,
    fingerprint_of,
    read_calibration,
    with_calibration,
    write_calibration,
)

PRIORS = {"initial_n3": "lognormal(0.01, 0.1)", "quadratic_zeeman": "normal(0.0226, 0.001)"}
CALIBRATION = CalibrationFile(
    "simulated: a",
    True,
    PRIORS,
    tuple(PRIORS),
    np.array([[1.0, -0.6], [-0.6, 1.0]]),
    (Coupling(14.0, 1.0, 0.58, 0.004),),
)
TEXT = """\
calibration_version = 1
title = "a"
simulated = true
[prior]
initial_n3 = "lognormal(0.01, 0.1)"
classical_noise = "normal(0, 0.01)"
[correlation]
labels = ["initial_n3", "classical_noise"]
matrix = [[1, 0.5], [0.5, 1]]
[[coupling]]
faraday_angle = "14 deg"
probe_duration = "1 ms"
value = 0.58
sigma = 0.004
"""


def test_round_trip(tmp_path):
    write_calibration(CALIBRATION, tmp_path / "c.toml")
    again = read_calibration(tmp_path / "c.toml")
    np.testing.assert_array_equal(again.correlation, CALIBRATION.correlation)
    assert (again.priors, again.labels, again.coupling) == (PRIORS, tuple(PRIORS), CALIBRATION.coupling)


def test_an_experiment_takes_it(tmp_path):
    datasets.save(datasets.load("laboratory-d55"), tmp_path / "run")
    (tmp_path / "run" / "c.toml").write_text(TEXT)
    toml = tmp_path / "run" / "experiment.toml"
    toml.write_text('calibration = "c.toml"\n' + toml.read_text())
    experiment = read(tmp_path / "run")
    assert experiment.correlated == ("initial_n3", "classical_noise")
    last = experiment.series[-1]
    assert (last.name, last.kind, last.value[0], last.probe_duration) == ("calibrated_coupling", "coupling", 0.58, 1.0)
    datasets.save(experiment, tmp_path / "again")
    assert datasets.load(tmp_path / "again").identical(datasets.load(tmp_path / "run"))
    datasets.save(experiment, tmp_path / "again.nc")
    assert datasets.load(tmp_path / "again.nc").identical(datasets.load(tmp_path / "run"))
    toml.write_text(toml.read_text().replace("c.toml", "../c.toml"))
    with pytest.raises(ExperimentError, match=r"calibration: found '../c.toml', expected a file inside the folder"):
        read(tmp_path / "run")


def test_a_calibration_by_simulated_runs_is_for_simulated_experiments():
    measured = datasets.Experiment("m", False, (datasets.StageEntry(1.0, frozenset()),))
    message = r"calibration: found a calibration by simulated runs \('simulated: a'\), expected one made from measured"
    with pytest.raises(ExperimentError, match=message):
        with_calibration(measured, CALIBRATION)
    assert not with_calibration(measured, replace(CALIBRATION, simulated=False)).simulated
    simulated = replace(measured, simulated=True)
    assert with_calibration(simulated, CALIBRATION).simulated
    assert with_calibration(simulated, replace(CALIBRATION, simulated=False)).simulated


def test_the_runs_from_which_it_was_made_are_not_fitted_beside_it(tmp_path):
    """Renamed, in another order, with a point excluded: they are the same. Without its runs an experiment takes it."""
    laboratory = datasets.load("laboratory-d55")
    experiment = read(laboratory)
    runs = [s for s in experiment.series if s.about.calibration]
    made = replace(CALIBRATION, made_from=tuple(fingerprint_of(s) for s in runs))
    write_calibration(made, tmp_path / "c.toml")
    assert read_calibration(tmp_path / "c.toml").made_from == made.made_from
    words = "found a calibration made from the series '{}' of the experiment, expected each measurement once, or it"
    for run in runs:
        turned = replace(run, name="again", x=run.x[::-1], value=run.value[::-1], spread=run.spread[::-1],
                         component=None if run.component is None else run.component[::-1],
                         excluded=np.arange(len(run.x)) == 0)  # fmt: skip
        with pytest.raises(ExperimentError, match=words.format("again")):
            with_calibration(replace(experiment, series=(turned,)), made)
        none = replace(run, excluded=np.ones(len(run.x), bool))
        other = replace(run, value=1.001 * run.value)
        with_calibration(replace(experiment, series=(none, replace(other, name="other"))), made)
    without = replace(experiment, series=tuple(s for s in experiment.series if not s.about.calibration))
    assert with_calibration(without, made).calibrated == PRIORS
    older = replace(CALIBRATION, title=f"calibration of {experiment.title}")
    with pytest.raises(ExperimentError, match=words.format("coupling")):
        with_calibration(experiment, older)
    with_calibration(without, older)
    datasets.save(laboratory, tmp_path / "run")
    (tmp_path / "run" / "c.toml").write_text((tmp_path / "c.toml").read_text())
    toml = tmp_path / "run" / "experiment.toml"
    toml.write_text('calibration = "c.toml"\n' + toml.read_text())
    with pytest.raises(ExperimentError, match=r"experiment.toml: calibration: c.toml: " + words.format("coupling")):
        read(tmp_path / "run")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("calibration_version = 1", "", r"calibration_version: found None, expected 1"),
        ("title =", "titel =", r"key 'titel' \(did you mean 'title'\?\)"),
        ("[prior]", "[prior", r"found invalid TOML"),
        ('"lognormal(0.01, 0.1)"', "3", r"prior: found .*, expected a table of priors"),
        ("simulated = true", 'simulated = "yes"', r"title, simulated: found 'a', 'yes', expected a text, and true or"),
        (
            'labels = ["initial_n3",',
            'labels = ["scale",',
            r"correlation: labels: found 'scale', expected parameters of",
        ),
        (
            '"classical_noise"]',
            '"initial_n3"]',
            r"correlation: labels: found .*, expected parameters of \[prior\], each",
        ),
        ("[[1, 0.5], [0.5, 1]]", "[[1, 0.5]]", r"matrix: found another shape, expected 2 rows of 2 numbers"),
        ("[[1, 0.5], [0.5, 1]]", "[[1, 2], [2, 1]]", r"matrix: found no correlation matrix, expected a symmetric pos"),
        ("[[coupling]]", "[coupling]", r"coupling: found .*, expected tables, each headed \[\[coupling\]\]"),
        ("sigma = 0.004", "", r"coupling 1: sigma: found nothing, expected the key sigma"),
        ("[prior]", "made_from = [3]\n[prior]", r"made_from: found \[3\], expected the fingerprints that"),
        ('"14 deg"', "14", r"coupling 1: faraday_angle: found 14 without a unit"),
        ("[correlation]\n", "[more]\n", r"key 'more'"),
        ("[[1, 0.5], [0.5, 1]]", '[["1", 0.5], [0.5, 1]]', r"matrix: found no numbers, expected 2 rows of 2 numbers"),
    ],
)
def test_wrong_files(old, new, message, tmp_path):
    assert old in TEXT
    (tmp_path / "c.toml").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ExperimentError, match=message):
        read_calibration(tmp_path / "c.toml")


def test_a_correlation_is_a_table(tmp_path):
    head, _, rest = TEXT.partition("[correlation]")
    number = head.replace("[prior]", "correlation = 3\n[prior]")
    (tmp_path / "c.toml").write_text(number + rest[rest.index("[[coupling]]") :])
    with pytest.raises(ExperimentError, match=r"correlation: found 3, expected a table with labels and matrix"):
        read_calibration(tmp_path / "c.toml")
