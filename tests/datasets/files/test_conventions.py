"""What other programs write beside numbers is honoured, or refused in words: units, packing, chunks, links, structs."""

import h5py
import numpy as np
import pint
import pyarrow as pa
import pytest
import scipy.io as sio
import xarray as xr

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.files import open_source
from dissentangle.datasets.files.hdf5 import chunk_cache
from dissentangle.datasets.photocurrent.digitiser import Digitisation
from dissentangle.datasets.units import text_of

from ...seeds import seed
from ..driven import DRIVEN

TIME, XI = np.array([1.0, 2.5, 7.0]), np.array([0.95, 0.87, 0.83])
TOML = (
    DRIVEN
    + """\
kind = "xi"
file = "{file}"
columns = {{ {columns} }}
"""
)


def read(folder, file, columns='time = "time", value = "value", sigma = 0.02'):
    (folder / "experiment.toml").write_text(TOML.format(file=file, columns=columns))
    return datasets.read(folder).series[0]


UNITS = {
    "text": "us",
    "fixed length": np.bytes_("us"),
    "filled with NUL": np.array(b"us\0\0", dtype="S4"),
    "an array of one": np.array(["us"], dtype=h5py.string_dtype()),
    "an array of one, fixed length": np.array([b"us"]),
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_units_in_any_type_of_text(unit, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time"], file["value"] = 1e3 * TIME, XI
        file["time"].attrs["units"] = unit
    np.testing.assert_allclose(read(tmp_path, "a.h5").x, TIME)


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (5.0, r"'time': units: found .*5.0.*, expected a text"),
        (np.array(["us", "ms"], dtype=h5py.string_dtype()), "expected a text"),
        (np.bytes_("blinks"), "found the unknown unit 'blinks'"),
        (h5py.Empty("S1"), "expected a text"),
    ],
)
def test_units_that_cannot_be_read_are_refused(unit, message, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time"], file["value"] = TIME, XI
        file["time"].attrs["units"] = unit
    with pytest.raises(ExperimentError, match=message):
        read(tmp_path, "a.h5")


def test_no_unit_in_an_empty_text():
    assert text_of(" \0", "here") is None
    with pytest.raises(ExperimentError, match="here: found None, expected a text"):
        text_of(None, "here")


def test_units_in_memory():
    us = pint.UnitRegistry(cache_folder=None)("us")
    columns = {"time": 1e3 * TIME * us, "value": XI, "sigma": 0.02 + 0 * XI}
    np.testing.assert_allclose(datasets.series_of(columns, "xi").x, TIME)
    for unit in (b"us", np.bytes_("us"), us.units):
        data = xr.Dataset({"value": ("time", XI), "sigma": ("time", 0.02 + 0 * XI)}, {"time": 1e3 * TIME})
        data["time"].attrs["units"] = unit
        np.testing.assert_allclose(datasets.series_of(data, "xi").x, TIME)


TABLES = {
    "structured": np.rec.fromarrays([TIME, XI, 0.02 + 0 * XI], names="time,value,sigma"),
    "Arrow": pa.table({"time": TIME, "value": XI, "sigma": 0.02 + 0 * XI}),
    "DataArray": xr.DataArray(XI, {"time": TIME, "sigma": ("time", 0.02 + 0 * XI)}, "time"),
}


@pytest.mark.parametrize("data", TABLES.values(), ids=TABLES)
def test_tables_in_memory(data):
    series = datasets.series_of(data, "xi")
    assert (series.x.tolist(), series.value.tolist(), series.spread[0]) == (TIME.tolist(), XI.tolist(), 0.02)


def test_what_has_no_columns():
    with pytest.raises(ExperimentError, match=r"data: found ndarray, expected columns by name: of pandas"):
        datasets.series_of(np.ones((3, 3)), "xi")


@pytest.mark.parametrize("suffix", ["h5", "nc"])
def test_packed_numbers(suffix, tmp_path):
    with h5py.File(tmp_path / f"a.{suffix}", "w") as file:
        file["time"], file["value"] = TIME, np.array([950, 870, 830], "i2")
        file["value"].attrs.update({"scale_factor": 1e-3, "add_offset": 0.5})
        file["sigma"] = np.array([20, -1, 20], "i2")
        file["sigma"].attrs.update({"scale_factor": 1e-3, "_FillValue": np.int16(-1)})
    np.testing.assert_allclose(read(tmp_path, f"a.{suffix}").value, XI + 0.5, rtol=1e-6)
    with pytest.raises(ExperimentError, match=r"sigma': entry 2: found nan, expected a finite number"):
        read(tmp_path, f"a.{suffix}", 'time = "time", value = "value", sigma = "sigma"')


def test_packing_that_is_none(tmp_path):
    for value, found in (("much", "much"), (np.array([], float), "nothing")):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["time"], file["value"] = TIME, XI
            file["value"].attrs["scale_factor"] = value
        with pytest.raises(ExperimentError, match=rf"value': scale_factor: found .*{found}.*, expected a number"):
            read(tmp_path, "a.h5")


def test_a_packed_photocurrent_keeps_the_attributes_of_its_file(tmp_path):
    plan = datasets.PhotocurrentPlan(records=3)
    datasets.write_photocurrent(tmp_path / "a.h5", plan, seed=seed(1))
    plain = datasets.demodulate(tmp_path / "a.h5", shot_noise=2e-10)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["samples"].attrs["scale_factor"] = 2.0
        file["samples"].attrs["units"] = np.bytes_("V")
    packed = datasets.demodulate(tmp_path / "a.h5", shot_noise=8e-10)
    assert packed.shot_noise.level == 4 * plain.shot_noise.level
    np.testing.assert_allclose(packed.cos, plain.cos, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["h5", "nc"])
def test_a_chunk_larger_than_the_cache_is_decompressed_once(suffix, tmp_path):
    """In slices, as a photocurrent is read; 3 MB in one chunk, of which HDF5 by itself would keep 1 MB."""
    path, numbers = tmp_path / f"a.{suffix}", np.arange(400_000.0)
    with h5py.File(path, "w") as file:
        file.create_dataset("samples", data=numbers, chunks=(400_000,), compression="gzip")
    assert chunk_cache(path) >= 2 * numbers.nbytes
    with open_source(path) as source:
        array = source.array("samples")
        assert np.array_equal(np.concatenate([array[k : k + 1000] for k in range(0, 400_000, 1000)]), numbers)
        if suffix == "h5":
            assert array.file.id.get_access_plist().get_cache()[2] == chunk_cache(path)


def test_arrays_by_the_names_of_links(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["instrument/time"], file["raw/v"] = TIME, XI
        file["raw/v"].attrs["scale_factor"] = 1.0
        file["data/time"] = file["instrument/time"]
        file["value"] = h5py.SoftLink("/raw/v")
        file["data/v"] = h5py.SoftLink("../raw/v")
        file["relative/link"] = h5py.SoftLink("../nothing")
        file["circle"] = h5py.SoftLink("/circle")
        file["outside"] = h5py.ExternalLink("b.h5", "/time")
    for columns in ('time = "/data/time", value = "value"', 'time = "data/time", value = "data/v"'):
        series = read(tmp_path, "a.h5", f"{columns}, sigma = 0.02")
        assert (series.x.tolist(), series.value.tolist()) == (TIME.tolist(), XI.tolist())
    for name in ("circle", "outside", "relative/link", "value/x", ""):
        with pytest.raises(
            ExperimentError,
            match=r"found no such array, expected one of /data/time \(3\), /data/v \(3\), /instrument/time",
        ):
            read(tmp_path, "a.h5", f'time = "data/time", value = "{name}", sigma = 0.02')


@pytest.mark.parametrize("name", ["scan.value", "cells"])
def test_matlab_arrays_of_structs_and_cells(name, tmp_path):
    structs = np.array([(TIME, XI), (TIME, XI)], dtype=[("time", "O"), ("value", "O")])
    sio.savemat(tmp_path / "a.mat", {"scan": structs, "time": TIME, "cells": np.array([XI, XI, XI], dtype=object)})
    with pytest.raises(ExperimentError, match=rf"'{name}': found a struct array or a cell, expected arrays of numbers"):
        read(tmp_path, "a.mat", f'time = "time", value = "{name}", sigma = 0.02')


def test_channels_of_labview_have_units(tmp_path):
    from nptdms import ChannelObject, TdmsWriter

    with TdmsWriter(tmp_path / "a.tdms") as file:
        file.write_segment(
            [
                ChannelObject("run", "time", 1e3 * TIME, properties={"unit_string": "us"}),
                ChannelObject("run", "value", XI, properties={"unit_string": ""}),
            ]
        )
    columns = 'time = "/run/time", value = "/run/value", sigma = 0.02'
    np.testing.assert_allclose(read(tmp_path, "a.tdms", columns).x, TIME)


@pytest.mark.parametrize("sample", [9.9e37, -9.91e37])
def test_the_numbers_of_instruments_for_no_number(sample):
    digitisation, samples = Digitisation(np.dtype(float), "here"), np.linspace(-1, 1, 100)
    samples[7] = sample
    with pytest.raises(ExperimentError, match=r"here: sample 107: found -?9.91?e\+37, expected a number below 1e\+30"):
        digitisation.add(samples, 100)


EXCLUDED = "T,P,err,exclude\n1,0.95,0.02,0\n2.5,1.9,0.02,1\n7,0.83,0.02,0\n"
NAMES = {"time": "T", "value": "P", "sigma": "err"}


@pytest.mark.parametrize("form", ["csv", "h5", "memory"])
def test_excluded_points_where_other_columns_have_other_names(form, tmp_path):
    rows = np.array([line.split(",") for line in EXCLUDED.splitlines()[1:]], float).T
    table = dict(zip(EXCLUDED.splitlines()[0].split(","), rows, strict=True))
    (tmp_path / "a.csv").write_text(EXCLUDED)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update(table)
    if form == "memory":
        series = datasets.series_of(table, "xi", columns=NAMES)
    else:
        series = read(tmp_path, f"a.{form}", ", ".join(f'{ours} = "{theirs}"' for ours, theirs in NAMES.items()))
    assert series.excluded.tolist() == [False, True, False]
    other = datasets.series_of(table | {"bad": table["T"] < 2}, "xi", columns=NAMES | {"exclude": "bad"})
    assert other.excluded.tolist() == [True, False, False]


@pytest.mark.parametrize("form", ["plain.csv", "plain.h5", "matrices.h5", "named.csv"])
def test_excluded_shots(form, tmp_path):
    """Of 400 shots every twentieth is five times too far out."""
    rng, bad = np.random.default_rng(seed(0)), np.arange(400) % 20 == 0
    shots = {name: rng.normal(size=400) * np.where(bad, 5, 1) for name in ("cos", "sin")}
    table = {"time": np.repeat([2.0, 4.0], 200), **shots, "exclude": bad.astype(float)}
    if form == "matrices.h5":  # a time and a flag for each row of ten
        table = {"time": table["time"][::10], "exclude": bad[::10] * 1.0} | {
            k: v.reshape(40, 10) for k, v in shots.items()
        }
    bad = np.repeat(table["exclude"], 400 // len(table["exclude"])).astype(bool)
    if form == "named.csv":
        table["bad"] = table.pop("exclude")
    if form.endswith("csv"):
        rows = zip(*table.values(), strict=True)
        (tmp_path / form).write_text("\n".join([",".join(table), *(",".join(map(repr, map(float, r))) for r in rows)]))
    else:
        with h5py.File(tmp_path / form, "w") as file:
            file.update(table)
    toml = TOML.replace('"xi"', '"quadratures"').replace(
        "columns = {{ {columns} }}", 'probe_duration = "1 ms"\n{columns}'
    )
    columns = 'columns = { exclude = "bad" }' if form == "named.csv" else ""
    (tmp_path / "experiment.toml").write_text(toml.format(file=form, columns=columns))
    series = datasets.read(tmp_path).series[0]
    first = np.arange(400) < 200
    expected = [np.var(shots[name][part & ~bad], ddof=1) for part in (first, ~first) for name in ("cos", "sin")]
    np.testing.assert_allclose(series.value, expected)
    assert series.spread.tolist() == [200 - bad[:200].sum()] * 4
    assert f"shots at each of 2 times, cos and sin; {bad.sum()} shots are excluded" in series.note


def test_flags_of_shots_that_are_none(tmp_path):
    toml = TOML.replace('"xi"', '"quadratures"').replace("columns = {{ {columns} }}", 'probe_duration = "1 ms"')
    (tmp_path / "experiment.toml").write_text(toml.format(file="a.csv"))
    (tmp_path / "a.csv").write_text("time,cos,sin,exclude\n1,1,1,0\n1,2,2,3\n")
    with pytest.raises(ExperimentError, match=r"a.csv: exclude: found 3, expected 0 or 1"):
        datasets.read(tmp_path)
    (tmp_path / "experiment.toml").write_text(toml.format(file="a.h5"))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"time": [1.0, 1.0], "cos": [1.0, 2.0], "sin": [2.0, 1.0], "exclude": [0.0]})
    with pytest.raises(ExperimentError, match=r"a.h5: exclude: found 1 entries, expected 2, as of time"):
        datasets.read(tmp_path)
    (tmp_path / "a.csv").write_text("time,cos,sin\n1,1,9.9e37\n1,2,2\n")
    (tmp_path / "experiment.toml").write_text(toml.format(file="a.csv"))
    with pytest.raises(ExperimentError, match=r"a.csv: row 1: found 9.9e\+37, expected numbers below 1e\+30: instr"):
        datasets.read(tmp_path)


def test_no_number_in_an_excluded_row(tmp_path):
    (tmp_path / "a.csv").write_text("time,value,exclude\n1,0.97,0\n2,nan,1\n")
    with pytest.raises(
        ExperimentError, match=r"line 3: column 'value': found nan, expected .*, also in an excluded row:"
    ):
        read(tmp_path, "a.csv")
