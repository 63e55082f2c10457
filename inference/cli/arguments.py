"""Verbs and their options. Nothing heavy is imported here: `--help` and a wrong option answer at once."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from ...datasets.errors import nearest
from .common_arguments import (
    add_cluster,
    add_experiment,
    add_experiments,
    add_figure,
    add_fit,
    add_model,
    add_priors,
    add_rival,
    add_sampler,
    add_seed,
    add_verb,
    positive,
    verb_of,
)
from .fit_arguments import VERBS

METHODS = ("posterior", "paper", "least-squares")
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
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


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
    for add in (_demo, _fit, _show, *VERBS, _calibrate, _campaign, _sbc, _check, _prior, _init, _datasets, _simulate,
                _demodulate, _completion):  # fmt: skip
        add(verbs)
    return main


def _demo(verbs: Any) -> None:
    verb = add_verb(verbs, "demo", "fit the published numbers and a simulated series; tables, a report, a figure",
                    "demo\ndemo -o my-demo --seed 3")  # fmt: skip
    verb.add_argument("-o", "--output", default="dissentangle-demo", help="folder to write to (%(default)s)")
    add_seed(verb)
    verb.set_defaults(run=verb_of("demo", "demo"))


def _fit(verbs: Any) -> None:
    verb = add_verb(verbs, "fit", "fit an experiment, or several jointly", """
fit my-run -o my-run.nc --figure my-run.png
fit my-run --prior 'pump_rate=lognormal(0.2, 0.3)' --fix collision_rate=0.002
fit monday tuesday --share optical_depth=separate -o both.nc
fit my-run --method least-squares -o my-run.json    for comparison: no posterior, a value and a ± each
fit my-run --json --quiet | jq .status""")  # fmt: skip
    add_experiments(verb)
    verb.add_argument("-o", "--output", default=None,
                      help="NetCDF file to write (fit.nc); with another --method: JSON (none)")  # fmt: skip
    verb.add_argument("--method", choices=METHODS, default="posterior",
                      help="posterior; or for comparison, a value and a ± each: paper (the paper's fit, step by step),"
                      " least-squares (all data at once, without priors) (%(default)s)")  # fmt: skip
    add_model(verb)
    add_rival(verb)
    add_sampler(verb, draws=1000)
    verb.add_argument("--engine", choices=("fast", "general"), default=None, help="(fast where it can)")
    add_figure(verb)
    verb.set_defaults(run=verb_of("fit", "fit"))


def _show(verbs: Any) -> None:
    verb = add_verb(verbs, "show", "the tables of a fit again", "show my-run.nc\nshow my-run.nc --figure my-run.svg")
    add_fit(verb)
    add_figure(verb)
    verb.set_defaults(run=verb_of("fit", "show"))


def _calibrate(verbs: Any) -> None:
    verb = add_verb(verbs, "calibrate", "fit the calibration runs alone; a file that later fits take as prior",
                    "calibrate my-run -o calibration.toml --figure calibration.png")  # fmt: skip
    add_experiment(verb)
    verb.add_argument("-o", "--output", default="calibration.toml", help="file to write (%(default)s)")
    add_priors(verb)
    add_sampler(verb, draws=1000)
    verb.add_argument("--fit", default=None, metavar="FILE", help="also write the fit (NetCDF)")
    add_figure(verb)
    verb.set_defaults(run=verb_of("calibrate", "calibrate"))


def _campaign(verbs: Any) -> None:
    verb = add_verb(verbs, "campaign", "fit all experiments of a folder; a summary and an index. A fit that is in the"
                    " output folder already, of the same data with the same settings, is not done again", """
