"""Verbs and options. Nothing heavy is imported here: `--help` and a wrong option answer at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

_EXAMPLES = """\
examples:
  dissentangle demo                               fit the bundled examples, with a figure
  dissentangle init my-run                        a folder to fill in
  dissentangle check my-run                       what would be fitted, what each series informs
  dissentangle fit my-run -o my-run.nc            the posterior; exit code 0: healthy, 1: not converged, 2: bad input
  dissentangle fit run-a run-b run-c -o joint.nc  one posterior of several experiments
  dissentangle show my-run.nc --figure my-run.png
  dissentangle calibrate my-run --figure cal.png  only the calibration runs; calibration.toml for later fits
  dissentangle campaign my-runs -o fits           all experiments in a folder; start it again to go on
  dissentangle sbc my-run --simulations 200       are posteriors of such data calibrated?
"""


_FIT_EXAMPLE = """\
example:
  dissentangle fit my-run -o my-run.nc --prior 'pump_rate=lognormal(0.2, 0.3)'
"""


_CAMPAIGN_EXAMPLE = """\
example:
  dissentangle campaign my-runs -o fits --draws 500
A fit that is in the output folder already, of the same data with the same settings, is not done again. Exit code:
0 if all are healthy, 1 if not.
"""
_SBC_EXAMPLE = """\
example:
  dissentangle sbc my-run -o sbc --simulations 200
Simulates experiments with parameters from the prior and fits them. Exit code: 0 calibrated, 1 not.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, exit code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _verb(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    def run(given: argparse.Namespace) -> int:
        from importlib import import_module

        return int(getattr(import_module(f".{module}", __package__), function)(given))

    return run


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

    _fitting_verbs(verbs)
    _many_fits_verbs(verbs)
    _experiment_verbs(verbs)
    return main


def _fitting_verbs(verbs: Any) -> None:
    demo = verbs.add_parser("demo", help="fit the published numbers and a simulated series; tables and a figure")
    demo.add_argument("-o", "--output", default="dissentangle-demo", help="folder for fits and figure (%(default)s)")
    demo.add_argument("--seed", type=_seed, default=1)
    demo.set_defaults(run=_verb("demo", "demo"))

    fit = verbs.add_parser("fit", help="fit an experiment", formatter_class=argparse.RawDescriptionHelpFormatter,
                           epilog=_FIT_EXAMPLE)  # fmt: skip
    _experiments(fit)
    fit.add_argument("-o", "--output", default="fit.nc", help="NetCDF file to write (%(default)s)")
    _model(fit)
    _sampler(fit, draws=1000)
    fit.add_argument("--engine", choices=("fast", "general"), default=None, help="(fast where it can)")
    fit.add_argument("--figure", default=None, help="also write a figure (png, pdf, svg)")
    fit.set_defaults(run=_verb("fit", "fit"))

    calibrate = verbs.add_parser(
        "calibrate", help="fit the calibration runs alone; a file that later fits take as prior"
    )
    _experiment(calibrate)
    calibrate.add_argument("-o", "--output", default="calibration.toml", help="file to write (%(default)s)")
    _priors(calibrate)
    _sampler(calibrate, draws=1000)
    calibrate.add_argument("--fit", default=None, help="also write the fit (NetCDF)")
    calibrate.add_argument("--figure", default=None, help="also write a figure (png, pdf, svg)")
    calibrate.set_defaults(run=_verb("calibrate", "calibrate"))

    show = verbs.add_parser("show", help="the tables of a fit again")
    show.add_argument("fit", help="a file that `dissentangle fit` wrote")
    show.add_argument("--figure", default=None, help="figure to write (png, pdf, svg)")
    show.set_defaults(run=_verb("fit", "show"))


def _many_fits_verbs(verbs: Any) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    campaign = verbs.add_parser("campaign", help="fit all experiments of a folder; a summary and an index",
                                formatter_class=raw, epilog=_CAMPAIGN_EXAMPLE)  # fmt: skip
    campaign.add_argument("folder", help="a folder of experiments: folders with experiment.toml, or .nc files")
    campaign.add_argument("-o", "--output", default="campaign", help="folder for fits and summary (%(default)s)")
    _model(campaign)
    _sampler(campaign, draws=1000)
    _cluster(campaign)
    campaign.set_defaults(run=_verb("campaign", "campaign"))

    sbc = verbs.add_parser("sbc", help="simulation-based calibration: can posteriors of such data be trusted?",
                           formatter_class=raw, epilog=_SBC_EXAMPLE)  # fmt: skip
    _experiments(sbc)
    sbc.add_argument("-o", "--output", default="sbc", help="folder for ranks, figure and verdict (%(default)s)")
    sbc.add_argument("--simulations", type=_positive, default=100, help="simulated experiments (%(default)s)")
    _model(sbc)
    _sampler(sbc, draws=250)
    _cluster(sbc)
    sbc.set_defaults(run=_verb("campaign", "sbc"))


def _sampler(verb: argparse.ArgumentParser, draws: int) -> None:
    verb.add_argument("--draws", type=_positive, default=draws, help="draws a chain (%(default)s)")
    verb.add_argument("--tune", type=_positive, default=300, help="warm-up a chain (%(default)s)")
    verb.add_argument("--chains", type=_positive, default=4, help="(%(default)s)")
    verb.add_argument("--cores", type=_positive, default=None, help="(all)")
    verb.add_argument("--seed", type=_seed, default=1, help="same seed, same draws (%(default)s)")


def _cluster(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--cluster", default=None, metavar="ADDRESS",
                      help="a running Dask scheduler (tcp://host:8786), in place of own processes")  # fmt: skip


def _experiment_verbs(verbs: Any) -> None:
    check = verbs.add_parser("check", help="validate; what would be fitted and what each series informs")
    _experiments(check)
    _model(check)
    check.set_defaults(run=_verb("experiments", "check"))

    prior = verbs.add_parser("prior", help="what the priors alone predict, before there are data")
    _experiments(prior)
    _model(prior)
    prior.add_argument("-o", "--figure", default=None, help="figure to write (png, pdf, svg)")
    prior.add_argument("--seed", type=_seed, default=1)
    prior.set_defaults(run=_verb("experiments", "prior"))

    init = verbs.add_parser("init", help="a folder to fill in")
    init.add_argument("folder")
    init.set_defaults(run=_verb("experiments", "init"))

    datasets = verbs.add_parser("datasets", help="list the bundled experiments, or copy one")
    datasets.add_argument("name", nargs="?", help="the one to copy")
    datasets.add_argument("-o", "--output", default=None, help="folder or .nc file to copy it to")
    datasets.set_defaults(run=_verb("experiments", "datasets"))

    simulate = verbs.add_parser("simulate", help="a simulated experiment with the stages, times and noise of another")
    _experiment(simulate)
    simulate.add_argument("-o", "--output", required=True, help="folder or .nc file to write")
    simulate.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="true value, ms⁻¹")
    simulate.add_argument("--closure", choices=("microscopic", "fixed-number"), default="microscopic")
    simulate.add_argument("--seed", type=_seed, default=1)
    simulate.set_defaults(run=_verb("experiments", "simulate"))


