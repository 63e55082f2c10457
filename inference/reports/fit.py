"""The report of a fit: the verdict first, then what supports it, at last how to make it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ...datasets import Experiment
from ...datasets.experiment import Label
from ..checks import Assessment, assess
from ..comparison import LeaveOneOut, leave_one_out
from ..figures import Drawn
from ..fits import Fit, fit_id
from . import checks, continuous_measurement, criticism, results
from .comparison import compared_with
from .html import items, page, paragraph, section, shown

if TYPE_CHECKING:
    from xarray import DataTree


def fit_page(fit: DataTree, file: str = "", compared: Mapping[str, Any] | str | None = None) -> str:
    """The whole page as HTML.

    file : name of the fit's file, for the command that makes it again
    compared : facts of a comparison with rival models, shown where this fit is one of them; or why there are none
    """
    fitted = Fit(fit)
    judged, drawn, left_out = assess(fitted), Drawn.of(fitted), leave_one_out(fitted)
    title = fitted.experiment.title
    parts = [
        _head(fitted, judged),
        _verdict(fitted, judged, left_out),
        section("Posterior", *results.posterior(fitted)),
        section("Series: data, model, residuals", *results.series(fitted, drawn)),
        section("Continuous measurement", *continuous_measurement.section(fitted)),
        section("What follows: entanglement", *results.derived(fitted)),
        section("Prior and posterior", *checks.prior_and_posterior(fitted)),
        section("Pairs of parameters", *checks.pairs(fitted)),
        section("Calibration of the predictions", *checks.calibration(fitted, left_out)),
        section("Criticism", *criticism.criticism(fitted)),
        section("Rival models", *_rivals(fit, compared)),
        section("Sampling", *checks.sampling(fitted)),
        section(
            "Weight of the priors",
            *checks.sensitivity(fitted),
            *criticism.apart(fitted),
            *criticism.calibration_shifts(fitted),
        ),
        section("To make it again", *_again(fitted, file)),
    ]
    return page(title, "\n".join(part for part in parts if part))


def _rivals(fit: DataTree, compared: Mapping[str, Any] | str | None) -> list[str]:
    if compared is None or isinstance(compared, str):
        return [paragraph(compared or "", "soft")]
    return compared_with(compared, fit_id(fit))


def _head(fitted: Fit, judged: Assessment) -> str:
    experiment = fitted.experiment
    mark = '<span class="mark">simulated data</span>' if experiment.simulated else ""
    members = f" {len(experiment.members)} experiments in one fit." if experiment.members else ""
    values = sum(int(series.fitted.sum()) for series in experiment.series)
    numbers = sum(not o.excluded for o in experiment.observations)
    records = sum(int(record.fitted.sum()) for record in experiment.records)
    said = [f"{values} values in {len(experiment.series)} series" if values else ""]
    said += [f"{records} records of the light with {_samples(experiment)} samples" if records else ""]
    said += [f"{numbers} published numbers" if numbers else "", f"{fitted.settings.closure} closure"]
    said += [f"model {fitted.settings.name}" if fitted.settings.name else ""]
    return (
        f'<p class="verdict {judged.status}">{escape(judged.headline)}</p>'
        f"<h1>{shown(experiment.title)} {mark}</h1>"
        f'<p class="soft">{escape(", ".join(part for part in said if part))}.{members}</p>'
        + (f"<p>{shown(experiment.description, 2000)}</p>" if experiment.description else "")
    )


def _samples(experiment: Experiment) -> int:
    return sum(2 * int(record.fitted.sum()) * record.length for record in experiment.records)


def _verdict(fitted: Fit, judged: Assessment, left_out: LeaveOneOut) -> str:
    from ..checks import proposals

    failed = left_out.failed
    points = ""
    if failed:
        worst = ", ".join(failed[:4]) + (f" and {len(failed) - 4} more" if len(failed) > 4 else "")
        points = f"The fit hangs on single points (Pareto k̂ > {left_out.limit:.2f}): {worst}."
    rows = [
        ("Sampling", judged.sampling),
        ("Model", f"{judged.model} {points}".strip()),
        ("Determined by the data", _named(judged.by_data)),
        ("By prior and data", _named(judged.by_both)),
        ("By the prior alone", _named(judged.by_prior)),
    ]
    steps = list(judged.next_steps)
    for proposal in proposals(fitted)[:2] if judged.status in ("healthy", "doubtful", "weak") else []:
        gains = ", ".join(
            f"{Label.parse(label).symbol} (variance − {100 * gain:.0f} %)" for label, gain in proposal.gains.items()
        )
        steps.append(
            f"Measuring {proposal.kind} in run {proposal.run} ({len(proposal.times)} points, each ± {proposal.sigma:g})"
            f" would tell more of {gains}."
        )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    return section("Verdict", f"<dl>{listed}</dl>", "<h3>What to do next</h3>", items(steps))


def _named(labels: tuple[str, ...]) -> str:
    return ", ".join(Label.parse(label).symbol for label in labels)


def _again(fitted: Fit, file: str) -> list[str]:
    import shlex

    attributes = fitted.tree.attrs
    stored = json.loads(attributes["settings"])
    sampler, model = stored["sampler"], stored["model"]
    words = ["dissentangle", "fit", file or "fit.nc", "-o", "again.nc", "--closure", model["closure"]]
    words += [word for name in ("seed", "draws", "tune", "chains") for word in (f"--{name}", str(sampler[name]))]
    words += ["--model", model["name"]] if model.get("name") else []
    words += ["--free-dephasing"] if model["free_dephasing"] else []
    words += ["--engine", sampler["engine"]] if sampler.get("engine") else []
    words += [word for name, text in model["priors"].items() for word in ("--prior", f"{name}={text}")]
    versions = json.loads(attributes["versions"])
    rows = [
        ("SHA-256 of the data", str(attributes["data_sha256"])),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        (
            "Engine",
            f"{attributes['engine']}" + (f" ({attributes['engine_reason']})" if attributes["engine_reason"] else ""),
        ),
        ("Error of the integration grid", f"{attributes['quadrature_error']:.1e} standard deviations of the data"),
        ("Settings", json.dumps(stored, ensure_ascii=False)),
    ]
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return [
        paragraph("The file of the fit holds the data and all settings. The same draws, with the same versions:"),
        f"<pre>dissentangle rerun {escape(shlex.quote(file or 'fit.nc'))} -o again.nc</pre>",
        paragraph("says whether they are, and what has changed; or, to change a setting:"),
        f"<pre>{escape(shlex.join(words))}</pre>",
        f"<dl>{listed}</dl>",
    ]
