"""Verbs and their options. Nothing heavy is imported here: `--help` and a wrong option answer at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from .common_arguments import (
    add_cluster,
    add_cores,
    add_experiment,
    add_experiments,
    add_figure,
    add_fit,
    add_model,
    add_priors,
    add_sampler,
    add_seed,
    add_verb,
    positive,
)

FIGURES = ("series", "fig2a", "fig2b", "entanglement", "posterior", "pairs", "ranks", "energy", "pit", "pareto-k",
           "criticism", "autocorrelation", "sensitivity", "left-out")  # fmt: skip
QUANTITIES = ("xi", "polarization", "transverse_spin", "orientation", "epr_variance")
GROUPS = ("posterior", "prior", "derived", "posterior_predictive", "prior_predictive", "log_likelihood")
_EXAMPLES = """\
examples:
  dissentangle demo                               fit the bundled examples; a report with figures
  dissentangle init my-run                        a folder to fill in
  dissentangle check my-run                       what would be fitted, what each series informs
  dissentangle fit my-run -o my-run.nc            the posterior; exit code 0: healthy, 1: not converged, 2: bad input
  dissentangle report my-run.nc -o my-run.html    the page to show to the group
  dissentangle criticize my-run.nc                would the fitted model make such data?
  dissentangle plot my-run.nc --what fig2b -o fig2b.pdf
  dissentangle campaign my-runs -o fits           all experiments in a folder; start it again to go on
Each verb has examples of its own: dissentangle VERB --help
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
    for add in (_demo, _fit, _show, _report, _criticize, _sensitivity, _plot, _table, _predict, _export, _calibrate,
                _campaign, _sbc, _check, _prior, _init, _datasets, _simulate, _completion):  # fmt: skip
        add(verbs)
    return main


def _demo(verbs: Any) -> None:
    verb = add_verb(verbs, "demo", "fit the published numbers and a simulated series; tables, a report, a figure",
                    "demo\ndemo -o my-demo --seed 3")  # fmt: skip
    verb.add_argument("-o", "--output", default="dissentangle-demo", help="folder to write to (%(default)s)")
    add_seed(verb)
    verb.set_defaults(run=_verb("demo", "demo"))


def _fit(verbs: Any) -> None:
    verb = add_verb(verbs, "fit", "fit an experiment, or several jointly", """
fit my-run -o my-run.nc --figure my-run.png
fit my-run --prior 'pump_rate=lognormal(0.2, 0.3)' --fix collision_rate=0.002
fit monday tuesday --share optical_depth=separate -o both.nc
fit my-run --json --quiet | jq .status""")  # fmt: skip
    add_experiments(verb)
    verb.add_argument("-o", "--output", default="fit.nc", help="NetCDF file to write (%(default)s)")
    add_model(verb)
    add_sampler(verb, draws=1000)
    verb.add_argument("--engine", choices=("fast", "general"), default=None, help="(fast where it can)")
    add_figure(verb)
    verb.set_defaults(run=_verb("fit", "fit"))


def _show(verbs: Any) -> None:
    verb = add_verb(verbs, "show", "the tables of a fit again", "show my-run.nc\nshow my-run.nc --figure my-run.svg")
    add_fit(verb)
    add_figure(verb)
    verb.set_defaults(run=_verb("fit", "show"))


def _report(verbs: Any) -> None:
    verb = add_verb(verbs, "report", "the report of a fit as one HTML file, or those of a folder of fits with an index",
                    "report my-run.nc -o my-run.html\nreport fits            of what `campaign` wrote")  # fmt: skip
    verb.add_argument("fit", metavar="FIT", help="a file that `dissentangle fit` wrote, or a folder of them")
    verb.add_argument(
        "-o", "--output", default=None, help="page to write (FIT.html); of a folder: where to write (there)"
    )
    add_cores(verb)
    verb.set_defaults(run=_verb("results", "report"))