def _experiment(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("experiment", help="a folder with experiment.toml, a .nc file, or a bundled name")


def _experiments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("experiments", nargs="+", metavar="experiment",
                      help="a folder with experiment.toml, a .nc file, a bundled name; several: joint fit")  # fmt: skip
    verb.add_argument("--sharing", default=None, metavar="FILE", help="TOML: what a joint fit shares, table [sharing]")
    verb.add_argument("--share", action="append", default=[], metavar="NAME=WAY",
                      help="shared, separate, population or tied, e.g. 'optical_depth=tied'; repeatable")  # fmt: skip


def _model(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--closure", choices=("microscopic", "fixed-number"), default="microscopic",
                      help="of the spin variance (%(default)s)")  # fmt: skip
    verb.add_argument("--free-dephasing", action="store_true", help="Γ̃ itself unknown instead of Γdeph ≥ 0")
    _priors(verb)


def _priors(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--prior", action="append", default=[], metavar="NAME=PRIOR",
                      help="e.g. 'pump_rate=lognormal(0.1, 1)' (median, sd of the logarithm); repeatable")  # fmt: skip
    verb.add_argument("--fix", action="append", default=[], metavar="NAME=VALUE", help="fix a parameter; repeatable")


def _positive(text: str) -> int:
    return _whole(text, 1, 10_000_000)


def _seed(text: str) -> int:
    return _whole(text, 0, 2**63 - 1)


def _whole(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text[:30]}: expected a whole number from {low} to {high}")
    return int(text)
