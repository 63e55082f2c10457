"""The verb `demodulate`: what it writes, says and refuses."""

import json

import h5py
import numpy as np
import pytest

from dissentangle.datasets import PhotocurrentPlan, write_photocurrent
from dissentangle.inference.cli import main


def test_the_bundled_slice(tmp_path, capsys):
    out = tmp_path / "records.h5"
    assert main(["demodulate", "photocurrent-slice", "-o", str(out), "--length", "12 ms", "--shot-noise", "2e-10"]) == 0
    printed = capsys.readouterr().out
    assert "photocurrent-slice [simulated]: 8 records of 120 bins of 0.1 ms at 322000 Hz" in printed
    assert "shot noise: 2e-10 V²/Hz (given)" in printed
    assert "shot noise of neighbouring bins independent" in printed
    assert "Larmor frequency of the atoms: " in printed
    assert f"written: {out}" in printed
    with h5py.File(out) as file:
        assert file.attrs["simulated"] == 1
        assert file["cos"].shape == (8, 120)


def test_facts_of_a_ring_down_with_a_reference(tmp_path, capsys):
    for name, plan in (
        ("a.h5", PhotocurrentPlan(12, length=5.0, period=5.5, pulse=50.0, offset=15.0, mismatch=120.0)),
        ("light.h5", PhotocurrentPlan(20, length=5.0, period=5.5, atoms=False)),
    ):
        write_photocurrent(tmp_path / name, plan, seed=3)
    common = ["demodulate", str(tmp_path / "a.h5"), "-o", str(tmp_path / "out.h5"), "--length", "5 ms"]
    assert main([*common, "--shot-noise", str(tmp_path / "light.h5"), "--larmor", "322 kHz", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["records"], facts["bins"], facts["simulated"], facts["pick_up_hz"]) == (12, 50, True, [])
    (off,) = facts["warnings"]
    assert off.startswith("the atoms are 1")
    assert facts["shot_noise"]["level"] == pytest.approx(2e-10, abs=4 * facts["shot_noise"]["error"])
    line = facts["larmor"]
    assert line["method"] == "ring-down"
    assert line["mismatch"] == pytest.approx(120, abs=4 * line["mismatch_error"])
    assert main([*common, "--period", "50 ms"]) == 0
    printed = capsys.readouterr().out
    assert "Larmor frequency: not looked for in fewer than 8 records or bins" in printed
    assert "warning: shot noise from the records themselves: a reference without atoms is better" in printed
    assert main(common) == 0
    printed = capsys.readouterr().out
    assert "mismatch of the two ensembles: 1" in printed
    assert "full width at half maximum γ/π " in printed
    assert "warning: the atoms are 1" in printed
    assert "repeat with --larmor '322.01" in printed


def test_records_without_a_line(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.random.default_rng(1).normal(size=30_000))
    code = main(["demodulate", str(tmp_path / "a.npy"), "-o", str(tmp_path / "out.h5"), "--larmor", "322 kHz",
                 "--sample-rate", "1 MHz", "--period", "2 ms", "--length", "2 ms", "--shot-noise", "2e-6"])  # fmt: skip
    assert code == 0
    printed = capsys.readouterr().out
    assert "a.npy [measured]: 14 records" in printed
    assert "Larmor frequency: no line of atoms in the records" in printed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["none.h5", "-o", "out.h5"], "none.h5: found no such file, expected a file of samples"),
        (["photocurrent-slice", "-o", "out.nc"], "out.nc: output must end in .h5"),
        (["photocurrent-slice", "-o", "out.h5", "--interval", "0.1"], "interval: found '0.1' without a unit"),
        (["photocurrent-slice", "-o", "out.h5", "--larmor", "322 kg"], "Larmor frequency: found the unit 'kg'"),
        (["photocurrent-slice", "-o", "out.h5", "--shot-noise", "-1"], "shot noise: found -1, expected a level > 0"),
        (["photocurrent-slice", "-o", "out.h5", "--samples", "S"], "found no such array, expected one of /samples"),
        (["photocurrent-slice", "-o", "out.h5", "--channel", "2"], "column 2: found an array of shape"),
    ],
)  # fmt: skip
def test_bad_input(arguments, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demodulate", *arguments]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
