"""Series predicted from others."""

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError
from dissentangle.inference.cli import main
from dissentangle.inference.comparison.leave_one_series_out import leave_one_series_out
from dissentangle.inference.text import as_json
from dissentangle.inference.text.criticism import left_out_text

from ..fits.altered_fits import with_xi


@pytest.fixture(scope="module")
def from_polarization(fit_d55):
    return leave_one_series_out(fit_d55, given=("polarization",))


def test_polarization_alone_cannot_predict_the_others(from_polarization):
    assert [row.name for row in from_polarization.rows] == ["xi", "transverse_spin"]
    for row in from_polarization.rows:
        assert row.given == ("polarization",)
        assert row.prediction > 5 * row.error
        assert row.words.startswith(f"polarization alone cannot predict {row.name}: prediction ± 0.1")
        assert row.inside > 0.8
        assert not row.contradicted
    assert from_polarization.rows[0].from_prior == ("scale[xi]",)
    assert from_polarization.rows[1].from_prior == ()


def test_text_and_facts(from_polarization):
    text = left_out_text(from_polarization)
    assert "polarization alone" in text
    assert "From the prior: scale[xi]." in text
    facts = json.loads(json.dumps(as_json(from_polarization.facts()), allow_nan=False))
    assert np.shape(facts["predicted"][0]["quantiles"]) == (5, 30)


def test_figure(fit_d55, from_polarization, tmp_path, monkeypatch):
    monkeypatch.setattr(
        import_module("dissentangle.inference.figures.checks"), "leave_one_series_out", lambda fit: from_polarization
    )
    figure = inference.plot(fit_d55, "left-out", tmp_path / "left.pdf")
    assert [axis.get_title() for axis in figure.axes] == [
        "xi from polarization alone", "transverse_spin from polarization alone"
    ]  # fmt: skip
    assert figure.get_suptitle() == "predicted from the other series (simulated data)"
    assert (tmp_path / "left.pdf").read_bytes().startswith(b"%PDF")


def test_words(from_polarization):
    row = from_polarization.rows[0]
    assert "the others predict xi roughly" in replace(row, given=("a", "b", "c"), prediction=2 * row.error).words
    sharp = replace(row, given=("a", "b"), prediction=row.error, p_value=0.001)
    assert "a and b predict xi as well as it was measured" in sharp.words
    assert sharp.words.endswith("these series contradict each other.")
    assert "A slight discrepancy (p = 0.03)." in replace(row, p_value=0.03).words


@pytest.mark.slow
def test_each_series_from_all_others_and_a_contradiction(fit_d55):
    """ξ ten standard deviations too high: P and Jy do not predict it."""
    seen = []
    wrong = with_xi(fit_d55, fit_d55["experiment/series/xi"]["value"].values + 0.6)
    found = leave_one_series_out(wrong, progress=seen.append)
    assert seen == ["xi", "polarization", "transverse_spin"]
    rows = {row.name: row for row in found.rows}
    assert rows["xi"].contradicted
    assert rows["xi"].inside < 0.2
    assert rows["transverse_spin"].given == ("xi", "polarization")


def test_what_cannot_be_left_out(fit_d55, fit_published):
    with pytest.raises(ExperimentError, match="found only observations, expected a series and something else"):
        leave_one_series_out(fit_published)
    with pytest.raises(ExperimentError, match=r"given: found 'pi', expected one of xi, polarization, transverse_spin"):
        leave_one_series_out(fit_d55, given=("pi",))
    everything = ("xi", "polarization", "transverse_spin")
    with pytest.raises(ExperimentError, match="given: found xi, polarization, transverse_spin, expected some of"):
        leave_one_series_out(fit_d55, given=everything)


@pytest.mark.slow
def test_command(fit_d55, tmp_path, capsys):
    file = tmp_path / "f.nc"
    inference.save_fit(fit_d55, file)
    figure = tmp_path / "left.svg"
    words = ["criticize", str(file), "--given", "polarization", "--figure", str(figure)]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "polarization alone cannot predict transverse_spin" in out
    assert err == "fitting without xi, transverse_spin\n"
    assert figure.is_file()
