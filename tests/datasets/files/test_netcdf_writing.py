"""The NetCDF writer against xarray's own; what NetCDF-4 asks of a file; trees of other making."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from h5py import h5ds

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.files import open_groups, open_tree, write_tree
from dissentangle.datasets.files.hdf5 import open_checked
from dissentangle.datasets.files.netcdf_plain import Group, is_plain, read_groups

from ...seeds import seed


def odd_tree():
    flags = np.array([[True, False, True]])
    root = xr.Dataset(
        {"one": ((), 1.5), "word": ((), "ξ")},
        attrs={"text": "ξ", "empty": "", "whole": 3, "list": [1.0, 2.0], "f4": np.float32(0.1)},
    )
    values = xr.Dataset(
        {
            "späte ξ": (("chain", "draw"), np.arange(6.0).reshape(3, 2).T[:, ::-1][:1], {"units": "ms", "symbol": "Γ̃"}),
            "flag": (("chain", "draw"), flags, {"long_name": "a flag"}),
            "count": (("draw",), np.arange(3, dtype=np.uint64)),
            "small": (("draw",), np.arange(3, dtype=np.int8)),
            "single": (("draw",), np.array([np.nan, np.inf, 1], np.float32)),
            "names": (("entry",), np.array(["a", "", "🐈"], dtype=object)),
        },
        coords={"draw": [0, 10, 20], "entry": ["x", "yy", "ξ"]},
    )  # fmt: skip
    return xr.DataTree.from_dict({"/": root, "/values": values, "/deep/er/empty": xr.Dataset(), "/values/in": values})


def assert_same_files(path, reference):
    with (
        xr.open_datatree(path, engine="h5netcdf") as found,
        xr.open_datatree(reference, engine="h5netcdf") as expected,
    ):
        assert found.identical(expected)
        for node in expected.subtree:
            for name, variable in node.to_dataset(inherit=False).variables.items():
                here = found[node.path].to_dataset(inherit=False).variables[name]
                assert here.dtype == variable.dtype
                assert here.encoding.get("dtype") == variable.encoding.get("dtype")
                assert list(here.attrs) == list(variable.attrs)


def assert_valid(path):
    """Every axis of every variable has exactly one dimension scale, and the scale knows of it."""
    with h5py.File(path) as file:
        found = []
        file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
        for item in found:
            if not h5ds.is_scale(item.id):
                for axis, dim in enumerate(item.dims):
                    assert len(dim) == 1
                    assert dim[0].shape == (item.shape[axis],)
                    assert h5ds.is_attached(item.id, dim[0].id, axis)


@pytest.fixture(scope="module", params=[*datasets.names(), "odd"])
def written(request, tmp_path_factory):
    """A tree, and files of it by this package and by xarray."""
    tree, folder = odd_tree() if request.param == "odd" else datasets.load(request.param), tmp_path_factory.mktemp("a")
    write_tree(tree, folder / "ours.nc")
    tree.to_netcdf(folder / "theirs.nc", engine="h5netcdf")
    return tree, folder / "ours.nc", folder / "theirs.nc"


def test_files_are_those_of_xarray(written):
    tree, ours, theirs = written
    assert is_plain(tree)
    assert_same_files(ours, theirs)
    assert_valid(ours)
    assert open_tree(ours).identical(tree)


def test_what_is_read_is_what_xarray_reads(written):
    """Of files of both writers: values, types, and which texts and numbers the attributes are."""
    for path in written[1:]:
        with open_checked(path, 2**30) as found:
            assert read_groups(found) is not None
        with xr.open_datatree(path, engine="h5netcdf") as expected:
            assert_same_reading(open_tree(path), expected)


def assert_same_reading(found, expected):
    assert found.identical(expected)
    for here, there in zip(found.subtree, expected.subtree, strict=True):
        for name, one in there.dataset.variables.items():
            assert here.dataset.variables[name].dtype == one.dtype
            assert [type(v) for v in here.dataset.variables[name].attrs.values()] == [
                type(v) for v in one.attrs.values()
            ]
        assert [type(value) for value in here.attrs.values()] == [type(value) for value in there.attrs.values()]


@pytest.mark.parametrize("name", datasets.names())
def test_an_experiment_in_a_file_is_the_one_that_xarray_reads(name, tmp_path):
    datasets.save(datasets.read(name), tmp_path / "a.nc")
    assert all(isinstance(group, Group) for group in open_groups(tmp_path / "a.nc").values())
    with xr.open_datatree(tmp_path / "a.nc", engine="h5netcdf") as expected:
        assert datasets.load(tmp_path / "a.nc").identical(datasets.load(expected.load()))


def test_variables_that_do_not_fit_together(tmp_path):
    datasets.save(datasets.read("fig2b-d35"), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        group = file["series/xi"]
        del group["value"]
        group["value"] = np.ones(29)
        group["value"].dims[0].attach_scale(group["time"])
        del file["stages/duration"]
    for found in (datasets.read, open_tree):
        with pytest.raises(ExperimentError, match=r"found ValueError: conflicting sizes for dimension 'time'"):
            found(tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        del file["series/xi/value"]
    with pytest.raises(ExperimentError, match=r"found KeyError: .no variable 'duration', only drive, "):
        datasets.read(tmp_path / "a.nc")


@pytest.mark.parametrize("encoding", [{"scale_factor": 0.1}, {"_FillValue": 3.0}, {"units": "hours since 2011-08-17"}])
def test_what_means_another_value_is_left_to_xarray(tmp_path, encoding):
    data = xr.Dataset({"a": ("t", [1.0, 3.0], {k: v for k, v in encoding.items() if k == "units"})})
    of_array = {name: value for name, value in encoding.items() if name != "units"}
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding={"a": of_array})
    with open_checked(tmp_path / "a.nc", 2**30) as found:
        assert read_groups(found) is None
    with xr.open_datatree(tmp_path / "a.nc", engine="h5netcdf") as expected:
        assert open_tree(tmp_path / "a.nc").identical(expected)


def test_more_coordinates_than_dimensions_are_left_to_xarray(tmp_path):
    data = xr.Dataset({"a": ("t", [1.0, 3.0])}, {"t": [0, 1], "other": ("t", [5, 6])}, {"text": "ξ"})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with open_checked(tmp_path / "a.nc", 2**30) as found:
        assert read_groups(found) is None
    assert open_tree(tmp_path / "a.nc").to_dataset().identical(data)
    assert open_groups(tmp_path / "a.nc")["."].identical(data)
    for source in (tmp_path / "a.nc", data):
        with pytest.raises(ExperimentError, match="found no attribute format_version"):
            datasets.read(source)


@pytest.mark.slow
def test_a_fit_is_written_as_xarray_does_and_again_after_reading(fit_published, tmp_path):
    assert is_plain(fit_published)
    inference.save_fit(fit_published, tmp_path / "ours.nc")
    fit_published.to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    assert_same_files(tmp_path / "ours.nc", tmp_path / "theirs.nc")
    assert_valid(tmp_path / "ours.nc")
    again = inference.read_fit(tmp_path / "ours.nc")
    assert again.identical(fit_published)
    assert is_plain(again)
    inference.save_fit(again, tmp_path / "again.nc")
    assert_same_files(tmp_path / "again.nc", tmp_path / "theirs.nc")


@pytest.mark.parametrize(
    "data",
    [
        xr.Dataset({"when": ("t", np.array(["2011-08-18"], "datetime64[ns]"))}),
        xr.Dataset({"z": ("t", np.arange(2.0))}, coords={"other": ("t", [3, 4])}),
        xr.Dataset({"none": ("t", np.zeros(0))}),
        xr.Dataset(attrs={"names": ["a", "b"]}),
    ],
    ids=["dates", "second coordinate", "no entries", "list of texts"],
)
def test_trees_of_other_making_are_left_to_xarray(data, tmp_path):
    tree = xr.DataTree(data)
    assert not is_plain(tree)
    write_tree(tree, tmp_path / "ours.nc")
    tree.to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    assert_same_files(tmp_path / "ours.nc", tmp_path / "theirs.nc")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.nc"
    write_tree(odd_tree(), target)
    before = target.read_bytes()
    unwritable = xr.DataTree(xr.Dataset({"x": ("t", np.array([object()], dtype=object))}))
    with pytest.raises((TypeError, ValueError)):
        write_tree(unwritable, target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "experiment.nc"
    datasets.save(datasets.load("fig2b-d55"), target)
    before = target.read_bytes()

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*experiment.nc'"):
        write_tree(datasets.load("fig2b-d35"), target)
    monkeypatch.undo()
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_streams_ask_for_their_room_first(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: shutil._ntuple_diskusage(2**20, 2**20, 0))
    with pytest.raises(datasets.ExperimentError, match=r"raw.h5: found 0.0 MB free, expected .* MB for this file"):
        datasets.write_photocurrent(tmp_path / "raw.h5", datasets.PhotocurrentPlan(records=2), seed=seed(1))
    with pytest.raises(datasets.ExperimentError, match=r"records.h5: found 0.0 MB free, expected .* MB for this file"):
        datasets.demodulate("photocurrent-slice", shot_noise=2e-10, output=tmp_path / "records.h5")
    assert list(tmp_path.iterdir()) == []


def test_an_array_of_nothing_is_no_variable(tmp_path):
    file = tmp_path / "one.nc"
    datasets.save(datasets.read("fig2b-d55"), file)
    with h5py.File(file, "r+") as content:
        content.create_dataset("nothing", data=h5py.Empty("f"))
    assert datasets.read(file).title == datasets.read("fig2b-d55").title
