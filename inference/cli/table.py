"""The verbs of the command line. A new one is a function in the file of its group and its name here."""

from __future__ import annotations

from argparse import Namespace

from . import campaign, checks, compare, demodulate, experiment, fit, results
from .verb import option, verb


@verb("completion", "print a script for the shell that completes commands and options", """
completion bash > ~/.local/share/bash-completion/completions/dissentangle
completion zsh > ~/.zfunc/_dissentangle""",
      option("shell", choices=("bash", "zsh", "tcsh")))  # fmt: skip
def completion(given: Namespace) -> int:
    """Print a completion script for a shell."""
    import shtab

    from . import parser

    print(shtab.complete(parser(), given.shell))
    return 0


VERBS = (
    fit.demo, fit.fit, results.show, results.report, compare.compare, compare.models, checks.criticize,
    checks.sensitivity, checks.design, results.plot, results.table, results.predict, results.export, fit.rerun,
    fit.calibrate, campaign.campaign, campaign.sbc, campaign.watch, experiment.check, checks.prior, experiment.init,
    experiment.schema, experiment.datasets, experiment.simulate, demodulate.demodulate, completion,
)  # fmt: skip
"""In the order of `dissentangle --help`."""
