"""Every violation names file, line or key, what was found and what is expected."""

import re

import h5py
import pytest
import xarray as xr

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.files import write_tree

TOML = """\
format_version = 1
title = "t"
simulated = false
[apparatus]
optical_depth = { value = 55, sigma = 3 }
[[stage]]
duration = "20 ms"
drive = true
[[series]]
kind = "xi"
file = "xi.csv"
[[observation]]
quantity = "orientation"
time = "15 ms"
value = 0.98
sigma = 0.003
"""
CSV = "time,value,sigma\n1,0.9,0.02\n2,0.85,0.02\n3,0.84,0.02\n"


def write(folder, toml=TOML, csv=CSV):
    (folder / "experiment.toml").write_text(toml, encoding="utf-8")
    (folder / "xi.csv").write_bytes(csv if isinstance(csv, bytes) else csv.encode())
    return folder


def change(old, new):
    assert old in TOML
    return TOML.replace(old, new)


def test_the_unchanged_one_is_read(tmp_path):
    assert len(datasets.read(write(tmp_path)).series[0].x) == 3


@pytest.mark.parametrize(
    ("csv", "text"),
    [
        ("time,sigma\n1,0.02\n", r"xi.csv: column 'value': found no such column, expected columns time, value"),
        ("time,value\n1,0.02\n", r"xi.csv: found neither sigma nor repetitions, expected one of the two"),
        ("time,value,sigma,repetitions\n1,1,1,5\n", r"found both sigma and repetitions"),
        ("time,value,simga\n1,1,1\n", r"line 1: column 'simga' \(did you mean 'sigma'\?\): found an unknown column"),
        (
            "time,xi,sigma\n1,1,1\n",
            r"(?s)column 'xi': found an unknown column, .*; or lines .*columns = { time = \"time\", value = \"xi\", ",
        ),
        ("1,0.9,0.02\n2,0.9,0.02\n", r"xi.csv: line 1: found numbers, expected a header line first: columns time"),
        (
            "time,value,sigma\n1,0,0,9,0,02\n",
            "line 2: found 6 cells, expected 3: .*, with decimal points",
        ),
        ("time,value,value,sigma\n1,1,1,1\n", r"line 1: column 'value': found the column twice"),
        ("time,value,sigma\n1,0.9,nan\n", r"line 2: column 'sigma': found nan, expected a finite number"),
        ("time,value,sigma\n1,much,0.1\n", r"line 2: column 'value': found 'much', expected a number"),
        ("time,value,sigma\n1,0.9\n", r"line 2: found 2 cells, expected 3: time, value, sigma"),
        (
            "time,value,sigma\n2,0.9,0.1\n1,0.9,0.1\n",
            r"series 'xi' \(xi.csv\): time: row 2: found 1, expected times in ascending",
        ),
        (
            "time,value,sigma\n1,0.9,-0.1\n",
            r"series 'xi' \(xi.csv\): sigma: row 1: found -0.1, expected a positive number",
        ),
        (
            "time,value,sigma\n21,0.9,0.1\n",
            r"row 1: found 21, expected a time inside the stages of run 'main', 0 to 20 ms \(of µs: time_unit = .us.\)",
        ),
        ("time,value,repetitions\n1,0.9,1\n", r"repetitions: row 1: found 1, expected at least 2 repetitions"),
        ("time,value,repetitions\n1,-0.9,10\n", r"value: row 1: found -0.9, expected a variance > 0"),
        ("time,value,sigma,exclude\n1,0.9,0.1,2\n", r"column 'exclude': found 2, expected 0 or 1"),
        ("", r"xi.csv: found an empty file, expected a header line"),
        ("time,value,sigma\n", r"series 'xi' \(xi.csv\): found no rows, expected at least one measurement"),
        (b"t\x00\x00\x00\x01", r"xi.csv: found bytes that are not text, expected a text file, such as CSV"),
    ],
)
def test_csv(csv, text, tmp_path):
    with pytest.raises(ExperimentError, match=text):
        datasets.read(write(tmp_path, csv=csv))


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        (change("title", "tilte"), r"key 'tilte' \(did you mean 'title'\?\): found an unknown key"),
        (change('kind = "xi"', 'kind = "zeta"'), r"series 'xi'|kind: found 'zeta'.*expected one of xi, polarization"),
        (change('kind = "xi"', 'kind = "polarisation"'), r"did you mean 'polarization'\?"),
        (change('"20 ms"', '"20 parsec"'), r"stage 1: duration: found the unit 'parsec', expected a unit like 'ms'"),
        (change('"20 ms"', '"20 blinks"'), r"stage 1: duration: found the unknown unit 'blinks'"),
        (
            change('"20 ms"', "20"),
            r'duration: found 20 without a unit, expected a number with a unit, such as "20 ms"',
        ),
        (change('"20 ms"', '"-1 ms"'), r"stage 1: duration: found -1 ms, expected a positive time"),
        (change('"20 ms"', '"2 ms"'), r"time: row 3: found 3, expected a time inside the stages"),
        (change("drive = true", 'drive = "on"'), r"stage 1: drive: found 'on', expected true, false, a relative power"),
        (change("simulated = false", ""), r"simulated: found nothing, expected a line like simulated = false \(true"),
        (change("format_version = 1", "format_version = 2"), r"format_version: found 2, expected 1"),
        (change("value = 55, sigma = 3", "value = 55, sigma = -3"), r"optical_depth: found 55 ± -3, expected finite"),
        (change("optical_depth", "optical_dept"), r"did you mean 'optical_depth'\?"),
        (
            change('file = "xi.csv"', 'file = "../xi.csv"'),
            r"file: found '../xi.csv', expected a file inside the folder",
        ),
        (change('file = "xi.csv"', 'file = "none.csv"'), r"none.csv: found no such file, expected a file"),
        (change('quantity = "orientation"', 'quantity = "oreintation"'), r"did you mean 'orientation'\?"),
        (
            change("sigma = 0.003", "sigma = 0"),
            r"observation 1 \(orientation\): sigma: found 0.0, expected a positive number",
        ),
        (change('time = "15 ms"', 'time = "25 ms"'), r"time: found 25 ms, expected a time inside the stages"),
        (change('time = "15 ms"\n', ""), r"observation 1: time: found nothing, expected a time"),
        (change('kind = "xi"', 'kind = "xi"\nname = "a/b"'), r"name: found 'a/b', expected a name, without '/'"),
        (change('kind = "xi"', 'kind = "xi"\nrun = "other"'), r"run: found 'other'.*expected one of main"),
        (change('kind = "xi"', 'kind = "xi"\nnoise = "gamma"'), r"found the column 'sigma', expected 'repetitions'"),
        ("title = ", r"experiment.toml: found invalid TOML .*expected text in UTF-8"),
        (
            change('kind = "xi"', 'kind = "xi"\nscale_uncertainty = 4'),
            "scale_uncertainty: found 4.0, expected a frac",
        ),
        ("", r"format_version: found nothing"),
    ],
)
def test_toml(toml, text, tmp_path):
    with pytest.raises(ExperimentError, match=re.compile(text, re.S)):
        datasets.read(write(tmp_path, toml=toml))


