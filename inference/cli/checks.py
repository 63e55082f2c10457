"""The verbs that question a model, and say what to measure next: `criticize`, `sensitivity`, `prior`, `design`."""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import ExperimentError
from .options import (
    CORES,
    FIT,
    MODEL,
    RIVAL,
    SEED,
    experiment_of,
    experiments,
    figure,
    modelled,
    positive,
    priors_of,
    theory,
    whole,
)
from .output import Count, Output, steps
from .paths import figure_target, writable
from .verb import option, verb

if TYPE_CHECKING:
    from ..designs import Design
    from ..fits import Fit


@verb("criticize", "could the fitted model have produced these data? Compares the time of the minimum, late slope,"
      " autocorrelation, scatter, … of the data with those of replicated data", """
criticize my-run.nc --figure criticism.pdf
criticize my-run.nc --leave-out                predicts each series from a fit of all others
criticize my-run.nc --given polarization       does P(t) alone predict the others?""",
      FIT,
      option("--leave-out", action="store_true", help="instead, predict each series from the others"),
      option("--given", action="append", default=[], metavar="SERIES",
             help="instead, predict all other series from this one; repeatable"),
      option("--draws", type=positive, default=500, help="draws per chain of each new fit (%(default)s)"),
      CORES, SEED, figure())  # fmt: skip
def criticize(given: Namespace) -> int:
    """Posterior predictive checks, or the prediction of series from others; 0 whatever is found: it is said."""
    output, drawing = Output(given), figure_target(given.figure)
    from ..fits import Fit, read_fit

    fit = Fit(read_fit(given.fit))
    output.text(_title(fit) + "\n")
    if given.leave_out or given.given:
        return _left_out(given, fit, output, drawing)
    from ..checks import alarms
    from ..checks import criticize as criticism_of
    from ..figures import WIDTHS, plot_criticism
    from ..text import criticism_text, disturbance_table

    found, wrong = criticism_of(fit), alarms(fit)
    output.text(f"{criticism_text(found)}\n\n{disturbance_table(wrong).text()}")
    output.figure(drawing, lambda: plot_criticism(fit, WIDTHS["page"], found))
    could_be_wrong = [one.facts() for one in wrong.suspicions]
    output.facts({"title": str(fit.tree.attrs["title"]), **found.facts(), "could_be_wrong": could_be_wrong})
    return 0


def _left_out(given: Namespace, fit: Fit, output: Output, drawing: Path | None) -> int:
    from ..comparison import leave_one_series_out
    from ..figures import WIDTHS, plot_left_out
    from ..text import left_out_text

    say = steps(given.quiet)
    found = leave_one_series_out(
        fit, given=given.given or None, draws=given.draws, seed=given.seed, cores=given.cores,
        progress=lambda name: say(f"fitting without {name}"),
    )  # fmt: skip
    output.text(left_out_text(found))
    output.figure(drawing, lambda: plot_left_out(fit, WIDTHS["page"], found))
    output.facts({"title": found.title, **found.facts()})
    return 0


@verb("sensitivity", "show how each rate moves if a calibration constant is off by one σ, and how it depends on each"
      " prior and each series", "sensitivity my-run.nc --figure sensitivity.pdf",
      FIT, CORES, figure())  # fmt: skip
def sensitivity(given: Namespace) -> int:
    """How rates move with the calibration, and how they depend on each prior and each series."""
    output, drawing = Output(given), figure_target(given.figure)
    from ..fits import Fit, read_fit

    fit = Fit(read_fit(given.fit))
    from ..checks import sensitivity as sensitivity_of
    from ..figures import WIDTHS, plot_sensitivity
    from ..text import sensitivity_text

    found = sensitivity_of(fit, cores=given.cores)
    output.text(f"{_title(fit)}\n\n{sensitivity_text(found)}")
    output.figure(drawing, lambda: plot_sensitivity(fit, WIDTHS["page"], found.calibration))
    output.facts({"title": str(fit.tree.attrs["title"]), **found.facts()})
    return 0


@verb("prior", "show what the priors alone predict, before there are data", "prior my-run --figure prior.png",
      *experiments(), *MODEL, RIVAL, figure("-o"), SEED)  # fmt: skip
def prior(given: Namespace) -> int:
    """What the priors alone predict."""
    import numpy as np

    from ..figures import ExperimentDraws, plot_bands
    from ..fits import derived_quantities, prior_draws
    from ..model import Problem
    from ..text import Table, number

    experiment, settings = modelled(given)
    target = figure_target(given.figure)
    problem = Problem(experiment, settings)
    values = prior_draws(problem, 400, np.random.default_rng(given.seed))
    output = Output(given)
    output.text(f"{experiment.title}: what the priors alone predict ({theory(settings)}, 400 draws)\n")
    rows, facts = [], []
    for name, (_, entries, array) in derived_quantities(problem, values).items():
        for k, entry in enumerate(entries):
            low, middle, high = np.quantile(array[:, k], [0.03, 0.5, 0.97], method="nearest")
            facts.append({"name": name, "entry": entry, "median": middle, "low": low, "high": high})
            scale = abs(middle) / 10 if np.isfinite(middle) and middle else 1.0
            rows.append([f"{name}[{entry}]", *(number(value, scale) for value in (low, middle, high))])
    output.text(Table(["quantity", "3 %", "median", "97 %"], rows).text())
    draws = ExperimentDraws(experiment, values, settings.dynamics)
    output.figure(target, lambda: plot_bands(draws, f"prior predictive: {experiment.title}"))
    output.facts({"derived": facts})
    return 0


