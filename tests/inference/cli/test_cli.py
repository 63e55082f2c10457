"""The command line: what it prints, what it refuses, with which exit code."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets.files import write_tree
from dissentangle.inference.choices import MOST_DRAWS
from dissentangle.inference.cli import VERBS, main, parser
from dissentangle.inference.cli.options import positive
from dissentangle.inference.cli.output import Count, painted
from dissentangle.inference.fits import read_fit


def run(*arguments):
    """In this process: exit code."""
    try:
        return main(list(arguments))
    except SystemExit as stop:
        return stop.code


def test_help_and_version_in_a_new_process():
    for option, text in (("--help", "examples:"), ("--version", "dissentangle 0.")):
        command = [sys.executable, "-m", "dissentangle.inference", option]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert text in done.stdout


HEAVY = ("pymc", "arviz", "xarray", "nutpie", "pint", "scipy", "matplotlib", "rich")


def imported(arguments):
    """Exit code and heavy packages of a command in a new process; what it says is one line on stderr."""
    code = (
        "import sys; from dissentangle.inference.cli import main\n"
        "try:\n"
        f"    code = main({arguments!r})\n"
        "except SystemExit as stop:\n"
        "    code = stop.code\n"
        f"print(code, [m for m in {('numpy', *HEAVY)} if m in sys.modules], file=sys.stderr)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_the_end_of_a_command_does_not_look_for_garbage():
    """Among the objects of PyMC and its libraries that takes as long as a tenth of a fit."""
    code = "import atexit, gc; atexit.register(lambda: print('frozen', gc.get_freeze_count() > 0))\n"
    code += "from dissentangle.inference.cli import main; main(['datasets'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("frozen True\n")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["nonsense"], ["fit"], ["plot", "--what", "nothing"], ["predict", "--help"]]
)
def test_help_and_a_bad_argument_import_nothing_heavy(arguments):
    assert imported(arguments).stderr.splitlines()[-1] in ("0 []", "2 []")


@pytest.mark.parametrize("verb", ["fit", "check"])
def test_no_heavy_package_is_imported_for_a_bad_name(verb, tmp_path):
    error, found = imported([verb, str(tmp_path / "none")]).stderr.splitlines()
    assert "found no such folder" in error
    assert found == "2 []"


@pytest.mark.slow
def test_fit_show_and_figure(tmp_path, capsys):
    out, figure = tmp_path / "out" / "fit.nc", tmp_path / "a.png"
    assert (
        run("fit", "fig2b-d35", "-o", str(out), "--seed", "2", "--figure", str(figure), "--fix", "collision_rate=0.002")
        == 0
    )
    printed = capsys.readouterr().out
    assert "The sampling is healthy" in printed
    assert "[simulated]" in printed
    assert "collision_rate" not in printed
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert run("show", str(out), "--figure", str(tmp_path / "b.svg")) == 0
    assert "The sampling is healthy" in capsys.readouterr().out
    assert (tmp_path / "b.svg").read_text().startswith("<?xml")


def test_exit_code_of_a_fit_that_did_not_converge(tmp_path, capsys):
    code = run("fit", "fig2b-d55", "-o", str(tmp_path / "a.nc"), "--draws", "20", "--tune", "20")
    assert code == 1
    assert "Do not use this fit." in capsys.readouterr().out
    assert run("show", str(tmp_path / "a.nc")) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fit", "fig2b-d5"], "did you mean 'fig2b-d55'?"),
        (["fit", "fig2b-d55", "--prior", "colective_rate=fixed(1)"], "did you mean 'collective_rate'?"),
        (["fit", "fig2b-d55", "--prior", "collective_rate"], "--prior 'collective_rate': expected NAME=VALUE"),
        (["fit", "fig2b-d55", "--fix", "collision_rate=fast"], "expected numbers, as in fixed(value)"),
        (["fit", "fig2b-d55", "--draws", "0"], "0: expected a whole number from 1 to"),
        (["fit", "fig2b-d55", "--draws", "3"], "sampler: draws: found 3, expected a whole number from 4"),
        (["design", "--after", "a.nc", "--share", "d=tied"], "--after: found --share, --sharing or --range too"),
        (["--json", "fit", "fig2b-d55"], "unrecognized arguments: --json (options of a command come after it)"),
        (["fit", "fig2b-d55", "--drawz", "5"], "--drawz 5 (did you mean '--draws'?) (see dissentangle fit --help)"),
        (["fit", "fig2b-d55", "-o", "."], "found a folder, expected the name of a file to write"),
        (["fit", "fig2b-d55", "--figure", "a.exe"], "found an unknown kind of figure"),
        (["fit", "fig2b-d55", "--seed", "-1"], "-1: expected a whole number from 0"),
        (["fit", "fig2b-d55", "-o", "/dev/null"], "found something that is not a regular file"),
        (["fit", "fig2b-d55", "-o", "x" * 250], "found a name that no file can have"),
        (["show", "nothing.nc"], "nothing.nc: found no such file"),
        (["simulate", "fig2b-d55", "-o", "x", "--set", "collective_rate=much"], "found 'much', expected a number"),
        (
            ["simulate", "fig2b-d55", "-o", "x", "--set", "collective_rate=-1"],
            "collective_rate = -1: expected a finite",
        ),
        (["datasets", "fig2b-d55"], "expected -o FOLDER or -o FILE.nc"),
        (["fit", "fig2b-d55", "--fix", "dephasing_rate=0.1"], "other losses; --free-dephasing, in Python free_deph"),
        (["fit", "fig2b-d55", "--fix", "eta=0.8"], "a line efficiency_in_scale = false in its [[series]] gives it"),
        (["fit", "fig2b-d55", "--fix", "offset=0"], "(a line offset_uncertainty = … in its [[series]] gives it)"),
        (["fit", "fig2b-d55", "--fix", "Gamma=1"], "(dΓ = d Γ: the third follows from the other two)"),
        (["fit", "fig2b-d55", "--fix", "Gdeph[dark]=1"], "(Γdeph is that of pure_dephasing_rate[drive])"),
        (["fit", "fig2b-d55", "--fix", "d=1", "--fix", "OD=2"], "prior: found optical_depth twice, as d and as OD"),
        (
            ["fit", "fig2b-d55", "--prior", "dGamma=lognorm(1, 1)"],
            "did you mean 'lognormal'?): expected lognormal(median, sd of the logarithm) | ",
        ),
        (["fit", "fig2b-d55", "--share", "day_dept=shared"], "sharing: found 'day_dept' (did you mean 'day_depth'?)"),
        (["fit", "fig2b-d55", "--share", "day_depth=shared"], "sharing: day_depth: found series of one day, expected"),
        (["fit", "fig2b-d55", "--share", "d=tied"], "expected several that share optical_depth"),
        (
            ["simulate", "fig2b-d55", "-o", "x", "--set", "c=0.5"],
            "loss_noise_share: found closure 'microscopic', expected closure 'open' (--closure open)",
        ),
        (["simulate", "fig2b-d55", "-o", "x", "--closure", "open"], "from 0 to 1 (--set loss_noise_share=0.5)"),
        (["fit", "fig2b-d55", "--prior", "dGamma=0.1 ± 0.02"], "'0.1 ± 0.02': expected normal(0.1, 0.02)"),
        (["fit", "fig2b-d55", "--prior", "dGamma=0.1"], "'0.1': expected fixed(0.1), or a prior with a width"),
        (["fit", "fig2b-d55", "--fix", "Gcol=2 1/s"], "as in fixed(value), in 1/ms, without the unit"),
        (["fit", "fig2b-d55", "--fix", "dGama=2"], "unknown parameter (did you mean 'collective_rate'?)"),
        (["fit", "fig2b-d55", "--closure", "micro"], "'micro' (did you mean 'microscopic'?) (choose from"),
        (["chek", "fig2b-d55"], "'chek' (did you mean 'check'?)"),
        (["simulate", "fig2b-d55", "-o", "x", "--set", "dGama=1"], "'dGama' (did you mean 'collective_rate'?), expec"),
        (["schema", "-o", "."], "found a folder, expected the name of a file to write"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_bad_arguments(arguments, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_several_errors_are_lines(tmp_path, capsys):
    (tmp_path / "experiment.toml").write_text('title = "t"\nsimulated = "\\u0007"\n')
    assert run("check", str(tmp_path)) == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "dissentangle: 3 errors:"
    assert [line.rpartition("toml: ")[2].partition(":")[0] for line in lines] == [
        "format_version",
        "simulated",
        "stage",
    ]
    assert run("check", "fig2b-d55", "--fix", "offset=0", "--fix", "pump_rate=0") == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "dissentangle: 2 errors:"
    assert "prior offset: " in lines[0]
    assert "prior pump_rate: this experiment has no such parameter (a stage with pump = true gives it)" in lines[1]


def test_symbols_of_parameters(capsys):
    symbols = ["--fix", "d=100", "--fix", "dGamma=0.1", "--fix", "Gamma_tilde=0.3", "--free-dephasing"]
    assert run("check", "fig2b-d55", *symbols) == 0
    printed = capsys.readouterr().out
    for line in ("optical_depth = 100", "collective_rate = 0.1", "dephasing_rate[drive] = 0.3"):
        assert f"fixed: {line}\n" in printed


def test_schema(tmp_path, capsys):
    assert run("schema") == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == datasets.experiment_schema()
    assert run("schema", "--json") == 0
    assert json.loads(capsys.readouterr().out) == datasets.experiment_schema()
    assert run("schema", "-o", str(tmp_path / "s.json")) == 0
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == printed


def test_check_says_where_a_power_is_not_known(tmp_path, capsys):
    datasets.save(datasets.read("fig2b-d55"), tmp_path / "a")
    toml = tmp_path / "a" / "experiment.toml"
    text = toml.read_text(encoding="utf-8")
    for power, held in (("[[0, 1], [5, 0.9]]", True), ("[[0, 1], [15, 0.9]]", False), ("0.9", False)):
        toml.write_text(text.replace("drive = true", f"drive = {power}"), encoding="utf-8")
        assert run("check", str(tmp_path / "a")) == 0
        said = "at 0.9 at 5 ms, and so from 5 ms to 20 ms, because there is no later point)" in capsys.readouterr().out
        assert said == held


def test_equal_remarks_about_files_are_one_line(tmp_path, capsys):
    table = "time;value;sigma\n1;0,9;0,1\n2;0,8;0,1\n3;0,{};0,1\n"
    series = '[[series]]\nkind = "{0}"\nfile = "{0}.csv"\nscale_uncertainty = 0.04\n'
    for k, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        head = 'format_version = 1\ntitle = "t"\nsimulated = true\n[[stage]]\nduration = "20 ms"\ndrive = true\n'
        (tmp_path / name / "experiment.toml").write_text(head + series.format("xi") + series.format("transverse_spin"))
        (tmp_path / name / "xi.csv").write_text(table.format(75 - k))
        (tmp_path / name / "transverse_spin.csv").write_text(table.format(71 - k))
    folders = str(tmp_path / "a"), str(tmp_path / "b")
    assert run("check", *folders, "--share", "pure_dephasing_rate=separate,initial_n3=shared") == 0
    printed = capsys.readouterr().out
    form = "found cells separated by semicolons, decimal commas"
    assert f"\n  a.xi, b.xi: xi.csv: {form}\n" in printed
    assert f"\n  a.transverse_spin, b.transverse_spin: transverse_spin.csv: {form}\n" in printed
    assert "to change it" not in printed
    assert re.search("the experiments share [^;]*n3", printed)


def test_show_refuses_an_experiment(tmp_path, capsys):
    datasets.save(datasets.load("fig2b-d55"), tmp_path / "e.nc")
    assert run("show", str(tmp_path / "e.nc")) == 2
    assert "found a NetCDF file that is not a fit" in capsys.readouterr().err


def test_show_of_a_written_fit(fit_published, tmp_path, capsys):
    write_tree(fit_published, tmp_path / "f.nc")
    assert run("show", str(tmp_path / "f.nc"), "--figure", str(tmp_path / "f.pdf")) == 0
    printed = capsys.readouterr().out
    assert "xi at 40 ms (pump)" in printed
    assert "not fitted" in printed


def test_init_check_datasets_simulate_prior(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("init", "mine") == 0
    assert run("init", "mine") == 2
    assert run("check", "mine") == 2
    assert "mine/experiment.toml: series 'xi' (xi.csv): found no rows" in capsys.readouterr().err
    assert run("datasets") == 0
    assert "krauter2011-published    measured" in capsys.readouterr().out
    assert run("datasets", "fig2c-pump", "-o", "copy") == 0
    assert run("check", "copy") == 0
    assert "The prior will decide: optical_depth" in capsys.readouterr().out
    assert run("simulate", "copy", "-o", "new.nc", "--set", "collective_rate=0.2", "--seed", "7") == 0
    made = datasets.read("new.nc")
    assert made.simulated
    assert made.truth.parameters["collective_rate"] == 0.2
    assert not np.array_equal(made.series[0].value, datasets.read("fig2c-pump").series[0].value)
    assert run("prior", "krauter2011-published", "-o", "prior.png") == 0
    assert "what the priors alone predict" in capsys.readouterr().out


def test_sixteen_levels_by_name_and_by_what_uses_an_entry(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    datasets.save(datasets.load("fig2b-d55"), "mine")
    path = tmp_path / "mine" / "experiment.toml"
    lines = '[apparatus]\ntemperature = { value = "290 K", sigma = "2 K" }\npump_impurity = "1 %"\n'
    path.write_text(path.read_text().replace("[apparatus.", f"{lines}[apparatus.", 1))
    assert run("check", "mine") == 0
    printed = capsys.readouterr().out
    assert "not used: temperature of the apparatus (--model sixteen-level uses it)" in printed
    assert "not used: pump_impurity of the apparatus (--model sixteen-level and a stage with pump = true" in printed
    assert run("check", "mine", "--model", "sixteen-level") == 0
    assert "not used: temperature" not in capsys.readouterr().out
    assert run("simulate", "mine", "-o", "three") == 0
    assert "not used: temperature of the apparatus (--model sixteen-level uses it)" in capsys.readouterr().out
    assert run("simulate", "mine", "-o", "sixteen", "--model", "sixteen-level") == 0
    assert "not used" not in capsys.readouterr().out
    monkeypatch.setattr("dissentangle.inference.cli.fit._fitted", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("fit", "mine")
    assert "not used: temperature of the apparatus (--model sixteen-level uses it)" in capsys.readouterr().err
    assert datasets.read("sixteen").truth.parameters["temperature"] == 290.0
    assert datasets.read("sixteen").apparatus["temperature"].sigma == 2.0


def test_only_the_points_in_a_range_are_fitted(capsys):
    counted = {}
    for limits in ("xi=2:12ms", "xi=2000us:12ms", "xi=:12ms", "xi=12ms:"):
        assert run("check", "fig2d-dissipation", "--range", limits.replace("xi", "xi-noisy"), "--json", "--quiet") == 0
        counted[limits] = {s["name"]: s["fitted"] for s in json.loads(capsys.readouterr().out)["series"]}["xi-noisy"]
    times = next(s.x for s in datasets.read("fig2d-dissipation").series if s.name == "xi-noisy")
    assert counted["xi=2:12ms"] == counted["xi=2000us:12ms"] == int(((times >= 2) & (times <= 12)).sum())
    assert counted["xi=:12ms"] + counted["xi=12ms:"] == len(times) + int((times == 12).sum())


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ("xi=3", "--range xi=3: found 3, expected FROM:TO, such as 0.5:12ms"),
        (
            "xii=1:2ms",
            "--range xii=1:2ms: found no series 'xii' (did you mean 'xi'?), expected one of xi, polarization",
        ),
        ("xi=1:2", "--range xi=1:2: found '1' without a unit"),
        ("xi=30ms:", "--range xi=30ms:: found a range from 30 to inf ms, expected one that has points"),
    ],
)
def test_wrong_ranges(limits, text, capsys):
    assert run("check", "fig2b-d55", "--range", limits) == 2
    assert text in capsys.readouterr().err


def test_check_says_what_is_hardly_right(tmp_path, capsys):
    datasets.save(datasets.load("fig2b-d55"), tmp_path / "x")
    path = tmp_path / "x" / "experiment.toml"
    path.write_text(path.read_text().replace("scale_uncertainty = 0.04", ""))
    assert run("check", str(tmp_path / "x")) == 0
    assert "look at: xi: has no scale_uncertainty" in capsys.readouterr().out
    assert run("check", str(tmp_path / "x"), "--json", "--quiet") == 0
    assert len(json.loads(capsys.readouterr().out)["doubts"]) == 1


@pytest.mark.slow
def test_dark_only_and_fixed_scale(tmp_path, capsys):
    write = (tmp_path / "experiment.toml").write_text
    write(
        'format_version = 1\ntitle = "dark\\u001b[31m"\nsimulated = false\n[[stage]]\nduration = "40 ms"\n'
        '[[observation]]\nquantity = "transverse_spin_decay_time"\nvalue = "40 ms"\nsigma = "4 ms"\n'
    )
    assert run("check", str(tmp_path)) == 0
    out = str(tmp_path / "a.nc")
    assert run("fit", str(tmp_path), "-o", out, "--draws", "500") == 1 - read_fit(out).attrs["healthy"]
    assert "\x1b" not in capsys.readouterr().out
    fixed = ["--fix", "scale[xi]=1", "--draws", "200", "--figure", str(tmp_path / "new" / "a.png")]
    assert run("fit", "fig2b-d55", "-o", out, *fixed) == 1 - read_fit(out).attrs["healthy"]
    assert (tmp_path / "new" / "a.png").is_file()


def test_show_of_a_damaged_fit(fit_d55, tmp_path, capsys):
    for name in ("verdict", "settings"):
        damaged = fit_d55.copy()
        del damaged.attrs[name]
        write_tree(damaged, tmp_path / f"{name}.nc")
        assert run("show", str(tmp_path / f"{name}.nc")) == 2
        assert f"found no attribute '{name}', expected a whole fit" in capsys.readouterr().err
    whole = fit_d55.copy()
    del whole["experiment"]
    write_tree(whole, tmp_path / "group.nc")
    assert run("show", str(tmp_path / "group.nc")) == 2
    assert "found no group 'experiment'" in capsys.readouterr().err


@pytest.mark.slow
def test_demo(tmp_path, capsys, monkeypatch):
    """But for the page, which .ci/run has drawn."""
    monkeypatch.setattr("dissentangle.inference.reports.write_report", lambda fit, path, *others: path.write_text(""))
    assert run("demo", "-o", str(tmp_path / "demo")) == 0
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "krauter2011-published.nc", "fig2b-d55.nc", "fig2b-d55.png", "fig2b-d55.html",
    }  # fmt: skip
    printed = capsys.readouterr().out
    assert "The paper fitted dΓ = 0.11, Γ̃ = 0.193, Γcol = 0.002" in printed


def test_a_fit_begins_with_what_is_hardly_right(tmp_path, monkeypatch, capsys):
    one = datasets.read("fig2b-d55")
    watts = replace(one, apparatus=one.apparatus | {"drive_power": datasets.Known(5600.0)})
    datasets.save(watts, tmp_path / "watts.nc")

    def stopped(*given):
        raise datasets.ExperimentError("here it would be fitted")

    monkeypatch.setattr("dissentangle.inference.cli.fit._fitted", stopped)
    assert run("fit", str(tmp_path / "watts.nc"), "-o", str(tmp_path / "f.nc")) == 2
    assert capsys.readouterr().err == (
        "look at: drive_power: 5600 mW are a Γ of 2.4 ms⁻¹. Is it in another unit?\n"
        "dissentangle: here it would be fitted\n"
    )


@pytest.mark.parametrize("status", ["healthy", "unhealthy"])
def test_what_is_made_of_a_bad_fit_says_so(fit_d55, tmp_path, capsys, status):
    """On stderr: a table goes into a paper without it."""
    bad, file = fit_d55.copy(), tmp_path / "f.nc"
    bad.attrs["status"] = status
    write_tree(bad, file)
    said = f"{file}: Do not use this fit: the sampling failed.\n" * (status == "unhealthy")
    for words in (["table"], ["export", "-o", str(tmp_path / "d.csv")], ["predict", "--times", "5"]):
        assert run(words[0], str(file), *words[1:]) == 0
        assert capsys.readouterr().err == said
    assert run("table", str(file), "--quiet") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_facts_and_silence(fit_d55, tmp_path, capsys):
    file = tmp_path / "f.nc"
    write_tree(fit_d55, file)
    assert run("show", str(file), "--json", "--figure", str(tmp_path / "f.png")) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["status"] == "healthy"
    assert facts["written"] == [str(tmp_path / "f.png")]
    assert run("show", str(file), "--quiet") == 0
    assert run("fit", "fig2b-d35", "-q", "-o", str(tmp_path / "g.nc"), "--draws", "50", "--tune", "100") == 1
    assert capsys.readouterr() == ("", "")
    for key, *words in (
        ("unknowns", "check", "fig2b-d55"),
        ("derived", "prior", "fig2b-d55"),
        ("datasets", "datasets"),
        ("written", "init", str(tmp_path / "new")),
    ):
        assert run(*words, "--json") == 0
        assert json.loads(capsys.readouterr().out)[key]


def test_colours_on_a_terminal_only(monkeypatch):
    assert painted("fine", "healthy") == "fine"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painted("fine", "healthy") == "\x1b[1;32mfine\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted("fine", "healthy") == "fine"


TERMINAL = """
import time
from dissentangle.inference.cli.output import Count, SamplingProgress, steps
from types import SimpleNamespace
with SamplingProgress() as progress:
    progress.step("fitting 'two'")
    time.sleep(0.25)
    progress([SimpleNamespace(finished_draws=10, total_draws=40, divergences=1)] * 2)
