"""An experiment that is fitted again whenever its files change, while it is measured.

FOLDER/0001.nc, 0002.nc, …  every fit, as `dissentangle fit` writes it
FOLDER/watch.jsonl          a JSON object per line: what each fit found, or why the files cannot be fitted
"""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets import ExperimentError
from ...datasets.experiment import Label
from ...datasets.files import write_bytes, write_tree
from ...datasets.formats import not_measured
from ...forward_models import InvalidValue
from ..checks import assess
from ..designs import proposals
from ..fits import Fit, fit_problem, read_fit, summary_rows
from ..model import Problem, SamplerSettings, data_hash, require_data
from ..parallel import processes
from ..reports import live_page
from ..text import as_json

if TYPE_CHECKING:
    from concurrent.futures import Future
    from threading import Event

    from loky import ProcessPoolExecutor

LINES = "watch.jsonl"
_SETTLED = 0.15
"""Seconds without a change after which files count as written."""
_HALF_WRITTEN = 1.0
"""Seconds without a change after which files that cannot be read count as wrong, and no longer as half-written."""
_LONGEST = 2.0
"""Seconds after which files that change all the time are read all the same."""
_NICE = 10
"""By which pages give way to fits."""


def watch(
    sources: Sequence[Path],
    folder: Path,
    posed: Callable[[], Problem],
    sampler: SamplerSettings,
    told: Callable[[dict[str, Any]], None],
    *,
    page: Path | None = None,
    stop: Event | None = None,
) -> None:
    """Fit now, and again after each change of the files, until `stop` is set or Ctrl-C.

    Parameters
    ----------
    sources : folders whose files are watched, and files
    folder : for fits and lines; it goes on where an earlier watch ended
    posed : reads the files and gives the problem that they pose
    told : called with each line
    page : HTML file, the report of the newest fit; it loads itself again every few seconds

    Raises
    ------
    ExperimentError : without watchfiles, and for files that do not exist. What cannot be read later is a line
    """
    changes = _changes(sources, {folder, *([page] if page else [])}, stop)
    first = last = 0.0
    changed, fitted = True, ""
    with closing(_States(folder, page, told)) as states:
        for found in changes:
            states.draw()
            now = time.monotonic()
            if found:
                first, last, changed = now if not changed else first, now, True
            if not changed or (now - last < _SETTLED and now - first < _LONGEST):
                continue
            try:
                problem = posed()
                require_data(problem.experiment, problem.experiment.title)
                hashed = data_hash(problem.experiment)
            except (ExperimentError, InvalidValue, OSError) as error:
                if now - last >= _HALF_WRITTEN:
                    changed, fitted = False, ""
                    states.add_fault(error)
                continue
            changed = False
            if hashed != fitted:
                fitted = hashed
                states.add(problem, sampler)


def _changes(sources: Sequence[Path], own: set[Path], stop: Event | None) -> Any:
    """Sets of changes since the one before, an empty one after a tenth of a second without any."""
    try:
        from watchfiles import DefaultFilter
        from watchfiles import watch as changes
    except ImportError as error:
        raise ExperimentError("watch: found no watchfiles, expected: pip install 'dissentangle[live]'") from error
    for path in sources:
        if not path.exists():
            raise ExperimentError(f"{path}: found no such file or folder, expected one with data to watch")
    allowed = DefaultFilter(ignore_paths=[path.resolve() for path in own])
    return changes(*sources, watch_filter=allowed, debounce=200, step=50, rust_timeout=100, yield_on_timeout=True,
                   stop_event=stop)  # fmt: skip


