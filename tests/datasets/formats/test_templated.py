"""One experiment.toml for many data sets, and the day of a measurement."""

import shutil

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, read
from dissentangle.datasets.experiment import date_of
from dissentangle.datasets.formats import data_sets

XI = """
format_version = 1
title = "xi alone"
simulated = true
date = 2026-01-02
[[stage]]
duration = "20 ms"
drive = true
[[series]]
kind = "xi"
file = "xi.csv"
noise = "gamma"
"""


@pytest.fixture
def template(tmp_path):
    """A template for all files of a folder, beside three folders of data."""
    for name in ("2026-11-03", "week 2026-W45", ".hidden"):
        datasets.save(read("fig2b-d55"), tmp_path / "runs" / name)
        (tmp_path / "runs" / name / "experiment.toml").rename(tmp_path / "experiment.toml")
    (tmp_path / "runs" / "notes").mkdir()
    return tmp_path / "experiment.toml"


def test_folders_that_one_file_describes(template):
    runs = template.parent / "runs"
    found = data_sets(template, runs)
    assert [path.name for path in found] == ["2026-11-03", "week 2026-W45"]
    assert data_sets(template.parent, found[0]) == [found[0]]
    same = read("fig2b-d55")
    for path, date in zip(found, ("2026-11-03", "2026-11-02"), strict=True):
        experiment = read(path, template=template)
        assert experiment.date == date
        assert experiment.title == f"{same.title}: {path.name}"
        np.testing.assert_array_equal(experiment.series[0].value, same.series[0].value)
    with pytest.raises(
        ExperimentError, match=r"series: found the files xi.csv, polarization.csv, .* which xi.csv replaces"
    ):
        read(runs / "2026-11-03" / "xi.csv", template=template)
    with pytest.raises(ExperimentError, match="found no such folder or file, expected a folder or a table of data"):
        read(runs / "none", template=template)
    (runs / "2026-11-03" / "polarization.csv").unlink()
    with pytest.raises(ExperimentError, match=r"polarization.csv: found no such file"):
        read(runs / "2026-11-03", template=template)


def test_tables_in_the_place_of_one(tmp_path):
    (tmp_path / "one.toml").write_text(XI)
    datasets.save(read("fig2b-d55"), tmp_path / "run")
    (tmp_path / "data").mkdir()
    for name in ("xi_20260105.csv", "b.csv"):
        shutil.copy(tmp_path / "run" / "xi.csv", tmp_path / "data" / name)
    (tmp_path / "data" / "readme.txt").touch()
    found = data_sets(tmp_path / "one.toml", tmp_path / "data")
    assert [path.name for path in found] == ["b.csv", "xi_20260105.csv"]
    assert [read(path, template=tmp_path / "one.toml").date for path in found] == ["2026-01-02", "2026-01-05"]
    with pytest.raises(ExperimentError, match=r"found no data set, expected folders with xi.csv, or files ending so"):
        (tmp_path / "empty").mkdir()
        data_sets(tmp_path / "one.toml", tmp_path / "empty")
    with pytest.raises(ExperimentError, match="found no such folder or file, expected folders or tables of data"):
        data_sets(tmp_path / "one.toml", tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("2026-11-03", "2026-11-03"), ("xi_20261103_b", "2026-11-03"), ("2026.11.03 noon", "2026-11-03"),
        ("2026-W45", "2026-11-02"), ("run 2026W45", "2026-11-02"), ("2026-13-03", ""), ("run 7", ""),
        ("120261103", ""), ("99999999 2026_01_02", "2026-01-02"),
    ],
)  # fmt: skip
def test_days_in_names(name, date):
    assert date_of(name) == date


def test_the_day_of_an_experiment_is_kept(tmp_path):
    (tmp_path / "xi").mkdir()
    datasets.save(read("fig2b-d55"), tmp_path / "run")
    shutil.copy(tmp_path / "run" / "xi.csv", tmp_path / "xi")
    (tmp_path / "xi" / "experiment.toml").write_text(XI)
    first = read(tmp_path / "xi")
    assert first.date == "2026-01-02"
    datasets.save(first, tmp_path / "folder")
    datasets.save(first, tmp_path / "file.nc")
    assert read(tmp_path / "folder").date == read(tmp_path / "file.nc").date == "2026-01-02"
    (tmp_path / "xi" / "experiment.toml").write_text(XI.replace("2026-01-02", '"2026-01-03"'))
    assert read(tmp_path / "xi").date == "2026-01-03"
    for wrong in ('"Monday"', "12"):
        (tmp_path / "xi" / "experiment.toml").write_text(XI.replace("2026-01-02", wrong))
        with pytest.raises(ExperimentError, match=r"toml: date: found .*, expected a day, such as 2026-11-03"):
            read(tmp_path / "xi")