def test_xi_in_per_cent(tmp_path):
    csv = "time,value,sigma\n1,97,0.5\n2,95,0.5\n3,92,0.5\n"
    expected = (
        r"value: found values of size 95, expected ξ, which is 1 for uncorrelated spins"
        r" \(for per cent: factor = \{ value = 0.01 \}\)"
    )
    with pytest.raises(ExperimentError, match=expected):
        datasets.read(write(tmp_path, TOML, csv))


@pytest.mark.parametrize("kind", ["polarization", "transverse_spin"])
def test_a_spin_in_per_cent(kind, tmp_path):
    csv = "time,value,sigma\n1,97,0.5\n2,95,0.5\n3,92,0.5\n"
    toml = TOML.replace('kind = "xi"', f'kind = "{kind}"')
    with pytest.raises(ExperimentError, match=r"value: found values of size 95, .*\(for per cent: factor = .*\)"):
        datasets.read(write(tmp_path, toml, csv))


SERIES = 'kind = "xi"'


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        (
            TOML + TOML[TOML.index("[[observation]]") :],
            r"found 'orientation at 15 ms' twice, expected each quantity once",
        ),
        (change(SERIES, f"{SERIES}\nefficiency_in_scale = false"), r"expected a detection_efficiency in \[apparatus\]"),
        (change(SERIES, 'kind = "polarization"\nefficiency_in_scale = false'), r"expected true for polarization"),
        (change(SERIES, f'{SERIES}\nname = "draw"'), r"name: found a name that is taken"),
        (change('"15 ms"', '"15 9**9**9 ms"'), r"time: found the unknown unit"),
        (change("value = 55", "value = " + "9" * 400), r"optical_depth: value: found a number too large"),
        (
            change("optical_depth = { value = 55, sigma = 3 }", 'temperature = "23 degC"'),
            r"temperature: found the unit of another zero 'degC', expected a unit like 'K'",
        ),
        (
            change("optical_depth = { value = 55, sigma = 3 }", 'drive_power = "7.5 dBm"'),
            r"drive_power: found the logarithmic unit 'dBm', expected a unit like 'mW'",
        ),
        (
            change("optical_depth = { value = 55, sigma = 3 }", 'pump_impurity = "1.0 ± 0.5 %"'),
            r'expected the number and its error apart: pump_impurity = { value = "1.0 %", sigma = "0.5 %" }',
        ),
        (
            change("optical_depth = { value = 55, sigma = 3 }", 'optical_depth = "55 +/- 3"'),
            r"expected the number and its error apart: optical_depth = { value = 55, sigma = 3 }",
        ),
        (
            change("optical_depth = { value = 55, sigma = 3 }", 'faraday_angle = "0.2 dimensionless"'),
            r"unit like 'deg'",
        ),
        (
            change("optical_depth = { value = 55, sigma = 3 }", 'faraday_angle = "0 deg"'),
            r"found 0, expected a number > 0",
        ),
        (
            change("[[stage]]", '[[run]]\nname = "main"\nrelative_depth = 2\n' * 2 + "[[stage]]"),
            r"expected each run once",
        ),
        (change('title = "t"', 'title = "\\u0000"'), r"expected texts without NUL"),
        (change('title = "t"', "title = " + "[" * 5000), r"invalid TOML"),
        (TOML + "#" * 2**20, r"found 1 MB, expected at most 1 MB"),
        (TOML + '[[stage]]\nduration = "1 ms"\n' * 1001, r"found 1002 stages, expected at most 1000"),
        (
            TOML.replace("sigma = 0.003", 'sigma = 0.003\nscale_uncertainty = 0.1\nshared_scale = "xi"'),
            r"shared_scale 'xi': found the name of a series",
        ),
        (TOML + '[truth]\nclosure = "exact"\nseed = 1\nparameters = {}\n', r"truth: closure: found 'exact'"),
        (TOML + '[truth]\nclosure = "microscopic"\nseed = -1\nparameters = {}\n', r"truth: seed: found -1"),
        (
            TOML + '[truth]\nclosure = "microscopic"\nseed = 1\nparameters = { rate = 1 }\n',
            r"expected names of parameters",
        ),
    ],
)
def test_more_toml(toml, text, tmp_path):
    with pytest.raises(ExperimentError, match=re.compile(text, re.S)):
        datasets.read(write(tmp_path, toml=toml))


