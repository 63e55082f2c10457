"""Progress of the sampler: a line that is rewritten on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Progress:
    """Called by the sampler with the state of its chains, from another thread."""

    EVERY = 5.0

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._start = self._last = time.monotonic()

    def step(self, text: str) -> None:
        """What begins now."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def __call__(self, chains: list[Any]) -> None:
        """Chains: nutpie's progress of each."""
        now = time.monotonic()
        if self._quiet or now - self._last < (0.2 if self._terminal else self.EVERY):
            return
        self._last = now
        done, total = (sum(getattr(chain, name) for chain in chains) for name in ("finished_draws", "total_draws"))
        elapsed = now - self._start
        left = f", {elapsed * (total - done) / done:.0f} s left" if done else ""
        divergent = sum(chain.divergences for chain in chains)
        text = f"sampling: {100 * done / max(total, 1):3.0f} % of {total} draws, {divergent} divergent{left}"
        print(
            f"\r{text:<78}" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr, flush=True
        )

    def finish(self) -> None:
        """Clear the line."""
        if self._terminal and not self._quiet:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)


class Count:
    """A line that is rewritten on a terminal, a line every few seconds in a log."""

    EVERY = 10.0

    def __init__(self, what: str, quiet: bool = False) -> None:
        self._what, self._quiet = what, quiet
        self._terminal = sys.stderr.isatty()
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, failed: int, total: int) -> None:
        """Told after each one."""
        now = time.monotonic()
        if self._quiet or (done < total and now - self._last < (0.2 if self._terminal else self.EVERY)):
            return
        self._last = now
        left = (now - self._start) / done * (total - done)
        text = f"{done} of {total} {self._what}, {failed} failed, {left:.0f} s left"
        end = "\n" if done == total or not self._terminal else ""
        print(f"\r{text:<70}" if self._terminal else text, end=end, file=sys.stderr, flush=True)


@contextlib.contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Ctrl-C says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(
            f"\ndissentangle: interrupted; what was finished is in {folder}: the same command goes on", file=sys.stderr
        )
        raise SystemExit(130) from None
