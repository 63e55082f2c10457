"""The verbs that need no sampling: `check`, `prior`, `init`, `datasets`, `simulate`."""

from __future__ import annotations

import argparse

import numpy as np

from ...datasets import Experiment, ExperimentError, load, names, read, save, simulate_like, write_template
from ...forward_models import Closure
from ..fit_report import printable
from ..unknowns import Unknown
from .fit import figure_target
from .options import experiment as experiment_given
from .options import model_settings, pair

WIDEST = 6
"""Series beyond which the table of what informs what names the best two only."""


def check(given: argparse.Namespace) -> int:
    """Validate an experiment; say what would be fitted and what each series informs."""
    from ..unknowns import fixed_values, unknowns, unused_knowledge

    experiment = experiment_given(given)
    settings = model_settings(given)
    parameters = unknowns(experiment, settings)
    print(printable(_description(experiment)))
    print(f"\nclosure: {settings.closure}")
    for label, value in fixed_values(parameters).items():
        print(f"fixed: {label} = {value:g}")
    for name in unused_knowledge(experiment, parameters):
        why = " (contained in the scale uncertainty of ξ)" if name == "detection_efficiency" else ""
        print(f"not used: {name} of the apparatus{why}")
    print()
    print(_informs(experiment, parameters, settings.closure))
    return 0


def _description(experiment: Experiment) -> str:
    lines = [f"{experiment.title}" + (" [simulated]" if experiment.simulated else " [measured]")]
    for run in experiment.runs:
        stages = ", ".join(f"{s.duration:g} ms {s.label}" for s in experiment.run_stages(run))
        lines.append(f"run {run}: {stages}")
    for series in experiment.series:
        used, total = int(series.fitted.sum()), len(series.x)
        left_out = f", {total - used} not fitted" if used < total else ""
        unit = "" if series.about.unit == "1" else f" {series.about.unit}"
        span = f"{series.x[0]:g} to {series.x[-1]:g}{unit}"
        lines.append(f"series {series.name}: {series.kind}, {total} points, {span}, {series.noise} noise{left_out}")
        if series.note:
            lines.append(f"  {series.note}")
        if not series.efficiency_in_scale:
            lines.append("  detection_efficiency is an unknown of its own")
    for observation in experiment.observations:
        status = f" (not fitted: {observation.excluded})" if observation.excluded else ""
        unit = "" if observation.unit == "1" else f" {observation.unit}"
        lines.append(f"number {observation.label}: {observation.value:g} ± {observation.sigma:g}{unit}{status}")
    return "\n".join(lines)


def _informs(experiment: Experiment, parameters: list[Unknown], closure: Closure) -> str:
    from ...forward_models import PARAMETERS
    from ..diagnostics import PRIOR_DOMINATED
    from ..information import expected_information
    from ..text_table import table
    from ..unknowns import free

    expected = expected_information(experiment, parameters, closure)
    narrow = len(expected.by_source) > WIDEST
    header = ["unknown", "prior", "unit", *(["all", "most by"] if narrow else [*expected.by_source, "all"])]
    rows = []
    for k, unknown in enumerate(free(parameters)):
        shares = {name: source[k] for name, source in expected.by_source.items()}
        together = f"{100 * expected.together[k]:.0f} %"
        cells = [*(f"{100 * share:.0f} %" for share in shares.values()), together]
        if narrow:
            best = sorted(shares, key=lambda name: -shares[name])[:2]
            cells = [together, ", ".join(f"{n} {100 * shares[n]:.0f} %" for n in best if shares[n] >= PRIOR_DOMINATED)]
        rows.append([unknown.label, str(unknown.prior), PARAMETERS[unknown.name].unit, *cells])
    text = table(header, rows)
    text += (
        "\n(how much of the prior's variance each series takes away by itself, and all together, at the prior medians)"
    )
    weak = [label for label, share in zip(expected.labels, expected.together, strict=True) if share < PRIOR_DOMINATED]
    if weak:
        text += f"\nThe prior will decide: {', '.join(weak)}."
    return text


def prior(given: argparse.Namespace) -> int:
    """What the priors alone predict."""
    from ..draws import derived_quantities, prior_draws
    from ..text_table import number, table
    from ..unknowns import unknowns

    experiment = experiment_given(given)
    settings = model_settings(given)
    target = figure_target(given.figure)
    values = prior_draws(experiment, settings, unknowns(experiment, settings), 400, np.random.default_rng(given.seed))
    print(f"{experiment.title}: what the priors alone predict ({settings.closure} closure, 400 draws)\n")
    rows = []
    for name, (_, entries, array) in derived_quantities(experiment, values, settings.closure).items():
        for k, entry in enumerate(entries):
            low, middle, high = np.quantile(array[:, k], [0.03, 0.5, 0.97], method="nearest")
            scale = abs(middle) / 10 if np.isfinite(middle) and middle else 1.0
            rows.append([f"{name}[{entry}]", *(number(value, scale) for value in (low, middle, high))])
    print(table(["quantity", "3 %", "median", "97 %"], rows))
    if target is not None:
        from ..figure import plot_bands

        plot_bands(experiment, values, settings.closure, title=f"prior predictive: {experiment.title}").savefig(
            target, dpi=150
        )
        print(f"\nwritten: {target}")
    return 0


def init(given: argparse.Namespace) -> int:
    """Write a folder to fill in."""
    for path in write_template(given.folder):
        print(f"written: {path}")
    print(f"Fill in the tables, then: dissentangle check {given.folder}")
    return 0


def datasets(given: argparse.Namespace) -> int:
    """List the bundled experiments, or copy one."""
    if given.name is None:
        for name in names():
            experiment = read(name)
            print(f"{name:24} {'simulated' if experiment.simulated else 'measured ':9}  {experiment.title}")
        return 0
    if given.output is None:
        raise ExperimentError(f"{given.name}: expected -o FOLDER or -o FILE.nc to copy it to")
    save(load(given.name), given.output)
    print(f"written: {given.output}")
    return 0


def simulate(given: argparse.Namespace) -> int:
    """Write a simulated experiment."""
    truth = {}
    for text in given.set:
        name, value = pair("--set", text)
        try:
            truth[name] = float(value)
        except ValueError as error:
            raise ExperimentError(f"--set {text}: found {value!r}, expected a number") from error
    save(simulate_like(read(given.experiment), truth, closure=given.closure, seed=given.seed), given.output)
    print(f"written: {given.output}")
    return 0
