"""The command line: the same words and defaults as the Python functions.

The verbs stand in files of groups, each with its options above its action; see `verb.py`. Importing this package
imports none of what they do.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from ...datasets.errors import ExperimentError, nearest, printable
from .table import VERBS

__all__ = ["VERBS", "main", "parser"]

HEALTHY, NOT_CONVERGED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
_EXAMPLES = """\
examples:
  dissentangle demo                               fit the bundled examples; a report with figures
  dissentangle init my-run                        a folder to fill in
  dissentangle check my-run                       what would be fitted, what each series informs
  dissentangle fit my-run -o my-run.nc            the posterior; exit code 0: healthy, 1: not converged, 2: bad input
  dissentangle report my-run.nc -o my-run.html    the page to show to the group
  dissentangle compare my-run --models microscopic,fixed-number    what do the data prefer?
  dissentangle criticize my-run.nc                would the fitted model make such data?
  dissentangle plot my-run.nc --what fig2b -o fig2b.pdf
  dissentangle campaign my-runs -o fits           all experiments in a folder; start it again to go on
Each verb has examples of its own: dissentangle VERB --help
"""


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """What a verb does not know is an error of that verb, with its help and the nearest option."""
        known, unknown = super().parse_known_args(*given, **named)
        if unknown:
            options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            hint = nearest(options[0], self._option_string_actions) if options else ""
            if self._subparsers is not None:
                hint = " (options of a verb come after it)"
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """One line, exit code 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> None:
        from importlib.metadata import version

        print(f"dissentangle {version('dissentangle')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    main = _Parser(
        prog="dissentangle",
        description="Bayesian inference of the rates of dissipatively entangled atomic ensembles.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument("--version", action=_Version, nargs=0, help="print the version")
    verbs = main.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    for one in VERBS:
        one.add_to(verbs)
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. 0: done, and the fit is healthy; 1: it did not converge; 2: bad input."""
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
    except KeyboardInterrupt:
        print("dissentangle: interrupted; nothing was written: the same command starts again", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return HEALTHY
    except _bad_input() as error:
        print(f"dissentangle: {_in_one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    finally:
        sys.unraisablehook = hook


def _bad_input() -> tuple[type[Exception], ...]:
    """What a verb raises for input that cannot be used; imported only when something is raised."""
    from ...forward_models import InvalidValue
    from ..model import PriorError

    return ExperimentError, PriorError, InvalidValue, OSError


def _interrupt_again(others: Callable[[Any], Any], ignored: Any) -> None:
    """Ctrl-C at a moment at which a library in C ignores it (CasADi does) counts a moment later."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        import _thread
        import threading

        later = threading.Timer(0.05, _thread.interrupt_main)
        later.daemon = True
        later.start()
    else:
        others(ignored)


def _in_one_line(error: Exception) -> str:
    text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
    return printable(" ".join(text.split()))
