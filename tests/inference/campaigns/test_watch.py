"""`watch`: a fit after each change of the files; files that cannot be read are reported and waited for."""

import json
import signal
import sys
import time
from concurrent.futures import BrokenExecutor, Future
from datetime import datetime
from importlib import import_module
from threading import Event, Thread

import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.inference import read_fit
from dissentangle.inference.campaigns import watch
from dissentangle.inference.campaigns.watch import LINES
from dissentangle.inference.cli import main
from dissentangle.inference.model import Problem, SamplerSettings, data_hash
from dissentangle.inference.reports import live_page
from dissentangle.inference.text import fit_text

from ...seeds import seed

module = import_module("dissentangle.inference.campaigns.watch")
SAMPLER = SamplerSettings(seed(1), 50, 100, 2)


class Watched:
    """A folder of data that is watched from a thread."""

    def __init__(self, place):
        self.run, self.live, self.page = place / "run", place / "live", place / "live.html"
        self.lines, self.stop = [], Event()
        datasets.save(datasets.read("fig2b-d55"), self.run)
        self.thread = Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        watch([self.run], self.live, self.posed, SAMPLER, self.lines.append, page=self.page, stop=self.stop)

    def posed(self):
        return Problem(datasets.read(self.run)).check()

    def line(self, number):
        """The line of that number, waited for."""
        end = time.monotonic() + 180
        while len(self.lines) < number and self.thread.is_alive() and time.monotonic() < end:
            time.sleep(0.02)
        return self.lines[number - 1]

    def is_of_the_files(self, line):
        """Whether a line is of the data that are there now."""
        fit = read_fit(self.live / line["file"])
        return fit.attrs["data_sha256"] == data_hash(datasets.read(self.run))


@pytest.fixture
def watched(tmp_path):
    found = Watched(tmp_path)
    yield found
    found.stop.set()
    found.thread.join()


