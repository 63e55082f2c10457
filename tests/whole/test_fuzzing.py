"""Files that are damaged are read or refused, whatever is wrong with them; `benchmarks/fuzzing.py` tries more."""

import random
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.errors import violation
from dissentangle.datasets.files import open_source, read_attributes, write_tree
from dissentangle.datasets.files.matlab import read_version_5
from dissentangle.datasets.formats.shots import read_shots, reduce_shots
from dissentangle.datasets.photocurrent.photocurrent import open_photocurrent
from dissentangle.inference.fits.file import read_fit
from dissentangle.inference.model.priors import PriorError, parse_prior
from dissentangle.inference.text.fit import truth_of

pytestmark = pytest.mark.slow

SHAPE = "'shape': (9,), 'fortran_order': False, 'descr': '<i2'"


def damaged(content, rng):
    """A few bits flipped, a block doubled, zeroed or cut off."""
    data = bytearray(content)
    at, length = rng.randrange(min(len(data), 4096)), 2 ** rng.randrange(9)
    what = rng.randrange(4)
    if what == 0:
        for _ in range(rng.randrange(1, 20)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif what == 1:
        data[at:at] = data[at : at + length]
    elif what == 2:
        data[at : at + length] = bytes(length)
    else:
        del data[at:]
    return bytes(data)


@pytest.mark.parametrize("suffix", ["csv", "toml", "h5", "v5.mat", "npy", "npz", "parquet"])
def test_damaged_files_are_read_or_refused(suffix, tmp_path):
    rng, numbers = random.Random(suffix), {"time": np.arange(1.0, 6), "value": np.ones(5), "sigma": np.ones(5) / 50}
    folder = tmp_path / "experiment"
    folder.mkdir()
    file = folder / f"xi.{suffix if suffix != 'toml' else 'csv'}"
    if suffix in ("csv", "toml"):
        file.write_text("time,value,sigma\n" + "".join(f"{k},0.9,0.02\n" for k in range(1, 6)))
    elif suffix == "h5":
        with h5py.File(file, "w") as new:
            for name, values in numbers.items():
                new.create_dataset(name, data=values)
    elif suffix == "v5.mat":
        scipy.io.savemat(file, numbers)
    elif suffix == "npz":
        np.savez(file, **numbers)
    elif suffix == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").table(numbers), file, compression="none")
    else:
        np.save(file, np.arange(500, dtype=np.int16))
    toml = folder / "experiment.toml"
    toml.write_text(
        'format_version = 1\ntitle = "t"\nsimulated = false\n[[stage]]\nduration = "20 ms"\ndrive = true\n'
        f'[[series]]\nkind = "xi"\nfile = "{file.name}"\n' + "# a comment\n" * 100
    )
    target = toml if suffix == "toml" else file
    whole, outcomes = target.read_bytes(), {"read": 0, "refused": 0}
    for _ in range(60):
        target.write_bytes(damaged(whole, rng))
        try:
            if suffix == "npy":
                with open_photocurrent(file, sample_rate="1 MHz") as stream:
                    stream.read(0, stream.length)
            else:
                datasets.read(folder)
            outcomes["read"] += 1
        except ExperimentError as error:
            assert str(error).replace("\n", "").isprintable()
            outcomes["refused"] += 1
    assert outcomes["read"] and outcomes["refused"]


@pytest.mark.parametrize("header", ["'''", "{[]: 1}", f"{{{SHAPE}", "(" * 300, f"{{{SHAPE.replace('9', '9' * 30)}}}"])
def test_a_npy_header_that_is_no_header(header, tmp_path):
    path = tmp_path / "raw.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    with (
        pytest.raises(ExperimentError, match=r"raw.npy: found .*expected a .npy file"),
        open_photocurrent(path, sample_rate="1 MHz"),
    ):
        pass


def test_an_archive_is_no_npy_file(tmp_path):
    path = tmp_path / "raw.npy"
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(9))
    with (
        pytest.raises(ExperimentError, match=r"expected a .npy file"),
        open_photocurrent(path, sample_rate="1 MHz"),
    ):
        pass