with Count("data sets") as count:
    time.sleep(0.25)
    count(1, 0, 2)
    count(2, 1, 2)
"""


def on_a_terminal(**variables):
    """What a terminal of 100 columns gets on stderr."""
    near, far = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables}
    done = subprocess.run([sys.executable, "-c", TERMINAL], stderr=far, stdout=subprocess.PIPE, check=True,
                          env=environment)  # fmt: skip
    os.close(far)
    assert done.stdout == b""
    return os.read(near, 1_000_000).decode()


def test_progress_on_a_terminal():
    drawn = on_a_terminal()
    assert drawn.startswith("fitting 'two'\r\n")
    assert re.search("━.* sampling:  25 % of 80 draws, 2 divergent, \\d+ s left", drawn)
    assert re.search("━.* 1 of 2 data sets, 0 failed\\s", drawn)
    assert "\x1b[?25h" in drawn[drawn.index("sampling") : drawn.index("1 of 2")]  # the cursor is there again
    after = drawn[drawn.index("2 of 2 data sets, 1 failed, 0 s left") :]
    assert "\r\n" in after
    assert after.rstrip().endswith("\x1b[?25h")


def test_progress_of_a_log_and_of_a_dumb_terminal(capfd):
    assert on_a_terminal(TERM="dumb") == "fitting 'two'\r\n2 of 2 data sets, 1 failed, 0 s left\r\n"
    subprocess.run([sys.executable, "-c", TERMINAL.replace("Progress()", "Progress(quiet=True)")], check=True)
    assert capfd.readouterr() == ("", "2 of 2 data sets, 1 failed, 0 s left\n")


def test_the_time_left_is_that_after_the_first_which_compiles(monkeypatch, capsys):
    """40 s for the first, then 2 s each: 3 of 10 leave 14 s."""
    now = iter([0.0, *(time for done in range(10) for time in [40.0 + 2 * done] * (2 if done == 0 else 1))])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    monkeypatch.setattr(Count, "every", 0.0)
    count = Count("outcomes fitted")
    for done in range(1, 4):
        count(done, 0, 10)
    assert capsys.readouterr().err.splitlines() == [
        "1 of 10 outcomes fitted, 0 failed", "2 of 10 outcomes fitted, 0 failed, 16 s left",
        "3 of 10 outcomes fitted, 0 failed, 14 s left",
    ]  # fmt: skip


def test_every_verb_has_examples_and_the_common_options():
    verbs = next(action for action in parser()._actions if action.choices).choices
    assert list(verbs) == [verb.name for verb in VERBS]
    assert set(verbs) >= {"demo", "fit", "show", "report", "plot", "table", "predict", "export", "campaign", "sbc"}
    for name, verb in verbs.items():
        text = verb.format_help()
        assert f"dissentangle {name}" in text[text.index("examples:") :]
        assert "--json" in text
        assert "--quiet" in text


@pytest.mark.skipif(shutil.which("bash") is None, reason="completion is tried in bash")
def test_completion_in_a_shell(capsys):
    assert run("completion", "bash") == 0
    script = capsys.readouterr().out
    ask = "COMP_WORDS=(dissentangle pl); COMP_CWORD=1; _shtab_dissentangle; echo ${COMPREPLY[@]}"
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "plot"
    assert run("completion", "zsh") == 0
    assert "#compdef dissentangle" in capsys.readouterr().out


def test_an_interrupted_fit_says_that_nothing_was_written(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("dissentangle.inference.fits.fit_problem", interrupted)
    assert run("fit", "fig2b-d55", "-o", str(tmp_path / "f.nc")) == 130
    assert "interrupted; nothing was written. To start again, repeat the command" in capsys.readouterr().err
    assert not (tmp_path / "f.nc").exists()


def test_ctrl_c_that_a_library_ignores_counts_a_moment_later(tmp_path, monkeypatch, capsys, ctrl_c):
    """As CasADi does: what an object's attribute raises while C looks for it is printed and forgotten."""

    class Ignoring:
        def __del__(self):
            raise KeyboardInterrupt

    def ignored(*arguments, **more):
        Ignoring()
        for _ in range(3000):
            time.sleep(0.01)
        raise AssertionError("not interrupted")

    monkeypatch.setattr("dissentangle.inference.fits.fit_problem", ignored)
    hook = sys.unraisablehook
    assert run("fit", "fig2b-d55", "-o", str(tmp_path / "f.nc")) == 130
    assert "Exception ignored" not in capsys.readouterr().err
    assert sys.unraisablehook is hook


