"""The command line: the same words and defaults as the Python functions.

The verbs stand in files of groups, each with its options above its action; see `verb.py`. Importing this package
imports none of what they do.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from ...datasets.errors import TO_WRITE, ExperimentError, nearest, printable
from ..choices import ONE_THREAD
from .table import VERBS

__all__ = ["VERBS", "main", "parser"]

HEALTHY, NOT_CONVERGED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
_EXAMPLES = """\
examples:
  dissentangle demo                               fit the bundled examples; a report with figures
  dissentangle init my-run                        a folder with a template to fill in
  dissentangle check my-run                       what would be fitted, how well each series constrains it
  dissentangle fit my-run -o my-run.nc            the posterior; exit code 0: healthy, 1: not converged, 2: bad input
  dissentangle report my-run.nc -o my-run.html    the page to show to the group
  dissentangle compare my-run --models microscopic,fixed-number    what do the data prefer?
  dissentangle criticize my-run.nc                could the fitted model have produced these data?
  dissentangle design my-run --goal dGamma --budget '1 h'          what to measure next?
  dissentangle plot my-run.nc --what fig2b -o fig2b.pdf
  dissentangle campaign my-runs -o fits           all experiments in a folder; repeat it to continue
Each command has examples of its own: dissentangle COMMAND --help
"""


_DOUBLE = ",floatX=float64"
"""Whatever a .pytensorrc asks for: single precision is none for ratios of rates."""
_NO_CHOICE = re.compile(r"invalid choice: '(.*?)'( \(choose from (.*)\))$", re.S)


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """What a verb does not know is an error of that verb, with its help and the nearest option."""
        known, unknown = super().parse_known_args(*given, **named)
        if unknown:
            options = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            hint = nearest(options[0], self._option_string_actions) if options else ""
            if self._subparsers is not None:
                hint = " (options of a command come after it)"
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """One line, exit code 2; of a word that is none of the choices, the nearest one."""
        wrong = _NO_CHOICE.search(message)
        if wrong:
            message = message[: wrong.start(2)] + nearest(wrong[1], wrong[3].replace("'", "").split(", ")) + wrong[2]
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
    verbs = main.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for one in VERBS:
        one.add_to(verbs)
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. 0: done, and the fit is healthy; 1: it did not converge; 2: bad input."""
    gc.set_threshold(1_000_000)  # imports and graphs are no garbage: looking for it takes a tenth of a fit
    atexit.register(gc.freeze)  # nor is it worth while to look for it at the very end, which takes another
    if "MPLBACKEND" in os.environ:  # a notebook's own, which Matplotlib here may not have; figures go to files
        os.environ["MPLBACKEND"] = "agg"
    os.environ["PYTENSOR_FLAGS"] = f"{os.environ.get('PYTENSOR_FLAGS', '').removesuffix(_DOUBLE)}{_DOUBLE}".lstrip(",")
    sys.stdout, sys.stderr = (stream or _nowhere() for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Γ must not end a fit
    given = parser().parse_args(arguments)
    given.alone = arguments is None and not given.load  # a process of its own, with our models and arrays alone
    if given.alone:
        sys.meta_path.insert(0, _NotNeeded)
        os.environ |= {name: os.environ.get(name, "1") for name in ONE_THREAD}
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
        print("dissentangle: interrupted; nothing was written. To start again, repeat the command", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return HEALTHY
    except _bad_input() as error:
        print(f"dissentangle: {_in_words(error)}", file=sys.stderr)
        return BAD_INPUT
    finally:
        sys.unraisablehook = hook
        sys.meta_path[:] = [one for one in sys.meta_path if one is not _NotNeeded]


class _NotNeeded:
    """xarray imports Dask and Pint to see whether an array is theirs, nutpie Numba for models that it compiles itself:
    a fifth of a fit, or more. They are not there for these two; for all others they are.
    """

    @staticmethod
    def find_spec(name: str, *rest: Any) -> None:
        """Of importlib's protocol: None lets others find the module."""
        if name not in _ASKED_BY:
            return
        frame: FrameType | None = sys._getframe(1)
        while frame and frame.f_globals.get("__name__", "").startswith("importlib"):
            frame = frame.f_back
        if frame and frame.f_globals.get("__name__") == _ASKED_BY[name]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


_ASKED_BY = dict.fromkeys(("dask", "pint"), "xarray.namedarray.pycompat") | {"numba": "nutpie.compile_pymc"}


def _nowhere() -> TextIO:
    """In place of a stream that is closed, as that of a daemon is."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _bad_input() -> tuple[type[Exception], ...]:
    """What a verb raises for input that cannot be used; imported only when something else is raised."""
    if isinstance(sys.exception(), (ExperimentError, OSError)):
        return ExperimentError, OSError
    from ...forward_models import InvalidValue

    return (InvalidValue,)


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


def _in_words(error: Exception) -> str:
    """An error in one line; several, each in a line of its own, and so the lines to write."""
    text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
    several = isinstance(error, ExperimentError) and (error.faults or TO_WRITE in text)
    return "\n  ".join(
        "  " * line.startswith("  ") + printable(" ".join(line.split()))
        for line in (text.splitlines() if several else [text])
    )