def test_gigabytes_that_were_never_written(tmp_path):
    path = tmp_path / "raw.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("samples", (1 << 30,), "f8", chunks=(1 << 16,), compression="gzip")
        file.create_dataset("triggers", (1 << 20,), "f8", chunks=(1 << 16,))
    with open_source(path) as source:
        with pytest.raises(ExperimentError, match=r"'samples': found 8192 MB, of which 0 bytes were written"):
            source.array("samples")
        with pytest.raises(
            ExperimentError, match=r"'triggers': found an array of shape .*expected at most 100000 rows"
        ):
            source.column("triggers")
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        file.create_dataset("big", (1 << 26,), "f8", chunks=(1 << 16,))
    with pytest.raises(ExperimentError, match=r"a.nc: big: found 512 MB, of which 0 bytes were written"):
        datasets.load(tmp_path / "a.nc")


@pytest.mark.parametrize("suffix", ["nc", "h5", "mat"])
def test_data_in_other_files(suffix, tmp_path):
    (tmp_path / "raw").write_bytes(np.ones(4).tobytes())
    path = tmp_path / f"a.{suffix}"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (4,), "f8", external=[(str(tmp_path / "raw"), 0, 32)])
    with pytest.raises(ExperimentError, match=r"found data in another file"), open_source(path) as source:
        source.array("a")
    if suffix == "nc":
        with pytest.raises(ExperimentError, match=r"a.nc: a: found data in another file, expected data in the file"):
            datasets.load(path)


def test_a_heap_without_end(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["cos"] = np.ones((2, 3))
        file.attrs["a"] = "text"
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 4096] = bytes(4080)
    path.write_bytes(content)
    with pytest.raises(ExperimentError, match=r"found a damaged heap at byte \d+, expected an HDF5"), open_source(path):
        pass
    with pytest.raises(ExperimentError, match="a damaged heap"):
        read_attributes(path)
    path.rename(tmp_path / "a.nc")
    with pytest.raises(ExperimentError, match="a damaged heap"):
        datasets.load(tmp_path / "a.nc")


def test_heaps_within_heaps(tmp_path):
    """Every second block of 16 bytes begins a heap of all the rest, whose objects hide the other heaps."""
    heap, hiding = b"GCOL\x01\0\0\0" + (1 << 20).to_bytes(8, "little"), b"\1".ljust(8, b"\0") + b"\x10".ljust(8, b"\0")
    (tmp_path / "a.h5").write_bytes((heap + hiding) * (1 << 15))
    with pytest.raises(ExperimentError, match="found a damaged heap at byte"), open_source(tmp_path / "a.h5"):
        pass


def test_samples_without_bounds():
    samples = np.zeros(20_000)
    samples[7] = -1e300
    with pytest.raises(ExperimentError, match=r"sample 7: found -1e\+300, expected a number below 1e\+30"):
        datasets.demodulate(
            samples, larmor="100 kHz", sample_rate="1 MHz", length="1 ms", period="2 ms", shot_noise=1e-6
        )


@pytest.mark.parametrize("scale", [np.inf, np.nan, 1e300, 0.0, 1e-320])
def test_counts_that_are_no_volts(scale, tmp_path):
    """They were records of NaN."""
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file["samples"] = np.zeros(20_000, np.int16)
        file["samples"].attrs["volts_per_count"] = scale
    with (
        pytest.raises(ExperimentError, match=r"attribute volts_per_count: found \S+, expected 1e-30 to 1e\+09 V"),
        open_photocurrent(tmp_path / "raw.h5", sample_rate="1 MHz"),
    ):
        pass


