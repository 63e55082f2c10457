"""A fit as a whole in its report: what stands first, the verdict, rival models, how to reproduce it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...datasets.experiment import Label
from ..checks import Assessment, assess, proposals
from ..comparison import LeaveOneOut, leave_one_out
from ..figures import ExperimentDraws
from ..fits import Fit, fit_id
from ..text import compared_sentences
from .comparison import compared_with
from .page import Parts, clipped

_WORST = 4
_LONGEST_DESCRIPTION = 2000


@dataclass(frozen=True)
class ReportedFit:
    """A fit, and what several sections ask of it, each worked out once.

    file : name of the fit's file, for the commands that reproduce it; "" where it was not saved
    compared : facts of a comparison with rival models; in words why they cannot be read; None without any
    """

    fit: Fit
    file: str = ""
    compared: Mapping[str, Any] | str | None = None

    @cached_property
    def judged(self) -> Assessment:
        """The verdict."""
        return assess(self.fit)

    @cached_property
    def after_comparison(self) -> list[str]:
        """What a comparison with rival models adds to the verdict."""
        if self.compared is None or isinstance(self.compared, str):
            return []
        return compared_sentences(self.compared, fit_id(self.fit.tree))

    @cached_property
    def draws(self) -> ExperimentDraws:
        """The experiment with draws of the posterior, for figures."""
        return ExperimentDraws.of(self.fit)

    @cached_property
    def left_out(self) -> LeaveOneOut:
        """PSIS leave-one-out."""
        return leave_one_out(self.fit)


def opening(reported: ReportedFit) -> dict[str, Any]:
    """The verdict, the title, and what was fitted: what stands above the sections of a page."""
    fitted, judged = reported.fit, reported.judged
    experiment = fitted.experiment
    members = f" {len(experiment.members)} experiments in one fit." if experiment.members else ""
    values = sum(int(series.fitted.sum()) for series in experiment.series)
    numbers = sum(not o.excluded for o in experiment.observations)
    records = sum(int(record.fitted.sum()) for record in experiment.records)
    samples = sum(2 * int(record.fitted.sum()) * record.length for record in experiment.records)
    said = [f"{values} values in {len(experiment.series)} series" if values else ""]
    said += [f"{records} records of the light with {samples} samples" if records else ""]
    said += [f"{numbers} published numbers" if numbers else "", f"{fitted.settings.closure} closure"]
    said += [f"model {fitted.settings.name}" if fitted.settings.name else ""]
    parts: Parts = [
        ("paragraph", judged.condition),
        ("soft", f"{', '.join(part for part in said if part)}.{members}"),
        ("paragraph", clipped(experiment.description, _LONGEST_DESCRIPTION)),
    ]
    return {"title": experiment.title, "simulated": experiment.simulated, "status": judged.status, "opening": parts,
            "verdict": [judged.headline, *reported.after_comparison]}  # fmt: skip


def verdict(reported: ReportedFit) -> Parts:
    """Can it be used, what determined which parameters, and what to do next."""
    judged, failed = reported.judged, reported.left_out.failed
    points = ""
    if failed:
        worst = ", ".join(failed[:_WORST]) + (f" and {len(failed) - _WORST} more" if len(failed) > _WORST else "")
        points = f"The fit hangs on single points (Pareto k̂ > {reported.left_out.limit:.2f}): {worst}."
    rows = [
        ("Sampling", judged.sampling),
        ("Model", f"{judged.model} {points}".strip()),
        ("Determined by the data", _named(judged.by_data)),
        ("By prior and data", _named(judged.by_both)),
        ("By the prior alone", _named(judged.by_prior)),
    ]
    steps = list(judged.next_steps)
    for proposal in proposals(reported.fit)[:2] if judged.status in ("healthy", "doubtful", "weak") else []:
        gains = ", ".join(
            f"{Label.parse(label).symbol} (variance − {100 * gain:.0f} %)" for label, gain in proposal.gains.items()
        )
        steps.append(
            f"Measuring {proposal.kind} in run {proposal.run} ({len(proposal.times)} points, each ± {proposal.sigma:g})"
            f" would tell more of {gains}."
        )
    return [("terms", rows), ("heading", "What to do next"), ("items", steps)]


def _named(labels: tuple[str, ...]) -> str:
    return ", ".join(Label.parse(label).symbol for label in labels)


def rivals(reported: ReportedFit) -> Parts:
    """What a comparison with rival models found; nothing where this fit was not compared."""
    if reported.compared is None or isinstance(reported.compared, str):
        return [("soft", reported.compared or "")]
    return compared_with(reported.compared, fit_id(reported.fit.tree))


def reproduction(reported: ReportedFit) -> Parts:
    """The commands that make the same draws again, and what they depend on."""
    attributes, file = reported.fit.tree.attrs, reported.file or "fit.nc"
    stored = json.loads(attributes["settings"])
    why = f" ({attributes['engine_reason']})" if attributes["engine_reason"] else ""
    versions = json.loads(attributes["versions"])
    rows = [
        ("SHA-256 of the data", str(attributes["data_sha256"])),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("Engine", f"{attributes['engine']}{why}"),
        ("Error of the integration grid", f"{attributes['quadrature_error']:.1e} standard deviations of the data"),
        ("Settings", json.dumps(stored, ensure_ascii=False)),
    ]
    return [
        ("paragraph", "The file of the fit holds the data and all settings. The same draws, with the same versions:"),
        ("command", f"dissentangle rerun {shlex.quote(file)} -o again.nc"),
        ("paragraph", "says whether they are, and what has changed; or, to change a setting:"),
        ("command", shlex.join(_command(stored["sampler"], stored["model"], file))),
        ("terms", rows),
    ]


def _command(sampler: Mapping[str, Any], model: Mapping[str, Any], file: str) -> list[str]:
    """The words of `dissentangle fit` that has these settings."""
    words = ["dissentangle", "fit", file, "-o", "again.nc", "--closure", model["closure"]]
    words += [word for name in ("seed", "draws", "tune", "chains") for word in (f"--{name}", str(sampler[name]))]
    words += ["--model", model["name"]] if model.get("name") else []
    words += ["--free-dephasing"] if model["free_dephasing"] else []
    words += ["--engine", sampler["engine"]] if sampler.get("engine") else []
    return words + [word for name, text in model["priors"].items() for word in ("--prior", f"{name}={text}")]
