"""Checks that those of every part of an experiment are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..forward_models import PARAMETERS
from .errors import nearest, violation
from .experiment import Experiment

RESERVED = ("observations", "observation", "excluded", "chain", "draw", "lights", "coordinate", "parameter")
LARGEST_NUMBER, SMALLEST_SIGMA = 1e9, 1e-9


def check_choice(where: str, word: str, known: Sequence[str]) -> None:
    """Raise unless `word` is one of `known`."""
    if word not in known:
        raise violation(where, f"{word!r}{nearest(word, known)}", "one of " + ", ".join(known))


def check_run(where: str, run: str, experiment: Experiment) -> None:
    """Raise unless the experiment has this run."""
    check_choice(where, run, experiment.runs)


def check_name(name: str, where: str) -> None:
    """Raise for a name of a series that files, labels or variables cannot have."""
    if not name.strip(". ") or any(character in name for character in "/[]\x00"):
        raise violation(f"{where}: name", repr(name), "a name, without '/', '[' and ']'")
    if not name.isprintable() or name in (*PARAMETERS, *RESERVED):
        raise violation(f"{where}: name", "a name that is taken", "another `name`")


def check_rows(where: str, values: np.ndarray, ok: np.ndarray, expected: str, each: int = 1) -> None:
    """Raise for the first row that is not `ok`. `each`: how many values a row of the table holds."""
    if not ok.all():
        row = int(np.argmin(ok))
        raise violation(f"{where}: row {row // each + 1}", f"{values[row]:g}", expected)