def test_groups_too_deep(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(40):
            group = group.create_group("g")
    with pytest.raises(ExperimentError, match="found groups too deep or too many"), open_source(tmp_path / "a.h5"):
        pass


def test_links_in_a_circle(tmp_path, monkeypatch):
    """Before Python 3.13 pathlib raises RuntimeError for them."""
    from dissentangle.datasets.formats.folder import inside

    (tmp_path / "a").symlink_to(tmp_path / "a")

    def resolve(path):
        raise RuntimeError("Symlink loop")

    monkeypatch.setattr(type(tmp_path), "resolve", resolve)
    with pytest.raises(ExperimentError, match=r"file: found 'a', expected the name of a file \(Symlink loop\)"):
        inside("x", "a", tmp_path)


def test_a_line_without_end(tmp_path):
    path = tmp_path / "shots.csv"
    path.write_bytes(b"time,cos,sin\n" + b"1" * (18 << 20))
    with pytest.raises(ExperimentError, match="found a line of more than 16 MB, expected a row per line"):
        read_shots(path, {"time": "time", "cos": "cos", "sin": "sin"})


def test_shots_narrower_than_numbers_can_tell(tmp_path):
    """Their distance in widths overflows."""
    shots = np.tile([1e-320, 2e-320, 3e-320], 10)
    shots[7] = 1.0
    reduced = reduce_shots(iter([(np.zeros(30), np.stack([shots, shots], axis=1))]), ("cos", "sin"), "x")
    assert "inf" in reduced.note
    assert np.isfinite(reduced.variance).all()


def test_toml_that_is_nested_without_end(tmp_path):
    path = tmp_path / "sharing.toml"
    path.write_text("[sharing]\nx = " + "[" * 50_000)
    with pytest.raises(ExperimentError, match="found invalid TOML"):
        datasets.read_sharing(path)


def test_settings_of_a_fit_that_cannot_be_read(tmp_path):
    tree = datasets.load("fig2b-d35")
    from xarray import DataTree

    text = dict.fromkeys(("verdict", "engine", "engine_reason", "title", "data_sha256"), "x")
    text |= {"healthy": 1, "attempts": 1, "simulated": 1, "quadrature_error": 0.0, "versions": "{}", "timings": "{}"}
    wrong = '{"model": {"' + 9000 * "x" + '": 1}}'
    for settings in ("[" * 50_000, '{"model": {"dynamics": 1}}', '{"model": []}', wrong):
        fit = DataTree(
            children={name: DataTree() for name in ("posterior", "summary", "derived")} | {"experiment": tree}
        )
        fit.attrs = {"inference_library": "dissentangle", "settings": settings, **text}
        write_tree(fit, tmp_path / "fit.nc")
        with pytest.raises(ExperimentError, match=r"found settings that cannot be read, expected a whole fit .{,303}$"):
            read_fit(tmp_path / "fit.nc")
    assert inference.read_fit is read_fit


def test_messages_can_be_printed_and_are_short():
    assert str(violation("a", "\x1b[2J\x00\ud800é", "b")) == r"a: found \x1b[2J\x00\ud800é, expected b"
    assert len(str(violation("a" * 10_000, "b" * 10_000, "c" * 10_000))) < 1100
    with pytest.raises(PriorError, match=r"^prior collective_rate = 'x+…x+': expected lognormal") as raised:
        parse_prior("collective_rate", "x" * 70_000)
    assert len(str(raised.value)) == 1000
    assert str(PriorError("\x1b[2J")) == r"\x1b[2J"


# MATLAB 5: by hand what SciPy does not write, the rest against SciPy


def element(kind, content):
    return kind.to_bytes(4, "little") + len(content).to_bytes(4, "little") + content + bytes(-len(content) % 8)


def matrix(kind, shape, name, *more, flags=0):
    numbers = np.array([kind | flags, 0], "<u4").tobytes()
    head = element(6, numbers), element(5, np.array(shape, "<i4").tobytes()), element(1, name)
    return element(14, b"".join((*head, *more)))


def mat(path, *parts):
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + b"".join(parts))
    return path


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 8, (3 << 20) + 5])
def test_matlab_5_in_blocks(size, tmp_path):
    values = np.random.default_rng(size).integers(0, 4, size).astype("u1")  # compressed four times
    scipy.io.savemat(tmp_path / "a.mat", {"a": values}, do_compression=True)
    np.testing.assert_array_equal(read_version_5(tmp_path / "a.mat")["a"].ravel(), values)


