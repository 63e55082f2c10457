"""What labs write: the same experiment from every format, shots reduced on reading, and what broken files say."""

import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.experiment.check import check_experiment as check
from dissentangle.datasets.tables import Table, read_table

from ...seeds import seed

TOML = """\
format_version = 1
title = "t"
simulated = true
[apparatus]
optical_depth = {{ value = 55, sigma = 3 }}
[[stage]]
duration = "20 ms"
drive = true
[[series]]
kind = "xi"
file = "{file}"
{rest}
"""
TIME = np.array([1000.0, 2500.0, 7000.0])  # us
XI = np.array([0.95, 0.87, 0.83])
ERROR = np.array([0.02, 0.025, 0.03])


def experiment(folder, file, rest):
    (folder / "experiment.toml").write_text(TOML.format(file=file, rest=rest), encoding="utf-8")
    return folder


def columns(time, value, sigma):
    return f'columns = {{ time = "{time}", value = "{value}", sigma = "{sigma}" }}\nunits = {{ time = "us" }}'


def write_csv(path):
    path.write_text(
        "# run 12\nT (us),xi,err,comment\n"
        + "".join(f"{t},{x},{e},0\n" for t, x, e in zip(TIME, XI, ERROR, strict=True))
    )


def write_tsv(path):
    path.write_text("t\txi\terr\n" + "".join(f"{t}\t{x}\t{e}\n" for t, x, e in zip(TIME, XI, ERROR, strict=True)))


def write_semicolons(path):
    path.write_text("".join(f"{t};{x};{e}\n" for t, x, e in zip(TIME, XI, ERROR, strict=True)))


def write_netcdf(path):
    xr.Dataset({"xi": ("t", XI), "err": ("t", ERROR)}, coords={"t": TIME}).to_netcdf(path, engine="h5netcdf")


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file["run/t"], file["run/xi"], file["run/err"] = TIME, XI, ERROR


def write_mat(path):
    scipy.io.savemat(path, {"T": TIME, "result": {"xi": XI, "err": ERROR}})


