"""Progress of the sampler: a line that is rewritten on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """Called by the sampler with the state of its chains, from another thread."""

    EVERY = 5.0

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._start = self._last = time.monotonic()

    def step(self, text: str) -> None:
        """What begins now."""
        print(text, file=sys.stderr, flush=True)

    def __call__(self, chains: list[Any]) -> None:
        """Chains: nutpie's progress of each."""
        now = time.monotonic()
        if now - self._last < (0.2 if self._terminal else self.EVERY):
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
        if self._terminal:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)