@verb("design", "plan what to measure next: delays, shots and runs for a goal within a time, verified by refits", """
design my-run --goal dGamma --budget "1 h" -o plan.toml      then: init next-run --plan plan.toml
design my-run --goal dGamma --target "3 %"                   how many repetitions for that?
design my-run --goal closure --budget "8 h" --candidates candidates.toml --figure gain.pdf
design --after my-run.nc --budget "10 min"                   the next ten minutes
design 38C 44C --goal light_loss_rate -o plan.toml          a joint experiment: plan-38C.toml, plan-44C.toml""",
      *experiments("a folder with experiment.toml, a .nc file, a bundled name; several: joint", "*"),
      option("--after", default=None, metavar="FIT", help="instead, start from a file that `dissentangle fit` wrote"),
      option("--goal", default=None, metavar="WHAT",
             help="a rate or derived quantity (its sd), everything, closure, or 'ONE vs OTHER' of rival models"),
      option("--budget", default=None, metavar="TIME", help="measuring time, such as '30 min' (1 h)"),
      option("--target", default=None, metavar="SD",
             help="find the time for this sd of the goal: '3 %%' of its value, or a number (nats for models)"),
      option("--candidates", default=None, metavar="FILE", help="TOML of what could be measured"),
      option("--shot", default="10 ms", metavar="TIME", help="pumping, probe and dead time of a shot (%(default)s)"),
      option("--refits", type=partial(whole, 0, 10_000), default=50,
             help="simulated outcomes to fit, which verifies the plan (%(default)s); 0: the plan alone, in seconds"),
      option("-o", "--output", default=None, metavar="FILE", help="plan.toml to write, for init --plan"),
      figure(), *MODEL, RIVAL, CORES, SEED)  # fmt: skip
def design(given: Namespace) -> int:
    """A plan for the next measurement; 0, or 1 if the target cannot be reached."""
    output, drawing = Output(given), figure_target(given.figure)
    target = None if given.output is None else writable(given.output)
    if target is not None and target.suffix != ".toml":
        raise ExperimentError(f"{target}: output must end in .toml")
    source = _source(given)
    from ..designs import design as designed
    from ..text import design_text, refits_text

    def planned(found: Design) -> None:
        """The plan before its refits, which may take minutes."""
        text = design_text(found)
        output.text(f"{found.title}{' [simulated]' if found.simulated else ''}\n\n{text}")
        for file in _write_plans(found, target, text):
            output.written(file)

    steps(given.quiet)("fitting the data so far, designing")
    with Count("simulated outcomes fitted", given.quiet) as count:
        found = designed(
            source, after=given.after, goal=given.goal, budget=given.budget, target=given.target,
            candidates=given.candidates, shot=given.shot, refits=given.refits, seed=given.seed,
            closure=given.closure, free_dephasing=given.free_dephasing, priors=priors_of(given), model=given.model,
            cores=given.cores, progress=count, planned=planned,
        )  # fmt: skip
    if any(len(one.refits) for one in found.expectations):
        _write_plans(found, target, design_text(found))
        output.text(f"\n{refits_text(found)}")
    else:
        planned(found)
    if drawing is not None:
        from ..figures import plot_design

        output.figure(drawing, lambda: plot_design(found))
    output.facts({"title": found.title, **found.facts()})
    return 0 if found.possible else 1


def _write_plans(found: Design, target: Path | None, text: str) -> list[Path]:
    """Write the plan, of each member where there are several, under `text`; the files, none without a target."""
    if target is None:
        return []
    from ...datasets.files import write_bytes
    from ...datasets.formats import plan_file

    files = {target.with_stem(f"{target.stem}-{name}") if name else target: one for name, one in found.plans.items()}
    for file, plan in files.items():
        write_bytes(plan_file(plan, text), file)
    return list(files)


def _source(given: Namespace) -> Any:
    """The experiment, the joint one or the fit that `experiments` names; None where `--after` does."""
    changed = given.sharing or given.share or given.range
    if given.after and changed:
        raise ExperimentError("--after: found --share, --sharing or --range too, which are those of the fit already")
    if len(given.experiments) == 1 and not changed:
        return given.experiments[0]
    return experiment_of(given) if given.experiments else None


def _title(fit: Fit) -> str:
    return str(fit.tree.attrs["title"]) + (" [simulated]" if fit.tree.attrs["simulated"] else "")