def test_matlab_that_is_larger_than_the_memory(tmp_path):
    with mat(tmp_path / "a.mat").open("ab") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(ExperimentError, match=r"more than 1 GB: save with -v7.3"), open_source(tmp_path / "a.mat"):
        pass


def test_scipy_is_given_nothing_but_version_4(tmp_path, monkeypatch):
    """Its reader of version 5 takes these, and ends the process for some of them."""
    scipy.io.savemat(tmp_path / "old.mat", {"a": np.arange(3.0)}, format="4")
    with open_source(tmp_path / "old.mat") as source:
        np.testing.assert_array_equal(source.column("a"), np.arange(3.0))
    content = bytearray((tmp_path / "old.mat").read_bytes())
    content[:4] = (4000).to_bytes(4, "little")
    (tmp_path / "old.mat").write_bytes(content)
    with (
        pytest.raises(ExperimentError, match=r"byte ordering 'Cray'.*, expected a MATLAB file"),
        open_source(tmp_path / "old.mat"),
    ):
        pass
    monkeypatch.setattr(scipy.io, "loadmat", None)
    path = mat(tmp_path / "a.mat", matrix(6, (1, 1), b"a", ONE))
    for end in (b"IN", b"XX"):
        path.write_bytes(path.read_bytes()[:126] + end + path.read_bytes()[128:])
        with pytest.raises(ExperimentError, match="neither a header of MATLAB nor that of HDF5"), open_source(path):
            pass


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_5_as_scipy_writes_it(compressed, tmp_path):
    given = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.arange(4, dtype="i2"),
        "z": np.array([1 + 2j]),
        "t": "text",
        "cell": np.array([1, "a"], object),
        "s": {"t": {"u": np.eye(3)}, "v": 1.5},
        "flag": np.array([True]),
    }
    scipy.io.savemat(tmp_path / "a.mat", given, do_compression=compressed)
    found, expected = read_version_5(tmp_path / "a.mat"), scipy.io.loadmat(tmp_path / "a.mat")
    assert set(found) == {"a", "b", "z", "t", "cell", "s.t.u", "s.v", "flag"}
    for name in ("a", "b", "z", "flag"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_array_equal(found["s.t.u"], np.eye(3))
    assert found["b"].dtype == np.int16


def test_matlab_strings_and_tables_are_passed_over(tmp_path):
    opaque = element(14, element(6, np.array([17, 0], "<u4").tobytes()) + element(1, b"text") + element(1, b"MCOS"))
    numbers = matrix(6, (1, 2), b"a", element(9, np.array([1.0, 2.0]).tobytes()))
    assert set(read_version_5(mat(tmp_path / "a.mat", opaque, numbers))) == {"a"}


ONE = element(9, np.array([1.0]).tobytes())
BOMB = zlib.compress((14).to_bytes(4, "little") + (0xFFFFFFF0).to_bytes(4, "little") + bytes(64))

SHORT = zlib.compress((14).to_bytes(4, "little") + (1000).to_bytes(4, "little") + bytes(64))


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((b"\x0e\0\0",), "an element that is cut off"),
        ((element(14, bytes(8))[:12],), "an element that is cut off"),
        (((0x00090001).to_bytes(4, "little") + bytes(8),), "a small element of more than 4 bytes"),
        ((matrix(6, (5, 5), b"a", ONE),), r"the array 'a' of \(5, 5\) with 1 numbers"),
        ((matrix(6, (1 << 30, 1 << 30), b"a", ONE),), "with 1 numbers"),
        ((matrix(6, (1,), b"a", ONE),), r"the array 'a' with flags \[6, 0\] and dimensions \(1,\)"),
        ((matrix(6, (1, 1), b"a", element(99, bytes(8))),), "an element of type 99"),
        ((matrix(6, (1, 1), b"a", element(9, bytes(7))),), "an element with a part of a number"),
        ((matrix(6, (1, 1), b"a", ONE, flags=0x0800),), "an element of type 0"),
        ((matrix(2, (1, 1), b"s", element(5, bytes(4)), element(1, b"abcd")),), "the struct 's' with names of"),
        ((matrix(2, (1, 1), b"s", element(5, b"\4\0\0\0"), element(1, b"abc\0")),), "without its field 'abc'"),
        ((element(15, BOMB)[: 8 + len(BOMB)],), "more than 1 GB: save with -v7.3"),
        ((element(15, SHORT)[: 8 + len(SHORT)],), "an element of another size than it says"),
        ((element(15, b"nothing")[:15],), "decompressing"),
    ],
)
def test_matlab_5_that_is_damaged(parts, text, tmp_path):
    path = mat(tmp_path / "a.mat", *parts)
    with pytest.raises(ExperimentError, match=text), open_source(path):
        pass


