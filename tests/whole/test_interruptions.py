"""Verbs that are killed, run twice, lose their folder or find no room lose nothing and end with the same numbers.

A few tries of the study in `benchmarks/interruptions.py`, and such as need no chance.
"""

import contextlib
import os
import resource
import runpy
import shutil
import signal
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.files import make_folder, replace_file
from dissentangle.inference.cli import main

pytestmark = pytest.mark.slow

campaigning = import_module("dissentangle.inference.campaigns.campaign")  # the room has a function of this name

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DISSENTANGLE = str(Path(sys.executable).with_name("dissentangle"))
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(BENCHMARKS)
    STUDY = runpy.run_path(str(BENCHMARKS / "interruptions.py"))
QUICK = {"draws": 60, "tune": 200, "chains": 2, "cores": 1}
WORDS = ["--draws", "60", "--tune", "200", "--chains", "2", "--cores", "1", "--quiet"]
COMMANDS = {
    "fit": (["fit", "fig2b-d55", *WORDS], "fit.nc"),
    "campaign": (["campaign", "data", *WORDS], ""),
    "compare": (["compare", "fig2b-d55", "--models", "microscopic,two-level", "--no-refit", *WORDS], ""),
    "sbc": (["sbc", "fig2b-d55", "--simulations", "2", *WORDS], ""),
    "report": (["report", "fit.nc", "--quiet"], "fit.html"),
    "simulate": (["simulate", "fig2b-d55", "--quiet"], "simulated"),
    "simulate to NetCDF": (["simulate", "fig2b-d55", "--quiet"], "simulated.nc"),
    "demodulate": (["demodulate", "photocurrent-slice", "--shot-noise", "2e-10", "--quiet"], "records.h5"),
    "plot": (["plot", "fit.nc", "--quiet"], "figure.pdf"),
}
KEEPS_OLD = ("fit", "report", "demodulate", "plot")


@contextlib.contextmanager
def no_file_larger_than(size):
    """What a full disk is to this process; HDF5 and Python learn of it as they do of a full disk.

    Bytecode is not written meanwhile: Python would keep the part of it for which there is room.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def in_one_line(captured):
    assert captured.out == ""
    assert captured.err.startswith("dissentangle: ")
    assert captured.err.count("\n") == 1
    return captured.err


def two_experiments(folder):
    for k in range(2):
        datasets.save(datasets.simulate_like(datasets.read("fig2b-d35"), seed=k), folder / f"run{k}")


def temporaries(folder):
    return [path for path in folder.rglob("*") if path.name.endswith(".part")]


def killed_at(command, reached):
    """Start a command in processes of its own and kill them all as soon as something is there."""
    process = STUDY["start"](command)
    while not reached() and process.poll() is None:
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def test_a_fit_that_is_killed_while_it_writes(small_fit, tmp_path):
    """The file is the old one or the new one."""
    old, file = tmp_path / "old.nc", tmp_path / "out" / "fit.nc"
    file.parent.mkdir()
    inference.save_fit(small_fit, old)
    shutil.copy(old, file)
    command = [*COMMANDS["fit"][0], "--seed", "7", "-o"]
    killed_at([DISSENTANGLE, *command, str(file)], lambda: temporaries(file.parent))
    STUDY["whole"](file.parent)
    new = tmp_path / "new.nc"
    main([*command, str(new)])
    assert STUDY["same"](file, old) or STUDY["same"](file, new)
    main([*command, str(file)])
    assert STUDY["same"](file, new)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A folder with the `data` of two experiments, and what a campaign that is left alone makes of them, in `out`."""
    folder = tmp_path_factory.mktemp("undisturbed")
    two_experiments(folder / "data")
    inference.campaign(folder / "data", folder / "out", **QUICK)
    return folder


def test_a_campaign_that_is_killed_with_its_workers_goes_on(undisturbed, tmp_path):
    """After the first of two fits is there; the rest is done in this process, with the same numbers."""
    out = tmp_path / "out"
    words = ["campaign", str(undisturbed / "data"), *WORDS, "--cores", "2", "-o", str(out)]
    killed_at([DISSENTANGLE, *words], lambda: list((out / "fits").glob("*.nc")))
    STUDY["whole"](out)
    before = {path: path.stat().st_mtime_ns for path in (out / "fits").glob("*.nc")}
    assert before
    inference.campaign(undisturbed / "data", out, **QUICK)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    for name in ("summary.nc", "fits/run0.nc", "fits/run1.nc"):
        assert STUDY["same"](out / name, undisturbed / "out" / name)


@pytest.fixture(scope="module")
def small_fit():
    return inference.fit("fig2b-d55", **QUICK)