@pytest.fixture
def written(fit_d55, tmp_path):
    """A fit and an experiment's folder."""
    write_tree(fit_d55, tmp_path / "fit.nc")
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "run")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fit", "run", "-o", "run/xi.csv"], "output must end in .nc"),
        (["fit", "run", "-o", "run/experiment.toml"], "output must end in .nc"),
        (["fit", "run", "-o", "data.nc"], "found a file that is not a fit, expected a new name"),
        (["fit", "fit.nc", "-o", "run/xi.nc"], "found a file that is not a fit"),
        (["table", "fit.nc", "-o", "fit.nc"], "found the input file"),
        (["export", "fit.nc", "-o", "fit.nc"], "found the input file"),
        (["export", "fit.nc", "-o", "run/../fit.nc"], "found the input file"),
        (["predict", "fit.nc", "-o", "fit.nc"], "found the input file"),
        (["calibrate", "run", "-o", "run/experiment.toml"], "experiment.toml: "),
        (["rerun", "fit.nc", "-o", "data.nc"], "found a file that is not a fit"),
    ],
)
def test_no_file_is_overwritten_that_was_read_or_is_something_else(arguments, text, written, monkeypatch, capsys):
    monkeypatch.chdir(written)
    datasets.save(datasets.load("fig2b-d35"), written / "data.nc")
    (written / "run" / "xi.nc").write_text("numbers")
    before = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}
    assert run(*arguments) == 2
    assert text in capsys.readouterr().err
    assert {path: path.read_bytes() for path in written.rglob("*") if path.is_file()} == before


def test_the_largest_count_is_that_of_a_fit_that_is_read():
    assert positive(str(MOST_DRAWS)) == MOST_DRAWS
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        positive(str(MOST_DRAWS + 1))


def test_a_closure_that_a_model_contradicts(capsys):
    assert run("check", "fig2b-d55", "--closure", "fixed-number", "--model", "microscopic") == 2
    assert "--closure fixed-number: found --model microscopic" in capsys.readouterr().err