def test_matlab_structs_without_end(tmp_path):
    inner = matrix(6, (1, 1), b"", ONE)
    for _ in range(30):
        inner = matrix(2, (1, 1), b"", element(5, b"\4\0\0\0"), element(1, b"abc\0"), inner)
    with pytest.raises(ExperimentError, match="nested too deep"), open_source(mat(tmp_path / "a.mat", inner)):
        pass


# What libraries print, the user should not have to read: pytest turns warnings into errors


def test_a_netcdf_file_without_dimensions(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["a"] = np.arange(3.0)
    with open_source(tmp_path / "a.nc") as source:
        np.testing.assert_array_equal(source.column("a"), np.arange(3.0))
    with pytest.raises(ExperimentError, match=r"a.nc: found no attribute format_version"):
        datasets.read(tmp_path / "a.nc")


def test_netcdf_attributes_that_contradict_each_other(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["a"] = np.arange(3.0)
        file["a"].attrs.update(_FillValue=9.0, missing_value=8.0, _Unsigned="true")
    with open_source(tmp_path / "a.nc") as source:
        np.testing.assert_array_equal(source.column("a"), np.arange(3.0))
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "b.nc")
    with h5py.File(tmp_path / "b.nc", "r+") as file:
        file["stages/duration"].attrs.update(_FillValue=9.0, missing_value=8.0, _Unsigned="true")
    assert datasets.read(tmp_path / "b.nc").stages == datasets.read("fig2b-d35").stages


@pytest.mark.parametrize("value", ["", "nan", 1j, [1.0, 2.0], h5py.Empty("f8")])
@pytest.mark.parametrize(
    ("group", "key"), [("series/xi", "scale_uncertainty"), ("series/xi", "tail"), ("apparatus/optical_depth", "sigma")]
)
def test_attributes_that_are_no_numbers(group, key, value, tmp_path):
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        file[group].attrs[key] = value
    with pytest.raises(ExperimentError, match=rf"{key}: found .*, expected a real number"):
        datasets.read(tmp_path / "a.nc")


@pytest.mark.parametrize("shape", [(2, 2, 30), (3,), ()])
def test_exclusions_of_other_points(shape, tmp_path):
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        del file["series/xi/excluded"]
        file["series/xi/excluded"] = np.ones(shape, np.int8)
    with pytest.raises(ExperimentError, match=r"series 'xi': excluded: found dimensions .*, expected those of value"):
        datasets.read(tmp_path / "a.nc")


def test_exclusions_that_are_neither_true_nor_false(tmp_path):
    """By _FillValue, all were NaN, and so excluded."""
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        file["series/xi/excluded"].attrs["_FillValue"] = np.int8(0)
    with pytest.raises(ExperimentError, match=r"series 'xi': excluded: found other values, expected 0 or 1"):
        datasets.read(tmp_path / "a.nc")


def test_stages_without_runs(tmp_path):
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        del file["stages/run"]
        file["stages/run"] = np.zeros(0)
    with pytest.raises(ExperimentError, match=r"found IndexError: .*expected the layout of an experiment"):
        datasets.read(tmp_path / "a.nc")


def write_tdms(path, *names):
    nptdms = pytest.importorskip("nptdms")
    with nptdms.TdmsWriter(path) as file:
        for name in names:
            file.write_segment([nptdms.ChannelObject("g", name, np.arange(5.0))])
    return path


@pytest.mark.parametrize(
    ("kept", "text"), [(-9, "less data than expected"), (-60, "Last segment metadata is incomplete")]
)
def test_a_tdms_file_that_is_cut_off_is_not_read_in_part(kept, text, tmp_path, capfd):
    path = write_tdms(tmp_path / "a.tdms", "first", "second")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ExperimentError, match=rf"a.tdms: found ValueError: .*{text}"), open_source(path):
        pass
    assert capfd.readouterr().err == ""