@pytest.mark.parametrize("verb", COMMANDS)
def test_no_room(verb, small_fit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if verb == "campaign":
        two_experiments(tmp_path / "data")
    command, name = COMMANDS[verb]
    if verb in ("report", "plot"):
        inference.save_fit(small_fit, "fit.nc")
    if verb == "report":  # what stands on the page does not matter here, and takes seconds to draw
        monkeypatch.setattr(import_module("dissentangle.inference.reports.fit"), "page_of", lambda *_: "-" * 9000)
    target = tmp_path / "out" / name
    if verb in KEEPS_OLD:
        target.parent.mkdir()
        if verb == "fit":
            inference.save_fit(small_fit, target)
        else:
            target.write_bytes(b"old")
        old = target.read_bytes()
    with no_file_larger_than(700):
        assert main([*command, "-o", str(target)]) == 2
    assert "File too large" in in_one_line(capsys.readouterr())
    assert not temporaries(tmp_path)
    if verb in KEEPS_OLD:
        assert target.read_bytes() == old
    if "simulate" in verb:
        assert not target.exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.json")}
    if verb not in ("report", "plot"):  # slow, and tried elsewhere
        assert main([*command, "-o", str(target)]) in ((0, 1) if "--draws" in command else (0,))
        STUDY["whole"](tmp_path)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def test_two_at_once(tmp_path):
    words, alone = ["fit", "fig2b-d55", *WORDS, "-o"], tmp_path / "alone.nc"
    assert main([*words, str(alone)]) == 1 - inference.read_fit(alone).attrs["healthy"]
    command = [DISSENTANGLE, *words, str(tmp_path / "fit.nc")]
    both = [STUDY["start"](command) for _ in range(2)]
    assert [STUDY["ended"](one) for one in both] == ["done", "done"]
    assert STUDY["same"](tmp_path / "fit.nc", alone)
    assert not temporaries(tmp_path)


def test_a_folder_that_goes_away_is_made_again(undisturbed, tmp_path, no_calibration_figure):
    """What is finished afterwards is there; the next run does the rest, and the numbers are those of any run."""
    output = tmp_path / "out"
    found = inference.campaign(undisturbed / "data", output, progress=lambda *counts: goes(output, counts), **QUICK)
    assert list(found["dataset"].values) == ["run0", "run1"]
    assert [path.name for path in (output / "fits").iterdir()] == ["run1.nc"]
    assert "fits/run0.nc" not in (output / "index.html").read_text()
    assert STUDY["same"](output / "summary.nc", undisturbed / "out" / "summary.nc")
    inference.campaign(undisturbed / "data", output, **QUICK)
    for name in ("summary.nc", "fits/run0.nc", "fits/run1.nc"):
        assert STUDY["same"](output / name, undisturbed / "out" / name)
    ranks = inference.sbc("fig2b-d55", output, simulations=2, progress=lambda *counts: goes(output, counts), **QUICK)
    assert [path.name for path in (output / "simulations").iterdir()] == ["00001.json"]
    again = inference.sbc("fig2b-d55", output, simulations=2, **QUICK)
    np.testing.assert_array_equal(again["rank"], ranks["rank"])


def goes(folder, counts):
    if counts[0] == 1:
        shutil.rmtree(folder)


def test_a_folder_that_becomes_another_thing_ends_a_campaign_in_words(tmp_path, monkeypatch, capsys):
    two_experiments(tmp_path / "data")
    fits, fit_one = tmp_path / "out" / "fits", campaigning.fit_one

    def disturbed(name, *rest):
        answer = fit_one(name, *rest)
        if name == "run1":
            fits.rename(tmp_path / "kept")
            fits.write_text("")
        return answer

    monkeypatch.setattr(campaigning, "fit_one", disturbed)
    assert main(["campaign", str(tmp_path / "data"), "-o", str(tmp_path / "out"), *WORDS]) == 2
    assert "fits: File exists" in in_one_line(capsys.readouterr())
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["run0.nc"]
    assert len((tmp_path / "out" / "summary.csv").read_text().splitlines()) == 2
    assert main(["campaign", str(tmp_path / "data"), "-o", str(tmp_path / "out"), *WORDS]) == 2
    assert "fits: File exists" in in_one_line(capsys.readouterr())


def test_a_read_only_folder(tmp_path):
    """Not in this process, whom permissions may not bind."""
    folder = tmp_path / "out"
    folder.mkdir(mode=0o555)
    command = [DISSENTANGLE, *COMMANDS["simulate"][0], "-o", str(folder / "simulated")]
    assert STUDY["ended"](STUDY["start"]([sys.executable, "-c", STUDY["BOUND"], *command])) == "said why"
    assert list(folder.iterdir()) == []


def test_a_current_folder_that_is_gone(tmp_path, monkeypatch, capsys):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert main([*COMMANDS["fit"][0], "-o", "fit.nc"]) == 2
    assert "fit.nc: found no current folder: it was removed" in in_one_line(capsys.readouterr())


def test_a_folder_is_filled_whole_or_not_at_all(tmp_path):
    def half(folder):
        (folder / "a").touch()
        raise ExperimentError("half")

    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(ExperimentError, match="half"):
            make_folder(tmp_path / name, half, "a")
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_ctrl_c_while_a_file_is_written_leaves_the_old_one(tmp_path):
    def half(temporary):
        temporary.write_bytes(b"ne")
        raise KeyboardInterrupt

    (tmp_path / "a.nc").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "a.nc", half)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_errors_name_the_file_that_was_asked_for(tmp_path):
    def gone(temporary):
        shutil.rmtree(tmp_path / "out")
        temporary.write_bytes(b"")

    with pytest.raises(FileNotFoundError, match=r"No such file or directory: '.*/out/a.nc'"):
        replace_file(tmp_path / "out" / "a.nc", gone)
    with pytest.raises(FileNotFoundError, match="/other'"):
        replace_file(tmp_path / "a.nc", lambda _: (tmp_path / "other").read_bytes())
    assert list(tmp_path.iterdir()) == []
