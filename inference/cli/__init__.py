"""The command line: one file a verb, the same words and defaults as the Python functions."""

from __future__ import annotations

import _thread
import gc
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .arguments import parser

HEALTHY, NOT_CONVERGED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. 0: done, and the fit is healthy; 1: it did not converge; 2: bad input."""
    from ...datasets import ExperimentError
    from ...forward_models import InvalidValue
    from ..model import PriorError

    gc.set_threshold(200_000)  # imports and graphs are no garbage: looking for it takes 5 % of a fit
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Γ must not end a fit
    given = parser().parse_args(arguments)
    hook = sys.unraisablehook
    sys.unraisablehook = partial(_interrupt_again, hook)
    try:
        if given.load:
            from ..model import load_models

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
    finally:
        sys.unraisablehook = hook


def _interrupt_again(others: Callable[[Any], Any], ignored: Any) -> None:
    """Ctrl-C at a moment at which a library in C ignores it (CasADi does) counts a moment later."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        later = threading.Timer(0.05, _thread.interrupt_main)
        later.daemon = True
        later.start()
    else:
        others(ignored)


def _in_one_line(error: Exception) -> str:
    from ..text import printable

    text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
    return printable(" ".join(text.split()))
