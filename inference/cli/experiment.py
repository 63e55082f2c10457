"""The verbs of experiments: `check`, `init`, `schema`, `datasets`, `simulate`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import ExperimentError
from .options import MODEL, RIVAL, SEED, closure, experiments, modelled, number_pair, theory
from .output import Output
from .verb import option, verb

if TYPE_CHECKING:
    from ...datasets import Experiment
    from ..checks import Information
    from ..model import ModelParameter

WIDEST = 6
"""Series beyond which the table of what informs what names the best two only."""


@verb("check", "check an experiment: what would be fitted, how well each series constrains each parameter",
      "check my-run\ncheck monday tuesday --share optical_depth=separate",
      *experiments(), *MODEL, RIVAL)  # fmt: skip
def check(given: Namespace) -> int:
    """Validate an experiment; say what would be fitted, how well each series constrains each parameter."""
    experiment, settings = modelled(given)

    from ...datasets.experiment import doubts, reversed_beats
    from ..checks import expected_information
    from ..model import Problem, require_time_scale, unused_entries
    from ..text import sharing_text

    problem = Problem(experiment, settings)
    require_time_scale(problem)
    output = Output(given)
    output.text(f"{_description(experiment)}\n\nmodel: {theory(settings)}")
    if shares := sharing_text(experiment, [parameter.label for parameter in problem.parameters]):
        output.text(shares)
    fixed, unused = problem.fixed, unused_entries(problem)
    for label, value in fixed.items():
        output.text(f"fixed: {label} = {value:g}")
    for line in _unused(unused):
        output.text(line)
    backwards = reversed_beats(experiment)
    for name in backwards:
        output.text(
            f"sign: the quadrature of {name} has the opposite sign; multiply it by −1 (docs: howto/calibration.html)"
        )
    doubted = doubts(experiment)
    for line in doubted:
        output.text(f"look at: {line}")
    expected = expected_information(problem)
    output.text(f"\n{_informs(expected, problem.free)}")
    output.facts(
        _facts(experiment, problem.free, expected)
        | {"fixed": fixed, "not_used": [*unused], "opposite_sign": backwards, "doubts": doubted}
    )
    return 0


def _unused(names: Mapping[str, str]) -> list[str]:
    """Lines of entries of the apparatus that a model does not use, each with the model that uses it, or ""."""
    why = {name: f" (--model {model} uses it)" if model else _needs(name) for name, model in names.items()}
    if "detection_efficiency" in why:
        why["detection_efficiency"] = " (contained in the scale uncertainty of ξ)"
    return [f"not used: {name} of the apparatus{text}" for name, text in why.items()]


def _needs(name: str) -> str:
    """What else it takes that a parameter is one, where sixteen levels have it."""
    from ..model import GIVEN_BY

    said = GIVEN_BY.get(name, "")
    return f" ({said})" if said.startswith("--model") else ""


def _facts(experiment: Experiment, free: list[ModelParameter], expected: Information) -> dict[str, Any]:
    return {
        "title": experiment.title,
        "simulated": experiment.simulated,
        "series": [{"name": s.name, "kind": s.kind, "points": len(s.x), "fitted": int(s.fitted.sum())}
                   for s in experiment.series]
                  + [{"name": r.name, "kind": "record", "points": r.repetitions, "fitted": int(r.fitted.sum())}
                     for r in experiment.records],
        "unknowns": [
            {"label": u.label, "prior": str(u.prior), "expected_contraction": float(expected.together[k]),
             "by_series": {name: float(source[k]) for name, source in expected.by_source.items()}}
            for k, u in enumerate(free)
        ],
    }  # fmt: skip


def _run(experiment: Experiment, run: str) -> str:
    """'run main: 20 ms drive'."""
    stages = ", ".join(
        f"{s.duration:g} ms {s.label}" + "".join(f" ({power}{power.held(s.duration)})" for power in s.power)
        for s in experiment.run_stages(run)
    )
    about = experiment.constant.get(run)
    constant = "" if about is None else f"; constant rates: populations {about.populations}, begins {about.begins}"
    return f"run {run}: {stages}{constant}"


def _days(experiment: Experiment) -> list[str]:
    """A line per day with factors of its own."""
    from ...datasets.experiment import other_days

    reference = "relative to the reference day: that of the series that say none, or else of the first series"
    return [
        f"day {day}: day_depth and day_loss, {reference}" for day in other_days(experiment.series, experiment.member)
    ]


def _description(experiment: Experiment) -> str:
    own, common = _notes(experiment)
    lines = [f"{experiment.title}" + (" [simulated]" if experiment.simulated else " [measured]")]
    lines += [_run(experiment, run) for run in experiment.runs]
    for series in experiment.series:
        used, total = int(series.fitted.sum()), len(series.x)
        left_out = f", {total - used} not fitted" if used < total else ""
        unit = "" if series.about.unit == "1" else f" {series.about.unit}"
        span = f"{series.x[0]:g} to {series.x[-1]:g}{unit}"
        day = f", day {series.day}" if series.day else ""
        words = f"{total} points, {span}, {series.noise} noise{left_out}{day}"
        lines += [f"series {series.name}: {series.kind}, {words}", *own.get(series.name, ())]
        if not series.efficiency_in_scale:
            lines.append("  detection_efficiency is an unknown of its own")
    lines += _days(experiment)
    for record in experiment.records:
        used, total = int(record.fitted.sum()), record.repetitions
        left_out = f", {total - used} not fitted" if used < total else ""
        begins = f", from {record.start:g} ms" if record.start else ""
        lines.append(
            f"series {record.name}: {total} records of {record.length} bins of {record.interval:g} ms, cos and sin"
            f"{begins}{left_out}"
        )
        lines += own.get(record.name, ())
    lines += common
    for observation in experiment.observations:
        status = f" (not fitted: {observation.excluded})" if observation.excluded else ""
        unit = "" if observation.unit == "1" else f" {observation.unit}"
        lines.append(f"number {observation.label}: {observation.value:g} ± {observation.sigma:g}{unit}{status}")
    return "\n".join(lines)


def _notes(experiment: Experiment) -> tuple[dict[str, list[str]], list[str]]:
    """Lines of what was found when files were read: by series, and those that are the same for several."""
    found: dict[str, list[str]] = {}
    for part in experiment.parts:
        if part.note:
            found.setdefault(part.note, []).append(part.name)
    own = {names[0]: [f"  {note}"] for note, names in found.items() if len(names) == 1}
    return own, [f"  {', '.join(names)}: {note}" for note, names in found.items() if len(names) > 1]


def _informs(expected: Information, free: list[ModelParameter]) -> str:
    from ...forward_models import PARAMETERS
    from ..fits import PRIOR_DOMINATED
    from ..text import Table

    narrow = len(expected.by_source) > WIDEST
    header = ["unknown", "prior", "unit", *(["all", "most by"] if narrow else [*expected.by_source, "all"])]
    rows = []
    for k, unknown in enumerate(free):
        shares = {name: source[k] for name, source in expected.by_source.items()}
        together = f"{100 * expected.together[k]:.0f} %"
        cells = [*(f"{100 * share:.0f} %" for share in shares.values()), together]
        if narrow:
            best = sorted(shares, key=lambda name: -shares[name])[:2]
            cells = [together, ", ".join(f"{n} {100 * shares[n]:.0f} %" for n in best if shares[n] >= PRIOR_DOMINATED)]
        rows.append([unknown.label, str(unknown.prior), PARAMETERS[unknown.name].unit, *cells])
    text = Table(header, rows).text()
    text += "\n(how much of the prior's variance each series removes by itself, and all together, at the prior medians)"
    weak = [label for label, share in zip(expected.labels, expected.together, strict=True) if share < PRIOR_DOMINATED]
    if weak:
        text += f"\nThe prior will decide: {', '.join(weak)}."
    return text


@verb("init", "make a folder with a template, or a plan, to fill in", "init my-run\ninit next-run --plan plan.toml",
      option("folder"),
      option("--plan", default=None, metavar="FILE", help="a plan that `dissentangle design -o` wrote"))  # fmt: skip
def init(given: Namespace) -> int:
    """Write a folder with a template, or a plan, to fill in."""
    from ...datasets.formats import write_planned, write_template

    output = Output(given)
    for path in write_planned(given.folder, given.plan) if given.plan else write_template(given.folder):
        output.written(path)
    if given.plan:
        output.text(f"To rehearse the plan: dissentangle simulate {given.plan} -o rehearsal")
    output.text(f"Fill in the tables, then: dissentangle check {given.folder}")
    output.text("(Editors with Taplo or Even Better TOML use the schema beside it to check and complete the file.)")
    output.facts({})
    return 0


@verb("schema", "write a JSON Schema of experiment.toml, with which editors complete and check keys", """
schema > experiment.schema.json
schema -o my-run/experiment.schema.json    with the first line #:schema ./experiment.schema.json in experiment.toml""",
      option("-o", "--output", default=None, metavar="FILE", help="file to write (stdout)"))  # fmt: skip