def test_a_tdms_file_with_texts_in_another_encoding(tmp_path, capfd):
    path = write_tdms(tmp_path / "a.tdms", "value", "time in µs")
    path.write_bytes(path.read_bytes().replace("µs".encode(), b"\xb5\xb5s"))
    with open_source(path) as source:
        np.testing.assert_array_equal(source.column("/g/value"), np.arange(5.0))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("group", "name", "change", "text"),
    [
        ("summary", "ess_tail", None, "summary: found no 'ess_tail', expected a whole fit"),
        ("posterior", "collective_rate", None, "posterior: found no 'collective_rate'"),
        ("observed_data", "xi", None, "observed_data: found no 'xi'"),
        (
            "posterior",
            "initial_n3",
            "V9",
            r"posterior: initial_n3: found \|V9 of dimensions \('chain', 'draw'\)",
        ),
        ("posterior", "initial_n3", "f2", "posterior: initial_n3: found float16 of dimensions"),
        ("observed_data", "xi", "f8", r"observed_data: xi: found dimensions {.*}, expected xi_time: 30"),
        ("posterior", "collective_rate", "f8", r"collective_rate: found dimensions {.*}, expected chain, draw"),
        ("derived", "xi_minimum", "f8", r"derived: xi_minimum: found .*dimensions"),
    ],
)
def test_a_fit_with_other_groups_than_those_of_a_fit(group, name, change, text, fit_file):
    with h5py.File(fit_file, "r+") as file:
        shape = file[group][name].shape
        del file[group][name]
        if change is not None:
            same = change != "f8"
            file[group].create_dataset(name, shape if same else (1, *shape), change)
            for k, dim in enumerate(("chain", "draw") if same else ()):
                file[group][name].dims[k].attach_scale(file[group][dim])
    with pytest.raises(ExperimentError, match=text):
        read_fit(fit_file)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("timings", None, "found no attribute 'timings', expected a whole fit"),
        ("timings", 1.5, "attribute timings: found .*1.5.*, expected a text"),
        ("timings", '{"sample": []}', "attribute timings: found .*, expected the table of a whole fit"),
        ("versions", "[]", "attribute versions: found .*, expected the table of a whole fit"),
        ("attempts", 1.5, "attribute attempts: found .*, expected a number"),
        ("healthy", "yes", "attribute healthy: found yes, expected a number"),
        ("settings", '{"model": {}, "sampler": {"sed": 1}}', "found settings that cannot be read.*'sed'"),
        ("settings", '{"model": {}, "sampler": {"seed": 1, "draws": 1000000000}}', "draws: found 1000000000, expected"),
        ("settings", '{"model": {}, "sampler": {"seed": 1, "tune": 1.5}}', "tune: found 1.5, expected a whole number"),
        ("settings", '{"model": {}, "sampler": {"seed": "x"}}', "settings: sampler: seed: found x, expected a whole"),
        ("settings", '{"model": {}, "sampler": {"seed": 1, "draws": true}}', "draws: found True, expected a whole"),
        ("settings", '{"model": {}, "sampler": {"seed": 1, "chains": 0}}', "chains: found 0, expected a whole number"),
        ("settings", '{"model": {}, "sampler": {"seed": 1, "target_accept": "a"}}', "target_accept: found a, expected"),
        (
            "settings",
            '{"model": {}, "sampler": {"seed": 1, "engine": "foo"}}',
            "engine: found foo, expected one of fast",
        ),
    ],
)
def test_a_fit_with_other_attributes_than_those_of_a_fit(key, value, text, fit_file):
    with h5py.File(fit_file, "r+") as file:
        del file.attrs[key]
        if value is not None:
            file.attrs[key] = value
    with pytest.raises(ExperimentError, match=text):
        read_fit(fit_file)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ("posterior/collective_rate", -0.25, "posterior: collective_rate: found -0.25, expected draws from lognormal"),
        ("posterior/collective_rate", 0.0, "posterior: collective_rate: found 0, expected draws from lognormal"),
        ("posterior/squeezing_limit", np.nan, "posterior: squeezing_limit: found nan, expected draws from normal"),
        ("posterior_predictive/xi", 1e300, r"posterior_predictive: xi: found 1e\+300, expected numbers up to"),
        ("posterior_predictive/xi", np.nan, r"posterior_predictive: xi: found nan, expected numbers up to"),
        ("prior/optical_depth", np.nan, "prior: optical_depth: found nan, expected numbers up to"),
        ("prior/optical_depth", 1e300, r"prior: optical_depth: found 1e\+300, expected numbers up to"),
        ("summary/contraction", np.nan, "summary: found contractions of other parameters, expected those of the"),
        (
            "log_likelihood/chain",
            -1,
            "log_likelihood: found 4 chains, expected the numbers of the others' chains",
        ),
        ("log_likelihood/xi", np.nan, r"log_likelihood: xi: found nan, expected numbers up to"),
        ("summary/mean", 0.5, r"summary: found collective_rate: mean 0.5, expected that of the draws"),
        ("summary/sd", 0.5, r"summary: found collective_rate: sd 0.5, expected that of the draws"),
        ("experiment/series/xi/value", 0.77, r"experiment: xi: found 0.77, expected .*, which was fitted"),
        ("observed_data/xi", 0.77, r"experiment: xi: found .*, expected 0.77, which was fitted"),
        ("summary/sd", np.nan, "summary: found collective_rate = .* ± nan, expected finite numbers"),
        ("summary/parameter", b"colective_rate", "summary: found colective_rate = .*, expected finite numbers of its"),
    ],
)
def test_a_fit_with_other_numbers_than_those_of_a_fit(place, value, text, fit_file):
    with h5py.File(fit_file, "r+") as file:
        file[place][(0,) * file[place].ndim] = value
    with pytest.raises(ExperimentError, match=text):
        read_fit(fit_file)