@pytest.mark.parametrize(
    ("csv", "text"),
    [
        ("time,value,sigma\n1,1e12,1\n", r"value: row 1: found 1e\+12, expected at most 1e\+09"),
        ("time,value,sigma\n1,1,1e-12\n", r"sigma: row 1: found 1e-12, expected 1e-09 to 1e\+09"),
        ("time,value,sigma\n" + "1,1,1\n" * 100_001, r"xi.csv: found more than 100000 rows, expected at most 100000"),
    ],
)
def test_more_csv(csv, text, tmp_path):
    with pytest.raises(ExperimentError, match=text):
        datasets.read(write(tmp_path, csv=csv))


def test_gamma_noise_takes_no_offset(tmp_path):
    toml = change(SERIES, f"{SERIES}\noffset_uncertainty = 0.1")
    with pytest.raises(ExperimentError, match=r"found 0.1, expected 0 with gamma noise"):
        datasets.read(write(tmp_path, toml=toml, csv="time,value,repetitions\n1,0.9,10\n"))


@pytest.mark.parametrize(
    ("place", "name", "value", "text"),
    [
        ("/", "simulated", "false", r"simulated: found false, expected 0"),
        ("/", "format_version", 1.5, r"format_version: found .*1.5"),
        ("/series/xi/time", "units", "s", r"time: units: found 's', expected 'ms'"),
        ("/stages/duration", "units", "s", r"duration: units: found 's', expected 'ms'"),
        ("/apparatus/optical_depth", "units", "mm", r"optical_depth: units: found mm, expected '1'"),
        ("/truth", "closure", "exact", r"truth: closure: found 'exact'"),
    ],
)
def test_attributes_of_netcdf(place, name, value, text, tmp_path):
    path = tmp_path / "a.nc"
    datasets.save(datasets.load("fig2b-d55"), path)
    with h5py.File(path, "r+") as file:
        file[place].attrs[name] = value
    with pytest.raises(ExperimentError, match=text):
        datasets.load(path)


