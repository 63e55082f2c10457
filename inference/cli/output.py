"""What a verb prints: tables for people, facts for scripts (--json), or nothing (--quiet)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

_COLOURS = {"healthy": 32, "doubtful": 33, "weak": 33, "misfit": 31, "unhealthy": 31, "failed": 31}


class Output:
    """One for each command. Errors and progress are not its business: they go to stderr."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.json, self._quiet = given.json, given.quiet
        self._written: list[str] = []

    @property
    def _for_people(self) -> bool:
        return not self.json and not self._quiet

    def text(self, text: str) -> None:
        """For people."""
        from ..text import printable

        if self._for_people:
            print(printable(text))

    def fit(self, fit: Any) -> None:
        """The tables of a fit, its verdict in colour."""
        from ..checks import assess
        from ..text import fit_text

        if self._for_people:
            judged = assess(fit)
            print(fit_text(fit).replace(judged.headline, painted(judged.headline, judged.status), 1))

    def written(self, path: str | Path) -> None:
        """A file that was written."""
        self._written.append(str(path))
        self.text(f"written: {path}")

    def facts(self, facts: dict[str, Any]) -> None:
        """For scripts: one JSON object on stdout."""
        from ..text import as_json

        if self.json:
            print(
                json.dumps(as_json(facts | ({"written": self._written} if self._written else {})), ensure_ascii=False)
            )


def painted(text: str, status: str) -> str:
    """Text in the colour of a status, where stdout is a terminal and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[1;{_COLOURS.get(status, 0)}m{text}\x1b[0m"