def schema(given: Namespace) -> int:
    """Print or write the schema."""
    from ...datasets.formats import experiment_schema, schema_file
    from .paths import writable

    output = Output(given)
    if given.output is None:
        output.text(schema_file().decode().rstrip())
        output.facts(experiment_schema())
        return 0
    from ...datasets.files import write_bytes

    write_bytes(schema_file(), writable(given.output))
    output.written(given.output)
    output.facts({})
    return 0


@verb("datasets", "list the bundled experiments, or copy one", "datasets\ndatasets fig2b-d55 -o copy",
      option("name", nargs="?", help="experiment to copy"),
      option("-o", "--output", default=None, help="folder or .nc file to copy it to"))  # fmt: skip
def datasets(given: Namespace) -> int:
    """List the bundled experiments, or copy one."""
    from ...datasets import load, names, read, save

    output = Output(given)
    if given.name is None:
        bundled = {name: read(name) for name in names()}
        for name, experiment in bundled.items():
            output.text(f"{name:24} {'simulated' if experiment.simulated else 'measured ':9}  {experiment.title}")
        rows = [{"name": name, "simulated": e.simulated, "title": e.title} for name, e in bundled.items()]
        output.facts({"datasets": rows})
        return 0
    if given.output is None:
        raise ExperimentError(f"{given.name}: expected -o FOLDER or -o FILE.nc to copy it to")
    save(load(given.name), given.output)
    output.written(given.output)
    output.facts({})
    return 0


