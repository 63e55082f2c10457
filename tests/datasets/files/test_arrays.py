"""Arrays of .npz and Parquet files, and single columns of arrays of several channels."""

import h5py
import numpy as np
import pytest
import scipy.io

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, demodulate
from dissentangle.datasets.files import column_of, open_source

from ...seeds import seed
from ..driven import DRIVEN

pa = pytest.importorskip("pyarrow")
MATRIX = np.arange(12.0).reshape(4, 3)


def write_parquet(path):
    import pyarrow.parquet as pq

    columns = {"t": [1.0, 2.0, 3.0], "xi": [0.9, None, 0.8], "word": ["a", "b", "c"], "n": [1, 2, 3]}
    pq.write_table(pa.table(columns), path)


def test_columns_of_a_parquet_file(tmp_path):
    write_parquet(tmp_path / "a.parquet")
    with open_source(tmp_path / "a.parquet") as source:
        np.testing.assert_array_equal(source.column("t"), [1, 2, 3])
        np.testing.assert_array_equal(source.array("n")[1:], [2, 3])
        with pytest.raises(ExperimentError, match=r"'xi': entry 2: found nan, expected a finite number"):
            source.column("xi")
        with pytest.raises(ExperimentError, match=r"'word': found entries of type object, expected real numbers"):
            source.column("word")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not at all")
    with (
        pytest.raises(ExperimentError, match=r"b.parquet: found .*, expected a Parquet file"),
        open_source(tmp_path / "b.parquet"),
    ):
        pass


def test_arrays_of_a_npz_file(tmp_path, monkeypatch):
    fields = np.array([(1.0, 0.9)], [("time", float), ("value", float)])
    np.savez_compressed(
        tmp_path / "a.npz", m=MATRIX, run=fields, words=np.array(["a"]), objects=np.array([None], object)
    )
    with open_source(tmp_path / "a.npz") as source:
        assert source.array("m").shape == (4, 3)
        np.testing.assert_array_equal(source.array("m")[1:3], MATRIX[1:3])
        np.testing.assert_array_equal(source.column("m#3"), MATRIX[:, 2])
        np.testing.assert_array_equal(source.column("run.value"), [0.9])
        for name in ("words", "objects"):
            with pytest.raises(ExperimentError, match=rf"'{name}': found entries of type .*, expected real numbers"):
                source.array(name)
        with pytest.raises(ExperimentError, match=r"'m': column 4: found an array of shape \(4, 3\), expected the num"):
            source.array("m#4")
        with pytest.raises(ExperimentError, match=r"'x'.*: found no such array, expected one of m \(4 × 3\), run.time"):
            source.array("x#1")
    monkeypatch.setattr("dissentangle.datasets.files.npy._LARGEST", 100)
    with pytest.raises(ExperimentError, match=r"a.npz: found more than 1 GB unpacked"):
        open_source(tmp_path / "a.npz").__enter__()


def test_a_series_and_shots_of_a_npz_file(tmp_path):
    rng = np.random.default_rng(seed(1))
    shots = rng.normal(0, 1.1, (2, 3, 500))
    np.savez(
        tmp_path / "a.npz", t=[1.0, 2.0, 3.0], data=np.array([[1.0, 0.9, 0.1], [2, 0.8, 0.1]]), yc=shots[0], ys=shots[1]
    )
    names = '{ time = "data#1", value = "data#2", sigma = "data#3" }'
    (tmp_path / "experiment.toml").write_text(DRIVEN + f'kind = "xi"\nfile = "a.npz"\ncolumns = {names}\n')
    np.testing.assert_array_equal(datasets.read(tmp_path).series[0].value, [0.9, 0.8])
    names = 'probe_duration = "1 ms"\ncolumns = { time = "t", cos = "yc", sin = "ys" }'
    (tmp_path / "experiment.toml").write_text(DRIVEN + f'kind = "quadratures"\nfile = "a.npz"\n{names}\n')
    found = datasets.read(tmp_path).series[0].value.reshape(3, 2)
    np.testing.assert_allclose(found, shots.var(axis=2, ddof=1).T, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4, 3), (3, 20_000)])
def test_a_column_is_a_channel_in_every_order(shape, tmp_path):
    """Of (channels, samples) the row; of MATLAB 7.3, whose dimensions are stored in reverse, as MATLAB has it."""
    matrix = np.arange(float(np.prod(shape))).reshape(shape)
    expected = matrix[:, 1] if shape[0] == 4 else matrix[1]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["m"] = matrix
    with h5py.File(tmp_path / "v73.mat", "w") as file:
        file["m"] = matrix.T
    scipy.io.savemat(tmp_path / "v5.mat", {"m": matrix, "turns": matrix.ravel()})
    np.savez(tmp_path / "a.npz", m=matrix)
    for name in ("a.h5", "v73.mat", "v5.mat", "a.npz"):
        with open_source(tmp_path / name) as source:
            column = source.array("m#2")
            np.testing.assert_array_equal(column[...], expected)
            np.testing.assert_array_equal(column[1:3], expected[1:3])
    with open_source(tmp_path / "v5.mat") as source:
        np.testing.assert_array_equal(source.array(f"turns#2/{shape[1]}")[...], matrix[:, 1])
    np.save(tmp_path / "a.npy", matrix)
    with open_source(tmp_path / "a.npy") as source:
        np.testing.assert_array_equal(source.array("#2")[...], expected)


@pytest.mark.parametrize("which", ["0", "4", "x", "2/3", "", "/"])
def test_columns_that_are_not_there(which):
    with pytest.raises(ExperimentError, match=r"m.*: found an array of shape \(4, 3\), expected"):
        column_of(MATRIX, which, "m")


@pytest.mark.parametrize("which", ["2", "5/4", "2/0", "2/5", "2/"])
def test_channels_that_do_not_take_turns(which):
    with pytest.raises(ExperimentError, match=r"m: column .*: found an array of shape \(12,\), expected the number of"):
        column_of(MATRIX.ravel(), which, "m")


def test_channels_of_a_photocurrent(tmp_path):
    row = np.random.default_rng(seed(2)).integers(-1000, 1000, 9000).astype(np.int16)
    several = np.stack([row[::-1], row, row // 2], axis=1)
    options = {"larmor": "322 kHz", "length": "2 ms", "shot_noise": 2.0, "sample_rate": "1 MHz"}
    options["triggers"] = np.array([500.0, 3217, 6001])
    expected = demodulate(row, **options).cos
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["samples"], file["turns"] = several, several.ravel()
    np.save(tmp_path / "a.npy", several)
    np.save(tmp_path / "turns.npy", several.ravel())
    for raw, more in (
        (several, {"channel": 2}),
        (several.ravel(), {"channel": "2/3"}),
        (tmp_path / "a.h5", {"channel": 2}),
        (tmp_path / "a.h5", {"channel": "2/3", "samples": "turns"}),
        (tmp_path / "a.npy", {"channel": "2"}),
        (tmp_path / "turns.npy", {"channel": "2/3"}),
    ):
        np.testing.assert_array_equal(demodulate(raw, **options, **more).cos, expected)
    reference = demodulate(several, **options | {"channel": 2, "shot_noise": tmp_path / "a.h5"})
    assert reference.shot_noise.level == demodulate(row, **options | {"shot_noise": row}).shot_noise.level
    with pytest.raises(ExperimentError, match=r"a.npy: found an array of 3 channels, expected the number"):
        demodulate(tmp_path / "a.npy", **options)
    with pytest.raises(ExperimentError, match=r"shape \(9000, 3\), expected one dimension, or the number of"):
        demodulate(tmp_path / "a.h5", **options)
