"""What a verb says: tables for people, facts for scripts (--json), progress on stderr, or nothing (--quiet)."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...datasets.errors import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.progress import Progress
    from xarray import DataTree

    from ..checks import Assessment

_COLOURS = {"healthy": 32, "doubtful": 33, "weak": 33, "misfit": 31, "unhealthy": 31, "failed": 31}


class Output:
    """What a command prints on stdout. Errors and progress go to stderr."""

    def __init__(self, given: Namespace) -> None:
        self.json, self._quiet = given.json, given.quiet
        self._written: list[str] = []

    @property
    def _for_people(self) -> bool:
        return not self.json and not self._quiet

    def text(self, text: str) -> None:
        """For people."""
        if self._for_people:
            print(printable(text))

    def fit(self, fit: DataTree, compared: Sequence[str] = (), judged: Assessment | None = None) -> None:
        """The tables of a fit, its verdict in colour; `compared`: what a comparison adds to its headline."""
        if self._for_people:
            from ..checks import assess
            from ..text import fit_text

            judged = judged or assess(fit)
            print(fit_text(fit, compared, judged).replace(judged.headline, painted(judged.headline, judged.status), 1))

    def figure(self, path: Path | None, made: Callable[[], Figure]) -> None:
        """A figure, made and written where one is wanted."""
        if path is not None:
            from ..figures import write

            write(made(), path)
            self.written(path)

    def written(self, path: str | Path) -> None:
        """A file that was written."""
        self._written.append(str(path))
        self.text(f"written: {path}")

    def facts(self, facts: dict[str, Any]) -> None:
        """For scripts: one JSON object on stdout."""
        if self.json:
            from ..text import as_json

            found = as_json(facts | ({"written": self._written} if self._written else {}))
            print(json.dumps(found, ensure_ascii=False))


def painted(text: str, status: str) -> str:
    """Text in the colour of a status, where stdout is a terminal and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[1;{_COLOURS.get(status, 0)}m{text}\x1b[0m"


def steps(quiet: bool) -> Callable[[str], None]:
    """A function that says what begins now."""
    return lambda text: None if quiet else print(text, file=sys.stderr, flush=True)


class _Bar:
    """How far something is, in words; rich draws them with a bar on a terminal, until the `with` block ends."""

    every = 5.0
    """Seconds from line to line of a log."""
    stays = False
    """Whether a terminal keeps the last state."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._start = self._last = time.monotonic()
        self._drawn: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn is not None:
            self._drawn.stop()

    def _show(self, done: int, total: int, text: Callable[[float], str], last: bool = False) -> None:
        """`text` is asked, with the seconds since the start, where it is time to show something."""
        now = time.monotonic()
        if self._quiet or (not last and now - self._last < (0.2 if self._terminal else self.every)):
            return
        self._last = now
        words = text(now - self._start)
        if not self._terminal:
            print(words, file=sys.stderr, flush=True)
            return
        if self._drawn is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = BarColumn(bar_width=20), TextColumn("{task.description}", markup=False)
            self._drawn = Progress(*columns, console=Console(stderr=True), transient=not self.stays,
                                   auto_refresh=False, redirect_stdout=False)  # fmt: skip
            self._drawn.add_task("", total=total)
            self._drawn.start()
        self._drawn.update(self._drawn.task_ids[0], completed=done, total=total, description=words)
        self._drawn.refresh()


class SamplingProgress(_Bar):
    """Called by the sampler, from another thread, with nutpie's state of each chain."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet)
        self.step = steps(quiet)

    def __call__(self, chains: list[Any]) -> None:
        """Share of the draws that are done, divergences, seconds left."""
        done, total = (sum(getattr(chain, name) for chain in chains) for name in ("finished_draws", "total_draws"))

        def text(elapsed: float) -> str:
            left = f", {elapsed * (total - done) / done:.0f} s left" if done else ""
            divergent = sum(chain.divergences for chain in chains)
            return f"sampling: {100 * done / max(total, 1):3.0f} % of {total} draws, {divergent} divergent{left}"

        self._show(done, total, text)


class Count(_Bar):
    """Called after each of many things of a kind, such as data sets."""

    every, stays = 10.0, True

    def __init__(self, what: str, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._what, self._first = what, (0, 0.0)

    def __call__(self, done: int, failed: int, total: int) -> None:
        """How many are done, how many of them failed, seconds left as after the first, for which much is compiled."""

        def text(elapsed: float) -> str:
            number, begun = self._first
            left = f", {(elapsed - begun) / (done - number) * (total - done):.0f} s left" if done > number else ""
            return f"{done} of {total} {self._what}, {failed} failed{left}"

        if not self._first[0]:
            self._first = done, time.monotonic() - self._start
        self._show(done, total, text, last=done == total)


@contextlib.contextmanager
def resumable(folder: Path | None) -> Iterator[None]:
    """Ctrl-C says how to go on, where a folder keeps what was finished."""
    try:
        yield
    except KeyboardInterrupt:
        if folder is None:
            raise
        print(
            f"\ndissentangle: interrupted; what was finished is in {folder}: the same command continues",
            file=sys.stderr,
        )
        raise SystemExit(130) from None