def test_netcdf_that_never_ends(tmp_path):
    cycle, link = tmp_path / "cycle.nc", tmp_path / "link.nc"
    with h5py.File(cycle, "w") as file:
        file.create_group("a")["b"] = file
    with pytest.raises(ExperimentError, match="found groups in a cycle"):
        datasets.load(cycle)
    with h5py.File(link, "w") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(ExperimentError, match="elsewhere: found a link, expected data in the file itself"):
        datasets.load(link)


def test_saving_never_replaces_what_is_no_file(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.nc")
    with pytest.raises(ExperimentError, match=r"pipe.nc: already exists"):
        datasets.save(datasets.load("fig2b-d55"), tmp_path / "pipe.nc")
    with pytest.raises(ExperimentError, match="found something that is not a regular file"):
        write_tree(datasets.load("fig2b-d55"), tmp_path / "pipe.nc")


def test_no_stage(tmp_path):
    toml = TOML.replace('[[stage]]\nduration = "20 ms"\ndrive = true\n', "")
    with pytest.raises(ExperimentError, match=r"stage: found no stage, expected at least one \[\[stage\]\]"):
        datasets.read(write(tmp_path, toml=toml))


def test_large_file(tmp_path):
    write(tmp_path)
    with (tmp_path / "xi.csv").open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(ExperimentError, match=r"xi.csv: found 200 MB, expected at most 32 MB"):
        datasets.read(tmp_path)


def test_unknown_name():
    with pytest.raises(ExperimentError, match=r"did you mean 'fig2b-d55'\?"):
        datasets.load("fig2b-d5")


def test_netcdf_that_is_something_else(tmp_path):
    text = tmp_path / "text.nc"
    text.write_text("hello")
    with pytest.raises(ExperimentError, match=r"text.nc: found a file that is not NetCDF-4"):
        datasets.load(text)
    other = tmp_path / "other.nc"
    xr.Dataset({"a": ("x", [1.0, 2.0])}).to_netcdf(other, engine="h5netcdf")
    with pytest.raises(ExperimentError, match=r"other.nc: found no attribute format_version"):
        datasets.load(other)
    hollow = tmp_path / "hollow.nc"
    with h5py.File(hollow, "w") as file:
        file.attrs["format_version"] = 1
    with pytest.raises(ExperimentError, match=r"hollow.nc: simulated: found None, expected 0 \(measured\)"):
        datasets.load(hollow)
    datasets.save(datasets.load("fig2b-d55"), tmp_path / "whole.nc")
    broken = tmp_path / "broken.nc"
    broken.write_bytes((tmp_path / "whole.nc").read_bytes()[:5000])
    with pytest.raises(ExperimentError, match=r"broken.nc: found .*expected a readable NetCDF-4 file"):
        datasets.load(broken)


def test_saving_over_something(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    with pytest.raises(ExperimentError, match=r"a: already exists; expected a new or empty folder"):
        datasets.save(datasets.load("fig2b-d55"), tmp_path / "a")


def test_simulate_rejects(tmp_path):
    stages = [datasets.StageEntry(20.0, frozenset({"drive"}))]
    with pytest.raises(ExperimentError, match=r"key 'colective_rate' \(did you mean 'collective_rate'\?\)"):
        datasets.simulate(stages, [], {"colective_rate": 1.0}, seed=1)
    with pytest.raises(ExperimentError, match="found both dephasing_rate"):
        datasets.simulate(stages, [], {"dephasing_rate[drive]": 1.0, "pure_dephasing_rate[drive]": 1.0}, seed=1)
    with pytest.raises(ExperimentError, match=r"spread: found -1, expected positive numbers"):
        datasets.simulate(stages, [datasets.SeriesPlan("xi", [1.0], -1.0)], seed=1)
    with pytest.raises(ExperimentError, match=r"found no series, expected one to imitate"):
        datasets.simulate_like(datasets.read("krauter2011-published"), seed=1)
