"""A fit's file is enough to make the fit again; what differs is said."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import read
from dissentangle.inference.cli import main
from dissentangle.inference.fits.file import fit_id, read_fit, save_fit

from ...seeds import seed


def test_the_same_draws_from_the_file_alone(fit_d55, tmp_path, capsys):
    save_fit(fit_d55, tmp_path / "fit.nc")
    assert main(["rerun", str(tmp_path / "fit.nc"), "-o", str(tmp_path / "again.nc")]) == 0
    assert "The same draws, bit for bit." in capsys.readouterr().out
    again = read_fit(tmp_path / "again.nc")
    for name, draws in fit_d55["posterior"].dataset.data_vars.items():
        np.testing.assert_array_equal(again["posterior"][name], draws)
    assert again.attrs["settings"] == fit_d55.attrs["settings"]
    assert again.attrs["data_sha256"] == fit_d55.attrs["data_sha256"]


@pytest.mark.slow
def test_the_same_fit_where_a_run_is_excluded_whole():
    """The hash is of what is fitted, which is what the file holds: a comparison still belongs to the fit made again."""
    whole = read("laboratory-d55")
    beat = next(series for series in whole.series if series.name == "orientation_beat")
    without = replace(beat, excluded=np.ones(len(beat.x), bool))
    changed = replace(whole, series=tuple(without if s is beat else s for s in whole.series))
    fit = inference.fit(changed, seed=seed(1), draws=100)
    again = inference.rerun(fit)
    assert again.identical
    assert fit_id(again.fit) == fit_id(fit)


def test_what_differs_is_said(fit_d55, tmp_path, capsys):
    other = fit_d55.copy(deep=True)
    versions = json.loads(other.attrs["versions"])
    other.attrs["versions"] = json.dumps(versions | {"numpy": "1.0", "forgotten": "2.0"})
    other.attrs["engine"] = "general"
    rate = other["posterior"]["collective_rate"]
    posterior = other["posterior"].dataset.copy(deep=True)
    posterior["collective_rate"] = rate + 0.5 * float(rate.std())
    other["posterior"] = type(other)(posterior)
    table = other["summary"].dataset.copy(deep=True)
    table["mean"].loc[{"parameter": "collective_rate"}] = float(posterior["collective_rate"].mean())
    other["summary"] = type(other)(table)
    save_fit(other, tmp_path / "fit.nc")
    assert main(["rerun", str(tmp_path / "fit.nc"), "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"] == {"forgotten": ["2.0", "none"], "numpy": ["1.0", versions["numpy"]]}
    assert not facts["identical"]
    assert abs(facts["largest_shift"] - 0.5) < 1e-6
    assert facts["shifted"] == "collective_rate"
    assert "Other draws: posterior means differ by up to 0.5 sd (collective_rate)." in facts["text"]
    assert "numpy 1.0 →" in facts["text"]
    assert "engine general → fast" in facts["text"]


@pytest.mark.slow
def test_of_records_too():
    fit = inference.fit("fig2d-hybrid", seed=seed(4), draws=100)
    assert inference.rerun(fit).identical
