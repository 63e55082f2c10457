"""Verbs that take a fit, or compare fits: pages, criticism, figures, tables, predictions."""

from __future__ import annotations

from typing import Any

from .common_arguments import (
    add_cores,
    add_experiments,
    add_figure,
    add_fit,
    add_model,
    add_sampler,
    add_seed,
    add_verb,
    positive,
    verb_of,
)

FIGURES = ("series", "fig2a", "fig2b", "fig2d", "entanglement", "posterior", "pairs", "ranks", "energy", "pit",
           "pareto-k", "criticism", "autocorrelation", "sensitivity", "left-out")  # fmt: skip
QUANTITIES = ("xi", "polarization", "transverse_spin", "orientation", "epr_variance")
GROUPS = ("posterior", "prior", "derived", "posterior_predictive", "prior_predictive", "log_likelihood")


def _report(verbs: Any) -> None:
    verb = add_verb(verbs, "report", "the report of a fit as one HTML file, or those of a folder of fits with an index",
                    "report my-run.nc -o my-run.html\nreport fits            of what `campaign` wrote")  # fmt: skip
    verb.add_argument("fit", metavar="FIT", help="a file that `dissentangle fit` wrote, or a folder of them")
    verb.add_argument(
        "-o", "--output", default=None, help="page to write (FIT.html); of a folder: where to write (there)"
    )
    add_cores(verb)
    verb.set_defaults(run=verb_of("results", "report"))


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
    verb.set_defaults(run=verb_of("criticize", "criticize"))


def _sensitivity(verbs: Any) -> None:
    verb = add_verb(verbs, "sensitivity", "how each rate moves when a calibration constant is off by one σ, and what"
                    " it owes to which prior and which series",
                    "sensitivity my-run.nc --figure sensitivity.pdf")  # fmt: skip
    add_fit(verb)
    add_cores(verb)
    add_figure(verb)
    verb.set_defaults(run=verb_of("criticize", "sensitivity"))


def _plot(verbs: Any) -> None:
    verb = add_verb(verbs, "plot", "a figure of a fit for a paper: PDF with embedded fonts, SVG or PNG", """
plot my-run.nc --what fig2b -o fig2b.pdf
plot both.nc --what fig2a --run tuesday -o fig2a.svg
plot my-run.nc --what pairs --width page -o pairs.png""")  # fmt: skip
    add_fit(verb)
    verb.add_argument("--what", choices=FIGURES, default="series", help="(%(default)s)")
    verb.add_argument("-o", "--output", required=True, help="file to write (pdf, svg, png)")
    verb.add_argument("--width", choices=("column", "page"), default="column", help="8.6 or 17.8 cm (%(default)s)")
    verb.add_argument("--run", dest="of_run", default=None, help="of fig2a, fig2b and fig2d: one run only")
    verb.set_defaults(run=verb_of("results", "plot"))


def _table(verbs: Any) -> None:
    verb = add_verb(verbs, "table", "the posterior as a table: LaTeX (siunitx), Markdown, CSV",
                    "table my-run.nc --format latex -o rates.tex\ntable my-run.nc")  # fmt: skip
    add_fit(verb)
    verb.add_argument("--format", choices=("latex", "markdown", "csv"), default="markdown", help="(%(default)s)")
    verb.add_argument("-o", "--output", default=None, help="file to write (stdout)")
    verb.set_defaults(run=verb_of("results", "table"))


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
        "--what",
        help=f"of {', '.join(QUANTITIES)} (xi,polarization,transverse_spin; where rates are constant xi,"
        " conditional_xi, transverse_spin)",
    )
    verb.add_argument("-o", "--output", default=None, help="quantiles (.csv) or draws (.nc) to write")
    add_figure(verb)
    verb.set_defaults(run=verb_of("predict", "predict"))


def _compare(verbs: Any) -> None:
    verb = add_verb(verbs, "compare", "rival models of the same data: prediction (LOO), weights, evidence", """
compare my-run --models microscopic,fixed-number,fixed-number+student-t -o compared
compare one.nc other.nc --unit time
compare my-run --models microscopic,two-level --smc --json""")  # fmt: skip
    add_experiments(verb, "an experiment (several: joint) with --models, or the files of fits of the same data")
    verb.add_argument("--models", default=None, metavar="A,B,C",
                      help="rival models; each can be several joined by + (list: dissentangle models)")  # fmt: skip
    verb.add_argument("-o", "--output", default=None, metavar="FOLDER",
                      help="keep fits, comparison.json, comparison.html; fits that are there are used")  # fmt: skip
    verb.add_argument("--unit", choices=("point", "time", "series", "experiment"), default="point",
                      help="what is left out at a time (%(default)s)")  # fmt: skip
    verb.add_argument("--no-refit", action="store_true", help="no exact fits where importance weights fail")
    verb.add_argument("--smc", action="store_true", help="check each evidence by sequential Monte Carlo")
    add_model(verb)
    add_sampler(verb, draws=1000)
    verb.set_defaults(run=verb_of("compare", "compare"))


def _models(verbs: Any) -> None:
    verb = add_verb(verbs, "models", "list the rival models that --model and --models take", "models")
    verb.set_defaults(run=verb_of("compare", "models"))


def _export(verbs: Any) -> None:
    verb = add_verb(verbs, "export", "the draws of a fit as a table: CSV, Parquet, NetCDF",
                    "export my-run.nc -o draws.csv\nexport my-run.nc --group derived -o derived.parquet")  # fmt: skip
    add_fit(verb)
    verb.add_argument("-o", "--output", required=True, help="file to write (csv, parquet, nc)")
    verb.add_argument("--group", choices=GROUPS, default="posterior", help="(%(default)s)")
    verb.set_defaults(run=verb_of("results", "export"))


def _rerun(verbs: Any) -> None:
    verb = add_verb(verbs, "rerun", "fit again what is in a fit's file: the same draws, or what differs",
                    "rerun my-run.nc\nrerun my-run.nc -o again.nc     exit code 0: bit-identical, 1: not")  # fmt: skip
    add_fit(verb)
    verb.add_argument("-o", "--output", default=None, help="file for the new fit")
    verb.set_defaults(run=verb_of("rerun", "rerun"))


VERBS = (_report, _compare, _models, _criticize, _sensitivity, _plot, _table, _predict, _export, _rerun)
