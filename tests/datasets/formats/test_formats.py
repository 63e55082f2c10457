"""Folder and NetCDF formats: lossless both ways, same bytes from the same seed."""

import filecmp
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xarray as xr

from dissentangle import datasets
from dissentangle.datasets.bundled_files import BUNDLED
from dissentangle.datasets.simulation.make_bundled import bundled

from ...seeds import seed


@pytest.mark.parametrize("name", datasets.names())
@pytest.mark.parametrize("form", ["folder", "file.nc"])
def test_round_trip(name, form, tmp_path):
    tree = datasets.load(name)
    datasets.save(tree, tmp_path / form)
    assert datasets.load(tmp_path / form).identical(tree)


@pytest.mark.parametrize("form", ["folder", "file.nc"])
def test_round_trip_of_odd_data(form, tmp_path):
    rng = np.random.default_rng(seed(0))
    series = datasets.Series(
        "späte ξ <b>$x$ & 100 %", "xi",
        np.sort(rng.uniform(0, 5, 6)), rng.uniform(0.5, 1.5, 6), rng.uniform(0.01, 0.1, 6),
        noise="student-t", excluded=np.array([0, 1, 0, 0, 1, 0], bool), run="b", scale_uncertainty=1 / 3,
        offset_uncertainty=1e-17, efficiency_in_scale=False, tail=7.5,
    )  # fmt: skip
    experiment = datasets.Experiment(
        title='quotes " and \\ and \n and 🐈',
        simulated=False,
        stages=(
            datasets.StageEntry(0.1 + 0.2, frozenset({"drive"})),
            datasets.StageEntry(5.0, frozenset({"pump", "repump"}), run="b"),
            datasets.StageEntry(2.0, frozenset(), run="b"),
        ),
        series=(series,),
        observations=(datasets.Observation("xi", 1.0, 0.1, 0.3, source="§ 3", excluded="why not"),),
        apparatus={"faraday_angle": datasets.Known(14.0, 0.1), "detection_efficiency": datasets.Known(0.84, 0.03)},
        priors={"collision_rate": "fixed(0.002)"},
        run_depth={"b": 37 / 55},
        description="λ",
    )
    tree = datasets.to_tree(experiment)
    datasets.save(tree, tmp_path / form)
    assert datasets.load(tmp_path / form).identical(tree)


def test_netcdf_opens_without_the_package(tmp_path):
    datasets.save(datasets.load("fig2b-d55"), tmp_path / "a.nc")
    with xr.open_datatree(tmp_path / "a.nc", engine="h5netcdf") as tree:
        assert tree.attrs["simulated"] == 1
        assert tree["series/xi"].dataset["value"].shape == (30,)
        assert tree["series/xi"].dataset["time"].attrs["units"] == "ms"


def test_bundled_data_are_those_of_the_recorded_seed(tmp_path):
    for name, tree in bundled().items():
        datasets.save(tree, tmp_path / name)
        arrays = [path.name for path in (BUNDLED / name).glob("*.h5")]
        texts = [path.name for path in (BUNDLED / name).iterdir() if path.name not in arrays]
        assert filecmp.cmpfiles(BUNDLED / name, tmp_path / name, texts, shallow=False) == (texts, [], [])
        for file in arrays:  # versions of HDF5 differ in the bytes around the same arrays
            with h5py.File(BUNDLED / name / file) as kept, h5py.File(tmp_path / name / file) as made:
                assert dict(kept.attrs) == dict(made.attrs)
                assert kept.keys() == made.keys()
                assert all(np.array_equal(kept[array], made[array]) for array in kept)


def test_everything_made_by_the_model_says_so():
    for name in datasets.names():
        experiment = datasets.read(name)
        assert experiment.simulated == (not name.startswith("krauter2011"))
        assert experiment.simulated == ("simulated" in experiment.title)
        assert (experiment.truth is not None) == experiment.simulated


def test_simulated_scatter_is_that_of_the_noise():
    times = np.linspace(0.5, 20, 400)
    plan = datasets.SeriesPlan("polarization", times, 0.01)
    stages = [datasets.StageEntry(20.0, frozenset({"drive"}))]
    tree = datasets.simulate(stages, [plan], seed=seed(3))
    exact = datasets.simulate(stages, [replace(plan, spread=1e-8)], seed=seed(4))
    residual = (tree["series/polarization"]["value"] - exact["series/polarization"]["value"]).values / 0.01
    assert abs(residual.mean()) < 0.2
    assert residual.std() == pytest.approx(1, abs=0.12)


def test_simulate_like_keeps_times_and_noise():
    experiment = datasets.read("fig2c-dark")
    again = datasets.read(
        datasets.simulate_like(experiment, {"collective_rate": 0.2}, closure="fixed-number", seed=seed(9))
    )
    assert again.truth.parameters["collective_rate"] == 0.2
    assert again.truth.closure == "fixed-number"
    np.testing.assert_array_equal(again.series[0].x, experiment.series[0].x)
    assert again.simulated


def test_a_true_value_replaces_its_other_form():
    experiment = datasets.read("fig2b-d55")
    made = datasets.read(datasets.simulate_like(experiment, {"pure_dephasing_rate[drive]": 0.5}, seed=seed(9)))
    assert "dephasing_rate[drive]" not in made.truth.parameters
    assert made.series[2].value[-1] < experiment.series[2].value[-1] / 2
    weaker = datasets.read(datasets.simulate_like(experiment, {"radiative_rate": 0.01}, seed=seed(9)))
    assert weaker.truth.parameters["optical_depth"] == pytest.approx(11.0)
    assert weaker.apparatus["optical_depth"].value == pytest.approx(11.0)


def test_units_are_converted(tmp_path):
    datasets.save(datasets.load("fig2b-d55"), tmp_path / "a")
    toml = tmp_path / "a" / "experiment.toml"
    text = (
        toml.read_text()
        .replace('"20.0 ms"', '"0.02 s"')
        .replace('file = "xi.csv"', 'file = "xi.csv"\ntime_unit = "us"')
    )
    toml.write_text(text)
    csv = tmp_path / "a" / "xi.csv"
    head, *rows = csv.read_text().splitlines()
    scaled = [",".join([repr(float(row.split(",")[0]) * 1000), *row.split(",")[1:]]) for row in rows]
    csv.write_text("\n".join([head, *scaled]))
    found = datasets.read(tmp_path / "a")
    assert found.stages[0].duration == pytest.approx(20.0)
    np.testing.assert_allclose(found.series[0].x, datasets.read("fig2b-d55").series[0].x)
