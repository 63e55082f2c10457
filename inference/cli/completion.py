"""The verb `completion`."""

from __future__ import annotations

import argparse


def completion(given: argparse.Namespace) -> int:
    """Print a completion script for a shell."""
    import shtab

    from .arguments import parser

    print(shtab.complete(parser(), given.shell))
    return 0