@pytest.mark.parametrize(("group", "name"), [("prior", "optical_depth"), ("derived", "xi_minimum")])
def test_a_fit_without_one_of_its_variables(group, name, fit_file):
    with h5py.File(fit_file, "r+") as file:
        del file[group][name]
    with pytest.raises(ExperimentError, match=f"{group}: found no '{name}', expected a whole fit"):
        read_fit(fit_file)


@pytest.mark.parametrize("name", datasets.read("fig2b-d35").truth.parameters)
def test_a_truth_that_is_incomplete(name):
    """Somebody wrote it by hand: its values are shown as far as they go."""
    whole = datasets.read("fig2b-d35")
    known = {label: value for label, value in whole.truth.parameters.items() if label != name}
    found = truth_of(replace(whole, truth=replace(whole.truth, parameters=known)))
    assert known.items() <= found.items()
    assert all(np.isfinite(value) for value in found.values())


def test_a_fit_with_short_numbers_prints_no_warning(fit_file, recwarn):
    with h5py.File(fit_file, "r+") as file:
        numbers = file["posterior/chain"][...].astype("f2")
        file["extra"] = numbers
        file["extra"].make_scale("extra")
    read_fit(fit_file)
    assert not recwarn.list


def test_a_fit_of_other_points_than_those_of_its_experiment(fit_file):
    with h5py.File(fit_file, "r+") as file:
        file["experiment/series/xi/excluded"][3] = 1
    expected = r"posterior_predictive: xi: found dimensions .*'xi_time': 30}, expected chain, draw, xi_time: 29"
    with pytest.raises(ExperimentError, match=expected):
        read_fit(fit_file)


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "fit.nc"
    inference.save_fit(inference.fit("fig2b-d35", seed=1, draws=20, tune=100), path)
    return path


@pytest.fixture
def fit_file(whole_file, tmp_path):
    """One that may be damaged."""
    return Path(shutil.copy(whole_file, tmp_path))