@dataclass
class _States:
    """What was fitted, in files, and the page of the newest."""

    folder: Path
    page: Path | None
    told: Callable[[dict[str, Any]], None]
    _wanted: tuple[Path | None, str] | None = None
    _pages: ProcessPoolExecutor | None = None
    _drawn: Future[None] | None = None
    _newest: Path | None = None
    _asked: tuple[Path | None, str] | None = None
    """Of the page that is drawn."""
    _ended: int = 0
    """Processes of pages that were ended from outside, one after the other."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        numbered = {int(path.stem): path for path in self.folder.glob("*.nc") if path.stem.isdecimal()}
        self._number = max(numbered, default=0)
        if self.page is not None:
            self._pages = _page_process()
        if numbered:
            self._newest = numbered[self._number]
            self._show("The files are fitted now. (Below: the last fit of an earlier watch.)")

    def add(self, problem: Problem, sampler: SamplerSettings) -> None:
        """Fit and keep it."""
        gc.collect(0)  # the fit before, whose trees refer to themselves
        start = time.monotonic()
        try:
            fit = fit_problem(problem, sampler)
        except (ExperimentError, InvalidValue) as error:
            self.add_fault(error)
            return
        fitted = Fit(fit)  # what both of these work out of it
        judged = assess(fitted)
        fit.attrs["status"] = judged.status
        self._number += 1
        self._newest = self.folder / f"{self._number:04d}.nc"
        write_tree(fit, self._newest)
        rates = {
            row.label: {"mean": row.mean, "sd": row.sd} for row in summary_rows(fit) if Label.parse(row.label).is_rate
        }
        measure = [f"{one.kind} in run {one.run}" for one in proposals(fitted)[:1]]
        self._say({"file": self._newest.name, "seconds": round(time.monotonic() - start, 3), "status": judged.status,
                   "headline": judged.headline, "rates": rates, "measure_next": measure,
                   "not_measured": not_measured(problem.experiment)})  # fmt: skip
        self._show("")

    def add_fault(self, error: Exception) -> None:
        """Say why the files cannot be fitted."""
        self._say({"status": "failed", "error": f"{error}"})
        below = " (Below: the last fit.)" if self._newest else ""
        self._show(f"The files as they are now cannot be fitted: {error}{below}")

    def _say(self, line: dict[str, Any]) -> None:
        line = as_json({"time": datetime.now(UTC).isoformat(timespec="milliseconds")} | line)
        with (self.folder / LINES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.told(line)

    def _show(self, notice: str) -> None:
        self._wanted = self._newest, notice
        self.draw()

    def draw(self) -> None:
        """Begin the page of the newest fit in another process, once that of the fit before is there."""
        if self._drawn is not None and self._drawn.done():
            self._look_at(self._drawn)
            self._drawn = None
        if self._wanted is None or self._drawn is not None or self._pages is None:
            return
        self._asked, self._wanted = self._wanted, None
        try:
            self._drawn = self._pages.submit(_draw, *self._asked, self.page)
        except BrokenExecutor:
            self._pages = _page_process()
            self._drawn = self._pages.submit(_draw, *self._asked, self.page)

    def _look_at(self, drawn: Future[None]) -> None:
        """Say what went wrong with a page; where its process was ended from outside, it is drawn again, once."""
        try:
            drawn.result()
            self._ended = 0
        except BrokenExecutor:
            self._ended += 1
            again = self._ended == 1
            self._say({"status": "failed", "error": f"{self.page}: the process that draws it was ended from outside; "
                       + ("it is started again" if again else "the page waits for the next fit")})  # fmt: skip
            self._wanted = self._wanted or (self._asked if again else None)
        except Exception as error:  # a page that cannot be drawn or written must not end the fits
            self._say({"status": "failed", "error": f"{self.page}: {error}"})

    def close(self) -> None:
        """Wait for the page of the newest fit; on a second Ctrl-C end without it."""
        finished = False
        try:
            while self._drawn is not None:
                self._drawn.exception()
                self.draw()
            finished = True
        finally:
            if self._pages is not None:
                self._pages.shutdown(kill_workers=not finished)


def _page_process() -> ProcessPoolExecutor:
    found = processes(1, idle=None)
    found.submit(_get_ready)
    return found


def _get_ready() -> None:
    """Give way to the fits, and import what a page takes seconds to import while the first one is made.

    Ctrl-C, which a terminal sends to all processes, leaves the last page to be finished.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(_NICE)
    import arviz  # noqa: F401
    import matplotlib.figure  # noqa: F401


def _draw(file: Path | None, notice: str, page: Path) -> None:
    """The page of the fit in a file; without one, of the notice alone."""
    if file is None:
        text = live_page(None, "", "", notice)
    else:
        at = datetime.fromtimestamp(file.stat().st_mtime).strftime("%H:%M:%S")
        text = live_page(read_fit(file), file.name, at, notice)
    write_bytes(text.encode(errors="replace"), page)