@verb("simulate", "simulate an experiment with the stages, times and noise of another, or of a plan", """
simulate my-run -o simulated --set collective_rate=0.12 --seed 2
simulate my-run -o simulated --model sixteen-level      with the temperature, the detuning, … of its [apparatus]
simulate plan.toml -o rehearsal""",
      option("experiment", help="a folder with experiment.toml, a .nc file, a bundled name, or a plan of `design -o`"),
      option("-o", "--output", required=True, help="folder or .nc file to write"),
      option("--set", action="append", default=[], metavar="NAME=VALUE",
             help="true value of a parameter, named as by `check`: rates in ms⁻¹, times in ms, angles in deg,"
             " temperature in K, drive_detuning in MHz, others pure numbers; Γ̃ stays if another rate is set, so that"
             " Γdeph follows; repeatable"),
      option("--model", default="", metavar="NAMES",
             help="atoms with sixteen levels: sixteen-level, also with +excess-loss, +free-radiative-rate,"
             " +uniform-collisions, +cold-atoms"),
      closure("microscopic", "of the truth"), SEED)  # fmt: skip
def simulate(given: Namespace) -> int:
    """Write a simulated experiment."""
    from ...datasets import read, save, simulate_like
    from ...datasets.formats import FILE, read_plan
    from ..model import Problem, unused_entries

    output, path = Output(given), Path(given.experiment)
    truth = dict(number_pair("--set", text) for text in given.set)
    experiment = read_plan(path) if path.suffix == ".toml" and path.name != FILE else read(given.experiment)
    made = simulate_like(experiment, truth, closure=given.closure, seed=given.seed, model=given.model)
    save(made, given.output)
    output.written(given.output)
    with suppress(ExperimentError):  # of priors, which count in a fit alone
        others = {} if "temperature" in made["truth"].data_vars else unused_entries(Problem(experiment))
        for line in _unused({name: model for name, model in others.items() if model}):
            output.text(line)
    output.facts({})
    return 0