def write_mat73(path):
    """As MATLAB does: HDF5 with a user block, vectors as matrices, dimensions reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["T"] = TIME[None, :].T
        file["result/xi"], file["result/err"] = XI[None, :], ERROR[None, :]
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def write_tdms(path):
    nptdms = pytest.importorskip("nptdms")
    with nptdms.TdmsWriter(path) as file:
        file.write_segment([nptdms.ChannelObject("scan", n, v) for n, v in (("t", TIME), ("xi", XI), ("err", ERROR))])


FORMATS = [
    ("run.csv", write_csv, columns("T (us)", "xi", "err")),
    ("run.tsv", write_tsv, columns("t", "xi", "err")),
    ("run.txt", write_semicolons, columns("#1", "#2", "#3") + '\nseparator = ";"'),
    ("run.nc", write_netcdf, columns("t", "xi", "err")),
    ("run.h5", write_hdf5, columns("run/t", "/run/xi", "/run/err")),
    ("run5.mat", write_mat, columns("T", "result.xi", "result.err")),
    ("run73.mat", write_mat73, columns("T", "result.xi", "result.err")),
    ("run.tdms", write_tdms, columns("/scan/t", "/scan/xi", "/scan/err")),
]


@pytest.mark.parametrize(("file", "write", "rest"), FORMATS, ids=[file for file, _, _ in FORMATS])
def test_every_format_gives_the_same_experiment(file, write, rest, tmp_path):
    write(tmp_path / file)
    series = datasets.read(experiment(tmp_path, file, rest)).series[0]
    np.testing.assert_allclose(series.x, TIME / 1000)
    np.testing.assert_array_equal(series.value, XI)
    np.testing.assert_array_equal(series.spread, ERROR)
    datasets.save(datasets.load(tmp_path), tmp_path / "again")
    assert datasets.load(tmp_path / "again").identical(datasets.load(tmp_path))


def test_a_number_stands_for_a_column(tmp_path):
    write_hdf5(tmp_path / "run.h5")
    rest = 'columns = { time = "run/t", value = "run/xi", repetitions = 3000 }\ntime_unit = "us"'
    series = datasets.read(experiment(tmp_path, "run.h5", rest)).series[0]
    np.testing.assert_array_equal(series.spread, [3000.0] * 3)
    assert series.noise == "gamma"


def test_pandas_and_xarray_objects():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"time": TIME / 1000, "value": XI, "sigma": ERROR})
    series = datasets.series_of(frame, "xi")
    np.testing.assert_array_equal(series.value, XI)
    assert series.name == "xi"
    array = xr.Dataset({"xi": ("t", XI), "err": ("t", ERROR)}, coords={"t": TIME})
    mapped = datasets.series_of(
        array, "xi", columns={"time": "t", "value": "xi", "sigma": "err"}, units={"time": "us"}, name="scan", tail=5.0
    )
    np.testing.assert_allclose(mapped.x, TIME / 1000)
    assert (mapped.name, mapped.tail) == ("scan", 5.0)
    with pytest.raises(ExperimentError, match=r"column 'value': found no such column, expected columns time, value"):
        datasets.series_of(array, "xi", columns={"time": "t"})
    with pytest.raises(ExperimentError, match=r"column 'q' \(did you mean"):
        datasets.series_of({"qq": [1.0]}, "xi", columns={"time": "q"})


SHOTS = np.random.default_rng(seed(1)).normal(0.3, 1.2, (3, 500, 2))


def shots_toml(file, names, kind="quadratures"):
    toml = TOML.format(file=file, rest=f'probe_duration = "1 ms"\ncolumns = {names}\nunits = {{ time = "us" }}')
    return toml.replace('"xi"', f'"{kind}"')


def write_shots_csv(path):
    rows = [f"{t},{c!r},{s!r}" for t, block in zip(TIME, SHOTS.tolist(), strict=True) for c, s in block]
    path.write_text("t,x,yc,ys\n".replace("x,", "") + "\n".join(rows) + "\n")


def write_shots_hdf5(path):
    with h5py.File(path, "w") as file:
        file["t"], file["yc"], file["ys"] = TIME, SHOTS[..., 0], SHOTS[..., 1]


def write_shots_mat(path):
    scipy.io.savemat(path, {"t": TIME, "yc": SHOTS[..., 0].T, "ys": SHOTS[..., 1].T})


def write_shots_long(path):
    with h5py.File(path, "w") as file:
        file["t"], file["yc"], file["ys"] = np.repeat(TIME, 500), SHOTS[..., 0].ravel(), SHOTS[..., 1].ravel()


@pytest.mark.parametrize(
    ("file", "write"),
    [("s.csv", write_shots_csv), ("s.h5", write_shots_hdf5), ("s.mat", write_shots_mat), ("l.h5", write_shots_long)],
)
def test_shots_become_variances(file, write, tmp_path):
    write(tmp_path / file)
    names = '{ time = "t", cos = "yc", sin = "ys" }'
    (tmp_path / "experiment.toml").write_text(shots_toml(file, names))
    series = datasets.read(tmp_path).series[0]
    assert series.kind == "light_variance"
    np.testing.assert_allclose(series.x, np.repeat(TIME / 1000, 2))
    np.testing.assert_allclose(series.value.reshape(3, 2), SHOTS.var(axis=1, ddof=1), rtol=1e-12)
    np.testing.assert_array_equal(series.spread, [500.0] * 6)
    assert series.note == f"{file}: 500 shots at each of 3 times, cos and sin"
    datasets.save(datasets.load(tmp_path), tmp_path / "again")
    assert datasets.load(tmp_path / "again").identical(datasets.load(tmp_path))


def test_outliers_are_reported_and_kept(tmp_path):
    spoiled = SHOTS.copy()
    spoiled[1, 7, 0] = 30.0
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["time"], file["cos"], file["sin"] = TIME / 1000, spoiled[..., 0], spoiled[..., 1]
    (tmp_path / "experiment.toml").write_text(
        TOML.format(file="s.h5", rest='probe_duration = "1 ms"').replace('"xi"', '"quadratures"')
    )
    series = datasets.read(tmp_path).series[0]
    assert series.note.startswith("s.h5: 500 shots at each of 3 times, cos and sin; shots farther out than 4.")
    assert "kept: 1 of cos at 2.5 ms" in series.note
    assert series.value[2] == pytest.approx(spoiled[1, :, 0].var(ddof=1))


def test_rows_of_one_time_may_be_anywhere(tmp_path):
    order = np.random.default_rng(seed(2)).permutation(1500)
    rows = np.column_stack([np.repeat(TIME, 500), SHOTS.reshape(-1, 2)])[order]
    np.savetxt(tmp_path / "s.csv", rows, delimiter=",", header="time,cos,sin", comments="", fmt="%.17g")
    (tmp_path / "experiment.toml").write_text(
        TOML.format(file="s.csv", rest='probe_duration = "1 ms"\ntime_unit = "us"').replace('"xi"', '"quadratures"')
    )
    series = datasets.read(tmp_path).series[0]
    np.testing.assert_allclose(series.value.reshape(3, 2), SHOTS.var(axis=1, ddof=1), rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,cos,sin\n1,0.1,0.2\n1,x,0.1\n", r"s.csv: line 3: column 'cos': found 'x', expected a number"),
        ("time,cos,sin\n1,0.1,0.2\n1,nan,0.1\n", r"s.csv: line 3: column 'cos': found nan, expected a finite number"),
        ("time,cos,sin\n1,0.1,0.2\n1,1e101,0.1\n", r"s.csv: row 2: found 1e\+101, expected numbers below"),
        ("time,cos,sin\n1,0.1,0.2\n", r"s.csv: 1: found one shot, expected at least two at each time"),
        ("time,cos,sin\n", r"s.csv: found no shots, expected at least two"),
        ("time,cos\n1,2\n", r"s.csv: line 1: column 'sin': found no such column, expected one of time, cos"),
        ("", r"s.csv: found an empty file, expected a header line"),
        ("time,cos,sin\n1,0.1\n", r"s.csv: line 2: found 2 cells, expected 3: time, cos, sin"),
        ('time,cos,sin\n1,0.1,0.2\n1,"0.1,0.2\n', r"s.csv: line 3: found unexpected end of data, expected cells of"),
    ],
)
def test_broken_shots(text, message, tmp_path):
    (tmp_path / "s.csv").write_text(text)
    toml = TOML.format(file="s.csv", rest='probe_duration = "1 ms"').replace('"xi"', '"quadratures"')
    (tmp_path / "experiment.toml").write_text(toml)
    with pytest.raises(ExperimentError, match=message):
        datasets.read(tmp_path)


@pytest.mark.parametrize("suffix", ["nc", "h5", "mat", "tdms"])
@pytest.mark.parametrize("content", [b"", b"not what it says" * 40])
def test_files_that_are_something_else(suffix, content, tmp_path):
    (tmp_path / f"run.{suffix}").write_bytes(content)
    folder = experiment(tmp_path, f"run.{suffix}", columns("t", "xi", "err"))
    with pytest.raises(ExperimentError, match=rf"run\.{suffix}: found .*, expected (a|an) .* file"):
        datasets.read(folder)


def test_a_truncated_file(tmp_path):
    write_hdf5(tmp_path / "run.h5")
    whole = (tmp_path / "run.h5").read_bytes()
    (tmp_path / "run.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ExperimentError, match=r"run\.h5: found OSError: .*, expected an HDF5 file"):
        datasets.read(experiment(tmp_path, "run.h5", columns("run/t", "run/xi", "run/err")))


def _hdf5(tmp_path, **arrays):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return experiment(tmp_path, "run.h5", columns("t", "xi", "err"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"t": TIME, "xj": XI, "err": ERROR},
            r"'xi'.*: found no such array, expected one of /err \(3\), /t \(3\), /xj",
        ),
        ({"t": TIME, "xi": XI[:2], "err": ERROR}, r"columns of different length: 3 of time, 2 of value, 3 of sigma"),
        ({"t": TIME, "xi": XI.reshape(3, 1) * [1, 2], "err": ERROR}, r"'xi': found an array of shape \(3, 2\)"),
        ({"t": TIME, "xi": XI * 1j, "err": ERROR}, r"'xi': found entries of type complex128, expected real numbers"),
        ({"t": TIME, "xi": [0.9, np.inf, 0.9], "err": ERROR}, r"'xi': entry 2: found inf, expected a finite number"),
        ({"t": TIME, "xi": XI, "err": 0 * ERROR}, r"sigma: row 1: found 0, expected a positive number"),
    ],
)
def test_wrong_arrays(arrays, message, tmp_path):
    with pytest.raises(ExperimentError, match=message):
        datasets.read(_hdf5(tmp_path, **arrays))


COLUMNS = 'columns = { time = "t", value = "xi", sigma = "err" }'


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ('columns = { tme = "t" }', r"series 1: columns: key 'tme' \(did you mean 'time'\?\)"),
        ('columns = { time = true }', r"columns: time: found True, expected the name of a column"),
        (COLUMNS + '\nunits = { time = "kg" }', r"units: time: found the unit 'kg', expected a unit like 'ms'"),
        (COLUMNS + "\nunits = { time = 3 }", r"units: time: found 3, expected a unit, such as 'us'"),
        ('columns = { time = "#9", value = "xi", sigma = "err" }', r"column #9: found 3 columns, expected one of them"),
        ('columns = { time = "T", value = "xi", sigma = "err" }', r"column 'T': found no such column"),
        ('separator = ", "', r"separator: found ', ', expected one character"),
        ("shots = true", r"series 1: shots: found true, expected false for xi: shots are those of light_variance"),
        (COLUMNS + '\nprobe_duration = "1 ms"', r"probe_duration: found 1 ms, expected none for xi"),
        (COLUMNS + '\npulse_time = "1 ms"', r"pulse_time: found 1 ms, expected a time from 0 to 0 ms"),
        (COLUMNS + "\nslope_used = -1.0", r"slope_used: found -1.0, expected a number > 0"),
    ],
)  # fmt: skip
def test_wrong_mappings(rest, message, tmp_path):
    (tmp_path / "run.csv").write_text("t,xi,err\n1,0.9,0.1\n")
    with pytest.raises(ExperimentError, match=message):
        datasets.read(experiment(tmp_path, "run.csv", rest))


def test_a_missing_tdms_reader_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nptdms", None)
    (tmp_path / "run.tdms").write_bytes(b"x")
    with pytest.raises(ExperimentError, match=r"expected pip install 'dissentangle\[tdms\]'"):
        datasets.read(experiment(tmp_path, "run.tdms", columns("t", "xi", "err")))


KINDS = "laboratory-d55"


def changed(tmp_path, file, old, new):
    shutil.copytree(datasets.load.__globals__["BUNDLED"] / KINDS, tmp_path / "a")
    path = tmp_path / "a" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return tmp_path / "a"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("light_variance.csv", "1.411801", "-1.4", r"cos or sin: row 1: found -1.4, expected a variance > 0"),
        ("light_variance.csv", ",3000", ",1", r"repetitions: row 1: found 1, expected at least 2 repetitions"),
        ("coupling.csv", "6,0.25", "-6,0.25", r"faraday_angle: row 1: found -6, expected an angle > 0"),
        ("orientation_beat.csv", "0,0.918007", "-1,0.9", r"delay: row 1: found -1, expected a time ≥ 0"),
        ("experiment.toml", 'noise = "gamma-single"', 'noise = "gamma"', r"noise: found gamma, expected gamma-single"),
        ("experiment.toml", 'probe_duration = "1.0 ms"', "", r"probe_duration: found nothing, expected the"),
        ("shot_noise.csv", "number,cos", "number,cosine", r"line 1: column 'cosine' .*: found an unknown column"),
    ],
)  # fmt: skip
def test_wrong_calibrations(file, old, new, message, tmp_path):
    with pytest.raises(ExperimentError, match=message):
        datasets.read(changed(tmp_path, file, old, new))


def test_a_beat_in_millivolts_is_refused(tmp_path):
    folder = changed(tmp_path, "experiment.toml", "simulated = true", "simulated = true")
    table = np.loadtxt(folder / "orientation_beat.csv", delimiter=",", skiprows=1)
    table[:, 1:] *= 1000
    np.savetxt(
        folder / "orientation_beat.csv", table, delimiter=",", header="delay,in_phase,quadrature,sigma", comments=""
    )
    with pytest.raises(ExperimentError, match=r"found a signal of size .*, expected values normalised so that"):
        datasets.read(folder)


def test_calibrations_need_the_angle_of_the_run(tmp_path):
    folder = changed(
        tmp_path, "experiment.toml", '[apparatus.faraday_angle]\nvalue = "14.0 deg"\nsigma = "0.1 deg"\n', ""
    )
    with pytest.raises(ExperimentError, match=r"series 'coupling' \(coupling.csv\): apparatus: found no faraday_angle"):
        datasets.read(folder)


OURS = 'columns = { time = "time", value = "value", sigma = "sigma" }'
PLAIN = {"value": ("time", [0.95, 0.9, 0.85]), "sigma": ("time", [0.02, 0.02, 0.02])}


def netcdf(folder, variables=PLAIN, rest=OURS, **encoding):
    dataset = xr.Dataset(variables, coords={"time": ("time", [1.0, 2.0, 3.0])})
    dataset.to_netcdf(folder / "x.nc", engine="h5netcdf", encoding=encoding)
    return datasets.read(experiment(folder, "x.nc", rest)).series[0]


def test_packed_netcdf_is_unpacked(tmp_path):
    packing = {"dtype": "int16", "scale_factor": 1e-4, "add_offset": 0.5, "_FillValue": -9999}
    np.testing.assert_allclose(netcdf(tmp_path, value=packing).value, [0.95, 0.9, 0.85], atol=1e-4)


def test_fill_values_and_dimensions_without_times_are_no_numbers(tmp_path):
    filled = {**PLAIN, "value": ("time", [0.95, np.nan, 0.85])}
    with pytest.raises(ExperimentError, match=r"'value': entry 2: found nan, expected a finite number"):
        netcdf(tmp_path, filled, value={"_FillValue": -9999.0})
    xr.Dataset(PLAIN).to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with pytest.raises(ExperimentError, match=r"'time'.*: found no such array"):
        datasets.read(experiment(tmp_path, "x.nc", OURS))


def test_units_that_a_file_states_are_used_and_may_not_be_contradicted(tmp_path):
    dataset = xr.Dataset(PLAIN, coords={"time": ("time", TIME, {"units": "us"})})
    dataset.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    np.testing.assert_allclose(datasets.read(experiment(tmp_path, "x.nc", OURS)).series[0].x, TIME / 1000)
    np.testing.assert_allclose(datasets.series_of(dataset, "xi").x, TIME / 1000)
    with pytest.raises(ExperimentError, match=r"units: time: found 's', expected 'us', as in"):
        datasets.read(experiment(tmp_path, "x.nc", OURS + '\nunits = { time = "s" }'))
    with pytest.raises(ExperimentError, match=r"units: time: found 's', expected 'us', as the data say"):
        datasets.series_of(dataset, "xi", units={"time": "s"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('time,value,sigma,note\n1,0.95,0.02,"start\n2,0.9,0.02,ok\n', r"line 2: found unexpected end of data, exp"),
        ('time,value,sigma,note\n1,0.95,0.02,"a\n2,0.9,0.02,b"\n', r"line 2: found unexpected end of data, exp"),
        ("time,value,sigma\n1_0,0.95,0.02\n", r"line 2: column 'time': found '1_0', expected a number"),
        ('time;value;sigma\n1;"0,95";0.02\n', r"line 2: column 'value': found '0,95', .* line decimal = ','"),
    ],
)  # fmt: skip
def test_broken_tables(text, message, tmp_path):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ExperimentError, match=message):
        datasets.read(experiment(tmp_path, "x.csv", OURS))


def test_a_quotation_mark_in_a_comment_is_none(tmp_path):
    (tmp_path / "x.csv").write_text('time,value,sigma\n1,0.95,0.02\n# lens, "old one\n2,0.9,0.02\n')
    assert len(datasets.read(experiment(tmp_path, "x.csv", OURS)).series[0].x) == 2


@pytest.mark.parametrize("tail", ["", ",ok"])
def test_files_without_header_keep_their_first_row(tail, tmp_path):
    (tmp_path / "x.csv").write_text("".join(f"{t},0.9,0.02{tail}\n" for t in (1, 2, 3)))
    rest = 'columns = { time = "#1", value = "#2", sigma = "#3" }'
    np.testing.assert_array_equal(datasets.read(experiment(tmp_path, "x.csv", rest)).series[0].x, [1, 2, 3])


def shots_of(folder, file, columns_="", kind="quadratures"):
    toml = TOML.format(
        file=file, rest=f"{columns_}\n" + ('probe_duration = "1 ms"' if kind == "quadratures" else "shots = true")
    )
    (folder / "experiment.toml").write_text(toml.replace('"xi"', f'"{kind}"'))
    return datasets.read(folder).series[0]


def test_shots_without_header_with_comments_and_a_byte_order_mark(tmp_path):
    rows = [f"{t},{c!r},{s!r}" for t, block in zip((1, 2, 3), SHOTS.tolist(), strict=True) for c, s in block]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n# end\n")
    series = shots_of(tmp_path, "a.csv", 'columns = { time = "#1", cos = "#2", sin = "#3" }')
    np.testing.assert_array_equal(series.spread, [500.0] * 6)
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf# run\n" + "\n".join(["time,cos,sin", *rows]).encode())
    np.testing.assert_allclose(shots_of(tmp_path, "b.csv").value, series.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_series_and_shots_agree_on_what_a_table_is(end, tmp_path):
    """Quoted numbers, all line ends, comments and columns that nobody asks for in another encoding."""
    head, rows = "# 20 °C", ['1,"0.5",0.25,"Küvette, die alte"', "# Mühe", "", '1, 0.125 ,"0.0625",ok', "1,1,0.5,ok"]
    (tmp_path / "a.csv").write_bytes(end.join([head, "time,cos,sin,note", *rows, ""]).encode("latin-1"))
    (tmp_path / "b.csv").write_bytes(end.join([head, "time,value,sigma,note", *rows, ""]).encode("latin-1"))
    x = columns("time", "value", "sigma").replace("us", "ms")
    series = datasets.read(experiment(tmp_path, "b.csv", x)).series[0]
    np.testing.assert_array_equal(series.value, [0.5, 0.125, 1.0])
    np.testing.assert_array_equal(series.spread, [0.25, 0.0625, 0.5])
    variances = [np.var(column, ddof=1) for column in (series.value, series.spread)]
    np.testing.assert_allclose(shots_of(tmp_path, "a.csv").value, variances, rtol=1e-14)


ODD = ['1,"0.5",0.25,x', "# a comment", "1, 0.5, +0.25 ,x", "", "1,.5e0,25e-2,NaN"]


@pytest.mark.parametrize("odd", [[row] for row in ODD], ids=ODD)
def test_a_long_table_is_the_same_in_pieces(odd, tmp_path, monkeypatch):
    """Whatever Arrow cannot read is read cell by cell, with the same numbers and the right line in errors."""
    for size in ("BLOCK", "SAMPLE"):
        monkeypatch.setattr(f"dissentangle.datasets.tables.text.{size}", 997)
    numbers = np.random.default_rng(seed(2)).normal(size=(400, 2))
    rows = [f"1,{a!r},{b!r},x" for a, b in numbers.tolist()]
    lines = ["t,cos,sin,note", *rows[:200], *odd, *rows[200:]]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines))
    names = {"t": "t", "cos": "cos", "sin": "sin"}
    pieces = list(Table(path, names, names).pieces())
    assert len(pieces) > 5
    found = {name: np.concatenate([piece[name] for piece in pieces]) for name in names}
    for name, column in read_table(path, names, names).items():
        np.testing.assert_array_equal(found[name], column)
    path.write_text("\n".join([*lines, "1,0.1,one,x"]))
    with pytest.raises(ExperimentError, match=rf"line {len(lines) + 1}: column 'sin': found 'one', expected a number"):
        list(Table(path, names, names).pieces())


def test_series_and_shots_in_npy(tmp_path):
    table = np.array(list(zip(TIME, XI, ERROR, strict=True)), [("time", float), ("value", float), ("sigma", float)])
    np.save(tmp_path / "fields.npy", table)
    np.save(tmp_path / "columns.npy", np.column_stack([TIME, XI, ERROR]))
    np.save(tmp_path / "order.npy", np.asfortranarray(np.column_stack([TIME, XI, ERROR])))
    expected = datasets.series_of({"time": TIME, "value": XI, "sigma": ERROR}, "xi", units={"time": "us"})
    for file, rest in (
        ("fields.npy", 'units = { time = "us" }'),
        ("columns.npy", columns("#1", "#2", "#3")),
        ("order.npy", columns("#1", "#2", "#3")),
    ):
        series = datasets.read(experiment(tmp_path, file, rest)).series[0]
        for name in ("x", "value", "spread"):
            np.testing.assert_array_equal(getattr(series, name), getattr(expected, name))
    rows = np.column_stack([np.repeat(TIME, 500), SHOTS.reshape(-1, 2)])
    np.save(tmp_path / "shots.npy", rows)
    (tmp_path / "experiment.toml").write_text(shots_toml("shots.npy", '{ time = "#1", cos = "#2", sin = "#3" }'))
    variances = datasets.read(tmp_path).series[0].value
    np.testing.assert_allclose(variances.reshape(3, 2), SHOTS.var(axis=1, ddof=1), rtol=1e-12)
    np.save(tmp_path / "cube.npy", np.zeros((2, 2, 2)))
    with pytest.raises(ExperimentError, match=r"cube.npy: found an array of shape \(2, 2, 2\), expected one row"):
        datasets.read(experiment(tmp_path, "cube.npy", columns("#1", "#2", "#3")))


def test_shot_noise_without_numbers_is_one_measurement(tmp_path):
    np.savetxt(tmp_path / "a.csv", SHOTS[0], delimiter=",", header="cos,sin", comments="")
    series = shots_of(tmp_path, "a.csv", kind="shot_noise")
    np.testing.assert_allclose(series.value, SHOTS[0].var(axis=0, ddof=1))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cos"], file["sin"] = SHOTS[0].T
    np.testing.assert_allclose(shots_of(tmp_path, "a.h5", kind="shot_noise").value, series.value)


def test_square_matrices_of_shots_are_ambiguous(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time"], file["cos"], file["sin"] = [1.0, 2.0, 3.0], SHOTS[:, :3, 0], SHOTS[:, :3, 1]
    with pytest.raises(ExperimentError, match=r"matrices of shape \(3, 3\), expected one row per shot, wri") as found:
        shots_of(tmp_path, "a.h5")
    line = next(line for line in str(found.value).splitlines() if "each column is one of the times" in line)
    arrays = {"time": np.array([1.0, 2.0, 3.0]), "cos": SHOTS[:, :3, 0].T, "sin": SHOTS[:, :3, 1].T}
    monkeypatch.chdir(tmp_path)
    exec(line.strip(), {"np": np} | arrays)
    series = shots_of(tmp_path, "a_shots.npz")
    np.testing.assert_allclose(series.value.reshape(3, 2), SHOTS[:, :3].var(axis=1, ddof=1))


def test_many_outliers_do_not_hide_each_other(tmp_path):
    spoiled = SHOTS.copy()
    spoiled[0, ::10, 0] += 1e4
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time"], file["cos"], file["sin"] = [1.0, 2.0, 3.0], spoiled[..., 0], spoiled[..., 1]
    assert "50 of cos at 1 ms" in shots_of(tmp_path, "a.h5").note


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ('units = { tim = "us" }', r"units: key 'tim'"),
        ('columns = { time = "time", cos = "cos", sin = "cos" }', r"columns: found 'cos' for two columns"),
        ('time_unit = "us"\nunits = { time = "ms" }', r"time_unit: found a second unit of the time, expected one"),
        ('separator = "\\""', r"separator: found .*, expected one character"),
    ],
)
def test_wrong_mappings_of_shots(names, message, tmp_path):
    (tmp_path / "a.csv").write_text("time,cos,sin\n1,0.1,0.2\n1,0.3,0.1\n")
    with pytest.raises(ExperimentError, match=message):
        shots_of(tmp_path, "a.csv", names)


@pytest.mark.parametrize(
    ("data", "kind", "options", "message"),
    [
        ({"time": [1.0], "value": [1.0], "repetitions": [30.0]}, "polarization", {},
         r"found neither sigma nor repetitions, expected the column sigma"),
        ({"time": [1.0], "value": [1.0], "sigma": [0.1]}, "xi", {"units": {"tme": "us"}}, r"units: key 'tme'"),
        ({"time": [1.0], "value": [1.0], "sigma": [0.1]}, "xi", {"foo": 1}, r"series: key 'foo'"),
        ({"time": [1.0], "value": [1j], "sigma": [0.1]}, "xi", {}, r"column 'value': found 1 dimensions of complex128"),
        ({"time": [1.0], "value": [1.0], "sigma": 0.1}, "xi", {}, r"column 'sigma': found 0 dimensions of float64"),
        ({"time": np.array([1], "timedelta64[ms]"), "value": [1.0], "sigma": [0.1]}, "xi", {}, r"of timedelta64"),
        ({"time": [1.0], "value": np.ma.array([1.0], mask=[True]), "sigma": [0.1]}, "xi", {}, r"found masked entries"),
        ({}, "xi", {"columns": {"sigma": 0.1}}, r"found no column in use"),
        ({"time": [1.0]}, "light", {}, r"kind: found 'light'"),
        ({"time": [1.0], "value": [1.0], "sigma": [0.1]}, "xi", {"pulse_time": "1 ms"}, r"pulse_time: found '1 ms'"),
    ],
)  # fmt: skip
def test_wrong_objects(data, kind, options, message):
    with pytest.raises(ExperimentError, match=message):
        datasets.series_of(data, kind, **options)


def test_pandas_index_and_integer_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({0: XI, 1: ERROR}, index=pandas.Index(TIME / 1000, name="t"))
    series = datasets.series_of(frame, "xi", columns={"time": "t", "value": 0, "sigma": 1})
    np.testing.assert_array_equal(series.value, XI)
    np.testing.assert_array_equal(series.x, TIME / 1000)
    twice = pandas.DataFrame([[1.0, 1.0, 0.1]], columns=["time", "value", "value"])
    with pytest.raises(ExperimentError, match=r"column 'value': found the column twice"):
        datasets.series_of(twice, "xi")


def test_no_two_series_share_a_file(tmp_path):
    first = datasets.read("fig2b-d55")
    names = ("ξ data", "series-0", "XI", "xi")
    xi = first.series[0]
    several = replace(first, series=tuple(replace(xi, name=name, scale_uncertainty=0.0) for name in names))
    changed = tuple(replace(s, value=s.value + k) for k, s in enumerate(several.series))
    several = replace(several, truth=None, series=changed)
    datasets.save(several, tmp_path / "a")
    assert datasets.load(tmp_path / "a").identical(datasets.to_tree(several))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: f.create_dataset("xi", data=h5py.Empty("f8")), r"found entries of type float64, expected real"),
        (lambda f: f.create_dataset("xi", shape=(10**13,), dtype="f8", chunks=(1000,)), r"expected at most 16 GB"),
        (lambda f: f.create_dataset("xi", shape=(0,), dtype="f8"), r"found an empty array, expected numbers"),
    ],
)  # fmt: skip
def test_hostile_arrays(make, message, tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["t"], file["err"] = TIME, ERROR
        make(file)
    with pytest.raises(ExperimentError, match=message):
        datasets.read(experiment(tmp_path, "run.h5", columns("t", "xi", "err")))


@pytest.mark.parametrize("kind", ["light_variance", "shot_noise"])
def test_simulated_shots_reduce_to_their_series(kind, tmp_path):
    series = next(s for s in datasets.read("laboratory-d55").series if s.kind == kind)
    datasets.write_shots(series, tmp_path / "s.csv", seed=seed(1))
    names = "" if kind == "light_variance" else 'columns = { number = "number" }'
    found = shots_of(tmp_path, "s.csv", names, "quadratures" if kind == "light_variance" else kind)
    np.testing.assert_allclose(found.value, series.value, rtol=1e-12)
    np.testing.assert_array_equal(found.spread, series.spread)
    np.testing.assert_allclose(found.x, series.x)
    with pytest.raises(ExperimentError, match=r"series 'xi': found xi, expected one of light_variance, shot_noise"):
        datasets.write_shots(datasets.read("fig2b-d55").series[0], tmp_path / "x.csv", seed=seed(1))


def test_a_file_without_arrays_and_one_that_is_damaged_inside(tmp_path):
    h5py.File(tmp_path / "run.h5", "w").close()
    folder = experiment(tmp_path, "run.h5", columns("t", "xi", "err"))
    with pytest.raises(ExperimentError, match=r"run.h5: found no arrays, expected an HDF5 file"):
        datasets.read(folder)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["t"], file["err"] = TIME, ERROR
        file.create_dataset("xi", data=np.tile(XI, 2000), compression="gzip")
    whole = bytearray((tmp_path / "run.h5").read_bytes())
    start = whole.find(b"\x78\x5e") if whole.find(b"\x78\x5e") > 0 else len(whole) - 60  # a zlib stream
    whole[start + 4 : start + 24] = bytes(20)
    (tmp_path / "run.h5").write_bytes(bytes(whole))
    with pytest.raises(ExperimentError, match=r"run.h5: found .*, expected an HDF5 file that is whole"):
        datasets.read(folder)


def test_a_table_needs_a_column_of_the_file(tmp_path):
    (tmp_path / "x.csv").write_text("t,x,e\n1,0.9,0.1\n")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["other"] = TIME
    with pytest.raises(
        ExperimentError, match=r"x.h5: found no column of the file in use, expected columns time, value"
    ):
        datasets.read(experiment(tmp_path, "x.h5", "columns = { time = 1, value = 1, sigma = 1 }"))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((3, 5), (3, 4)), r"arrays of shapes \(3, 5\) and \(3, 4\), expected two of one shape"),
        (((4, 5), (4, 5)), r"3 times, arrays of shape \(4, 5\), expected one entry per row"),
    ],
)
def test_shots_of_impossible_shapes(shapes, message, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time"], file["cos"], file["sin"] = [1.0, 2.0, 3.0], np.ones(shapes[0]), np.ones(shapes[1])
    with pytest.raises(ExperimentError, match=message):
        shots_of(tmp_path, "a.h5")


def test_too_many_times_are_no_repetitions(tmp_path, monkeypatch):
    monkeypatch.setattr("dissentangle.datasets.formats.shots.MOST_TIMES", 2)
    (tmp_path / "a.csv").write_text("time,cos,sin\n" + "".join(f"{t},0.1,0.2\n" for t in (1, 2, 3)))
    with pytest.raises(ExperimentError, match=r"found more than 2 times, expected many shots at each of a few times"):
        shots_of(tmp_path, "a.csv")


def test_components_of_a_point_belong_together():
    laboratory = datasets.read("laboratory-d55")
    light = laboratory.series[0]
    for changes, message in (
        ({"spread": light.spread + np.arange(30)}, r"found different entries for the cos and sin of a point"),
        ({"component": None}, r"component: found incomplete points, expected cos, sin of each point"),
    ):
        wrong = replace(laboratory, series=(replace(light, **changes), *laboratory.series[1:]))
        with pytest.raises(ExperimentError, match=message):
            datasets.from_tree(datasets.to_tree(wrong)) if changes.get("component", 0) is not None else check(wrong)
    xi = datasets.read("fig2b-d55")
    one = replace(xi.series[0], component=np.zeros(30, np.int8))
    with pytest.raises(ExperimentError, match=r"component: found components, expected none for xi"):
        check(replace(xi, series=(one,)))


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [("T (µs)", "", 1e-3), ("T [us]", "", 1e-3), ("T / s", "", 1e3), ("T (ms)", "", 1), ("T (run 3)", "", 1),
     ("t_us", "", 1e-3), ("Time s", "", 1e3), ("T in ms", "", 1), ("delays", "", 1),
     ("T", "", 1), ("T (us)", 'time_unit = "s"', 1e3)],
)  # fmt: skip
def test_the_unit_in_the_name_of_a_column(name, unit, factor, tmp_path):
    """It counts, and is told, where no other one is given."""
    times = np.array([1, 2.5]) / factor
    (tmp_path / "x.csv").write_text(f"{name};xi;err\n" + "".join(f"{t!r};0.9;0.1\n" for t in times.tolist()))
    names = f'columns = {{ time = "{name}", value = "xi", sigma = "err" }}\n{unit}'
    series = datasets.read(experiment(tmp_path, "x.csv", names)).series[0]
    np.testing.assert_allclose(series.x, [1, 2.5])
    assert ("as the name of its column says" in series.note) == (factor != 1 and not unit)


def test_what_was_found_is_a_note_of_the_series_besides_its_own(tmp_path):
    (tmp_path / "x.csv").write_text("time;value;sigma\n1;0,9;0,1\n")
    series = datasets.read(experiment(tmp_path, "x.csv", 'note = "lamp old"')).series[0]
    assert series.note == "lamp old; x.csv: found cells separated by semicolons, decimal commas"
    np.savetxt(tmp_path / "s.txt", np.column_stack([np.repeat(TIME, 500), SHOTS.reshape(-1, 2)]), header="time cos sin")
    (tmp_path / "experiment.toml").write_text(shots_toml("s.txt", '{ time = "time", cos = "cos", sin = "sin" }'))
    series = datasets.read(tmp_path).series[0]
    np.testing.assert_allclose(series.value.reshape(3, 2), SHOTS.var(axis=1, ddof=1), rtol=1e-12)
    read, form = "500 shots at each of 3 times, cos and sin", "found cells separated by blanks, names in line 1"
    assert series.note == f"s.txt: {read}; s.txt: {form}"


def test_the_unit_that_a_file_of_shots_states(tmp_path):
    rows = "".join(f"{t};{c!r};{s!r}\n" for t, block in zip(TIME, SHOTS.tolist(), strict=True) for c, s in block)
    (tmp_path / "s.csv").write_text("T (us);cos;sin\n" + rows)
    found = shots_of(tmp_path, "s.csv", 'columns = { time = "T (us)", cos = "cos", sin = "sin" }')
    np.testing.assert_allclose(found.x[::2], TIME / 1000)
    assert found.note.endswith("separated by semicolons; time in us, as the name of its column says")
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["time"], file["cos"], file["sin"] = TIME, SHOTS[..., 0], SHOTS[..., 1]
        file["time"].attrs["units"] = "us"
    np.testing.assert_allclose(shots_of(tmp_path, "s.h5").value, found.value, rtol=1e-12)
    np.testing.assert_array_equal(shots_of(tmp_path, "s.h5").x, found.x)
    with pytest.raises(ExperimentError, match=r"units: time: found 's', expected 'us', as in .*s.h5"):
        shots_of(tmp_path, "s.h5", 'units = { time = "s" }')
