"""The verb `fit` with --method paper or least-squares: a value and a ± each, no posterior."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ...datasets import ExperimentError
from .options import modelled
from .output import Output
from .paths import writable


def point_fit(given: argparse.Namespace) -> int:
    """Fit, print the table, write JSON where asked; 0, or 1 where the search did not end at a minimum."""
    output = Output(given)
    experiment, settings = modelled(given)
    target = _target(given)

    if given.method == "paper":
        from ..point_fit import paper_fit

        result = paper_fit(experiment)
    else:
        from ..model import Problem
        from ..point_fit import fit_least_squares

        result = fit_least_squares(Problem(experiment, settings))
    from ..text import point_fit_facts, point_fit_text, truth_of

    output.text(point_fit_text(result, experiment, truth_of(experiment)))
    facts = point_fit_facts(result)
    if target is not None:
        from ...datasets.files import write_bytes
        from ..text import as_json

        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(json.dumps(as_json(facts), ensure_ascii=False, indent=1).encode(), target)
        output.text("")
        output.written(target)
    output.facts(facts)
    return 0 if result.converged else 1


def _target(given: argparse.Namespace) -> Path | None:
    """Where the JSON goes; ExperimentError for options that belong to a posterior."""
    method = f"--method {given.method}"
    if given.figure is not None:
        raise ExperimentError(
            f"--figure {given.figure}: found {method}, expected --method posterior, which has figures"
        )
    if given.method == "paper" and (given.prior or given.fix or given.model):
        raise ExperimentError(
            f"--prior, --fix, --model: found {method}, which knows none of them, expected another method"
        )
    if given.output is None:
        return None
    if Path(given.output).suffix.lower() != ".json":
        raise ExperimentError(
            f"{given.output}: found no name of a JSON file, expected one ending in .json: {method} makes no posterior"
            " that a NetCDF file could hold"
        )
    return writable(given.output)
