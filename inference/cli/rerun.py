"""The verb `rerun`."""

from __future__ import annotations

import argparse

from .output import Output
from .paths import fit_target


def rerun(given: argparse.Namespace) -> int:
    """Fit again what is in a file; 0: the same draws, 1: others."""
    output = Output(given)
    target = fit_target(given.output) if given.output else None
    from ..fits import read_fit, save_fit

    fit = read_fit(given.fit)
    from ..fits import rerun as made_again

    found = made_again(fit)
    output.text(found.text)
    if target is not None:
        save_fit(found.fit, target)
        output.written(target)
    output.facts(
        {
            "identical": found.identical,
            "versions": {name: list(pair) for name, pair in found.versions.items()},
            "largest_shift": found.shift,
            "shifted": found.shifted,
            "text": found.text,
        }
    )
    return 0 if found.identical else 1
