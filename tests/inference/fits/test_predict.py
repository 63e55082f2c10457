"""Predictions from a posterior: checked against the forward model draw by draw."""

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.prediction import coupled_rates
from dissentangle.forward_models import InitialState, Rates, Stage, evolve
from dissentangle.forward_models.sixteen_level import drive
from dissentangle.inference.cli import main
from dissentangle.inference.figures import plot_prediction
from dissentangle.inference.fits.predict import _changed, _require_effect
from dissentangle.inference.text.export import columns_of


def one_draw(fit, k, depth=None):
    """Rates of a posterior draw; with another optical depth at the same Γ."""
    row = {name: float(np.ravel(v.values.reshape(4000, -1)[k])[0]) for name, v in fit["posterior"].data_vars.items()}
    ratio = 1.0 if depth is None else depth / row["optical_depth"]
    rates = Rates(
        collective_rate=row["collective_rate"] * ratio,
        radiative_rate=row["radiative_rate"],
        squeezing_limit=row["squeezing_limit"],
        collision_rate=row["collision_rate"],
        light_loss_rate=row["light_loss_rate"],
        pump_rate=0.0,
        repump_rate=0.0,
        dephasing_rate=row["dephasing_rate"],
    )
    return rates, InitialState(n3=row["initial_n3"])


@pytest.mark.parametrize("depth", [None, 100.0])
def test_each_draw_is_the_forward_model(fit_d55, depth):
    changes = {} if depth is None else {"optical_depth": depth}
    found = inference.predict(fit_d55, times=[0, 3, 50], changes=changes, draws=4000)
    for k in (0, 1234, 3999):
        rates, initial = one_draw(fit_d55, k, depth)
        path = evolve([Stage(50, rates)], [0, 3, 50], initial, "microscopic")
        assert found["xi"].values[k] == pytest.approx(path.xi, rel=1e-5)
        assert found["transverse_spin"].values[k] == pytest.approx(path.transverse_spin, rel=1e-5)
    assert list(found["stage_lights"].values) == ["drive"] * 3
    assert found.attrs["simulated"] == 1


def test_other_stages(fit_published):
    stages = [(15.0, "drive"), (45.0, "drive+pump")]
    found = inference.predict(fit_published, stages=stages, times=np.linspace(0, 60, 61))
    assert list(found["stage_lights"].values[[0, 15, 16, 60]]) == ["drive", "drive", "drive+pump", "drive+pump"]
    alone = inference.predict(fit_published, run="main", times=np.linspace(0, 15, 16))
    assert found["xi"].values[:, :16] == pytest.approx(alone["xi"].values, rel=1e-5)
    assert found["xi"].values[:, 60].mean() < inference.predict(fit_published, times=[60.0])["xi"].values.mean()


def test_a_rate_that_the_fit_does_not_know_can_be_given(fit_d55):
    with pytest.raises(ExperimentError, match=r"found no dephasing_rate\[drive\+pump\] in this fit"):
        inference.predict(fit_d55, stages=[(20, "drive+pump")])
    given = {"dephasing_rate[drive+pump]": 0.23}
    with pytest.raises(ExperimentError, match=r"found no pump_rate\[drive\+pump\] in this fit"):
        inference.predict(fit_d55, stages=[(20, "drive+pump")], changes=given)
    given["pump_rate[drive+pump]"] = 0.17
    assert inference.predict(fit_d55, stages=[(20, "drive+pump")], changes=given).sizes["time"] == 121


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"times": [3, 1]}, "negative or not in order"),
        ({"times": [-1, 1]}, "negative or not in order"),
        ({"run": "mian"}, "found the run 'mian' \\(did you mean 'main'\\?\\), expected one of main"),
        ({"quantities": ["x"]}, "found the quantity 'x', expected one of xi"),
        ({"stages": []}, "found no stages"),
        ({"stages": [(0, "drive")]}, "expected a duration above 0"),
        ({"stages": [(5, "laser")]}, "found the stage '5 ms laser'"),
        ({"changes": {"colective_rate": 1.0}}, "did you mean 'collective_rate'"),
        ({"changes": {"optical_depth": -1.0}}, "expected a number of the domain of optical_depth"),
        ({"changes": {"faraday_angle": 14.0}}, "found no faraday_angle in this fit"),
        ({"changes": {"pump_rate": 3.0}}, "found pump_rate, on which the run 'main' does not depend under these"),
        ({"changes": {"scale[xi]": 2.0}}, r"found scale\[xi\], on which the run 'main' does not depend.*optical_depth"),
        ({"changes": {"dephasing_rate": 0.5}}, "found dephasing_rate, on which the run 'main' does not depend"),
        (
            {"changes": {"pure_dephasing_rate": 0.5}},
            r"'pure_dephasing_rate', expected one of pure_dephasing_rate\[drive\]",
        ),
    ],
)
def test_what_cannot_be_predicted(fit_d55, options, text):
    with pytest.raises(ExperimentError, match=text):
        inference.predict(fit_d55, **options)


