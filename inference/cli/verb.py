"""How a verb is declared: a decorator above the function that does it, with the options that it takes.

A verb's help, options and action stand together in the file of its group; `VERBS` in `__init__.py` lists the verbs
in the order of `dissentangle --help`. Nothing heavy is imported at the top of a file here: a wrong option is
answered at once.
"""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

type Option = Callable[[Any], object]
"""Adds itself to a parser, or to a group of a parser."""


class Verb(NamedTuple):
    """A verb of the command line.

    help : a line of `dissentangle --help`; examples : lines, without the command's name
    run : the action; it returns the exit code
    """

    name: str
    help: str
    examples: str
    options: tuple[Option, ...]
    run: Callable[[Namespace], int]

    def add_to(self, verbs: Any) -> None:
        """The parser of this verb among those of `verbs` (argparse's subparsers)."""
        parser: ArgumentParser = verbs.add_parser(
            self.name,
            help=self.help,
            description=self.help[0].upper() + self.help[1:] + ".",
            epilog="examples:\n" + "\n".join(f"  dissentangle {line}" for line in self.examples.strip().splitlines()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for add in (*_OF_EACH_VERB, *self.options):
            add(parser)
        parser.set_defaults(run=self.run)


def verb(name: str, help: str, examples: str, *options: Option) -> Callable[[Callable[[Namespace], int]], Verb]:
    """Declare the decorated function as a verb; the name then stands for the `Verb`."""
    return lambda run: Verb(name, help, examples, options, run)


def option(*names: str, **keywords: Any) -> Option:
    """An option or argument, as argparse's `add_argument` takes it."""
    return lambda parser: parser.add_argument(*names, **keywords)


def either(*options: Option) -> Option:
    """Options of which one at most can be given."""

    def add(parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        for one in options:
            one(group)

    return add


_OF_EACH_VERB = (
    option("--json", action="store_true", help="facts as one JSON object on stdout, in place of tables"),
    option("--load", action="append", default=[], metavar="FILE", help="a Python file that adds models; repeatable"),
    option("-q", "--quiet", action="store_true", help="no tables and no progress"),
)
