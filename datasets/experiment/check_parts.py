"""Checks that those of every part of an experiment are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...forward_models import PARAMETERS
from ..errors import nearest, violation
from ..kinds import NORMALISED_TO_START
from .experiment import Experiment, Series

RESERVED = ("observations", "observation", "excluded", "chain", "draw", "lights", "coordinate", "parameter")
LARGEST_NUMBER, SMALLEST_SIGMA = 1e9, 1e-9
SMALLEST_BEAT, LARGEST_BEAT = 0.01, 10.0
"""Root mean square between which an orientation test must lie: its amplitude has a prior of size 1."""
LARGEST_SPIN = 3.0
"""Median size of a normalised spin beyond which it is no fraction of the spin at t = 0."""
LARGEST_XI = 20.0
"""Median of ξ beyond which it is not normalised to uncorrelated spins: 13 dB of noise."""


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


def check_size_of_signal(series: Series, where: str) -> None:
    """Raise for values that are normalised in another way than those of their kind."""
    if series.kind == "orientation_beat":
        size = float(np.sqrt(np.mean(series.value**2)))
        if not SMALLEST_BEAT <= size <= LARGEST_BEAT:
            expected = "values normalised so that the amplitude is about 1"
            raise violation(where, f"a signal of size {size:.2g}", expected)
    if series.kind == "xi" and (size := float(np.median(series.value))) > LARGEST_XI:
        raise violation(
            where, f"values of size {size:.3g}", "ξ, which is 1 for uncorrelated spins (of per cent: a hundredth)"
        )
    if series.kind in NORMALISED_TO_START:
        size, most = float(np.median(abs(series.value))), LARGEST_SPIN + 3 * float(np.median(series.spread))
        if size > most:
            expected = "fractions of the spin at t = 0 (of per cent: a hundredth)"
            raise violation(where, f"values of size {size:.3g}", expected)
