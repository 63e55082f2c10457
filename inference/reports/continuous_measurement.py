"""Section of a report on the continuous measurement: ξ with and without the record, records, their innovations."""

from __future__ import annotations

import numpy as np

from ..checks import goodness
from ..figures import PAGE_WIDTH, constant_runs, describe_record, figure_2d, plot_record, with_record
from ..fits import Fit
from .page import picture
from .reported import Check, ReportedFit


def continuous_measurement(reported: ReportedFit) -> Check | None:
    """Fig. 2d and one figure for each series of records; nothing without runs with constant rates."""
    fitted = reported.fit
    if not constant_runs(fitted):
        return None
    said = "Solid: ξ without the record of the light (median, 94 %)."
    if with_record(fitted):
        said += (
            " Dashed: ξ conditioned on the record since the beginning of the run. Below: the modes of the light"
            " before, with γm, and of the readout, with γ."
        )
    if fitted.experiment.records:
        said += (
            " Points: from the records, by the variance of the readout at that time, alone (circles) and with the"
            " prediction by the light before (squares); neighbouring points share light."
        )
    drawn, title = figure_2d(fitted, width=PAGE_WIDTH), "With and without the record"
    made = [picture(drawn, "fig2d", title=title, alt=_alt(fitted), caption=said, room=None)]
    found = {one.name: one for one in goodness(fitted.tree)}
    for k, record in enumerate(fitted.experiment.records):
        if record.name in found:
            one = found[record.name]
            judged = "not white" if one.misfit else "white"
            caption = (
                f"What the model does not predict (innovations) is {judged}: {one.text}, p ="
                f" {one.above:.2g}. Covariances at different lags go together."
            )
            alt, drawn = describe_record(fitted, record), plot_record(fitted, record)
            made.append(picture(drawn, f"record{k}", title=record.name, alt=alt, caption=caption, room=None))
    coloured = [
        name for name, one in found.items() if one.misfit and any(r.name == name for r in fitted.experiment.records)
    ]
    said = f"{_words(fitted).removesuffix('.')}{'; innovations not white: ' + ', '.join(coloured) if coloured else ''}"
    return Check(said, [("figures", made)], expected=not coloured)


def _words(fitted: Fit) -> str:
    """Is the steady state entangled, with and without the record?"""
    derived = fitted.tree["derived"].dataset
    words = []
    for k, lights in enumerate(derived["measured_lights"].values):
        alone = _chance(derived["unconditional_xi"].values[..., k])
        said = f"The steady state with {lights} is entangled with probability {alone} by dissipation alone"
        if with_record(fitted):
            known = _chance(derived["steady_conditional_xi"].values[..., k])
            said += f", with probability {known} given the record"
        words.append(f"{said}.")
    return " ".join(words)


def _chance(draws: np.ndarray) -> str:
    """Probability of ξ < 1, as far as so many draws can tell."""
    chance, least = float(np.mean(draws < 1)), 1 / draws.size
    if not least < chance < 1 - least:
        return f"below {least:.2g}" if chance < 0.5 else f"above {1 - least:.4g}"
    return f"{chance:.3g}"


def _alt(fitted: Fit) -> str:
    derived = fitted.tree["derived"].dataset
    said = f"ξ against time of the runs {', '.join(constant_runs(fitted))}: they end"
    names = {"unconditional_xi": "without", "steady_conditional_xi": "with"}
    ends = [f"at {float(np.median(derived[n])):.3g} {word} the record" for n, word in names.items() if n in derived]
    return f"{said} {', '.join(ends)}."
