"""Campaigns: what is written, what is done again and what is not, damaged data sets, killed workers."""

import os
import signal
import time
import tomllib
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import xarray as xr

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError, read
from dissentangle.datasets.files import open_tree
from dissentangle.inference.campaigns.campaign import sources
from dissentangle.inference.campaigns.summary import summary_csv, summary_dataset
from dissentangle.inference.cli import main
from dissentangle.inference.fits.file import file_name
from dissentangle.inference.reports.index import SummaryRow, failed_row, index_page

pytestmark = pytest.mark.slow

campaigning = import_module("dissentangle.inference.campaigns.campaign")  # the room has a function of this name

QUICK = {"draws": 60, "tune": 150, "chains": 2, "seed": 4}
WORDS = ["--draws", "60", "--tune", "150", "--chains", "2", "--seed", "4", "--cores", "1"]
HOSTILE = "<script>alert(1)</script> & \\LaTeX{} 🐈 " + "x" * 300


def simulated(count):
    like = read("fig2b-d55")
    return [datasets.from_tree(datasets.simulate_like(like, seed=50 + k)) for k in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three experiments, one of them with a hostile title, and two that are none."""
    path = tmp_path_factory.mktemp("runs")
    first, second, third = simulated(3)
    datasets.save(first, path / "first")
    datasets.save(replace(second, title=HOSTILE), path / "second.nc")
    datasets.save(third, path / "third & last")
    (path / "damaged").mkdir()
    (path / "damaged" / "experiment.toml").write_text("title = [")
    (path / "noise.nc").write_bytes(b"nothing")
    (path / "notes.txt").write_text("not an experiment")
    return path


@pytest.fixture(scope="module")
def done(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("campaign") / "out"
    return output, inference.campaign(folder, output, cores=1, **QUICK)


def files(output):
    return {path.name: path.stat().st_mtime_ns for path in (output / "fits").iterdir()}


def test_every_fit_is_that_of_the_fit_command_and_damaged_ones_are_rows(folder, done):
    output, summary = done
    status = dict(zip(summary["dataset"].values, summary["status"].values, strict=True))
    assert {name for name, word in status.items() if word == "failed"} == {"damaged", "noise"}
    assert set(files(output)) == {"first.nc", "second.nc", "third %26 last.nc"}
    alone = inference.fit(folder / "first", **QUICK)
    kept = inference.read_fit(output / "fits" / "first.nc")
    assert kept["posterior"].dataset.identical(alone["posterior"].dataset)
    row = summary.sel(dataset="first", parameter="collective_rate")
    assert float(row["mean"]) == pytest.approx(float(alone["posterior"]["collective_rate"].mean()))
    assert "found invalid TOML" in (output / "reports" / "damaged.txt").read_text()
    assert np.isnan(summary["mean"].sel(dataset="damaged")).all()


def test_summary_on_disk(done):
    output, summary = done
    with xr.open_dataset(output / "summary.nc", engine="h5netcdf") as stored:
        np.testing.assert_array_equal(stored["mean"].values, summary["mean"].values)
    lines = (output / "summary.csv").read_text().splitlines()
    assert len(lines) == 6
    assert lines[0].startswith(
        "name,status,title,verdict,engine,simulated,divergences,attempts,min_ess,max_rhat,seconds,"
    )
    assert "collective_rate mean (1/ms)" in lines[0]


def test_same_draws_on_any_number_of_cores(folder, done, tmp_path):
    output, summary = done
    two = inference.campaign(folder, tmp_path, cores=2, **QUICK)
    assert set(files(tmp_path)) == set(files(output))
    for name in files(output):
        one, other = (open_tree(path / "fits" / name) for path in (output, tmp_path))
        for group in ("posterior", "posterior_predictive", "log_likelihood", "derived", "prior"):
            assert other[group].dataset.identical(one[group].dataset)
    xr.testing.assert_identical(two.drop_vars("seconds"), summary.drop_vars("seconds"))


def test_what_is_finished_is_not_done_again(folder, done):
    output, summary = done
    before = files(output)
    again = inference.campaign(folder, output, cores=1, **QUICK)
    assert files(output) == before
    xr.testing.assert_identical(again, summary)


def test_what_has_changed_or_is_damaged_is_done_again(folder, done, tmp_path):
    output, _ = done
    before = files(output)
    (output / "fits" / "second.nc").write_bytes((output / "fits" / "second.nc").read_bytes()[:20_000])
    changed = sources(folder) | {"first": simulated(4)[3]}
    inference.campaign(
        {name: changed[name] for name in ("first", "second", "third %26 last")}, output, cores=1, **QUICK
    )
    after = files(output)
    assert after["first.nc"] != before["first.nc"]
    assert after["second.nc"] != before["second.nc"]
    assert set(after) == {*before, "third %2526 last.nc"}  # a name given by hand is quoted: another one
    open_tree(output / "fits" / "second.nc")
    first = after["first.nc"]
    inference.campaign({"first": changed["first"]}, output, cores=1, **QUICK | {"draws": 61})
    assert files(output)["first.nc"] != first


def test_names_of_sources(tmp_path):
    assert list(sources(["fig2b-d55", "fig2b-d55", read("fig2b-d35")])) == ["fig2b-d55", "fig2b-d55-2", "0003"]
    assert file_name("../a/b.nc") == "%2E.%2Fa%2Fb.nc"
    with pytest.raises(ExperimentError, match="found a name too long for a file"):
        file_name("Γ" * 100)
    with pytest.raises(
        ExperimentError, match=r"found no experiment, expected folders with .*: --template experiment\.toml, in Py"
    ):
        sources(tmp_path)
    with pytest.raises(ExperimentError, match="found no such folder"):
        sources(tmp_path / "none")
    with pytest.raises(ExperimentError, match="found one experiment, expected a folder of them"):
        (tmp_path / "experiment.toml").touch()
        sources(tmp_path)
    with pytest.raises(ExperimentError, match="found no experiments, expected at least one"):
        inference.campaign([], tmp_path / "out")


def test_sources_by_pattern_and_by_template(tmp_path):
    for week in ("2026-W01", "2026-W02"):
        datasets.save(read("fig2b-d55"), tmp_path / "weeks" / week)
    (tmp_path / "weeks" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "weeks" / ".ipynb_checkpoints" / "experiment.toml").touch()
    assert list(sources(str(tmp_path / "weeks"))) == list(sources(str(tmp_path / "weeks" / "2026-*")))
    template = tmp_path / "experiment.toml"
    (tmp_path / "weeks" / "2026-W01" / "experiment.toml").rename(template)
    (tmp_path / "weeks" / "2026-W02" / "experiment.toml").unlink()
    found = sources(tmp_path / "weeks", template)
    assert list(found) == ["2026-W01", "2026-W02"]
    assert found["2026-W02"]().date == "2026-01-05"
    with pytest.raises(ExperimentError, match=r"found nothing of this pattern, expected data sets"):
        sources(str(tmp_path / "*.nc"))


def test_a_template_that_describes_no_data_set_is_an_error(tmp_path):
    for week in ("W01", "W02"):
        datasets.save(read("fig2b-d55"), tmp_path / "weeks" / week)
        (tmp_path / "weeks" / week / "experiment.toml").rename(tmp_path / "experiment.toml")
        path = tmp_path / "weeks" / week / "polarization.csv"
        path.write_text(path.read_text().replace("time,value", "T_ms,P"))
    with (tmp_path / "experiment.toml").open("a") as file:
        file.write('[prior]\ngamma = "normal(0.1, 0.1)"\n')
    with pytest.raises(ExperimentError) as found:
        sources(tmp_path / "weeks", tmp_path / "experiment.toml")
    first, *texts = found.value.faults
    assert first.endswith("experiment.toml: describes none of 2 data sets; what is wrong in the first:")
    assert any("prior gamma: unknown parameter" in text for text in texts)
    assert any("W01/polarization.csv" in text and '{ time = "T_ms", value = "P"' in text for text in texts)
    path.write_text(path.read_text().replace("T_ms,P", "time,value"))
    (tmp_path / "experiment.toml").write_text((tmp_path / "experiment.toml").read_text().partition("[prior]")[0])
    assert list(sources(tmp_path / "weeks", tmp_path / "experiment.toml")) == ["W01", "W02"]  # a row for the other


def rows_of(*rates):
    return [
        SummaryRow(f"2026-11-{k + 1:02d}", "healthy", "fine", title="t", simulated=1,
                   parameters={"collective_rate": (rate, 0.007, 0.1, 0.12), "optical_depth": (55.0, 2.7, 50, 60)})
        for k, rate in enumerate(rates)
    ]  # fmt: skip


def test_a_summary_shows_itself_and_its_trend():
    rows = [*rows_of(0.1125, 0.1025), failed_row("z", "no such file")]
    summary = summary_dataset(rows, {row.name: row.name for row in rows[:2]} | {"z": ""})
    assert "2 healthy, 1 failed" in repr(summary)
    assert "2026-11-01  2026-11-01  healthy  0.1125(70)" in repr(summary)
    assert "z: failed: no such file" in repr(summary)
    assert "(simulated data)" not in summary._repr_html_()  # of the failed one nobody knows
    assert summary.summary().loc["2026-11-02", "collective_rate"] == 0.1025
    axis = summary.plot().axes[0]
    assert axis.get_ylabel() == "dΓ (ms⁻¹)"
    assert len(summary.plot().axes) == 1  # d is no rate
    assert type(axis.xaxis.get_major_formatter()).__name__ == "ConciseDateFormatter"
    undated = summary_dataset(rows, {}).plot()
    assert undated.get_supxlabel() == "number of the data set"
    assert repr(summary.isel(parameter=0)).startswith("<xarray.")


def test_its_own_summary_is_no_data_set(tmp_path):
    datasets.save(read("fig2b-d35"), tmp_path / "one.nc")
    (tmp_path / "summary.nc").write_bytes(b"a data set, as far as its name tells")
    assert set(sources(tmp_path)) == {"one", "summary"}
    (tmp_path / "summary.csv").touch()
    (tmp_path / "fits").mkdir()
    assert set(sources(tmp_path)) == {"one"}


def test_index_shows_texts_as_texts_and_what_needs_attention_first():
    rows = [
        SummaryRow("a", "healthy", "fine", title=HOSTILE, simulated=1, min_ess=900, max_rhat=1.001,
            parameters={"collective_rate": (0.1125, 0.0072, 0.1, 0.12)}),
        SummaryRow("b", "unhealthy", "Do not use this fit.", title="b", simulated=0, min_ess=20, max_rhat=1.3),
        failed_row("%3Cscript%3E", "no <b>such</b> thing"),
    ]  # fmt: skip
    page = index_page(rows, {"%3Cscript%3E": "reports/%253Cscript%253E.txt"}, {})
    assert "<script" not in page
    assert page.index("no &lt;b&gt;such") < page.index("Do not use this fit.") < page.index("0.1125(72)")
    assert 'href="reports/%253Cscript%253E.txt">&lt;script&gt;</a>' in page
    assert "1 of the data sets are simulated" in page
    text = summary_csv([replace(rows[0], title="=cmd|' /C calc'!A0"), *rows[1:]], {"a": "2026-11-03"})
    assert "'=cmd" in text
    assert ",2026-11-03," in text


def test_command(folder, done, tmp_path, monkeypatch, capsys):
    output, _ = done
    assert main(["campaign", str(folder), "-o", str(output), *WORDS]) == 1
    printed = capsys.readouterr().out
    assert "2 failed" in printed
    assert "noise: failed:" in printed
    assert main(["campaign", str(tmp_path / "none"), "-o", str(tmp_path / "x")]) == 2
    assert main(["campaign", str(folder), "-o", str(folder / "notes.txt")]) == 2
    assert main(["campaign", str(folder), "-o", str(tmp_path / "x"), "--prior", "colective_rate=fixed(1)"]) == 2
    assert not (tmp_path / "x").exists()
    client = pytest.importorskip("dask.distributed").Client
    monkeypatch.setattr("dask.distributed.Client", lambda address, timeout: client(address, timeout="0.5s"))
    assert main(["campaign", str(folder), "-o", str(tmp_path / "x"), "--cluster", "tcp://127.0.0.1:1"]) == 2
    assert "found no Dask scheduler there" in capsys.readouterr().err


def test_an_interrupted_campaign_keeps_what_is_finished(tmp_path, monkeypatch, capsys):
    runs = tmp_path / "runs"
    for k, experiment in enumerate(simulated(2)):
        datasets.save(experiment, runs / f"{k}.nc")

    fit_one = campaigning.fit_one
    monkeypatch.setattr(campaigning, "fit_one", lambda name, *rest: fit_one(name, *rest) if name == "0" else _stop())
    with pytest.raises(SystemExit) as stop:
        main(["campaign", str(runs), "-o", str(tmp_path / "out"), *WORDS])
    assert stop.value.code == 130
    assert "the same command continues" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out" / "fits").iterdir()] == ["0.nc"]
    assert len((tmp_path / "out" / "summary.csv").read_text().splitlines()) == 2


def _stop():
    raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*unclosed.*:ResourceWarning", "default")
def test_on_a_dask_cluster_whose_worker_is_killed(tmp_path):
    """A real scheduler, two worker processes; one is killed in the middle: nothing is lost."""
    distributed = pytest.importorskip("distributed")
    runs = tmp_path / "runs"
    for k, experiment in enumerate(simulated(4)):
        datasets.save(experiment, runs / f"{k}.nc")
    out = tmp_path / "out"
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        pids = [worker.process.pid for worker in cluster.workers.values()]

        def kill():
            while len(list((out / "fits").glob("*.nc"))) < 2:
                time.sleep(0.05)
            os.kill(pids[0], signal.SIGKILL)

        killer = Thread(target=kill, daemon=True)
        killer.start()
        code = main(["campaign", str(runs), "-o", str(out), *WORDS, "--cluster", cluster.scheduler_address])
        killer.join(timeout=1)
        assert not killer.is_alive()
    with xr.open_dataset(out / "summary.nc", engine="h5netcdf") as summary:
        assert summary.sizes["dataset"] == 4
        assert "failed" not in summary["status"].values
        assert code == int("unhealthy" in summary["status"].values)
    alone = inference.fit(runs / "3.nc", **QUICK)
    assert open_tree(out / "fits" / "3.nc")["posterior"].dataset.identical(alone["posterior"].dataset)


def test_the_extra_for_clusters_is_in_the_test_extra():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(extras["cluster"]) <= set(extras["test"])
