"""Results as a notebook, a terminal and other libraries see them."""

import copy
import pickle
import sys
from importlib import import_module
from xml.etree import ElementTree

import arviz as az
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.inference.text import VIEWS, as_json, fit_facts, fit_text

catalogue = import_module("dissentangle.inference.figures.catalogue")


@pytest.fixture(scope="module")
def results(fit_d55, fit_open):
    return {
        "fit": fit_d55,
        "comparison": inference.compare({"micro": fit_d55, "open": fit_open}, refit=False),
        "criticism": inference.criticize(fit_d55),
        "point_fit": inference.least_squares("fig2b-d55", closure="microscopic"),
        "design": inference.design(after=fit_d55, goal="dGamma", budget="10 min", refits=0),
        "prediction": inference.predict(fit_d55, changes={"optical_depth": 100}),
    }


@pytest.mark.parametrize("kind", [kind for kind in VIEWS if kind != "campaign"])
def test_a_result_shows_itself(results, kind):
    result = results[kind]
    assert result.kind == kind
    assert repr(result) == str(result) == VIEWS[kind].text(result)
    html = result._repr_html_()
    assert "var(" not in html  # a colour of the page, which a notebook does not have
    root = ElementTree.fromstring(html)
    assert root.get("class") == "dissentangle"
    assert {"style", "p", "table"} <= {element.tag.split("}")[-1] for element in root.iter()}
    assert any(element.tag.endswith("svg") for element in root.iter())
    assert "(simulated data)" in html
    identifiers = {e.get("id") for e in ElementTree.fromstring(result._repr_html_()).iter() if e.get("id")}
    assert not identifiers & {e.get("id") for e in root.iter()}  # shown twice in one notebook
    table = result.summary()
    assert len(table) == len(VIEWS[kind].rows(result))
    figure = result.plot()
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_fit_is_a_data_tree_still(fit_d55, tmp_path):
    assert isinstance(fit_d55, xr.DataTree)
    assert type(fit_d55["posterior"]) is xr.DataTree
    assert float(az.summary(fit_d55, var_names=["collective_rate"], round_to="none")["mean"].iloc[0]) == pytest.approx(
        float(fit_d55["posterior"]["collective_rate"].mean())
    )
    assert az.loo(fit_d55, var_name="xi").elpd > 0
    assert az.convert_to_datatree(fit_d55) is fit_d55
    assert az.rhat(fit_d55)["collective_rate"] < 1.1
    file = tmp_path / "fit.nc"
    fit_d55.to_netcdf(file)
    for read in (xr.open_datatree, az.from_netcdf):
        plain = read(file)
        assert plain.identical(fit_d55)
        assert repr(inference.FitTree.of(plain)) == repr(fit_d55)
    assert repr(inference.read_fit(file)) == repr(fit_d55)
    for same in (fit_d55.copy(), copy.deepcopy(fit_d55), pickle.loads(pickle.dumps(fit_d55))):
        assert type(same) is inference.FitTree
        assert same.identical(fit_d55)


def test_what_is_no_whole_fit_any_more_looks_like_a_tree(fit_d55, results):
    for part in (fit_d55.drop_nodes("summary"), fit_d55.sel(chain=0)):
        assert repr(part).startswith("<xarray.")
        assert "dissentangle" not in part._repr_html_()[:40]
    assert repr(results["prediction"].mean("draw")).startswith("<xarray.")
    assert repr(fit_d55.isel(draw=slice(0, 200))).startswith(fit_d55.attrs["title"])


def test_the_status_is_that_of_the_command_line(fit_d55):
    assert fit_d55.attrs["status"] == fit_facts(fit_d55)["status"]
    older = fit_d55.copy()
    del older.attrs["status"]
    assert inference.FitTree.of(older).attrs["status"] == fit_d55.attrs["status"]


def test_numbers_of_a_fit(fit_d55):
    draws = fit_d55["posterior"].dataset
    table, matrix = fit_d55.summary(), fit_d55.covariance()
    assert table.loc["collective_rate", "mean"] == float(draws["collective_rate"].mean())
    assert as_json(table.loc["collective_rate"].to_dict())["unit"] == "1/ms"
    assert matrix.loc["collective_rate", "initial_n3"] == pytest.approx(
        np.cov(draws["collective_rate"].values.ravel(), draws["initial_n3"].values.ravel())[0, 1]
    )
    assert "dephasing_rate[drive]" not in matrix
    both = fit_d55.covariance(derived=True)
    assert both.loc["dephasing_rate[drive]", "dephasing_rate[drive]"] == pytest.approx(
        table.loc["dephasing_rate[drive]", "sd"] ** 2
    )
    curve = fit_d55.curve([0, 5, 10], "polarization")
    expected = inference.predict(fit_d55, times=[0, 5, 10], quantities=["polarization"])["polarization"]
    assert list(curve.index) == [0, 5, 10]
    assert curve["polarization 50 %"].to_numpy() == pytest.approx(expected.median("draw").values)
    assert curve["polarization 3 %"].to_numpy() == pytest.approx(expected.quantile(0.03, "draw").values)


def test_numbers_of_a_fit_without_posterior(results):
    fit = results["point_fit"]
    matrix = fit.covariance()
    assert np.sqrt(matrix.loc["collective_rate", "collective_rate"]) == fit.errors["collective_rate"]
    assert fit.summary().loc["collective_rate", "value"] == fit.values["collective_rate"]
    curve = fit.curve([0.0, 5.0])
    assert curve["xi"].iloc[0] == pytest.approx(1 + 2 * fit.values["initial_n3"], abs=1e-3)  # as uncorrelated spins
    with pytest.raises(ExperimentError, match="curve: found the quantity 'x', expected one of xi"):
        fit.curve([0.0], "x")
    with pytest.raises(ExperimentError, match="curve: found the run 'x', expected one of main"):
        fit.curve([0.0], run="x")


def test_columns_of_comparisons_and_predictions(results):
    table = results["comparison"].summary()
    assert list(table.index) == [model.name for model in results["comparison"].models]
    assert table.loc["micro", "collective_rate sd"] > 0
    prediction = results["prediction"].summary()
    assert prediction.index.name == "time (ms)"
    assert (prediction["xi 3 %"] < prediction["xi 97 %"]).all()


def test_figures_are_written_and_known_to_windows(fit_d55, results, tmp_path, monkeypatch):
    fit_d55.plot("fig2b", path=tmp_path / "a.svg")
    results["point_fit"].plot(path=tmp_path / "b.png")
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "b.png"}
    with pytest.raises(
        ExperimentError, match=r"c.txt: found an unknown kind of figure, expected a name ending in .pdf"
    ):
        results["prediction"].plot(path="c.txt")
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    fit_d55.plot("fig2b")
    assert plt.get_fignums() == before  # no windows here
    monkeypatch.setattr(mpl, "get_backend", lambda: "TkAgg")
    figure = fit_d55.plot("fig2b")
    assert plt.gcf() is figure
    plt.close(figure)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    fit_d55.plot("fig2b")
    assert "matplotlib.pyplot" not in sys.modules


def test_names_complete_and_explain_themselves():
    for package in (inference, datasets):
        assert set(package.__all__) <= set(dir(package))
        assert package.__version__.count(".") == 2
    assert "two-level" in inference.fit.__doc__
    assert "fixed-number" in inference.fit.__doc__
    for name in inference.__all__:
        assert getattr(inference, name).__doc__


def test_a_fit_in_words_is_that_of_the_command_line(fit_d55):
    assert str(fit_d55) == fit_text(fit_d55)
