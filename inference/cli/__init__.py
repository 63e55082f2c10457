"""The command line: one file a verb, the same words and defaults as the Python functions."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence

from .arguments import parser

HEALTHY, NOT_CONVERGED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. 0: done, and the fit is healthy; 1: it did not converge; 2: bad input."""
    from ...datasets.errors import ExperimentError
    from ...forward_models.validation import InvalidValue
    from ..priors import PriorError

    gc.set_threshold(200_000)  # imports and graphs are no garbage: looking for it takes 5 % of a fit
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Γ must not end a fit
    given = parser().parse_args(arguments)
    try:
        if given.load:
            from ..rival_models import load_models

            for file in given.load:
                load_models(file)
        code = int(given.run(given))
        sys.stdout.flush()
        return code
    except (ExperimentError, PriorError, InvalidValue, OSError) as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return HEALTHY
        print(f"dissentangle: {_in_one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("dissentangle: interrupted; nothing was written: the same command starts again", file=sys.stderr)
        return INTERRUPTED


def _in_one_line(error: Exception) -> str:
    from ..fit_text import printable

    text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
    return printable(" ".join(text.split()))