def _criticize(verbs: Any) -> None:
    verb = add_verb(verbs, "criticize", "would the fitted model make such data? Time of the minimum, late slope,"
                    " autocorrelation, scatter, … of the data among those of replicated data", """
criticize my-run.nc --figure criticism.pdf
criticize my-run.nc --leave-out                each series predicted from all others, each time fitted again
criticize my-run.nc --given polarization       does P(t) alone predict the others?""")  # fmt: skip
    add_fit(verb)
    verb.add_argument("--leave-out", action="store_true", help="predict each series from the others in its place")
    verb.add_argument("--given", action="append", default=[], metavar="SERIES",
                      help="predict all other series from this one; repeatable")  # fmt: skip
    verb.add_argument("--draws", type=positive, default=500, help="draws a chain of each new fit (%(default)s)")
    add_cores(verb)
    add_seed(verb)
    add_figure(verb)
    verb.set_defaults(run=_verb("criticize", "criticize"))


def _sensitivity(verbs: Any) -> None:
    verb = add_verb(verbs, "sensitivity", "how each rate moves when a calibration constant is off by one σ, and what"
                    " it owes to which prior and which series",
                    "sensitivity my-run.nc --figure sensitivity.pdf")  # fmt: skip
    add_fit(verb)
    add_cores(verb)
    add_figure(verb)
    verb.set_defaults(run=_verb("criticize", "sensitivity"))


def _plot(verbs: Any) -> None:
    verb = add_verb(verbs, "plot", "a figure of a fit for a paper: PDF with embedded fonts, SVG or PNG", """
plot my-run.nc --what fig2b -o fig2b.pdf
plot both.nc --what fig2a --run tuesday -o fig2a.svg
plot my-run.nc --what pairs --width page -o pairs.png""")  # fmt: skip
    add_fit(verb)
    verb.add_argument("--what", choices=FIGURES, default="series", help="(%(default)s)")
    verb.add_argument("-o", "--output", required=True, help="file to write (pdf, svg, png)")
    verb.add_argument("--width", choices=("column", "page"), default="column", help="8.6 or 17.8 cm (%(default)s)")
    verb.add_argument("--run", dest="of_run", default=None, help="of fig2a and fig2b: one run only")
    verb.set_defaults(run=_verb("results", "plot"))


def _table(verbs: Any) -> None:
    verb = add_verb(verbs, "table", "the posterior as a table: LaTeX (siunitx), Markdown, CSV",
                    "table my-run.nc --format latex -o rates.tex\ntable my-run.nc")  # fmt: skip
    add_fit(verb)
    verb.add_argument("--format", choices=("latex", "markdown", "csv"), default="markdown", help="(%(default)s)")
    verb.add_argument("-o", "--output", default=None, help="file to write (stdout)")
    verb.set_defaults(run=_verb("results", "table"))


def _predict(verbs: Any) -> None:
    verb = add_verb(verbs, "predict", "what the fitted model predicts: new times, other stages, another d", """
predict my-run.nc --set optical_depth=100 -o deep.csv --figure deep.pdf
predict my-run.nc --stage '15 ms drive' --stage '45 ms drive+pump' --times 0:60:121
predict my-run.nc --times 0,5,10,50 --what xi""")  # fmt: skip
    add_fit(verb)
    verb.add_argument(
        "--times", default=None, metavar="TIMES", help="ms: FIRST:LAST:COUNT, or numbers joined by commas"
    )
    verb.add_argument("--stage", action="append", default=None, metavar="'15 ms drive+pump'",
                      help="in order; by default those of the run")  # fmt: skip
    verb.add_argument(
        "--run", dest="of_run", default=None, help="whose stages and initial state (the first with the drive)"
    )
    verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                      help="another value, e.g. optical_depth=100; rates in ms⁻¹; repeatable")  # fmt: skip
    verb.add_argument(
        "--what", default="xi,polarization,transverse_spin", help=f"of {', '.join(QUANTITIES)} (%(default)s)"
    )
    verb.add_argument("-o", "--output", default=None, help="quantiles (.csv) or draws (.nc) to write")
    add_figure(verb)
    verb.set_defaults(run=_verb("predict", "predict"))


def _export(verbs: Any) -> None:
    verb = add_verb(verbs, "export", "the draws of a fit as a table: CSV, Parquet, NetCDF",
                    "export my-run.nc -o draws.csv\nexport my-run.nc --group derived -o derived.parquet")  # fmt: skip
    add_fit(verb)
    verb.add_argument("-o", "--output", required=True, help="file to write (csv, parquet, nc)")
    verb.add_argument("--group", choices=GROUPS, default="posterior", help="(%(default)s)")
    verb.set_defaults(run=_verb("results", "export"))