@pytest.mark.slow
def test_each_change_is_fitted_and_what_cannot_be_read_is_reported(watched):
    first, text = watched.line(1), (watched.run / "xi.csv").read_text()
    assert first["file"] == "0001.nc"
    assert watched.is_of_the_files(first)
    assert first["not_measured"] == []
    (watched.run / "xi.csv").write_text("".join([*text.splitlines(keepends=True)[:-3], "19.5,,3000\n"]))
    assert watched.is_of_the_files(watched.line(2))
    assert watched.line(2)["not_measured"] == ["xi: 1 row without a value"]
    assert "\n\nxi: 1 row without a value\n\n" in fit_text(read_fit(watched.live / "0002.nc"))
    (watched.run / "xi.csv").write_text("time,value\n1,")
    assert "xi.csv" in watched.line(3)["error"]
    half = text.index(",", len(text) // 2) + 1
    with (watched.run / "xi.csv").open("w") as file:  # half-written, it ends in a row without a value
        file.write(text[:half])
        file.flush()
        time.sleep(0.4)
        file.write(text[half:])
    assert watched.is_of_the_files(watched.line(4))
    watched.stop.set()
    watched.thread.join()
    assert [json.loads(line) for line in (watched.live / LINES).read_text().splitlines()] == watched.lines
    page = watched.page.read_text()
    assert '<meta http-equiv="refresh"' in page
    assert f"– {watched.lines[-1]['file']}, " in page


def test_the_page_before_the_first_fit_says_why_there_is_none():
    page = live_page(None, "", "", "2 errors:\nxi.csv: found no rows\nP.csv: found <no> rows")
    assert "2 errors:<br>xi.csv: found no rows<br>P.csv: found &lt;no&gt; rows</p>" in page
    assert '<meta http-equiv="refresh"' in page


class Pages:
    """Stands for the executors of pages: what each task comes to is taken from `answers`, else its arguments."""

    made: list["Pages"]
    answers: list[Exception]

    def __init__(self, count, idle):
        self.made.append(self)
        self.ended = None

    def submit(self, work, *arguments):
        found = Future()
        if not arguments:
            found.set_result(None)  # getting ready
        elif self.answers:
            found.set_exception(self.answers.pop(0))
        else:
            found.set_result(arguments)
        return found

    def shutdown(self, kill_workers=False):
        self.ended = kill_workers


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.setattr(Pages, "made", [], raising=False)
    monkeypatch.setattr(Pages, "answers", [], raising=False)
    monkeypatch.setattr(module, "processes", Pages)
    return Pages


def states_of(place, lines):
    return module._States(place, place / "live.html", lines.append)


def test_a_page_is_drawn_although_its_process_was_ended(tmp_path, pages, monkeypatch):
    """The executor is broken then; the next one draws."""

    def submit(self, work, *arguments):
        if len(pages.made) == 1 and arguments:
            raise BrokenExecutor
        return whole(self, work, *arguments)

    whole = Pages.submit
    monkeypatch.setattr(Pages, "submit", submit)
    states = states_of(tmp_path, [])
    states.add_fault(ExperimentError("no rows"))
    assert len(pages.made) == 2
    assert states._drawn.result() == (None, "The files as they are now cannot be fitted: no rows", states.page)


def test_a_page_whose_process_is_ended_while_it_draws_is_drawn_again_once(tmp_path, pages):
    lines = []
    states = states_of(tmp_path, lines)
    pages.answers += [BrokenExecutor("one\n\ntwo\n\nthree"), BrokenExecutor("one"), OSError("disk full")]
    states._show("first")
    states.draw()
    states.draw()
    assert [line["error"].removeprefix(f"{states.page}: ") for line in lines] == [
        "the process that draws it was ended from outside; it is started again",
        "the process that draws it was ended from outside; the page waits for the next fit",
    ]
    assert states._drawn is None
    states._show("second")
    states.draw()
    assert lines[-1]["error"] == f"{states.page}: disk full"
    states._show("third")
    states.close()
    assert states._drawn is None
    assert pages.made[-1].ended is False
    assert len(lines) == 3


def test_a_second_watch_shows_the_last_fit_of_the_first_at_once(tmp_path, pages):
    for name in ("0009.nc", "0010.nc", "other.nc"):
        (tmp_path / name).touch()
    states = states_of(tmp_path, [])
    file, notice, _ = states._drawn.result()
    assert file == tmp_path / "0010.nc"
    assert notice == "The files are fitted now. (Below: the last fit of an earlier watch.)"
    assert states._number == 10


def test_a_second_ctrl_c_ends_the_process_of_pages(tmp_path, pages):
    class Interrupted:
        def exception(self):
            raise KeyboardInterrupt

    states = states_of(tmp_path, [])
    states._drawn = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        states.close()
    assert pages.made[-1].ended is True


def test_sigterm_ends_a_watch_as_ctrl_c_does(tmp_path, monkeypatch, capsys):
    """A line is in local time, with the symbols of rates."""
    line = {"time": "2026-11-29T12:00:00+00:00", "file": "0001.nc", "headline": "Usable.", "status": "healthy",
            "rates": {"collective_rate": {"mean": 0.1123, "sd": 0.0073}}}  # fmt: skip

    def ended(sources, folder, posed, sampler, told, *, page):
        told(line)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("dissentangle.inference.campaigns.watch", ended)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["watch", "fig2b-d55", "-o", str(tmp_path / "live")]) == 0
    assert signal.getsignal(signal.SIGTERM) is before
    at = datetime.fromisoformat(line["time"]).astimezone().strftime("%H:%M:%S")
    assert capsys.readouterr().out == f"{at} 0001.nc: Usable. dΓ 0.1123(73) ms⁻¹\n"


def test_a_watch_in_another_thread_does_without_signals(tmp_path, monkeypatch):
    before, codes = signal.getsignal(signal.SIGTERM), []
    monkeypatch.setattr("dissentangle.inference.campaigns.watch", lambda *given, page: codes.append(0))
    words = ["watch", "fig2b-d55", "-o", str(tmp_path / "live")]
    thread = Thread(target=lambda: codes.append(main(words)))
    thread.start()
    thread.join()
    assert codes == [0, 0]
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_cannot_be_watched(tmp_path, monkeypatch):
    with pytest.raises(ExperimentError, match="found no such file or folder, expected one with data to watch"):
        watch([tmp_path / "nowhere"], tmp_path / "live", lambda: None, SAMPLER, print)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(ExperimentError, match=r"expected: pip install 'dissentangle\[live\]'"):
        watch([tmp_path], tmp_path / "live", lambda: None, SAMPLER, print)