campaign my-runs -o fits --draws 500
report fits                          a page for each fit, and the index with links to them""")  # fmt: skip
    verb.add_argument("folder", help="a folder of experiments: folders with experiment.toml, or .nc files")
    verb.add_argument("-o", "--output", default="campaign", help="folder for fits and summary (%(default)s)")
    add_model(verb)
    add_rival(verb)
    add_sampler(verb, draws=1000)
    add_cluster(verb)
    verb.set_defaults(run=verb_of("campaign", "campaign"))


def _sbc(verbs: Any) -> None:
    verb = add_verb(verbs, "sbc", "simulation-based calibration: can posteriors of such data be trusted? Exit code 0:"
                    " calibrated, 1: not", "sbc my-run -o sbc --simulations 200")  # fmt: skip
    add_experiments(verb)
    verb.add_argument("-o", "--output", default="sbc", help="folder for ranks, figure and verdict (%(default)s)")
    verb.add_argument("--simulations", type=positive, default=100, help="simulated experiments (%(default)s)")
    add_model(verb)
    add_rival(verb)
    add_sampler(verb, draws=250)
    add_cluster(verb)
    verb.set_defaults(run=verb_of("campaign", "sbc"))


def _check(verbs: Any) -> None:
    verb = add_verb(verbs, "check", "validate; what would be fitted and what each series informs",
                    "check my-run\ncheck monday tuesday --share optical_depth=separate")  # fmt: skip
    add_experiments(verb)
    add_model(verb)
    add_rival(verb)
    verb.set_defaults(run=verb_of("experiments", "check"))


def _prior(verbs: Any) -> None:
    verb = add_verb(verbs, "prior", "what the priors alone predict, before there are data",
                    "prior my-run --figure prior.png")  # fmt: skip
    add_experiments(verb)
    add_model(verb)
    add_rival(verb)
    add_figure(verb, "-o")
    add_seed(verb)
    verb.set_defaults(run=verb_of("experiments", "prior"))


def _init(verbs: Any) -> None:
    verb = add_verb(verbs, "init", "a folder to fill in", "init my-run")
    verb.add_argument("folder")
    verb.set_defaults(run=verb_of("experiments", "init"))


def _datasets(verbs: Any) -> None:
    verb = add_verb(verbs, "datasets", "list the bundled experiments, or copy one",
                    "datasets\ndatasets fig2b-d55 -o copy")  # fmt: skip
    verb.add_argument("name", nargs="?", help="the one to copy")
    verb.add_argument("-o", "--output", default=None, help="folder or .nc file to copy it to")
    verb.set_defaults(run=verb_of("experiments", "datasets"))


def _simulate(verbs: Any) -> None:
    verb = add_verb(verbs, "simulate", "a simulated experiment with the stages, times and noise of another",
                    "simulate my-run -o simulated --set collective_rate=0.12 --seed 2")  # fmt: skip
    add_experiment(verb)
    verb.add_argument("-o", "--output", required=True, help="folder or .nc file to write")
    verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="true value, ms⁻¹; repeatable")
    verb.add_argument("--closure", choices=("microscopic", "fixed-number"), default="microscopic")
    add_seed(verb)
    verb.set_defaults(run=verb_of("experiments", "simulate"))


def _demodulate(verbs: Any) -> None:
    verb = add_verb(verbs, "demodulate", "from the raw photocurrent of one detector to records of cos and sin, in"
                    " units of the shot noise", """
demodulate photocurrent-slice -o records.h5 --shot-noise 2e-10        the bundled example, simulated
demodulate run.h5 -o records.h5 --larmor '322 kHz' --interval '0.1 ms' --length '10 ms' --shot-noise light.h5
demodulate run.tdms -o records.h5 --larmor '322 kHz' --samples /scan/ai0 --sample-rate '1 MHz' --period '15 ms'""")  # fmt: skip  # noqa: E501
    verb.add_argument("raw", help="a file of samples: HDF5, NetCDF, MATLAB, TDMS, .npy; or photocurrent-slice")
    verb.add_argument("-o", "--output", required=True, help="HDF5 file to write")
    verb.add_argument("--larmor", default=None, metavar="FREQUENCY",
                      help="of the reference, such as '322 kHz' (the file's larmor_frequency, Hz)")  # fmt: skip
    verb.add_argument("--interval", default="0.1 ms", metavar="TIME", help="length of a bin (%(default)s)")
    verb.add_argument("--length", default="10 ms", metavar="TIME", help="of a record, from its trigger (%(default)s)")
    verb.add_argument("--samples", default=None, metavar="PATH", help="array of samples in the file (samples)")
    verb.add_argument("--sample-rate", default=None, metavar="RATE",
                      help="such as '1 MHz' (attribute sample_rate, in Hz, of the file)")  # fmt: skip
    begins = verb.add_mutually_exclusive_group()
    begins.add_argument("--triggers", default=None, metavar="PATH",
                        help="array of triggers: numbers of samples, or times with a unit (triggers)")  # fmt: skip
    begins.add_argument("--period", default=None, metavar="TIME", help="a record begins each period, without triggers")
    verb.add_argument("--shot-noise", default=None, metavar="REFERENCE",
                      help="a file of light without atoms, or a level, unit²/Hz (the records' own noise)")  # fmt: skip
    verb.add_argument("--phase", choices=("trigger", "stream"), default="trigger",
                      help="cos and sin begin anew at each trigger, or run through (%(default)s)")  # fmt: skip
    verb.add_argument(
        "--simulated", action="store_true", help="the photocurrent is simulated, if the file does not say so"
    )
    verb.set_defaults(run=verb_of("demodulate", "demodulate_file"))


def _completion(verbs: Any) -> None:
    verb = add_verb(verbs, "completion", "completion of verbs and options for a shell, to be sourced by it",
                    'completion bash > ~/.local/share/bash-completion/completions/dissentangle\ncompletion zsh > ~/.zfunc/_dissentangle')  # fmt: skip  # noqa: E501
    verb.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    verb.set_defaults(run=verb_of("completion", "completion"))