def test_command(fit_d55, tmp_path, capsys):
    file = tmp_path / "f.nc"
    inference.save_fit(fit_d55, file)
    words = ["predict", str(file), "--set", "optical_depth=100", "--times", "0:20:5", "--what", "xi"]
    assert main([*words, "-o", str(tmp_path / "p.csv"), "--figure", str(tmp_path / "p.svg")]) == 0
    assert "optical_depth = 100" in capsys.readouterr().out
    header, *lines = (tmp_path / "p.csv").read_text().splitlines()
    assert header == "time (ms),xi 3 %,xi 25 %,xi 50 %,xi 75 %,xi 97 %"
    assert [line.split(",")[0] for line in lines] == ["0", "5", "10", "15", "20"]
    assert "<svg" in (tmp_path / "p.svg").read_text()
    assert main([*words, "-o", str(tmp_path / "p.nc"), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    for wrong in (["--times", "0:20"], ["--stage", "15 drive"], ["--set", "a"], ["-o", "p.txt"], ["--set", "Z=x"]):
        assert main(["predict", str(file), *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".nc"])
def test_export(fit_d55, tmp_path, ending):
    path = inference.export(fit_d55, tmp_path / f"d{ending}")
    if ending == ".nc":
        import xarray as xr

        with xr.open_dataset(path, engine="h5netcdf") as data:
            assert data["collective_rate"].values == pytest.approx(fit_d55["posterior"]["collective_rate"].values)
        return
    from pyarrow import csv, parquet

    table = csv.read_csv(path) if ending == ".csv" else parquet.read_table(path)
    assert table.num_rows == 4000
    assert {"chain", "draw", "collective_rate", "pure_dephasing_rate[drive]", "scale[xi]"} <= set(table.column_names)
    column = table["collective_rate"].to_numpy().reshape(4, 1000)
    assert column == pytest.approx(fit_d55["posterior"]["collective_rate"].values)


def test_export_of_other_groups_and_what_it_refuses(fit_d55, tmp_path):
    columns = columns_of(fit_d55["posterior_predictive"].dataset)
    assert len(columns) == 92
    assert columns["xi[20]"].shape == (4000,)
    with pytest.raises(ExperimentError, match="found an unknown kind of table"):
        inference.export(fit_d55, tmp_path / "d.xlsx")
    with pytest.raises(ExperimentError, match="found no group 'nonsense', expected one of posterior, prior"):
        inference.export(fit_d55, tmp_path / "d.csv", group="nonsense")


def test_what_other_atoms_have_is_refused(fit_d55):
    for name in ("probe_weight", "temperature"):
        with pytest.raises(ExperimentError, match=f"found {name}, on which atoms with three states do not depend"):
            inference.predict(fit_d55, changes={name: 0.3})
    with pytest.raises(ExperimentError, match="light_loss_rate, on which atoms with sixteen levels do not depend"):
        _require_effect({"Γout_L": 0.02}, sixteen=True)
    _require_effect({"probe_weight": 0.1, "temperature": 290.0}, sixteen=True)


def test_a_name_alone_is_that_of_the_member_whose_run_it_is():
    """What another member has for itself stays, and so does d of the other one."""
    values = {"optical_depth[a]": 50.0, "optical_depth[b]": 30.0, "radiative_rate": 0.002, "initial_n3[a]": 0.01,
              "initial_n3[b]": 0.02}  # fmt: skip
    found, moved = _changed(values, {"initial_n3": 0.1, "optical_depth": 100.0}, "a")
    assert found["initial_n3[a]"] == 0.1
    assert (found["initial_n3[b]"], found["optical_depth[b]"]) == (0.02, 30.0)
    assert found["optical_depth[a]"] == pytest.approx(100.0)
    assert moved == {"initial_n3": {"initial_n3[a]"}, "optical_depth": {"optical_depth[a]"}}  # dΓ follows from d and Γ
    other, moved = _changed(values, {"optical_depth[b]": 100.0}, "a")
    assert other["optical_depth[a]"] == 50.0
    assert moved == {"optical_depth[b]": {"optical_depth[b]"}}


@pytest.mark.parametrize("reverse", [False, True])
def test_what_is_given_together_holds_in_any_order(reverse):
    changes = {"radiative_rate": 0.004, "optical_depth": 100.0, "pure_dephasing_rate[drive]": 0.3}
    values = {"optical_depth[a]": 50.0, "radiative_rate": 0.002, "pure_dephasing_rate[drive]": 0.1,
              "pure_dephasing_rate[a: drive]": 0.2}  # fmt: skip
    found, moved = _changed(values, dict(sorted(changes.items(), reverse=reverse)), "a")
    assert coupled_rates(found, "a") == (0.4, 0.004)
    assert moved["pure_dephasing_rate[drive]"] == {"pure_dephasing_rate[a: drive]"}  # beside the population's median
    both, _ = _changed(values | {"collective_rate": 0.1}, {"optical_depth": 100.0, "collective_rate": 0.3}, "a")
    assert coupled_rates(both, "a")[0] == 0.3


def test_a_dark_run_of_sixteen_levels_has_a_temperature_alone():
    values = {"temperature": 300.0, "electron_collision_rate[dark]": 0.02}
    assert _changed(values, {"temperature": 320.0}, "")[0] == values | {"temperature": 320.0}
    with pytest.raises(ExperimentError, match="found collision_rate, expected electron_collision_rate, by which"):
        _changed(values, {"collision_rate": 0.01}, "")


@pytest.mark.parametrize("own", ["", "[a]"])
def test_another_detuning_takes_the_rates_of_the_light_with_it(own):
    """At the same power and d: Γ is 6.4 times smaller at 1500 MHz than at 850 MHz."""
    collective, limit = np.array([0.1, 0.2]), np.array([0.16, 0.17])
    values = {"temperature": 300.0, f"drive_detuning{own}": 850.0, f"collective_rate{own}": collective,
              f"optical_depth{own}": 55.0, "squeezing_limit": limit}  # fmt: skip
    found, _ = _changed(values, {"drive_detuning": 1500.0}, own.strip("[]"))
    near, far = drive(850.0), drive(1500.0)
    rate = far.rate_per_intensity / near.rate_per_intensity
    assert 1 / rate == pytest.approx(6.4, abs=0.1)
    share = far.coherent_fraction / near.coherent_fraction
    now, radiative = coupled_rates(found, own.strip("[]"))
    np.testing.assert_allclose(now, collective * rate * share)
    np.testing.assert_allclose(radiative, coupled_rates(values, own.strip("[]"))[1] * rate)
    np.testing.assert_allclose(found[f"squeezing_limit{own}"], limit * far.squeezing_limit / near.squeezing_limit)
    assert found[f"optical_depth{own}"] == 55.0


def test_the_title_of_a_figure_fits_and_says_that_data_were_simulated(fit_d55):
    found = inference.predict(fit_d55, times=[0.0, 5.0], changes={"optical_depth": 80})
    found.attrs["title"] = "joint: " + ", ".join(f"day {k}" for k in range(40))
    first, second = plot_prediction(found).get_suptitle().split("\n")
    assert len(first) == len("joint: ") + 77
    assert second == "predicted from simulated data; run main; optical_depth = 80"