def _calibrate(verbs: Any) -> None:
    verb = add_verb(verbs, "calibrate", "fit the calibration runs alone; a file that later fits take as prior",
                    "calibrate my-run -o calibration.toml --figure calibration.png")  # fmt: skip
    add_experiment(verb)
    verb.add_argument("-o", "--output", default="calibration.toml", help="file to write (%(default)s)")
    add_priors(verb)
    add_sampler(verb, draws=1000)
    verb.add_argument("--fit", default=None, metavar="FILE", help="also write the fit (NetCDF)")
    add_figure(verb)
    verb.set_defaults(run=_verb("calibrate", "calibrate"))


def _campaign(verbs: Any) -> None:
    verb = add_verb(verbs, "campaign", "fit all experiments of a folder; a summary and an index. A fit that is in the"
                    " output folder already, of the same data with the same settings, is not done again", """
campaign my-runs -o fits --draws 500
report fits                          a page for each fit, and the index with links to them""")  # fmt: skip
    verb.add_argument("folder", help="a folder of experiments: folders with experiment.toml, or .nc files")
    verb.add_argument("-o", "--output", default="campaign", help="folder for fits and summary (%(default)s)")
    add_model(verb)
    add_sampler(verb, draws=1000)
    add_cluster(verb)
    verb.set_defaults(run=_verb("campaign", "campaign"))


def _sbc(verbs: Any) -> None:
    verb = add_verb(verbs, "sbc", "simulation-based calibration: can posteriors of such data be trusted? Exit code 0:"
                    " calibrated, 1: not", "sbc my-run -o sbc --simulations 200")  # fmt: skip
    add_experiments(verb)
    verb.add_argument("-o", "--output", default="sbc", help="folder for ranks, figure and verdict (%(default)s)")
    verb.add_argument("--simulations", type=positive, default=100, help="simulated experiments (%(default)s)")
    add_model(verb)
    add_sampler(verb, draws=250)
    add_cluster(verb)
    verb.set_defaults(run=_verb("campaign", "sbc"))


def _check(verbs: Any) -> None:
    verb = add_verb(verbs, "check", "validate; what would be fitted and what each series informs",
                    "check my-run\ncheck monday tuesday --share optical_depth=separate")  # fmt: skip
    add_experiments(verb)
    add_model(verb)
    verb.set_defaults(run=_verb("experiments", "check"))


def _prior(verbs: Any) -> None:
    verb = add_verb(verbs, "prior", "what the priors alone predict, before there are data",
                    "prior my-run --figure prior.png")  # fmt: skip
    add_experiments(verb)
    add_model(verb)
    add_figure(verb, "-o")
    add_seed(verb)
    verb.set_defaults(run=_verb("experiments", "prior"))


def _init(verbs: Any) -> None:
    verb = add_verb(verbs, "init", "a folder to fill in", "init my-run")
    verb.add_argument("folder")
    verb.set_defaults(run=_verb("experiments", "init"))


def _datasets(verbs: Any) -> None:
    verb = add_verb(verbs, "datasets", "list the bundled experiments, or copy one",
                    "datasets\ndatasets fig2b-d55 -o copy")  # fmt: skip
    verb.add_argument("name", nargs="?", help="the one to copy")
    verb.add_argument("-o", "--output", default=None, help="folder or .nc file to copy it to")
    verb.set_defaults(run=_verb("experiments", "datasets"))


def _simulate(verbs: Any) -> None:
    verb = add_verb(verbs, "simulate", "a simulated experiment with the stages, times and noise of another",
                    "simulate my-run -o simulated --set collective_rate=0.12 --seed 2")  # fmt: skip
    add_experiment(verb)
    verb.add_argument("-o", "--output", required=True, help="folder or .nc file to write")
    verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="true value, ms⁻¹; repeatable")
    verb.add_argument("--closure", choices=("microscopic", "fixed-number"), default="microscopic")
    add_seed(verb)
    verb.set_defaults(run=_verb("experiments", "simulate"))


def _completion(verbs: Any) -> None:
    verb = add_verb(verbs, "completion", "completion of verbs and options for a shell, to be sourced by it",
                    'completion bash > ~/.local/share/bash-completion/completions/dissentangle\ncompletion zsh > ~/.zfunc/_dissentangle')  # fmt: skip  # noqa: E501
    verb.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    verb.set_defaults(run=_verb("completion", "completion"))
