"""Options that several verbs share, each declared once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

_EXPERIMENTS = "a folder with experiment.toml, a .nc file, a bundled name; several: joint fit"


def add_verb(verbs: Any, name: str, help: str, examples: str) -> argparse.ArgumentParser:
    """A verb with --json and --quiet, and with examples at the end of its help."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=help,
        description=help[0].upper() + help[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  dissentangle {line}" for line in examples.strip().splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("--json", action="store_true", help="facts as one JSON object on stdout, in place of tables")
    verb.add_argument("--load", action="append", default=[], metavar="FILE",
                      help="a Python file that adds models; repeatable")  # fmt: skip
    verb.add_argument("-q", "--quiet", action="store_true", help="no tables and no progress")
    return verb


def add_experiment(verb: argparse.ArgumentParser) -> None:
    """One experiment."""
    verb.add_argument("experiment", help="a folder with experiment.toml, a .nc file, or a bundled name")


def add_experiments(
    verb: argparse.ArgumentParser,
    help: str = _EXPERIMENTS,
) -> None:
    """One experiment, or several for a joint fit."""
    verb.add_argument("experiments", nargs="+", metavar="experiment", help=help)
    verb.add_argument("--sharing", default=None, metavar="FILE", help="TOML: what a joint fit shares, table [sharing]")
    verb.add_argument("--share", action="append", default=[], metavar="NAME=WAY",
                      help="shared, separate, population or tied, e.g. 'optical_depth=tied'; repeatable")  # fmt: skip


def add_model(verb: argparse.ArgumentParser) -> None:
    """Closure, Γ̃, priors."""
    verb.add_argument("--closure", choices=("microscopic", "fixed-number"), default="microscopic",
                      help="of the spin variance (%(default)s)")  # fmt: skip
    verb.add_argument("--free-dephasing", action="store_true", help="Γ̃ itself unknown instead of Γdeph ≥ 0")
    add_priors(verb)


def add_rival(verb: argparse.ArgumentParser) -> None:
    """A rival model by name."""
    verb.add_argument("--model", default=None, metavar="NAMES",
                      help="rival models joined by +; list: dissentangle models")  # fmt: skip


def add_priors(verb: argparse.ArgumentParser) -> None:
    """Priors and fixed values."""
    verb.add_argument("--prior", action="append", default=[], metavar="NAME=PRIOR",
                      help="e.g. 'pump_rate=lognormal(0.1, 1)' (median, sd of the logarithm); repeatable")  # fmt: skip
    verb.add_argument("--fix", action="append", default=[], metavar="NAME=VALUE", help="fix a parameter; repeatable")


def add_sampler(verb: argparse.ArgumentParser, draws: int) -> None:
    """Draws, chains, cores, seed."""
    verb.add_argument("--draws", type=positive, default=draws, help="draws a chain (%(default)s)")
    verb.add_argument("--tune", type=positive, default=300, help="warm-up a chain (%(default)s)")
    verb.add_argument("--chains", type=positive, default=4, help="(%(default)s)")
    add_cores(verb)
    add_seed(verb)


def add_cores(verb: argparse.ArgumentParser) -> None:
    """How many processes."""
    verb.add_argument("--cores", type=positive, default=None, help="(all)")


def add_seed(verb: argparse.ArgumentParser) -> None:
    """The seed."""
    verb.add_argument("--seed", type=seed, default=1, help="same seed, same draws (%(default)s)")


def add_cluster(verb: argparse.ArgumentParser) -> None:
    """A Dask cluster."""
    verb.add_argument("--cluster", default=None, metavar="ADDRESS",
                      help="a running Dask scheduler (tcp://host:8786), in place of own processes")  # fmt: skip


def add_figure(verb: argparse.ArgumentParser, *names: str) -> None:
    """A figure to write besides."""
    verb.add_argument(*names, "--figure", default=None, metavar="FILE", help="also write a figure (png, pdf, svg)")


def add_fit(verb: argparse.ArgumentParser) -> None:
    """The file of a fit."""
    verb.add_argument("fit", metavar="FIT", help="a file that `dissentangle fit` wrote")


def positive(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1, 1_000_000)  # as `sampling.MOST_DRAWS`: importing that takes a second


def seed(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0, 2**63 - 1)


def _whole(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text[:30]}: expected a whole number from {low} to {high}")
    return int(text)


def verb_of(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    """The function of a module beside this one that does what a verb says, imported when it is called."""

    def run(given: argparse.Namespace) -> int:
        from importlib import import_module

        return int(getattr(import_module(f".{module}", __package__), function)(given))

    return run
